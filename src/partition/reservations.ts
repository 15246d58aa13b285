/**
 * Caps: a ledger row that is pending or sent counts in the calendar periods of its due time, and in
 * the stretches around it. The subscriber's zone and cycle day at the reservation stay with it: who
 * moves does not thereby get another month's worth of messages.
 */

import { slidingUse } from '../decision/caps.ts'
import type { CalendarUnit } from '../model/expression.ts'
import { META_OWN_PERIODS_MASK } from '../state/layout.ts'
import { isLive, isPending, type LedgerRow } from '../state/ledger.ts'
import { unitIndex } from '../state/periods.ts'
import { isCancelled } from './cancelling.ts'
import type { CompiledTrigger } from './compile.ts'
import type { CapCheck } from './compile-policy.ts'
import type { PartitionCore } from './core.ts'

/** A row of the ledger with its number. */
export interface NumberedRow {
  readonly number: number
  readonly row: LedgerRow
}

/** A trigger as rows of the ledger name it and its place. */
interface TriggerCodes {
  readonly trigger: string
  readonly channel: number
  readonly class: number
}

/** Counts reservations of one partition; the rows themselves are the ledger's. */
export class Reservations {
  readonly #core: PartitionCore

  constructor(core: PartitionCore) {
    this.#core = core
  }

  /**
   * Rows of a subscriber that were emitted or are to be, but for `except`; newest first. What waits
   * stands as what it would go out as now. What an operator took back is gone, though its decision
   * may come in a later slice.
   */
  liveRows(slot: number, except: number): NumberedRow[] {
    const core = this.#core
    const { ledger } = core
    const rows: NumberedRow[] = []
    for (const number of ledger.rowsOf(slot)) {
      if (number === except || !isLive(ledger.status(number))) continue
      const row = ledger.read(number)
      if (isPending(row.status)) {
        const trigger = core.compiled.triggerByCode(row.trigger)
        if (trigger !== undefined) followEdits(row, trigger)
        if (isCancelled(core, row)) continue
      }
      rows.push({ number, row })
    }
    return rows
  }

  /**
   * The first cap of the trigger without room for a row that is due then; null: all have room.
   * `others`: the subscriber's live rows but its own.
   */
  findFull(
    trigger: CompiledTrigger,
    slot: number,
    dueMs: number,
    others: readonly NumberedRow[],
  ): CapCheck | null {
    for (const { check, used } of this.capUses(trigger, slot, dueMs, others)) {
      if (used >= check.cap.count) return check
    }
    return null
  }

  /** Caps that are asked for a subscriber, in their order, and what each counts of the others. */
  *capUses(
    { spec, policy }: CompiledTrigger,
    slot: number,
    dueMs: number,
    others: readonly NumberedRow[],
  ): Generator<{ readonly check: CapCheck; readonly used: number }> {
    const core = this.#core
    const isOwnOnly = core.isListed(slot, 'white')
    const isSensitive = core.isListed(slot, 'sensitive')
    const codes = { trigger: spec.id, channel: policy.channel, class: policy.class }
    for (const check of policy.caps) {
      if (isOwnOnly && check.scope !== 'trigger') continue
      if (check.scope === 'sensitive' && !isSensitive) continue
      yield { check, used: this.#use(check, codes, slot, dueMs, others) }
    }
  }

  /** Sets when and in whose calendar a row counts. The caller writes the row. */
  reserve(row: LedgerRow, dueMs: number): void {
    row.dueMs = dueMs
    row.calendar = this.calendarOf(row.slot)
  }

  /** Whether any cap in force could count the row for a delivery that is due now or later. */
  isCountable(row: LedgerRow): boolean {
    const core = this.#core
    if (row.isCanary) return false
    const calendar = this.calendarOf(row.slot)
    const trigger = core.layout.triggers[row.trigger]!.id
    for (const cap of core.compiled.policy.capsOver(row, trigger)) {
      if (cap.per === 'ever') return true
      if (cap.per === 'sliding') {
        if (core.clockMs - row.dueMs < cap.lengthMs) return true
      } else if (
        this.key(cap.per, row.calendar, row.dueMs) >= this.key(cap.per, calendar, core.clockMs)
      ) {
        return true
      }
    }
    return false
  }

  /** Zone and cycle day in which a subscriber's periods are told apart now. */
  calendarOf(slot: number): number {
    return this.#core.meta(slot) & META_OWN_PERIODS_MASK
  }

  /** Key of the calendar period that an instant lies in. */
  key(unit: CalendarUnit, calendar: number, instantMs: number): number {
    return this.#core.periodKeysOf(calendar, instantMs)[unitIndex(unit)]!
  }

  #isInScope({ scope }: CapCheck, row: LedgerRow, codes: TriggerCodes): boolean {
    if (row.isCanary) return false
    switch (scope) {
      case 'trigger':
        return this.#core.layout.triggers[row.trigger]!.id === codes.trigger
      case 'channel':
        return row.isCounted && row.channel === codes.channel
      case 'class':
      case 'sensitive':
        return row.class === codes.class
      case 'global':
        return row.isCounted
    }
  }

  #use(
    check: CapCheck,
    codes: TriggerCodes,
    slot: number,
    dueMs: number,
    others: readonly NumberedRow[],
  ): number {
    const { per, lengthMs } = check.cap
    const counted = others.filter(({ row }) => this.#isInScope(check, row, codes))
    if (counted.length === 0 || per === 'ever') return counted.length
    if (per === 'sliding') {
      const instantsMs = counted.map(({ row }) => row.dueMs)
      return slidingUse(instantsMs, dueMs, lengthMs)
    }
    const key = this.key(per, this.calendarOf(slot), dueMs)
    let used = 0
    for (const { row } of counted) if (this.key(per, row.calendar, row.dueMs) === key) used += 1
    return used
  }
}

/** The trigger may have been edited since the row was decided: it counts where it goes out. */
export function followEdits(row: LedgerRow, { spec, policy }: CompiledTrigger): void {
  row.channel = policy.channel
  row.class = policy.class
  row.isCounted = spec.isCounted
  row.isIgnoringCaps = spec.isIgnoringCaps
}
