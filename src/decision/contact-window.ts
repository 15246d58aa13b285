/** Contact windows: wall-clock time in the subscriber's zone, start inclusive, end exclusive. */

import type { ContactWindowSpec } from '../model/catalog.ts'
import type { WallClock } from '../model/wall-clock.ts'

/** End of the window on the local day of an instant. */
export function closingOf(spec: ContactWindowSpec, clock: WallClock, instantMs: number): number {
  return clock.instantOf(clock.dayAt(instantMs), spec.toMinute)
}

/**
 * Whether a message may go out at the instant. In an hour that the wall clock shows twice only the first
 * pass up to the closing counts: in doubt, closed.
 */
export function isOpenAt(spec: ContactWindowSpec, clock: WallClock, instantMs: number): boolean {
  const minute = clock.minuteAt(instantMs)
  if (minute < spec.fromMinute || minute >= spec.toMinute) return false
  return instantMs < closingOf(spec, clock, instantMs)
}

/** First opening at or after an instant that lies outside the window. */
export function nextOpening(spec: ContactWindowSpec, clock: WallClock, instantMs: number): number {
  const day = clock.dayAt(instantMs)
  const today = clock.instantOf(day, spec.fromMinute)
  return today >= instantMs ? today : clock.instantOf(day + 1, spec.fromMinute)
}
