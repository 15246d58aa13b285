import { UsageError } from '../errors.ts'

/** Fields of a usage record that a CSV may give. */
export const CSV_FIELDS = ['sub', 'bytes', 'time', 'rat', 'app', 'cell', 'kind'] as const
/** One of them. */
export type CsvField = (typeof CSV_FIELDS)[number]
const REQUIRED_FIELDS: readonly CsvField[] = ['sub', 'bytes', 'time']

/** A field and the columns it comes from, by name or number; several are summed, `bytes` only. */
export type CsvMapping = ReadonlyMap<CsvField, readonly string[]>

/** Where each field lies: positions from zero in a line. */
export type CsvPositions = ReadonlyMap<CsvField, readonly number[]>

/**
 * Parses `sub=msisdn,bytes=up+down,time=start[,rat=…,app=…,cell=…,kind=…]`. A column is a name of
 * the header, or a number from 1; a name that holds , + or = stands in double quotes.
 * @throws UsageError that says what is wrong
 */
export function parseCsvMapping(text: string): CsvMapping {
  const mapping = new Map<CsvField, readonly string[]>()
  for (const entry of splitOutsideQuotes(text, ',')) {
    const [name = '', value, ...others] = splitOutsideQuotes(entry, '=')
    const field = CSV_FIELDS.find((candidate) => candidate === name.trim())
    if (field === undefined) {
      throw new UsageError(`--map: no field ${name.trim()}, there are ${CSV_FIELDS.join(', ')}`)
    }
    const columns = splitOutsideQuotes(value ?? '', '+').map(unquote)
    if (others.length > 0 || columns.some((column) => column === '')) {
      throw new UsageError(`--map: ${field} needs a column, as in ${field}=NAME or ${field}=3`)
    }
    if (mapping.has(field)) throw new UsageError(`--map: ${field} is given twice`)
    if (columns.length > 1 && field !== 'bytes') {
      throw new UsageError(`--map: columns are summed for bytes only, not for ${field}`)
    }
    mapping.set(field, columns)
  }
  const missing = REQUIRED_FIELDS.filter((field) => !mapping.has(field))
  if (missing.length > 0) throw new UsageError(`--map: ${missing.join(', ')} missing`)
  return mapping
}

/**
 * Finds the mapped columns in a file's first line. Digits are always a column number: taken as a
 * name, they could match a value of a first line that is data. The first line is no header if all
 * columns are given by number and its `sub` is a number.
 * @throws UsageError for a name that the header does not have, or has twice
 */
export function findColumns(
  mapping: CsvMapping,
  firstLine: readonly string[],
): { readonly positions: CsvPositions; readonly hasHeader: boolean } {
  const header = firstLine.map((name) => name.trim())
  const positions = new Map<CsvField, readonly number[]>()
  let isByNumber = true
  for (const [field, columns] of mapping) {
    positions.set(
      field,
      columns.map((column) => {
        if (/^[1-9][0-9]{0,4}$/.test(column)) return Number(column) - 1
        isByNumber = false
        const position = positionByName(header, column)
        if (position !== null) return position
        throw unknownColumn(column, header)
      }),
    )
  }
  const subscriber = header[positions.get('sub')?.[0] ?? 0] ?? ''
  const hasHeader = !isByNumber || !/^\+?[0-9]+$/.test(subscriber)
  if (hasHeader) {
    for (const [field, places] of positions) {
      if (places.every((place) => place < header.length)) continue
      throw new UsageError(`--map: ${field} is beyond the ${header.length} columns of the header`)
    }
  }
  return { positions, hasHeader }
}

/**
 * Position of a column by its name, in any case where no other has it as it is; null for none.
 * @throws UsageError when it is there twice
 */
export function positionByName(header: readonly string[], column: string): number | null {
  for (const fold of [(name: string) => name, (name: string) => name.toLowerCase()]) {
    const position = header.findIndex((name) => fold(name) === fold(column))
    if (position < 0) continue
    if (header.findLastIndex((name) => fold(name) === fold(column)) !== position) {
      throw new UsageError(`--map: the header has ${column} twice, give the column's number`)
    }
    return position
  }
  return null
}

/** An error that names the columns there are, unless the first line may be data. */
export function unknownColumn(column: string, header: readonly string[]): UsageError {
  const shown = header.slice(0, 30).map((name) => JSON.stringify(name.slice(0, 40)))
  // A first line of numbers is data: it is not shown, since it may hold subscriber numbers.
  const names = header.some((name) => /[0-9]{5}/.test(name)) ? 'it has none' : shown.join(', ')
  return new UsageError(`--map: the header has no column ${column}; names: ${names}`)
}

/** Cuts at a separator that stands outside double quotes. @throws UsageError for an open quote */
export function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let part = ''
  let isQuoted = false
  for (const letter of text) {
    if (letter === '"') isQuoted = !isQuoted
    if (letter === separator && !isQuoted) {
      parts.push(part)
      part = ''
    } else part += letter
  }
  if (isQuoted) throw new UsageError('--map: a quote does not close')
  parts.push(part)
  return parts
}

/** The text without blanks around and the double quotes that hold it. */
export function unquote(text: string): string {
  const trimmed = text.trim()
  return trimmed.startsWith('"') && trimmed.endsWith('"') && trimmed.length >= 2
    ? trimmed.slice(1, -1)
    : trimmed
}
