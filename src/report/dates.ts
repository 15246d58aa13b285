/** Local days and hours in words, and days counted; days are since 1970-01-01. */

import type { WallClock } from '../model/wall-clock.ts'

const DAY_MS = 86_400_000
/** 1970-01-01 was a Thursday; Monday is 0. */
const WEEKDAY_FIRST = 3

/** `2026-11-20`. */
export function dayText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** `2026-11-20T13`, or the day alone for an hour below 0. */
export function hourText(day: number, hour: number): string {
  return hour < 0 ? dayText(day) : `${dayText(day)}T${String(hour).padStart(2, '0')}`
}

/** `2026-11-20 13:05` on the clock's wall. */
export function minuteText(clock: WallClock, atMs: number): string {
  const minute = Math.floor(clock.minuteAt(atMs))
  const two = (value: number) => String(value).padStart(2, '0')
  return `${dayText(clock.dayAt(atMs))} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}

/** Monday is 0. */
export function weekdayOf(day: number): number {
  return (((day + WEEKDAY_FIRST) % 7) + 7) % 7
}

/** Day of the month, from 1. */
export function dayOfMonth(day: number): number {
  return new Date(day * DAY_MS).getUTCDate()
}

/** The first day of the month of a day, `months` later. */
export function monthStart(day: number, months = 0): number {
  const date = new Date(day * DAY_MS)
  return Math.round(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1) / DAY_MS)
}

/** A local day `2026-11-20` or hour `2026-11-20T13:00` as an instant; null: it is none. */
export function parseLocal(text: string, clock: WallClock): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}):(\d{2}))?$/.exec(text)
  if (match === null) return null
  const [, date, hour = '00', minute = '00'] = match
  const atMs = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(atMs) || dayText(atMs / DAY_MS) !== date) return null
  const minuteOfDay = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && minuteOfDay < 1440
    ? clock.instantOf(atMs / DAY_MS, minuteOfDay)
    : null
}
