/**
 * Who was reached on one day, and what came of it: one row per number and period, in open
 * addressing over plain arrays. Exact, and 22 bytes per slot; a table is between 35 and 70 % full
 * (what is smaller than 1,024 slots aside), so a row takes 31 to 63 bytes.
 *
 * Arrays, one entry per slot: f64 subscriber (0: free) | u32 ms of the day at which it was
 * delivered | u16 period (position among the names) | u16 marks | u16 x 3 minutes, rounded up, from
 * the delivery to the first response, order, direct order (DELAY_NONE: none, or too late to say).
 */

import { assert } from '../errors.ts'

/** What is known of a row: a bit each. */
export const MARK = {
  delivered: 1,
  handed: 2,
  failed: 4,
  received: 8,
  replied: 16,
  clicked: 32,
  ordered: 64,
  orderedDirectly: 128,
  orderedByReply: 256,
  optedOut: 512,
  complained: 1024,
  /** Its last attempt came too late; taken back by the next. */
  expired: 2048,
} as const

/** No delay is known. */
export const DELAY_NONE = 0xffff
const MINUTE_MS = 60_000
const SLOTS_FIRST = 1024
const FILL_MAX = 0.7
/** Bytes of a slot. */
export const SLOT_SIZE = 22

/** Which of the three delays. */
export type DelayKind = 'response' | 'order' | 'direct'

interface Arrays {
  readonly subscribers: Float64Array
  readonly offsetsMs: Uint32Array
  readonly periods: Uint16Array
  readonly marks: Uint16Array
  readonly delays: Readonly<Record<DelayKind, Uint16Array>>
}

/** Rows of one trigger, arm and local day. */
export class CohortTable {
  #arrays: Arrays
  #count = 0

  /** `rowsExpected`: room for so many from the beginning. */
  constructor(rowsExpected = 0) {
    let slotCount = SLOTS_FIRST
    while (slotCount * FILL_MAX < rowsExpected + 1) slotCount *= 2
    this.#arrays = arraysOf(slotCount)
  }

  /** Rows in use. */
  get count(): number {
    return this.#count
  }

  /** Slots, free ones too. */
  get slotCount(): number {
    return this.#arrays.subscribers.length
  }

  /** Bytes of the arrays. */
  get size(): number {
    return this.slotCount * SLOT_SIZE
  }

  /** The slot of a row; -1: there is none. Valid until the next `add`. */
  find(subscriber: number, period: number): number {
    const { subscribers, periods } = this.#arrays
    const mask = subscribers.length - 1
    for (let slot = hashOf(subscriber, period) & mask; ; slot = (slot + 1) & mask) {
      const there = subscribers[slot]!
      if (there === 0) return -1
      if (there === subscriber && periods[slot] === period) return slot
    }
  }

  /** The slot of a row, made where it is missing. `offsetMs`: of the day, on the first call. */
  add(subscriber: number, period: number, offsetMs: number): number {
    assert(subscriber > 0 && period >= 0 && period < 0xffff)
    const there = this.find(subscriber, period)
    if (there >= 0) return there
    if (this.#count + 1 > this.slotCount * FILL_MAX) this.#grow()
    const slot = freeSlot(this.#arrays.subscribers, hashOf(subscriber, period))
    this.#arrays.subscribers[slot] = subscriber
    this.#arrays.periods[slot] = period
    this.#arrays.offsetsMs[slot] = Math.min(Math.max(0, offsetMs), 0xffff_ffff)
    this.#count++
    return slot
  }

  /** Sets marks; the answer says which of them were new. */
  mark(slot: number, marks: number): number {
    const before = this.#arrays.marks[slot]!
    this.#arrays.marks[slot] = before | marks
    return marks & ~before
  }

  unmark(slot: number, marks: number): void {
    this.#arrays.marks[slot]! &= ~marks
  }

  marksAt(slot: number): number {
    return this.#arrays.marks[slot]!
  }

  /** 0: the slot is free. */
  subscriberAt(slot: number): number {
    return this.#arrays.subscribers[slot]!
  }

  /** When it was delivered, ms from the beginning of the day. */
  offsetAt(slot: number): number {
    return this.#arrays.offsetsMs[slot]!
  }

  /** Minutes from the delivery to the first of it; DELAY_NONE: none. */
  delayAt(slot: number, kind: DelayKind): number {
    return this.#arrays.delays[kind][slot]!
  }

  /** Keeps the shortest delay; what came before its delivery came at once. */
  noteDelay(slot: number, kind: DelayKind, delayMs: number): void {
    const minutes = Math.max(0, Math.ceil(delayMs / MINUTE_MS))
    const delays = this.#arrays.delays[kind]
    if (minutes < delays[slot]!) delays[slot] = minutes
  }

  /** The arrays as bytes, for a snapshot; copies. */
  toBytes(): Uint8Array[] {
    return listOf(this.#arrays).map((array) => {
      return new Uint8Array(array.buffer.slice(0), 0, array.byteLength)
    })
  }

  /** A table from `toBytes`; null: that is none. */
  static fromBytes(parts: readonly Uint8Array[]): CohortTable | null {
    const [subscribers] = parts
    const slotCount = (subscribers?.byteLength ?? 0) / 8
    const isPossible = slotCount >= SLOTS_FIRST && (slotCount & (slotCount - 1)) === 0
    if (!isPossible) return null
    const table = new CohortTable()
    const arrays = arraysOf(slotCount)
    const targets = listOf(arrays)
    if (parts.length !== targets.length) return null
    for (const [i, target] of targets.entries()) {
      const part = parts[i]!
      if (part.byteLength !== target.byteLength) return null
      new Uint8Array(target.buffer).set(part)
    }
    table.#arrays = arrays
    for (const subscriber of arrays.subscribers) if (subscriber !== 0) table.#count++
    return table.#count <= slotCount * FILL_MAX ? table : null
  }

  #grow(): void {
    const before = this.#arrays
    const after = arraysOf(before.subscribers.length * 2)
    for (let from = 0; from < before.subscribers.length; from++) {
      const subscriber = before.subscribers[from]!
      if (subscriber === 0) continue
      const slot = freeSlot(after.subscribers, hashOf(subscriber, before.periods[from]!))
      after.subscribers[slot] = subscriber
      after.offsetsMs[slot] = before.offsetsMs[from]!
      after.periods[slot] = before.periods[from]!
      after.marks[slot] = before.marks[from]!
      for (const kind of ['response', 'order', 'direct'] as const) {
        after.delays[kind][slot] = before.delays[kind][from]!
      }
    }
    this.#arrays = after
  }
}

function arraysOf(slotCount: number): Arrays {
  const delays = () => new Uint16Array(slotCount).fill(DELAY_NONE)
  return {
    subscribers: new Float64Array(slotCount),
    offsetsMs: new Uint32Array(slotCount),
    periods: new Uint16Array(slotCount),
    marks: new Uint16Array(slotCount),
    delays: { response: delays(), order: delays(), direct: delays() },
  }
}

function listOf({ subscribers, offsetsMs, periods, marks, delays }: Arrays) {
  return [subscribers, offsetsMs, periods, marks, delays.response, delays.order, delays.direct]
}

function freeSlot(subscribers: Float64Array, hash: number): number {
  const mask = subscribers.length - 1
  let slot = hash & mask
  while (subscribers[slot] !== 0) slot = (slot + 1) & mask
  return slot
}

/** Mixes both halves of the number: those of one partition differ by its count at least. */
function hashOf(subscriber: number, period: number): number {
  const high = Math.floor(subscriber / 0x1_0000_0000)
  let hash = (subscriber | 0) ^ Math.imul(high + 1, 0x9e37_79b1) ^ Math.imul(period, 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0_aaad)
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a_2d97)
  return (hash ^ (hash >>> 15)) >>> 0
}
