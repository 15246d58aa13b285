import { describe, expect, it } from 'vitest'
import { CALENDAR_UNITS } from '../../../src/model/expression.ts'
import {
  civilOf,
  cycleOfDay,
  DAY,
  dayOfCivil,
  firstDayOfCycle,
  firstDayOfMonth,
  formatPeriod,
  HOUR,
  MONTH,
  monthOfDay,
  parsePeriod,
  PeriodColumns,
  UNIT_COUNT,
  unitIndex,
  WEEK,
  weekOfDay,
  writePeriodKeys,
} from '../../../src/state/periods.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { localTime } from '../../support/naive/zone.ts'
import { expectSame } from '../../support/expect-same.ts'
import { Random } from '../../support/workload/random.ts'

const DAY_MS = 86_400_000
/** From 1968 to 2126: before the epoch, and beyond every table. */
const DAYS = { first: -700, last: 57_000 }

function dateOf(day: number): Date {
  return new Date(day * DAY_MS)
}

describe('days and months', () => {
  it('agree with Date on every day', () => {
    for (let day = DAYS.first; day <= DAYS.last; day++) {
      const date = dateOf(day)
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1]
      const expected = [year, month, date.getUTCDate(), (year - 1970) * 12 + month - 1]
      const civil = civilOf(day)
      const got = [civil.year, civil.month, civil.dayOfMonth, monthOfDay(day)]
      expectSame(got, expected)
      expectSame(dayOfCivil(year, month, date.getUTCDate()), day)
      const first = firstDayOfMonth(expected[3]!)
      expectSame(first, day - date.getUTCDate() + 1)
    }
  })
})

describe('weeks', () => {
  /**
   * ISO 8601 by its text: week 1 holds the first Thursday; a week belongs to its Thursday's year.
   */
  function isoWeek(day: number): string {
    const weekday = (dateOf(day).getUTCDay() + 6) % 7
    const thursday = dateOf(day - weekday + 3)
    const firstOfYear = Date.UTC(thursday.getUTCFullYear(), 0, 1)
    const week = Math.floor((thursday.getTime() - firstOfYear) / (7 * DAY_MS)) + 1
    return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`
  }

  it('run from Monday to Sunday and are named as ISO 8601 does', () => {
    for (let day = 0; day <= DAYS.last; day++) {
      const week = weekOfDay(day)
      const isMonday = dateOf(day).getUTCDay() === 1
      expectSame(weekOfDay(day - 1), isMonday ? week - 1 : week)
      expectSame(formatPeriod('week', week), isoWeek(day))
    }
  })

  it.each([
    ['2026-11-20', '2026-W47'],
    ['2026-12-31', '2026-W53'],
    ['2027-01-03', '2026-W53'],
    ['2027-01-04', '2027-W01'],
    ['2024-12-30', '2025-W01'],
    ['2021-01-03', '2020-W53'],
  ])('%s is in %s', (date, week) => {
    expect(formatPeriod('week', weekOfDay(Date.parse(date) / DAY_MS))).toBe(week)
  })
})

describe('billing cycles', () => {
  it.each([1, 2, 15, 28, 29, 30, 31])('that start on the %i. hold every day once', (cycleDay) => {
    for (let day = 19_000; day < 19_000 + 5 * 366; day++) {
      const cycle = cycleOfDay(day, cycleDay)
      const first = firstDayOfCycle(cycle, cycleDay)
      const next = firstDayOfCycle(cycle + 1, cycleDay)
      expectSame(first <= day && day < next && next - first <= 31, true, () => `${day}`)
      const start = dateOf(first)
      const lastOfMonth = new Date(
        Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 0),
      ).getUTCDate()
      const wanted = Math.min(cycleDay, lastOfMonth)
      expectSame(start.getUTCDate(), wanted)
    }
  })

  it.each([
    [31, '2026-01-31', '2026-01c'],
    [31, '2026-02-27', '2026-01c'],
    [31, '2026-02-28', '2026-02c'],
    [31, '2026-03-30', '2026-02c'],
    [31, '2026-03-31', '2026-03c'],
    [30, '2028-02-28', '2028-01c'],
    [30, '2028-02-29', '2028-02c'],
    [29, '2027-02-28', '2027-02c'],
    [15, '2026-12-14', '2026-11c'],
    [15, '2027-01-01', '2026-12c'],
  ])('cycle day %i: %s is in %s', (cycleDay, date, cycle) => {
    expect(formatPeriod('cycle', cycleOfDay(Date.parse(date) / DAY_MS, cycleDay))).toBe(cycle)
  })
})

describe('period keys', () => {
  const zones = [
    'Asia/Shanghai',
    'Europe/Berlin',
    'America/Havana',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  ]

  it.each(zones)('of an instant agree with Intl: %s', (zone) => {
    const random = new Random(9)
    const clock = new ZoneClock(zone)
    const keys = new Int32Array(UNIT_COUNT)
    for (let i = 0; i < 500; i++) {
      const instantMs = random.whole(Date.UTC(2015, 0, 1), Date.UTC(2035, 0, 1))
      const cycleDay = random.whole(1, 31)
      writePeriodKeys(clock, cycleDay, instantMs, keys)
      const { dayNumber, monthNumber, minuteOfDay } = localTime(instantMs, zone)
      expect([...keys]).toEqual([
        dayNumber * 24 + Math.floor(minuteOfDay / 60),
        dayNumber,
        weekOfDay(dayNumber),
        monthNumber - 1970 * 12,
        cycleOfDay(dayNumber, cycleDay),
      ])
    }
  })

  it.each(zones)('of columns are those of each instant, in any order: %s', (zone) => {
    const random = new Random(21)
    const clock = new ZoneClock(zone)
    const columns = new PeriodColumns(clock, 512)
    const keys = new Int32Array(UNIT_COUNT)
    const times = new Float64Array(512)
    for (let round = 0; round < 40; round++) {
      // Around a change of summer time, or anywhere; in order of time, or mixed.
      const change = random.pick([
        Date.UTC(2026, 2, 29, 1),
        Date.UTC(2026, 9, 25, 1),
        Date.UTC(2026, 3, 5),
        Date.UTC(2026, 10, 1, 5),
        Date.UTC(2026, 6, 1),
      ])
      const spread = random.pick([1000, 3_600_000, 30 * DAY_MS])
      for (let i = 0; i < 512; i++) times[i] = change + random.whole(-spread, spread)
      if (random.chance(0.5)) times.sort()
      const count = random.whole(0, 512)
      const units = [HOUR, DAY, WEEK, MONTH, unitIndex('cycle')]
      columns.fill(times, count, units)
      for (let i = 0; i < count; i++) {
        writePeriodKeys(clock, 1, times[i]!, keys)
        for (const unit of units) {
          expectSame(columns.columns[unit]![i], keys[unit], () => `${times[i]} unit ${unit}`)
        }
      }
    }
  })

  it('are written for people', () => {
    const day = Date.UTC(2026, 10, 20) / DAY_MS
    expect(formatPeriod('hour', day * 24 + 13)).toBe('2026-11-20T13')
    expect(formatPeriod('day', day)).toBe('2026-11-20')
    expect(formatPeriod('month', monthOfDay(day))).toBe('2026-11')
    expect(formatPeriod('ever', 0)).toBe('ever')
  })

  it('are read back from what was written', () => {
    for (const unit of CALENDAR_UNITS) {
      const perDay = unit === 'hour' ? 24 : 1
      for (let key = 0; key < 40_000 * perDay; key += unit === 'hour' ? 17 : 1) {
        const read = parsePeriod(formatPeriod(unit, key))
        expectSame(read, { unit, key }, () => `${unit} ${key}`)
      }
    }
    expect(parsePeriod('ever')).toEqual({ unit: 'ever', key: 0 })
  })
})
