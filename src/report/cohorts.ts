/**
 * Who was reached by which trigger on which day, in both arms of its experiment, and what came of
 * it: exact distinct numbers over any stretch of the days kept.
 */

import type { WallClock } from '../model/wall-clock.ts'
import { CohortTable, DELAY_NONE, MARK } from './cohort-table.ts'

/** Those who got it, and those who were held out to compare with. */
export const ARMS = ['treated', 'control'] as const

export type Arm = (typeof ARMS)[number]

/** Positions that a u16 has for the names of periods; further ones share the last. */
const PERIODS_MAX = 0xfffe
const MINUTE_MS = 60_000

/** Distinct numbers; delays have been taken into account. */
export interface DistinctCounts {
  /** Delivered, or held out. */
  readonly members: number
  /** Handed to the gateway, whatever became of it. */
  readonly targets: number
  readonly failed: number
  readonly received: number
  /** Replied or clicked. */
  readonly responders: number
  readonly repliers: number
  readonly clickers: number
  /** However the order came; directly: by reply or with the delivery's id. */
  readonly orderers: number
  readonly direct: number
  readonly byReply: number
  readonly optedOut: number
  readonly complained: number
}

/** A row that was found, to be marked. */
export interface CohortRow {
  readonly table: CohortTable
  readonly slot: number
  readonly deliveredAtMs: number
}

interface TriggerCohorts {
  readonly periods: Map<string, number>
  /** By local day, in the order of their coming. */
  readonly arms: Readonly<Record<Arm, Map<number, CohortTable>>>
}

/** The tables of all triggers, arms and days. */
export class Cohorts {
  readonly #clock: WallClock
  readonly #daysKept: number
  readonly #triggers = new Map<string, TriggerCohorts>()
  #newestDay = Number.NEGATIVE_INFINITY

  constructor(clock: WallClock, daysKept: number) {
    this.#clock = clock
    this.#daysKept = daysKept
  }

  /** Ids of triggers that reached somebody. */
  triggers(): readonly string[] {
    return [...this.#triggers.keys()].sort()
  }

  /** Rows of all tables, and bytes of their arrays. */
  get extent(): { readonly rows: number; readonly size: number } {
    let rows = 0
    let size = 0
    for (const { table } of this.tables()) {
      rows += table.count
      size += table.size
    }
    return { rows, size }
  }

  /** Enters a delivery or holdout; null: its day is no longer kept. */
  enter(
    trigger: string,
    arm: Arm,
    subscriber: number,
    period: string,
    atMs: number,
  ): CohortRow | null {
    const day = this.#clock.dayAt(atMs)
    if (day <= this.#newestDay - this.#daysKept) return null
    if (day > this.#newestDay) this.#turnTo(day)
    const cohorts = this.#of(trigger)
    const days = cohorts.arms[arm]
    let table = days.get(day)
    if (table === undefined) {
      table = new CohortTable()
      days.set(day, table)
    }
    const startMs = this.#clock.instantOf(day, 0)
    const slot = table.add(subscriber, codeOf(cohorts, period), atMs - startMs)
    return { table, slot, deliveredAtMs: startMs + table.offsetAt(slot) }
  }

  /** The newest row of that number and period; null: none is kept. */
  find(trigger: string, arm: Arm, subscriber: number, period: string): CohortRow | null {
    const cohorts = this.#triggers.get(trigger)
    const code = cohorts?.periods.get(period)
    if (cohorts === undefined || code === undefined) return null
    const days = [...cohorts.arms[arm].keys()].sort((a, b) => b - a)
    for (const day of days) {
      const table = cohorts.arms[arm].get(day)!
      const slot = table.find(subscriber, code)
      if (slot < 0) continue
      const deliveredAtMs = this.#clock.instantOf(day, 0) + table.offsetAt(slot)
      return { table, slot, deliveredAtMs }
    }
    return null
  }

  /**
   * Distinct numbers that were reached from `fromMs` on and before `toMs`. Responses and orders
   * count that came within `withinMs` of the delivery; null: whenever.
   */
  count(
    trigger: string,
    arm: Arm,
    fromMs: number,
    toMs: number,
    withinMs: number | null,
  ): DistinctCounts {
    const withinMinutes = withinMs === null ? Number.POSITIVE_INFINITY : withinMs / MINUTE_MS
    const days = [...(this.#triggers.get(trigger)?.arms[arm] ?? [])].filter(([day]) => {
      return this.#clock.instantOf(day, 0) < toMs && this.#clock.instantOf(day + 1, 0) > fromMs
    })
    const union = new CohortTable(days.reduce((sum, [, table]) => sum + table.count, 0))
    for (const [day, table] of days) {
      const startMs = this.#clock.instantOf(day, 0)
      for (let slot = 0; slot < table.slotCount; slot++) {
        const subscriber = table.subscriberAt(slot)
        if (subscriber === 0) continue
        const atMs = startMs + table.offsetAt(slot)
        if (atMs < fromMs || atMs >= toMs) continue
        union.mark(union.add(subscriber, 0, 0), marksWithin(table, slot, withinMinutes))
      }
    }
    return countMarks(union)
  }

  /** Deliveries of that day that no gateway has said anything about yet. */
  unreported(trigger: string, day: number): number {
    const table = this.#triggers.get(trigger)?.arms.treated.get(day)
    let count = 0
    for (let slot = 0; slot < (table?.slotCount ?? 0); slot++) {
      if (table!.subscriberAt(slot) === 0) continue
      const marks = table!.marksAt(slot)
      if ((marks & MARK.delivered) !== 0 && (marks & (MARK.handed | MARK.expired)) === 0) count++
    }
    return count
  }

  /** Every table with its place, and the periods of each trigger, for a snapshot. */
  *tables(): Generator<{ trigger: string; arm: Arm; day: number; table: CohortTable }> {
    for (const [trigger, { arms }] of this.#triggers) {
      for (const arm of ARMS) {
        for (const [day, table] of arms[arm]) yield { trigger, arm, day, table }
      }
    }
  }

  periodsOf(trigger: string): ReadonlyMap<string, number> {
    return this.#triggers.get(trigger)?.periods ?? new Map()
  }

  /** Puts what a snapshot holds. */
  restore(trigger: string, periods: Iterable<readonly [string, number]>): void {
    const cohorts = this.#of(trigger)
    for (const [period, code] of periods) cohorts.periods.set(period, code)
  }

  restoreTable(trigger: string, arm: Arm, day: number, table: CohortTable): void {
    this.#of(trigger).arms[arm].set(day, table)
    this.#newestDay = Math.max(this.#newestDay, day)
  }

  #turnTo(day: number): void {
    this.#newestDay = day
    for (const [trigger, { arms }] of this.#triggers) {
      for (const arm of ARMS) {
        for (const old of [...arms[arm].keys()]) {
          if (old <= day - this.#daysKept) arms[arm].delete(old)
        }
      }
      if (arms.treated.size + arms.control.size === 0) this.#triggers.delete(trigger)
    }
  }

  #of(trigger: string): TriggerCohorts {
    let cohorts = this.#triggers.get(trigger)
    if (cohorts === undefined) {
      cohorts = { periods: new Map(), arms: { treated: new Map(), control: new Map() } }
      this.#triggers.set(trigger, cohorts)
    }
    return cohorts
  }
}

function codeOf({ periods }: TriggerCohorts, period: string): number {
  let code = periods.get(period)
  if (code === undefined) {
    code = Math.min(periods.size, PERIODS_MAX)
    periods.set(period, code)
  }
  return code
}

const RESPONDED = MARK.replied | MARK.clicked
const DIRECT = MARK.orderedDirectly | MARK.orderedByReply

/** The marks of a row without responses and orders that came too late. */
function marksWithin(table: CohortTable, slot: number, withinMinutes: number): number {
  let marks = table.marksAt(slot)
  if (withinMinutes === Number.POSITIVE_INFINITY) return marks
  const isWithin = (kind: 'response' | 'order' | 'direct'): boolean => {
    const delay = table.delayAt(slot, kind)
    return delay !== DELAY_NONE && delay <= withinMinutes
  }
  if (!isWithin('response')) marks &= ~RESPONDED
  if (!isWithin('order')) marks &= ~MARK.ordered
  if (!isWithin('direct')) marks &= ~DIRECT
  return marks
}

function countMarks(table: CohortTable): DistinctCounts {
  const counts = {
    members: 0,
    targets: 0,
    failed: 0,
    received: 0,
    responders: 0,
    repliers: 0,
    clickers: 0,
    orderers: 0,
    direct: 0,
    byReply: 0,
    optedOut: 0,
    complained: 0,
  }
  for (let slot = 0; slot < table.slotCount; slot++) {
    if (table.subscriberAt(slot) === 0) continue
    const marks = table.marksAt(slot)
    counts.members += 1
    counts.targets += bit(marks, MARK.handed)
    counts.failed += bit(marks, MARK.failed)
    counts.received += bit(marks, MARK.received)
    counts.responders += bit(marks, RESPONDED)
    counts.repliers += bit(marks, MARK.replied)
    counts.clickers += bit(marks, MARK.clicked)
    counts.orderers += bit(marks, MARK.ordered)
    counts.direct += bit(marks, MARK.orderedDirectly)
    counts.byReply += bit(marks, MARK.orderedByReply)
    counts.optedOut += bit(marks, MARK.optedOut)
    counts.complained += bit(marks, MARK.complained)
  }
  return counts
}

function bit(marks: number, mark: number): number {
  return (marks & mark) === 0 ? 0 : 1
}
