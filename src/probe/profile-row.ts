/** One line of CSV as a profile row, typed by the configuration's declarations. */

import type { FieldSpec } from '../model/catalog.ts'
import type { ListName } from '../model/expression.ts'
import type { ProfileRow } from '../model/messages.ts'
import { suggestWord } from '../model/spelling.ts'
import { TAG_VERSION_MAX } from '../model/wire.ts'
import { parseSubscriber } from './csv-record.ts'
import { type ProfileColumn, type ProfileColumns, targetName } from './profile-columns.ts'

/** Why a line was refused; each is counted. */
export const IMPORT_REASONS = [
  'line-too-long',
  'bad-quotes',
  'missing-column',
  'extra-column',
  'bad-subscriber',
  'bad-bool',
  'bad-version',
  'bad-number',
  'unknown-word',
  'bad-date',
  'unknown-zone',
  'bad-cycle-day',
] as const
/** One of them. */
export type ImportReason = (typeof IMPORT_REASONS)[number]

/** What is wrong with a line, and in which column; null: with the line as a whole. */
export interface ImportProblem {
  readonly column: ProfileColumn | null
  readonly reason: ImportReason
  /** A sentence in which no subscriber number stands. */
  readonly detail: string
}

/** Orders of a date's parts that may be declared; `auto` takes those that mean one thing only. */
export const DATE_FORMATS = [
  'auto',
  'DD.MM.YYYY',
  'DD/MM/YYYY',
  'DD-MM-YYYY',
  'MM/DD/YYYY',
] as const
/** One of them. */
export type DateFormat = (typeof DATE_FORMATS)[number]

/** How cells are read. */
export interface CellOptions {
  /** What an empty cell does: nothing, or take the value away (but never lift an opt-out). */
  readonly empty: 'keep' | 'clear'
  readonly dateFormat: DateFormat
}

type Value = number | string | boolean | null
type CellProblem = Omit<ImportProblem, 'column'>

/** Reads the lines of one file. */
export class ProfileRowReader {
  readonly #columns: ProfileColumns
  readonly #cells: readonly { readonly column: ProfileColumn; readonly read: CellReader }[]
  readonly #isClearing: boolean
  readonly #isDeleting: boolean

  constructor(columns: ProfileColumns, options: CellOptions, isDeleting: boolean) {
    this.#columns = columns
    this.#cells = columns.columns
      .slice(1)
      .map((column) => ({ column, read: cellReader(column, options.dateFormat) }))
    this.#isClearing = options.empty === 'clear'
    this.#isDeleting = isDeleting
  }

  /** A line's row; null: it says nothing, since its cells are empty; or what is wrong with it. */
  read(texts: readonly string[]): ProfileRow | ImportProblem | null {
    const { fieldCount, columns } = this.#columns
    if (texts.length !== fieldCount) {
      const problem = countProblem(texts, fieldCount)
      if (problem !== null) return problem
    }
    const sub = columns[0]!
    const subscriber = parseSubscriber(texts[sub.position]!.trim())
    if (subscriber === null) {
      const detail = 'a subscriber is a whole number of 1 to 15 digits'
      return { column: sub, reason: 'bad-subscriber', detail }
    }
    const row = emptyRow(subscriber)
    if (this.#isDeleting) return { ...row, isDeletion: true }
    let isSaying = false
    for (const { column, read } of this.#cells) {
      const text = texts[column.position]!.trim()
      if (text === '' && !this.#clear(column, row)) continue
      isSaying = true
      if (text === '') continue
      const value = read(text)
      if (typeof value === 'object' && value !== null) return { column, ...value }
      set(column, row, value)
    }
    return isSaying ? row : null
  }

  /** Takes away what an empty cell stands for; false where it leaves things as they are. */
  #clear({ target }: ProfileColumn, row: WritableRow): boolean {
    if (!this.#isClearing) return false
    if (target.kind === 'tag') row.tags[target.tag.name] = null
    else if (target.kind === 'field') row.fields[target.field.name] = null
    else if (target.kind === 'zone') row.zone = null
    else if (target.kind === 'cycleDay') row.cycleDay = 1
    else if (target.kind === 'list' && target.list !== 'optOut') row.lists[target.list] = false
    else return false
    return true
  }
}

interface WritableRow {
  subscriber: number
  tags: Record<string, boolean | number | null>
  fields: Record<string, Value>
  lists: Partial<Record<ListName, boolean>>
  zone: string | null | undefined
  cycleDay: number | undefined
}

function emptyRow(subscriber: number): WritableRow {
  return { subscriber, tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
}

/** Writes a value that the column's reader gave. */
function set({ target }: ProfileColumn, row: WritableRow, value: Value): void {
  if (target.kind === 'tag') row.tags[target.tag.name] = value as boolean | number
  else if (target.kind === 'field') row.fields[target.field.name] = value
  else if (target.kind === 'list') row.lists[target.list] = value as boolean
  else if (target.kind === 'zone') row.zone = value as string
  else row.cycleDay = value as number
}

/** A delimiter too many at the end harms nobody. */
function countProblem(texts: readonly string[], fieldCount: number): ImportProblem | null {
  const detail = `${texts.length} columns, the first line has ${fieldCount}`
  if (texts.length < fieldCount) return { column: null, reason: 'missing-column', detail }
  for (let at = fieldCount; at < texts.length; at++) {
    if (texts[at]!.trim() !== '') return { column: null, reason: 'extra-column', detail }
  }
  return null
}

type CellReader = (text: string) => Exclude<Value, null> | CellProblem

function cellReader({ target }: ProfileColumn, dateFormat: DateFormat): CellReader {
  switch (target.kind) {
    case 'tag':
      return target.tag.versioned ? readVersion : readBool
    case 'list':
      return readBool
    case 'zone':
      return createZoneReader()
    case 'cycleDay':
      return readCycleDay
    case 'field':
      return fieldReader(target.field, dateFormat)
    default:
      return (text) => text
  }
}

function fieldReader(spec: FieldSpec, dateFormat: DateFormat): CellReader {
  switch (spec.type) {
    case 'bool':
      return readBool
    case 'number':
      return readNumber
    case 'date':
      return createDateReader(dateFormat)
    case 'enum': {
      const words = new Set(spec.words)
      return (text) => (words.has(text) ? text : unknownWord(text, spec.words))
    }
  }
}

/** Words for true and false, in lower case. */
const BOOLS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'y', 't', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'n', 'f', 'off', '0'].map((word) => [word, false] as const),
])

function readBool(text: string): boolean | CellProblem {
  const value = BOOLS.get(text) ?? BOOLS.get(text.toLowerCase())
  if (value !== undefined) return value
  const detail = `${shown(text)} is neither yes (true, y, t, on, 1) nor no (false, n, f, off, 0)`
  return { reason: 'bad-bool', detail }
}

/** A versioned tag's version; a word for no takes it away. */
function readVersion(text: string): number | boolean | CellProblem {
  if (/^[1-9][0-9]{0,9}$/.test(text) && Number(text) <= TAG_VERSION_MAX) return Number(text)
  if (BOOLS.get(text.toLowerCase()) === false) return false
  const detail = `${shown(text)} is no version, 1 to ${TAG_VERSION_MAX}, and no word for no`
  return { reason: 'bad-version', detail }
}

function readNumber(text: string): number | CellProblem {
  // A comma may be a decimal point or part thousands: which, nobody can tell.
  const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN
  if (Number.isFinite(value)) return value + 0
  const detail = `${shown(text)} is no number like 1200, -3.5 or 1.2e6, with a point and no separators`
  return { reason: 'bad-number', detail }
}

function unknownWord(text: string, words: readonly string[]): CellProblem {
  const hint = suggestWord(text, words)
  const end = hint === undefined ? '' : ` (${hint})`
  const some = words.length > 12 ? `${words.slice(0, 12).join(', ')}, …` : words.join(', ')
  return { reason: 'unknown-word', detail: `${shown(text)} is none of ${some}${end}` }
}

function readCycleDay(text: string): number | CellProblem {
  if (/^[0-9]{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 31) return Number(text)
  return { reason: 'bad-cycle-day', detail: `${shown(text)} is no day of the month, 1 to 31` }
}

/** A day, then perhaps the midnight that exports of databases add. */
const MIDNIGHT = '(?:[T ]00:00(?::00(?:\\.0+)?)?)?$'
const YEAR_FIRST = new RegExp(`^(\\d{4})([-/.])(\\d{2})\\2(\\d{2})${MIDNIGHT}`)
const COMPACT = /^(\d{4})(\d{2})(\d{2})$/

function createDateReader(format: DateFormat): CellReader {
  // Within brackets a point is a point; a hyphen that comes last is one, too.
  const separator = format === 'auto' ? '' : `[${format[2]!}]`
  const pattern = new RegExp(`^(\\d{2})${separator}(\\d{2})${separator}(\\d{4})${MIDNIGHT}`)
  const isMonthFirst = format.startsWith('MM')
  return (text) => {
    const parts = format === 'auto' ? yearFirstParts(text) : dayFirstParts(text, pattern)
    if (parts !== null) {
      const [first, second, year] = parts
      const [month, day] = format === 'auto' || isMonthFirst ? [first, second] : [second, first]
      if (isDay(Number(year), Number(month), Number(day))) return `${year}-${month}-${day}`
      return { reason: 'bad-date', detail: `${shown(text)}: there is no such day` }
    }
    const forms = format === 'auto' ? 'YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD or YYYYMMDD' : format
    const hint = format === 'auto' ? '; others by --date-format' : ''
    return { reason: 'bad-date', detail: `${shown(text)} is no date like ${forms}${hint}` }
  }
}

function yearFirstParts(text: string): readonly [string, string, string] | null {
  const long = YEAR_FIRST.exec(text)
  if (long !== null) return [long[3]!, long[4]!, long[1]!]
  const compact = COMPACT.exec(text)
  return compact === null ? null : [compact[2]!, compact[3]!, compact[1]!]
}

function dayFirstParts(text: string, pattern: RegExp): readonly [string, string, string] | null {
  const match = pattern.exec(text)
  return match === null ? null : [match[1]!, match[2]!, match[3]!]
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year >= 100
}

/** Names of zones are looked up once each. */
function createZoneReader(): CellReader {
  const known = new Map<string, boolean>()
  return (text) => {
    let isKnown = known.get(text)
    if (isKnown === undefined) {
      isKnown = /^[A-Za-z0-9_+/-]{1,64}$/.test(text) && isZone(text)
      if (known.size < 10_000) known.set(text, isKnown)
    }
    if (isKnown) return text
    return { reason: 'unknown-zone', detail: `${shown(text)} is no time zone like Asia/Shanghai` }
  }
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

/** A cell in a message: no digits of what might be a subscriber number, however it is grouped. */
function shown(text: string): string {
  const digits = text.replace(/\D/g, '').length
  const masked = digits >= 5 ? text.replace(/\d/g, '#') : text
  return JSON.stringify(masked.length > 40 ? `${masked.slice(0, 40)}…` : masked)
}

/**
 * Bytes that a row of these columns takes in a message at most, so that a batch never depends on
 * the values in it.
 */
export function rowSizeMax({ columns }: ProfileColumns): number {
  let size = 64
  for (const { target } of columns) {
    size += 3 + Buffer.byteLength(targetName(target))
    if (target.kind === 'zone') size += 66
    else if (target.kind !== 'field') size += 6
    else size += 12 + Math.max(0, ...target.field.words.map((word) => Buffer.byteLength(word)))
  }
  return size
}
