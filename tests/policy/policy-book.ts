/**
 * From candidate to decision in the naive policy model: eligibility, control group, schedule, caps,
 * arbitration; later the due time, re-checks, feedback, retries.
 */

import type { FeedbackRow } from '../../src/model/messages.ts'
import {
  closingMs,
  EXPIRES_DEFAULT_MS,
  isOpen,
  type JointWindow,
  jointWindow,
  nextOpeningMs,
} from './calendar.ts'
import { ChannelBook } from './channel-book.ts'
import { findPlace, type Objection } from './contacts.ts'
import { experimentOf, findDueFault, findIneligibility, type IsHeldOut } from './eligibility.ts'
import type { ModelStart } from './model.ts'
import type { PlainCancellation, PlainPolicy, PlainTrigger, PolicyDecision } from './plain.ts'
import {
  compareRank,
  headOf,
  idOf,
  isPending,
  type ModelCandidate,
  type ModelRow,
  standingOf,
} from './rows.ts'
import { firstPlanned, intoWindow, nextSlot } from './schedule.ts'
import { compareTurns, nextTurn, type Reopening, turnOf } from './turns.ts'

/** The two draws that the model takes from outside: they are arbitrary, but stable. */
export interface Draws {
  readonly isHeldOut: IsHeldOut
  /** A subscriber's place [0, 1) in what is spread after an opening. */
  readonly spreadShare: (subscriber: number) => number
}

/** A verdict without what the input gives. */
type Verdict = Omit<PolicyDecision, 'inputSequence' | 'decidedAtMs'>

/** All rows ever made, and the decisions about them. Reads the clock that it is handed. */
export class PolicyBook {
  readonly #draws: Draws
  readonly #channels: ChannelBook
  readonly #rows: ModelRow[] = []
  readonly #erasures = new Map<number, number>()
  #reopenings: Reopening[] = []
  #decisions: PolicyDecision[] = []
  #policy: PlainPolicy
  #nowMs: number
  #sequence = 0
  #number = 0

  constructor({ policy, zone, startMs }: ModelStart, draws: Draws) {
    this.#policy = policy
    this.#nowMs = startMs
    this.#draws = draws
    this.#channels = new ChannelBook(zone)
  }

  /** An input begins. */
  begin(sequence: number, nowMs: number): void {
    this.#sequence = sequence
    this.#nowMs = nowMs
    this.#decisions = []
  }

  /** What waits counts as what it would go out as now. */
  usePolicy(policy: PlainPolicy): void {
    this.#policy = policy
    for (const row of this.#rows) {
      const trigger = this.#triggerOf(row.candidate)
      if (isPending(row) && trigger !== undefined) {
        row.standing = standingOf(policy, trigger)
      }
    }
  }

  /** Decisions of the input so far. */
  takeDecisions(): PolicyDecision[] {
    return this.#decisions
  }

  pendingCount(): number {
    return this.#rows.filter(isPending).length
  }

  /** Fires what is due, by due time, layer, priority, age. */
  fireDue(): void {
    for (;;) {
      const turn = nextTurn(this.#rows, this.#reopenings, this.#nowMs, (row) => this.#mayLeave(row))
      if (turn === null) return
      if (turn.row !== null) this.#fire(turn.row)
      else {
        this.#reopenings = this.#reopenings.filter(({ candidate }) => candidate !== turn.candidate)
        this.#reopen(turn.candidate)
      }
    }
  }

  /** Whether the channel of one who waits has room again, or whoever waits for it is dropped. */
  #mayLeave({ candidate }: ModelRow): boolean {
    const trigger = this.#triggerOf(candidate)
    return trigger === undefined || trigger.overCapacity === 'drop' || this.#hasRoom(trigger)
  }

  #hasRoom({ channel }: PlainTrigger): boolean {
    return this.#channels.hasRoom(this.#policy, channel, this.#nowMs)
  }

  /** Why one that is due is not sent. */
  #dueFault(row: ModelRow, trigger: PlainTrigger): string | null {
    const reason = findDueFault(this.#policy, trigger, row, this.#nowMs)
    if (reason !== null) return reason
    const isDropped = trigger.overCapacity === 'drop' && !row.isCanary
    return isDropped && !this.#hasRoom(trigger) ? 'capacity' : null
  }

  /** Out it goes, or into the line of its channel: also where somebody stands there before it. */
  #dispatch(row: ModelRow, trigger: PlainTrigger, window: JointWindow | null): void {
    const { zone, cycleDay } = row.candidate.subscriber
    const isLimited = this.#channels.isLimited(this.#policy, trigger.channel)
    const isOvertaking = this.#rows.some(
      (each) =>
        each.status === 'waiting' &&
        this.#triggerOf(each.candidate)?.channel === trigger.channel &&
        this.#mayLeave(each) &&
        compareTurns(turnOf(each), turnOf(row)) < 0,
    )
    if (row.isCanary || !isLimited || (this.#hasRoom(trigger) && !isOvertaking)) {
      Object.assign(row, { dueMs: this.#nowMs, zone, cycleDay })
      this.#emit(row, trigger, window)
      return
    }
    row.status = 'waiting'
    const closing = window === null ? Infinity : closingMs(window, zone, this.#nowMs)
    row.deadlineMs = Math.min(closing, row.expiresAtMs)
  }

  /**
   * Candidates of one input: where triggers compete by subscriber, in the order of each one's
   * first, and then by rank; else as they fired. In this order they are numbered.
   */
  settle(candidates: readonly ModelCandidate[]): void {
    const people = [...new Set(candidates.map(({ subscriber }) => subscriber))]
    const ordered =
      this.#policy.arbitration === null
        ? candidates
        : people.flatMap((person) =>
            candidates.filter(({ subscriber }) => subscriber === person).sort(compareRank),
          )
    for (const candidate of ordered) candidate.number = ++this.#number
    for (const candidate of ordered) this.#decide(candidate)
  }

  /** A gateway's report. */
  feed({ subscriber, deliveryId, kind }: FeedbackRow): void {
    const row = this.#rows.find(
      (each) =>
        each.status === 'emitted' &&
        each.experiment === null &&
        each.candidate.subscriber.subscriber === subscriber &&
        idOf(each.candidate, each.attempt) === deliveryId,
    )
    if (row === undefined) return
    if (kind !== 'expired') {
      row.status = 'settled'
      return
    }
    row.status = 'expired'
    const { candidate, attempt } = row
    const trigger = this.#triggerOf(candidate)
    if (trigger === undefined) this.#suppress(candidate, attempt, { reason: 'trigger-removed' })
    else if (trigger.onExpired === 'drop') this.#suppress(candidate, attempt, { reason: 'expired' })
    else if (attempt >= trigger.attempts) {
      this.#suppress(candidate, attempt, { reason: 'attempts-exhausted' })
    } else {
      const { zone } = candidate.subscriber
      const plannedMs =
        trigger.at.kind === 'at' ? nextSlot(trigger, this.#nowMs + 1, zone) : this.#nowMs
      this.#plan(candidate, trigger, attempt + 1, plannedMs, null)
    }
  }

  /** An operator takes back what waits and is meant. */
  cancel({ trigger, channel, subscriber }: PlainCancellation): void {
    for (const row of this.#rows) {
      const { candidate, standing } = row
      const isMeant =
        isPending(row) &&
        (trigger === null || candidate.trigger === trigger) &&
        (channel === null || standing.channel === channel) &&
        (subscriber === null || candidate.subscriber.subscriber === subscriber)
      if (isMeant) this.#drop(row, { reason: 'cancelled-by-operator' })
    }
  }

  /** A subscriber is erased: nothing of his waits, and nothing of it can be reported any more. */
  forget(subscriber: number): void {
    for (const row of this.#rows) {
      if (row.candidate.subscriber.subscriber === subscriber) row.status = 'dropped'
    }
    this.#reopenings = this.#reopenings.filter(
      ({ candidate }) => candidate.subscriber.subscriber !== subscriber,
    )
    this.#erasures.set(subscriber % 4096, this.incarnation(subscriber) + 1)
  }

  /** How often somebody with a number of this one's group was erased. */
  incarnation(subscriber: number): number {
    return this.#erasures.get(subscriber % 4096) ?? 0
  }

  #triggerOf({ trigger }: ModelCandidate): PlainTrigger | undefined {
    return this.#policy.triggers.find(({ id }) => id === trigger)
  }

  #decide(candidate: ModelCandidate): void {
    const trigger = this.#triggerOf(candidate)!
    const { subscriber } = candidate
    const objection = candidate.isTaggingUsed
      ? 'already-this-tagging'
      : findIneligibility(this.#policy, trigger, subscriber, this.#nowMs)
    if (objection !== null) {
      this.#suppress(candidate, 1, { reason: objection })
      return
    }
    const experiment = experimentOf(this.#policy, trigger, subscriber, this.#draws.isHeldOut)
    this.#plan(candidate, trigger, 1, firstPlanned(candidate, trigger, this.#nowMs), experiment)
  }

  /** Window, caps, arbitration; then it waits, or goes out if it is time. */
  #plan(
    candidate: ModelCandidate,
    trigger: PlainTrigger,
    attempt: number,
    plannedMs: number,
    experiment: string | null,
  ): void {
    const { subscriber } = candidate
    const window = jointWindow(this.#policy, trigger)
    const share = this.#draws.spreadShare(subscriber.subscriber)
    const dueMs = intoWindow(trigger, window, subscriber.zone, plannedMs, share)
    if (dueMs === null) {
      this.#suppress(candidate, attempt, { reason: 'outside-contact-window' })
      this.#reopenLater(candidate, trigger, window!, attempt)
      return
    }
    const isCanary = subscriber.lists.has('canary')
    const row: ModelRow = {
      candidate,
      attempt,
      number: attempt === 1 ? candidate.number : ++this.#number,
      experiment,
      isCanary,
      plannedMs,
      expiresAtMs: plannedMs + (window?.expiresMs ?? EXPIRES_DEFAULT_MS),
      dueMs,
      zone: subscriber.zone,
      cycleDay: subscriber.cycleDay,
      standing: standingOf(this.#policy, trigger),
      deadlineMs: Infinity,
      status: 'pending',
    }
    // What could never be sent takes nobody's place.
    const objection: Objection | null =
      dueMs >= row.expiresAtMs ? { reason: 'expired' } : this.#makeRoom(row, trigger)
    if (objection !== null) {
      this.#suppress(candidate, attempt, objection)
      return
    }
    this.#rows.push(row)
    if (dueMs > this.#nowMs) return
    const reason = this.#dueFault(row, trigger)
    if (reason !== null) this.#drop(row, { reason })
    else this.#dispatch(row, trigger, window)
  }

  /** Caps and arbitration of a row for its due time; drops the weaker one that makes room. */
  #makeRoom(row: ModelRow, trigger: PlainTrigger): Objection | null {
    const { objection, yielding } = findPlace(this.#policy, this.#rows, row, trigger)
    if (objection !== null || yielding === null) return objection
    // Who is not sent after all takes nobody's place.
    const reason = row.dueMs <= this.#nowMs ? this.#dueFault(row, trigger) : null
    if (reason !== null) return { reason }
    this.#drop(yielding, { reason: 'outranked', winner: trigger.id })
    return null
  }

  /** The due time has come: all is asked again. */
  #fire(row: ModelRow): void {
    const trigger = this.#triggerOf(row.candidate)
    if (trigger === undefined) {
      this.#drop(row, { reason: 'trigger-removed' })
      return
    }
    const { subscriber } = row.candidate
    const reason = findDueFault(this.#policy, trigger, row, this.#nowMs)
    if (reason !== null) {
      this.#drop(row, { reason })
      return
    }
    const window = jointWindow(this.#policy, trigger)
    if (window !== null && !isOpen(window, subscriber.zone, this.#nowMs)) {
      this.#postpone(row, trigger, window)
      return
    }
    const { zone, cycleDay } = subscriber
    const moved = { ...row, dueMs: this.#nowMs, zone, cycleDay }
    const objection = this.#makeRoom(moved, trigger)
    const last = this.#dueFault(row, trigger)
    if (objection !== null) this.#drop(row, objection)
    else if (last !== null) this.#drop(row, { reason: last })
    else this.#dispatch(row, trigger, window)
  }

  /** Takes a waiting row to another due time, if there is room for it there. */
  #move(row: ModelRow, trigger: PlainTrigger, dueMs: number): Objection | null {
    const { zone, cycleDay } = row.candidate.subscriber
    const objection = this.#makeRoom({ ...row, dueMs, zone, cycleDay }, trigger)
    if (objection === null) Object.assign(row, { dueMs, zone, cycleDay, status: 'pending' })
    return objection
  }

  /** Held up until the window closed: to its next slot, with its reservation. */
  #postpone(row: ModelRow, trigger: PlainTrigger, window: JointWindow): void {
    const { subscriber } = row.candidate
    const { zone } = subscriber
    const slotMs = nextSlot(trigger, this.#nowMs, zone)
    const share = this.#draws.spreadShare(subscriber.subscriber)
    const dueMs =
      window.outside === 'drop' ? null : intoWindow(trigger, window, zone, slotMs, share)
    if (dueMs === null) {
      this.#drop(row, { reason: 'outside-contact-window' })
      this.#reopenLater(row.candidate, trigger, window, row.attempt)
    } else if (dueMs >= row.expiresAtMs) {
      this.#drop(row, { reason: 'expired' })
    } else {
      const objection = this.#move(row, trigger, dueMs)
      if (objection !== null) this.#drop(row, objection)
    }
  }

  #emit(row: ModelRow, trigger: PlainTrigger, window: JointWindow | null): void {
    const { candidate, attempt } = row
    const { zone } = candidate.subscriber
    const nowMs = this.#nowMs
    row.status = 'emitted'
    if (row.experiment === null) this.#channels.note(trigger.channel, nowMs)
    const closing = window === null ? Infinity : closingMs(window, zone, nowMs)
    const { experiment } = row
    const ofClass = row.standing.class
    this.#say({
      kind: experiment === null ? 'delivery' : 'holdout',
      ...headOf(candidate, attempt),
      id: idOf(candidate, attempt),
      channel: trigger.channel,
      ...(experiment === null ? {} : { experiment }),
      ...(experiment === null && ofClass !== 'marketing' ? { class: ofClass } : {}),
      ...(row.isCanary ? { canary: true } : {}),
      notBeforeMs: nowMs,
      notAfterMs: Math.min(closing, row.expiresAtMs),
    })
  }

  #drop(row: ModelRow, objection: Objection): void {
    row.status = 'dropped'
    this.#suppress(row.candidate, row.attempt, objection)
  }

  #suppress(candidate: ModelCandidate, attempt: number, objection: Objection): void {
    this.#say({ kind: 'suppressed', ...headOf(candidate, attempt), ...objection })
  }

  #say(verdict: Verdict): void {
    const head = { inputSequence: this.#sequence, decidedAtMs: this.#nowMs }
    this.#decisions.push({ ...head, ...verdict })
  }

  #reopenLater(
    candidate: ModelCandidate,
    trigger: PlainTrigger,
    window: JointWindow,
    attempt: number,
  ): void {
    if (!trigger.isRetrying || attempt > 1) return
    const dueMs = nextOpeningMs(window, candidate.subscriber.zone, this.#nowMs)
    this.#reopenings.push({ dueMs, candidate })
  }

  #reopen(candidate: ModelCandidate): void {
    if (this.#triggerOf(candidate) === undefined) return
    candidate.subscriber.latches.delete(candidate.latch)
    if (candidate.tagging !== null) candidate.subscriber.latches.delete(candidate.tagging)
  }
}
