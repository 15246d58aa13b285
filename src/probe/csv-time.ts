import { UsageError } from '../errors.ts'
import { TIME_MAX_MS } from '../model/wire.ts'

/** Why a time was refused: not understood, or wall-clock time and no zone is known. */
export type TimeProblem = 'bad-time' | 'time-without-zone'

/** Turns a text into ms since the epoch, or says why not. */
export type TimeParser = (text: string) => number | TimeProblem

const MS_PER_MINUTE = 60_000
const MS_PER_HOUR = 3_600_000
const MS_PER_DAY = 86_400_000

/** 2026-11-21, a blank or T, 10:05[:09[.123]], then nothing, Z or an offset. */
const DATE_TIME =
  /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|z|[+-]\d{2}:?(?:\d{2})?)?$/
const COMPACT = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/

/**
 * Makes the parser of a file's times. Formats: `auto` (epoch seconds, ms or µs by magnitude, ISO
 * 8601 with or without offset, YYYYMMDDHHmmss), `s`, `ms`, `us`, or a pattern of YYYY MM DD HH mm
 * ss SSS.
 * @param zone IANA zone of times without offset; null: they are refused
 * @throws UsageError for a pattern without a date, or a zone that does not exist
 */
export function createTimeParser(format: string, zone: string | null): TimeParser {
  const wallClock = zone === null ? null : new WallClockZone(zone)
  const toInstant = (wallMs: number | null): number | TimeProblem => {
    if (wallMs === null) return 'bad-time'
    return wallClock === null ? 'time-without-zone' : wallClock.instantOf(wallMs)
  }
  if (format === 'auto') return (text) => parseAuto(text, toInstant)
  const unitMs = { s: 1_000, ms: 1, us: 0.001 }[format]
  if (unitMs !== undefined) {
    return (text) => (/^\d+(\.\d+)?$/.test(text) ? instantOf(Number(text) * unitMs) : 'bad-time')
  }
  const parsePattern = compilePattern(format)
  return (text) => toInstant(parsePattern(text))
}

function parseAuto(
  text: string,
  toInstant: (wallMs: number | null) => number | TimeProblem,
): number | TimeProblem {
  const match = DATE_TIME.exec(text)
  if (match !== null) {
    const [, year, month, day, hour, minute, second = '0', fraction = '', offset] = match
    const wallMs = wallMsOf(year, month, day, hour, minute, second, fraction)
    if (wallMs === null || offset === undefined) return toInstant(wallMs)
    const offsetMs = parseOffset(offset)
    return offsetMs === null ? 'bad-time' : instantOf(wallMs - offsetMs)
  }
  const compact = COMPACT.exec(text)
  if (compact !== null) {
    const [, year, month, day, hour, minute, second] = compact
    return toInstant(wallMsOf(year, month, day, hour, minute, second, ''))
  }
  if (!/^\d{1,16}(\.\d{1,9})?$/.test(text)) return 'bad-time'
  const value = Number(text)
  // As seconds 1e11 is the year 5138, as ms it is 1973; ms and µs are told apart likewise.
  return instantOf(value < 1e11 ? value * 1_000 : value < 1e14 ? value : value / 1_000)
}

function instantOf(ms: number): number | TimeProblem {
  const whole = Math.floor(ms)
  return whole >= 0 && whole <= TIME_MAX_MS ? whole : 'bad-time'
}

function parseOffset(offset: string): number | null {
  if (offset === 'Z' || offset === 'z') return 0
  const hours = Number(offset.slice(1, 3))
  const minutes = Number(offset.slice(3).replace(':', '') || '0')
  if (hours > 18 || minutes > 59) return null
  const size = hours * MS_PER_HOUR + minutes * MS_PER_MINUTE
  return offset.startsWith('-') ? -size : size
}

/**
 * Wall-clock ms (the instant at which a clock in UTC shows this); null for 30 February or 24:61.
 */
function wallMsOf(
  year = '',
  month = '1',
  day = '1',
  hour = '0',
  minute = '0',
  second = '0',
  fraction = '',
): number | null {
  const dayMs = Date.UTC(Number(year), Number(month) - 1, Number(day))
  const date = new Date(dayMs)
  const isDate =
    Number(year) >= 1970 &&
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day)
  if (!isDate || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null
  const ms = Number(`0.${fraction || '0'}`) * 1_000
  return (
    dayMs +
    Number(hour) * MS_PER_HOUR +
    Number(minute) * MS_PER_MINUTE +
    Number(second) * 1_000 +
    Math.floor(ms)
  )
}

const PATTERN_PARTS = ['YYYY', 'SSS', 'MM', 'DD', 'HH', 'mm', 'ss'] as const

function compilePattern(format: string): (text: string) => number | null {
  const order: string[] = []
  let source = ''
  for (let at = 0; at < format.length; ) {
    const part = PATTERN_PARTS.find((candidate) => format.startsWith(candidate, at))
    if (part === undefined) {
      source += format[at]!.replace(/[^A-Za-z0-9 ]/, '\\$&')
      at += 1
      continue
    }
    if (order.includes(part)) throw new UsageError(`time format: ${part} is given twice`)
    order.push(part)
    source += `(\\d{${part.length}})`
    at += part.length
  }
  if (!['YYYY', 'MM', 'DD'].every((part) => order.includes(part))) {
    throw new UsageError('time format: auto, s, ms, us, or a pattern with YYYY, MM and DD')
  }
  const pattern = new RegExp(`^${source}$`)
  const place = (part: string) => order.indexOf(part) + 1
  const [year, month, day] = [place('YYYY'), place('MM'), place('DD')]
  const [hour, minute, second] = [place('HH'), place('mm'), place('ss')]
  const fraction = place('SSS')
  return (text) => {
    const match = pattern.exec(text)
    if (match === null) return null
    const at = (index: number, missing: string) => (index === 0 ? missing : (match[index] ?? ''))
    return wallMsOf(
      match[year],
      match[month],
      match[day],
      at(hour, '0'),
      at(minute, '0'),
      at(second, '0'),
      at(fraction, ''),
    )
  }
}

/**
 * Wall-clock time of an IANA zone to instants. Remembers quarters of hours, since files are in
 * order.
 */
class WallClockZone {
  readonly #format: Intl.DateTimeFormat
  /** Offset by quarter of an hour of wall-clock time, where it is the same throughout. */
  readonly #offsetByQuarter = new Map<number, number>()

  constructor(zone: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      })
    } catch (error) {
      throw new UsageError(`no such time zone: ${zone}`, { cause: error })
    }
  }

  /**
   * The instant at which the zone's clocks show this. Shown twice (clocks set back): the first
   * time. Never shown (clocks set forward): as if they had not been set yet.
   */
  instantOf(wallMs: number): number | TimeProblem {
    const quarter = Math.floor(wallMs / (15 * MS_PER_MINUTE))
    let offsetMs = this.#offsetByQuarter.get(quarter)
    if (offsetMs === undefined) {
      const firstMs = quarter * 15 * MS_PER_MINUTE
      offsetMs = this.#offsetOfWall(wallMs)
      const isSame =
        this.#offsetOfWall(firstMs) === offsetMs &&
        this.#offsetOfWall(firstMs + 15 * MS_PER_MINUTE - 1) === offsetMs
      if (this.#offsetByQuarter.size > 10_000) this.#offsetByQuarter.clear()
      if (isSame) this.#offsetByQuarter.set(quarter, offsetMs)
    }
    return instantOf(wallMs - offsetMs)
  }

  #offsetOfWall(wallMs: number): number {
    const before = this.#offsetAt(wallMs - MS_PER_DAY)
    const after = this.#offsetAt(wallMs + MS_PER_DAY)
    if (this.#offsetAt(wallMs - before) === before) return before
    return this.#offsetAt(wallMs - after) === after ? after : before
  }

  #offsetAt(instantMs: number): number {
    const part: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(instantMs)) part[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    const wallMs = Date.UTC(year, month - 1, day, hour, minute, second)
    return wallMs - Math.floor(instantMs / 1_000) * 1_000
  }
}
