/**
 * Deliveries of one lane that were read and have no end yet, in the order of OUT: those that may go
 * now, those that are too early, those that have an intent. Everything before the oldest of them is
 * done with, so a cursor never passes what waits.
 */

import type { FeedPlace, SaidDelivery } from '../model/said.ts'

/** One of them. The list owns it. */
export interface WaitingDelivery {
  readonly delivery: SaidDelivery
  /** A place in OUT before it. */
  readonly before: FeedPlace
  /** Last step in GATE when it was read: no step up to this one speaks of it. */
  readonly readAt: number
  /** A gateway before this one may have submitted it. */
  readonly isRepeat: boolean
}

const NONE: ReadonlySet<number> = new Set()

/** Bounded by whoever adds: `count` says how many there are. */
export class WaitingList {
  /** In the order of OUT, which a Map keeps. */
  readonly #all = new Map<number, WaitingDelivery>()
  #ready: WaitingDelivery[] = []
  #readyHead = 0
  /** By `notBeforeMs`, then number. */
  readonly #early: WaitingDelivery[] = []

  /** All without an end, those with an intent too. */
  get count(): number {
    return this.#all.size
  }

  get readyCount(): number {
    return this.#ready.length - this.#readyHead
  }

  get earlyCount(): number {
    return this.#early.length
  }

  /** The first in the order of OUT, of those that are not in `ended`. */
  oldest(ended: ReadonlySet<number> = NONE): WaitingDelivery | null {
    for (const [number, entry] of this.#all) if (!ended.has(number)) return entry
    return null
  }

  /** When the next early one may go, ms; null: none is early. */
  get nextDueMs(): number | null {
    return this.#early[0]?.delivery.notBeforeMs ?? null
  }

  add(entry: WaitingDelivery, nowMs: number): void {
    this.#all.set(entry.delivery.number, entry)
    if (entry.delivery.notBeforeMs <= nowMs) this.#ready.push(entry)
    else this.#early.splice(this.#placeOf(entry), 0, entry)
  }

  /** One that has an end already, and waits only until that is recorded. */
  addEnded(entry: WaitingDelivery): void {
    this.#all.set(entry.delivery.number, entry)
  }

  /** Lets those go whose time has come. */
  ripen(nowMs: number): void {
    let count = 0
    while (count < this.#early.length && this.#early[count]!.delivery.notBeforeMs <= nowMs) count++
    if (count > 0) this.#ready.push(...this.#early.splice(0, count))
  }

  /** The next that may go; it stays until `take`. */
  peek(): WaitingDelivery | null {
    return this.#ready[this.#readyHead] ?? null
  }

  /** Takes what `peek` gave; it counts until `end`. */
  take(): void {
    this.#readyHead += 1
    if (this.#readyHead * 2 < this.#ready.length) return
    this.#ready = this.#ready.slice(this.#readyHead)
    this.#readyHead = 0
  }

  /** It has an end, and GATE says so. */
  end(number: number): void {
    this.#all.delete(number)
  }

  /** Takes out all that wait, early or not, and are too late now. */
  takeLate(nowMs: number): readonly WaitingDelivery[] {
    const isLate = ({ delivery }: WaitingDelivery): boolean => delivery.notAfterMs <= nowMs
    const ready = this.#ready.slice(this.#readyHead)
    const late = [...ready.filter(isLate), ...this.#early.filter(isLate)]
    if (late.length === 0) return late
    this.#ready = ready.filter((entry) => !isLate(entry))
    this.#readyHead = 0
    const early = this.#early.filter((entry) => !isLate(entry))
    this.#early.splice(0, this.#early.length, ...early)
    return late
  }

  #placeOf({ delivery }: WaitingDelivery): number {
    let low = 0
    let high = this.#early.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#early[middle]!.delivery
      const isBefore =
        other.notBeforeMs < delivery.notBeforeMs ||
        (other.notBeforeMs === delivery.notBeforeMs && other.number < delivery.number)
      if (isBefore) low = middle + 1
      else high = middle
    }
    return low
  }
}
