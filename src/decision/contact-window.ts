/** Contact windows: wall-clock time in the subscriber's zone, start inclusive, end exclusive. */

import type { ContactWindowSpec } from '../model/catalog.ts'
import type { WallClock } from '../model/wall-clock.ts'

/** End of the window on the local day of an instant. */
export function closingOf(spec: ContactWindowSpec, clock: WallClock, instantMs: number): number {
  return clock.instantOf(clock.dayAt(instantMs), spec.toMinute)
}

/**
 * Whether a message may go out at the instant. In an hour that the wall clock shows twice only the
 * first pass up to the closing counts: in doubt, closed.
 */
export function isOpenAt(spec: ContactWindowSpec, clock: WallClock, instantMs: number): boolean {
  const minute = clock.minuteAt(instantMs)
  if (minute < spec.fromMinute || minute >= spec.toMinute) return false
  return instantMs < closingOf(spec, clock, instantMs)
}

/**
 * First opening at or after an instant that lies outside the window. A change to summer time may
 * swallow a short window whole: then it does not open that day.
 */
export function nextOpening(spec: ContactWindowSpec, clock: WallClock, instantMs: number): number {
  for (let day = clock.dayAt(instantMs); ; day++) {
    const openingMs = clock.instantOf(day, spec.fromMinute)
    if (openingMs >= instantMs && isOpenAt(spec, clock, openingMs)) return openingMs
  }
}
