/** The rows that answer whether and where something stopped. */

import type { RowSpec } from './panel-spec.ts'
import { BY, OF_WORKER, graph, of, rate, tile } from './panel-spec.ts'

/** Along the path of the data: the first tile that is not as usual names the cause. */
export const WHY: RowSpec = {
  title:
    'Why did deliveries stop? From left to right, the first tile that is not as usual names the cause',
  panels: [
    tile(
      '1 Workers down',
      'That do not answer their scrapes: their partitions stand still.',
      `count(up${OF_WORKER}) - sum(up${OF_WORKER})`,
      { limits: [1, 1] },
    ),
    tile(
      '2 Partitions not live',
      'Halted, recovering, draining or stopped partitions decide nothing. Below: "Status", "Halted because".',
      `count(${of('highwater_partition_status', 'status="live"')}) - sum(${of('highwater_partition_status', 'status="live"')})`,
      { limits: [1, 1] },
    ),
    tile(
      '3 Messages arriving /s',
      'What producers put into the input streams. Zero: look at the probes, or the streams are full and refuse.',
      `sum(clamp_min(deriv(${of('highwater_stream_last_sequence')}[$__rate_interval]), 0))`,
      { isRedAtZero: true },
    ),
    tile(
      '4 Unread messages, worst',
      'Arrived and not applied. High and growing: the worker is too slow, or the output holds it back.',
      `max(${of('highwater_lag_sequences')})`,
      { limits: [10_000, 100_000] },
    ),
    tile(
      '5 Rejected messages /s',
      'Whole messages that were not understood. Below: "Rejected by reason".',
      rate('highwater_rejects_total'),
      { limits: [0.01, 1] },
    ),
    tile(
      '6 Usage records /s',
      'Records applied. Zero while messages arrive: see 4 and 5.',
      rate('highwater_records_total'),
      { isRedAtZero: true },
    ),
    tile(
      '7 Candidates /s',
      'Conditions that came true. Zero while records flow: was the configuration changed, or do profiles (tags) stay away?',
      rate('highwater_candidates_total'),
      { isRedAtZero: true },
    ),
    tile(
      '8 Share suppressed',
      'Of all decisions. 100 %: "Suppressed by reason" names the rule.',
      `sum(rate(highwater_suppressed_total${BY}[$__rate_interval])) / (sum(rate(highwater_decisions_total${BY}[$__rate_interval])) > 0 or vector(1))`,
      { unit: 'percentunit', limits: [0.9, 1] },
    ),
    tile(
      '9 Waiting for their time',
      'Scheduled and deferred deliveries: at night a stop is most often this, and they go out when the contact window opens.',
      `sum(${of('highwater_pending_timers')})`,
      {},
    ),
    tile(
      '10 Log clock behind, worst',
      'The clock that timers follow. Far behind with nothing unread: ticks do not arrive, and what waits (9) never comes due.',
      `max(${of('highwater_lag_seconds')})`,
      { unit: 's', limits: [60, 300] },
    ),
    tile(
      '11 Outbox',
      'Decisions that the output stream has not acknowledged. Growing: the stream is full or cannot be reached.',
      `sum(${of('highwater_outbox_decisions')})`,
      { limits: [10_000, 100_000] },
    ),
    tile(
      '12 Deliveries /s',
      'Decided deliveries; the end of the path.',
      rate('highwater_deliveries_total'),
      { isRedAtZero: true },
    ),
    tile(
      'Deliveries, last 24 h',
      'To tell a stop from a quiet hour.',
      `sum(increase(highwater_deliveries_total${BY}[24h]))`,
      {},
    ),
    tile(
      'Configuration age',
      'Since the last successful load. Young: did the change stop the deliveries?',
      `time() - max(highwater_config_last_reload_success_timestamp_seconds${OF_WORKER})`,
      { unit: 's' },
    ),
    tile(
      'Last reload',
      'A failed reload leaves the old configuration running.',
      `min(highwater_config_last_reload_successful${OF_WORKER})`,
      {
        isRedAtZero: true,
        words: { 0: { text: 'failed', color: 'red' }, 1: { text: 'ok', color: 'green' } },
      },
    ),
    tile(
      'Oldest checkpoint',
      'Nothing stops because of it, but a restart replays what came since.',
      `max(${of('highwater_checkpoint_age_seconds')})`,
      { unit: 's', limits: [300, 600] },
    ),
  ],
}

/** Which partitions decide, and why the others do not. */
export const STATUS: RowSpec = {
  title: '1 and 2 Status',
  panels: [
    {
      title: 'Status',
      description: 'One line per partition.',
      type: 'state-timeline',
      width: 12,
      height: 8,
      unit: 'short',
      queries: [
        {
          expr: [
            `1 * ${of('highwater_partition_status', 'status="live"')}`,
            `2 * ${of('highwater_partition_status', 'status="recovering"')}`,
            `3 * ${of('highwater_partition_status', 'status="draining"')}`,
            `4 * ${of('highwater_partition_status', 'status="halted"')}`,
            `5 * ${of('highwater_partition_status', 'status="stopped"')}`,
            `6 * ${of('highwater_partition_status', 'status="standby"')}`,
          ].join(' + ignoring (status) '),
          legend: '{{instance}} {{partition}}',
        },
      ],
      words: {
        1: { text: 'live', color: 'green' },
        2: { text: 'recovering', color: 'yellow' },
        3: { text: 'draining', color: 'blue' },
        4: { text: 'halted', color: 'red' },
        5: { text: 'stopped', color: 'text' },
        6: { text: 'standby', color: 'purple' },
      },
    },
    graph(
      'Halted because',
      'Number of partitions halted for each reason; the worker’s /-/ready shows the whole message.',
      'short',
      [
        {
          expr: `sum by (reason) (highwater_partition_halted${BY})`,
          legend: '{{reason}}',
        },
      ],
      { width: 12 },
    ),
  ],
}
