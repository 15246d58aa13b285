/**
 * Ledger rows that are due and wait for room: in lines by rank, due time and candidate id, and all
 * of them by deadline. Derived state: made again from the ledger at load. Both orders are total, so
 * it does not matter in which order rows came. Adding and removing takes the logarithm of how many
 * wait.
 */

import { assert } from '../errors.ts'

/** What the order of a waiting row depends on. */
export interface WaitingPlace {
  /** Smaller goes first: layer and priority. */
  readonly rank: number
  readonly dueMs: number
  /** Candidate id; unique. */
  readonly id: number
  /** When it leaves the line in any case. */
  readonly deadlineMs: number
}

const ROOM_FIRST = 256

/** Rows by line and by deadline. A line is a number from 0; there are few. */
export class WaitingRows {
  /** By ticket: a number that a row has while it waits. */
  #rows = new Int32Array(ROOM_FIRST)
  #lines = new Int32Array(ROOM_FIRST)
  #ranks = new Float64Array(ROOM_FIRST)
  #dues = new Float64Array(ROOM_FIRST)
  #ids = new Float64Array(ROOM_FIRST)
  #deadlines = new Float64Array(ROOM_FIRST)
  #ticketCount = 0
  readonly #freeTickets: number[] = []
  readonly #ticketOf = new Map<number, number>()
  readonly #byLine: TicketHeap[] = []
  readonly #byDeadline = new TicketHeap((a, b) => this.#isDueEarlier(a, b))

  /** How many wait in all. */
  get count(): number {
    return this.#ticketOf.size
  }

  /** Earliest deadline, or Infinity. */
  get nextDeadlineMs(): number {
    const ticket = this.#byDeadline.first
    return ticket === -1 ? Number.POSITIVE_INFINITY : this.#deadlines[ticket]!
  }

  /** Row of the earliest deadline, or -1. */
  get nextDeadlineRow(): number {
    const ticket = this.#byDeadline.first
    return ticket === -1 ? -1 : this.#rows[ticket]!
  }

  /** How many wait in a line. */
  countOf(line: number): number {
    return this.#byLine[line]?.count ?? 0
  }

  /** Row at the head of a line, or -1. */
  head(line: number): number {
    const ticket = this.#byLine[line]?.first ?? -1
    return ticket === -1 ? -1 : this.#rows[ticket]!
  }

  /** Whether the head of a line goes before a place; false for an empty line. */
  isHeadBefore(line: number, { rank, dueMs, id }: Omit<WaitingPlace, 'deadlineMs'>): boolean {
    const ticket = this.#byLine[line]?.first ?? -1
    if (ticket === -1) return false
    if (this.#ranks[ticket] !== rank) return this.#ranks[ticket]! < rank
    if (this.#dues[ticket] !== dueMs) return this.#dues[ticket]! < dueMs
    return this.#ids[ticket]! < id
  }

  /** Whether the head of one line goes before that of another; neither is empty. */
  isHeadFirst(line: number, other: number): boolean {
    return this.#isBefore(this.#byLine[line]!.first, this.#byLine[other]!.first)
  }

  has(row: number): boolean {
    return this.#ticketOf.has(row)
  }

  /** Numbers of all rows that wait, in no order that means anything. */
  rows(): number[] {
    return [...this.#ticketOf.keys()]
  }

  add(row: number, line: number, place: WaitingPlace): void {
    assert(!this.#ticketOf.has(row), 'a row waits in two lines')
    const ticket = this.#freeTickets.pop() ?? this.#ticketCount++
    if (ticket === this.#rows.length) this.#grow()
    this.#ticketOf.set(row, ticket)
    this.#rows[ticket] = row
    this.#lines[ticket] = line
    this.#ranks[ticket] = place.rank
    this.#dues[ticket] = place.dueMs
    this.#ids[ticket] = place.id
    this.#deadlines[ticket] = place.deadlineMs
    while (this.#byLine.length <= line) {
      this.#byLine.push(new TicketHeap((a, b) => this.#isBefore(a, b)))
    }
    this.#byLine[line]!.add(ticket)
    this.#byDeadline.add(ticket)
  }

  /** Takes a row out of its line; nothing happens to one that does not wait. */
  remove(row: number): void {
    const ticket = this.#ticketOf.get(row)
    if (ticket === undefined) return
    this.#ticketOf.delete(row)
    this.#byLine[this.#lines[ticket]!]!.remove(ticket)
    this.#byDeadline.remove(ticket)
    this.#freeTickets.push(ticket)
  }

  #isBefore(a: number, b: number): boolean {
    if (this.#ranks[a] !== this.#ranks[b]) return this.#ranks[a]! < this.#ranks[b]!
    if (this.#dues[a] !== this.#dues[b]) return this.#dues[a]! < this.#dues[b]!
    return this.#ids[a]! < this.#ids[b]!
  }

  #isDueEarlier(a: number, b: number): boolean {
    if (this.#deadlines[a] !== this.#deadlines[b]) return this.#deadlines[a]! < this.#deadlines[b]!
    return this.#isBefore(a, b)
  }

  #grow(): void {
    const count = this.#rows.length * 2
    this.#rows = enlarged(this.#rows, new Int32Array(count))
    this.#lines = enlarged(this.#lines, new Int32Array(count))
    this.#ranks = enlarged(this.#ranks, new Float64Array(count))
    this.#dues = enlarged(this.#dues, new Float64Array(count))
    this.#ids = enlarged(this.#ids, new Float64Array(count))
    this.#deadlines = enlarged(this.#deadlines, new Float64Array(count))
  }
}

/** A binary heap of tickets that knows where each one stands. */
class TicketHeap {
  readonly #isBefore: (a: number, b: number) => boolean
  #tickets = new Int32Array(ROOM_FIRST)
  #count = 0
  /** Place in the heap by ticket; of tickets that are in it. */
  #places = new Int32Array(ROOM_FIRST)

  constructor(isBefore: (a: number, b: number) => boolean) {
    this.#isBefore = isBefore
  }

  get count(): number {
    return this.#count
  }

  /** The ticket before all others, or -1. */
  get first(): number {
    return this.#count === 0 ? -1 : this.#tickets[0]!
  }

  add(ticket: number): void {
    if (this.#count === this.#tickets.length) {
      this.#tickets = enlarged(this.#tickets, new Int32Array(2 * this.#count))
    }
    while (ticket >= this.#places.length) {
      this.#places = enlarged(this.#places, new Int32Array(2 * this.#places.length))
    }
    this.#rise(this.#count++, ticket)
  }

  remove(ticket: number): void {
    const at = this.#places[ticket]!
    assert(this.#tickets[at] === ticket && at < this.#count, 'a ticket is not where it should be')
    const last = this.#tickets[--this.#count]!
    if (last === ticket) return
    const parent = (at - 1) >>> 1
    if (at > 0 && this.#isBefore(last, this.#tickets[parent]!)) this.#rise(at, last)
    else this.#sink(at, last)
  }

  #rise(from: number, ticket: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      const above = this.#tickets[parent]!
      if (!this.#isBefore(ticket, above)) break
      this.#set(at, above)
      at = parent
    }
    this.#set(at, ticket)
  }

  #sink(from: number, ticket: number): void {
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= this.#count) break
      const right = child + 1
      if (right < this.#count && this.#isBefore(this.#tickets[right]!, this.#tickets[child]!)) {
        child = right
      }
      const below = this.#tickets[child]!
      if (!this.#isBefore(below, ticket)) break
      this.#set(at, below)
      at = child
    }
    this.#set(at, ticket)
  }

  #set(at: number, ticket: number): void {
    this.#tickets[at] = ticket
    this.#places[ticket] = at
  }
}

function enlarged<Column extends Float64Array | Int32Array>(from: Column, to: Column): Column {
  to.set(from)
  return to
}
