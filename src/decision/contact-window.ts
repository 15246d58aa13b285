/** Contact windows: wall-clock time in the subscriber's zone, start inclusive, end exclusive. */

import { type ContactWindowSpec, HOLIDAY_OPENING, type OpeningSpec } from '../model/policy.ts'
import type { WallClock } from '../model/wall-clock.ts'

/** Days that a search for the next opening looks ahead: a window opens at least once a week. */
const SEARCH_DAYS_MAX = 400

/** Opening of a local day (days since 1970-01-01); null: closed. */
export function openingOf(spec: ContactWindowSpec, day: number): OpeningSpec | null {
  // Day 0 was a Thursday; Monday comes first.
  const weekday = (((day + 3) % 7) + 7) % 7
  return spec.openings[spec.holidays.has(day) ? HOLIDAY_OPENING : weekday] ?? null
}

/** End of the window on the local day of an instant; the instant itself on a day without one. */
export function closingOf(spec: ContactWindowSpec, clock: WallClock, instantMs: number): number {
  const day = clock.dayAt(instantMs)
  const opening = openingOf(spec, day)
  return opening === null ? instantMs : clock.instantOf(day, opening.toMinute)
}

/**
 * Whether a message may go out at the instant. In an hour that the wall clock shows twice only the
 * first pass up to the closing counts: in doubt, closed.
 */
export function isOpenAt(spec: ContactWindowSpec, clock: WallClock, instantMs: number): boolean {
  const day = clock.dayAt(instantMs)
  const opening = openingOf(spec, day)
  if (opening === null) return false
  const minute = clock.minuteAt(instantMs)
  if (minute < opening.fromMinute || minute >= opening.toMinute) return false
  return instantMs < clock.instantOf(day, opening.toMinute)
}

/**
 * First opening at or after an instant that lies outside the window; Infinity where a year of
 * holidays has none. A change to summer time may swallow a short window whole: then it does not
 * open that day.
 */
export function nextOpening(spec: ContactWindowSpec, clock: WallClock, instantMs: number): number {
  const first = clock.dayAt(instantMs)
  for (let day = first; day < first + SEARCH_DAYS_MAX; day++) {
    const opening = openingOf(spec, day)
    if (opening === null) continue
    const openingMs = clock.instantOf(day, opening.fromMinute)
    if (openingMs >= instantMs && isOpenAt(spec, clock, openingMs)) return openingMs
  }
  return Number.POSITIVE_INFINITY
}
