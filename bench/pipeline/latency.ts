/**
 * From publish to delivery at a fixed rate (open loop): each batch has an instant at which it is
 * meant to leave, and a delivery's latency counts from that instant until a reader of OUT holds it,
 * so a stall of the probe, broker or worker is not left out (coordinated omission). Checkpoints go
 * on meanwhile. The probe and reader are a process of their own.
 */

import { type BenchOptions, type BenchResult, quantile, say } from '../report.ts'
import { forkForReport } from './fork.ts'
import { Rig } from './rig.ts'
import { SEED_EVERY, Traffic } from './traffic.ts'

const CHECKPOINT_EVERY_MS = 10_000
const SEED_STEP = 5_000

/** What the probe process sends back: latencies in ms. */
export interface LatencyReport {
  readonly latenciesMs: readonly number[]
  /** When each one's batch was meant to leave, ms since the epoch. */
  readonly intendedAtMs: readonly number[]
  readonly records: number
  readonly lateBatches: number
}

/** Runs the bench. */
export async function runLatency(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, rate, seconds } = options
  say(`${rate} records/s for ${seconds} s over ${subscribers} subscribers`)
  const rig = await Rig.start()
  try {
    const worker = await rig.worker(CHECKPOINT_EVERY_MS)
    void worker.start()
    await worker.untilLive()
    await tagSeeds(rig, subscribers)
    const report = await forkForReport<LatencyReport>(
      'latency-probe.ts',
      [rig.server.url, subscribers, rate, seconds].map(String),
    )
    const { statistics } = worker.view()
    await worker.stop()
    if (worker.halt !== null) throw worker.halt
    const latencies = report.latenciesMs
    const result = (metric: string, value: number, unit: string): BenchResult => ({
      bench: 'latency',
      metric,
      value: Number(value.toPrecision(4)),
      unit,
    })
    return [
      result('latency.p50_ms', quantile(latencies, 0.5), 'ms'),
      result('latency.p99_ms', quantile(latencies, 0.99), 'ms'),
      result('latency.p999_ms', quantile(latencies, 0.999), 'ms'),
      result('latency.max_ms', quantile(latencies, 1), 'ms'),
      result('latency.deliveries', latencies.length, 'deliveries'),
      result('latency.records_per_second', report.records / seconds, 'records/s'),
      result('latency.checkpoints', statistics.checkpoints, 'checkpoints'),
    ]
  } finally {
    await rig.stop()
  }
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
