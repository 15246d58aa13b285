/**
 * Contacts: of all that is planned for a subscriber, or was sent, in one hour or day, only the
 * strongest few have a place. Who comes later and is stronger takes the place of what still waits;
 * what was sent keeps its place.
 */

import { compareRank, type Contender } from '../decision/arbitration.ts'
import { isPending, type LedgerRow } from '../state/ledger.ts'
import type { PartitionCore } from './core.ts'
import type { NumberedRow, Reservations } from './reservations.ts'

/** What the others in a contact mean for a row: at most one of the two is there. */
export interface ContactVerdict {
  /** The row that must go if this one is to have its place. */
  readonly victim: NumberedRow | null
  /** The strongest of those that leave it no place. */
  readonly winner: LedgerRow | null
}

const FREE: ContactVerdict = { victim: null, winner: null }

/** Arbitration of one partition. */
export class Contacts {
  readonly #core: PartitionCore
  readonly #reservations: Reservations

  constructor(core: PartitionCore, reservations: Reservations) {
    this.#core = core
    this.#reservations = reservations
  }

  /** Whether a row competes for contacts, and occupies them. */
  isCompeting(row: LedgerRow): boolean {
    const { arbitration } = this.#core.compiled.policy
    return arbitration !== null && !row.isCanary && !row.isIgnoringCaps
  }

  /** Judges a row that is to be due then among the subscriber's other live rows. */
  judge(row: LedgerRow, dueMs: number, others: readonly NumberedRow[]): ContactVerdict {
    const { arbitration } = this.#core.compiled.policy
    if (arbitration === null || !this.isCompeting(row)) return FREE
    const rivals = this.rivals(row.slot, dueMs, others)
    if (rivals.length < arbitration.offersPerContact) return FREE
    const victim = this.findVictim(this.contender(row), rivals)
    return victim === null ? { victim, winner: rivals[0]!.row } : { victim, winner: null }
  }

  /** Those of a subscriber's rows with a place in the contact of an instant; strongest first. */
  rivals(slot: number, dueMs: number, others: readonly NumberedRow[]): NumberedRow[] {
    const { arbitration } = this.#core.compiled.policy
    if (arbitration === null) return []
    const reservations = this.#reservations
    const key = reservations.key(arbitration.contact, reservations.calendarOf(slot), dueMs)
    return others
      .filter(
        ({ row }) =>
          this.isCompeting(row) &&
          reservations.key(arbitration.contact, row.calendar, row.dueMs) === key,
      )
      .sort((left, right) => compareRank(this.contender(left.row), this.contender(right.row)))
  }

  /** The weakest of the rivals that still waits, if the contender is stronger; null: nobody. */
  findVictim(contender: Contender, rivals: readonly NumberedRow[]): NumberedRow | null {
    const { arbitration } = this.#core.compiled.policy
    const pending = rivals.filter(({ row: { status } }) => isPending(status))
    // After a reload that allows fewer, what was sent may fill the contact by itself.
    const sentCount = rivals.length - pending.length
    const victim = pending.at(-1)
    if (victim === undefined || sentCount >= (arbitration?.offersPerContact ?? 0)) return null
    return compareRank(contender, this.contender(victim.row)) < 0 ? victim : null
  }

  /** A row as arbitration compares it. */
  contender(row: LedgerRow): Contender {
    const { layer, priority, value, id } = row
    return { layer, priority, value, id, trigger: this.#core.layout.triggers[row.trigger]!.id }
  }
}
