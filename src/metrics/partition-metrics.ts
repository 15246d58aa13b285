/**
 * What is measured of a partition: one table from which the registry makes its metrics. Names,
 * units and `_total` suffixes follow the Prometheus conventions (`promtool check metrics` is a
 * test).
 */

import { REJECT_REASONS } from '../model/reject.ts'
import type { PartitionView } from '../model/view.ts'
import { DECISION_METRICS } from './decision-metrics.ts'
import { HALT_LABELS, haltLabel } from './halt-labels.ts'

/** Label value and number of one series. */
export type LabelledValue = readonly [labelValue: string, value: number]

/**
 * A metric with the label `partition`. With `label` null, `read` gives the one value of the
 * partition, or null when it is not known (no series then); otherwise all values of that further
 * label, always the same ones, zeros included, so that rates and alerts have data from the first
 * scrape.
 */
export type PartitionMetric = {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
} & (
  | { readonly label: null; readonly read: (view: PartitionView) => number | null }
  | { readonly label: string; readonly readAll: (view: PartitionView) => readonly LabelledValue[] }
)

const STATUSES: readonly PartitionView['status'][] = [
  'recovering',
  'standby',
  'live',
  'draining',
  'halted',
  'stopped',
]

/** Input messages that the stream holds and the partition has not applied; 0 at least. */
export function lagSequences(view: PartitionView): number {
  return Math.max(0, view.streamLastSequence - view.appliedSequence)
}

const oneHot = (labels: readonly string[], chosen: string | null): LabelledValue[] =>
  labels.map((label) => [label, label === chosen ? 1 : 0])

const byPosition = (labels: readonly string[], counts: Float64Array): LabelledValue[] =>
  labels.map((label, index) => [label, counts[index] ?? 0])

const INPUT_METRICS: readonly PartitionMetric[] = [
  {
    kind: 'counter',
    name: 'highwater_input_messages_total',
    help: 'Messages of the input stream applied, replay after a start included, by kind of subject.',
    label: 'kind',
    readAll: ({ statistics: { inputMessages } }) => [
      ['usage', inputMessages.usage],
      ['profile', inputMessages.profile],
      ['feedback', inputMessages.feedback],
      ['control', inputMessages.control],
    ],
  },
  {
    kind: 'counter',
    name: 'highwater_input_bytes_total',
    help: 'Bytes of input messages applied.',
    label: null,
    read: ({ statistics }) => statistics.inputBytes,
  },
  {
    kind: 'counter',
    name: 'highwater_records_total',
    help: 'Usage records applied, replay after a start included.',
    label: null,
    read: ({ statistics }) => statistics.records,
  },
  {
    kind: 'counter',
    name: 'highwater_records_refused_total',
    help: 'Usage records refused one by one because of their event time.',
    label: 'reason',
    readAll: ({ statistics }) => [
      ['too-late', statistics.recordsTooLate],
      ['too-early', statistics.recordsTooEarly],
    ],
  },
  {
    kind: 'counter',
    name: 'highwater_records_late_for_window_total',
    help: 'Usage records counted only in longer windows because some counter no longer keeps theirs.',
    label: null,
    read: ({ statistics }) => statistics.recordsLateForWindow,
  },
  {
    kind: 'counter',
    name: 'highwater_duplicate_batches_total',
    help: 'Batches recognised as repeats, which changed nothing.',
    label: null,
    read: ({ statistics }) => statistics.duplicateBatches,
  },
  {
    kind: 'counter',
    name: 'highwater_producer_gaps_total',
    help: 'Sequence numbers of producers that were passed over and can no longer come: skipped, refused or lost.',
    label: null,
    read: ({ statistics }) => statistics.producerGaps,
  },
  {
    kind: 'counter',
    name: 'highwater_profile_rows_total',
    help: 'Profile rows applied.',
    label: null,
    read: ({ statistics }) => statistics.profileRows,
  },
  {
    kind: 'counter',
    name: 'highwater_subscribers_erased_total',
    help: 'Subscribers forgotten by erasures that knew them, replay after a start included.',
    label: null,
    read: ({ statistics }) => statistics.subscribersErased,
  },
  {
    kind: 'counter',
    name: 'highwater_rejects_total',
    help: 'Whole input messages refused into the reject stream, by reason.',
    label: 'reason',
    readAll: ({ statistics }) => byPosition(REJECT_REASONS, statistics.rejects),
  },
  {
    kind: 'gauge',
    name: 'highwater_stream_first_sequence',
    help: 'Oldest sequence that the input stream still holds.',
    label: null,
    read: (view) => view.streamFirstSequence ?? null,
  },
  {
    kind: 'gauge',
    name: 'highwater_stream_last_sequence',
    help: 'Last sequence of the input stream, as far as the worker knows.',
    label: null,
    read: (view) => view.streamLastSequence,
  },
  {
    kind: 'gauge',
    name: 'highwater_stream_bytes',
    help: 'Bytes that the input stream holds.',
    label: null,
    read: (view) => view.streamSize ?? null,
  },
  {
    kind: 'gauge',
    name: 'highwater_stream_max_bytes',
    help: 'Bytes that the input stream may hold before it refuses; absent where it has no limit.',
    label: null,
    read: (view) => view.streamSizeMax ?? null,
  },
  {
    kind: 'gauge',
    name: 'highwater_applied_sequence',
    help: 'Last input sequence applied.',
    label: null,
    read: (view) => view.appliedSequence,
  },
  {
    kind: 'gauge',
    name: 'highwater_lag_sequences',
    help: 'Input messages in the stream that are not applied yet.',
    label: null,
    read: lagSequences,
  },
  {
    kind: 'gauge',
    name: 'highwater_lag_seconds',
    help: "Worker's clock minus the partition's clock; without meaning where the clock is virtual.",
    label: null,
    read: (view) => view.lagMs / 1000,
  },
  {
    kind: 'gauge',
    name: 'highwater_clock_timestamp_seconds',
    help: "The partition's clock, which is the log's, as seconds since the Unix epoch.",
    label: null,
    read: (view) => view.clockMs / 1000,
  },
]

const OUTPUT_METRICS: readonly PartitionMetric[] = [
  {
    kind: 'counter',
    name: 'highwater_output_messages_total',
    help: 'Messages of decisions that the output stream has acknowledged.',
    label: null,
    read: ({ statistics }) => statistics.outputMessages,
  },
  {
    kind: 'counter',
    name: 'highwater_output_bytes_total',
    help: 'Bytes of those messages.',
    label: null,
    read: ({ statistics }) => statistics.outputBytes,
  },
  {
    kind: 'counter',
    name: 'highwater_output_refusals_total',
    help: 'Publishes of decisions that the output refused as full, or did not answer for.',
    label: null,
    read: ({ statistics }) => statistics.outputRefusals,
  },
  {
    kind: 'gauge',
    name: 'highwater_outbox_decisions',
    help: 'Decisions made that the output stream has not acknowledged.',
    label: null,
    read: (view) => view.outboxDecisions,
  },
  {
    kind: 'gauge',
    name: 'highwater_decision_number',
    help: 'Number of the last decision made.',
    label: null,
    read: (view) => view.decisionNumber,
  },
  {
    kind: 'gauge',
    name: 'highwater_acknowledged_decision_number',
    help: 'Number of the last decision that the output stream has acknowledged.',
    label: null,
    read: (view) => view.acknowledgedDecisionNumber,
  },
  {
    kind: 'gauge',
    name: 'highwater_standby_unread_messages',
    help: 'Messages of the output stream that a standby has not compared yet; 0 for an owner.',
    label: null,
    read: (view) => view.outputUnreadMessages,
  },
  {
    kind: 'gauge',
    name: 'highwater_standby_owner_silent_seconds',
    help: 'How long the owner that a standby follows has owed something and said nothing.',
    label: null,
    read: (view) => view.ownerSilentMs / 1000,
  },
  {
    kind: 'gauge',
    name: 'highwater_epoch',
    help: "The owner's epoch: sequence of its claim in the output stream.",
    label: null,
    read: (view) => view.epoch,
  },
]

const STATE_METRICS: readonly PartitionMetric[] = [
  {
    kind: 'counter',
    name: 'highwater_checkpoints_total',
    help: 'Checkpoints committed.',
    label: null,
    read: ({ statistics }) => statistics.checkpoints,
  },
  {
    kind: 'counter',
    name: 'highwater_checkpoint_failures_total',
    help: 'Checkpoints begun and not committed.',
    label: null,
    read: ({ statistics }) => statistics.checkpointFailures,
  },
  {
    kind: 'gauge',
    name: 'highwater_erasure_residue',
    help: 'Whether the file of the store may still hold erased subscribers: 1 until it is rewritten.',
    label: null,
    read: (view) => (view.hasErasureResidue ? 1 : 0),
  },
  {
    kind: 'counter',
    name: 'highwater_compaction_failures_total',
    help: 'Times that the file of the store could not be rewritten without erased subscribers.',
    label: null,
    read: ({ statistics }) => statistics.compactionFailures,
  },
  {
    kind: 'gauge',
    name: 'highwater_checkpoint_duration_seconds',
    help: 'How long the last committed checkpoint took; 0 before the first.',
    label: null,
    read: (view) => view.checkpointDurationMs / 1000,
  },
  {
    kind: 'gauge',
    name: 'highwater_checkpoint_sequence',
    help: 'Input sequence at which the last committed checkpoint stands; replay starts after it.',
    label: null,
    read: (view) => view.checkpointSequence,
  },
  {
    kind: 'gauge',
    name: 'highwater_state_bytes',
    help: 'Memory held by the state: pages, index and side tables.',
    label: null,
    read: (view) => view.stateBytes,
  },
  {
    kind: 'gauge',
    name: 'highwater_store_bytes',
    help: "Size of the partition's LMDB environment on disk.",
    label: null,
    read: (view) => view.storeBytes,
  },
  {
    kind: 'gauge',
    name: 'highwater_subscribers',
    help: 'Subscribers that the state knows.',
    label: null,
    read: (view) => view.subscriberCount,
  },
  {
    kind: 'gauge',
    name: 'highwater_config_generation',
    help: 'Generation of the configuration in force.',
    label: null,
    read: (view) => view.configGeneration,
  },
  {
    kind: 'gauge',
    name: 'highwater_partition_status',
    help: 'Status of the partition: 1 for the one it is in, 0 for all others.',
    label: 'status',
    readAll: (view) => oneHot(STATUSES, view.status),
  },
  {
    kind: 'gauge',
    name: 'highwater_partition_halted',
    help: 'Why the partition is halted: 1 for the reason, 0 for all others.',
    label: 'reason',
    readAll: (view) => oneHot(HALT_LABELS, haltLabel(view)),
  },
]

/** All metrics of a partition but the age of its checkpoint and those per trigger. */
export const PARTITION_METRICS: readonly PartitionMetric[] = [
  ...INPUT_METRICS,
  ...DECISION_METRICS,
  ...OUTPUT_METRICS,
  ...STATE_METRICS,
]
