/** Types of the parts of a condition while it is being compiled. */

import type { FieldSpec } from '../model/catalog.ts'
import type { Expression, UsageColumn } from '../model/expression.ts'
import { KIND_CODES, RAT_CODES, WEEKDAY_WORDS } from '../model/usage.ts'
import type { NameTable } from './names.ts'

/**
 * A part with its type. `word`: a bare word of a dictionary, not yet known which; `broken`: already
 * reported.
 */
export type Typed =
  | { readonly type: 'number' | 'bool' | 'date'; readonly node: Expression }
  | { readonly type: 'enum'; readonly node: Expression; readonly field: FieldSpec }
  | { readonly type: 'code'; readonly node: Expression; readonly column: CodeColumn }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'word'; readonly word: string }
  | { readonly type: 'broken' }

/** Usage columns that hold codes of a dictionary. */
export type CodeColumn = Extract<UsageColumn, 'rat' | 'app' | 'kind' | 'weekday' | 'place'>

/**
 * Largest code that may stand for a word: the columns are uint8 and uint16. -1: only words may,
 * since the codes are nobody's business.
 */
export const CODE_MAX: Readonly<Record<CodeColumn, number>> = {
  rat: 255,
  app: 65_535,
  kind: 255,
  weekday: -1,
  place: -1,
}

const CODE_COLUMNS: ReadonlySet<UsageColumn> = new Set(Object.keys(CODE_MAX) as CodeColumn[])

/** Whether a column holds codes of a dictionary. */
export function isCodeColumn(column: UsageColumn): column is CodeColumn {
  return CODE_COLUMNS.has(column)
}

const RAT_WORDS: ReadonlyMap<string, number> = new Map(Object.entries(RAT_CODES))
const KIND_WORDS: ReadonlyMap<string, number> = new Map(Object.entries(KIND_CODES))
const WEEKDAYS: ReadonlyMap<string, number> = new Map(
  WEEKDAY_WORDS.map((word, code) => [word, code]),
)

/** Words of a dictionary column with their codes. */
export function codeWords(column: CodeColumn, names: NameTable): ReadonlyMap<string, number> {
  switch (column) {
    case 'rat':
      return RAT_WORDS
    case 'kind':
      return KIND_WORDS
    case 'weekday':
      return WEEKDAYS
    case 'app':
      return names.apps
    case 'place':
      return names.places
  }
}

const NO_GROUPS: ReadonlyMap<string, readonly number[] | null> = new Map()

/** Words for several codes of a dictionary column at once. */
export function codeGroups(
  column: CodeColumn,
  names: NameTable,
): ReadonlyMap<string, readonly number[] | null> {
  if (column === 'app') return names.appGroups
  return column === 'place' ? names.placeGroups : NO_GROUPS
}

/** A type in words, to follow "is". */
export function describeType(typed: Typed): string {
  switch (typed.type) {
    case 'number':
      return 'a number'
    case 'bool':
      return 'true or false'
    case 'date':
      return 'a date'
    case 'enum':
      return `a word of fields.${typed.field.name}`
    case 'code':
      return `a code of ${typed.column}`
    case 'text':
      return 'a text'
    case 'word':
      return 'a word'
    case 'broken':
      return 'broken'
  }
}
