/**
 * Calendar arithmetic of the naive model, from Intl alone. It shares nothing with the engine's
 * cached offset ranges, so that each can convict the other.
 */

const QUARTER_MS = 900_000
const DAY_MS = 86_400_000

/** An instant as a wall clock and a calendar show it in some zone. */
export interface LocalTime {
  /** Days since 1970-01-01 of the local date. */
  readonly dayNumber: number
  /** Months since year 0 of the local date: `year * 12 + month - 1`. */
  readonly monthNumber: number
  /** Whole minutes since local midnight as the wall clock shows them, 0 to 1439. */
  readonly minuteOfDay: number
}

const formatters = new Map<string, Intl.DateTimeFormat>()
const offsets = new Map<string, number>()

/**
 * Local date and wall-clock minute of an instant (ms since the epoch). Throws RangeError on an
 * unknown zone.
 */
export function localTime(instantMs: number, zone: string): LocalTime {
  const shown = new Date(instantMs + offsetMs(instantMs, zone))
  return {
    dayNumber: Math.floor(shown.getTime() / DAY_MS),
    monthNumber: shown.getUTCFullYear() * 12 + shown.getUTCMonth(),
    minuteOfDay: shown.getUTCHours() * 60 + shown.getUTCMinutes(),
  }
}

/**
 * The instant (ms) at which the wall clock of `zone` shows `minuteOfDay` on a local day: the
 * first one if it shows it twice; if it never does, as much after the gap as the minute lies
 * after its start.
 */
export function instantOf(dayNumber: number, minuteOfDay: number, zone: string): number {
  const shownMs = dayNumber * DAY_MS + minuteOfDay * 60_000
  const before = shownMs - offsetMs(shownMs - DAY_MS, zone)
  const after = shownMs - offsetMs(shownMs + DAY_MS, zone)
  const fits = [before, after].filter((instant) => instant + offsetMs(instant, zone) === shownMs)
  return fits.length === 0 ? before : Math.min(...fits)
}

/** `2026-11-20` */
export function dayText(dayNumber: number): string {
  return new Date(dayNumber * DAY_MS).toISOString().slice(0, 10)
}

/** `2026-11` */
export function monthText(monthNumber: number): string {
  const month = (monthNumber % 12) + 1
  return `${Math.floor(monthNumber / 12)}-${String(month).padStart(2, '0')}`
}

/** Whether Intl knows the zone. */
export function isZone(zone: string): boolean {
  try {
    formatterOf(zone)
    return true
  } catch {
    return false
  }
}

/**
 * Local minus UTC. No zone has changed its offset off a quarter hour since 2012 (St. John's did, at
 * 00:01), so one look-up serves each.
 */
function offsetMs(instantMs: number, zone: string): number {
  const quarterMs = Math.floor(instantMs / QUARTER_MS) * QUARTER_MS
  const key = `${zone} ${quarterMs}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  const parts: Record<string, number> = {}
  for (const part of formatterOf(zone).formatToParts(quarterMs)) parts[part.type] = +part.value
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  const offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarterMs
  offsets.set(key, offset)
  return offset
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(zone, formatter)
  }
  return formatter
}
