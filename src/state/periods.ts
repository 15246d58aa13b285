/**
 * Calendar periods as whole numbers, so that "the same month" is an integer comparison: hours and
 * days since 1970 in local time, ISO weeks since the Monday before, months since January 1970, and
 * billing cycles named by the month in which they start.
 */

import { assert } from '../errors.ts'
import type { CalendarUnit } from '../model/expression.ts'
import { CALENDAR_UNITS } from '../model/expression.ts'
import { MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, type ZoneClock } from './zone.ts'

/** Calendar units and their positions in period columns, as in CALENDAR_UNITS. */
export const UNIT_COUNT = CALENDAR_UNITS.length
export const HOUR = 0
export const DAY = 1
export const WEEK = 2
export const MONTH = 3
export const CYCLE = 4
/**
 * Behind the calendar's periods stands the minute since 1970, in UTC: what fades is read as of it.
 * Not a period; `PERIOD_KEYS` is the length of arrays that hold it, too.
 */
export const MINUTE = UNIT_COUNT
export const PERIOD_KEYS = UNIT_COUNT + 1

/** Position of a unit in period columns. */
export function unitIndex(unit: CalendarUnit): number {
  return CALENDAR_UNITS.indexOf(unit)
}

/**
 * Year, month (1 to 12) and day of the month of a day number; after Hinnant, "chrono-compatible
 * low-level date algorithms".
 */
export function civilOf(day: number): { year: number; month: number; dayOfMonth: number } {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const dayOfMonth = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfMonth }
}

/** Day number of a civil date. `month` may run beyond 1 to 12 and is carried into the year. */
export function dayOfCivil(year: number, month: number, dayOfMonth: number): number {
  return Math.floor(Date.UTC(year, month - 1, dayOfMonth) / MS_PER_DAY)
}

/**
 * Days and months from 1970 to 2119, looked up instead of worked out (every decision needs some).
 */
const TABLE_MONTHS = 150 * 12
const FIRST_DAYS = Int32Array.from({ length: TABLE_MONTHS + 1 }, (_, monthKey) =>
  dayOfCivil(1970, monthKey + 1, 1),
)
const MONTHS = monthsByDay()

/** Month key of a day number: months since January 1970. */
export function monthOfDay(day: number): number {
  const known = MONTHS[day]
  if (known !== undefined) return known
  const { year, month } = civilOf(day)
  return (year - 1970) * 12 + month - 1
}

/** Day number of the first day of a month key. */
export function firstDayOfMonth(monthKey: number): number {
  return FIRST_DAYS[monthKey] ?? dayOfCivil(1970, monthKey + 1, 1)
}

function monthsByDay(): Int16Array {
  const months = new Int16Array(FIRST_DAYS[TABLE_MONTHS]!)
  for (let monthKey = 0; monthKey < TABLE_MONTHS; monthKey++) {
    months.fill(monthKey, FIRST_DAYS[monthKey]!, FIRST_DAYS[monthKey + 1]!)
  }
  return months
}

/** Week key of a day number: weeks since the week of 1970-01-01, Monday to Sunday. */
export function weekOfDay(day: number): number {
  return Math.floor((day + 3) / 7)
}

/**
 * First day of the billing cycle with this key for a cycle that starts on `cycleDay` (1 to 31); in
 * a month without that day it starts on the last.
 */
export function firstDayOfCycle(cycleKey: number, cycleDay: number): number {
  const first = firstDayOfMonth(cycleKey)
  const last = firstDayOfMonth(cycleKey + 1) - 1
  return Math.min(first + cycleDay - 1, last)
}

/** Billing cycle key of a day number. */
export function cycleOfDay(day: number, cycleDay: number): number {
  const monthKey = monthOfDay(day)
  return day >= firstDayOfCycle(monthKey, cycleDay) ? monthKey : monthKey - 1
}

/** Writes the five period keys of an instant and its minute to `keys` [PERIOD_KEYS]. */
export function writePeriodKeys(
  clock: ZoneClock,
  cycleDay: number,
  instantMs: number,
  keys: Int32Array,
): void {
  const localMs = instantMs + clock.offsetAt(instantMs)
  const day = Math.floor(localMs / MS_PER_DAY)
  keys[HOUR] = Math.floor(localMs / MS_PER_HOUR)
  keys[DAY] = day
  keys[WEEK] = weekOfDay(day)
  keys[MONTH] = monthOfDay(day)
  keys[CYCLE] = cycleOfDay(day, cycleDay)
  keys[MINUTE] = Math.floor(instantMs / MS_PER_MINUTE)
}

/**
 * Period keys of whole columns of instants in one zone with cycle day 1. Most batches lie within
 * one local hour or day: then all their keys are one, and mostly that of the batch before, which
 * stands in the column already. Otherwise keys are worked out once per change.
 */
export class PeriodColumns {
  readonly clock: ZoneClock
  readonly columns: readonly Int32Array[]
  readonly #stretches: readonly Stretch[]
  readonly #keys = new Int32Array(PERIOD_KEYS)

  constructor(clock: ZoneClock, recordsMax: number) {
    this.clock = clock
    this.columns = CALENDAR_UNITS.map(() => new Int32Array(recordsMax))
    this.#stretches = CALENDAR_UNITS.map(() => ({ fromMs: 0, toMs: 0, key: 0, count: 0 }))
  }

  /** Fills the first `count` entries of every column of `units` from `timesMs`. */
  fill(timesMs: Float64Array, count: number, units: readonly number[]): void {
    assert(count <= timesMs.length && count <= this.columns[0]!.length)
    let withinMs = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }
    for (const unit of units) {
      const stretch = this.#stretches[unit]!
      // Where the times lie within a stretch that was looked at, they lie within equal ones, too.
      const isWithin =
        count > 0 &&
        ((stretch.fromMs <= withinMs.fromMs && withinMs.toMs <= stretch.toMs) ||
          this.#areWithin(timesMs, count, unit, stretch))
      if (isWithin) {
        if (stretch.count < count) this.columns[unit]!.fill(stretch.key, 0, count)
        stretch.count = Math.max(stretch.count, count)
        withinMs = stretch
      } else {
        this.#fillChanging(timesMs, count, unit)
        stretch.count = 0
      }
    }
  }

  /** Whether all lie within the stretch, which becomes that of the first if it is not there. */
  #areWithin(timesMs: Float64Array, count: number, unit: number, stretch: Stretch): boolean {
    const firstMs = timesMs[0]!
    if (firstMs < stretch.fromMs || firstMs >= stretch.toMs) this.#begin(firstMs, unit, stretch)
    return areBetween(timesMs, count, stretch.fromMs, stretch.toMs)
  }

  #fillChanging(timesMs: Float64Array, count: number, unit: number): void {
    const column = this.columns[unit]!
    const stretch = this.#stretches[unit]!
    for (let i = 0; i < count; i++) {
      const timeMs = timesMs[i]!
      if (timeMs < stretch.fromMs || timeMs >= stretch.toMs) this.#begin(timeMs, unit, stretch)
      column[i] = stretch.key
    }
  }

  /**
   * The stretch becomes one around an instant that surely has its key: the rest of the local hour,
   * or day where the unit is longer, as far as the zone's offset stays.
   */
  #begin(timeMs: number, unit: number, stretch: Stretch): void {
    writePeriodKeys(this.clock, 1, timeMs, this.#keys)
    const offsetMs = this.clock.offsetAt(timeMs)
    const stepMs = unit === HOUR ? MS_PER_HOUR : MS_PER_DAY
    const startMs = Math.floor((timeMs + offsetMs) / stepMs) * stepMs - offsetMs
    stretch.fromMs =
      timeMs < startMs ? timeMs : Math.max(startMs, this.#rangeStart(timeMs, startMs))
    stretch.toMs = Math.min(startMs + stepMs, this.clock.rangeEnd(timeMs))
    stretch.key = this.#keys[unit]!
    stretch.count = 0
  }

  /** Earliest instant of this stretch that surely has the offset of `timeMs`. */
  #rangeStart(timeMs: number, startMs: number): number {
    return this.clock.offsetAt(startMs) === this.clock.offsetAt(timeMs) ? startMs : timeMs
  }
}

/** Instants with one key; the first `count` entries of its unit's column hold it. */
interface Stretch {
  fromMs: number
  toMs: number
  key: number
  count: number
}

function areBetween(timesMs: Float64Array, count: number, fromMs: number, toMs: number): boolean {
  for (let i = 0; i < count; i++) {
    const timeMs = timesMs[i]!
    if (timeMs < fromMs || timeMs >= toMs) return false
  }
  return true
}

/**
 * Text of a period for people and ids: `2026-11`, `2026-11-20`, `2026-W47`, `2026-11-20T13`,
 * `2026-11c`, `ever`.
 */
export function formatPeriod(unit: CalendarUnit | 'ever', key: number): string {
  switch (unit) {
    case 'hour':
      return `${formatDay(Math.floor(key / 24))}T${pad(key - Math.floor(key / 24) * 24)}`
    case 'day':
      return formatDay(key)
    case 'week': {
      // ISO 8601: the week belongs to the year of its Thursday.
      const thursday = key * 7
      const { year } = civilOf(thursday)
      const week = Math.floor((thursday - dayOfCivil(year, 1, 1)) / 7) + 1
      return `${year}-W${pad(week)}`
    }
    case 'month':
      return formatMonth(key)
    case 'cycle':
      return `${formatMonth(key)}c`
    case 'ever':
      return 'ever'
  }
}

/** Unit and key of a text that `formatPeriod` made. */
export function parsePeriod(text: string): { unit: CalendarUnit | 'ever'; key: number } {
  if (text === 'ever') return { unit: 'ever', key: 0 }
  const match = /^(\d{4,})-(W?)(\d\d)(?:(c)|-(\d\d)(?:T(\d\d))?)?$/.exec(text)
  assert(match !== null, 'no period')
  const [, year = '', week, second = '', cycle, day, hour] = match
  const monthKey = (Number(year) - 1970) * 12 + Number(second) - 1
  if (week === 'W') {
    // 4 January lies in the first week of its ISO year.
    const first = weekOfDay(dayOfCivil(Number(year), 1, 4))
    return { unit: 'week', key: first + Number(second) - 1 }
  }
  if (cycle !== undefined) return { unit: 'cycle', key: monthKey }
  if (day === undefined) return { unit: 'month', key: monthKey }
  const dayKey = firstDayOfMonth(monthKey) + Number(day) - 1
  if (hour === undefined) return { unit: 'day', key: dayKey }
  return { unit: 'hour', key: dayKey * 24 + Number(hour) }
}

function formatMonth(monthKey: number): string {
  return `${1970 + Math.floor(monthKey / 12)}-${pad((monthKey % 12) + 1)}`
}

function formatDay(day: number): string {
  const { year, month, dayOfMonth } = civilOf(day)
  return `${year}-${pad(month)}-${pad(dayOfMonth)}`
}

function pad(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}
