/** What the naive model knows of one subscriber. */

import type { ListName } from '../../../src/model/expression.ts'
import type { ProfileRow } from '../../../src/model/messages.ts'
import type { CounterView } from '../../../src/model/view.ts'
import type { NaiveParameters, NaiveRecord } from './input.ts'
import { dayText, type LocalTime, monthText } from './zone.ts'

/**
 * Sums of one counter over one calendar unit, by period number. Nothing is ever forgotten in
 * here.
 */
export type PeriodSums = Map<number, number>

export interface NaiveSubscriber {
  readonly subscriber: number
  zone: string
  /** Version of the tag `seed`; null: not a seed. */
  seedVersion: number | null
  hasPack: boolean
  readonly lists: Set<ListName>
  /** Largest local day and month of any accepted record so far; null before the first. */
  runningDay: number | null
  runningMonth: number | null
  readonly data4gDay: PeriodSums
  readonly data4gMonth: PeriodSums
  readonly ottMonth: PeriodSums
  /** Months whose latch is set, and seed versions that have produced a candidate. */
  readonly latchedMonths: Set<number>
  readonly usedVersions: Set<number>
}

/** A subscriber of whom nothing is known. */
export function createSubscriber(subscriber: number, zone: string): NaiveSubscriber {
  return {
    subscriber,
    zone,
    seedVersion: null,
    hasPack: false,
    lists: new Set(),
    runningDay: null,
    runningMonth: null,
    data4gDay: new Map(),
    data4gMonth: new Map(),
    ottMonth: new Map(),
    latchedMonths: new Set(),
    usedVersions: new Set(),
  }
}

/**
 * What `countRecord` did: whether data_4g counts such a record, and whether some counter no
 * longer could.
 */
export interface Counted {
  readonly isTouched: boolean
  readonly isLateForWindow: boolean
}

/**
 * Moves the running periods and adds the record to every counter and period that still keeps it.
 */
export function countRecord(
  subscriber: NaiveSubscriber,
  record: NaiveRecord,
  local: LocalTime,
  parameters: NaiveParameters,
): Counted {
  const day = Math.max(subscriber.runningDay ?? local.dayNumber, local.dayNumber)
  const month = Math.max(subscriber.runningMonth ?? local.monthNumber, local.monthNumber)
  subscriber.runningDay = day
  subscriber.runningMonth = month
  const isDayKept = day - local.dayNumber <= parameters.keep
  const isMonthKept = month - local.monthNumber <= parameters.keep
  const isOttMonthKept = month - local.monthNumber <= parameters.keepOtt
  const isData4g = record.kind === 0 && parameters.rats.includes(record.rat)
  const isOtt = parameters.ottApps.includes(record.app)
  if (isData4g && isDayKept) add(subscriber.data4gDay, local.dayNumber, record.usageBytes)
  if (isData4g && isMonthKept) add(subscriber.data4gMonth, local.monthNumber, record.usageBytes)
  if (isOtt && isOttMonthKept) add(subscriber.ottMonth, local.monthNumber, record.usageBytes)
  return {
    isTouched: isData4g,
    isLateForWindow: (isData4g && !(isDayKept && isMonthKept)) || (isOtt && !isOttMonthKept),
  }
}

/**
 * Applies a profile row; true when it touched something that the condition reads: a tag, or the
 * zone.
 */
export function applyRow(
  subscriber: NaiveSubscriber,
  row: ProfileRow,
  parameters: NaiveParameters,
): boolean {
  if (row.isDeletion === true) {
    const hasOptedOut = subscriber.lists.has('optOut')
    Object.assign(subscriber, { seedVersion: null, hasPack: false, zone: parameters.zone })
    subscriber.lists.clear()
    if (hasOptedOut) subscriber.lists.add('optOut')
    return true
  }
  const { seed, has_pack: hasPack } = row.tags
  if (seed !== undefined) subscriber.seedVersion = typeof seed === 'number' ? seed : null
  if (hasPack !== undefined) subscriber.hasPack = hasPack === true
  if (row.zone !== undefined) subscriber.zone = row.zone ?? parameters.zone
  for (const [name, isOn] of Object.entries(row.lists)) {
    if (isOn) subscriber.lists.add(name as ListName)
    else subscriber.lists.delete(name as ListName)
  }
  return seed !== undefined || hasPack !== undefined || row.zone !== undefined
}

/**
 * The counters as of the subscriber's running periods (not the clock's), `previous` nearest first
 * as long as they are kept. Empty before the first accepted record.
 */
export function countersOf(
  subscriber: NaiveSubscriber,
  { keep: keepData4g, keepOtt }: NaiveParameters,
): CounterView[] {
  const { runningDay, runningMonth } = subscriber
  if (runningDay === null || runningMonth === null) return []
  const view = (
    counter: string,
    counterWindow: string,
    sums: PeriodSums,
    running: number,
    keep: number,
  ) => ({
    counter,
    counterWindow,
    period: counterWindow === 'day' ? dayText(running) : monthText(running),
    value: sums.get(running) ?? 0,
    previous: Array.from({ length: keep }, (_, index) => sums.get(running - 1 - index) ?? 0),
  })
  return [
    view('data_4g', 'day', subscriber.data4gDay, runningDay, keepData4g),
    view('data_4g', 'month', subscriber.data4gMonth, runningMonth, keepData4g),
    view('ott', 'month', subscriber.ottMonth, runningMonth, keepOtt),
  ]
}

function add(sums: PeriodSums, period: number, usageBytes: number): void {
  sums.set(period, (sums.get(period) ?? 0) + usageBytes)
}
