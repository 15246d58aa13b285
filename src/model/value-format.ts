/**
 * How the values of a message are written: numbers, sizes, lengths of time, dates, times, words.
 * Formatting is the same on every machine: no locale, no zone but the one that is given.
 */

import { DURATION_UNITS, SIZE_UNITS } from './quantity.ts'

/** One format, compiled. A value that it cannot show is missing. */
export type ValueFormat =
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | {
      readonly kind: 'number'
      /** Value of one unit: 1, or that of a size or a length of time. */
      readonly unit: number
      readonly decimals: number
      /** Whether zeros at the end of the decimals are left out. */
      readonly isTrimmed: boolean
      /** Largest number shown, by its amount. */
      readonly max: number
      readonly isSigned: boolean
    }
  /** Hours and minutes of a length of time in ms, like 1:05. */
  | { readonly kind: 'clock'; readonly hoursMax: number }
  | { readonly kind: 'date' | 'time'; readonly pattern: readonly string[] }

/** A mistake in a format. */
export interface FormatProblem {
  readonly message: string
  readonly hint: string
}

/** Digits before the point at most: beyond them doubles are not exact. */
const NUMBER_MAX = 999_999_999_999_999
const DECIMALS_MAX = 6
const DECIMALS_DEFAULT = 2
const HOURS_MAX = 9_999
const MS_PER_MINUTE = 60_000
const MS_PER_DAY = 86_400_000

const DATE_WORDS = ['YYYY', 'YY', 'MM', 'M', 'DD', 'D']
const TIME_WORDS = ['HH', 'H', 'mm']
const PATTERN_TOKEN = /YYYY|YY|MM|M|DD|D|HH|H|mm|[A-Za-z]+|[^A-Za-z]+/g
const DATE_DEFAULT = 'YYYY-MM-DD'
const TIME_DEFAULT = 'YYYY-MM-DD HH:mm'

const SIZE_HINT = `sizes: ${[...SIZE_UNITS.keys()].join(', ')}`
const TIME_HINT = `lengths of time: ${[...DURATION_UNITS.keys()].join(', ')}, h:mm`
const NUMBER_HINT = `.2 for two decimals, max 9999 for a bound; ${SIZE_HINT}; ${TIME_HINT}`
const DATE_HINT = 'a pattern of YYYY, YY, MM, M, DD, D, like D.M.YYYY'
const TIME_OF_DAY_HINT = 'a pattern of YYYY, YY, MM, M, DD, D, HH, H, mm, like D.M. HH:mm'

/** What of a number is known beside its type. */
export interface NumberTraits {
  readonly isSigned: boolean
  /** What it counts where that is known: only units of that are possible. */
  readonly measures: 'bytes' | 'ms' | 'count' | null
}

/** Format of a number; `text` null: as it is, with up to two decimals. */
export function parseNumberFormat(
  text: string | null,
  { isSigned, measures }: NumberTraits,
): ValueFormat | FormatProblem {
  let unit: number | null = null
  let decimals: number | null = null
  let max: number | null = null
  const words = text === null ? [] : text.split(/\s+/).filter((word) => word !== '')
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    const fixed = /^\.(\d)$/.exec(word)
    const size = SIZE_UNITS.get(word) ?? null
    const time = DURATION_UNITS.get(word) ?? null
    if (fixed !== null && decimals === null && Number(fixed[1]) <= DECIMALS_MAX) {
      decimals = Number(fixed[1])
    } else if (word === 'max' && max === null && /^[1-9]\d{0,14}$/.test(words[i + 1] ?? '')) {
      max = Number(words[++i])
    } else if (word === 'h:mm') {
      if (words.length > 1) return { message: 'h:mm stands alone', hint: 'like {stay.day | h:mm}' }
      return isWrong('ms', measures) ?? { kind: 'clock', hoursMax: HOURS_MAX }
    } else if (unit === null && (size ?? time) !== null) {
      const problem = isWrong(size === null ? 'ms' : 'bytes', measures)
      if (problem !== null) return problem
      unit = size ?? time
    } else {
      return { message: `"${word.slice(0, 40)}" is no format of a number`, hint: NUMBER_HINT }
    }
  }
  return {
    kind: 'number',
    unit: unit ?? 1,
    decimals: decimals ?? DECIMALS_DEFAULT,
    isTrimmed: decimals === null,
    max: max ?? NUMBER_MAX,
    isSigned,
  }
}

/** Format of a date, or of a time with the subscriber's zone; `text` null: as in ISO 8601. */
export function parsePattern(
  kind: 'date' | 'time',
  text: string | null,
): ValueFormat | FormatProblem {
  const source = text ?? (kind === 'date' ? DATE_DEFAULT : TIME_DEFAULT)
  const pattern = source.match(PATTERN_TOKEN) ?? []
  const hint = kind === 'date' ? DATE_HINT : TIME_OF_DAY_HINT
  let count = 0
  for (const token of pattern) {
    if (!/^[A-Za-z]/.test(token)) continue
    const isOfDate = DATE_WORDS.includes(token)
    if (!isOfDate && (kind === 'date' || !TIME_WORDS.includes(token))) {
      const isOfTime = kind === 'date' && TIME_WORDS.includes(token)
      const message = isOfTime
        ? 'a date has no time of day'
        : `"${token.slice(0, 40)}" is no part of a ${kind}`
      return { message, hint }
    }
    count += 1
  }
  if (count === 0) return { message: `this shows nothing of the ${kind}`, hint }
  return { kind, pattern }
}

/**
 * The value as text; null: it cannot be shown, and counts as missing. `offsetMs`: of the zone in
 * which times are told.
 */
export function formatValue(format: ValueFormat, value: number, offsetMs: number): string | null {
  if (!Number.isFinite(value)) return null
  switch (format.kind) {
    case 'word':
      return format.words[value] ?? null
    case 'number':
      return formatNumber(format, value)
    case 'clock': {
      const minutes = Math.floor(value / MS_PER_MINUTE)
      const hours = Math.floor(minutes / 60)
      if (minutes < 0 || hours > format.hoursMax) return null
      return `${hours}:${String(minutes % 60).padStart(2, '0')}`
    }
    case 'date':
      return formatInstant(format.pattern, value * MS_PER_DAY)
    case 'time':
      // A counter of times holds 0 for one that never was.
      return value > 0 ? formatInstant(format.pattern, value + offsetMs) : null
  }
}

/** Every text that could be the longest one that a format makes, in whatever encoding. */
export function widestTexts(format: ValueFormat): readonly string[] {
  switch (format.kind) {
    case 'word':
      return format.words
    case 'number': {
      const { max, decimals, isSigned } = format
      const fraction = decimals === 0 ? '' : `.${'9'.repeat(decimals)}`
      return [`${isSigned ? '-' : ''}${'9'.repeat(String(max).length)}${fraction}`]
    }
    case 'clock':
      return [`${format.hoursMax}:59`]
    case 'date':
    case 'time':
      return [format.pattern.map((token) => WIDEST[token] ?? token).join('')]
  }
}

const WIDEST: Readonly<Record<string, string>> = {
  ...{ YYYY: '9999', YY: '99', MM: '12', M: '12', DD: '31', D: '31' },
  ...{ HH: '23', H: '23', mm: '59' },
}

function formatNumber(
  { unit, decimals, isTrimmed, max, isSigned }: ValueFormat & { kind: 'number' },
  value: number,
): string | null {
  const amount = value / unit
  if (Math.abs(amount) > NUMBER_MAX || (amount < 0 && !isSigned)) return null
  let text = amount.toFixed(decimals)
  if (isTrimmed && text.includes('.')) text = text.replace(/\.?0+$/, '')
  if (Number(text) === 0) text = text.replace('-', '')
  return Math.abs(Number(text)) >= max + 1 ? null : text
}

function formatInstant(pattern: readonly string[], localMs: number): string | null {
  const date = new Date(localMs)
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) return null
  const padded = (value: number, width: number): string => String(value).padStart(width, '0')
  const month = date.getUTCMonth() + 1
  const day = date.getUTCDate()
  const hour = date.getUTCHours()
  const shown: Readonly<Record<string, string>> = {
    YYYY: padded(year, 4),
    YY: padded(year % 100, 2),
    MM: padded(month, 2),
    M: String(month),
    DD: padded(day, 2),
    D: String(day),
    HH: padded(hour, 2),
    H: String(hour),
    mm: padded(date.getUTCMinutes(), 2),
  }
  return pattern.map((token) => shown[token] ?? token).join('')
}

function isWrong(unit: 'bytes' | 'ms', measures: NumberTraits['measures']): FormatProblem | null {
  if (measures === null || measures === unit) return null
  const found = { bytes: 'bytes', ms: 'a length of time', count: 'a count' }[measures]
  const wanted = unit === 'bytes' ? 'a size' : 'a length of time'
  const hint =
    measures === 'count' ? '.2 for two decimals' : measures === 'bytes' ? SIZE_HINT : TIME_HINT
  return { message: `this is ${found}, and cannot be shown as ${wanted}`, hint }
}
