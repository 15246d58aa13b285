/**
 * What is measured at the desk of offers on request: of the whole process, since a desk serves all
 * of its partitions.
 */

import { Histogram, type Registry } from 'prom-client'
import { SUPPRESSION_REASONS } from '../model/decision.ts'
import { OFFER_DURATION_BOUNDS_S, type OfferStatistics } from '../model/offer.ts'

/** A metric with at most the label `outcome`. */
export interface OfferMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly label: 'outcome' | null
  readonly readAll: (statistics: OfferStatistics) => readonly (readonly [string, number])[]
}

/** All metrics of the desk but the histogram. */
export const OFFER_METRICS: readonly OfferMetric[] = [
  {
    kind: 'counter',
    name: 'highwater_offers_asked_total',
    help: 'Questions for offers on request, by what they got: offers, none, or busy.',
    label: 'outcome',
    readAll: ({ asked, empty, refusedBusy }) => [
      ['offers', asked - empty],
      ['none', empty],
      ['busy', refusedBusy],
    ],
  },
  {
    kind: 'counter',
    name: 'highwater_offers_accepted_total',
    help: 'Acceptances of offers, by what became of them: accepted, or why not.',
    label: 'outcome',
    readAll: ({ accepted, heldOut, pending, gone, refused }) => [
      ['accepted', accepted],
      ['held-out', heldOut],
      ['pending', pending],
      ['gone', gone],
      ...SUPPRESSION_REASONS.flatMap((reason, code): [string, number][] => {
        const count = refused[code] ?? 0
        return count === 0 ? [] : [[reason, count]]
      }),
    ],
  },
  {
    kind: 'gauge',
    name: 'highwater_offers_rows_waiting',
    help: 'Offers shown that the log does not hold yet; at 10,000 in a partition nothing is shown.',
    label: null,
    readAll: ({ rowsWaiting }) => [['', rowsWaiting]],
  },
  {
    kind: 'counter',
    name: 'highwater_offers_publish_failures_total',
    help: 'Publishes of what was shown or accepted that the log refused or did not answer for.',
    label: null,
    readAll: ({ publishFailures }) => [['', publishFailures]],
  },
]

const DURATION_NAME = 'highwater_offers_duration_seconds'
const DURATION_HELP =
  'Time from the arrival of a question for offers to its answer; what waits for the loop is not in it.'

/** Registers the histogram of durations, read from the desk's own classes at each scrape. */
export function registerOfferDurations(register: Registry, read: () => OfferStatistics): void {
  new ReadHistogram(register, read)
}

/** A histogram whose classes are counted elsewhere. */
class ReadHistogram extends Histogram {
  readonly #read: () => OfferStatistics

  constructor(register: Registry, read: () => OfferStatistics) {
    const buckets = [...OFFER_DURATION_BOUNDS_S]
    super({ name: DURATION_NAME, help: DURATION_HELP, buckets, registers: [register] })
    this.#read = read
  }

  override async get(): ReturnType<Histogram['get']> {
    const { durations, durationSumS } = this.#read()
    const sample = (suffix: string, value: number, labels: { le?: number | string } = {}) => {
      return { metricName: `${DURATION_NAME}_${suffix}`, labels, value }
    }
    let count = 0
    const values = [...durations].map((value, at) => {
      count += value
      return sample('bucket', count, { le: OFFER_DURATION_BOUNDS_S[at] ?? '+Inf' })
    })
    values.push(sample('sum', durationSumS), sample('count', count))
    return {
      name: DURATION_NAME,
      help: DURATION_HELP,
      type: 'histogram',
      aggregator: 'sum',
      values,
    } as Awaited<ReturnType<Histogram['get']>>
  }

  /** What the registry asks for the text exposition. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get()
  }
}
