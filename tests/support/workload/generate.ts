/**
 * Seeded workloads for a partition that runs S1: the log as plain decoded objects, for the naive
 * model (`NaiveModel.apply`) and, encoded, for a real partition.
 *
 * ## Format
 * An array of `NaiveInput`, in log order, with ascending sequences from `firstSequence` (2:
 * genesis is 1).
 * - `usage` { stamp: { probe, epoch, seq }, records: [{ subscriber, usageBytes, timeMs, rat, app,
 *   cell, kind }] } → subject `usage.<p>.<stamp.probe>`; `{ v: 1, probe, epoch, seq, rows:
 *   [[subscriber, usageBytes, timeMs, rat, app, cell, kind], …] }` or the columnar shape with the
 *   same seven columns. All numbers are meant to be encoded as they are: spoiled records hold -1,
 *   NaN or 0.5 (float64), rat 200 (uint8), a subscriber of 16 digits, or one of another
 *   partition. No batch has more than 200 records, none is empty.
 * - `profile` { stamp, rows: ProfileRow[] } → `profile.<p>.<stamp.probe>`. In a row `{}` and
 *   `undefined` mean "says nothing": leave such keys out of the message. null removes. Spoiled
 *   ones hold the tag `no_such_tag`.
 * - `feedback` { stamp, rows: FeedbackRow[] } → `feedback.<p>.<stamp.probe>`; always one row per
 *   message, so that it does not matter whether a foreign id refuses the row or the message.
 * - `tick` { id, writer, timeMs } → `control.<p>`. null: left out. Only `parameters.tickWriter`
 *   moves the clock; ticks of `stranger` carry 2099 and must be harmless.
 * - `erase` { id, subscribers } → `control.<p>`. Lives go on: who was erased is soon heard of
 *   again.
 *
 * The partition's genesis: virtual clock with writer `parameters.tickWriter` and start
 * `parameters.startMs`, default zone, partition and partition count as in `parameters`. The
 * config must know the tags `seed` (versioned) and `has_pack`, and all apps of
 * `parameters.ottApps` and `otherApps`.
 *
 * Feedback answers deliveries; so the generator runs a naive model beside itself to know them.
 *
 * ## Contents
 * Ends of months, DST changes, sums of exactly 511,999 and 512,000 bytes, usage at 00:00, 02:00,
 * 12:00, 21:00 and in the last millisecond of a day, late records up to and beyond 48 h, early
 * ones up to and beyond 5 min, duplicates, overtaken batches at and below the 1,024 map, older
 * epochs, spoiled batches, tags before and after the usage, monthly re-selection on the 10th,
 * packs ordered and returned, opt-outs and black lists, profiles deleted, hours without any input
 * (so that noon is heard of beyond 21:00), stray ticks, expired, repeated and senseless feedback,
 * erasures of those for whom a delivery waits, of others, of several, of nobody, repeated and of
 * foreign numbers.
 */

import type { ProfileRow } from '../../../src/model/messages.ts'
import {
  type NaiveInput,
  type NaiveParameters,
  type NaiveRecord,
  type Receipt,
  S1_PARAMETERS,
} from '../naive/input.ts'
import { NaiveModel } from '../naive/model.ts'
import { Gateway } from './gateway.ts'
import { type Arrival, planLives, profileRow } from './people.ts'
import { Probe } from './producer.ts'
import { Random } from './random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Worth walking through: Berlin's and New York's DST changes, ends of months, a new year. */
export const WORKLOAD_SPANS: readonly { readonly startMs: number; readonly days: number }[] = [
  { startMs: Date.parse('2026-10-20T00:00+08:00'), days: 50 },
  { startMs: Date.parse('2026-02-24T00:00+08:00'), days: 40 },
  { startMs: Date.parse('2026-12-20T00:00+08:00'), days: 45 },
]

/** What to generate. Everything but the seed has a default. */
export interface WorkloadOptions {
  /** Any whole number. Without `startMs` it also chooses the span, in turn. */
  readonly seed: number
  readonly subscribers?: number
  /** Start of the virtual clock, ms, and days until the last event. */
  readonly startMs?: number
  readonly days?: number
  readonly tickMinutes?: number
  readonly probes?: number
  readonly firstSequence?: number
  readonly zones?: readonly (string | null)[]
  readonly otherApps?: readonly number[]
  /**
   * Share of subscribers that change their zone once after they have used something (0 to 1,
   * default 0).
   */
  readonly movingShare?: number
  /** Erasures per day; default 0.25. Their numbers come back. */
  readonly erasuresPerDay?: number
  /** Deletions of profiles per day; they move people home: default 0.25 if anybody moves. */
  readonly deletionsPerDay?: number
  /** Variant of S1 that the feedback is made for; its `startMs` is replaced. */
  readonly parameters?: Partial<NaiveParameters>
}

/** A log and the parameters of the partition that it is meant for. */
export interface Workload {
  readonly inputs: readonly NaiveInput[]
  readonly parameters: NaiveParameters
  readonly subscribers: readonly number[]
}

/** The same options give the same workload, on any machine with the same time zone data. */
export function generateWorkload(options: WorkloadOptions): Workload {
  const span = WORKLOAD_SPANS[Math.abs(options.seed) % WORKLOAD_SPANS.length]!
  const startMs = options.startMs ?? span.startMs
  const days = options.days ?? span.days
  const parameters = { ...S1_PARAMETERS, ...options.parameters, startMs }
  const { partition, partitionCount } = parameters
  const base = Math.floor(13_800_000_000 / partitionCount) * partitionCount + partition
  const subscribers = Array.from(
    { length: options.subscribers ?? 60 },
    (_, index) => base + index * partitionCount,
  )
  const writer = new LogWriter(options, parameters, subscribers)
  writer.write(startMs + (days + 4) * DAY_MS, days)
  return { inputs: writer.inputs, parameters, subscribers }
}

/**
 * Walks through virtual time, one tick after the other, and writes down what reaches the
 * partition.
 */
class LogWriter {
  readonly inputs: NaiveInput[] = []
  readonly #options: WorkloadOptions
  readonly #parameters: NaiveParameters
  readonly #subscribers: readonly number[]
  readonly #random: Random
  /** Of its own, so that a log without erasures is what it would be with them. */
  readonly #erasing: Random
  /** Likewise for deletions of profiles. */
  readonly #deleting: Random
  readonly #model: NaiveModel
  readonly #gateway: Gateway
  readonly #probes: Probe[]
  readonly #seqs = { profile: 0, feedback: 0 }
  #nowMs: number
  #tick = 0
  #erasure = 0
  #deletions = 0

  constructor(
    options: WorkloadOptions,
    parameters: NaiveParameters,
    subscribers: readonly number[],
  ) {
    this.#options = options
    this.#parameters = parameters
    this.#subscribers = subscribers
    this.#random = new Random(options.seed)
    this.#erasing = new Random(options.seed + 7_919)
    this.#deleting = new Random(options.seed + 104_729)
    this.#model = new NaiveModel(parameters)
    this.#gateway = new Gateway(this.#random)
    this.#nowMs = parameters.startMs
    const names = Array.from({ length: options.probes ?? 2 }, (_, index) => `probe${index + 1}`)
    this.#probes = names.map(
      (name) => new Probe(name, parameters, this.#random, (message) => this.#push(message)),
    )
  }

  write(endMs: number, days: number): void {
    const lives = planLives(
      {
        subscribers: this.#subscribers,
        zones: this.#options.zones ?? [
          ...[null, null, null],
          ...['America/New_York', 'Europe/Berlin', 'Asia/Kathmandu'],
        ],
        days,
        otherApps: this.#options.otherApps ?? [0],
        movingShare: this.#options.movingShare ?? 0,
        parameters: this.#parameters,
      },
      this.#random,
    )
    const records = new ArrivalQueue(lives.records)
    const rows = new ArrivalQueue(lives.rows)
    this.#sendRows(rows.take(this.#nowMs))
    const stepMs = (this.#options.tickMinutes ?? 60) * MINUTE_MS
    while (this.#nowMs < endMs) {
      this.#nowMs += stepMs * this.#silence(stepMs)
      this.#sendTick()
      const parts = [
        () => this.#sendRows(rows.take(this.#nowMs)),
        () => this.#sendRecords(records.take(this.#nowMs)),
        () => this.#sendFeedback(this.#gateway.due(this.#nowMs)),
      ]
      if (this.#random.chance(0.5)) parts.reverse()
      for (const part of parts) part()
      const perDay = this.#options.erasuresPerDay ?? 0.25
      if (this.#erasing.chance((perDay * stepMs) / DAY_MS)) this.#sendErasure()
      const { movingShare = 0 } = this.#options
      const deletionsPerDay = this.#options.deletionsPerDay ?? (movingShare > 0 ? 0.25 : 0)
      if (this.#deleting.chance((deletionsPerDay * stepMs) / DAY_MS)) this.#sendDeletion()
      if (this.#random.chance(0.05)) this.#sendEdges()
      for (const probe of this.#probes) probe.release()
    }
  }

  /** Steps until the next tick: mostly 1; now and then all is quiet for 6 to 60 hours. */
  #silence(stepMs: number): number {
    if (!this.#random.chance((0.12 * stepMs) / DAY_MS)) return 1
    return Math.ceil((this.#random.whole(6, 60) * HOUR_MS) / stepMs)
  }

  #sendTick(): void {
    const random = this.#random
    const tick = (writer: string | null, timeMs: number | null) => {
      const id = `tick-${++this.#tick}`
      return { kind: 'tick', id, writer, timeMs } as const
    }
    const tickWriter = this.#parameters.tickWriter
    if (random.chance(0.02)) this.#push(tick('stranger', Date.parse('2099-01-01T00:00Z')))
    const real = tick(tickWriter, this.#nowMs)
    this.#push(real)
    if (random.chance(0.02)) this.#push(real)
    if (random.chance(0.02)) this.#push(tick(null, null))
    if (random.chance(0.02)) this.#push(tick(tickWriter, this.#nowMs - random.whole(1, DAY_MS)))
  }

  #sendRows(rows: readonly ProfileRow[]): void {
    for (let index = 0; index < rows.length; ) {
      const count = this.#random.whole(1, 20)
      const stamp = { probe: 'bi', epoch: 1, seq: ++this.#seqs.profile }
      const message = { kind: 'profile', stamp, rows: rows.slice(index, index + count) } as const
      if (this.#random.chance(0.02)) {
        const bad = profileRow(this.#subscribers[0]!, { tags: { no_such_tag: true } })
        this.#push({ ...message, rows: [...message.rows, bad] })
      }
      this.#push(message)
      if (this.#random.chance(0.05)) this.#push(message)
      index += count
    }
  }

  /** Cuts records into batches, which go to the probes in turn by chance, not by subscriber. */
  #sendRecords(records: readonly NaiveRecord[]): void {
    for (let index = 0; index < records.length; ) {
      const count = this.#random.pick([1, 2, 5, 20, 200])
      this.#random.pick(this.#probes).send(records.slice(index, index + count))
      index += count
    }
  }

  #sendFeedback(rows: readonly Receipt[]): void {
    for (const row of rows) {
      const stamp = { probe: 'gateway', epoch: 1, seq: ++this.#seqs.feedback }
      const message = { kind: 'feedback', stamp, rows: [row] } as const
      this.#push(message)
      if (this.#random.chance(0.1)) this.#push(message)
    }
  }

  /** Mostly of one for whom a delivery waits, where there is one. */
  #sendErasure(): void {
    const random = this.#erasing
    const { partition, partitionCount } = this.#parameters
    const waiting = this.#model.pendingSubscribers()
    const from = waiting.length > 0 && random.chance(0.6) ? waiting : this.#subscribers
    const stranger = partition + partitionCount * (400_000_000_000 + random.whole(1, 1_000))
    const subscribers = Array.from({ length: random.pick([1, 1, 1, 4]) }, () =>
      random.chance(0.05) ? stranger : random.pick(from),
    )
    const erase = { kind: 'erase', id: `erase-${++this.#erasure}`, subscribers } as const
    if (partitionCount > 1 && random.chance(0.1)) {
      this.#push({ ...erase, subscribers: [...subscribers, stranger + 1] })
    }
    this.#push(erase)
    if (random.chance(0.1)) this.#push(erase)
  }

  /** Of somebody; sometimes of a stranger as well, or followed by a new profile. */
  #sendDeletion(): void {
    const random = this.#deleting
    const { partition, partitionCount } = this.#parameters
    const stranger = partition + partitionCount * (400_000_000_000 + random.whole(1, 1_000))
    const subscriber = random.pick(this.#subscribers)
    const rows = [{ ...profileRow(subscriber, {}), isDeletion: true }]
    if (random.chance(0.2)) rows.push({ ...profileRow(stranger, {}), isDeletion: true })
    const after = random.chance(0.5) ? [profileRow(subscriber, { tags: { seed: 209_901 } })] : []
    const stamp = { probe: 'crm', epoch: 1, seq: ++this.#deletions }
    this.#push({ kind: 'profile', stamp, rows: [...rows, ...after] })
  }

  /** Records at the very limits of the accepted time, on both sides. */
  #sendEdges(): void {
    const { latenessMs, earlinessMs, thresholdBytes } = this.#parameters
    const times = [-latenessMs, -latenessMs - 1, earlinessMs, earlinessMs + 1]
    const records = times.map((offsetMs) => ({
      subscriber: this.#random.pick(this.#subscribers),
      usageBytes: this.#random.pick([1_000, thresholdBytes]),
      timeMs: this.#nowMs + offsetMs,
      rat: 6,
      app: this.#random.pick(this.#parameters.ottApps),
      cell: 0,
      kind: 0,
    }))
    this.#random.pick(this.#probes).send(records)
  }

  #push(input: WithoutSequence): void {
    const sequence = (this.#options.firstSequence ?? 2) + this.inputs.length
    const numbered = { sequence, ...input } as NaiveInput
    this.inputs.push(numbered)
    this.#gateway.take(this.#model.apply(numbered))
  }
}

type WithoutSequence = NaiveInput extends infer I
  ? I extends NaiveInput
    ? Omit<I, 'sequence'>
    : never
  : never

/** Arrivals in order of time (as given, where equal), handed out once. */
class ArrivalQueue<T> {
  readonly #arrivals: Arrival<T>[]
  #taken = 0

  constructor(arrivals: readonly Arrival<T>[]) {
    this.#arrivals = [...arrivals].sort((left, right) => left.arrivalMs - right.arrivalMs)
  }

  take(untilMs: number): T[] {
    const first = this.#taken
    while (this.#taken < this.#arrivals.length) {
      if (this.#arrivals[this.#taken]!.arrivalMs > untilMs) break
      this.#taken++
    }
    return this.#arrivals.slice(first, this.#taken).map((arrival) => arrival.value)
  }
}
