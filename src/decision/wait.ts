/** When the next step of a journey is due: so long after the one before was. */

import type { WaitSpec } from '../model/journey.ts'
import type { WallClock } from '../model/wall-clock.ts'

/** Calendar arithmetic over day numbers (days since 1970-01-01); state/periods.ts has it. */
export interface DayCalendar {
  /** Year, month (1 to 12) and day of the month of a day number. */
  civilOf(day: number): {
    readonly year: number
    readonly month: number
    readonly dayOfMonth: number
  }
  /** Day number; `month` may run beyond 1 to 12. */
  dayOfCivil(year: number, month: number, dayOfMonth: number): number
}

/**
 * The instant so long after another, by the wall clock where the wait says days or months: never
 * before it. A month from the 31st ends on the last day of a shorter month.
 */
export function waitedInstant(
  wait: WaitSpec,
  clock: WallClock,
  calendar: DayCalendar,
  fromMs: number,
): number {
  if (wait.kind === 'duration') return fromMs + wait.lengthMs
  const day = clock.dayAt(fromMs)
  const { year, month, dayOfMonth } = calendar.civilOf(day)
  const first = calendar.dayOfCivil(year, month + wait.months, 1)
  const last = calendar.dayOfCivil(year, month + wait.months + 1, 1) - 1
  const target = Math.min(first + dayOfMonth - 1, last) + wait.days
  const instantMs = clock.instantOf(target, wait.minuteOfDay ?? clock.minuteAt(fromMs))
  // `same day 18:00` in the evening, or a time that a change of the clocks moved.
  return Math.max(instantMs, fromMs)
}
