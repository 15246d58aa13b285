/** The names that conditions may use, as declared by all files of a configuration. */

import type { CounterSpec, FieldSpec, TagSpec } from '../model/catalog.ts'
import type { UsageColumn } from '../model/expression.ts'

/**
 * Declared names. null: declared, but broken and already reported, so uses of it are not reported
 * again. `isComplete` is false when a file could not be read at all: unknown names may be declared
 * there.
 */
export interface NameTable {
  readonly parameters: ReadonlyMap<string, number | boolean | null>
  readonly counters: ReadonlyMap<string, CounterSpec | null>
  readonly tags: ReadonlyMap<string, TagSpec | null>
  readonly fields: ReadonlyMap<string, FieldSpec | null>
  /** Whether a segment keeps who was a member before. */
  readonly segments: ReadonlyMap<string, boolean | null>
  readonly apps: ReadonlyMap<string, number>
  /** Codes of places by name. */
  readonly places: ReadonlyMap<string, number>
  /** Words for several codes at once, right of `in`. */
  readonly appGroups: ReadonlyMap<string, readonly number[] | null>
  readonly placeGroups: ReadonlyMap<string, readonly number[] | null>
  /** The field that chooses languages; null: declared, but broken; undefined: none is declared. */
  readonly language?: FieldSpec | null | undefined
  readonly isComplete: boolean
}

/** Columns of usage records, as conditions over records name them. */
export const COLUMN_NAMES: readonly UsageColumn[] = [
  'bytes',
  'time',
  'rat',
  'app',
  'cell',
  'kind',
  'hour',
  'weekday',
  'place',
]

/** Names with a meaning of their own in conditions, so no counter may be called so. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  // Ours.
  'params',
  'tags',
  'fields',
  'lists',
  'previous',
  'has',
  'date',
  ...COLUMN_NAMES,
  // CEL: literals, operators, reserved words, types.
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
  'bool',
  'double',
  'duration',
  'dyn',
  'int',
  'list',
  'map',
  'optional',
  'size',
  'string',
  'timestamp',
  'type',
  'uint',
])
