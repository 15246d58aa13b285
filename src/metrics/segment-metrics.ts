/** What is measured of segments: one series per partition and segment; they add up. */

import type { SegmentView } from '../model/selection.ts'

/** A metric with the labels `partition` and `segment`; 0 before the first selection. */
export interface SegmentMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly read: (view: SegmentView) => number
}

/** All metrics of segments. */
export const SEGMENT_METRICS: readonly SegmentMetric[] = [
  {
    kind: 'gauge',
    name: 'highwater_segment_candidates',
    help: 'Subscribers who matched and had a score when the segment was selected last.',
    read: ({ last }) => last?.candidates ?? 0,
  },
  {
    kind: 'gauge',
    name: 'highwater_segment_members',
    help: 'Subscribers who were taken when the segment was selected last.',
    read: ({ last }) => last?.taken ?? 0,
  },
  {
    kind: 'gauge',
    name: 'highwater_segment_selected_timestamp_seconds',
    help: 'When the last selection of the segment ended, by the clock of the partition; 0: there was none.',
    read: ({ last }) => (last === null ? 0 : last.endMs / 1000),
  },
  {
    kind: 'gauge',
    name: 'highwater_segment_selecting',
    help: 'Whether a selection of the segment is under way: 0 or 1.',
    read: ({ phase }) => (phase === 'idle' ? 0 : 1),
  },
  {
    kind: 'counter',
    name: 'highwater_segment_selections_total',
    help: 'Selections of the segment that ended.',
    read: ({ selectedCount }) => selectedCount,
  },
  {
    kind: 'counter',
    name: 'highwater_segment_selections_aborted_total',
    help: 'Selections of the segment that a reload broke off; they begin again unless it is gone.',
    read: ({ abortedCount }) => abortedCount,
  },
  {
    kind: 'counter',
    name: 'highwater_segment_selections_missed_total',
    help: 'Times of the schedule that passed without a selection of their own while nothing ran.',
    read: ({ missedCount }) => missedCount,
  },
]
