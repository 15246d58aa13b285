/**
 * What the peers bench puts before every engine: one log of usage, one rule, one way to write down
 * an answer. The same seed, subscribers and records give the same log on every machine.
 *
 * **The rule** (input.properties names its numbers). A record counts when its kind is 0 (data) and
 * its rat is 6 (EUTRAN, 4G). What counts is added up per subscriber, per calendar day and per
 * calendar month of the record's time in `zone` (Asia/Shanghai, UTC+8 all year). When the sum of
 * the day is at least `dayBytesMin` and that of the month at least `monthBytesMin`, both with this
 * record, and the subscriber is a seed, the rule fires: once per subscriber and month. Times never
 * go back from one record to the next. The first `fill` records give every subscriber a state, on
 * the last day of the month before: engines are measured on the records after them.
 *
 * **Written down** by `npm run bench -- peers --write DIR [--subscribers N] [--records N]`
 * (`--records` counts those after the fill), everything little-endian, no header, no padding:
 *
 * - `input.properties`: lines of `key=value`: `records` (all, the fill included), `fill`,
 *   `subscribers`, `subscriberFirst` (they are numbered on from it), `seeds`, `seed`, `zone`,
 *   `zoneOffsetMs`, `kind`, `rat`, `dayBytesMin`, `monthBytesMin`, `partitionRecords` (records of
 *   each partition, where the log lies in several streams; of files, as `records`)
 * - one file per column, record i at element i: `subscribers.f64`, `bytes.f64`, `timesMs.f64`
 *   (whole numbers as IEEE doubles, as in usage messages; ms since the Unix epoch), `rats.u8`,
 *   `kinds.u8`
 * - `seeds.f64`: the subscribers that are seeds, ascending; every engine knows them before record 0
 * - `expected.txt`: a line per firing, `subscriber period record`: `13800000010 2026-11 1005`. The
 *   period is the month, `record` the index of the record that made it fire. The answer to the
 *   first k records is the lines with record < k.
 *
 * **An answer** is a text file `NAME.answer` in the same folder: `# records K` on line 1 (how
 * many records it has seen, from record 0), then `subscriber period` per line, in any order. Of a
 * log in P streams, K is a number for each, subscribers belong to stream number `subscriber mod P`,
 * and `record` in `expected.txt` counts within it.
 * `npm run bench -- peers --check DIR` compares each with `expected.txt`, as sets, and exits with 1
 * when one differs.
 */

import { Random } from '../../src/probe/random.ts'

/** Zone of days and months, a fixed offset all year. */
export const ZONE = 'Asia/Shanghai'
export const ZONE_OFFSET_MS = 8 * 3_600_000
/** What counts: data over 4G, by the codes of the wire. */
export const KIND_COUNTED = 0
export const RAT_COUNTED = 6
/** The rule fires at these sums, bytes of a day and of a month. */
export const DAY_BYTES_MIN = 500 * 1024
export const MONTH_BYTES_MIN = 1024 * 1024
/** One subscriber in so many is a seed. */
export const SEED_EVERY = 5
/** Smallest subscriber number. */
export const SUBSCRIBER_FIRST = 13_800_000_000
/** Records of a batch, as a probe sends them. */
export const BATCH_RECORDS = 1_000
/** Event time of record 0: the last day of October 2026, 12:00 in the zone. */
export const START_MS = Date.UTC(2026, 9, 31, 12) - ZONE_OFFSET_MS

const DAY_MS = 86_400_000
/** The records after the fill begin with November. */
const MAIN_START_MS = Date.UTC(2026, 10, 1) - ZONE_OFFSET_MS
/** So many records per subscriber make a day, until 25 days are full; then they slow down. */
const RECORDS_PER_DAY = 4
const DAYS_MAX = 25
const SIZE_STEPS = 4_096
const SIZE_MEDIAN_BYTES = 30_000
const RAT_OTHER = 3
const KIND_VOICE = 1

/** Size and seed of an input. */
export interface InputShape {
  readonly seed: number
  readonly subscribers: number
  /** Records after the fill, a multiple of BATCH_RECORDS. */
  readonly records: number
}

/** Consecutive records; reused by the next call of `next`. */
export interface InputBlock {
  /** Index of its first record in the log. */
  readonly first: number
  readonly count: number
  readonly subscribers: Float64Array
  readonly usageBytes: Float64Array
  readonly timesMs: Float64Array
  readonly rats: Uint8Array
  readonly kinds: Uint8Array
}

/** Records of the fill: one for each subscriber, in whole batches. */
export function fillRecords(subscribers: number): number {
  return Math.ceil(subscribers / BATCH_RECORDS) * BATCH_RECORDS
}

/** The seeds, ascending. */
export function seedSubscribers(subscribers: number): Float64Array {
  const seeds = new Float64Array(Math.ceil(subscribers / SEED_EVERY))
  for (let i = 0; i < seeds.length; i++) seeds[i] = SUBSCRIBER_FIRST + i * SEED_EVERY
  return seeds
}

/** The log, from its first record on, in blocks of BATCH_RECORDS. */
export class InputLog {
  readonly shape: InputShape
  /** Records of the fill, which come first. */
  readonly fill: number
  /** All records, the fill included. */
  readonly total: number
  readonly #random: Random
  readonly #sizes = sizeTable()
  readonly #stepMs: number
  readonly #block = {
    first: 0,
    count: BATCH_RECORDS,
    subscribers: new Float64Array(BATCH_RECORDS),
    usageBytes: new Float64Array(BATCH_RECORDS),
    timesMs: new Float64Array(BATCH_RECORDS),
    rats: new Uint8Array(BATCH_RECORDS),
    kinds: new Uint8Array(BATCH_RECORDS),
  }
  #next = 0

  constructor(shape: InputShape) {
    this.shape = shape
    this.fill = fillRecords(shape.subscribers)
    this.total = this.fill + Math.ceil(shape.records / BATCH_RECORDS) * BATCH_RECORDS
    this.#random = new Random(shape.seed)
    const days = Math.min(DAYS_MAX, shape.records / (shape.subscribers * RECORDS_PER_DAY))
    this.#stepMs = (days * DAY_MS) / shape.records
  }

  /** The next records, or null behind the last; the block is the log's and reused. */
  next(): InputBlock | null {
    if (this.#next >= this.total) return null
    const random = this.#random
    const block = this.#block
    const { subscribers, usageBytes, timesMs, rats, kinds } = block
    const { subscribers: count } = this.shape
    block.first = this.#next
    for (let i = 0; i < BATCH_RECORDS; i++) {
      const index = this.#next + i
      const isFill = index < this.fill
      const slot = isFill ? index % count : Math.floor(random.fraction() * count)
      const bits = random.next()
      subscribers[i] = SUBSCRIBER_FIRST + slot
      usageBytes[i] = this.#sizes[bits & (SIZE_STEPS - 1)]!
      // One record in eight is not 4G, one in 32 is no data.
      rats[i] = (bits & 0x7000) === 0 ? RAT_OTHER : RAT_COUNTED
      kinds[i] = (bits & 0xf_8000) === 0 ? KIND_VOICE : KIND_COUNTED
      timesMs[i] = isFill
        ? START_MS + Math.floor((index / this.fill) * DAY_MS * 0.25)
        : MAIN_START_MS + Math.floor((index - this.fill) * this.#stepMs)
    }
    this.#next += BATCH_RECORDS
    return block
  }
}

/** Days since the Unix epoch in the zone; the day of a record. */
export function dayOf(timeMs: number): number {
  return Math.floor((timeMs + ZONE_OFFSET_MS) / DAY_MS)
}

/** Month of a day, as months since January of year 0. */
export function monthOf(day: number): number {
  const date = new Date(day * DAY_MS)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

/** How a month stands in an answer: 2026-11. */
export function periodOf(month: number): string {
  return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`
}

/** Quantiles of a log-logistic distribution: most records are small, a few are megabytes. */
function sizeTable(): Float64Array {
  const sizes = new Float64Array(SIZE_STEPS)
  for (let i = 0; i < SIZE_STEPS; i++) {
    const share = (i + 0.5) / SIZE_STEPS
    sizes[i] = Math.floor(SIZE_MEDIAN_BYTES * (share / (1 - share)) ** 0.7)
  }
  return sizes
}
