/** Metrics of `highwater watch`: levels, totals of triggers, how far it is. Read at each scrape. */

import { Counter, Gauge, Registry } from 'prom-client'
import { LEVELS } from '../model/reporting.ts'
import type { WatchView } from '../model/watch-view.ts'
import type { WorkerMetrics } from './registry.ts'

type Labels = Readonly<Record<string, string | number>>
type Series = readonly (readonly [Labels, number])[]

interface Collected {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly read: (view: WatchView) => Series
}

/** Triggers that get series of their own; of further ones only sums can be had over HTTP. */
const TRIGGERS_MAX = 200
/** Counts of the funnel that have series. */
const STAGES = [
  ...['decided', 'suppressed', 'holdouts', 'delivered', 'handedOver', 'failed', 'received'],
  ...['responded', 'clicked', 'ordered', 'optedOut', 'complained'],
]

const one = (value: number | null): Series => (value === null ? [] : [[{}, value]])

const METRICS: readonly Collected[] = [
  {
    kind: 'gauge',
    name: 'highwater_watch_level',
    help: 'Level of a measure: 0 good, 1 normal, 2 warning, 3 alarm.',
    labels: ['measure'],
    read: (view) =>
      view.measures().map(({ name, level }) => [{ measure: name }, LEVELS.indexOf(level)]),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_value',
    help: 'Value of a measure: a share, a number of deliveries, or a share of last week.',
    labels: ['measure'],
    read: (view) =>
      view.measures().flatMap(({ name, value }) => {
        return value === null ? [] : [[{ measure: name }, value] as const]
      }),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_funnel',
    help: 'Counts of all days kept, by trigger and stage of the funnel.',
    labels: ['trigger', 'stage'],
    read: (view) =>
      view
        .totals()
        .slice(0, TRIGGERS_MAX)
        .flatMap(({ trigger, counts }) =>
          STAGES.map((stage) => [{ trigger, stage }, counts[stage] ?? 0] as const),
        ),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_segments_today',
    help: 'SMS segments sent and planned today, as of the last look; with a daily maximum only.',
    labels: [],
    read: (view) => one(view.figures().capacitySegments),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_segments_maximum',
    help: 'SMS segments that the platform takes a day.',
    labels: [],
    read: (view) => one(view.figures().capacityMaximum),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_ready',
    help: 'Whether all decisions were folded once and nothing stands in the way: 1 or 0.',
    labels: [],
    read: (view) => one(view.isReady() ? 1 : 0),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_decision_number',
    help: 'Last decision folded, by partition.',
    labels: ['partition'],
    read: (view) => view.partitions().map(({ partition, number }) => [{ partition }, number]),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_decisions_missing',
    help: 'Decisions that OUT no longer held when they were to be read, by partition.',
    labels: ['partition'],
    read: (view) => view.partitions().map(({ partition, missing }) => [{ partition }, missing]),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_look_timestamp_seconds',
    help: 'Instant of the last look, as seconds since the Unix epoch.',
    labels: [],
    read: (view) => {
      const { lookedAtMs } = view.figures()
      return one(lookedAtMs === null ? null : lookedAtMs / 1000)
    },
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_unsaid',
    help: 'Reports, alarms and notices that are decided and not yet said.',
    labels: [],
    read: (view) => one(view.figures().unsaid),
  },
  {
    kind: 'counter',
    name: 'highwater_watch_published_total',
    help: 'Reports and alarms published since the start.',
    labels: [],
    read: (view) => one(view.figures().published),
  },
  {
    kind: 'counter',
    name: 'highwater_watch_notices_total',
    help: 'Messages to people of the operator since the start.',
    labels: [],
    read: (view) => one(view.figures().notices),
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_rows',
    help: 'Rows kept: of counts, and of numbers reached.',
    labels: ['kind'],
    read: (view) => {
      const { rows, cohortRows } = view.figures()
      return [
        [{ kind: 'counts' }, rows],
        [{ kind: 'numbers' }, cohortRows],
      ]
    },
  },
  {
    kind: 'gauge',
    name: 'highwater_watch_numbers_bytes',
    help: 'Memory of the numbers reached.',
    labels: [],
    read: (view) => one(view.figures().cohortBytes),
  },
]

/** Makes the metrics of a watch. */
export function createWatchMetrics(view: WatchView): WorkerMetrics {
  const register = new Registry()
  for (const { kind, name, help, labels, read } of METRICS) {
    const shared = { name, help, labelNames: [...labels], registers: [register] }
    if (kind === 'gauge') {
      new Gauge<string>({
        ...shared,
        collect() {
          this.reset()
          for (const [labelValues, value] of read(view)) this.set({ ...labelValues }, value)
        },
      })
    } else {
      new Counter<string>({
        ...shared,
        collect() {
          this.reset()
          for (const [labelValues, value] of read(view)) this.inc({ ...labelValues }, value)
        },
      })
    }
  }
  return { contentType: register.contentType, render: () => register.metrics() }
}
