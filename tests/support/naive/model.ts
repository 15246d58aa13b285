/**
 * The naive model of one partition that runs scenario S1: an oracle for the engine. Written from
 * the text of the design with plain maps and Intl, sharing no code with the engine (only its
 * types), slow on purpose. Its clock is virtual: it starts at `startMs` and follows the ticks of
 * one writer.
 */

import type { RejectReason } from '../../../src/model/reject.ts'
import type { CounterView } from '../../../src/model/view.ts'
import { ProducerLedger, recordFault, rowFault } from './admission.ts'
import { DeliveryBook } from './deliveries.ts'
import type { NaiveDecision, NaiveInput, NaiveParameters, NaiveRecord } from './input.ts'
import {
  applyRow,
  countersOf,
  countRecord,
  createSubscriber,
  type NaiveSubscriber,
} from './subscriber.ts'
import { type LocalTime, localTime, monthText } from './zone.ts'

/** What happened so far, by the names of `PartitionStatistics` where it has them. */
export interface NaiveStatistics {
  records: number
  recordsTooLate: number
  recordsTooEarly: number
  recordsLateForWindow: number
  duplicateBatches: number
  /** Feedback rows that named no attempt waiting for one. */
  feedbackIgnored: number
  candidates: number
  timersFired: number
  subscribersErased: number
}

/** Inputs of producers. */
type Stamped = Exclude<NaiveInput, { kind: 'tick' | 'erase' }>

/** A message that was refused whole. */
export interface NaiveReject {
  readonly sequence: number
  readonly reason: RejectReason
}

/** One partition. Feed it inputs in log order; everything it decides comes back from `apply`. */
export class NaiveModel {
  readonly statistics: NaiveStatistics = {
    records: 0,
    recordsTooLate: 0,
    recordsTooEarly: 0,
    recordsLateForWindow: 0,
    duplicateBatches: 0,
    feedbackIgnored: 0,
    candidates: 0,
    timersFired: 0,
    subscribersErased: 0,
  }
  readonly rejects: NaiveReject[] = []
  readonly #parameters: NaiveParameters
  readonly #ledger = new ProducerLedger()
  readonly #subscribers = new Map<number, NaiveSubscriber>()
  readonly #tickIds = new Set<string>()
  readonly #erasureIds = new Set<string>()
  readonly #book: DeliveryBook
  #decisions: NaiveDecision[] = []
  #decisionNumber = 0
  #sequence = 0
  #nowMs: number

  constructor(parameters: NaiveParameters) {
    this.#parameters = parameters
    this.#nowMs = parameters.startMs
    this.#book = new DeliveryBook(parameters, (verdict) => {
      this.#decisions.push({
        number: ++this.#decisionNumber,
        inputSequence: this.#sequence,
        decidedAtMs: this.#nowMs,
        ...verdict,
      })
    })
  }

  /** Applies one input and returns its decisions in order. Mutates the model only. */
  apply(input: NaiveInput): NaiveDecision[] {
    this.#decisions = []
    this.#sequence = input.sequence
    if (input.kind === 'tick') this.#moveClock(input)
    this.statistics.timersFired += this.#book.fireDue()
    if (input.kind === 'erase') this.#erase(input)
    else if (input.kind !== 'tick' && this.#isAdmitted(input)) {
      if (input.kind === 'usage') for (const record of input.records) this.#applyRecord(record)
      if (input.kind === 'profile') for (const row of input.rows) this.#applyRow(row)
      if (input.kind === 'feedback') {
        for (const row of input.rows) if (!this.#book.feed(row)) this.statistics.feedbackIgnored++
      }
    }
    return this.#decisions
  }

  /** An input that a ruling leaves out: it is refused, and nothing else happens. */
  skip({ sequence }: NaiveInput): NaiveDecision[] {
    this.rejects.push({ sequence, reason: 'skipped-by-ruling' })
    return []
  }

  /** The partition's clock, ms. */
  clockMs(): number {
    return this.#nowMs
  }

  /** All subscribers, in the order in which they appeared. */
  subscribers(): number[] {
    return [...this.#subscribers.keys()]
  }

  /**
   * Counters of one subscriber as of his own running periods; see `countersOf`. Empty when
   * unknown.
   */
  counters(subscriber: number): CounterView[] {
    const known = this.#subscribers.get(subscriber)
    return known === undefined ? [] : countersOf(known, this.#parameters)
  }

  /** Deliveries decided and not yet sent. */
  pendingCount(): number {
    return this.#book.pendingCount()
  }

  /** Subscribers for whom something is decided and not yet sent. */
  pendingSubscribers(): number[] {
    return this.#book.pendingSubscribers()
  }

  /** How often somebody with a number of this one's group was erased; part of delivery ids. */
  incarnation(subscriber: number): number {
    return this.#book.incarnation(subscriber)
  }

  /** Deliveries that waited when their subscriber was erased. */
  cancelledByErasure(): number {
    return this.#book.cancelledByErasure
  }

  #moveClock(tick: Extract<NaiveInput, { kind: 'tick' }>): void {
    if (this.#tickIds.has(tick.id)) return
    this.#tickIds.add(tick.id)
    if (tick.timeMs === null || tick.writer !== this.#parameters.tickWriter) return
    this.#nowMs = Math.max(this.#nowMs, tick.timeMs)
    this.#book.moveClock(this.#nowMs)
  }

  /** What is known of them is gone, as if they had never been; their numbers may come back. */
  #erase(input: Extract<NaiveInput, { kind: 'erase' }>): void {
    const { partition, partitionCount } = this.#parameters
    if (this.#erasureIds.has(input.id)) return
    if (input.subscribers.some((number) => number % partitionCount !== partition)) {
      this.rejects.push({ sequence: input.sequence, reason: 'wrong-partition' })
      return
    }
    this.#erasureIds.add(input.id)
    for (const number of input.subscribers) {
      if (!this.#subscribers.delete(number)) continue
      this.#book.forget(number)
      this.statistics.subscribersErased++
    }
  }

  /** Shape first, then the stamp; only what is accepted leaves a trace in the ledger. */
  #isAdmitted(input: Stamped): boolean {
    const fault = this.#faultOf(input)
    const admission = this.#ledger.judge(input.kind, input.stamp)
    if (fault === null && admission === 'new') {
      this.#ledger.note(input.kind, input.stamp)
      return true
    }
    if (fault !== null) this.rejects.push({ sequence: input.sequence, reason: fault })
    else if (admission === 'repeat') this.statistics.duplicateBatches++
    else if (admission !== 'new') {
      this.rejects.push({ sequence: input.sequence, reason: admission })
    }
    return false
  }

  #faultOf(input: Stamped): RejectReason | null {
    if (input.kind === 'feedback') return null
    const faults =
      input.kind === 'usage'
        ? input.records.map((record) => recordFault(record, this.#parameters))
        : input.rows.map((row) => rowFault(row, this.#parameters))
    return faults.find((fault) => fault !== null) ?? null
  }

  #applyRecord(record: NaiveRecord): void {
    if (record.timeMs < this.#nowMs - this.#parameters.latenessMs) {
      this.statistics.recordsTooLate++
      return
    }
    if (record.timeMs > this.#nowMs + this.#parameters.earlinessMs) {
      this.statistics.recordsTooEarly++
      return
    }
    this.statistics.records++
    const subscriber = this.#subscriberOf(record.subscriber)
    const local = localTime(record.timeMs, subscriber.zone)
    const isLate = subscriber.runningDay !== null && local.dayNumber < subscriber.runningDay
    const counted = countRecord(subscriber, record, local, this.#parameters)
    if (counted.isLateForWindow) this.statistics.recordsLateForWindow++
    if (!counted.isTouched || (isLate && !this.#parameters.isLateFiring)) return
    this.#judge(subscriber, local, record.timeMs)
  }

  #applyRow(row: Parameters<typeof applyRow>[1]): void {
    if (row.isDeletion === true && !this.#subscribers.has(row.subscriber)) return
    const subscriber = this.#subscriberOf(row.subscriber)
    if (!applyRow(subscriber, row, this.#parameters)) return
    this.#judge(subscriber, localTime(this.#nowMs, subscriber.zone), this.#nowMs)
  }

  /** The condition, with the counters as of the local day of the event; then both latches. */
  #judge(subscriber: NaiveSubscriber, local: LocalTime, firedAtMs: number): void {
    const { runningDay, seedVersion } = subscriber
    if ((runningDay ?? local.dayNumber) - local.dayNumber > this.#parameters.keep) return
    const dayBytes = subscriber.data4gDay.get(local.dayNumber) ?? 0
    const isTrue = dayBytes >= this.#parameters.thresholdBytes && !subscriber.hasPack
    if (!isTrue || seedVersion === null) return
    if (subscriber.latchedMonths.has(local.monthNumber)) return
    subscriber.latchedMonths.add(local.monthNumber)
    this.statistics.candidates++
    const candidate = {
      subscriber,
      period: monthText(local.monthNumber),
      incarnation: this.#book.incarnation(subscriber.subscriber),
      dayNumber: local.dayNumber,
      firedAtMs,
      values: { 'data_4g.day': dayBytes },
    }
    if (subscriber.usedVersions.has(seedVersion)) {
      this.#book.refuse(candidate, 'already-this-tagging')
      return
    }
    subscriber.usedVersions.add(seedVersion)
    this.#book.propose(candidate)
  }

  #subscriberOf(number: number): NaiveSubscriber {
    let subscriber = this.#subscribers.get(number)
    if (subscriber === undefined) {
      subscriber = createSubscriber(number, this.#parameters.zone)
      this.#subscribers.set(number, subscriber)
    }
    return subscriber
  }
}
