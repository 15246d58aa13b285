/**
 * From publish to delivery at a fixed rate (open loop): each batch has an instant at which it is
 * meant to leave, and a delivery's latency counts from that instant until a reader of OUT holds it,
 * so a stall of the probe, broker or worker is not left out (coordinated omission). The worker is
 * `highwater start` in a process of its own; checkpoints go on meanwhile, its metrics are scraped
 * each second, and its configuration is edited and loaded again. The rate is half of what the same
 * worker did with a backlog just before, or `--rate`. The probe and reader are one more process.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchOptions, type BenchResult, quantile, say } from '../report.ts'
import { forkForReport } from './fork.ts'
import { Installation, type StartedWorker } from './installation.ts'
import type { Rig } from './rig.ts'
import { BATCH_RECORDS, BENCH_FILES, SEED_EVERY, Traffic } from './traffic.ts'

const SEED = 20261126
const CHECKPOINT_EVERY = '10s'
const SCRAPE_EVERY_MS = 1_000
const SEED_STEP = 5_000
const TRIGGERS = 'triggers/data-pack.yaml'
/** Part of the run after which each reload comes. */
const RELOADS_AT = [0.4, 0.7]

/** What the probe process sends back: latencies in ms. */
export interface LatencyReport {
  readonly latenciesMs: readonly number[]
  /** When each one's batch was meant to leave, ms since the epoch. */
  readonly intendedAtMs: readonly number[]
  readonly records: number
  readonly lateBatches: number
}

/** Runs the bench; `records` are the backlog that says what full load is. Prints its seed. */
export async function runLatency(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, records, seconds } = options
  const installation = await Installation.start(CHECKPOINT_EVERY)
  try {
    await installation.fill(subscribers)
    let worker = installation.startWorker()
    let fullRate = 0
    if (options.rate === 0) {
      await worker.untilReady()
      await worker.end('SIGTERM')
      const last = await installation.publish(new Traffic(SEED, subscribers), records)
      worker = installation.startWorker()
      fullRate = (await worker.inputsPerSecond(last)) * BATCH_RECORDS
    }
    await worker.untilReady()
    const rate = options.rate === 0 ? Math.round(fullRate / 2) : options.rate
    say(`seed ${SEED}: ${rate} records/s for ${seconds} s over ${subscribers} subscribers`)
    const probing = forkForReport<LatencyReport>(
      'latency-probe.ts',
      [installation.server.url, subscribers, rate, seconds].map(String),
    )
    const disturbances = await disturb(installation, worker, probing, seconds)
    const report = await probing
    const { latenciesMs } = report
    const metrics = await worker.metrics()
    await worker.end('SIGTERM')
    const result = (metric: string, value: number, unit: string): BenchResult => ({
      bench: 'latency',
      metric: `latency.${metric}`,
      value: Number(value.toPrecision(4)),
      unit,
    })
    return [
      result('p50_ms', quantile(latenciesMs, 0.5), 'ms'),
      result('p99_ms', quantile(latenciesMs, 0.99), 'ms'),
      result('p999_ms', quantile(latenciesMs, 0.999), 'ms'),
      result('max_ms', quantile(latenciesMs, 1), 'ms'),
      result('deliveries', latenciesMs.length, 'deliveries'),
      result('records_per_second', report.records / seconds, 'records/s'),
      ...(fullRate === 0 ? [] : [result('full_records_per_second', fullRate, 'records/s')]),
      result('checkpoints', metrics.get('highwater_checkpoints_total') ?? 0, 'checkpoints'),
      result('reloads', disturbances.reloads, 'reloads'),
      result('scrapes', disturbances.scrapes, 'scrapes'),
    ]
  } finally {
    await installation.stop()
  }
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
