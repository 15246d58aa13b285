/** The rows below: the long answer of each tile. */

import type { RowSpec } from './panel-spec.ts'
import { BY, OF_WORKER, graph, of, rate, tile } from './panel-spec.ts'

/** What arrives, how far the worker is with it, and what it refuses. */
export const INPUT: RowSpec = {
  title: '3 to 6 Input',
  panels: [
    graph(
      'Messages arriving and applied',
      'Two lines on each other: the worker keeps up. Applied above arriving: it catches up.',
      'short',
      [
        {
          expr: `sum(clamp_min(deriv(${of('highwater_stream_last_sequence')}[$__rate_interval]), 0))`,
          legend: 'arriving',
        },
        { expr: rate('highwater_input_messages_total', 'kind'), legend: 'applied: {{kind}}' },
      ],
    ),
    graph(
      'Usage records /s',
      'Applied, by partition.',
      'short',
      [{ expr: rate('highwater_records_total', 'partition'), legend: '{{partition}}' }],
      { isStacked: true },
    ),
    graph('Input bytes /s', 'Applied.', 'Bps', [
      { expr: rate('highwater_input_bytes_total'), legend: 'input' },
    ]),
    graph('Unread input', 'Messages in the stream and not applied, by partition.', 'short', [
      { expr: of('highwater_lag_sequences'), legend: '{{partition}}' },
    ]),
    graph(
      'Log clock behind the worker’s',
      'With unread input: how late decisions are. Without: the partition is idle, or its ticks do not arrive.',
      's',
      [{ expr: of('highwater_lag_seconds'), legend: '{{partition}}' }],
    ),
    graph(
      'Retention that is unread',
      'Of what the input stream still holds. Usage gets lost at 100 % of a stream that has begun to remove messages.',
      'percentunit',
      [
        {
          expr: `${of('highwater_lag_sequences')} / (${of('highwater_stream_last_sequence')} - ${of('highwater_stream_first_sequence')} + 1)`,
          legend: '{{partition}}',
        },
      ],
    ),
    graph(
      'Rejected by reason',
      'Whole messages in the reject stream, which names producer and place.',
      'short',
      [{ expr: rate('highwater_rejects_total', 'reason'), legend: '{{reason}}' }],
      { isStacked: true },
    ),
    graph('Records refused one by one', 'Because of their event time.', 'short', [
      { expr: rate('highwater_records_refused_total', 'reason'), legend: '{{reason}}' },
      { expr: rate('highwater_records_late_for_window_total'), legend: 'late for their window' },
    ]),
    graph(
      'Repeats and profile rows',
      'Repeats change nothing; many of them: a producer does not see its acknowledgements. Without profile rows no tag changes.',
      'short',
      [
        { expr: rate('highwater_duplicate_batches_total'), legend: 'repeated batches' },
        { expr: rate('highwater_producer_gaps_total'), legend: 'messages that never came' },
        { expr: rate('highwater_profile_rows_total'), legend: 'profile rows' },
        { expr: rate('highwater_subscribers_erased_total'), legend: 'subscribers erased' },
      ],
    ),
  ],
}

/** From candidates to deliveries and suppressions. */
export const DECISIONS: RowSpec = {
  title: '7 to 10 Decisions',
  panels: [
    graph(
      'From candidate to delivery',
      'Candidates are decided at once or when their time comes, so the lines may be apart for hours.',
      'short',
      [
        { expr: rate('highwater_candidates_total'), legend: 'candidates' },
        { expr: rate('highwater_decisions_total'), legend: 'decisions' },
        { expr: rate('highwater_deliveries_total'), legend: 'deliveries' },
        { expr: rate('highwater_holdouts_total'), legend: 'held out' },
        { expr: rate('highwater_canaries_total'), legend: 'to canaries' },
        { expr: rate('highwater_direct_sends_total', 'purpose'), legend: '{{purpose}}' },
      ],
    ),
    graph(
      'Suppressed by reason',
      'Every no has a reason.',
      'short',
      [{ expr: rate('highwater_suppressed_total', 'reason'), legend: '{{reason}}' }],
      { isStacked: true },
    ),
    graph(
      'Waiting for their time, and timers fired /s',
      'Many waiting and none fired while the contact window is open: the log’s clock stands.',
      'short',
      [
        { expr: `sum(${of('highwater_pending_timers')})`, legend: 'waiting' },
        { expr: rate('highwater_timers_fired_total'), legend: 'fired /s' },
      ],
    ),
    graph(
      'What became of deliveries',
      'As far as it is said: receipts of triggers that ask for them, and what customers do.',
      'short',
      [
        { expr: rate('highwater_outcomes_total', 'what'), legend: '{{what}}' },
        { expr: rate('highwater_feedback_repeats_total'), legend: 'said before' },
        { expr: rate('highwater_questions_total'), legend: 'questions' },
      ],
    ),
    graph('Deliveries by trigger', 'Per second, the 20 busiest.', 'short', [
      {
        expr: `topk(20, ${rate('highwater_trigger_deliveries_total', 'trigger')})`,
        legend: '{{trigger}}',
      },
    ]),
    graph('Suppressed by trigger', 'Per second, the 20 busiest.', 'short', [
      {
        expr: `topk(20, ${rate('highwater_trigger_suppressed_total', 'trigger')})`,
        legend: '{{trigger}}',
      },
    ]),
    {
      title: 'Triggers, last 24 h',
      description:
        'Candidates and no deliveries: suppressed or waiting. No candidates: nobody crossed the line, or its condition is wrong.',
      type: 'table',
      width: 8,
      height: 8,
      unit: 'short',
      queries: [
        {
          expr: `sum by (trigger) (increase(highwater_trigger_candidates_total${BY}[24h]))`,
          legend: 'candidates',
        },
        {
          expr: `sum by (trigger) (increase(highwater_trigger_deliveries_total${BY}[24h]))`,
          legend: 'deliveries',
        },
        {
          expr: `sum by (trigger) (increase(highwater_trigger_suppressed_total${BY}[24h]))`,
          legend: 'suppressed',
        },
      ],
    },
  ],
}

/** What gets into the output streams. */
export const OUTPUT: RowSpec = {
  title: '11 Output',
  panels: [
    graph('Outbox', 'Decisions made and not acknowledged, by partition.', 'short', [
      { expr: of('highwater_outbox_decisions'), legend: '{{partition}}' },
    ]),
    graph(
      'Decisions made and acknowledged /s',
      'Acknowledged at zero: the output is blocked.',
      'short',
      [
        {
          expr: `sum(clamp_min(deriv(${of('highwater_decision_number')}[$__rate_interval]), 0))`,
          legend: 'made',
        },
        {
          expr: `sum(clamp_min(deriv(${of('highwater_acknowledged_decision_number')}[$__rate_interval]), 0))`,
          legend: 'acknowledged',
        },
      ],
    ),
    graph('Output messages and bytes /s', 'Acknowledged by the output streams.', 'short', [
      { expr: rate('highwater_output_messages_total'), legend: 'messages' },
      { expr: rate('highwater_output_bytes_total'), legend: 'bytes' },
      { expr: rate('highwater_output_refusals_total'), legend: 'refused or unanswered' },
    ]),
    graph(
      'Standbys: silence of the owner',
      'How long an owner has owed something and said nothing; messages that its standby has to compare.',
      's',
      [
        { expr: of('highwater_standby_owner_silent_seconds'), legend: '{{partition}} silent' },
        { expr: of('highwater_standby_unread_messages'), legend: '{{partition}} unread messages' },
      ],
    ),
  ],
}

/** What a restart would cost, and which configuration is in force. */
export const STATE: RowSpec = {
  title: 'State, checkpoints, configuration',
  panels: [
    graph('Checkpoint age', 'By partition; since the start of the worker before the first.', 's', [
      { expr: of('highwater_checkpoint_age_seconds'), legend: '{{partition}}' },
    ]),
    graph('Checkpoint duration', 'Of the last one, by partition.', 's', [
      { expr: of('highwater_checkpoint_duration_seconds'), legend: '{{partition}}' },
    ]),
    graph('Checkpoints, and messages to replay', 'What a restart would read again.', 'short', [
      {
        expr: `sum(increase(highwater_checkpoints_total${BY}[$__rate_interval]))`,
        legend: 'committed',
      },
      {
        expr: `sum(increase(highwater_checkpoint_failures_total${BY}[$__rate_interval]))`,
        legend: 'failed',
      },
      {
        expr: `sum(increase(highwater_compaction_failures_total${BY}[$__rate_interval]))`,
        legend: 'not rid of what was erased',
      },
      {
        expr: `sum(${of('highwater_applied_sequence')} - ${of('highwater_checkpoint_sequence')})`,
        legend: 'messages to replay',
      },
    ]),
    graph('State and store', 'In memory, and on disk.', 'bytes', [
      { expr: `sum(${of('highwater_state_bytes')})`, legend: 'state' },
      { expr: `sum(${of('highwater_store_bytes')})`, legend: 'store' },
    ]),
    graph(
      'Subscribers',
      'Known, by partition.',
      'short',
      [{ expr: of('highwater_subscribers'), legend: '{{partition}}' }],
      { isStacked: true },
    ),
    graph(
      'Configuration generation and epoch',
      'Generations differ: a change has not reached all. The epoch grows with every change of owner.',
      'short',
      [
        { expr: of('highwater_config_generation'), legend: 'generation {{partition}}' },
        { expr: of('highwater_epoch'), legend: 'epoch {{partition}}' },
      ],
    ),
  ],
}

/** The Node process. */
export const PROCESS: RowSpec = {
  title: 'Process',
  panels: [
    graph('Memory', 'A checkpoint may take twice the state.', 'bytes', [
      { expr: `process_resident_memory_bytes${OF_WORKER}`, legend: '{{instance}} resident' },
      { expr: `nodejs_heap_size_used_bytes${OF_WORKER}`, legend: '{{instance}} heap' },
      { expr: `nodejs_external_memory_bytes${OF_WORKER}`, legend: '{{instance}} external' },
    ]),
    graph('CPU', 'Cores in use.', 'short', [
      {
        expr: `rate(process_cpu_seconds_total${OF_WORKER}[$__rate_interval])`,
        legend: '{{instance}}',
      },
    ]),
    graph('Event loop lag', '99th percentile since the last scrape.', 's', [
      { expr: `nodejs_eventloop_lag_p99_seconds${OF_WORKER}`, legend: '{{instance}}' },
    ]),
    {
      title: 'What runs',
      description: 'Version of the engine and of Node, by worker.',
      type: 'table',
      width: 16,
      height: 6,
      unit: 'short',
      queries: [
        { expr: `highwater_build_info${OF_WORKER}`, legend: '{{instance}} {{version}} {{node}}' },
      ],
    },
    tile(
      'Triggers without metrics',
      'Beyond the limit of trigger labels; the totals count them.',
      `sum(highwater_trigger_labels_dropped${OF_WORKER})`,
      { width: 4, height: 6, limits: [1, 1_000] },
    ),
    tile(
      'Running since',
      'Start of the youngest worker. Since the deliveries stopped?',
      `time() - max(process_start_time_seconds${OF_WORKER})`,
      { width: 4, height: 6, unit: 's' },
    ),
  ],
}
