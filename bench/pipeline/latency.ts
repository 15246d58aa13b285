/**
 * From publish to delivery at a fixed rate (open loop): each batch has an instant at which it is
 * meant to leave, and a delivery's latency counts from that instant until a reader of OUT holds it,
 * so a stall of the probe, broker or worker is not left out (coordinated omission). The worker is
 * `highwater start` in a process of its own; checkpoints go on meanwhile, its metrics are scraped
 * each second, and its configuration is edited and loaded again. The rate is half of what the same
 * worker applied just before while a probe published as fast as it did so, all three on this
 * machine; or `--rate`. The probe and reader are one more process, and the figures say how
 * late that was itself and how busy the machine: at more than it has, they would tell nothing of
 * the engine.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchOptions, type BenchResult, figure, quantile, say } from '../report.ts'
import { forkForReport } from './fork.ts'
import { Installation, type StartedWorker } from './installation.ts'
import type { Rig } from './rig.ts'
import { BATCH_RECORDS, BENCH_FILES, SEED_EVERY, Traffic } from './traffic.ts'

const SEED = 20261126
const CHECKPOINT_EVERY = '10s'
const SCRAPE_EVERY_MS = 1_000
const SEED_STEP = 5_000
/** How long the full load is measured, and the flood lasts longer at either end. */
const FULL_LOAD_SECONDS = 10
const FULL_LOAD_EDGE_SECONDS = 2
const LOOK_EVERY_MS = 100
const APPLIED = 'highwater_applied_sequence'
const TRIGGERS = 'triggers/data-pack.yaml'
/** Part of the run after which each reload comes. */
const RELOADS_AT = [0.4, 0.7]

/** What the probe process sends back: latencies in ms. */
export interface LatencyReport {
  readonly latenciesMs: readonly number[]
  /** When each one's batch was meant to leave, ms since the epoch. */
  readonly intendedAtMs: readonly number[]
  readonly records: number
  /** Batches that the broker did not store. */
  readonly failures: number
  /** Of each batch: how late it left, and how long the broker took to say that it is stored. */
  readonly publishLateMs: readonly number[]
  readonly storedMs: readonly number[]
  /** Part of all cores' time that was not idle, stolen time included. */
  readonly busyShare: number
  readonly stolenMs: number
}

/** Runs the bench. Prints its seed. */
export async function runLatency(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, seconds } = options
  const installation = await Installation.start(CHECKPOINT_EVERY)
  try {
    await installation.fill(subscribers)
    const worker = installation.startWorker()
    await worker.untilReady()
    const fullRate = options.rate > 0 ? 0 : await measureFullLoad(installation, worker, subscribers)
    const rate = options.rate > 0 ? options.rate : Math.round(fullRate / 2)
    say(`seed ${SEED}: ${rate} records/s for ${seconds} s over ${subscribers} subscribers`)
    const before = await worker.metrics()
    const probing = forkForReport<LatencyReport>(
      'latency-probe.ts',
      [installation.server.url, subscribers, rate, seconds].map(String),
    )
    const disturbances = await disturb(installation, worker, probing, seconds)
    const report = await probing
    const after = await worker.metrics()
    await worker.end('SIGTERM')
    return resultsOf(report, {
      ...disturbances,
      seconds,
      fullRate,
      checkpoints: growthOf('highwater_checkpoints_total', before, after),
    })
  } finally {
    await installation.stop()
  }
}

/** What the figures tell beside the probe's report. */
interface RunFacts {
  readonly seconds: number
  /** 0: was not measured. */
  readonly fullRate: number
  readonly checkpoints: number
  readonly reloads: number
  readonly scrapes: number
}

function resultsOf(report: LatencyReport, facts: RunFacts): BenchResult[] {
  const { latenciesMs, publishLateMs, storedMs } = report
  const result = (metric: string, value: number, unit: string): BenchResult =>
    figure('latency', `latency.${metric}`, value, unit)
  return [
    result('p50_ms', quantile(latenciesMs, 0.5), 'ms'),
    result('p99_ms', quantile(latenciesMs, 0.99), 'ms'),
    result('p999_ms', quantile(latenciesMs, 0.999), 'ms'),
    result('max_ms', quantile(latenciesMs, 1), 'ms'),
    result('publish_late_p99_ms', quantile(publishLateMs, 0.99), 'ms, of the probe itself'),
    result('publish_late_max_ms', quantile(publishLateMs, 1), 'ms, of the probe itself'),
    result('stored_p50_ms', quantile(storedMs, 0.5), 'ms until the broker has it'),
    result('stored_p99_ms', quantile(storedMs, 0.99), 'ms until the broker has it'),
    result('stored_max_ms', quantile(storedMs, 1), 'ms until the broker has it'),
    result('machine_busy_percent', report.busyShare * 100, '% of all cores, stolen time too'),
    result('stolen_ms', report.stolenMs, 'ms of CPU that the host took'),
    result('deliveries', latenciesMs.length, 'deliveries'),
    result('failures', report.failures, 'batches'),
    result('records_per_second', report.records / facts.seconds, 'records/s'),
    ...(facts.fullRate === 0
      ? []
      : [result('full_records_per_second', facts.fullRate, 'records/s')]),
    result('checkpoints', facts.checkpoints, 'checkpoints'),
    result('reloads', facts.reloads, 'reloads'),
    result('scrapes', facts.scrapes, 'scrapes'),
  ]
}

/**
 * Records per second that the worker applies while a probe publishes as fast as the worker applies,
 * all on this machine. Waits then until the worker has applied all of it.
 */
async function measureFullLoad(
  installation: Installation,
  worker: StartedWorker,
  subscribers: number,
): Promise<number> {
  say(`full load for ${FULL_LOAD_SECONDS} s`)
  const seconds = FULL_LOAD_SECONDS + 2 * FULL_LOAD_EDGE_SECONDS
  const args = [installation.server.url, subscribers, 0, seconds, await worker.url()].map(String)
  const flood = forkForReport<number>('usage-probe.ts', args)
  await sleep(FULL_LOAD_EDGE_SECONDS * 1000)
  const before = await worker.metrics()
  const fromMs = performance.now()
  await sleep(FULL_LOAD_SECONDS * 1000)
  const after = await worker.metrics()
  const elapsedSeconds = (performance.now() - fromMs) / 1000
  await flood
  const last = await installation.lastSequence()
  for (let at = 0; at < last; ) {
    await sleep(LOOK_EVERY_MS)
    at = (await worker.metrics()).get(APPLIED) ?? 0
  }
  return (growthOf(APPLIED, before, after) * BATCH_RECORDS) / elapsedSeconds
}

function growthOf(
  name: string,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  return (after.get(name) ?? 0) - (before.get(name) ?? 0)
}

/** Scrapes and reloads until the probe has ended; a reload changes a threshold. */
async function disturb(
  installation: Installation,
  worker: StartedWorker,
  probing: Promise<unknown>,
  seconds: number,
): Promise<{ scrapes: number; reloads: number }> {
  const startedAtMs = performance.now()
  let hasProbeEnded = false
  void probing.finally(() => {
    hasProbeEnded = true
  })
  let scrapes = 0
  let reloads = 0
  while (!hasProbeEnded) {
    await sleep(SCRAPE_EVERY_MS)
    await worker.metrics()
    scrapes += 1
    const dueAtMs = startedAtMs + (RELOADS_AT[reloads] ?? Infinity) * seconds * 1000
    if (performance.now() < dueAtMs) continue
    reloads += 1
    const text = BENCH_FILES[TRIGGERS]!.replace('>= 500 * KiB', `>= ${500 + reloads} * KiB`)
    await installation.writeFiles({ [TRIGGERS]: text })
    await worker.reload()
  }
  return { scrapes, reloads }
}

/** One subscriber in five may get a message. */
export async function tagSeeds(rig: Rig, subscribers: number): Promise<void> {
  const traffic = new Traffic(1, subscribers)
  let first = 0
  await rig.fill('profile.0.fill', () => {
    if (first >= subscribers) return null
    first += SEED_STEP
    return traffic.seeds(first - SEED_STEP, SEED_STEP / SEED_EVERY)
  })
}
