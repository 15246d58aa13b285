/**
 * Tables as CSV (RFC 4180) that are safe to open in a spreadsheet: texts are quoted, and one that
 * would begin a formula gets an apostrophe in front (OWASP, "CSV Injection"). Numbers are numbers.
 */

import type { Dimension, StatisticsRow } from './statistics.ts'
import { COUNTS } from './day-counts.ts'

/** What makes a spreadsheet calculate, also after blanks and in its full-width form. */
const FORMULA_BEGINNING = /^(?:[\s\p{Cc}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20|%]|[\t\r\n])/u

/** A cell; null: empty. */
export type CsvCell = string | number | null

/** A table with its heading, lines ended by CRLF. */
export function csvOf(heading: readonly string[], rows: Iterable<readonly CsvCell[]>): string {
  const lines = [heading.map(cellOf).join(',')]
  for (const row of rows) lines.push(row.map(cellOf).join(','))
  return `${lines.join('\r\n')}\r\n`
}

function cellOf(cell: CsvCell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : ''
  const harmless = FORMULA_BEGINNING.test(cell) ? `'${cell}` : cell
  return `"${harmless.replaceAll('"', '""')}"`
}

/** Statistics as a table: the words asked for, every count, suppressions by reason. */
export function statisticsCsv(by: readonly Dimension[], rows: readonly StatisticsRow[]): string {
  const reasons = [...new Set(rows.flatMap(({ suppressedBy }) => Object.keys(suppressedBy)))].sort()
  const heading = [...by, 'decided', ...COUNTS, ...reasons.map((reason) => `suppressed: ${reason}`)]
  const table = rows.map(({ words, counts, suppressedBy }) => [
    ...by.map((dimension) => words[dimension] ?? ''),
    counts.decided,
    ...COUNTS.map((name) => counts[name]),
    ...reasons.map((reason) => suppressedBy[reason] ?? 0),
  ])
  return csvOf(heading, table)
}
