/**
 * A scenario's virtual days, tick by tick: what reaches the partition within each. The next tick is
 * told only when the worker is done with the last one, so that customers can react to what it said
 * and the same seed gives the same story.
 */

import { controlSubject, producerSubject } from '../../model/wire.ts'
import type { FeedbackRow, ProfileRow } from '../../model/messages.ts'
import { createColumns } from '../../model/usage.ts'
import { Batcher, type EncodedBatch } from '../../probe/batcher.ts'
import { encodeFeedback, encodeProfile, encodeTick } from '../../probe/encode.ts'
import type { ProfileEvent, ScenarioPeople } from './people.ts'
import type { PeoplePlan } from './people-plan.ts'

/** Whose ticks move a scenario's clock. */
export const SCENARIO_TICK_WRITER = 'scenario'

const DAY_MS = 86_400_000
const BATCH_RECORDS_MAX = 4_000
const CHUNK_RECORDS = 20_000
const ROWS_MAX = 500

/** One message for IN_0. The bytes are the receiver's. */
export interface StoryMessage {
  readonly kind: 'tick' | 'usage' | 'profile' | 'feedback'
  readonly subject: string
  readonly data: Uint8Array
  readonly recordCount: number
}

/** Tells one scenario. */
export class Story {
  readonly endMs: number
  clockMs: number
  readonly #plan: PeoplePlan
  readonly #people: ScenarioPeople
  readonly #batcher: Batcher
  readonly #columns = createColumns(CHUNK_RECORDS)
  #ready: EncodedBatch[] = []
  #events: ProfileEvent[] = []
  #tickCount = 0
  #seqs = { profile: 0, feedback: 0 }

  constructor(plan: PeoplePlan, people: ScenarioPeople, days: number) {
    this.#plan = plan
    this.#people = people
    this.clockMs = people.startMs
    this.endMs = people.startMs + days * DAY_MS
    this.#batcher = new Batcher(
      { probe: 'scenario', epoch: 1, partitionCount: 1, batchRecordsMax: BATCH_RECORDS_MAX },
      (batch) => this.#ready.push(batch),
    )
  }

  /** What is known of everybody before the first tick. */
  *beginning(): Generator<StoryMessage> {
    for (const rows of this.#people.initialRows(ROWS_MAX)) yield this.#profile(rows)
  }

  /**
   * The next tick and what happened since the one before: event times lie behind the clock.
   * `reports` are those of `Customers.take` until the new time.
   */
  *tick(reportsUntil: (untilMs: number) => readonly FeedbackRow[]): Generator<StoryMessage> {
    const fromMs = this.clockMs
    const untilMs = Math.min(fromMs + this.#plan.tickMs, this.endMs)
    const day = Math.floor((fromMs - this.#people.startMs) / DAY_MS)
    if ((fromMs - this.#people.startMs) % DAY_MS === 0) {
      for (const event of this.#people.eventsOfDay(day)) this.#events.push(event)
    }
    this.clockMs = untilMs
    this.#tickCount += 1
    const id = `scenario-${this.#tickCount}`
    const tick = encodeTick({ id, writer: SCENARIO_TICK_WRITER, timeMs: untilMs })
    yield { kind: 'tick', subject: controlSubject(0), data: tick, recordCount: 0 }
    const due = this.#events.filter(({ atMs }) => atMs <= untilMs)
    this.#events = this.#events.filter(({ atMs }) => atMs > untilMs)
    for (let at = 0; at < due.length; at += ROWS_MAX) {
      yield this.#profile(due.slice(at, at + ROWS_MAX).map(({ row }) => row))
    }
    const reports = reportsUntil(untilMs)
    for (let at = 0; at < reports.length; at += ROWS_MAX) {
      yield this.#feedback(reports.slice(at, at + ROWS_MAX))
    }
    for (const batch of this.#usage(fromMs, untilMs)) {
      const { subject, data, recordCount } = batch
      yield { kind: 'usage', subject, data, recordCount }
    }
  }

  *#usage(fromMs: number, untilMs: number): Generator<EncodedBatch> {
    for (const count of this.#people.usage(fromMs, untilMs, this.#columns)) {
      this.#batcher.add(this.#columns, 0, count)
      yield* this.#ready
      this.#ready = []
    }
    this.#batcher.flush()
    yield* this.#ready
    this.#ready = []
  }

  #profile(rows: readonly ProfileRow[]): StoryMessage {
    const stamp = { probe: 'crm', epoch: 1, seq: this.#seqs.profile++ }
    const data = encodeProfile({ stamp, rows })
    return { kind: 'profile', subject: producerSubject('profile', 0, 'crm'), data, recordCount: 0 }
  }

  #feedback(rows: readonly FeedbackRow[]): StoryMessage {
    const stamp = { probe: 'gateway', epoch: 1, seq: this.#seqs.feedback++ }
    const subject = producerSubject('feedback', 0, 'gateway')
    return { kind: 'feedback', subject, data: encodeFeedback({ stamp, rows }), recordCount: 0 }
  }
}
