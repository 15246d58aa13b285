/** Types of the parts of a condition while it is being compiled. */

import type { FieldSpec } from '../model/catalog.ts'
import type { Expression, UsageColumn } from '../model/expression.ts'
import { KIND_CODES, RAT_CODES } from '../model/usage.ts'

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
export type CodeColumn = Extract<UsageColumn, 'rat' | 'app' | 'kind'>

/** Largest code of each dictionary column: the columns are uint8 and uint16. */
export const CODE_MAX: Readonly<Record<CodeColumn, number>> = { rat: 255, app: 65_535, kind: 255 }

const RAT_WORDS: ReadonlyMap<string, number> = new Map(Object.entries(RAT_CODES))
const KIND_WORDS: ReadonlyMap<string, number> = new Map(Object.entries(KIND_CODES))

/** Words of a dictionary column with their codes. */
export function codeWords(
  column: CodeColumn,
  apps: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  if (column === 'rat') return RAT_WORDS
  return column === 'kind' ? KIND_WORDS : apps
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
