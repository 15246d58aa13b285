/**
 * Everything that reaches the demo's partition after genesis, message by message: ticks of the
 * virtual clock, usage of a simulated population, profile changes. Pure and seeded: the same
 * options give the same bytes in the same order, so that a test can tell another model of the
 * scenario the same story.
 */

import { createColumns } from '../model/usage.ts'
import { Batcher, type EncodedBatch } from '../probe/batcher.ts'
import { Disorder } from '../probe/disorder.ts'
import { encodeProfile, encodeTick, encodeUsageColumns } from '../probe/encode.ts'
import { Population } from '../probe/population.ts'
import { Random } from '../probe/random.ts'
import { controlSubject, producerSubject } from '../model/wire.ts'
import { DEMO_ZONE_OFFSET_MINUTES, DemoPeople, type ProfileEvent } from './demo-people.ts'

/** Whose ticks move the demo's clock. */
export const DEMO_TICK_WRITER = 'demo'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Virtual time from one tick to the next. */
const TICK_MS = 15 * MINUTE_MS
/** After the last usage the clock goes on until 21:00 of the next day: what is pending gets out. */
const AFTERMATH_MS = 21 * HOUR_MS
const BATCH_RECORDS_MAX = 2_000
const CHUNK_RECORDS = 10_000
const PROFILE_ROWS_MAX = 500
/** One record in a hundred is heard of up to 36 hours later. */
const LATE_RECORD_SHARE = 0.01
const LATE_BY_MAX_MS = 36 * HOUR_MS
const DISORDER = { lateShare: 0.01, duplicateShare: 0.01, distanceMax: 40 } as const
/** Codes of the scenario's dictionary, most used first. */
const APP_CODES = [2, 0, 1, 3, 4]
/**
 * Nothing reaches the partition meanwhile, by day of the month and local hours: noon is heard of
 * late once, and once only in the night, when it may not be acted upon.
 */
const SILENCES = [
  { day: 14, fromMs: 11.6 * HOUR_MS, toMs: 16.2 * HOUR_MS },
  { day: 18, fromMs: 10 * HOUR_MS, toMs: 22.1 * HOUR_MS },
] as const

/** What the demo is about. */
export interface DemoTrafficOptions {
  /** Whole, 0 to 2^53-1. */
  readonly seed: number
  readonly subscriberCount: number
  /** Local midnight at which the virtual month begins, ms since the epoch. */
  readonly startMs: number
  readonly days: number
  /** Mean number of records per subscriber and day. */
  readonly recordsPerDay: number
}

/** One message for IN_0. The bytes are the receiver's. */
export interface DemoMessage {
  readonly kind: 'tick' | 'usage' | 'profile'
  readonly subject: string
  readonly data: Uint8Array
  readonly recordCount: number
  /** Virtual time of the last tick, ms since the epoch. */
  readonly clockMs: number
}

/** Smallest subscriber number of the demo. */
export const DEMO_FIRST_SUBSCRIBER = 13_800_000_000

/** The demo's people, as the traffic knows them. */
export function demoPeople(options: DemoTrafficOptions): DemoPeople {
  return new DemoPeople(options.seed, DEMO_FIRST_SUBSCRIBER, options.subscriberCount)
}

/** The whole story, made while it is read; about `subscribers × days × recordsPerDay` records. */
export function demoTraffic(options: DemoTrafficOptions): Generator<DemoMessage> {
  return new DemoTraffic(options).messages()
}

class DemoTraffic {
  readonly #options: DemoTrafficOptions
  readonly #people: DemoPeople
  readonly #population: Population
  readonly #batcher: Batcher
  readonly #disorder: Disorder<EncodedBatch>
  readonly #columns = createColumns(CHUNK_RECORDS)
  #ready: EncodedBatch[] = []
  /** What the profile source has yet to say, by time. */
  #events: ProfileEvent[] = []
  #clockMs: number
  #tickCount = 0
  #profileSeq = 0
  #brokenSeq = 0
  /** Part of a record that was due and not made. */
  #fraction = 0

  constructor(options: DemoTrafficOptions) {
    const { seed, subscriberCount, startMs } = options
    this.#options = options
    this.#clockMs = startMs
    this.#people = demoPeople(options)
    this.#population = new Population({
      seed,
      subscriberCount,
      firstSubscriber: DEMO_FIRST_SUBSCRIBER,
      zoneOffsetMinutes: DEMO_ZONE_OFFSET_MINUTES,
      lateShare: LATE_RECORD_SHARE,
      lateByMaxMs: LATE_BY_MAX_MS,
      appCodes: APP_CODES,
    })
    this.#disorder = new Disorder(DISORDER, new Random(seed + 1))
    this.#batcher = new Batcher(
      { probe: 'demo', epoch: 1, partitionCount: 1, batchRecordsMax: BATCH_RECORDS_MAX },
      (batch) => this.#ready.push(...this.#disorder.push(batch)),
    )
  }

  *messages(): Generator<DemoMessage> {
    const { startMs, days } = this.#options
    const endMs = startMs + days * DAY_MS
    yield* this.#profiles(this.#people.initialRows())
    for (let dayMs = startMs; dayMs < endMs; dayMs += DAY_MS) {
      this.#events.push(...this.#people.eventsOfDay(dayMs))
      this.#events.sort((left, right) => left.atMs - right.atMs)
      yield* this.#day(dayMs)
    }
    this.#ready.push(...this.#disorder.drain())
    yield* this.#usageReady()
    while (this.#clockMs < endMs + AFTERMATH_MS) yield this.#tick(this.#clockMs + TICK_MS)
  }

  /**
   * Each tick is followed by what happened since the one before: event times lie behind the clock.
   */
  *#day(dayMs: number): Generator<DemoMessage> {
    for (let atMs = dayMs + TICK_MS; atMs <= dayMs + DAY_MS; atMs += TICK_MS) {
      if (isSilent(atMs, dayMs)) continue
      const beforeMs = this.#clockMs
      yield this.#tick(atMs)
      yield* this.#usage(beforeMs, atMs)
      yield* this.#profileEvents(atMs)
    }
    yield this.#brokenBatch()
  }

  #tick(timeMs: number): DemoMessage {
    this.#clockMs = timeMs
    this.#tickCount += 1
    const data = encodeTick({ id: `demo-${this.#tickCount}`, writer: DEMO_TICK_WRITER, timeMs })
    return this.#message('tick', controlSubject(0), data, 0)
  }

  *#usage(fromMs: number, toMs: number): Generator<DemoMessage> {
    const { subscriberCount, recordsPerDay } = this.#options
    const recordsPerSecond = (subscriberCount * recordsPerDay) / 86_400
    const due = this.#population.expectedCount(fromMs, toMs, recordsPerSecond) + this.#fraction
    const count = Math.floor(due)
    this.#fraction = due - count
    for (let made = 0; made < count; ) {
      const size = Math.min(CHUNK_RECORDS, count - made)
      const chunkFromMs = Math.floor(fromMs + ((toMs - fromMs) * made) / count)
      const chunkToMs = Math.ceil(fromMs + ((toMs - fromMs) * (made + size)) / count)
      this.#population.generate(this.#columns, 0, size, chunkFromMs, chunkToMs)
      this.#batcher.add(this.#columns, 0, size)
      made += size
      yield* this.#usageReady()
    }
    this.#batcher.flush()
    yield* this.#usageReady()
  }

  *#usageReady(): Generator<DemoMessage> {
    const ready = this.#ready
    this.#ready = []
    for (const { subject, data, recordCount } of ready) {
      yield this.#message('usage', subject, data, recordCount)
    }
  }

  *#profileEvents(untilMs: number): Generator<DemoMessage> {
    const count = this.#events.findIndex(({ atMs }) => atMs > untilMs)
    const due = this.#events.splice(0, count === -1 ? this.#events.length : count)
    yield* this.#profiles(due.map(({ row }) => row))
  }

  *#profiles(rows: readonly ProfileEvent['row'][]): Generator<DemoMessage> {
    for (let at = 0; at < rows.length; at += PROFILE_ROWS_MAX) {
      const stamp = { probe: 'bi', epoch: 1, seq: this.#profileSeq++ }
      const data = encodeProfile({ stamp, rows: rows.slice(at, at + PROFILE_ROWS_MAX) })
      yield this.#message('profile', producerSubject('profile', 0, 'bi'), data, 0)
    }
  }

  /** A probe with a fault counts backwards: its batch must be refused whole and harm nobody. */
  #brokenBatch(): DemoMessage {
    const columns = {
      subscribers: Float64Array.of(DEMO_FIRST_SUBSCRIBER, DEMO_FIRST_SUBSCRIBER),
      usageBytes: Float64Array.of(1_000_000, -1),
      timesMs: Float64Array.of(this.#clockMs, this.#clockMs),
    }
    const stamp = { probe: 'broken', epoch: 1, seq: this.#brokenSeq++ }
    const data = encodeUsageColumns(stamp, columns, 0, 2)
    return this.#message('usage', producerSubject('usage', 0, 'broken'), data, 0)
  }

  #message(
    kind: DemoMessage['kind'],
    subject: string,
    data: Uint8Array,
    recordCount: number,
  ): DemoMessage {
    return { kind, subject, data, recordCount, clockMs: this.#clockMs }
  }
}

function isSilent(atMs: number, dayMs: number): boolean {
  const day = new Date(dayMs + DEMO_ZONE_OFFSET_MINUTES * MINUTE_MS).getUTCDate()
  return SILENCES.some(
    (silence) =>
      silence.day === day && atMs > dayMs + silence.fromMs && atMs < dayMs + silence.toMs,
  )
}
