/** When a candidate of the naive policy model is to be sent. */

import { localTime } from '../support/naive/zone.ts'
import { isOpen, type JointWindow, nextOpeningMs, nextTimeOfDay } from './calendar.ts'
import type { PlainTrigger } from './plain.ts'
import type { ModelCandidate } from './rows.ts'

/** The first planned instant, before any window moves it; never before now. */
export function firstPlanned(
  { firedAtMs, subscriber }: ModelCandidate,
  { at }: PlainTrigger,
  nowMs: number,
): number {
  const { zone } = subscriber
  if (at.kind === 'now') return nowMs
  if (at.kind === 'after') return nowMs + at.minutes * 60_000
  const eventDay = localTime(firedAtMs, zone).dayNumber
  return nextTimeOfDay(eventDay + at.days, at.minuteOfDay, nowMs, zone)
}

/** The next moment of the schedule for a further try, at or after `fromMs`. */
export function nextSlot({ at }: PlainTrigger, fromMs: number, zone: string): number {
  return at.kind === 'at' ? nextTimeOfDay(0, at.minuteOfDay, fromMs, zone) : fromMs
}

/**
 * Moves a planned instant into the window; null: outside, and the window says drop. What is put off
 * goes out at its own time of day if the window is open then, else after the opening, at the
 * subscriber's share [0, 1) of the spread.
 */
export function intoWindow(
  trigger: PlainTrigger,
  window: JointWindow | null,
  zone: string,
  plannedMs: number,
  spreadShare: number,
): number | null {
  if (window === null || isOpen(window, zone, plannedMs)) return plannedMs
  if (window.outside === 'drop') return null
  const openingMs = nextOpeningMs(window, zone, plannedMs)
  const slotMs = nextSlot(trigger, openingMs, zone)
  if (trigger.at.kind === 'at' && isOpen(window, zone, slotMs)) return slotMs
  return openingMs + Math.floor(window.spreadMs * spreadShare)
}
