/** The row of offers on request. Desks are the worker's, not a partition's. */

import type { RowSpec } from './panel-spec.ts'
import { graph, OF_WORKER, rate } from './panel-spec.ts'

const ofDesk = (metric: string, by: string): string =>
  `sum by (${by}) (rate(${metric}${OF_WORKER}[$__rate_interval]))`

const quantile = (share: number): string =>
  `histogram_quantile(${share}, ${ofDesk('highwater_offers_duration_seconds_bucket', 'le')})`

/** Who asks, what is shown, what is taken, how fast. */
export const OFFERS: RowSpec = {
  title: 'Offers on request',
  panels: [
    graph('Asked and shown /s', 'Questions by what they got, and offers shown.', 'short', [
      { expr: ofDesk('highwater_offers_asked_total', 'outcome'), legend: '{{outcome}}' },
      { expr: rate('highwater_shown_total'), legend: 'shown' },
    ]),
    graph('Accepted /s', 'Acceptances by what became of them.', 'short', [
      { expr: ofDesk('highwater_offers_accepted_total', 'outcome'), legend: '{{outcome}}' },
    ]),
    graph('Time to answer', 'From the arrival of a question; most take far less than 5 ms.', 's', [
      { expr: quantile(0.5), legend: 'half of them' },
      { expr: quantile(0.99), legend: '99 %' },
    ]),
    graph(
      'Shown and not in the log yet',
      'At 10,000 in a partition nothing is shown any more; and publishes that failed.',
      'short',
      [
        { expr: `sum(highwater_offers_rows_waiting${OF_WORKER})`, legend: 'waiting' },
        {
          expr: `sum(rate(highwater_offers_publish_failures_total${OF_WORKER}[$__rate_interval]))`,
          legend: 'failures /s',
        },
      ],
    ),
  ],
}
