/** What the naive policy model knows of one subscriber: sums by period, marks, latches. */

import { localTime } from '../support/naive/zone.ts'
import { periodNumber } from './calendar.ts'
import {
  KEPT_PERIODS,
  type PlainAudience,
  type PlainCondition,
  type PlainCounterUnit,
  type PlainList,
  type PlainValue,
} from './plain.ts'

/** One accepted usage record, for good. */
interface CountedRecord {
  readonly counter: 'data' | 'calls' | null
  readonly amount: number
  /** Local periods at the time it was counted. */
  readonly day: number
  readonly month: number
  readonly cycle: number
  readonly isDayKept: boolean
  readonly isMonthKept: boolean
  readonly isCycleKept: boolean
}

/** A subscriber. Everything is looked up by going through all of it. */
export interface ModelSubscriber {
  readonly subscriber: number
  zone: string
  cycleDay: number
  readonly tags: Set<string>
  seedVersion: number | null
  fee: number | null
  readonly lists: Set<PlainList>
  readonly records: CountedRecord[]
  /** Latest local day, month and cycle of any accepted record; null before the first. */
  runningDay: number | null
  runningMonth: number | null
  runningCycle: number | null
  /** `<trigger> <period>`, and `<trigger> #<tag version>`. */
  readonly latches: Set<string>
}

/** Somebody of whom nothing is known. */
export function createSubscriber(subscriber: number, zone: string): ModelSubscriber {
  return {
    subscriber,
    zone,
    cycleDay: 1,
    tags: new Set(),
    seedVersion: null,
    fee: null,
    lists: new Set(),
    records: [],
    runningDay: null,
    runningMonth: null,
    runningCycle: null,
    latches: new Set(),
  }
}

/**
 * Counts a record in the periods that the counters still keep; `counter` null: none counts it, but
 * it moves the running periods on like any.
 */
export function countRecord(
  subscriber: ModelSubscriber,
  counter: 'data' | 'calls' | null,
  amount: number,
  timeMs: number,
): void {
  const { dayNumber, monthNumber } = localTime(timeMs, subscriber.zone)
  const cycle = periodNumber('cycle', timeMs, subscriber)
  subscriber.runningCycle = Math.max(subscriber.runningCycle ?? cycle, cycle)
  subscriber.runningDay = Math.max(subscriber.runningDay ?? dayNumber, dayNumber)
  subscriber.runningMonth = Math.max(subscriber.runningMonth ?? monthNumber, monthNumber)
  subscriber.records.push({
    counter,
    amount,
    day: dayNumber,
    month: monthNumber,
    cycle,
    isDayKept: subscriber.runningDay - dayNumber <= KEPT_PERIODS,
    isMonthKept: subscriber.runningMonth - monthNumber <= KEPT_PERIODS,
    isCycleKept: subscriber.runningCycle - cycle <= KEPT_PERIODS,
  })
}

/** Whether a record of this time is past in the period that the condition reads. */
export function isPast(
  subscriber: ModelSubscriber,
  per: PlainCounterUnit,
  timeMs: number,
): boolean {
  return periodNumber(per, timeMs, subscriber) < (runningPeriod(subscriber, per) ?? -Infinity)
}

/** A counter as of the local period of an instant; null: that period is no longer kept. */
export function counterValue(
  subscriber: ModelSubscriber,
  counter: 'data' | 'calls',
  per: PlainCounterUnit,
  instantMs: number,
): number | null {
  const period = periodNumber(per, instantMs, subscriber)
  const running = runningPeriod(subscriber, per)
  if (running !== null && running - period > KEPT_PERIODS) return null
  let sum = 0
  for (const record of subscriber.records) {
    const { isKept, ...counted } = KEPT[per](record)
    if (record.counter === counter && isKept && counted.period === period) sum += record.amount
  }
  return sum
}

/** The period of each unit that a record is counted in, and whether that was kept then. */
const KEPT = {
  day: ({ day, isDayKept }: CountedRecord) => ({ period: day, isKept: isDayKept }),
  month: ({ month, isMonthKept }: CountedRecord) => ({ period: month, isKept: isMonthKept }),
  cycle: ({ cycle, isCycleKept }: CountedRecord) => ({ period: cycle, isKept: isCycleKept }),
} as const

function runningPeriod(
  { runningDay, runningMonth, runningCycle }: ModelSubscriber,
  per: PlainCounterUnit,
): number | null {
  return { day: runningDay, month: runningMonth, cycle: runningCycle }[per]
}

/** Whether a trigger's condition is true, with the counters as of an instant. */
export function isConditionTrue(
  subscriber: ModelSubscriber,
  condition: PlainCondition,
  instantMs: number,
): boolean {
  const value = counterValue(subscriber, condition.counter, condition.per, instantMs)
  if (value === null || value < condition.atLeast) return false
  if (condition.tag !== null && !hasTag(subscriber, condition.tag)) return false
  return condition.without === null || !hasTag(subscriber, condition.without)
}

/** Whether the tag is there; `seed` carries a version. */
export function hasTag(subscriber: ModelSubscriber, tag: string): boolean {
  return tag === 'seed' ? subscriber.seedVersion !== null : subscriber.tags.has(tag)
}

/** Whether somebody is in a trigger's audience. */
export function isInAudience(subscriber: ModelSubscriber, audience: PlainAudience | null): boolean {
  if (audience === null) return true
  if (audience.kind === 'tag') return hasTag(subscriber, audience.tag) === audience.isWanted
  return subscriber.fee !== null && subscriber.fee >= audience.atLeast
}

/** What the contact is worth when it fires at `instantMs`; what cannot be said counts as 0. */
export function worthOf(
  subscriber: ModelSubscriber,
  value: PlainValue | null,
  instantMs: number,
): number {
  switch (value?.kind) {
    case undefined:
      return 0
    case 'number':
      return value.number
    case 'fee':
      return subscriber.fee ?? 0
    case 'bytes-of-day':
      return counterValue(subscriber, 'data', 'day', instantMs) ?? 0
    case 'vip':
      return hasTag(subscriber, 'vip') ? value.yes : value.no
  }
}
