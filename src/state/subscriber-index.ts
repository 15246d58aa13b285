/**
 * Subscriber number → slot: open addressing over Int32, in shards that grow one by one, so that no
 * growth is a long pause. It is derived state: rebuilt from the pages at load, and nothing ever walks
 * it, so its order decides nothing.
 *
 * An entry is 0 (empty) or 5 bits of the hash above 27 bits of slot + 1; the 5 bits spare 31 of 32
 * look-ups of other subscribers' records. A record's first double is its subscriber number.
 */

import { assert } from '../errors.ts'
import type { PagedTable } from './paged-table.ts'

const SHARD_BITS = 9
const SHARD_COUNT = 1 << SHARD_BITS
const SLOT_MASK = 0x07ff_ffff
const TAG_MASK = 0xf800_0000 | 0
const CAPACITY_MIN = 64

/** Subscribers that one partition can hold. */
export const SLOT_COUNT_MAX = SLOT_MASK

/** The index over `table`, whose rows are the slots. */
export class SubscriberIndex {
  readonly #table: PagedTable
  readonly #shards: Int32Array[] = []
  readonly #counts = new Int32Array(SHARD_COUNT)
  readonly #limits = new Int32Array(SHARD_COUNT)
  readonly #scratch = new Float64Array(1)
  readonly #scratchWords = new Int32Array(this.#scratch.buffer)

  constructor(table: PagedTable, subscribersExpected = 0) {
    this.#table = table
    const perShard = Math.ceil((subscribersExpected / SHARD_COUNT) * 1.05)
    let capacity = CAPACITY_MIN
    while (capacity * 0.5 < perShard) capacity *= 2
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      this.#shards.push(new Int32Array(capacity))
      this.#limits[shard] = limitOf(shard, capacity)
    }
  }

  /** Bytes of memory. */
  get size(): number {
    let size = 0
    for (const shard of this.#shards) size += shard.byteLength
    return size
  }

  /** Slot of a subscriber, or -1. */
  find(subscriber: number): number {
    this.#scratch[0] = subscriber
    const hash = hashWords(this.#scratchWords[0]!, this.#scratchWords[1]!)
    const entries = this.#shards[hash & (SHARD_COUNT - 1)]!
    const mask = entries.length - 1
    let position = (hash >>> SHARD_BITS) & mask
    for (;;) {
      const entry = entries[position]!
      if (entry === 0) return -1
      if (((entry ^ hash) & TAG_MASK) === 0) {
        const slot = (entry & SLOT_MASK) - 1
        if (this.#table.getF64(slot, 0) === subscriber) return slot
      }
      position = (position + 1) & mask
    }
  }

  /** Slot of a subscriber, which gets a new row of the table if it has none. */
  findOrAdd(subscriber: number): number {
    const slot = this.find(subscriber)
    return slot === -1 ? this.#add(subscriber) : slot
  }

  /**
   * `findOrAdd` for a column: slots[i] becomes the slot of subscribers[i], new ones in order of
   * appearance. Also draws the records' cache lines in before the update pass needs them.
   */
  resolve(subscribers: Float64Array, count: number, slots: Int32Array): void {
    assert(count <= subscribers.length && count <= slots.length)
    const words = new Int32Array(subscribers.buffer, subscribers.byteOffset, count * 2)
    const shards = this.#shards
    const table = this.#table
    const segments = table.f64
    const segmentShift = table.segmentShift
    const rowMask = (1 << segmentShift) - 1
    const stride = table.strideSize >>> 3
    for (let i = 0; i < count; i++) {
      const subscriber = subscribers[i]!
      const hash = hashWords(words[i * 2]!, words[i * 2 + 1]!)
      const entries = shards[hash & (SHARD_COUNT - 1)]!
      const mask = entries.length - 1
      let position = (hash >>> SHARD_BITS) & mask
      let slot = -1
      for (;;) {
        const entry = entries[position]!
        if (entry === 0) break
        if (((entry ^ hash) & TAG_MASK) === 0) {
          const candidate = (entry & SLOT_MASK) - 1
          if (
            segments[candidate >>> segmentShift]![(candidate & rowMask) * stride] === subscriber
          ) {
            slot = candidate
            break
          }
        }
        position = (position + 1) & mask
      }
      slots[i] = slot === -1 ? this.#add(subscriber) : slot
    }
  }

  /** Enters all rows of the table; for load, into an empty index. */
  rebuild(): void {
    const { rowCount } = this.#table
    for (let slot = 0; slot < rowCount; slot++) {
      this.#scratch[0] = this.#table.getF64(slot, 0)
      this.#enter(hashWords(this.#scratchWords[0]!, this.#scratchWords[1]!), slot)
    }
  }

  #add(subscriber: number): number {
    const slot = this.#table.addRow()
    assert(slot < SLOT_COUNT_MAX, 'more subscribers than a partition can hold')
    this.#table.setF64(slot, 0, subscriber)
    this.#scratch[0] = subscriber
    this.#enter(hashWords(this.#scratchWords[0]!, this.#scratchWords[1]!), slot)
    return slot
  }

  #enter(hash: number, slot: number): void {
    const shard = hash & (SHARD_COUNT - 1)
    if (this.#counts[shard]! >= this.#limits[shard]!) this.#grow(shard)
    this.#counts[shard]! += 1
    place(this.#shards[shard]!, hash, slot)
  }

  #grow(shard: number): void {
    const entries = this.#shards[shard]!
    const grown = new Int32Array(entries.length * 2)
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!
      if (entry === 0) continue
      const slot = (entry & SLOT_MASK) - 1
      this.#scratch[0] = this.#table.getF64(slot, 0)
      place(grown, hashWords(this.#scratchWords[0]!, this.#scratchWords[1]!), slot)
    }
    this.#shards[shard] = grown
    this.#limits[shard] = limitOf(shard, grown.length)
  }
}

/** Shards fill evenly, so each grows at another load (50 to 70 %): the work is spread over time. */
function limitOf(shard: number, capacity: number): number {
  return Math.floor(capacity * (0.5 + (0.2 * shard) / SHARD_COUNT))
}

function place(entries: Int32Array, hash: number, slot: number): void {
  const mask = entries.length - 1
  let position = (hash >>> SHARD_BITS) & mask
  while (entries[position] !== 0) position = (position + 1) & mask
  entries[position] = (hash & TAG_MASK) | (slot + 1)
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
