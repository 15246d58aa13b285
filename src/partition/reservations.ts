/**
 * Caps: a ledger row that is pending or sent counts in the calendar periods of its due time. The
 * subscriber's zone and cycle day at the reservation stay with it: who moves does not thereby get
 * another month's worth of messages.
 */

import type { TriggerSpec } from '../model/catalog.ts'
import type { CapSpec } from '../model/policy.ts'
import { META_OWN_PERIODS_MASK } from '../state/layout.ts'
import { type LedgerRow, ROW_REOPEN } from '../state/ledger.ts'
import { unitIndex } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'

/** Counts reservations of one partition; the rows themselves are the ledger's. */
export class Reservations {
  readonly #core: PartitionCore

  constructor(core: PartitionCore) {
    this.#core = core
  }

  /**
   * Whether all caps of the trigger have room for a delivery due then. `number`: its own row, or
   * -1.
   */
  hasRoom(spec: TriggerSpec, slot: number, dueMs: number, number: number): boolean {
    return spec.caps.every((cap) => this.#use(cap, spec.id, slot, dueMs, number) < cap.count)
  }

  /** Sets when and in whose calendar a row counts. The caller writes the row. */
  reserve(row: LedgerRow, dueMs: number): void {
    row.dueMs = dueMs
    row.calendar = this.#calendarOf(row.slot)
  }

  /** Whether the row still counts in a period that runs now. */
  isRunning(caps: readonly CapSpec[], row: LedgerRow): boolean {
    const { clockMs } = this.#core
    const calendar = this.#calendarOf(row.slot)
    return caps.some(
      (cap) => this.#key(cap, row.calendar, row.dueMs) === this.#key(cap, calendar, clockMs),
    )
  }

  /** Deliveries of a trigger, by its id, that count in the same period of a cap as an instant. */
  #use(cap: CapSpec, trigger: string, slot: number, dueMs: number, except: number): number {
    const { ledger, layout } = this.#core
    const key = this.#key(cap, this.#calendarOf(slot), dueMs)
    let used = 0
    for (const number of ledger.rowsOf(slot)) {
      if (number === except) continue
      const row = ledger.read(number)
      if (row.status === ROW_REOPEN || layout.triggers[row.trigger]!.id !== trigger) continue
      if (this.#key(cap, row.calendar, row.dueMs) === key) used += 1
    }
    return used
  }

  #calendarOf(slot: number): number {
    return this.#core.meta(slot) & META_OWN_PERIODS_MASK
  }

  #key(cap: CapSpec, calendar: number, instantMs: number): number {
    // Sliding caps come with the engine's part of the policy; the grammar does not offer them yet.
    if (cap.per === 'ever' || cap.per === 'sliding') return 0
    return this.#core.periodKeysOf(calendar, instantMs)[unitIndex(cap.per)]!
  }
}
