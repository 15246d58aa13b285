/** The row of journeys. */

import type { RowSpec } from './panel-spec.ts'
import { graph, of } from './panel-spec.ts'

const rateOf = (matchers: string, by: string): string =>
  `sum by (${by}) (rate(${of('highwater_journey_events_total', matchers)}[$__rate_interval]))`

/** Who is inside, and what happens to them. */
export const JOURNEYS: RowSpec = {
  title: 'Journeys',
  panels: [
    graph('Inside', 'Subscribers who are in the journey now, held-out ones among them.', 'short', [
      { expr: `sum by (journey) (${of('highwater_journey_members')})`, legend: '{{journey}}' },
    ]),
    graph('Entered /s, and how they end', 'Without those held out.', 'short', [
      { expr: rateOf('arm="treated"', 'journey, event'), legend: '{{journey}} {{event}}' },
    ]),
    graph(
      'Goal met, of those who entered',
      'Treated against held out: in the running hour, so only as a hint.',
      'percentunit',
      [
        {
          expr: `${hourly('goal')} / (${hourly('entered')} > 0)`,
          legend: '{{journey}} {{arm}}',
        },
      ],
    ),
  ],
}

function hourly(event: string): string {
  const selected = of('highwater_journey_events_total', `event="${event}"`)
  return `sum by (journey, arm) (increase(${selected}[1h]))`
}
