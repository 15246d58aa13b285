/**
 * Usage that comes twice as fast as the worker takes it, minute after minute: its memory stays
 * bounded, its lag is seen to grow, and when the flood is over it catches up with nothing lost.
 * A run is a minute.
 */

import { readFile, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode } from '@msgpack/msgpack'
import { openInputWriter } from '../../src/sink/input-writer.ts'
import { readMetric } from '../support/kill-worker.ts'
import { S1_PARAMETERS } from '../support/naive/input.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { BATCH_RECORDS, overloadFiles, OverloadTraffic } from './overload-traffic.ts'
import { type AskableWorker, untilSettled, workerAt } from './standing.ts'
import { openStage, type Stage } from './worker-life.ts'

/** How much faster than the worker. */
const FACTOR = 2
const WARM_UP_SECONDS = 3
const IN_FLIGHT = 64
/** What IN may take on the disk. */
const INPUT_SIZE_MAX = 16 * 1024 ** 3
const RECORD_SIZE = 26
/**
 * Beyond what it has after the first seconds and twice what its state has grown (a checkpoint
 * copies it): buffers of a fixed size, and what the garbage collector leaves lying.
 */
const GROWTH_MAX = 320 * 1024 ** 2
const CATCH_UP_MS_MAX = 3_600_000
const LOOK_MS = 5_000
const READS_AHEAD = 16

/** Ten minutes of overload. */
export const OVERLOAD: FaultFamily = {
  name: 'overload',
  summary: 'usage twice as fast as the worker, a run is a minute: bounded memory, lag, catching up',
  runs: 10,
  runsPerEpisode: 10,
  findObstacle: async () => {
    const { bavail, bsize } = await statfs(tmpdir())
    const isRoom = bavail * bsize > INPUT_SIZE_MAX * 1.5
    return isRoom ? null : 'overload needs 24 GiB of free disk in the temporary folder'
  },
  play: ({ runs, ...rest }) => playOverload({ ...rest, runs, seconds: 60 * runs }),
}

/** An overload of some seconds. */
export async function playOverload(
  options: EpisodeOptions & { readonly seconds: number },
): Promise<EpisodeResult> {
  const { seed, seconds, say } = options
  const files = overloadFiles()
  const clock = { mode: 'real' } as const
  const stage = await openStage({ seed, files, clock, parameters: S1_PARAMETERS, messages: [] })
  try {
    const config = await stage.configure('a', { checkpoint: { every: '10s' } })
    const worker = stage.start(config)
    const url = await worker.untilListening()
    await stage.untilStreams()
    const traffic = new OverloadTraffic(seed)
    const memory = new MemoryWatch(worker.pid, url)
    const pace = new Pace(url, INPUT_SIZE_MAX / RECORD_SIZE / seconds)
    await flood(stage, traffic, pace, WARM_UP_SECONDS, () => Promise.resolve())
    await memory.look()
    const lags: number[] = []
    await flood(stage, traffic, pace, seconds, async (elapsedSeconds) => {
      await memory.look()
      const lag = await readMetric(url, 'highwater_lag_sequences{')
      lags.push(lag)
      const late = await readMetric(url, 'highwater_lag_seconds{')
      if (elapsedSeconds % 10 !== 0) return
      const behind = `${lag} messages, ${late.toFixed(0)} s behind`
      say(`${elapsedSeconds} s: ${pace.text}; ${behind}; ${memory.text}`)
    })
    const failures: string[] = []
    const startedAtMs = performance.now()
    // It grows from the warm-up on; how far depends on what the machine leaves to the feeder.
    const isBehind = Math.max(...lags) > 2 * IN_FLIGHT
    if (!isBehind) failures.push(`no lag was seen: ${lags.join(' ')}`)
    const asked = workerAt(url)
    await catchUp(stage, asked, async () => {
      await memory.look()
      say(`catching up: ${await readMetric(url, 'highwater_lag_sequences{')} messages behind`)
    })
    const recovery = (performance.now() - startedAtMs) / 1000
    say(`behind by ${lags.at(-1)} messages, caught up in ${recovery.toFixed(0)} s, ${memory.text}`)
    if (memory.growth > GROWTH_MAX) failures.push(`memory grew: ${memory.text}`)
    const compared = await compareDeliveries(stage, traffic)
    for (const [subscriber, values] of traffic.expectedCounters()) {
      const view = await asked.inspect(subscriber)
      for (const { counter, counterWindow, value } of view?.counters ?? []) {
        const wanted = counterWindow === 'lifetime' ? values.get(counter) : value
        if (value !== wanted) failures.push(`${counter}.lifetime is ${value}, not ${wanted}`)
      }
      if (view === null) failures.push('a subscriber is unknown')
    }
    const [code] = await worker.end('SIGTERM')
    if (code !== 0) failures.push(`the worker did not drain: ${worker.log}`)
    const recoverySeconds = [recovery]
    const told = failures.slice(0, 10)
    return { runs: options.runs, haltedCleanly: 0, recoverySeconds, ...compared, failures: told }
  } finally {
    await stage.close()
  }
}

/** How fast to publish: faster than the worker has ever been. */
class Pace {
  readonly #url: string
  readonly #recordsPerSecondMax: number
  #applied = 0
  #capacity = 0
  #lookedAtMs = 0

  constructor(url: string, recordsPerSecondMax: number) {
    this.#url = url
    this.#recordsPerSecondMax = recordsPerSecondMax
  }

  /** Before the worker was seen at work: as fast as can be. */
  get recordsPerSecond(): number {
    if (this.#capacity === 0) return this.#recordsPerSecondMax
    return Math.min(FACTOR * this.#capacity, this.#recordsPerSecondMax)
  }

  get text(): string {
    return `takes ${thousands(this.#capacity)} records/s, gets ${thousands(this.recordsPerSecond)}`
  }

  /** To be called about once a second. */
  async look(): Promise<void> {
    const applied = await readMetric(this.#url, 'highwater_records_total{')
    const nowMs = performance.now()
    const perSecond = ((applied - this.#applied) * 1000) / (nowMs - this.#lookedAtMs)
    if (this.#applied > 0) this.#capacity = Math.max(this.#capacity, perSecond)
    this.#applied = applied
    this.#lookedAtMs = nowMs
  }
}

/** Publishes at a pace for some seconds; calls back about once a second. */
async function flood(
  stage: Stage,
  traffic: OverloadTraffic,
  pace: Pace,
  seconds: number,
  eachSecond: (elapsedSeconds: number) => Promise<void>,
): Promise<void> {
  const writer = openInputWriter(stage.connection, 0)
  const startedAtMs = performance.now()
  let dueAtMs = startedAtMs
  let isOver = false
  const publish = async (): Promise<void> => {
    while (!isOver) {
      const nowMs = performance.now()
      if (dueAtMs > nowMs) {
        await sleep(Math.max(1, Math.min(50, dueAtMs - nowMs)))
        continue
      }
      // What could not be kept up with is not made up for.
      dueAtMs = Math.max(dueAtMs, nowMs - 100) + (1000 * BATCH_RECORDS) / pace.recordsPerSecond
      const data = traffic.next()
      await untilStored(() => writer.publish('usage.0.flood', data))
    }
  }
  const publishers = Promise.all(Array.from({ length: IN_FLIGHT }, publish))
  for (let second = 1; second <= seconds; second++) {
    const leftMs = startedAtMs + second * 1000 - performance.now()
    await Promise.race([sleep(Math.max(1, leftMs)), publishers])
    await pace.look()
    await eachSecond(second)
  }
  isOver = true
  await publishers
}

async function untilStored(publish: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await publish()
      return
    } catch (error) {
      if ((error as { retryable?: boolean }).retryable !== true) throw error
      await sleep(100)
    }
  }
}

/** Waits until all is applied and said; calls back every few seconds. */
async function catchUp(
  stage: Stage,
  asked: AskableWorker,
  now: () => Promise<void>,
): Promise<void> {
  let isOver = false
  const settled = untilSettled(stage.manager, asked, CATCH_UP_MS_MAX).finally(() => {
    isOver = true
  })
  while (!isOver) {
    await now()
    await Promise.race([sleep(LOOK_MS), settled])
  }
  await settled
}

async function compareDeliveries({ manager }: Stage, traffic: OverloadTraffic) {
  const ledger = traffic.expectedDeliveries()
  const { state } = await manager.streams.info('OUT_0')
  let deliveriesCompared = 0
  for (let first = 1; first <= state.last_seq; first += READS_AHEAD) {
    const count = Math.min(READS_AHEAD, state.last_seq - first + 1)
    const reads = Array.from({ length: count }, (_, index) =>
      manager.streams.getMessage('OUT_0', { seq: first + index }),
    )
    for (const stored of await Promise.all(reads)) {
      const { decisions = [] } = decode(stored!.data) as {
        decisions?: { kind: string; trigger: string; sub: number }[]
      }
      for (const { kind, trigger, sub } of decisions) {
        if (kind !== 'delivery') continue
        deliveriesCompared += 1
        ledger.cross(trigger, sub)
      }
    }
  }
  return { deliveriesCompared, lost: ledger.lost, duplicated: ledger.duplicated }
}

/**
 * Memory of a worker over time: what it has taken for itself. Pages of the store's file that are
 * mapped are not counted: the kernel takes those back when it needs them. Linux only.
 */
class MemoryWatch {
  readonly #pid: number
  readonly #url: string
  #first = 0
  #peak = 0
  #mappedPeak = 0
  #stateFirst = 0
  #stateLast = 0

  constructor(pid: number, url: string) {
    this.#pid = pid
    this.#url = url
  }

  /** Bytes over the first look that are not explained by the state. */
  get growth(): number {
    return this.#peak - this.#first - 2 * (this.#stateLast - this.#stateFirst)
  }

  get text(): string {
    const megabytes = (size: number) => Math.round(size / 1024 ** 2)
    const state = `state ${megabytes(this.#stateFirst)} and ${megabytes(this.#stateLast)} MiB`
    const own = `${megabytes(this.#first)} MiB at first, ${megabytes(this.#peak)} at most`
    return `${own}, ${state}; files mapped: ${megabytes(this.#mappedPeak)} MiB at most`
  }

  async look(): Promise<void> {
    const status = await readFile(`/proc/${this.#pid}/status`, 'utf8')
    const sizeOf = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024
    const size = sizeOf('RssAnon')
    this.#stateLast = await readMetric(this.#url, 'highwater_state_bytes{')
    if (this.#first === 0) {
      this.#first = size
      this.#stateFirst = this.#stateLast
    }
    this.#peak = Math.max(this.#peak, size)
    this.#mappedPeak = Math.max(this.#mappedPeak, sizeOf('RssFile'))
  }
}

function thousands(count: number): string {
  return `${Math.round(count / 1000)},000`
}
