/** The row of segments. */

import type { RowSpec } from './panel-spec.ts'
import { graph, of } from './panel-spec.ts'

const sumOf = (metric: string): string => `sum by (segment) (${of(metric)})`

/** Who is selected, when, and what runs. */
export const SEGMENTS: RowSpec = {
  title: 'Segments',
  panels: [
    graph('Members', 'Subscribers taken, and candidates, at the last selection.', 'short', [
      { expr: sumOf('highwater_segment_members'), legend: '{{segment}} members' },
      { expr: sumOf('highwater_segment_candidates'), legend: '{{segment}} candidates' },
    ]),
    graph(
      'Selected last',
      'Since the last selection ended in the partition that was slowest; decades where there was none.',
      's',
      [
        {
          expr: `time() - min by (segment) (${of('highwater_segment_selected_timestamp_seconds')})`,
          legend: '{{segment}}',
        },
      ],
    ),
    graph(
      'Selections',
      'Partitions in which one runs; and in all those that ended, that a reload broke off, that were missed.',
      'short',
      [
        { expr: sumOf('highwater_segment_selecting'), legend: '{{segment}} runs' },
        { expr: sumOf('highwater_segment_selections_total'), legend: '{{segment}} ended' },
        {
          expr: sumOf('highwater_segment_selections_aborted_total'),
          legend: '{{segment}} broken off',
        },
        { expr: sumOf('highwater_segment_selections_missed_total'), legend: '{{segment}} missed' },
      ],
    ),
  ],
}
