/**
 * From candidates to decisions, in the order that design.md section 6 binds: latch, eligibility,
 * caps, schedule, emission; and what happens later: due timers, re-checks, expiry, further
 * attempts. Every candidate ends in exactly one delivery or one suppression with a reason.
 */

import { isOpenAt, nextOpening } from '../decision/contact-window.ts'
import { findIneligibility } from '../decision/eligibility.ts'
import {
  completePlan,
  latestInstant,
  moveIntoWindow,
  nextSlot,
  type Plan,
  planDelivery,
  subscriberShare,
} from '../decision/schedule.ts'
import { assert } from '../errors.ts'
import type { TriggerSpec } from '../model/catalog.ts'
import { deliveryIdOf, SUPPRESSION_REASONS, type SuppressionReason } from '../model/decision.ts'
import type { Expression } from '../model/expression.ts'
import { readCell } from '../state/counter-cells.ts'
import {
  type LedgerRow,
  ROW_EMITTED,
  ROW_FREE,
  ROW_PENDING,
  ROW_REOPEN,
  ROW_RESOLVED,
} from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import { MS_PER_DAY } from '../state/zone.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'
import { Latches } from './latches.ts'
import { Reservations } from './reservations.ts'

/**
 * Due timers that one input fires at most: half a million noon deliveries are slices, not a stall.
 */
export const TIMERS_PER_INPUT_MAX = 10_000
/** Ledger rows that one input's clean-up looks at. */
const CLEANUP_ROWS = 16
/**
 * Sent deliveries are remembered this long after they could last be sent, for feedback and caps.
 */
const REMEMBERED_MS = 35 * MS_PER_DAY

/** Makes decisions of one partition. */
export class Decider {
  readonly latches: Latches
  readonly #core: PartitionCore
  readonly #reservations: Reservations
  /** Judges cancel conditions; set by the machine, since judging needs deciding too. */
  isTrueOf: (slot: number, condition: Expression) => boolean = () => false

  constructor(core: PartitionCore) {
    this.#core = core
    this.latches = new Latches(core)
    this.#reservations = new Reservations(core)
  }

  /** A condition became true: sets the latch and decides. `keys`: periods of the event. */
  fire(trigger: CompiledTrigger, slot: number, firedAtMs: number, keys: Int32Array): void {
    const core = this.#core
    const { spec } = trigger
    const period = trigger.latch.unit === -1 ? 0 : keys[trigger.latch.unit]!
    this.latches.set(trigger, slot, period, true)
    core.statistics.candidates += 1
    core.countsOf(spec.id).candidates += 1
    const row = this.#newRow(trigger, slot, firedAtMs, period, keys)
    const reason = this.latches.claimTagging(trigger, slot)
      ? this.#ineligibility(spec, slot)
      : 'already-this-tagging'
    if (reason !== null) {
      this.#suppress(row, reason)
      return
    }
    const clock = core.clockOf(slot)
    const share = subscriberShare(core.subscriberOf(slot))
    const plan = planDelivery(spec, clock, clock.dayAt(firedAtMs), core.clockMs, share)
    if (plan === null) {
      this.#suppress(row, 'outside-contact-window')
      this.#reopenLater(row, spec)
      return
    }
    this.#reserve(row, spec, plan, -1)
  }

  /** Fires what is due, at most `TIMERS_PER_INPUT_MAX`, by due time, priority and id. */
  fireDue(): void {
    const { heap, ledger, clockMs, statistics } = this.#core
    let fired = 0
    while (fired < TIMERS_PER_INPUT_MAX && heap.nextDueMs <= clockMs) {
      const { nextRow, nextId, nextDueMs } = heap
      heap.pop()
      const status = ledger.status(nextRow)
      const isCurrent =
        (status === ROW_PENDING || status === ROW_REOPEN) &&
        ledger.id(nextRow) === nextId &&
        ledger.dueMs(nextRow) === nextDueMs
      if (!isCurrent) continue
      fired += 1
      statistics.timersFired += 1
      if (status === ROW_REOPEN) this.#reopen(nextRow)
      else this.#emitDue(nextRow)
    }
  }

  /**
   * A gateway's report that an attempt came too late. Accepted once, for the highest unresolved
   * attempt; returns false when there is none such.
   */
  expireAttempt(number: number): boolean {
    const core = this.#core
    const row = core.ledger.read(number)
    if (row.status !== ROW_EMITTED) return false
    const trigger = core.compiled.triggerByCode(row.trigger)
    if (trigger === undefined) {
      this.#drop(number, row, 'trigger-removed')
      return true
    }
    const { spec } = trigger
    if (spec.onExpired === 'drop') {
      this.#drop(number, row, 'expired')
      return true
    }
    if (row.attempt >= spec.attemptsMax) {
      this.#drop(number, row, 'attempts-exhausted')
      return true
    }
    row.attempt += 1
    row.id = core.nextCandidateId++
    row.generation = core.generation
    const clock = core.clockOf(row.slot)
    const fromMs = spec.schedule.kind === 'at' ? core.clockMs + 1 : core.clockMs
    const share = subscriberShare(core.subscriberOf(row.slot))
    const plan = completePlan(spec, clock, nextSlot(spec.schedule, clock, fromMs), share)
    if (plan === null) this.#drop(number, row, 'outside-contact-window')
    else this.#reserve(row, spec, plan, number)
    return true
  }

  /** A gateway's report that an attempt was sent, delivered or failed. */
  resolveAttempt(number: number): boolean {
    const { ledger } = this.#core
    const row = ledger.read(number)
    if (row.status !== ROW_EMITTED && row.status !== ROW_RESOLVED) return false
    if (row.status === ROW_EMITTED) ledger.write(number, { ...row, status: ROW_RESOLVED })
    return true
  }

  /** Looks at a few ledger rows and frees those that nothing refers to any more. */
  cleanUp(): void {
    const core = this.#core
    const { ledger } = core
    const { rowCount } = ledger.table
    for (let i = 0; i < CLEANUP_ROWS && i < rowCount; i++) {
      const number = core.cleanupRow % rowCount
      core.cleanupRow = (number + 1) % rowCount
      const status = ledger.status(number)
      if (status !== ROW_EMITTED && status !== ROW_RESOLVED) continue
      const row = ledger.read(number)
      if (core.clockMs <= row.notAfterMs + REMEMBERED_MS) continue
      const caps = core.compiled.triggerById(core.layout.triggers[row.trigger]!.id)?.spec.caps ?? []
      if (this.#reservations.isRunning(caps, row)) continue
      ledger.free(number)
    }
  }

  #newRow(
    trigger: CompiledTrigger,
    slot: number,
    firedAtMs: number,
    period: number,
    keys: Int32Array,
  ): LedgerRow {
    const core = this.#core
    const values = trigger.valueCells.map(({ cell, previous }) => {
      const key = cell.unit === -1 ? 0 : keys[cell.unit]!
      const value = readCell(core.tables, slot, cell, key, previous)
      return Number.isNaN(value) ? 0 : value
    })
    return {
      id: core.nextCandidateId++,
      dueMs: 0,
      expiresAtMs: 0,
      firedAtMs,
      notAfterMs: 0,
      plannedMs: 0,
      values,
      slot,
      trigger: trigger.code,
      period,
      once: trigger.spec.once,
      generation: core.generation,
      priority: trigger.spec.priority,
      status: ROW_FREE,
      attempt: 1,
      incarnation: core.incarnations.of(core.subscriberOf(slot)),
      shape: trigger.shape,
      calendar: 0,
    }
  }

  #ineligibility(spec: TriggerSpec, slot: number): SuppressionReason | null {
    const core = this.#core
    return findIneligibility(spec, (list) => core.isListed(slot, list), core.clockMs)
  }

  /**
   * Reserves the caps of the plan's periods and waits or emits. `number`: the row that exists
   * already, or -1.
   */
  #reserve(row: LedgerRow, spec: TriggerSpec, plan: Plan, number: number): void {
    const core = this.#core
    const { ledger, heap } = core
    if (!this.#reservations.hasRoom(spec, row.slot, plan.dueMs, number)) {
      if (number === -1) this.#suppress(row, 'cap-trigger')
      else this.#drop(number, row, 'cap-trigger')
      return
    }
    row.plannedMs = plan.plannedMs
    this.#reservations.reserve(row, plan.dueMs)
    row.expiresAtMs = plan.expiresAtMs
    row.status = ROW_PENDING
    const isFresh = number === -1
    if (isFresh) number = ledger.add(row)
    else ledger.write(number, row)
    if (plan.dueMs > core.clockMs) {
      heap.push(row.dueMs, row.priority, row.id, number)
    } else if (isFresh) {
      // Everything but this was checked for this very instant just now.
      const reason = this.#cancellation(spec, row.slot)
      if (reason === null) this.#emit(number, row, spec)
      else this.#drop(number, row, reason)
    } else {
      this.#emitDue(number)
    }
  }

  /** The due time of a pending delivery has come: everything is checked again, then it goes out. */
  #emitDue(number: number): void {
    const core = this.#core
    const { clockMs } = core
    const row = core.ledger.read(number)
    const trigger = core.compiled.triggerByCode(row.trigger)
    if (trigger === undefined) {
      this.#drop(number, row, 'trigger-removed')
      return
    }
    const { spec } = trigger
    const reason =
      this.#ineligibility(spec, row.slot) ??
      this.#cancellation(spec, row.slot) ??
      (clockMs >= row.expiresAtMs ? 'expired' : null)
    if (reason !== null) {
      this.#drop(number, row, reason)
      return
    }
    const { contactWindow } = spec
    if (contactWindow !== null && !isOpenAt(contactWindow, core.clockOf(row.slot), clockMs)) {
      this.#postpone(number, row, spec)
      return
    }
    // Sent in another month than planned (a late start), the reservation moves there, if there is
    // room.
    if (this.#reservations.hasRoom(spec, row.slot, clockMs, number)) this.#emit(number, row, spec)
    else this.#drop(number, row, 'cap-trigger')
  }

  #cancellation(spec: TriggerSpec, slot: number): SuppressionReason | null {
    if (spec.cancelWhen === null) return null
    return this.isTrueOf(slot, spec.cancelWhen) ? 'cancelled' : null
  }

  /**
   * Due outside the contact window (a backlog, an outage): to the next slot, with its reservation.
   */
  #postpone(number: number, row: LedgerRow, spec: TriggerSpec): void {
    const core = this.#core
    const clock = core.clockOf(row.slot)
    const share = subscriberShare(core.subscriberOf(row.slot))
    // `drop` means now, even where the schedule's next slot would lie inside.
    const isDropped = spec.contactWindow?.outside === 'drop'
    const slotMs = nextSlot(spec.schedule, clock, core.clockMs)
    const dueMs = isDropped ? null : moveIntoWindow(spec, clock, slotMs, share)
    if (dueMs === null) {
      this.#drop(number, row, 'outside-contact-window')
      this.#reopenLater(row, spec)
    } else if (dueMs >= row.expiresAtMs) {
      this.#drop(number, row, 'expired')
    } else {
      this.#reserve(
        row,
        spec,
        { plannedMs: row.plannedMs, dueMs, expiresAtMs: row.expiresAtMs },
        number,
      )
    }
  }

  #emit(number: number, row: LedgerRow, spec: TriggerSpec): void {
    const core = this.#core
    const { clockMs } = core
    const clock = core.clockOf(row.slot)
    row.status = ROW_EMITTED
    this.#reservations.reserve(row, clockMs)
    row.notAfterMs = latestInstant(spec, clock, clockMs, row.expiresAtMs)
    row.generation = core.generation
    core.ledger.write(number, row)
    const period = formatPeriod(row.once, row.period)
    const subscriber = core.subscriberOf(row.slot)
    core.outbox.add({
      kind: 'delivery',
      ...this.#head(row, spec.id, period, subscriber),
      id: deliveryIdOf(spec.id, subscriber, period, row.attempt, row.incarnation),
      channel: spec.channel,
      message: spec.message,
      notBeforeMs: clockMs,
      notAfterMs: row.notAfterMs,
    })
    core.statistics.deliveries += 1
    core.statistics.decisions += 1
    core.countsOf(spec.id).deliveries += 1
  }

  /** Ends a row that exists: its reservation is free again. */
  #drop(number: number, row: LedgerRow, reason: SuppressionReason): void {
    this.#core.ledger.free(number)
    this.#suppress(row, reason)
  }

  #suppress(row: LedgerRow, reason: SuppressionReason): void {
    const core = this.#core
    const trigger = core.layout.triggers[row.trigger]!.id
    const period = formatPeriod(row.once, row.period)
    const subscriber = core.subscriberOf(row.slot)
    core.outbox.add({ kind: 'suppressed', ...this.#head(row, trigger, period, subscriber), reason })
    core.statistics.suppressed[SUPPRESSION_REASONS.indexOf(reason)]! += 1
    core.statistics.decisions += 1
    core.countsOf(trigger).suppressed += 1
  }

  #head(row: LedgerRow, trigger: string, period: string, subscriber: number) {
    const core = this.#core
    const values: Record<string, number> = {}
    const names = core.layout.valueShapes[row.shape]!
    for (const [i, name] of names.entries()) values[name] = row.values[i]!
    return {
      inputSequence: core.inputSequence,
      trigger,
      subscriber,
      period,
      attempt: row.attempt,
      generation: core.generation,
      decidedAtMs: core.clockMs,
      firedAtMs: row.firedAtMs,
      values,
    }
  }

  /**
   * A trigger that retries gets its latch back at the next opening. Not after an attempt went out:
   * its successor would bear an id that was used already.
   */
  #reopenLater(row: LedgerRow, { isRetrying, contactWindow }: TriggerSpec): void {
    const core = this.#core
    if (!isRetrying || row.attempt > 1) return
    assert(contactWindow !== null)
    const dueMs = nextOpening(contactWindow, core.clockOf(row.slot), core.clockMs)
    const number = core.ledger.add({ ...row, dueMs, status: ROW_REOPEN })
    core.heap.push(dueMs, row.priority, row.id, number)
  }

  /** The contact window opens: the latches of a dropped candidate open with it. */
  #reopen(number: number): void {
    const core = this.#core
    const row = core.ledger.read(number)
    const trigger = core.compiled.triggerByCode(row.trigger)
    core.ledger.free(number)
    if (trigger === undefined || trigger.spec.once !== row.once) return
    this.latches.set(trigger, row.slot, row.period, false)
    this.latches.releaseTagging(trigger, row.slot)
  }
}
