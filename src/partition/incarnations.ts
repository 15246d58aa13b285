/**
 * How often somebody was erased, by group of numbers: what keeps delivery ids from repeating when a
 * number comes back, without a memory of who was erased. A group holds every 4,096th number of the
 * partition, so a count tells no more than that one of very many is meant. Whoever fires after an
 * erasure of the group bears the new count, also one who was never erased: an id is only a key.
 */

import { assert } from '../errors.ts'

/** Groups of numbers in a partition. */
export const INCARNATION_GROUPS = 4_096
/** What a ledger row has room for. */
const COUNT_MAX = 0x7f_ffff

/** The counts of one partition. */
export class Incarnations {
  readonly #partitionCount: number
  readonly #counts = new Int32Array(INCARNATION_GROUPS)

  constructor(partitionCount: number) {
    this.#partitionCount = partitionCount
  }

  /** Erasures in the number's group so far; 0 where there was none. */
  of(subscriber: number): number {
    return this.#counts[this.#groupOf(subscriber)]!
  }

  /** A number was erased: what fires for it from now on bears other ids. */
  bump(subscriber: number): void {
    const group = this.#groupOf(subscriber)
    assert(this.#counts[group]! < COUNT_MAX, 'more erasures than a ledger row can tell apart')
    this.#counts[group]! += 1
  }

  /** A count that was seen elsewhere: ours may not be behind it. */
  raise(subscriber: number, count: number): void {
    const group = this.#groupOf(subscriber)
    this.#counts[group] = Math.max(this.#counts[group]!, count)
  }

  /** Counts that are not 0, by group. */
  image(): [group: number, count: number][] {
    const entries: [number, number][] = []
    for (let group = 0; group < INCARNATION_GROUPS; group++) {
      const count = this.#counts[group]!
      if (count !== 0) entries.push([group, count])
    }
    return entries
  }

  restore(entries: readonly (readonly [group: number, count: number])[]): void {
    for (const [group, count] of entries) this.#counts[group] = count
  }

  #groupOf(subscriber: number): number {
    return Math.floor(subscriber / this.#partitionCount) % INCARNATION_GROUPS
  }
}
