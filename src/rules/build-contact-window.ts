/**
 * Contact windows: readings to windows with their owner's name, and what the windows of a trigger,
 * its channel and its class have in common.
 */

import type { Node } from 'yaml'
import { type ContactWindowSpec, HOLIDAY_OPENING, type OpeningSpec } from '../model/policy.ts'
import {
  type ContactWindowReading,
  EXPIRES_DEFAULT_MS,
  type HolidayReading,
  WEEKDAYS,
} from './policy-shapes.ts'
import type { YamlSource } from './yaml-source.ts'

const MINUTE_MS = 60_000
const NO_DAYS: ReadonlySet<number> = new Set()

/**
 * The declared holidays. Triggers by the thousand share the sets that it gives out, which hold the
 * same days whenever the same weekdays are asked for.
 */
export class HolidayCalendar {
  /** Days since 1970-01-01, ascending. */
  readonly days: readonly number[]
  readonly #byWeekdays = new Map<string, ReadonlySet<number>>()

  constructor(days: readonly number[]) {
    this.days = Object.freeze([...days].sort((a, b) => a - b))
  }

  /** The holidays that fall on these positions of `WEEKDAYS`, ascending. */
  on(weekdays: readonly number[]): ReadonlySet<number> {
    const key = weekdays.join()
    const known = this.#byWeekdays.get(key)
    if (known !== undefined) return known
    // Day 0 was a Thursday; Monday comes first.
    const found = new Set(this.days.filter((day) => weekdays.includes((((day + 3) % 7) + 7) % 7)))
    this.#byWeekdays.set(key, found)
    return found
  }
}

/** One window as declared. null and undefined: not said here. */
export interface DeclaredWindow {
  /** Whose it is, to follow "the contact window of": `trigger data-pack`, `channel sms`. */
  readonly owner: string
  readonly opening: OpeningSpec
  /** Positions of `WEEKDAYS` on which it opens. */
  readonly weekdays: ReadonlySet<number>
  /** What holds on holidays: the weekday's opening, another one, or null: closed. */
  readonly holidays: OpeningSpec | 'like-other-days' | null
  readonly outside: ContactWindowSpec['outside'] | null
  readonly spreadMs: number | null
  readonly expiresMs: number | null
}

/** A window from its reading, or null when it is broken (reported). */
export function declareWindow(
  reading: ContactWindowReading,
  owner: string,
  source: YamlSource,
): DeclaredWindow | null {
  const { values } = reading
  const countBefore = source.problems.length
  const opening = readOpening(values, reading, 'the contact window', source)
  const weekdays = new Set<number>()
  for (const { value, node } of values.on ?? []) {
    const day = WEEKDAYS.indexOf(value)
    if (weekdays.has(day)) source.report(node, 'duplicate', `"${value}" is given twice`)
    weekdays.add(day)
  }
  const holidays = readHolidays(values.holidays ?? 'like-other-days', source)
  if (opening === null || holidays === undefined) return null
  const shortest = Math.min(lengthOf(opening), holidayLength(holidays))
  if (values.spread !== undefined && values.spread > shortest * MINUTE_MS) {
    const message = 'the spread is longer than the contact window is open'
    source.report(reading.at('spread'), 'out-of-range', message)
  }
  if (source.problems.length > countBefore) return null
  return {
    owner,
    opening,
    weekdays: values.on === undefined ? new Set(WEEKDAYS.keys()) : weekdays,
    holidays,
    outside: values.outside ?? null,
    spreadMs: values.spread ?? null,
    expiresMs: values.expires ?? null,
  }
}

/**
 * What windows have in common, the most specific first: its word holds on `outside`, `spread` and
 * `expires`. A spread that is inherited never outlasts the shortest opening. Null: none is given.
 */
export function joinWindows(
  windows: readonly DeclaredWindow[],
  holidays: HolidayCalendar,
): ContactWindowSpec | null {
  if (windows.length === 0) return null
  const openings = Object.freeze([
    ...WEEKDAYS.map((_, day) => commonOpening(windows.map((window) => openingOn(window, day)))),
    commonOpening(windows.map(openingOnHolidays)),
  ])
  const lengths = openings.flatMap((opening) => (opening === null ? [] : [lengthOf(opening)]))
  const said = <K extends 'outside' | 'spreadMs' | 'expiresMs'>(key: K) =>
    windows.map((window) => window[key]).find((value) => value !== null)
  const spreadMaxMs = Math.min(...lengths) * MINUTE_MS
  return Object.freeze({
    openings,
    holidays: ownHolidays(windows, holidays),
    outside: said('outside') ?? 'defer',
    spreadMs: lengths.length === 0 ? 0 : Math.min(said('spreadMs') ?? 0, spreadMaxMs),
    expiresMs: said('expiresMs') ?? EXPIRES_DEFAULT_MS,
  })
}

/** Whether there is a day on which the window opens. */
export function isEverOpen(window: ContactWindowSpec): boolean {
  const { openings, holidays } = window
  const isOpenWeekly = openings.slice(0, HOLIDAY_OPENING).some((opening) => opening !== null)
  return isOpenWeekly || (holidays.size > 0 && openings[HOLIDAY_OPENING] !== null)
}

/**
 * Owners of windows that are never open at the same time: the first two of them that clash, or all
 * of them where only the three together do. Null: they do meet.
 */
export function clashingOwners(
  windows: readonly DeclaredWindow[],
  holidays: HolidayCalendar,
): readonly string[] | null {
  const meet = (some: readonly DeclaredWindow[]) => {
    const joined = joinWindows(some, holidays)
    return joined === null || isEverOpen(joined)
  }
  if (meet(windows)) return null
  for (const [position, window] of windows.entries()) {
    const other = windows.slice(position + 1).find((later) => !meet([window, later]))
    if (other !== undefined) return [window.owner, other.owner]
  }
  return windows.map(({ owner }) => owner)
}

/** Longest time in ms from a closing to the next opening in a week without holidays. */
export function longestClosingMs(window: ContactWindowSpec): number {
  const week = window.openings.slice(0, HOLIDAY_OPENING)
  let closedAt: number | null = null
  let longest = 0
  // Twice round the week, so that the closing over Sunday night is whole.
  for (let day = 0; day < 2 * week.length; day++) {
    const opening = week[day % week.length]
    if (opening === null || opening === undefined) continue
    const midnight = day * 1440
    if (closedAt !== null) longest = Math.max(longest, midnight + opening.fromMinute - closedAt)
    closedAt = midnight + opening.toMinute
  }
  return longest * MINUTE_MS
}

function openingOn(window: DeclaredWindow, day: number): OpeningSpec | null {
  return window.weekdays.has(day) ? window.opening : null
}

function openingOnHolidays(window: DeclaredWindow): OpeningSpec | null {
  return window.holidays === 'like-other-days' ? window.opening : window.holidays
}

/**
 * The days on which the holidays' opening holds. A window that takes holidays like other days is
 * closed on a holiday that falls on one of its closed weekdays; on those the common opening of the
 * weekday is null already, so they need not be holidays at all.
 */
function ownHolidays(
  windows: readonly DeclaredWindow[],
  holidays: HolidayCalendar,
): ReadonlySet<number> {
  const usual = windows.filter((window) => window.holidays === 'like-other-days')
  if (usual.length === windows.length) return NO_DAYS
  const weekdays = [...WEEKDAYS.keys()]
  return holidays.on(weekdays.filter((day) => usual.every((window) => window.weekdays.has(day))))
}

function commonOpening(openings: readonly (OpeningSpec | null)[]): OpeningSpec | null {
  const known = openings.filter((opening) => opening !== null)
  if (known.length < openings.length) return null
  const fromMinute = Math.max(...known.map((opening) => opening.fromMinute))
  const toMinute = Math.min(...known.map((opening) => opening.toMinute))
  return fromMinute < toMinute ? Object.freeze({ fromMinute, toMinute }) : null
}

function readHolidays(
  reading: HolidayReading,
  source: YamlSource,
): DeclaredWindow['holidays'] | undefined {
  if (reading === 'like-other-days') return reading
  if (reading === 'closed') return null
  return readOpening(reading.values, reading, 'the opening on holidays', source) ?? undefined
}

/** Minutes from `from` to `to`; null after reporting that they do not make an opening. */
function readOpening(
  values: { readonly from?: number; readonly to?: number },
  place: { at(key: 'to'): Node },
  what: string,
  source: YamlSource,
): OpeningSpec | null {
  const { from, to } = values
  if (from === undefined || to === undefined) return null
  if (from < to) return Object.freeze({ fromMinute: from, toMinute: to })
  const isEmpty = from === to
  const message = isEmpty ? `${what} never opens` : `${what} runs backwards`
  const hint = isEmpty ? undefined : "it cannot cross midnight; to may be '24:00'"
  source.report(place.at('to'), 'out-of-range', message, hint)
  return null
}

function holidayLength(holidays: DeclaredWindow['holidays']): number {
  return holidays === null || holidays === 'like-other-days'
    ? Number.POSITIVE_INFINITY
    : lengthOf(holidays)
}

/** Minutes. */
function lengthOf(opening: OpeningSpec): number {
  return opening.toMinute - opening.fromMinute
}
