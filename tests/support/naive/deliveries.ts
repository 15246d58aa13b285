/** From candidate to delivery in the naive model: schedule, caps, timers, re-checks, feedback. */

import type { SuppressionReason } from '../../../src/model/decision.ts'
import type { NaiveDecision, NaiveParameters, Receipt } from './input.ts'
import type { NaiveSubscriber } from './subscriber.ts'
import { instantOf, localTime } from './zone.ts'

/** What made the trigger fire. `dayNumber` is the local day of the event. */
export interface Candidate {
  readonly subscriber: NaiveSubscriber
  readonly period: string
  /** Erasures in the number's group when it fired. */
  readonly incarnation: number
  readonly dayNumber: number
  readonly firedAtMs: number
  readonly values: Readonly<Record<string, number>>
}

/**
 * One attempt of a delivery. Pending, emitted and settled (a receipt came) ones are live: they
 * use the cap of `monthNumber`, the local month of their planned or actual sending.
 */
interface Attempt {
  readonly candidate: Candidate
  readonly attempt: number
  readonly timer: number
  readonly expiresAtMs: number
  dueMs: number
  monthNumber: number
  status: 'pending' | 'emitted' | 'settled' | 'expired' | 'suppressed'
}

/** A decision without its number, clock and cause, which the model adds. */
export type Verdict = NaiveDecision extends infer D
  ? D extends NaiveDecision
    ? Omit<D, 'number' | 'inputSequence' | 'decidedAtMs'>
    : never
  : never

/**
 * All attempts ever made, and the timers of those that wait. Reads the clock it is handed, no
 * other.
 */
export class DeliveryBook {
  readonly #parameters: NaiveParameters
  readonly #decide: (verdict: Verdict) => void
  readonly #attempts = new Map<string, Attempt>()
  readonly #bySubscriber = new Map<number, Attempt[]>()
  readonly #pending = new Set<Attempt>()
  readonly #erasures = new Map<number, number>()
  /** Deliveries that waited when their subscriber was erased. */
  cancelledByErasure = 0
  #nowMs: number
  #timer = 0
  #earliestDueMs = Number.POSITIVE_INFINITY

  constructor(parameters: NaiveParameters, decide: (verdict: Verdict) => void) {
    this.#parameters = parameters
    this.#decide = decide
    this.#nowMs = parameters.startMs
  }

  /** Moves the book's clock; fires nothing. */
  moveClock(nowMs: number): void {
    this.#nowMs = nowMs
  }

  /**
   * Fires what is due, by due time, then age, up to the limit per input. Returns how many fired.
   */
  fireDue(): number {
    if (this.#earliestDueMs > this.#nowMs) return 0
    const due = [...this.#pending]
      .filter((attempt) => attempt.dueMs <= this.#nowMs)
      .sort((left, right) => left.dueMs - right.dueMs || left.timer - right.timer)
      .slice(0, this.#parameters.timersPerInputMax)
    for (const attempt of due) this.#fire(attempt)
    this.#earliestDueMs = Number.POSITIVE_INFINITY
    for (const { dueMs } of this.#pending) {
      this.#earliestDueMs = Math.min(this.#earliestDueMs, dueMs)
    }
    return due.length
  }

  /** Eligibility, schedule, contact window and cap of a fresh candidate. */
  propose(candidate: Candidate): void {
    const objection = eligibilityFault(candidate.subscriber)
    if (objection !== null) this.#suppress(candidate, 1, objection)
    else this.#plan(candidate, 1, this.#firstPlanned(candidate))
  }

  /** A candidate that was decided against before it got here. */
  refuse(candidate: Candidate, reason: SuppressionReason): void {
    this.#suppress(candidate, 1, reason)
  }

  /** A receipt. Returns false when it names no attempt that waits for one. */
  feed(row: Receipt): boolean {
    const attempt = this.#attempts.get(row.deliveryId)
    if (attempt?.status !== 'emitted') return false
    if (attempt.candidate.subscriber.subscriber !== row.subscriber) return false
    if (row.kind !== 'expired') {
      attempt.status = 'settled'
      return true
    }
    attempt.status = 'expired'
    const { candidate } = attempt
    if (this.#parameters.onExpired === 'drop') {
      this.#suppress(candidate, attempt.attempt, 'expired')
    } else if (attempt.attempt >= this.#parameters.attemptsMax) {
      this.#suppress(candidate, attempt.attempt, 'attempts-exhausted')
    } else {
      const planned = this.#nextSlot(candidate.subscriber.zone, this.#nowMs + 1)
      this.#plan(candidate, attempt.attempt + 1, planned)
    }
    return true
  }

  /**
   * A subscriber is erased: what waits is not sent, and no receipt finds what was. Whoever uses a
   * number of the same group from now on bears another incarnation in his delivery ids.
   */
  forget(subscriber: number): void {
    for (const attempt of this.#bySubscriber.get(subscriber) ?? []) {
      this.#attempts.delete(this.#idOf(attempt.candidate, attempt.attempt))
      if (this.#pending.delete(attempt)) this.cancelledByErasure++
    }
    this.#bySubscriber.delete(subscriber)
    const group = this.#groupOf(subscriber)
    this.#erasures.set(group, (this.#erasures.get(group) ?? 0) + 1)
  }

  /** How often somebody with a number of this one's group was erased. */
  incarnation(subscriber: number): number {
    return this.#erasures.get(this.#groupOf(subscriber)) ?? 0
  }

  #groupOf(subscriber: number): number {
    return Math.floor(subscriber / this.#parameters.partitionCount) % 4096
  }

  pendingSubscribers(): number[] {
    return [...this.#pending].map(({ candidate }) => candidate.subscriber.subscriber)
  }

  pendingCount(): number {
    return this.#pending.size
  }

  #firstPlanned(candidate: Candidate): number {
    const { schedule } = this.#parameters
    if (schedule.kind === 'now') return this.#nowMs
    for (let day = candidate.dayNumber + schedule.days; ; day++) {
      const planned = instantOf(day, schedule.minuteOfDay, candidate.subscriber.zone)
      if (planned >= this.#nowMs) return planned
    }
  }

  /**
   * `at`: the first instant from `fromMs` on at which the wall clock shows the scheduled time.
   * `now`: now.
   */
  #nextSlot(zone: string, fromMs: number): number {
    const { schedule } = this.#parameters
    if (schedule.kind === 'now') return this.#nowMs
    for (let day = localTime(fromMs, zone).dayNumber; ; day++) {
      const planned = instantOf(day, schedule.minuteOfDay, zone)
      if (planned >= fromMs) return planned
    }
  }

  /**
   * Moves `plannedMs` into the contact window, takes the cap, and waits; or sends if it is time.
   */
  #plan(candidate: Candidate, number: number, plannedMs: number): void {
    const { contactWindow } = this.#parameters
    const { zone, subscriber } = candidate.subscriber
    const isInside = this.#isInside(plannedMs, zone)
    if (!isInside && contactWindow.outside === 'drop') {
      this.#suppress(candidate, number, 'outside-contact-window')
      return
    }
    const dueMs = isInside ? plannedMs : this.#nextOpening(plannedMs, zone)
    // From the first planned instant, before the window moved it: waiting uses the time up.
    const expiresAtMs = plannedMs + contactWindow.expiresMs
    if (dueMs >= expiresAtMs) {
      this.#suppress(candidate, number, 'expired')
      return
    }
    const { monthNumber } = localTime(dueMs, zone)
    if (this.#isCapUsed(subscriber, monthNumber, null)) {
      this.#suppress(candidate, number, 'cap-trigger')
      return
    }
    const attempt: Attempt = {
      candidate,
      attempt: number,
      timer: this.#timer++,
      expiresAtMs,
      dueMs,
      monthNumber,
      status: 'pending',
    }
    this.#attempts.set(this.#idOf(candidate, number), attempt)
    this.#bySubscriber.set(subscriber, [...(this.#bySubscriber.get(subscriber) ?? []), attempt])
    this.#pending.add(attempt)
    this.#earliestDueMs = Math.min(this.#earliestDueMs, dueMs)
    if (dueMs <= this.#nowMs) this.#fire(attempt)
  }

  /**
   * Everything that may have changed since the decision is asked again, in the order of the
   * design.
   */
  #fire(attempt: Attempt): void {
    const { subscriber } = attempt.candidate
    let objection: SuppressionReason | null = eligibilityFault(subscriber)
    if (objection === null && subscriber.hasPack) objection = 'cancelled'
    if (objection === null && this.#nowMs >= attempt.expiresAtMs) objection = 'expired'
    if (objection !== null) this.#suppressPending(attempt, objection)
    else if (this.#isInside(this.#nowMs, subscriber.zone)) this.#emit(attempt)
    else if (this.#parameters.contactWindow.outside === 'drop') {
      this.#suppressPending(attempt, 'outside-contact-window')
    } else this.#defer(attempt)
  }

  #defer(attempt: Attempt): void {
    const { zone } = attempt.candidate.subscriber
    const slotMs = this.#nextSlot(zone, this.#nowMs)
    const dueMs = this.#isInside(slotMs, zone) ? slotMs : this.#nextOpening(slotMs, zone)
    if (!this.#moveReservation(attempt, dueMs)) this.#suppressPending(attempt, 'cap-trigger')
    else if (dueMs >= attempt.expiresAtMs) this.#suppressPending(attempt, 'expired')
    else attempt.dueMs = dueMs
  }

  #emit(attempt: Attempt): void {
    const { candidate } = attempt
    const { zone } = candidate.subscriber
    if (!this.#moveReservation(attempt, this.#nowMs)) {
      this.#suppressPending(attempt, 'cap-trigger')
      return
    }
    const { dayNumber } = localTime(this.#nowMs, zone)
    const closingMs = instantOf(dayNumber, this.#parameters.contactWindow.toMinute, zone)
    attempt.status = 'emitted'
    this.#pending.delete(attempt)
    this.#decide({
      kind: 'delivery',
      ...this.#head(candidate, attempt.attempt),
      id: this.#idOf(candidate, attempt.attempt),
      notBeforeMs: this.#nowMs,
      notAfterMs: Math.min(closingMs, attempt.expiresAtMs),
    })
  }

  /**
   * Moves the reservation to the month of `sendingMs`; false when others have used that month up.
   */
  #moveReservation(attempt: Attempt, sendingMs: number): boolean {
    const { zone, subscriber } = attempt.candidate.subscriber
    const { monthNumber } = localTime(sendingMs, zone)
    if (monthNumber === attempt.monthNumber) return true
    if (this.#isCapUsed(subscriber, monthNumber, attempt)) return false
    attempt.monthNumber = monthNumber
    return true
  }

  #isCapUsed(subscriber: number, monthNumber: number, except: Attempt | null): boolean {
    const used = (this.#bySubscriber.get(subscriber) ?? []).filter(
      (attempt) =>
        attempt !== except &&
        attempt.monthNumber === monthNumber &&
        ['pending', 'emitted', 'settled'].includes(attempt.status),
    )
    return used.length >= this.#parameters.capPerMonth
  }

  #isInside(instantMs: number, zone: string): boolean {
    const { fromMinute, toMinute } = this.#parameters.contactWindow
    const { minuteOfDay } = localTime(instantMs, zone)
    return minuteOfDay >= fromMinute && minuteOfDay < toMinute
  }

  /** For an instant outside the contact window. */
  #nextOpening(instantMs: number, zone: string): number {
    const { fromMinute } = this.#parameters.contactWindow
    const { dayNumber, minuteOfDay } = localTime(instantMs, zone)
    return instantOf(minuteOfDay < fromMinute ? dayNumber : dayNumber + 1, fromMinute, zone)
  }

  #suppressPending(attempt: Attempt, reason: SuppressionReason): void {
    attempt.status = 'suppressed'
    this.#pending.delete(attempt)
    this.#suppress(attempt.candidate, attempt.attempt, reason)
  }

  #suppress(candidate: Candidate, attempt: number, reason: SuppressionReason): void {
    const head = this.#head(candidate, attempt)
    const detail = `trigger ${head.trigger}: 1 per month`
    this.#decide({
      kind: 'suppressed',
      ...head,
      reason,
      ...(reason === 'cap-trigger' ? { detail } : {}),
    })
  }

  #head(candidate: Candidate, attempt: number) {
    return {
      trigger: this.#parameters.trigger,
      subscriber: candidate.subscriber.subscriber,
      period: candidate.period,
      attempt,
      firedAtMs: candidate.firedAtMs,
      values: candidate.values,
    }
  }

  #idOf(candidate: Candidate, attempt: number): string {
    const { trigger } = this.#parameters
    const { subscriber, period, incarnation } = candidate
    const id = `${trigger}:${subscriber.subscriber}:${period}:${attempt}`
    return incarnation === 0 ? id : `${id}:${incarnation}`
  }
}

/** Eligibility, in its order. */
function eligibilityFault(subscriber: NaiveSubscriber): 'list-black' | 'opted-out' | null {
  if (subscriber.lists.has('black')) return 'list-black'
  return subscriber.lists.has('optOut') ? 'opted-out' : null
}
