/**
 * One partition's budget of one channel for one hour or day: its free base, what it was granted of
 * the pool, what it has used, and what it has asked for. Pure; all of it is in the image.
 *
 * A purse is what everybody may use, or what is reserved for one class. A class uses its own purse
 * first. Use is counted by class, so that shares may change while the period runs.
 */

import {
  askSize,
  baseShare,
  GENERAL_PURSE,
  type PartitionPlace,
  poolSize,
  purseShare,
  type ReservedShare,
} from './capacity.ts'

/** What a partition would like its grants of a purse to come to, in all of the period. */
export interface CapacityAsk {
  readonly purse: string
  readonly total: number
}

/** The authority's answer to the ask for `asked`. */
export interface CapacityAnswer {
  readonly purse: string
  /** All that was granted to this partition of this purse in this period. */
  readonly total: number
  readonly asked: number
  /** What the pool still holds for this purse; 0: asking again is in vain. */
  readonly left: number
}

interface Purse {
  granted: number
  /** Total asked for last, and the last one that was answered: differ while one is under way. */
  asked: number
  answered: number
  /** As of the last answer; -1: none yet. */
  left: number
  /** Largest pool of the period: what was granted under it shrinks with a lowered limit. */
  poolPeak: number
  /** Pool under which nothing was left; -1: something was. */
  spentPool: number
}

/** A budget as plain values; for the image. Names are sorted. */
export interface PeriodBudgetImage {
  readonly limit: number | null
  readonly reserved: readonly ReservedShare[]
  readonly period: string
  readonly used: readonly (readonly [className: string, count: number])[]
  readonly purses: readonly (readonly [purse: string, values: readonly number[]])[]
}

/** How far a budget is used up: 0, 1 (near its end), 2 (at its end). */
export type AlarmLevel = 0 | 1 | 2

/** The budget of one channel, partition and running period. */
export class PeriodBudget {
  readonly #place: PartitionPlace
  #limit: number | null = null
  #reserved: readonly ReservedShare[] = []
  #period = ''
  #used = new Map<string, number>()
  #purses = new Map<string, Purse>()
  /** Worked out from the above: what each purse holds, all together, and use beside reserves. */
  #held = new Map<string, number>()
  #heldTotal = 0
  #usedTotal = 0
  #generalUsed = 0

  constructor(place: PartitionPlace) {
    this.#place = place
  }

  get limit(): number | null {
    return this.#limit
  }

  get period(): string {
    return this.#period
  }

  /** Deliveries that count, and what the partition may send in all as things stand. */
  get used(): number {
    return this.#usedTotal
  }

  get held(): number {
    return this.#heldTotal
  }

  /** Whether it is like one that has just begun its period without a limit. */
  get isBlank(): boolean {
    return !this.isTouched && [...this.#purses.values()].every(({ poolPeak }) => poolPeak === 0)
  }

  /** Whether anything was sent or asked for in the period. */
  get isTouched(): boolean {
    return this.#usedTotal > 0 || [...this.#purses.values()].some(({ asked }) => asked > 0)
  }

  /** Takes limits from a configuration; those in force before may have been others. */
  setLimit(limit: number | null, reserved: readonly ReservedShare[]): void {
    const isChanged =
      limit !== this.#limit || JSON.stringify(reserved) !== JSON.stringify(this.#reserved)
    this.#limit = limit
    this.#reserved = reserved
    if (!isChanged) return
    this.#notePeaks()
    // An ask that was meant for other limits may never be answered.
    for (const purse of this.#purses.values()) purse.answered = purse.asked
    this.#recount()
  }

  /** Another period has begun, unless it is the same. */
  roll(period: string): void {
    if (period === this.#period) return
    this.#period = period
    this.#used = new Map()
    this.#purses = new Map()
    this.#notePeaks()
    this.#recount()
  }

  /** Whether one more delivery of a class fits. */
  hasRoom(className: string): boolean {
    if (this.#limit === null) return true
    if (this.#usedTotal >= this.#heldTotal) return false
    const isOwn = (this.#used.get(className) ?? 0) < (this.#held.get(className) ?? 0)
    return isOwn || this.#generalUsed < this.#held.get(GENERAL_PURSE)!
  }

  /** Whether nothing fits and nothing more can be had, as far as the partition knows. */
  isOver(className: string): boolean {
    if (this.hasRoom(className)) return false
    return this.#isSpent(GENERAL_PURSE) && (!this.#hasPurse(className) || this.#isSpent(className))
  }

  /** A delivery went out, whether there was room or not. */
  spend(className: string): void {
    const used = (this.#used.get(className) ?? 0) + 1
    this.#used.set(className, used)
    this.#usedTotal += 1
    if (used > (this.#held.get(className) ?? 0)) this.#generalUsed += 1
  }

  /**
   * What to ask for now that a class needs room and so many wait for it: null while there is enough
   * room, an answer is awaited, or nothing is to be had. Nobody waits: a little is asked for once a
   * quarter of what is held is left, as long as half of the pool is there. What is returned counts
   * as asked.
   */
  ask(className: string, waiting: number): CapacityAsk | null {
    if (this.#limit === null || this.#place.partitionCount === 1) return null
    const isOwn = this.#hasPurse(className) && !this.#isSpent(className)
    const name = isOwn ? className : GENERAL_PURSE
    const purse = this.#purse(name)
    if (purse.asked > purse.answered || this.#isSpent(name)) return null
    const used = isOwn ? (this.#used.get(className) ?? 0) : this.#generalUsed
    const held = this.#held.get(name)!
    const room = Math.max(0, held - used)
    const pool = this.#pool(name)
    const isPlenty = purse.left === -1 || 2 * purse.left >= pool
    if (waiting > 0 ? room > 0 : 4 * room > held || !isPlenty) return null
    const size = askSize(pool, this.#place.partitionCount, waiting)
    purse.asked = Math.max(purse.granted + size, purse.asked + 1)
    return { purse: name, total: purse.asked }
  }

  /** Asks that await their answer, by purse. */
  openAsks(): CapacityAsk[] {
    return sorted(this.#purses)
      .filter(([, { asked, answered }]) => asked > answered)
      .map(([purse, { asked: total }]) => ({ purse, total }))
  }

  /** Takes an answer; repeats and late ones change nothing. */
  take({ purse: name, total, asked, left }: CapacityAnswer): void {
    const purse = this.#purse(name)
    purse.granted = Math.max(purse.granted, total)
    if (asked > purse.answered) {
      purse.answered = asked
      purse.left = left
      purse.spentPool = left === 0 ? this.#pool(name) : -1
    }
    this.#recount()
  }

  /**
   * How far the channel's limit is used up as this partition knows: what it was told of the pool,
   * taking for used what others hold. A partition that never asks knows nothing of the others.
   */
  alarm(alarmAt: number): AlarmLevel {
    if (this.#limit === null) return 0
    const isFull = this.#generalUsed >= this.#held.get(GENERAL_PURSE)!
    if (isFull && this.#isSpent(GENERAL_PURSE)) return 2
    const names = [GENERAL_PURSE, ...this.#reserved.map(({ class: name }) => name)]
    let free = this.#heldTotal - this.#usedTotal
    for (const name of names) {
      const left = this.#purses.get(name)?.left ?? -1
      free += left === -1 ? this.#pool(name) : left
    }
    return this.#limit - free >= alarmAt * this.#limit ? 1 : 0
  }

  image(): PeriodBudgetImage {
    return {
      limit: this.#limit,
      reserved: this.#reserved,
      period: this.#period,
      used: sorted(this.#used),
      purses: sorted(this.#purses).map(([name, { granted, asked, answered, ...rest }]) => [
        name,
        [granted, asked, answered, rest.left, rest.poolPeak, rest.spentPool],
      ]),
    }
  }

  /** Takes over an image, once. */
  restore({ limit, reserved, period, used, purses }: PeriodBudgetImage): void {
    this.#limit = limit
    this.#reserved = reserved
    this.#period = period
    this.#used = new Map(used)
    this.#purses = new Map(
      purses.map(([name, [granted, asked, answered, left, poolPeak, spentPool]]) => [
        name,
        {
          granted: granted!,
          asked: asked!,
          answered: answered!,
          left: left!,
          poolPeak: poolPeak!,
          spentPool: spentPool!,
        },
      ]),
    )
    this.#recount()
  }

  #hasPurse(className: string): boolean {
    return this.#reserved.some(({ class: name }) => name === className)
  }

  #purse(name: string): Purse {
    let purse = this.#purses.get(name)
    if (purse === undefined) {
      const poolPeak = this.#pool(name)
      purse = { granted: 0, asked: 0, answered: 0, left: -1, poolPeak, spentPool: -1 }
      this.#purses.set(name, purse)
    }
    return purse
  }

  #pool(name: string): number {
    if (this.#limit === null) return 0
    const pool = poolSize(this.#limit, this.#place.partitionCount)
    return purseShare(pool, this.#reserved, name)
  }

  #isSpent(name: string): boolean {
    const pool = this.#pool(name)
    return pool === 0 || (this.#purses.get(name)?.spentPool ?? -1) >= pool
  }

  #notePeaks(): void {
    this.#purse(GENERAL_PURSE)
    for (const { class: name } of this.#reserved) this.#purse(name)
    for (const [name, purse] of this.#purses) {
      purse.poolPeak = Math.max(purse.poolPeak, this.#pool(name))
    }
  }

  #recount(): void {
    this.#held = new Map()
    this.#heldTotal = 0
    this.#usedTotal = 0
    this.#generalUsed = 0
    if (this.#limit !== null) {
      const base = baseShare(this.#limit, this.#place.partitionCount)
      for (const name of [GENERAL_PURSE, ...this.#reserved.map(({ class: each }) => each)]) {
        const held = purseShare(base, this.#reserved, name) + this.#granted(name)
        this.#held.set(name, held)
        this.#heldTotal += held
      }
    }
    for (const [className, used] of this.#used) {
      this.#usedTotal += used
      this.#generalUsed += Math.max(0, used - (this.#held.get(className) ?? 0))
    }
  }

  /**
   * What grants are worth: under a lowered limit all of them shrink like the pool, everywhere, so
   * that their sum stays within it.
   */
  #granted(name: string): number {
    const { granted, poolPeak } = this.#purse(name)
    const pool = this.#pool(name)
    if (pool >= poolPeak) return Math.min(granted, pool)
    return Math.floor((Math.min(granted, poolPeak) * pool) / poolPeak)
  }
}

function sorted<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}
