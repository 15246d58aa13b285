import { assert } from '../errors.ts'
import { SUBSCRIBER_MAX, type UsageBatch } from '../model/usage.ts'
import { Random, scramble } from './random.ts'
import { Rhythm } from './rhythm.ts'

/** Columns that records are written into; a UsageBatch has them. */
export type RecordColumns = Omit<UsageBatch, 'count'>

/** Who is simulated and how they behave. */
export interface PopulationOptions {
  /** Whole, 0 to 2^53-1. The same options give the same records. */
  readonly seed: number
  /** 1 to 200 million. */
  readonly subscriberCount: number
  /** Smallest subscriber number; the others follow without a gap. Default 13,800,000,000. */
  readonly firstSubscriber?: number
  /** Whether event times follow the day's rhythm or spread evenly. Default `daily`. */
  readonly rhythm?: 'daily' | 'flat'
  /** Where the rhythm's day begins, minutes east of UTC. Default 480. */
  readonly zoneOffsetMinutes?: number
  /** Share of records that bear an older event time, 0 to 1, and how much older at most, ms. */
  readonly lateShare?: number
  readonly lateByMaxMs?: number
  /** App codes, most used first; default 1 to 20. */
  readonly appCodes?: readonly number[]
}

/** A quarter of subscribers each: what their devices use, in 1/256 of their records. */
const DEVICE_RATS: readonly (readonly (readonly [rat: number, parts: number])[])[] = [
  [[2, 96], [1, 144], [3, 16]],
  [[1, 64], [5, 96], [6, 64], [3, 32]],
  [[6, 176], [5, 24], [1, 16], [3, 40]],
  [[10, 112], [6, 104], [3, 40]],
] // biome-ignore format: a table

/** Usage kinds in 1/1024: data, voice, message, login, install. */
const KIND_PARTS: readonly (readonly [kind: number, parts: number])[] = [
  [0, 970],
  [1, 30],
  [2, 20],
  [3, 3],
  [4, 1],
]

/** Half of all data records are smaller than this; the mean is four times as much. */
const DATA_MEDIAN_BYTES = 40_000
/** Scale of the log-logistic distribution of data sizes: the largest are tens of megabytes. */
const DATA_SCALE = 0.8
const SIZE_STEPS = 4_096
/** Exponent of rank: 1 is even; at 3 the top 1 % of subscribers make a fifth of all records. */
const SKEW = 3
const CELL_COUNT = 20_000

/**
 * Simulated subscribers and their usage: skewed over subscribers, heavy-tailed in size, in a daily
 * rhythm, on devices of four generations. Pure: everything follows from the seed. Costs no memory
 * per subscriber. Bench: kernels/probe.
 */
export class Population {
  readonly subscriberCount: number
  readonly firstSubscriber: number
  readonly #random: Random
  readonly #rhythm: Rhythm
  readonly #lateShare: number
  readonly #lateByMaxMs: number
  /**
   * Rank → place in the number range: times `#stride` modulo the count, which has no common factor.
   */
  readonly #stride: number
  readonly #rats = DEVICE_RATS.flatMap(expand)
  readonly #kinds = expand(KIND_PARTS)
  readonly #apps: Uint16Array
  readonly #sizes: Float64Array

  constructor(options: PopulationOptions) {
    const { subscriberCount, seed } = options
    assert(Number.isInteger(subscriberCount) && subscriberCount >= 1, 'subscriberCount')
    this.subscriberCount = subscriberCount
    this.firstSubscriber = options.firstSubscriber ?? 13_800_000_000
    assert(this.firstSubscriber + subscriberCount - 1 <= SUBSCRIBER_MAX, 'subscriber numbers')
    this.#random = new Random(seed)
    this.#rhythm = new Rhythm(options.rhythm ?? 'daily', options.zoneOffsetMinutes ?? 480)
    this.#lateShare = options.lateShare ?? 0
    this.#lateByMaxMs = options.lateByMaxMs ?? 0
    this.#stride = strideFor(subscriberCount)
    const appCodes = options.appCodes ?? Array.from({ length: 20 }, (_, index) => index + 1)
    this.#apps = appTable(appCodes)
    this.#sizes = sizeTable()
  }

  /** Records that a stretch of event time is due, at a mean rate per second; not whole. */
  expectedCount(fromMs: number, toMs: number, recordsPerSecond: number): number {
    return ((this.#rhythm.loadAt(toMs) - this.#rhythm.loadAt(fromMs)) / 1_000) * recordsPerSecond
  }

  /**
   * Writes records [start, start + count) with event times that ascend within [fromMs, toMs), but
   * for late ones. The columns are the caller's.
   */
  generate(
    target: RecordColumns,
    start: number,
    count: number,
    fromMs: number,
    toMs: number,
  ): void {
    assert(start >= 0 && start + count <= target.subscribers.length, 'room for records')
    assert(fromMs < toMs || count === 0, 'stretch of time')
    const random = this.#random
    const { subscriberCount } = this
    const loadFrom = this.#rhythm.loadAt(fromMs)
    const loadStep = (this.#rhythm.loadAt(toMs) - loadFrom) / count
    for (let i = start; i < start + count; i++) {
      const fraction = random.fraction()
      const rank = Math.floor(subscriberCount * fraction ** SKEW)
      const product = rank * this.#stride
      const place = product - Math.floor(product / subscriberCount) * subscriberCount
      target.subscribers[i] = this.firstSubscriber + place
      const nature = scramble(place)
      const bits = random.next()
      const kind = this.#kinds[bits & 1_023]!
      target.kinds[i] = kind
      target.usageBytes[i] = this.#amountOf(kind, bits >>> 10)
      target.rats[i] = this.#rats[((nature & 3) << 8) | (bits >>> 24)]!
      target.apps[i] = kind === 0 ? this.#apps[(bits >>> 14) & 255]! : 0
      // One record in sixteen is made away from home.
      target.cells[i] = 1 + (((bits & 0xf000) === 0 ? bits >>> 18 : nature >>> 8) % CELL_COUNT)
      const load = loadFrom + (i - start + random.fraction()) * loadStep
      target.timesMs[i] = this.#timeOf(load, fromMs, toMs)
    }
  }

  /** Bytes for data, seconds for voice, count for messages, 0 for the rest. */
  #amountOf(kind: number, bits: number): number {
    if (kind === 0) return this.#sizes[bits & (SIZE_STEPS - 1)]!
    if (kind === 1) return 5 + (bits % 600)
    return kind === 2 ? 1 + (bits % 3) : 0
  }

  #timeOf(load: number, fromMs: number, toMs: number): number {
    // Rounding may step over either edge by a hair.
    const timeMs = Math.max(fromMs, Math.min(toMs - 1, Math.floor(this.#rhythm.timeAt(load))))
    if (this.#lateShare === 0 || this.#random.fraction() >= this.#lateShare) return timeMs
    return Math.max(0, timeMs - this.#random.below(this.#lateByMaxMs + 1))
  }
}

/** About 0.618 of the count, without a common factor, so that multiples of it visit every place. */
function strideFor(count: number): number {
  let stride = Math.max(1, Math.round(count * 0.618_033_988_749_895))
  while (greatestCommonFactor(stride, count) !== 1) stride += 1
  return stride
}

function greatestCommonFactor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}

function expand(parts: readonly (readonly [value: number, parts: number])[]): number[] {
  return parts.flatMap(([value, count]) => Array<number>(count).fill(value))
}

/** 256 entries; the app of rank r gets a share of about 1 / (r + 1). */
function appTable(codes: readonly number[]): Uint16Array {
  const table = new Uint16Array(256)
  if (codes.length === 0) return table
  const weights = codes.map((_, rank) => 1 / (rank + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let rank = 0
  let edge = weights[0]! / total
  for (let i = 0; i < 256; i++) {
    while (rank < codes.length - 1 && (i + 0.5) / 256 > edge) edge += weights[++rank]! / total
    table[i] = codes[rank]!
  }
  return table
}

/** Quantiles of a log-logistic distribution, whole bytes. */
function sizeTable(): Float64Array {
  return Float64Array.from({ length: SIZE_STEPS }, (_, step) => {
    const share = (step + 0.5) / SIZE_STEPS
    return Math.round(DATA_MEDIAN_BYTES * (share / (1 - share)) ** DATA_SCALE)
  })
}
