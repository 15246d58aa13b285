/**
 * Who waits for room: the lines of all channels. Within a channel those with the same claim stand
 * in one line: of the same class, and either to wait for the next period or to be dropped when
 * there is nothing left of this one. Derived from the ledger and the configuration in force.
 */

import { type WaitingPlace, WaitingRows } from '../state/waiting-rows.ts'

/** What a line waits for; null: nothing, whoever stands in it may leave at once. */
export interface Claim {
  readonly channel: string
  readonly class: string
  readonly isDropped: boolean
}

/** What goes before what; ids are unique. */
export type Rank = Omit<WaitingPlace, 'deadlineMs'>

/** The lines of one partition. */
export class ChannelQueue {
  readonly #rows = new WaitingRows()
  #claims: (Claim | null)[] = []
  #lines = new Map<string, number>()
  /** Lines by name: after a load they are made in another order. */
  #sorted: readonly number[] = []

  /** How many wait in all. */
  get count(): number {
    return this.#rows.count
  }

  /** Earliest deadline, or Infinity. */
  get nextDeadlineMs(): number {
    return this.#rows.nextDeadlineMs
  }

  /** Row of the earliest deadline, or -1. */
  get nextDeadlineRow(): number {
    return this.#rows.nextDeadlineRow
  }

  /** How many wait for a channel. */
  countOf(channel: string): number {
    let count = 0
    for (const [line, claim] of this.#claims.entries()) {
      if (claim?.channel === channel) count += this.#rows.countOf(line)
    }
    return count
  }

  /** Claims that somebody waits for, in an order that does not depend on who came first. */
  *claims(): Generator<Claim | null> {
    for (const line of this.#sorted) {
      if (this.#rows.countOf(line) > 0) yield this.#claims[line]!
    }
  }

  add(row: number, claim: Claim | null, place: WaitingPlace): void {
    const name = claim === null ? '' : `${claim.channel} ${claim.class} ${claim.isDropped}`
    let line = this.#lines.get(name)
    if (line === undefined) {
      line = this.#claims.push(claim) - 1
      this.#lines.set(name, line)
      this.#sorted = [...this.#lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each)
    }
    this.#rows.add(row, line, place)
  }

  remove(row: number): void {
    this.#rows.remove(row)
  }

  /** The first of all heads whose claim is met; -1: there is none. */
  first(isMet: (claim: Claim | null) => boolean): number {
    let first = -1
    for (const [line, claim] of this.#claims.entries()) {
      if (this.#rows.countOf(line) === 0 || !isMet(claim)) continue
      if (first === -1 || this.#rows.isHeadFirst(line, first)) first = line
    }
    return first === -1 ? -1 : this.#rows.head(first)
  }

  /** Whether a head whose claim is met goes before a place. */
  isAnybodyBefore(rank: Rank, isMet: (claim: Claim | null) => boolean): boolean {
    for (const [line, claim] of this.#claims.entries()) {
      if (this.#rows.isHeadBefore(line, rank) && isMet(claim)) return true
    }
    return false
  }

  /** Empties all lines; returns the numbers of the rows that stood in them, in no order. */
  clear(): number[] {
    const rows = this.#rows.rows()
    for (const row of rows) this.#rows.remove(row)
    this.#claims = []
    this.#lines = new Map()
    this.#sorted = []
    return rows
  }
}
