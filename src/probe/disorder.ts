import type { Random } from './random.ts'

/** How much disorder. */
export interface DisorderOptions {
  /** Share of items that are held back and come later, 0 to 1. */
  readonly lateShare: number
  /** Share of items that come a second time, 0 to 1. */
  readonly duplicateShare: number
  /** Items that may overtake a late one or a repeat, at most; whole, from 1. */
  readonly distanceMax: number
}

/**
 * Turns a clean sequence of batches into what networks make of it: some late, some twice, none
 * lost. Pure and seeded. Keep `distanceMax` well below the 1,024 batches that a partition
 * remembers.
 */
export class Disorder<Item> {
  readonly #options: DisorderOptions
  readonly #random: Random
  /** Items held back, with the count of items at which they go. */
  readonly #held: { readonly item: Item; readonly due: number }[] = []
  #count = 0
  #lateCount = 0
  #duplicateCount = 0

  constructor(options: DisorderOptions, random: Random) {
    this.#options = options
    this.#random = random
  }

  /** Items held back so far, and items repeated. */
  get counts(): { readonly late: number; readonly duplicates: number } {
    return { late: this.#lateCount, duplicates: this.#duplicateCount }
  }

  /** Takes one item; returns those that go now, in their order. */
  push(item: Item): Item[] {
    const { lateShare, duplicateShare, distanceMax } = this.#options
    this.#count += 1
    const leaving = this.#takeDue(this.#count)
    if (lateShare > 0 && this.#random.fraction() < lateShare) {
      this.#lateCount += 1
      this.#hold(item, distanceMax)
    } else leaving.push(item)
    if (duplicateShare > 0 && this.#random.fraction() < duplicateShare) {
      this.#duplicateCount += 1
      this.#hold(item, distanceMax)
    }
    return leaving
  }

  /** Returns all that is still held back. */
  drain(): Item[] {
    return this.#takeDue(Number.POSITIVE_INFINITY)
  }

  #hold(item: Item, distanceMax: number): void {
    this.#held.push({ item, due: this.#count + 1 + this.#random.below(distanceMax) })
  }

  #takeDue(count: number): Item[] {
    const leaving: Item[] = []
    let kept = 0
    for (const held of this.#held) {
      if (held.due <= count) leaving.push(held.item)
      else this.#held[kept++] = held
    }
    this.#held.length = kept
    return leaving
  }
}
