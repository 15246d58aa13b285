/**
 * A delivery's place: its reservation in all caps and in its contact, from the decision on until it
 * is dropped. Taking one may cost a weaker row its own.
 */

import type { SuppressionReason } from '../model/decision.ts'
import { type LedgerRow, ROW_WAITING } from '../state/ledger.ts'
import { Contacts } from './arbitrating.ts'
import { type CapacityGate, OPEN_GATE } from './capacity-gate.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'
import type { Emitter, Refusal } from './emitting.ts'
import type { NumberedRow, Reservations } from './reservations.ts'

const NOBODY: readonly NumberedRow[] = []

/** Gives and takes places in one partition. */
export class Places {
  /** Told of waiting rows that are dropped; set by the machine. */
  capacity: CapacityGate = OPEN_GATE
  readonly #core: PartitionCore
  readonly #reservations: Reservations
  readonly #contacts: Contacts
  readonly #emitter: Emitter

  constructor(core: PartitionCore, reservations: Reservations, emitter: Emitter) {
    this.#core = core
    this.#reservations = reservations
    this.#contacts = new Contacts(core, reservations)
    this.#emitter = emitter
  }

  /**
   * Looks for room in caps and contact at an instant, and drops the weaker row that stands in the
   * way; null: there is room now. `number`: the row's own if it exists already, or -1. `findReason`
   * is asked last, before anybody must go: what is not sent after all needs no place.
   */
  take(
    row: LedgerRow,
    trigger: CompiledTrigger,
    dueMs: number,
    number: number,
    findReason: () => SuppressionReason | null,
  ): Refusal | null {
    const contacts = this.#contacts
    const isCapped = trigger.policy.caps.length > 0 && !this.#core.isListed(row.slot, 'canary')
    const others =
      isCapped || contacts.isCompeting(row) ? this.#reservations.liveRows(row.slot, number) : NOBODY
    const { victim, winner } = contacts.judge(row, dueMs, others)
    if (isCapped) {
      const remaining = victim === null ? others : others.filter((other) => other !== victim)
      const full = this.#reservations.findFull(trigger, row.slot, dueMs, remaining)
      if (full !== null) return { reason: full.reason, detail: full.detail }
    }
    if (winner !== null) return { reason: 'outranked', winner }
    const reason = findReason()
    if (reason !== null) return { reason }
    if (victim !== null) {
      this.withdraw(victim.number, victim.row, { reason: 'outranked', winner: row })
    }
    return null
  }

  /** Ends a row that exists and has no timer: its place is free again. */
  drop(number: number, row: LedgerRow, refusal: Refusal): void {
    this.#core.ledger.free(number)
    this.#emitter.refuse(row, refusal)
  }

  /** Ends a row that waits: for its time, or for its channel's. */
  withdraw(number: number, row: LedgerRow, refusal: Refusal): void {
    if (row.status === ROW_WAITING) this.capacity.forget(number, row)
    else this.#core.heap.discard(row.id)
    this.drop(number, row, refusal)
  }
}
