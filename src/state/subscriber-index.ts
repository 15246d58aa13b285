/**
 * Subscriber number → slot: open addressing over one flat Int32Array that grows without a long
 * pause. It is derived state: rebuilt from the pages at load, and nothing ever walks it, so its
 * order decides nothing.
 *
 * An entry is 0 (empty) or the hash's low 5 bits above 27 bits of slot + 1; the 5 bits spare 31 of
 * 32 look-ups of other subscribers' records, whose first double is the subscriber number. An
 * entry's home is the top bits of its hash, so doubling keeps the order: growth moves entries from
 * the lowest home up, a few with every new subscriber, and what lies below the cursor is found in
 * the new array. The array ends in a run-out instead of wrapping around.
 *
 * A row that was given up holds NO_SUBSCRIBER, a link to the one given up before it, and zeros; it
 * is the next to be used.
 */

import { assert } from '../errors.ts'
import { IndexPasses } from './index-passes.ts'
import { LEDGER_HEAD_OFFSET } from './layout.ts'
import type { PagedTable } from './paged-table.ts'

const SLOT_BITS = 27
const SLOT_MASK = (1 << SLOT_BITS) - 1
const CAPACITY_BITS_MIN = 10
/** Entries behind the last home, for the last cluster. */
const RUN_OUT = 4096
const LOAD_MAX = 0.6
/** Rows that a rebuild takes at once. */
const REBUILD_ROWS = 1024
/** Old entries moved with every new subscriber while growing: done well before the next growth. */
const MOVES_PER_ADD = 16

/** So many or fewer are looked up one by one: the passes over columns cost more to begin. */
const FEW_RECORDS = 4
/** So few lie in the caches: not worth code of their own. */
const FEW_SUBSCRIBERS = 4096

/** In the place of the number of a row that was given up: nobody's, so no look-up finds it. */
export const NO_SUBSCRIBER = -1

/** Subscribers that one partition can hold. */
export const SLOT_COUNT_MAX = SLOT_MASK

/** The index over `table`, whose rows are the slots. */
export class SubscriberIndex {
  readonly #table: PagedTable
  #bits: number
  #entries: Int32Array
  #count = 0
  /** Row given up last + 1; 0: none. In the image; set it before `rebuild`. */
  freeHead = 0
  /** While growing: the smaller array, and the first of its positions that has not been moved. */
  #old: Int32Array | null = null
  #cursor = 0
  readonly #scratch = new Float64Array(1)
  readonly #scratchWords = new Int32Array(this.#scratch.buffer)
  #passes: IndexPasses | null = null

  constructor(table: PagedTable, subscribersExpected = 0) {
    this.#table = table
    this.#bits = CAPACITY_BITS_MIN
    this.#entries = new Int32Array(2 ** this.#bits + RUN_OUT)
    this.#makeRoom(subscribersExpected)
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#entries.byteLength + (this.#old?.byteLength ?? 0)
  }

  /** Subscribers known. */
  get count(): number {
    return this.#count
  }

  /** Slot of a subscriber, or -1. */
  find(subscriber: number): number {
    const hash = this.#hash(subscriber)
    const entries = this.#homeArray(hash)
    let position = this.#homeIn(entries, hash)
    for (;;) {
      const entry = entries[position]!
      if (entry === 0) return -1
      if (((entry >>> SLOT_BITS) ^ hash) << SLOT_BITS === 0) {
        const slot = (entry & SLOT_MASK) - 1
        if (this.#table.getF64(slot, 0) === subscriber) return slot
      }
      position += 1
    }
  }

  /** Slot of a subscriber, which gets a new row of the table if it has none. */
  findOrAdd(subscriber: number): number {
    const slot = this.find(subscriber)
    return slot === -1 ? this.#add(subscriber) : slot
  }

  /**
   * Forgets a subscriber: its row of the table is cleared and used again, last given up, first
   * used. Rows of other tables are the caller's.
   */
  remove(subscriber: number, slot: number): void {
    const hash = this.#hash(subscriber)
    const entries = this.#homeArray(hash)
    let position = this.#homeIn(entries, hash)
    while ((entries[position]! & SLOT_MASK) !== slot + 1) {
      assert(entries[position] !== 0, 'a subscriber is missing from the index')
      position += 1
    }
    this.#closeGap(entries, position)
    this.#count -= 1
    this.#table.clearRow(slot)
    this.#table.setF64(slot, 0, NO_SUBSCRIBER)
    this.#table.setI32(slot, LEDGER_HEAD_OFFSET, this.freeHead)
    this.freeHead = slot + 1
  }

  /**
   * `findOrAdd` for a column: slots[i] becomes the slot of subscribers[i], new ones in order of
   * appearance. In passes, so that the cache misses of many records overlap (index-passes.ts).
   */
  resolve(subscribers: Float64Array, count: number, slots: Int32Array): void {
    assert(count <= subscribers.length && count <= slots.length)
    // Growth must end even where nobody is new: until then every look-up takes the slow way.
    if (this.#old !== null) this.#move(count)
    if (count <= FEW_RECORDS || this.#count < FEW_SUBSCRIBERS) {
      for (let i = 0; i < count; i++) slots[i] = this.findOrAdd(subscribers[i]!)
      return
    }
    if (this.#old === null) this.#currentPasses().resolve(subscribers, count, slots)
    else slots.fill(-1, 0, count)
    // New ones, those behind another with the same tag, and all while the index grows.
    for (let i = 0; i < count; i++) {
      if (slots[i] === -1) slots[i] = this.findOrAdd(subscribers[i]!)
    }
  }

  /**
   * Enters all rows of the table that are in use; for load, into an empty index. In passes, like
   * `resolve`: each home is drawn in before its turn, so that the cache misses of many rows overlap
   * (12 million rows in 0.7 s instead of 2; bench: recovery).
   */
  rebuild(): void {
    assert(this.#count === 0 && this.#old === null, 'only an empty index is rebuilt')
    const { rowCount } = this.#table
    this.#makeRoom(rowCount)
    const entries = this.#entries
    const shift = 32 - this.#bits
    const subscribers = new Float64Array(REBUILD_ROWS)
    const words = new Int32Array(subscribers.buffer)
    const slots = new Int32Array(REBUILD_ROWS)
    const hashes = new Int32Array(REBUILD_ROWS)
    const homes = new Int32Array(REBUILD_ROWS)
    for (let first = 0; first < rowCount; first += REBUILD_ROWS) {
      const end = Math.min(first + REBUILD_ROWS, rowCount)
      let count = 0
      for (let slot = first; slot < end; slot++) {
        const subscriber = this.#table.getF64(slot, 0)
        if (subscriber === NO_SUBSCRIBER) continue
        subscribers[count] = subscriber
        slots[count++] = slot
      }
      hashColumn(words, count, hashes)
      loadHomes(entries, shift, hashes, count, homes)
      for (let i = 0; i < count; i++) {
        const hash = hashes[i]!
        place(entries, hash >>> shift, (hash << SLOT_BITS) | (slots[i]! + 1))
      }
      this.#count += count
    }
  }

  /** The array that holds entries of this hash: while growing, the smaller one above the cursor. */
  #homeArray(hash: number): Int32Array {
    const isOld = this.#old !== null && hash >>> (33 - this.#bits) >= this.#cursor
    return isOld ? this.#old! : this.#entries
  }

  #homeIn(entries: Int32Array, hash: number): number {
    return hash >>> (entries === this.#entries ? 32 - this.#bits : 33 - this.#bits)
  }

  /** Moves the entries behind a gap up into it, as far as none gets before its home. */
  #closeGap(entries: Int32Array, position: number): void {
    let gap = position
    for (let at = gap + 1; entries[at] !== 0; at++) {
      const slot = (entries[at]! & SLOT_MASK) - 1
      const home = this.#homeIn(entries, this.#hash(this.#table.getF64(slot, 0)))
      if (home > gap) continue
      entries[gap] = entries[at]!
      gap = at
    }
    entries[gap] = 0
  }

  /** The passes over the arrays now in use. */
  #currentPasses(): IndexPasses {
    const segments = this.#table.f64
    if (this.#passes === null || !this.#passes.isOver(this.#entries, segments)) {
      const coding = { slotBits: SLOT_BITS, hashWords }
      this.#passes = new IndexPasses(coding, this.#entries, 32 - this.#bits, this.#table)
    }
    return this.#passes
  }

  #hash(subscriber: number): number {
    this.#scratch[0] = subscriber
    return hashWords(this.#scratchWords[0]!, this.#scratchWords[1]!)
  }

  #add(subscriber: number): number {
    const slot = this.#takeRow()
    assert(slot < SLOT_COUNT_MAX, 'more subscribers than a partition can hold')
    this.#table.setF64(slot, 0, subscriber)
    this.#enter(this.#hash(subscriber), slot)
    return slot
  }

  /** The row given up last, or a new one. */
  #takeRow(): number {
    if (this.freeHead === 0) return this.#table.addRow()
    const slot = this.freeHead - 1
    this.freeHead = this.#table.getI32(slot, LEDGER_HEAD_OFFSET)
    this.#table.setI32(slot, LEDGER_HEAD_OFFSET, 0)
    return slot
  }

  #enter(hash: number, slot: number): void {
    if (this.#old !== null) this.#move(MOVES_PER_ADD)
    else if (this.#count >= 2 ** this.#bits * LOAD_MAX) this.#startGrowth()
    this.#count += 1
    const entries = this.#homeArray(hash)
    place(entries, this.#homeIn(entries, hash), (hash << SLOT_BITS) | (slot + 1))
  }

  /** Gives an empty index the size that so many subscribers want. */
  #makeRoom(subscribersExpected: number): void {
    let bits = this.#bits
    while (2 ** bits * LOAD_MAX < subscribersExpected * 1.05) bits += 1
    if (bits === this.#bits) return
    this.#bits = bits
    this.#entries = new Int32Array(2 ** bits + RUN_OUT)
  }

  #startGrowth(): void {
    this.#old = this.#entries
    this.#bits += 1
    this.#entries = new Int32Array(2 ** this.#bits + RUN_OUT)
    this.#cursor = 0
  }

  /** Moves at least `count` positions, and on to the end of the cluster: no cluster is ever cut. */
  #move(count: number): void {
    const old = this.#old!
    let moved = 0
    while (this.#cursor < old.length) {
      const entry = old[this.#cursor]!
      if (entry === 0 && moved >= count) return
      if (entry !== 0) {
        const hash = this.#hash(this.#table.getF64((entry & SLOT_MASK) - 1, 0))
        place(this.#entries, hash >>> (32 - this.#bits), entry)
      }
      this.#cursor += 1
      moved += 1
    }
    this.#old = null
  }
}

function place(entries: Int32Array, home: number, entry: number): void {
  let position = home
  while (entries[position] !== 0) {
    position += 1
    assert(position < entries.length - 1, 'the index has run out at its end')
  }
  entries[position] = entry
}

function hashColumn(words: Int32Array, count: number, hashes: Int32Array): void {
  assert(words.length >= count * 2 && hashes.length >= count)
  for (let i = 0; i < count; i++) hashes[i] = hashWords(words[i * 2]!, words[i * 2 + 1]!)
}

/** The entry at each hash's home, whatever it is. */
function loadHomes(
  entries: Int32Array,
  shift: number,
  hashes: Int32Array,
  count: number,
  found: Int32Array,
): void {
  for (let i = 0; i < count; i++) found[i] = entries[hashes[i]! >>> shift]!
}

/** Mixes the two words of a double (finaliser of MurmurHash3). */
function hashWords(low: number, high: number): number {
  let hash = Math.imul(low, 0xcc9e2d51) ^ Math.imul(high, 0x1b873593)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
