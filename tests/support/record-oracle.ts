/**
 * Counters by keeping every record: what each counter window must say as of any period, from the
 * text of the design and nothing else. Periods are whole numbers as in state/periods.ts, worked out
 * with Intl.
 */

import { type CalendarUnit, CALENDAR_UNITS } from '../../src/model/expression.ts'
import type { NaiveRecord } from './naive/input.ts'
import { localTime } from './naive/zone.ts'

/** One counter as the oracle knows it. */
export interface OracleCounter {
  readonly name: string
  readonly aggregate: 'sum' | 'count' | 'max' | 'last-time' | 'distinct-days'
  readonly where: (record: NaiveRecord) => boolean
  readonly keep: number
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

  #aggregate({ aggregate, where }: OracleCounter, isWithin: (kept: KeptRecord) => boolean): number {
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
    }
  }
}
