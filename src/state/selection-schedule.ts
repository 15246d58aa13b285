/** When a segment is due: the instants of its schedule in the wall clock of a zone. */

import type { SelectionSchedule } from '../model/segment.ts'
import { civilOf, dayOfCivil, firstDayOfMonth, monthOfDay } from './periods.ts'
import type { ZoneClock } from './zone.ts'

/** A schedule that says a day which never comes would be looked for without end. */
const YEARS_MAX = 8

/** One instant of a schedule, with the local day (since 1970-01-01) that it belongs to. */
export interface DueInstant {
  readonly instantMs: number
  readonly day: number
}

/** First instant of the schedule after `afterMs`; null: none. */
export function nextDue(
  schedule: SelectionSchedule,
  clock: ZoneClock,
  afterMs: number,
): DueInstant | null {
  if (schedule.kind === 'on-demand') return null
  const firstDay = clock.dayAt(afterMs) - 1
  // A change of zone may bring the instant of a day before or after that of its neighbour.
  for (let step = 0; step < 12 * YEARS_MAX; step++) {
    const day = dayOfStep(schedule, firstDay, step)
    const instantMs = clock.instantOf(day, schedule.minuteOfDay)
    if (instantMs > afterMs) return { instantMs, day }
  }
  return null
}

/** Last instant of the schedule in (`afterMs`, `untilMs`], and how many there are; null: none. */
export function lastDue(
  schedule: SelectionSchedule,
  clock: ZoneClock,
  afterMs: number,
  untilMs: number,
): (DueInstant & { readonly count: number }) | null {
  let found: DueInstant | null = null
  let count = 0
  let fromMs = afterMs
  for (;;) {
    const next = nextDue(schedule, clock, fromMs)
    if (next === null || next.instantMs > untilMs) break
    found = next
    fromMs = next.instantMs
    count += 1
  }
  return found === null ? null : { ...found, count }
}

/** The version of a selection that belongs to a day: yyyymmdd. */
export function versionOfDay(day: number): number {
  const { year, month, dayOfMonth } = civilOf(day)
  return year * 10_000 + month * 100 + dayOfMonth
}

/** Days of the schedule in order, from one at or before `firstDay`, or soon after it. */
function dayOfStep(
  schedule: Exclude<SelectionSchedule, { kind: 'on-demand' }>,
  firstDay: number,
  step: number,
): number {
  switch (schedule.kind) {
    case 'daily':
      return firstDay + step
    case 'weekly': {
      // Day 0 was a Thursday, weekday 3.
      const ahead = (((schedule.weekday - 3 - firstDay) % 7) + 7) % 7
      return firstDay + ahead + 7 * step
    }
    case 'monthly':
      return dayInMonth(monthOfDay(firstDay) + step, schedule.dayOfMonth)
    case 'yearly': {
      const year = civilOf(firstDay).year + step
      const month = monthOfDay(dayOfCivil(year, schedule.month, 1))
      return dayInMonth(month, schedule.dayOfMonth)
    }
  }
}

/** A day of a month; beyond its end, its last one. */
function dayInMonth(monthKey: number, dayOfMonth: number): number {
  const last = firstDayOfMonth(monthKey + 1) - 1
  return Math.min(firstDayOfMonth(monthKey) + dayOfMonth - 1, last)
}
