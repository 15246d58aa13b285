/**
 * Counters by keeping every record: what each counter window must say as of any period, from the
 * text of the design and nothing else. Periods are whole numbers as in state/periods.ts, worked out
 * with Intl.
 */

import type { Aggregate } from '../../src/model/catalog.ts'
import { type CalendarUnit, CALENDAR_UNITS } from '../../src/model/expression.ts'
import type { NaiveRecord } from './naive/input.ts'
import { localTime } from './naive/zone.ts'

/** One counter as the oracle knows it. */
export interface OracleCounter {
  readonly name: string
  readonly aggregate: Aggregate
  readonly where: (record: NaiveRecord) => boolean
  readonly keep: number
  /** `distinct-apps`: the codes told apart. */
  readonly apps?: readonly number[]
  /** `dwell`: the longest time between two records of one stay, ms. */
  readonly gapMs?: number
  /** `dwell`: whether a record without a cell is as if it had not come. */
  readonly isCellNeeded?: boolean
}

/** Period keys of one record, by unit. */
export type OracleKeys = Readonly<Record<CalendarUnit, number>>

/** The calendar that a subscriber lives by. */
export interface OracleCalendar {
  readonly zone: string
  readonly cycleDay: number
}

/** Period keys of an instant. */
export function oracleKeys(timeMs: number, { zone, cycleDay }: OracleCalendar): OracleKeys {
  const { dayNumber, minuteOfDay, monthNumber } = localTime(timeMs, zone)
  const month = monthNumber - 1970 * 12
  const lastOfMonth = new Date(Date.UTC(1970, month + 1, 0)).getUTCDate()
  const dayOfMonth = new Date(dayNumber * 86_400_000).getUTCDate()
  const hasBegun = dayOfMonth >= Math.min(cycleDay, lastOfMonth)
  return {
    hour: dayNumber * 24 + Math.floor(minuteOfDay / 60),
    day: dayNumber,
    week: Math.floor((dayNumber + 3) / 7),
    month,
    cycle: hasBegun ? month : month - 1,
  }
}

interface KeptRecord {
  readonly record: NaiveRecord
  readonly keys: OracleKeys
  /** How far behind the running period it came in, by unit. */
  readonly late: OracleKeys
}

/** One subscriber: all records ever, and the largest period of each unit. */
export class RecordOracle {
  readonly calendar: OracleCalendar
  readonly #records: KeptRecord[] = []
  readonly running: Record<CalendarUnit, number> = {
    hour: Number.NEGATIVE_INFINITY,
    day: Number.NEGATIVE_INFINITY,
    week: Number.NEGATIVE_INFINITY,
    month: Number.NEGATIVE_INFINITY,
    cycle: Number.NEGATIVE_INFINITY,
  }

  constructor(calendar: OracleCalendar) {
    this.calendar = calendar
  }

  /** Takes an accepted record in. */
  add(record: NaiveRecord): OracleKeys {
    const keys = oracleKeys(record.timeMs, this.calendar)
    const late = { ...keys }
    for (const unit of CALENDAR_UNITS) {
      this.running[unit] = Math.max(this.running[unit], keys[unit])
      late[unit] = this.running[unit] - keys[unit]
    }
    this.#records.push({ record, keys, late })
    return keys
  }

  /** A calendar period's value. What came in when the period was no longer kept is not in it. */
  calendarValue(counter: OracleCounter, unit: CalendarUnit, key: number): number {
    return this.#aggregate(
      counter,
      (kept) => kept.keys[unit] === key && kept.late[unit] <= counter.keep,
    )
  }

  /** A sliding window's value as of the period `key`: that one and the n - 1 before it. */
  slidingValue(counter: OracleCounter, unit: 'hour' | 'day', count: number, key: number): number {
    return this.#aggregate(counter, ({ keys }) => keys[unit] <= key && keys[unit] > key - count)
  }

  lifetimeValue(counter: OracleCounter): number {
    return this.#aggregate(counter, () => true)
  }

  /**
   * An interest as of an instant: what each record added, faded since. What is read as of an
   * instant before the latest record is not unfaded.
   */
  interestValue(
    where: (record: NaiveRecord) => boolean,
    weight: number,
    halfLifeMs: number,
    timeMs: number,
  ): number {
    const times = this.#records
      .filter(({ record }) => where(record))
      .map((each) => each.record.timeMs)
    const asOfMs = Math.max(timeMs, ...times)
    return times.reduce((sum, each) => sum + weight * 0.5 ** ((asOfMs - each) / halfLifeMs), 0)
  }

  /**
   * Records that end a stretch of a stay, with its length: the neighbours among those that were
   * the latest of all when they came in.
   */
  #stays(counter: OracleCounter): Map<KeptRecord, number> {
    const stays = new Map<KeptRecord, number>()
    let before: NaiveRecord | null = null
    for (const kept of this.#records) {
      const { record } = kept
      if (counter.isCellNeeded === true && record.cell === 0) continue
      if (before !== null && record.timeMs < before.timeMs) continue
      if (before !== null && counter.where(before) && counter.where(record)) {
        const lengthMs = record.timeMs - before.timeMs
        if (lengthMs <= counter.gapMs!) stays.set(kept, lengthMs)
      }
      before = record
    }
    return stays
  }

  #aggregate(counter: OracleCounter, isWithin: (kept: KeptRecord) => boolean): number {
    const { aggregate, where } = counter
    const found = this.#records.filter((kept) => where(kept.record) && isWithin(kept))
    switch (aggregate) {
      case 'sum':
        return found.reduce((sum, { record }) => sum + record.usageBytes, 0)
      case 'count':
        return found.length
      case 'max':
        return Math.max(0, ...found.map(({ record }) => record.usageBytes))
      case 'last-time':
        return Math.max(0, ...found.map(({ record }) => record.timeMs))
      case 'distinct-days':
        return new Set(found.map(({ keys }) => keys.day)).size
      case 'distinct-apps': {
        const used = new Set(found.map(({ record }) => record.app))
        return [...used].filter((app) => counter.apps!.includes(app)).length
      }
      case 'dwell': {
        const stays = this.#stays(counter)
        return found.reduce((sum, kept) => sum + (stays.get(kept) ?? 0), 0)
      }
      case 'interest':
        throw new Error('an interest has no periods')
    }
  }
}
