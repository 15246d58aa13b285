/** Words of dictionaries in conditions: to codes, and what is said of those that are none. */

import type { ASTNode } from '@marcbachmann/cel-js'
import type { FieldSpec } from '../model/catalog.ts'
import type { CompareOperator, Expression } from '../model/expression.ts'
import { suggestWord } from '../model/spelling.ts'
import { CODE_MAX, type CodeColumn, codeGroups, codeWords, type Typed } from './condition-types.ts'
import type { NameTable } from './names.ts'

/** How problems are reported at their place. */
export interface Complaints {
  readonly refuse: (place: ASTNode, code: string, message: string, suggestion?: string) => void
  readonly mismatch: (place: ASTNode, found: Typed, wanted: string) => void
}

/** Resolves words of enum fields and of usage columns. */
export class WordResolver {
  readonly #names: NameTable
  readonly #complaints: Complaints

  constructor(names: NameTable, complaints: Complaints) {
    this.#names = names
    this.#complaints = complaints
  }

  /** Codes of a group of words of a column; null: broken; undefined: there is no such group. */
  knownGroup(column: CodeColumn, name: string): readonly number[] | null | undefined {
    return codeGroups(column, this.#names).get(name)
  }

  /** Codes of a group of words right of `in`, or null after reporting. */
  groupCodes(column: CodeColumn, name: string, place: ASTNode): readonly number[] | null {
    const codes = this.knownGroup(column, name)
    if (codes !== undefined) return codes
    const groups = codeGroups(column, this.#names)
    if (codeWords(column, this.#names).has(name)) {
      const message = `"${name}" is one word of ${column}, no group of them`
      this.#complaints.refuse(place, 'unknown-word', message, `write ${column} == ${name}`)
    } else if (this.#names.isComplete) {
      const declared = `groups of ${column}: ${[...groups.keys()].slice(0, 12).join(', ') || 'none'}`
      const hint = suggestWord(name, groups.keys()) ?? declared
      const message = `"${name.slice(0, 80)}" is no group of ${column}`
      this.#complaints.refuse(place, 'unknown-word', message, hint)
    }
    return null
  }

  /** The code of a word of an enum field, or null after reporting. */
  enumCode(field: FieldSpec, value: Typed, place: ASTNode): number | null {
    if (value.type !== 'text') {
      const words = `one of its words in quotes, like "${field.words[0]}"`
      this.#complaints.mismatch(
        place,
        value,
        `fields.${field.name} can only be compared with ${words}`,
      )
      return null
    }
    const code = field.words.indexOf(value.value)
    if (code >= 0) return code
    const message = `"${value.value.slice(0, 80)}" is no word of fields.${field.name}`
    const hint = suggestWord(value.value, field.words) ?? `one of: ${field.words.join(', ')}`
    this.#complaints.refuse(place, 'unknown-word', message, hint.slice(0, 300))
    return null
  }

  /** The code of a word of a usage column, or null after reporting. */
  columnCode(column: CodeColumn, value: Typed, place: ASTNode): number | null {
    if (value.type === 'number' && value.node.kind === 'number' && CODE_MAX[column] >= 0) {
      const code = value.node.value
      if (Number.isInteger(code) && code >= 0 && code <= CODE_MAX[column]) return code
      this.#complaints.refuse(
        place,
        'out-of-range',
        `codes of ${column} are 0 to ${CODE_MAX[column]}`,
      )
      return null
    }
    const word = value.type === 'word' || value.type === 'text' ? value : null
    if (word === null) {
      this.#complaints.mismatch(place, value, `${column} can only be compared with its words`)
      return null
    }
    const text = word.type === 'word' ? word.word : word.value
    const words = codeWords(column, this.#names)
    const code = words.get(text)
    if (code === undefined) {
      const isDeclared = column === 'app' || column === 'place'
      if (isDeclared && !this.#names.isComplete) return null
      const isGroup = codeGroups(column, this.#names).has(text)
      const nearest = suggestWord(text, words.keys()) ?? listWords(column, [...words.keys()])
      const hint = isGroup ? `write ${column} in ${text}` : nearest
      const message = `"${text.slice(0, 80)}" is no word of ${column}`
      this.#complaints.refuse(place, 'unknown-word', message, hint)
      return null
    }
    if (word.type === 'word') return code
    this.#complaints.refuse(
      place,
      'condition-type',
      `words of ${column} stand without quotes`,
      `write ${text}`,
    )
    return null
  }
}

/** What is said of an hour that no day has. */
export const HOURS = 'hours of the day are 0 to 23'

/** Whether `hour` is compared with what no hour can be; 24 may be an end: `hour < 24`. */
export function isNoHour(
  column: Expression,
  value: Expression,
  operator: CompareOperator,
): boolean {
  if (column.kind !== 'column' || column.column !== 'hour' || value.kind !== 'number') return false
  const isEquality = operator === '==' || operator === '!='
  const isOutside = value.value < 0 || value.value > (isEquality ? 23 : 24)
  return isOutside || !Number.isInteger(value.value)
}

function listWords(column: string, words: readonly string[]): string {
  if (words.length === 0) return `no words are declared for ${column}: see "apps"`
  const more = words.length > 12 ? ', …' : ''
  return `one of: ${words.slice(0, 12).join(', ')}${more}`
}
