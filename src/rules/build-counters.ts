/** Readings of counters and fields to their specs: what takes more than one key to judge. */

import type { Node, Scalar } from 'yaml'
import type { CounterSpec, CounterWindowSpec, FieldSpec } from '../model/catalog.ts'
import { type CounterReading, DISTINCT_DAYS_MAX, type FieldReading } from './catalog-grammar.ts'
import { compileCondition } from './condition.ts'
import { canonicalJson } from './identity.ts'
import { type NameTable, RESERVED_NAMES } from './names.ts'
import type { Located } from './shape.ts'
import type { YamlSource } from './yaml-source.ts'

const AGGREGATES = {
  sum: 'sum',
  count: 'count',
  max: 'max',
  last: 'last-time',
  distinct: 'distinct-days',
} as const

type AggregateKey = keyof typeof AGGREGATES

const AGGREGATE_KEYS = Object.keys(AGGREGATES) as readonly AggregateKey[]

/** A counter from its reading, or null after reporting what is wrong with it. */
export function buildCounter(
  name: string,
  key: Node,
  reading: CounterReading,
  names: NameTable,
  source: YamlSource,
): CounterSpec | null {
  const countBefore = source.problems.length
  if (RESERVED_NAMES.has(name)) {
    source.report(key, 'bad-name', `"${name}" has a meaning of its own in conditions`)
  }
  const aggregateKey = readAggregate(reading, source)
  const where = readWhere(reading, names, source)
  const { values } = reading
  if (aggregateKey === null || where === undefined || values.per === undefined) return null
  const aggregate = AGGREGATES[aggregateKey]
  const counterWindows = readCounterWindows(values.per, aggregate, source)
  const keep = values.keep ?? 0
  if (keep > 0 && !counterWindows.some((window) => window.kind === 'calendar')) {
    const message = 'only calendar windows have past periods to keep'
    source.report(reading.at('keep'), 'not-kept', message, 'leave keep out, or count per day')
  }
  if (source.problems.length > countBefore) return null
  const column = 'bytes' as const
  const identity = canonicalJson({ aggregate, column, where })
  return Object.freeze({ name, aggregate, column, where, counterWindows, keep, identity })
}

/** A field from its reading, or null after reporting what is wrong with it. */
export function buildField(
  name: string,
  reading: FieldReading,
  source: YamlSource,
): FieldSpec | null {
  const { type, words } = reading.values
  if (type === undefined) return null
  if (type !== 'enum') {
    if (words === undefined) return Object.freeze({ name, type, words: Object.freeze([]) })
    source.report(reading.at('words'), 'not-allowed', `only enum fields have words, not ${type}`)
    return null
  }
  if (words === undefined) {
    if (reading.at('words') === reading.node) {
      source.report(reading.node, 'missing-key', 'an enum field needs its words', 'words: [a, b]')
    }
    return null
  }
  const seen = new Set<string>()
  for (const { value, node } of words) {
    if (seen.has(value)) source.report(node, 'duplicate', `the word "${value}" is given twice`)
    seen.add(value)
  }
  return Object.freeze({ name, type, words: Object.freeze([...seen]) })
}

function readAggregate(reading: CounterReading, source: YamlSource): AggregateKey | null {
  const given = AGGREGATE_KEYS.filter((key) => reading.at(key) !== reading.node)
  const [first, second] = given
  if (first === undefined) {
    const message = 'a counter says what it counts'
    const hint = 'one of sum: bytes, count: records, max: bytes, last: time, distinct: days'
    source.report(reading.node, 'missing-key', message, hint)
    return null
  }
  if (second !== undefined) {
    const message = `a counter counts one thing: ${first} or ${second}`
    source.report(reading.at(second), 'not-allowed', message, 'make two counters of it')
    return null
  }
  return reading.values[first] === undefined ? null : first
}

/** The compiled `where`; null: every record counts; undefined: it is broken, and reported. */
function readWhere(
  reading: CounterReading,
  names: NameTable,
  source: YamlSource,
): CounterSpec['where'] | undefined {
  const { where } = reading.values
  if (where === undefined) return reading.at('where') === reading.node ? null : undefined
  const compiled = compileAt(where, 'where', names, source)
  if (compiled === null) return undefined
  const { expression } = compiled
  if (expression.kind !== 'bool') return expression
  if (expression.value) return null
  // Parameters may switch a counter off in one province; a text that is always false is a mistake.
  return expression
}

function readCounterWindows(
  per: readonly Located<CounterWindowSpec>[],
  aggregate: CounterSpec['aggregate'],
  source: YamlSource,
): readonly CounterWindowSpec[] {
  const keys = new Set<string>()
  for (const { value, node } of per) {
    if (keys.has(value.key)) source.report(node, 'duplicate', `"${value.key}" is given twice`)
    keys.add(value.key)
    if (aggregate === 'distinct-days' && !canCountDays(value)) {
      const message = `different days cannot be counted per ${value.key}`
      const hint = `possible: week, month, cycle, lifetime, last 1 to ${DISTINCT_DAYS_MAX} days`
      source.report(node, 'out-of-range', message, hint)
    }
  }
  return Object.freeze(per.map(({ value }) => Object.freeze(value)))
}

function canCountDays(window: CounterWindowSpec): boolean {
  if (window.kind === 'lifetime') return true
  if (window.kind === 'sliding') {
    return window.unit === 'day' && window.bucketCount <= DISTINCT_DAYS_MAX
  }
  return window.unit !== 'hour' && window.unit !== 'day'
}

/** Compiles a condition that stands in a YAML scalar; problems point into the scalar. */
export function compileAt(
  text: Located<string>,
  purpose: Parameters<typeof compileCondition>[1],
  names: NameTable,
  source: YamlSource,
): ReturnType<typeof compileCondition> {
  const scalar = text.node as Scalar
  return compileCondition(text.value, purpose, names, (index, code, message, suggestion) => {
    source.reportAt(source.offsetInScalar(scalar, index), code, message, suggestion)
  })
}
