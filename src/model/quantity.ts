/**
 * Strict texts of lengths of time, sizes and times of day, as configurations write them. A bare
 * number where a unit is meant is not understood: `500` seconds and `500` hours look the same.
 */

/**
 * Lengths of time in ms, by the unit as written: `30s`, `5m`, `48h`, `2d`, `2ms`. A day is 24
 * hours.
 */
export const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/**
 * Sizes in bytes, by the unit as written: `kB`, `MB`, `GB` are powers of 1000, `KiB`, `MiB`, `GiB`
 * of 1024.
 */
export const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['kB', 1000],
  ['MB', 1000 ** 2],
  ['GB', 1000 ** 3],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
])

/**
 * `48h`, `5m`, `1.5h` in whole ms; null when the text is not a number directly followed by a unit.
 */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text)
  if (match === null) return null
  const valueMs = Number(match[1]) * DURATION_UNITS.get(match[2]!)!
  return Number.isSafeInteger(valueMs) ? valueMs : null
}

/**
 * `500 KiB`, `5 MB`, `1.5 GiB` in whole bytes; one space or none before the unit; null when not
 * understood.
 */
export function parseSize(text: string): number | null {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?(B|kB|MB|GB|KiB|MiB|GiB)$/.exec(text)
  if (match === null) return null
  const valueBytes = Number(match[1]) * SIZE_UNITS.get(match[2]!)!
  return Number.isSafeInteger(valueBytes) ? valueBytes : null
}

/** `HH:MM` from 00:00 to 24:00 as minutes of the day, 0 to 1440; null when not understood. */
export function parseMinuteOfDay(text: string): number | null {
  const match = /^(\d{2}):(\d{2})$/.exec(text)
  if (match === null) return null
  const minute = Number(match[1]) * 60 + Number(match[2])
  return Number(match[2]) < 60 && minute <= 1440 ? minute : null
}

/** `YYYY-MM-DD` as days since 1970-01-01; null when the date does not exist. Years 1900 to 2999. */
export function parseDayNumber(text: string): number | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (match === null) return null
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (year < 1900 || year > 2999) return null
  const timeMs = Date.UTC(year, month - 1, day)
  const date = new Date(timeMs)
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isReal ? timeMs / 86_400_000 : null
}

/**
 * `2026-11-01T00:00:00+08:00` or `…Z` as ms since the epoch; null when not understood or without an
 * offset.
 */
export function parseInstant(text: string): number | null {
  const match =
    /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(Z|[+-]\d{2}:\d{2})$/.exec(
      text,
    )
  if (match === null) return null
  const day = parseDayNumber(match[1]!)
  const [hour, minute, second] = [Number(match[2]), Number(match[3]), Number(match[4] ?? 0)]
  if (day === null || hour > 23 || minute > 59 || second > 59) return null
  const offset = parseOffset(match[6]!)
  if (offset === null) return null
  const fractionMs = Number((match[5] ?? '').padEnd(3, '0'))
  return day * 86_400_000 + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fractionMs
}

/** Shortest text of a length of time that `parseDuration` reads back: `48h`, not `172800000ms`. */
export function formatDuration(durationMs: number): string {
  const units = [...DURATION_UNITS].reverse()
  for (const [unit, sizeMs] of units) {
    const count = durationMs / sizeMs
    // Two days are usually said as 48h; from three days on, days read better.
    if (Number.isInteger(count) && count >= (unit === 'd' ? 3 : 1)) return `${count}${unit}`
  }
  return `${durationMs}ms`
}

/** Shortest text of a size that `parseSize` reads back. */
export function formatSize(sizeBytes: number): string {
  const units = [...SIZE_UNITS].sort((a, b) => b[1] - a[1])
  for (const [unit, unitBytes] of units) {
    const count = sizeBytes / unitBytes
    if (Number.isInteger(count) && count >= 1) return `${count} ${unit}`
  }
  return `${sizeBytes} B`
}

/** Offset east of UTC in minutes; null beyond 14 hours, which no zone uses. */
function parseOffset(text: string): number | null {
  if (text === 'Z') return 0
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6))
  if (Number(text.slice(4, 6)) > 59 || minutes > 14 * 60) return null
  return text.startsWith('-') ? -minutes : minutes
}
