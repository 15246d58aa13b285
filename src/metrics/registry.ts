/**
 * The one metrics registry of a worker. Nothing is counted here: the main path keeps plain numbers,
 * and a scrape reads them (an `inc()` costs 300 to 800 ns, too much for any path that sees a
 * record).
 */

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Clock } from '../model/ports.ts'
import { emptyOfferStatistics, type OfferStatistics } from '../model/offer.ts'
import type { PartitionView, TriggerStatistics, WorkerView } from '../model/view.ts'
import { CHANNEL_METRICS } from './channel-metrics.ts'
import { OFFER_METRICS, registerOfferDurations } from './offer-metrics.ts'
import type { PartitionMetric } from './partition-metrics.ts'
import { PARTITION_METRICS } from './partition-metrics.ts'
import { JOURNEY_METRICS } from './journey-metrics.ts'
import { SEGMENT_METRICS } from './segment-metrics.ts'
import { TRIGGER_LABELS_MAX, TriggerLabels } from './trigger-labels.ts'

/** What the HTTP server needs to answer a scrape. */
export interface WorkerMetrics {
  /** Value of the Content-Type header that goes with `render`. */
  readonly contentType: string
  /** The text exposition, read from the view now. Rejects when the view throws. */
  readonly render: () => Promise<string>
}

/** What `createMetrics` may be told. */
export interface MetricsOptions {
  /** Trigger ids that may become label values, 0 or more; default 200. */
  readonly triggerLabelsMax?: number
  /** The worker's clock, for ages; default the machine's. */
  readonly clock?: Clock
  /**
   * Node's own metrics (memory, event loop, garbage collection), once per process; default true.
   */
  readonly isProcessIncluded?: boolean
  /** Counts of the desk of offers on request; absent: there is none. */
  readonly offers?: () => OfferStatistics
}

/**
 * What one scrape reads. All collectors of a scrape run in one step, so it is one point in time.
 */
interface Scrape {
  readonly nowMs: number
  readonly partitions: readonly PartitionView[]
}

/**
 * Node metrics of the client whose names break the conventions that `promtool check metrics` holds.
 */
export const NONCONFORMING_METRICS: readonly string[] = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
]

/** Makes the metrics of `view`: `highwater_*` with the label `partition`, and Node's own. */
export function createMetrics(view: WorkerView, options: MetricsOptions = {}): WorkerMetrics {
  const register = new Registry()
  const clock = options.clock ?? { nowMs: Date.now }
  const triggerLabels = new TriggerLabels(options.triggerLabelsMax ?? TRIGGER_LABELS_MAX)
  const startedAtMs = clock.nowMs()
  let scrape: Scrape = { nowMs: startedAtMs, partitions: [] }
  const read = (): Scrape => scrape

  for (const metric of PARTITION_METRICS) registerPartitionMetric(register, metric, read)
  registerCheckpointAge(register, read, startedAtMs)
  registerChannelMetrics(register, read)
  registerJourneyMetrics(register, read)
  registerSegmentMetrics(register, read)
  registerTriggerMetrics(register, triggerLabels, read)
  registerOfferMetrics(register, options.offers ?? emptyOfferStatistics)
  registerWorkerMetrics(register, view)
  if (options.isProcessIncluded ?? true) {
    collectDefaultMetrics({ register })
    for (const name of NONCONFORMING_METRICS) register.removeSingleMetric(name)
  }
  return {
    contentType: register.contentType,
    render: async () => {
      scrape = { nowMs: clock.nowMs(), partitions: view.partitions() }
      triggerLabels.update(scrape.partitions)
      return register.metrics()
    },
  }
}

function registerPartitionMetric(
  register: Registry,
  metric: PartitionMetric,
  read: () => Scrape,
): void {
  const labelNames = metric.label === null ? ['partition'] : ['partition', metric.label]
  const write = (add: (labels: Record<string, string | number>, value: number) => void) => {
    for (const view of read().partitions) {
      const { partition } = view
      if (metric.label === null) {
        const value = metric.read(view)
        if (value !== null) add({ partition }, value)
      } else {
        for (const [label, value] of metric.readAll(view)) {
          add({ partition, [metric.label]: label }, value)
        }
      }
    }
  }
  const { name, help } = metric
  registerCollected(register, { kind: metric.kind, name, help, labelNames, write })
}

/**
 * Before the first checkpoint of a partition the age counts from the worker's start: a worker that
 * never manages a checkpoint must raise the same alarm as one that stopped making them.
 */
function registerCheckpointAge(register: Registry, read: () => Scrape, startedAtMs: number): void {
  registerCollected(register, {
    kind: 'gauge',
    name: 'highwater_checkpoint_age_seconds',
    help: "Time since the last committed checkpoint, or since the worker's start before the first.",
    labelNames: ['partition'],
    write: (add) => {
      const { nowMs, partitions } = read()
      for (const { partition, checkpointAtMs } of partitions) {
        add({ partition }, Math.max(0, nowMs - (checkpointAtMs ?? startedAtMs)) / 1000)
      }
    },
  })
}

function registerChannelMetrics(register: Registry, read: () => Scrape): void {
  for (const { name, help, labelNames, readAll } of CHANNEL_METRICS) {
    registerCollected(register, {
      kind: 'gauge',
      name,
      help,
      labelNames,
      write: (add) => {
        for (const view of read().partitions) {
          const { partition } = view
          for (const [labels, value] of readAll(view)) add({ partition, ...labels }, value)
        }
      },
    })
  }
}

function registerJourneyMetrics(register: Registry, read: () => Scrape): void {
  for (const { kind, name, help, labelNames, readAll } of JOURNEY_METRICS) {
    registerCollected(register, {
      kind,
      name,
      help,
      labelNames: ['partition', 'journey', ...labelNames],
      write: (add) => {
        for (const { partition, journeys } of read().partitions) {
          for (const view of journeys) {
            const { journey } = view
            for (const [labels, value] of readAll(view))
              add({ partition, journey, ...labels }, value)
          }
        }
      },
    })
  }
}

function registerSegmentMetrics(register: Registry, read: () => Scrape): void {
  for (const metric of SEGMENT_METRICS) {
    const { kind, name, help } = metric
    registerCollected(register, {
      kind,
      name,
      help,
      labelNames: ['partition', 'segment'],
      write: (add) => {
        for (const { partition, segments } of read().partitions) {
          for (const view of segments) {
            add({ partition, segment: view.segment }, metric.read(view))
          }
        }
      },
    })
  }
}

function registerOfferMetrics(register: Registry, read: () => OfferStatistics): void {
  for (const { kind, name, help, label, readAll } of OFFER_METRICS) {
    registerCollected(register, {
      kind,
      name,
      help,
      labelNames: label === null ? [] : [label],
      write: (add) => {
        for (const [value, count] of readAll(read())) {
          add(label === null ? {} : { [label]: value }, count)
        }
      },
    })
  }
  registerOfferDurations(register, read)
}

function registerTriggerMetrics(
  register: Registry,
  triggerLabels: TriggerLabels,
  read: () => Scrape,
): void {
  const registerOne = (
    name: string,
    help: string,
    count: (trigger: TriggerStatistics) => number,
  ): void =>
    registerCollected(register, {
      kind: 'counter',
      name,
      help,
      labelNames: ['partition', 'trigger'],
      write: (add) => {
        for (const { partition, triggers } of read().partitions) {
          for (const trigger of triggers) {
            if (triggerLabels.has(trigger.id)) {
              add({ partition, trigger: trigger.id }, count(trigger))
            }
          }
        }
      },
    })
  registerOne('highwater_trigger_candidates_total', 'Candidates, by trigger.', (t) => t.candidates)
  registerOne('highwater_trigger_deliveries_total', 'Deliveries, by trigger.', (t) => t.deliveries)
  registerOne('highwater_trigger_suppressed_total', 'Suppressed, by trigger.', (t) => t.suppressed)
  registerCollected(register, {
    kind: 'gauge',
    name: 'highwater_trigger_labels_dropped',
    help: 'Triggers without metrics of their own because the limit of label values is reached.',
    labelNames: [],
    write: (add) => add({}, triggerLabels.droppedCount),
  })
}

function registerWorkerMetrics(register: Registry, view: WorkerView): void {
  registerCollected(register, {
    kind: 'gauge',
    name: 'highwater_config_last_reload_successful',
    help: 'Whether the last attempt to load the configuration succeeded: 1 or 0.',
    labelNames: [],
    write: (add) => add({}, view.reloadStatus().isLastSuccessful ? 1 : 0),
  })
  registerCollected(register, {
    kind: 'gauge',
    name: 'highwater_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration was last loaded, as seconds since the Unix epoch.',
    labelNames: [],
    write: (add) => add({}, view.reloadStatus().lastSuccessAtMs / 1000),
  })
  registerCollected(register, {
    kind: 'gauge',
    name: 'highwater_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node'],
    write: (add) => add({ version: view.version, node: process.versions.node }, 1),
  })
}

interface CollectedMetric {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  /** Called at each scrape; gives every series of the metric to `add`. */
  readonly write: (add: (labels: Record<string, string | number>, value: number) => void) => void
}

/**
 * Registers a metric whose series are all made anew at each scrape, so that none outlives its
 * source.
 */
function registerCollected(register: Registry, metric: CollectedMetric): void {
  const { name, help, labelNames, write } = metric
  const registers = [register]
  if (metric.kind === 'counter') {
    new Counter<string>({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        write((labels, value) => this.inc(labels, value))
      },
    })
  } else {
    new Gauge<string>({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        write((labels, value) => this.set(labels, value))
      },
    })
  }
}
