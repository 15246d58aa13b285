/**
 * A delivery's place: its reservation in all caps and in its contact, from the decision on until it
 * is dropped. Taking one may cost a weaker row its own.
 */

import { type LedgerRow, ROW_WAITING } from '../state/ledger.ts'
import { Contacts } from './arbitrating.ts'
import { type CapacityGate, OPEN_GATE } from './capacity-gate.ts'
import type { CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'
import type { Emitter, Refusal } from './emitting.ts'
import type { NumberedRow, Reservations } from './reservations.ts'

const NOBODY: readonly NumberedRow[] = []

/** What there is to be had for a row: a place, at the cost of a weaker row or of nobody. */
export interface Prospect {
  readonly refusal: Refusal | null
  readonly victim: NumberedRow | null
}

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
   * way; null: there is room now. `number`: the row's own if it exists already, or -1.
   * `findRefusal` is asked last, before anybody must go: what is not sent after all needs no place.
   */
  take(
    row: LedgerRow,
    trigger: CompiledTrigger,
    dueMs: number,
    number: number,
    findRefusal: () => Refusal | null,
  ): Refusal | null {
    const others =
      this.#isCapped(row, trigger) || this.#contacts.isCompeting(row)
        ? this.#reservations.liveRows(row.slot, number)
        : NOBODY
    const { refusal, victim } = this.look(row, trigger, dueMs, others)
    if (refusal !== null) return refusal
    const last = findRefusal()
    if (last !== null) return last
    if (victim !== null) {
      this.withdraw(victim.number, victim.row, { reason: 'outranked', winner: row })
    }
    return null
  }

  /**
   * What `take` would find among the subscriber's other live rows: why there is no room, or who
   * would have to go. Changes nothing.
   */
  look(
    row: LedgerRow,
    trigger: CompiledTrigger,
    dueMs: number,
    others: readonly NumberedRow[],
  ): Prospect {
    const { victim, winner } = this.#contacts.judge(row, dueMs, others)
    if (this.#isCapped(row, trigger)) {
      const remaining = victim === null ? others : others.filter((other) => other !== victim)
      const full = this.#reservations.findFull(trigger, row.slot, dueMs, remaining)
      if (full !== null) {
        return { refusal: { reason: full.reason, detail: full.detail }, victim: null }
      }
    }
    if (winner !== null) return { refusal: { reason: 'outranked', winner }, victim: null }
    return { refusal: null, victim }
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

  #isCapped({ slot }: LedgerRow, { policy }: CompiledTrigger): boolean {
    return policy.caps.length > 0 && !this.#core.isListed(slot, 'canary')
  }
}
