/**
 * Records per second through a real file-backed JetStream into deliveries, checkpoints on, worker
 * and broker on the same cores; in the same run the transport alone (same bytes consumed and
 * dropped) and the kernel alone (same traffic from memory). Rates are medians over equal segments
 * of one backlog.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type BenchOptions, type BenchResult, comparedWith, median, say } from '../report.ts'
import { forkForReport } from './fork.ts'
import { Rig } from './rig.ts'
import { BATCH_RECORDS, SEED_EVERY, Traffic } from './traffic.ts'

/** Seed of the traffic. */
export const SEED = 20261121
const SEGMENTS = 5
const CHECKPOINT_EVERY_MS = 10_000
const FILL_BATCH_RECORDS = 5_000

/** Runs the bench; prints its seed. */
export async function runPipeline(options: BenchOptions): Promise<BenchResult[]> {
  say(`seed ${SEED}, ${options.subscribers} subscribers, ${options.records} records`)
  const rig = await Rig.start()
  try {
    return await measure(rig, options)
  } finally {
    await rig.stop()
  }
}

async function measure(rig: Rig, options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers } = options
  const traffic = new Traffic(SEED, subscribers)
  await populate(rig, traffic, subscribers)
  const backlogFrom = await prefill(rig, traffic, options.records)
  say('kernel alone')
  const kernel = await kernelAlone(rig.storeDirectory, SEED + backlogFrom, options.records)
  const pipeline = await consume(rig, backlogFrom, options.checkpointEveryMs)
  say('transport alone')
  const transport = await drainTransport(rig, backlogFrom)
  const result = (metric: string, value: number, unit: string): BenchResult => ({
    bench: 'pipeline',
    metric,
    value: Number(value.toPrecision(5)),
    unit,
  })
  const rate = pipeline.recordsPerSecond
  return [
    {
      ...result('pipeline.records_per_second', rate, 'records/s'),
      ...comparedWith(rate, 'transport.records_per_second', transport),
    },
    {
      ...result('pipeline.records_per_second', rate, 'records/s'),
      ...comparedWith(rate, 'kernel.records_per_second', kernel),
    },
    result('transport.records_per_second', transport, 'records/s'),
    result('kernel.records_per_second', kernel, 'records/s'),
    result('pipeline.deliveries', pipeline.deliveries, 'deliveries'),
    result('memory.bytes_per_subscriber', pipeline.stateBytes / subscribers, 'bytes'),
    result('memory.resident_megabytes', pipeline.residentBytes / 1e6, 'MB'),
    result('load.seconds', pipeline.loadSeconds, 's'),
    result('checkpoint.count', pipeline.checkpoints, 'checkpoints'),
    result('checkpoint.duration_ms', pipeline.checkpointMs, 'ms'),
    result('checkpoint.stall_ms_p99', pipeline.stallP99Ms, 'ms'),
    result('checkpoint.stall_ms_max', pipeline.stallMaxMs, 'ms'),
  ]
}

/** Puts into IN that every subscriber has used something, and that one in five is a seed. */
export async function enterSubscribers(
  rig: Rig,
  traffic: Traffic,
  subscribers: number,
  partition = 0,
): Promise<void> {
  let first = 0
  const usage = (): Uint8Array | null => {
    if (first >= subscribers) return null
    const count = Math.min(FILL_BATCH_RECORDS, subscribers - first)
    first += count
    return traffic.ascending(first - count, count, Date.now(), 'fill', 1)
  }
  await rig.fill(`usage.${partition}.fill`, usage, partition)
  let firstSeed = 0
  const seeds = (): Uint8Array | null => {
    if (firstSeed >= subscribers) return null
    const count = Math.min(FILL_BATCH_RECORDS, subscribers - firstSeed)
    firstSeed += count
    return traffic.seeds(firstSeed - count, Math.ceil(count / SEED_EVERY))
  }
  await rig.fill(`profile.${partition}.fill`, seeds, partition)
}

/** Gives every subscriber a row, through the log, and leaves an image on disk. */
export async function populate(rig: Rig, traffic: Traffic, subscribers: number): Promise<void> {
  say(`filling the partition with ${subscribers} subscribers`)
  await enterSubscribers(rig, traffic, subscribers)
  const worker = await rig.worker(CHECKPOINT_EVERY_MS * 100)
  void worker.start()
  await worker.untilLive()
  await worker.stop()
}

/** Puts the backlog into IN; returns its first sequence. */
export async function prefill(rig: Rig, traffic: Traffic, records: number): Promise<number> {
  say(`publishing ${records} records`)
  const source = await rig.source()
  const { lastSequence } = await source.state()
  await source.close()
  await publishRandom(rig, traffic, records)
  return lastSequence + 1
}

/** Puts records of random subscribers into the IN of a partition. */
export async function publishRandom(
  rig: Rig,
  traffic: Traffic,
  records: number,
  partition = 0,
): Promise<void> {
  let published = 0
  const next = (): Uint8Array | null => {
    if (published >= records) return null
    published += BATCH_RECORDS
    return traffic.random(BATCH_RECORDS, Date.now(), 'probe', 1)
  }
  await rig.fill(`usage.${partition}.probe`, next, partition)
}

/** Loads the image and works off the backlog. */
export async function consume(
  rig: Rig,
  backlogFrom: number,
  checkpointEveryMs = CHECKPOINT_EVERY_MS,
) {
  say(`pipeline, a checkpoint every ${checkpointEveryMs / 1000} s`)
  const worker = await rig.worker(checkpointEveryMs)
  const delays = monitorEventLoopDelay({ resolution: 1 })
  const startedAtMs = performance.now()
  void worker.start()
  while (worker.machine === null) {
    if (worker.halt !== null) throw worker.halt
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const loadSeconds = (performance.now() - startedAtMs) / 1000
  const source = await rig.source()
  const { lastSequence } = await source.state()
  await source.close()
  delays.enable()
  const segment = Math.floor((lastSequence - backlogFrom + 1) / SEGMENTS)
  const rates: number[] = []
  let markSequence = worker.machine.sequence
  let markAtMs = performance.now()
  while (worker.machine.sequence < lastSequence) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (worker.halt !== null) throw worker.halt
    const { sequence } = worker.machine
    if (sequence - markSequence < segment) continue
    const nowMs = performance.now()
    rates.push(((sequence - markSequence) * BATCH_RECORDS * 1000) / (nowMs - markAtMs))
    markSequence = sequence
    markAtMs = nowMs
  }
  delays.disable()
  const view = worker.view()
  const residentBytes = process.memoryUsage().rss
  await worker.stop()
  say(`segments: ${rates.map((rate) => (rate / 1e6).toFixed(2)).join(', ')} million records/s`)
  return {
    recordsPerSecond: median(rates),
    loadSeconds,
    residentBytes,
    stateBytes: view.stateBytes,
    candidates: view.statistics.candidates,
    deliveries: view.statistics.deliveries,
    checkpoints: view.statistics.checkpoints,
    checkpointMs: view.checkpointDurationMs,
    stallP99Ms: delays.percentile(99) / 1e6,
    stallMaxMs: delays.max / 1e6,
  }
}

/** The same messages through the same source, dropped. */
export async function drainTransport(rig: Rig, backlogFrom: number): Promise<number> {
  const source = await rig.source()
  const { lastSequence } = await source.state()
  await source.open(backlogFrom)
  const total = lastSequence - backlogFrom + 1
  const segment = Math.floor(total / SEGMENTS)
  const rates: number[] = []
  let taken = 0
  let markTaken = 0
  let markAtMs = performance.now()
  while (taken < total) {
    const messages = source.take(256)
    taken += messages.length
    if (taken - markTaken >= segment) {
      const nowMs = performance.now()
      rates.push(((taken - markTaken) * BATCH_RECORDS * 1000) / (nowMs - markAtMs))
      markTaken = taken
      markAtMs = nowMs
    }
    if (messages.length === 0) await source.wait(20)
    else await new Promise((resolve) => setImmediate(resolve))
  }
  await source.close()
  return median(rates)
}

/**
 * As many records of the same traffic on an image, that of partition 0 of `partitionCount`, from
 * memory, in a process of its own: records per second.
 */
export async function kernelAlone(
  storeDirectory: string,
  seed: number,
  records: number,
  partitionCount = 1,
): Promise<number> {
  const args = [storeDirectory, seed, records, partitionCount].map(String)
  const rates = await forkForReport<number[]>('kernel-alone.ts', args)
  say(`kernel: ${rates.map((rate) => (rate / 1e6).toFixed(2)).join(', ')} million records/s`)
  return median(rates)
}
