/** When the watch looks, and which reports are due then. Days and minutes are local. */

import type { ReportSpec } from '../model/reporting.ts'
import type { WallClock } from '../model/wall-clock.ts'
import { dayOfMonth, dayText, monthStart, weekdayOf } from './dates.ts'

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440
const WEEK = 7

/** A stretch of whole days, from `fromDay` on and before `toDay`; `key` names it. */
export interface DueReport {
  readonly key: string
  readonly fromDay: number
  readonly toDay: number
}

/**
 * The first instant after `afterMs` at which something may be due: a look of the grid, which begins
 * at midnight, or the minute of a report.
 */
export function nextLook(
  clock: WallClock,
  everyMs: number,
  reports: readonly ReportSpec[],
  afterMs: number,
): number {
  let next = Number.POSITIVE_INFINITY
  const consider = (day: number, minute: number): void => {
    const atMs = clock.instantOf(day, minute)
    if (atMs > afterMs && atMs < next) next = atMs
  }
  const everyMinutes = everyMs / MINUTE_MS
  const today = clock.dayAt(afterMs)
  // An hour that is shown twice in autumn makes the wall clock go back: look a step around.
  const passed = Math.floor(clock.minuteAt(afterMs) / everyMinutes)
  for (let step = passed - 1; step <= passed + 2; step++) {
    if (step >= 0 && step * everyMinutes < DAY_MINUTES) consider(today, step * everyMinutes)
  }
  consider(today + 1, 0)
  for (const report of reports) {
    const minute = report.kind === 'sendout' ? report.latestMinute : report.atMinute
    consider(today, minute)
    consider(today + 1, minute)
  }
  // Where the clock went back, the grid of the second pass is by real time.
  return Math.min(next, afterMs + everyMs)
}

/** The report of whole days that is due at an instant's day, if its minute has come; else null. */
export function dueReport(report: ReportSpec, clock: WallClock, atMs: number): DueReport | null {
  const day = clock.dayAt(atMs)
  if (report.kind === 'sendout' || clock.minuteAt(atMs) < report.atMinute) return null
  if (report.kind === 'daily') return stretch(dayText(day - 1), day - 1, day)
  if (report.kind === 'weekly') {
    if (weekdayOf(day) !== report.weekday) return null
    return stretch(`${dayText(day - WEEK)}-${dayText(day - 1)}`, day - WEEK, day)
  }
  const monthDay = dayOfMonth(day)
  if (!report.daysOfMonth.includes(monthDay)) return null
  const [fromDay, toDay] = [monthStart(day, -1), monthStart(day)]
  return stretch(`${dayText(fromDay).slice(0, 7)}-by-${monthDay}`, fromDay, toDay)
}

function stretch(key: string, fromDay: number, toDay: number): DueReport {
  return { key, fromDay, toDay }
}
