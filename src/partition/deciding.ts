/**
 * From candidates to decisions, in the order that design.md section 6 binds: latch, eligibility, caps,
 * schedule, emission; and what happens later: due timers, re-checks, expiry, further attempts. Every
 * candidate ends in exactly one delivery or one suppression with a reason.
 */

import { assert } from '../errors.ts'
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
import { isOpenAt, nextOpening } from '../decision/contact-window.ts'
import type { CapSpec, TriggerSpec } from '../model/catalog.ts'
import { SUPPRESSION_REASONS, type SuppressionReason } from '../model/decision.ts'
import type { Expression } from '../model/expression.ts'
import { placeKeys } from '../state/layout.ts'
import {
  type LedgerRow,
  ROW_EMITTED,
  ROW_FREE,
  ROW_PENDING,
  ROW_REOPEN,
  ROW_RESOLVED,
} from '../state/ledger.ts'
import { readCell } from '../state/counter-cells.ts'
import { formatPeriod, unitIndex } from '../state/periods.ts'
import { MS_PER_DAY } from '../state/zone.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'

/** Due timers that one input fires at most: half a million noon deliveries are slices, not a stall. */
export const TIMERS_PER_INPUT_MAX = 10_000
/** Ledger rows that one input's clean-up looks at. */
const CLEANUP_ROWS = 64
/** Sent deliveries are remembered this long after they could last be sent, for feedback and caps. */
const REMEMBERED_MS = 35 * MS_PER_DAY

/** Makes decisions of one partition. */
export class Decider {
  readonly #core: PartitionCore
  /** Judges cancel conditions; set by the machine, since judging needs deciding too. */
  isTrueOf: (slot: number, condition: Expression) => boolean = () => false

  constructor(core: PartitionCore) {
    this.#core = core
  }

  /** Whether the trigger may still fire for the period of these keys. */
  isLatchOpen({ latch }: CompiledTrigger, slot: number, keys: Int32Array): boolean {
    const { table, offset, bit, bitCount } = latch.place
    const rows = this.#core.tables[table]!
    const word = rows.getI32(slot, offset)
    if (latch.unit === -1) return ((word >>> bit) & 1) === 0
    const back = rows.getI32(slot, latch.stampOffset) - keys[latch.unit]!
    if (back < 0) return true
    return back < bitCount && ((word >>> (bit + back)) & 1) === 0
  }

  /** A condition became true: sets the latch and decides. `keys`: periods of the event. */
  fire(trigger: CompiledTrigger, slot: number, firedAtMs: number, keys: Int32Array): void {
    const core = this.#core
    const { spec } = trigger
    const period = trigger.latch.unit === -1 ? 0 : keys[trigger.latch.unit]!
    this.#setLatch(trigger, slot, period, true)
    core.statistics.candidates += 1
    core.countsOf(spec.id).candidates += 1
    const row = this.#newRow(trigger, slot, firedAtMs, period, keys)
    const reason = this.#claimTagging(trigger, slot) ?? this.#ineligibility(spec, slot)
    if (reason !== null) {
      this.#suppress(row, spec, reason)
      return
    }
    const clock = core.clockOf(slot)
    const share = subscriberShare(core.subscriberOf(slot))
    const plan = planDelivery(spec, clock, clock.dayAt(firedAtMs), core.clockMs, share)
    if (plan === null) {
      this.#suppress(row, spec, 'outside-contact-window')
      if (spec.isRetrying) this.#reopenLater(row, spec)
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

  /** Whether timers are due at an instant. */
  hasDueAt(instantMs: number): boolean {
    return this.#core.heap.nextDueMs <= instantMs
  }

  /**
   * A gateway's report that an attempt came too late. Accepted once, for the highest unresolved attempt;
   * returns false when there is none such.
   */
  expireAttempt(number: number): boolean {
    const core = this.#core
    const row = core.ledger.read(number)
    if (row.status !== ROW_EMITTED) return false
    const trigger = core.compiled.triggerByCode(row.trigger)
    if (trigger === undefined) {
      this.#drop(number, row, null, 'trigger-removed')
      return true
    }
    const { spec } = trigger
    if (spec.onExpired === 'drop') {
      this.#drop(number, row, spec, 'expired')
      return true
    }
    if (row.attempt >= spec.attemptsMax) {
      this.#drop(number, row, spec, 'attempts-exhausted')
      return true
    }
    row.attempt += 1
    row.id = core.nextCandidateId++
    row.generation = core.generation
    const clock = core.clockOf(row.slot)
    const fromMs = spec.schedule.kind === 'at' ? core.clockMs + 1 : core.clockMs
    const share = subscriberShare(core.subscriberOf(row.slot))
    const plan = completePlan(spec, clock, nextSlot(spec.schedule, clock, fromMs), share)
    if (plan === null) this.#drop(number, row, spec, 'outside-contact-window')
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
      const caps = core.compiled.triggerByCode(row.trigger)?.spec.caps ?? []
      if (caps.some((cap) => this.#isCapRunning(cap, row))) continue
      ledger.free(number)
    }
  }

  /** Deliveries of a trigger that count in the same period of a cap as a planned instant. */
  capUse(cap: CapSpec, trigger: number, slot: number, plannedMs: number, except: number): number {
    const { ledger } = this.#core
    const key = this.#capKey(cap, slot, plannedMs)
    let used = 0
    for (const number of ledger.rowsOf(slot)) {
      if (number === except) continue
      const row = ledger.read(number)
      if (row.trigger !== trigger || row.status === ROW_REOPEN) continue
      if (this.#capKey(cap, slot, row.dueMs) === key) used += 1
    }
    return used
  }

  #isCapRunning(cap: CapSpec, row: LedgerRow): boolean {
    return (
      this.#capKey(cap, row.slot, row.dueMs) === this.#capKey(cap, row.slot, this.#core.clockMs)
    )
  }

  #capKey(cap: CapSpec, slot: number, instantMs: number): number {
    if (cap.per === 'ever') return 0
    return this.#core.periodKeys(slot, instantMs)[unitIndex(cap.per)]!
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
      const value = readCell(core.tables[cell.table]!, slot, cell, key, previous)
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
      generation: core.generation,
      priority: trigger.spec.priority,
      status: ROW_FREE,
      attempt: 1,
      shape: trigger.shape,
    }
  }

  /** Once per version of a tag: refuses if this version fired before, else notes that it did. */
  #claimTagging({ spec, taggingPlace }: CompiledTrigger, slot: number): SuppressionReason | null {
    if (taggingPlace === null || spec.oncePerTag === null) return null
    const { tables, compiled } = this.#core
    const version = compiled.place(placeKeys.tagVersion(spec.oncePerTag))
    const current = tables[version.table]!.getI32(slot, version.offset)
    const rows = tables[taggingPlace.table]!
    if (rows.getI32(slot, taggingPlace.offset) === current) return 'already-this-tagging'
    rows.setI32(slot, taggingPlace.offset, current)
    return null
  }

  #ineligibility(spec: TriggerSpec, slot: number): SuppressionReason | null {
    const core = this.#core
    return findIneligibility(spec, (list) => core.isListed(slot, list), core.clockMs)
  }

  /**
   * Reserves the caps of the plan's periods and waits or emits. `number`: the row that exists already,
   * or -1.
   */
  #reserve(row: LedgerRow, spec: TriggerSpec, plan: Plan, number: number): void {
    const core = this.#core
    const { ledger, heap } = core
    if (!this.#hasCapRoom(row, spec, plan.dueMs, number)) {
      if (number === -1) this.#suppress(row, spec, 'cap-trigger')
      else this.#drop(number, row, spec, 'cap-trigger')
      return
    }
    row.plannedMs = plan.plannedMs
    row.dueMs = plan.dueMs
    row.expiresAtMs = plan.expiresAtMs
    row.status = ROW_PENDING
    if (number === -1) number = ledger.add(row)
    else ledger.write(number, row)
    if (plan.dueMs <= core.clockMs) this.#emitDue(number)
    else heap.push(row.dueMs, row.priority, row.id, number)
  }

  #hasCapRoom(row: LedgerRow, spec: TriggerSpec, dueMs: number, number: number): boolean {
    return spec.caps.every(
      (cap) => this.capUse(cap, row.trigger, row.slot, dueMs, number) < cap.count,
    )
  }

  /** The due time of a pending delivery has come: everything is checked again, then it goes out. */
  #emitDue(number: number): void {
    const core = this.#core
    const { clockMs } = core
    const row = core.ledger.read(number)
    const trigger = core.compiled.triggerByCode(row.trigger)
    if (trigger === undefined) {
      this.#drop(number, row, null, 'trigger-removed')
      return
    }
    const { spec } = trigger
    const reason =
      this.#ineligibility(spec, row.slot) ??
      this.#cancellation(spec, row.slot) ??
      (clockMs >= row.expiresAtMs ? 'expired' : null)
    if (reason !== null) {
      this.#drop(number, row, spec, reason)
      return
    }
    const { contactWindow } = spec
    if (contactWindow !== null && !isOpenAt(contactWindow, core.clockOf(row.slot), clockMs)) {
      this.#postpone(number, row, spec)
      return
    }
    // Sent in another month than planned (a late start), the reservation moves there, if there is room.
    if (!this.#hasCapRoom(row, spec, clockMs, number)) this.#drop(number, row, spec, 'cap-trigger')
    else this.#emit(number, row, spec)
  }

  #cancellation(spec: TriggerSpec, slot: number): SuppressionReason | null {
    if (spec.cancelWhen === null) return null
    return this.isTrueOf(slot, spec.cancelWhen) ? 'cancelled' : null
  }

  /** Due outside the contact window (a backlog, an outage): to the next slot, with its reservation. */
  #postpone(number: number, row: LedgerRow, spec: TriggerSpec): void {
    const core = this.#core
    const clock = core.clockOf(row.slot)
    const share = subscriberShare(core.subscriberOf(row.slot))
    const dueMs = moveIntoWindow(spec, clock, nextSlot(spec.schedule, clock, core.clockMs), share)
    if (dueMs === null) {
      this.#drop(number, row, spec, 'outside-contact-window')
    } else if (dueMs >= row.expiresAtMs) {
      this.#drop(number, row, spec, 'expired')
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
    row.dueMs = clockMs
    row.notAfterMs = latestInstant(spec, clock, clockMs, row.expiresAtMs)
    row.generation = core.generation
    core.ledger.write(number, row)
    const period = formatPeriod(spec.once, row.period)
    const subscriber = core.subscriberOf(row.slot)
    core.outbox.add({
      kind: 'delivery',
      ...this.#head(row, spec.id, period, subscriber),
      id: `${spec.id}:${subscriber}:${period}:${row.attempt}`,
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
  #drop(number: number, row: LedgerRow, spec: TriggerSpec | null, reason: SuppressionReason): void {
    this.#core.ledger.free(number)
    this.#suppress(row, spec, reason)
  }

  #suppress(row: LedgerRow, spec: TriggerSpec | null, reason: SuppressionReason): void {
    const core = this.#core
    const trigger = spec?.id ?? core.layout.triggers[row.trigger]!.id
    const period = spec === null ? String(row.period) : formatPeriod(spec.once, row.period)
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

  #reopenLater(row: LedgerRow, spec: TriggerSpec): void {
    const core = this.#core
    assert(spec.contactWindow !== null)
    const dueMs = nextOpening(spec.contactWindow, core.clockOf(row.slot), core.clockMs)
    const number = core.ledger.add({ ...row, dueMs, status: ROW_REOPEN })
    core.heap.push(dueMs, row.priority, row.id, number)
  }

  /** The contact window opens: the latch of a dropped candidate opens with it. */
  #reopen(number: number): void {
    const core = this.#core
    const row = core.ledger.read(number)
    const trigger = core.compiled.triggerByCode(row.trigger)
    core.ledger.free(number)
    if (trigger !== undefined) this.#setLatch(trigger, row.slot, row.period, false)
  }

  #setLatch({ latch, spec }: CompiledTrigger, slot: number, period: number, isSet: boolean): void {
    const { table, offset, bit, bitCount } = latch.place
    const rows = this.#core.tables[table]!
    let back = 0
    if (latch.stampOffset !== -1) {
      const stamp = rows.getI32(slot, latch.stampOffset)
      if (stamp < period) {
        this.#shiftLatches(slot, table, `latch/${spec.once}`, period - stamp)
        rows.setI32(slot, latch.stampOffset, period)
      } else {
        back = stamp - period
      }
    }
    if (!isSet && back >= bitCount) return
    assert(back < bitCount, 'a latch is set beyond its memory')
    const word = rows.getI32(slot, offset)
    const mask = 1 << (bit + back)
    rows.setI32(slot, offset, isSet ? word | mask : word & ~mask)
  }

  /** All latches of one unit in one table share a stamp: they grow older together. */
  #shiftLatches(slot: number, table: number, group: string, steps: number): void {
    const { tables, layout } = this.#core
    const rows = tables[table]!
    for (const word of layout.bitWords) {
      if (word.table !== table || word.group !== group) continue
      const bits = rows.getI32(slot, word.offset)
      if (bits === 0) continue
      let shifted = 0
      for (const key in layout.places) {
        const place = layout.places[key]!
        if (place.table !== table || place.offset !== word.offset || place.bitCount === 0) continue
        if (steps >= place.bitCount) continue
        const mask = place.bitCount === 32 ? -1 : (1 << place.bitCount) - 1
        shifted |= ((((bits >>> place.bit) & mask) << steps) & mask) << place.bit
      }
      rows.setI32(slot, word.offset, shifted)
    }
  }
}
