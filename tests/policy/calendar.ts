/**
 * Windows, schedules and periods of the naive policy model, day by day and by its own calendar
 * (tests/support/naive/zone.ts).
 */

import {
  dayText,
  localTime,
  monthText,
  instantOf as naiveInstantOf,
} from '../support/naive/zone.ts'
import type {
  PlainCalendar,
  PlainOpening,
  PlainPolicy,
  PlainTrigger,
  PlainUnit,
  PlainWindow,
} from './plain.ts'

const HOUR_MS = 3_600_000
const QUARTER_MS = 900_000
const SEARCH_DAYS = 60

/** What a trigger's own, its channel's and its class's window come to. */
export interface JointWindow {
  readonly parts: readonly PlainWindow[]
  readonly holidays: readonly number[]
  readonly outside: 'defer' | 'drop'
  readonly spreadMs: number
  readonly expiresMs: number
}

const EXPIRES_DEFAULT_HOURS = 24
/** Life of a delivery that no contact window limits, ms. */
export const EXPIRES_DEFAULT_MS = EXPIRES_DEFAULT_HOURS * HOUR_MS

/**
 * All windows that bear on a trigger; null: none. What happens outside, the spread and the expiry
 * are those of the first that says it: trigger, channel, class. A spread ends before the shortest
 * opening does.
 */
export function jointWindow(policy: PlainPolicy, trigger: PlainTrigger): JointWindow | null {
  const channel = policy.channels.find(({ name }) => name === trigger.channel)
  const ofClass = policy.classes.find(({ name }) => name === (trigger.class ?? 'marketing'))
  const parts = [trigger.window, channel?.window ?? null, ofClass?.window ?? null].filter(
    (part) => part !== null,
  )
  if (parts.length === 0) return null
  const said = <K extends 'outside' | 'spreadMinutes' | 'expiresHours'>(key: K) =>
    parts.map((part) => part[key]).find((value) => value !== null)
  const spreadMinutes = Math.min(said('spreadMinutes') ?? 0, shortestOpening(parts))
  return {
    parts,
    holidays: policy.holidays,
    outside: said('outside') ?? 'defer',
    spreadMs: spreadMinutes * 60_000,
    expiresMs: (said('expiresHours') ?? EXPIRES_DEFAULT_HOURS) * HOUR_MS,
  }
}

/** Minutes that the windows are open together on the day on which that is shortest. */
function shortestOpening(parts: readonly PlainWindow[]): number {
  const lengths = [0, 1, 2, 3, 4, 5, 6, null].flatMap((weekday) => {
    const openings = parts.map((part) => {
      if (weekday !== null) return part.on === null || part.on.includes(weekday) ? part : null
      if (part.holidays === 'closed') return null
      return typeof part.holidays === 'object' && part.holidays !== null ? part.holidays : part
    })
    const common = commonOpening(openings)
    return common === null ? [] : [common.toMinute - common.fromMinute]
  })
  return Math.min(...lengths)
}

/** When the windows are all open on a local day; null: not at all. */
export function openingOn(window: JointWindow, day: number): PlainOpening | null {
  const isHoliday = window.holidays.includes(day)
  return commonOpening(window.parts.map((part) => openingOfPart(part, day, isHoliday)))
}

function commonOpening(openings: readonly (PlainOpening | null)[]): PlainOpening | null {
  const open = openings.filter((opening) => opening !== null)
  if (open.length < openings.length) return null
  const fromMinute = Math.max(0, ...open.map((opening) => opening.fromMinute))
  const toMinute = Math.min(24 * 60, ...open.map((opening) => opening.toMinute))
  return fromMinute < toMinute ? { fromMinute, toMinute } : null
}

function openingOfPart(part: PlainWindow, day: number, isHoliday: boolean): PlainOpening | null {
  const { holidays } = part
  if (isHoliday && holidays === 'closed') return null
  if (isHoliday && holidays !== null && typeof holidays === 'object') return holidays
  return part.on === null || part.on.includes(weekdayOf(day)) ? part : null
}

/** Monday 0 to Sunday 6. */
export function weekdayOf(day: number): number {
  return (new Date(day * 86_400_000).getUTCDay() + 6) % 7
}

/**
 * Whether a message may go out: the wall clock shows a minute of the opening, and not for the
 * second time after the opening has ended already.
 */
export function isOpen(window: JointWindow, zone: string, instantMs: number): boolean {
  const { dayNumber, minuteOfDay } = localTime(instantMs, zone)
  const opening = openingOn(window, dayNumber)
  if (opening === null) return false
  if (minuteOfDay < opening.fromMinute || minuteOfDay >= opening.toMinute) return false
  return instantMs < instantOf(dayNumber, opening.toMinute, zone)
}

/** First opening at or after an instant outside; Infinity when there is none in sight. */
export function nextOpeningMs(window: JointWindow, zone: string, instantMs: number): number {
  const { dayNumber } = localTime(instantMs, zone)
  for (let day = dayNumber; day < dayNumber + SEARCH_DAYS; day++) {
    const opening = openingOn(window, day)
    if (opening === null) continue
    const openingMs = instantOf(day, opening.fromMinute, zone)
    if (openingMs >= instantMs && isOpen(window, zone, openingMs)) return openingMs
  }
  return Number.POSITIVE_INFINITY
}

/** End of the opening of an instant inside. */
export function closingMs(window: JointWindow, zone: string, instantMs: number): number {
  const { dayNumber } = localTime(instantMs, zone)
  return instantOf(dayNumber, openingOn(window, dayNumber)!.toMinute, zone)
}

/**
 * The first instant at which the wall clock shows a minute of a local day; where summer time skips
 * that minute, the end of what is skipped.
 */
export function instantOf(day: number, minuteOfDay: number, zone: string): number {
  const instantMs = naiveInstantOf(day, minuteOfDay, zone)
  const wantedMs = (day * 1440 + minuteOfDay) * 60_000
  if (shownMs(instantMs, zone) === wantedMs) return instantMs
  let endMs = Math.floor(instantMs / QUARTER_MS) * QUARTER_MS
  while (shownMs(endMs, zone) - shownMs(endMs - QUARTER_MS, zone) === QUARTER_MS) {
    endMs -= QUARTER_MS
  }
  return endMs
}

/** What the wall clock shows, as if it were UTC, to the minute. */
function shownMs(instantMs: number, zone: string): number {
  const { dayNumber, minuteOfDay } = localTime(instantMs, zone)
  return (dayNumber * 1440 + minuteOfDay) * 60_000
}

/** First instant from `fromMs` on, on `firstDay` or later, at which the clock shows the minute. */
export function nextTimeOfDay(
  firstDay: number,
  minuteOfDay: number,
  fromMs: number,
  zone: string,
): number {
  for (let day = Math.max(firstDay, localTime(fromMs, zone).dayNumber); ; day++) {
    const instantMs = instantOf(day, minuteOfDay, zone)
    if (instantMs >= fromMs) return instantMs
  }
}

/** Number of a calendar period: equal numbers, same period. */
export function periodNumber(
  unit: PlainUnit | 'ever',
  instantMs: number,
  { zone, cycleDay }: PlainCalendar,
): number {
  const { dayNumber, minuteOfDay, monthNumber } = localTime(instantMs, zone)
  switch (unit) {
    case 'ever':
      return 0
    case 'hour':
      return dayNumber * 24 + Math.floor(minuteOfDay / 60)
    case 'day':
      return dayNumber
    case 'week':
      return (dayNumber - weekdayOf(dayNumber)) / 7
    case 'month':
      return monthNumber
    case 'cycle':
      return cycleNumber(dayNumber, cycleDay)
  }
}

/** Month in which the billing cycle of a day began: on its last day where it has no such day. */
function cycleNumber(day: number, cycleDay: number): number {
  const date = new Date(day * 86_400_000)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
  const isBegun = date.getUTCDate() >= Math.min(cycleDay, last)
  return year * 12 + month - (isBegun ? 0 : 1)
}

/** `2026-11-20T13`, `2026-11-20`, `2026-W47`, `2026-11`, `2026-11c`, `ever`. */
export function periodText(
  unit: PlainUnit | 'ever',
  instantMs: number,
  { zone, cycleDay }: PlainCalendar,
): string {
  const { dayNumber, minuteOfDay, monthNumber } = localTime(instantMs, zone)
  switch (unit) {
    case 'ever':
      return 'ever'
    case 'hour':
      return `${dayText(dayNumber)}T${String(Math.floor(minuteOfDay / 60)).padStart(2, '0')}`
    case 'day':
      return dayText(dayNumber)
    case 'week':
      return weekText(dayNumber)
    case 'month':
      return monthText(monthNumber)
    case 'cycle':
      return `${monthText(cycleNumber(dayNumber, cycleDay))}c`
  }
}

/** ISO 8601: a week belongs to the year that its Thursday lies in. */
function weekText(day: number): string {
  const thursday = day - weekdayOf(day) + 3
  const year = new Date(thursday * 86_400_000).getUTCFullYear()
  const first = Date.UTC(year, 0, 1) / 86_400_000
  return `${year}-W${String(Math.floor((thursday - first) / 7) + 1).padStart(2, '0')}`
}
