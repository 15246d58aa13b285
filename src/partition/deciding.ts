/**
 * From candidates to decisions, in the order that design.md section 6 binds: latch, eligibility,
 * control group, schedule, caps, arbitration, emission; and what happens later: due timers,
 * re-checks, expiry, further attempts. Every candidate ends in exactly one delivery, one holdout or
 * one suppression with a reason.
 */

import { isOpenAt } from '../decision/contact-window.ts'
import {
  completePlan,
  moveIntoWindow,
  nextSlot,
  type Plan,
  planDelivery,
  subscriberShare,
} from '../decision/schedule.ts'
import type { TriggerSpec } from '../model/catalog.ts'
import type { SuppressionReason } from '../model/decision.ts'
import {
  type LedgerRow,
  ROW_EMITTED,
  ROW_JOURNEY,
  ROW_PENDING,
  ROW_REOPEN,
  ROW_RESOLVED,
  ROW_WAITING,
} from '../state/ledger.ts'
import { type Candidate, Candidates, type SubscriberJudge } from './candidates.ts'
import { beginCancellation, cancelSlice, isCancelled } from './cancelling.ts'
import { dueRank } from './capacity.ts'
import type { CapacityGate } from './capacity-gate.ts'
import type { CompiledCondition, CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'
import { experimentOf, ineligibilityOf } from './eligible.ts'
import { Emitter, type Refusal } from './emitting.ts'
import { eraseSubscribers } from './erasing.ts'
import { forgetRows } from './forgetting.ts'
import { followSlice } from './journey-edits.ts'
import { Journeys } from './journeys.ts'
import { Latches } from './latches.ts'
import { Places } from './places.ts'
import { reopen, reopenLater } from './reopening.ts'
import { followEdits, Reservations } from './reservations.ts'

/**
 * Due timers that one input fires at most: half a million noon deliveries are slices, not a stall.
 */
export const TIMERS_PER_INPUT_MAX = 10_000

/** Makes decisions of one partition. */
export class Decider {
  readonly latches: Latches
  /** Judges cancel conditions, audiences and values; set by the machine. */
  judge!: SubscriberJudge
  readonly #core: PartitionCore
  readonly #candidates: Candidates
  readonly #reservations: Reservations
  readonly #emitter: Emitter
  readonly #places: Places
  readonly journeys: Journeys

  constructor(core: PartitionCore) {
    this.#core = core
    this.latches = new Latches(core)
    this.#candidates = new Candidates(core)
    this.#reservations = new Reservations(core)
    this.#emitter = new Emitter(core, this.#reservations)
    this.#places = new Places(core, this.#reservations, this.#emitter)
    this.journeys = new Journeys(core, {
      ...{ latches: this.latches, candidates: this.#candidates, places: this.#places },
    })
  }

  /** Whether channels have room. Set by the machine; all have unless it is. */
  set capacity(gate: CapacityGate) {
    this.#places.capacity = gate
  }

  /** Changes a tag, as an action asks for, and judges what reads it. Set by the machine. */
  set changeTag(change: Emitter['changeTag']) {
    this.#emitter.changeTag = change
  }

  /**
   * A condition became true: sets the latch and notes the candidate with what it is worth, for
   * `settle`. `keys`: periods of the event.
   */
  fire(trigger: CompiledCondition, slot: number, firedAtMs: number, keys: Int32Array): void {
    const core = this.#core
    if ('watch' in trigger) {
      this.journeys.note(trigger, slot, firedAtMs, keys)
      return
    }
    const { id } = trigger.spec
    const row = this.#candidates.newRow(trigger, slot, firedAtMs, keys, this.judge)
    this.latches.set(trigger, slot, row.period, true)
    core.statistics.candidates += 1
    core.countsOf(id).candidates += 1
    row.tagging = this.latches.taggingOf(trigger, slot)
    const isTaggingSpent = !this.latches.claimTagging(trigger, slot)
    this.#candidates.add({ trigger, row, isTaggingSpent })
  }

  /**
   * The input is applied whole, or a timer fired: decides what fired, and what that made fire.
   */
  settle(): void {
    for (;;) {
      const undecided = this.#candidates.take()
      if (undecided.length === 0) return
      for (const each of undecided) {
        if ('what' in each) this.journeys.heed(each.journey, each.what, each.row)
        else this.#decide(each)
      }
    }
  }

  /**
   * Fires what is due, by due time, layer, priority and id, and lets out of the channels' lines who
   * goes before that and has room: at most `TIMERS_PER_INPUT_MAX` in all.
   */
  fireDue(): void {
    const { heap, clockMs, capacity } = this.#core
    let done = 0
    while (done < TIMERS_PER_INPUT_MAX) {
      const isTimerDue = heap.nextDueMs <= clockMs
      const { nextPriority: rank, nextDueMs: dueMs, nextId: id } = heap
      const waiting = capacity.takeDue(isTimerDue ? { rank, dueMs, id } : null)
      if (waiting !== -1) this.emitDue(waiting)
      else if (!isTimerDue) break
      else if (!this.#fireNext()) continue
      this.settle()
      done += 1
    }
  }

  /** Fires the earliest timer; false for one that no longer holds. */
  #fireNext(): boolean {
    const { heap, ledger, statistics } = this.#core
    const { nextRow, nextId, nextDueMs } = heap
    heap.pop()
    const status = ledger.status(nextRow)
    const isCurrent =
      (status === ROW_PENDING || status === ROW_REOPEN || status === ROW_JOURNEY) &&
      ledger.id(nextRow) === nextId &&
      ledger.dueMs(nextRow) === nextDueMs
    if (!isCurrent) return false
    statistics.timersFired += 1
    if (status === ROW_REOPEN) reopen(this.#core, this.latches, nextRow)
    else if (status === ROW_JOURNEY) this.journeys.fireDue(nextRow)
    else this.emitDue(nextRow)
    return true
  }

  /**
   * A gateway's report that an attempt came too late. Accepted once, for the highest unresolved
   * attempt; returns false when there is none such.
   */
  expireAttempt(number: number): boolean {
    const core = this.#core
    const row = core.ledger.read(number)
    if (row.status !== ROW_EMITTED || row.experiment !== 0) return false
    const trigger = core.compiled.triggerByCode(row.trigger)
    if (trigger === undefined) {
      this.#places.drop(number, row, { reason: 'trigger-removed' })
      return true
    }
    const { spec } = trigger
    if (spec.onExpired === 'drop') {
      this.#places.drop(number, row, { reason: 'expired' })
      return true
    }
    if (row.attempt >= spec.attemptsMax) {
      this.#places.drop(number, row, { reason: 'attempts-exhausted' })
      return true
    }
    row.attempt += 1
    row.isCanary = core.isListed(row.slot, 'canary')
    row.id = core.nextCandidateId++
    row.generation = core.generation
    followEdits(row, trigger)
    const clock = core.clockOf(row.slot)
    const fromMs = spec.schedule.kind === 'at' ? core.clockMs + 1 : core.clockMs
    const share = subscriberShare(core.subscriberOf(row.slot))
    const plan = completePlan(spec, clock, nextSlot(spec.schedule, clock, fromMs), share)
    if (plan === null) this.#places.drop(number, row, { reason: 'outside-contact-window' })
    else this.#reserve(row, trigger, plan, number)
    return true
  }

  /** A gateway's report that an attempt was sent, delivered or failed. */
  resolveAttempt(number: number): boolean {
    const { ledger } = this.#core
    const row = ledger.read(number)
    if (row.experiment !== 0) return false
    if (row.status !== ROW_EMITTED && row.status !== ROW_RESOLVED) return false
    if (row.status === ROW_EMITTED) ledger.write(number, { ...row, status: ROW_RESOLVED })
    return true
  }

  /** An operator takes back what is pending of a trigger, a channel, a subscriber. */
  cancel(meant: Parameters<typeof beginCancellation>[1]): void {
    beginCancellation(this.#core, meant, this.#withdrawCancelled)
  }

  /** Forgets subscribers, with what is pending of them. Throws RejectError. */
  erase(subscribers: readonly number[]): void {
    eraseSubscribers(this.#core, subscribers, this.#places.capacity)
  }

  /** At the end of each input: a slice of what takes long. `usageSize`: see `forgetRows`. */
  tidy(usageSize: number | null): void {
    cancelSlice(this.#core, this.#withdrawCancelled)
    followSlice(this.#core, this.journeys)
    forgetRows(this.#core, this.#reservations, usageSize)
  }

  #decide({ trigger, row, isTaggingSpent }: Candidate): void {
    const core = this.#core
    const { spec } = trigger
    row.isCanary = core.isListed(row.slot, 'canary')
    const reason = isTaggingSpent ? 'already-this-tagging' : this.#ineligibility(trigger, row.slot)
    if (reason !== null) {
      this.#emitter.refuse(row, { reason })
      return
    }
    row.experiment = experimentOf(core, trigger, row)
    const clock = core.clockOf(row.slot)
    const share = subscriberShare(core.subscriberOf(row.slot))
    const plan = planDelivery(spec, clock, clock.dayAt(row.firedAtMs), core.clockMs, share)
    if (plan === null) {
      this.#emitter.refuse(row, { reason: 'outside-contact-window' })
      reopenLater(core, row, spec)
    } else {
      this.#reserve(row, trigger, plan, -1)
    }
  }

  #ineligibility(trigger: CompiledTrigger, slot: number): SuppressionReason | null {
    const reason = ineligibilityOf(this.#core, this.judge, trigger, slot)
    if (reason !== null || trigger.spec.journey === undefined) return reason
    return this.journeys.isOut(trigger, slot) ? 'journey-left' : null
  }

  /**
   * Takes a place in caps and contacts at the planned instant, and waits or emits. `number`: the
   * row that exists already, or -1.
   */
  #reserve(row: LedgerRow, trigger: CompiledTrigger, plan: Plan, number: number): void {
    const core = this.#core
    const { ledger, heap } = core
    const isFresh = number === -1
    const isDue = plan.dueMs <= core.clockMs
    // It could never be sent: it is to take nobody's place meanwhile.
    const refusal: Refusal | null =
      plan.dueMs >= plan.expiresAtMs
        ? { reason: 'expired' }
        : this.#places.take(row, trigger, plan.dueMs, number, () =>
            // What goes out this instant passes no other check of its due time.
            isDue ? this.#dueRefusal(trigger, row, isFresh) : null,
          )
    if (refusal !== null) {
      if (isFresh) this.#emitter.refuse(row, refusal)
      else this.#places.drop(number, row, refusal)
      return
    }
    row.plannedMs = plan.plannedMs
    this.#reservations.reserve(row, plan.dueMs)
    row.expiresAtMs = plan.expiresAtMs
    row.status = ROW_PENDING
    if (isFresh) number = ledger.add(row)
    else ledger.write(number, row)
    if (!isDue) heap.push(row.dueMs, dueRank(row), row.id, number)
    // Everything was checked for this very instant just now.
    else this.#dispatch(number, row, trigger)
  }

  /** Why a row is not sent that is due at once; a fresh candidate was found eligible just now. */
  #dueRefusal(trigger: CompiledTrigger, row: LedgerRow, isFresh: boolean): Refusal | null {
    const reason =
      (isFresh ? null : this.#ineligibility(trigger, row.slot)) ??
      this.#cancellation(trigger.spec, row.slot)
    return reason === null ? this.#lastRefusal(trigger, row) : { reason }
  }

  /** What is asked last: whether the message is whole, and whether the channel still takes it. */
  #lastRefusal(trigger: CompiledTrigger, row: LedgerRow): Refusal | null {
    const refusal = this.#emitter.findGap(trigger, row.slot)
    if (refusal !== null) return refusal
    return this.#places.capacity.isRefusing(row, trigger) ? { reason: 'capacity' } : null
  }

  /**
   * The due time of a row that waits has come, or its channel has room again: everything is checked
   * once more, then it goes out.
   */
  emitDue(number: number): void {
    const core = this.#core
    const { clockMs } = core
    const row = core.ledger.read(number)
    if (isCancelled(core, row)) {
      this.#places.drop(number, row, { reason: 'cancelled-by-operator' })
      return
    }
    const trigger = core.compiled.triggerByCode(row.trigger)
    // One that became an offer on request meanwhile sends nothing unasked.
    if (trigger === undefined || trigger.spec.firedBy === 'request') {
      this.#places.drop(number, row, { reason: 'trigger-removed' })
      return
    }
    const { spec } = trigger
    const reason =
      this.#ineligibility(trigger, row.slot) ??
      this.#cancellation(spec, row.slot) ??
      (clockMs >= row.expiresAtMs ? 'expired' : null)
    if (reason !== null) {
      this.#places.drop(number, row, { reason })
      return
    }
    followEdits(row, trigger)
    const { contactWindow } = spec
    if (contactWindow !== null && !isOpenAt(contactWindow, core.clockOf(row.slot), clockMs)) {
      this.#postpone(number, row, trigger)
      return
    }
    // Sent in another month or contact than planned (a late start), it moves there if there is
    // room.
    const refusal = this.#places.take(row, trigger, clockMs, number, () =>
      this.#lastRefusal(trigger, row),
    )
    if (refusal !== null) this.#places.drop(number, row, refusal)
    else this.#dispatch(number, row, trigger)
  }

  /** Out it goes, if its channel has room. */
  #dispatch(number: number, row: LedgerRow, trigger: CompiledTrigger): void {
    switch (this.#places.capacity.admit(row, trigger)) {
      case 'go':
        this.#emitter.emit(number, row, trigger)
        return
      case 'wait':
        row.status = ROW_WAITING
        this.#core.ledger.write(number, row)
        this.#places.capacity.hold(number, row)
    }
  }

  #cancellation(spec: TriggerSpec, slot: number): SuppressionReason | null {
    if (spec.cancelWhen === null) return null
    return this.judge.isTrueOf(slot, spec.cancelWhen) ? 'cancelled' : null
  }

  /**
   * Due outside the contact window (a backlog, an outage): to the next slot, with its reservation.
   */
  #postpone(number: number, row: LedgerRow, trigger: CompiledTrigger): void {
    const core = this.#core
    const { spec } = trigger
    const clock = core.clockOf(row.slot)
    const share = subscriberShare(core.subscriberOf(row.slot))
    // `drop` means now, even where the schedule's next slot would lie inside.
    const isDropped = spec.contactWindow?.outside === 'drop'
    const slotMs = nextSlot(spec.schedule, clock, core.clockMs)
    const dueMs = isDropped ? null : moveIntoWindow(spec, clock, slotMs, share)
    if (dueMs === null) {
      this.#places.drop(number, row, { reason: 'outside-contact-window' })
      reopenLater(core, row, spec)
    } else if (dueMs >= row.expiresAtMs) {
      this.#places.drop(number, row, { reason: 'expired' })
    } else {
      const { plannedMs, expiresAtMs } = row
      this.#reserve(row, trigger, { plannedMs, dueMs, expiresAtMs }, number)
    }
  }

  readonly #withdrawCancelled = (number: number, row: LedgerRow): void => {
    this.#places.withdraw(number, row, { reason: 'cancelled-by-operator' })
  }
}
