/** Readings of counters and fields to their specs: what takes more than one key to judge. */

import type { Node, Scalar } from 'yaml'
import type {
  Aggregate,
  CounterSpec,
  CounterWindowSpec,
  FieldSpec,
  InterestSpec,
} from '../model/catalog.ts'
import { type Expression, walkExpression } from '../model/expression.ts'
import { suggestWord } from '../model/spelling.ts'
import { codesOf } from './build-dictionaries.ts'
import {
  CATALOG_BOUNDS,
  type CounterReading,
  DISTINCT_DAYS_MAX,
  DWELL_GAP_DEFAULT_MS,
  type FieldReading,
} from './catalog-grammar.ts'
import { compileCondition } from './condition.ts'
import { type InterestFeedbackReading, DISTINCT_APPS_MAX } from './counter-shapes.ts'
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
  dwell: 'dwell',
  interest: 'interest',
} as const

/** Keys that only one aggregate has, with what to do about them elsewhere. */
const OWN_KEYS = [
  ['among', 'distinct-apps', 'distinct: apps'],
  ['gap', 'dwell', 'dwell: time'],
  ['halfLife', 'interest', 'interest: records'],
  ['weight', 'interest', 'interest: records'],
  ['start', 'interest', 'interest: records'],
  ['feedback', 'interest', 'interest: records'],
] as const

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
  const isApps = aggregateKey === 'distinct' && values.distinct === 'apps'
  const aggregate: Aggregate = isApps ? 'distinct-apps' : AGGREGATES[aggregateKey]
  checkOwnKeys(reading, aggregate, source)
  const apps = isApps ? readAmong(reading, names, source) : []
  const interest = aggregate === 'interest' ? readInterest(reading, names, source) : null
  const counterWindows = readCounterWindows(values.per, aggregate, source)
  const keep = values.keep ?? 0
  if (keep > 0 && !counterWindows.some((window) => window.kind === 'calendar')) {
    const message = 'only calendar windows have past periods to keep'
    source.report(reading.at('keep'), 'not-kept', message, 'leave keep out, or count per day')
  }
  if (source.problems.length > countBefore || apps === null) return null
  const column = 'bytes' as const
  const gapMs = aggregate === 'dwell' ? (values.gap ?? DWELL_GAP_DEFAULT_MS) : undefined
  const placeNames = [...names.places.keys()]
  const identity = canonicalJson({ aggregate, column, where: withNames(where, placeNames), gapMs })
  return Object.freeze({
    name,
    aggregate,
    column,
    where,
    counterWindows,
    keep,
    apps,
    gapMs: gapMs ?? 0,
    isCellNeeded: aggregate === 'dwell' && where !== null && readsCell(where),
    interest,
    identity,
  })
}

/** Reports the first counter with one `where` too many: each different one is a bit of a mask. */
export function checkWhereCount(
  counters: Iterable<readonly [CounterSpec | null, Node]>,
  source: YamlSource,
): void {
  const wheres = new Set<string>()
  for (const [counter, key] of counters) {
    if (counter === null) continue
    wheres.add(canonicalJson(counter.where))
    if (wheres.size <= CATALOG_BOUNDS.wheres) continue
    const message = `more than ${CATALOG_BOUNDS.wheres} different "where" conditions`
    source.report(key, 'too-many', message, 'counters with the same "where" share it')
    return
  }
}

/** A `where` for an identity: places by name, so that it outlives changes of their dictionary. */
function withNames(where: Expression | null, placeNames: readonly string[]): unknown {
  const nameOf = (code: number) => placeNames[code - 1]
  return JSON.parse(
    JSON.stringify(where, (_, node: Expression) => {
      if (node === null || typeof node !== 'object') return node
      if (node.kind === 'in' && isPlace(node.operand)) {
        return { ...node, values: node.values.map(nameOf).sort() }
      }
      if (node.kind !== 'compare' || node.left.kind !== 'column') return node
      const { left, right } = node
      if (!isPlace(left) || right.kind !== 'number') return node
      return { ...node, right: { kind: 'place', name: nameOf(right.value) } }
    }),
  )
}

function isPlace(node: Expression): boolean {
  return node.kind === 'column' && node.column === 'place'
}

function readsCell(where: Expression): boolean {
  let isFound = false
  walkExpression(where, (node) => {
    isFound ||= node.kind === 'column' && (node.column === 'cell' || node.column === 'place')
  })
  return isFound
}

/** Keys that mean nothing for this aggregate. */
function checkOwnKeys(reading: CounterReading, aggregate: Aggregate, source: YamlSource): void {
  for (const [key, owner, example] of OWN_KEYS) {
    if (owner === aggregate || reading.at(key) === reading.node) continue
    source.report(reading.at(key), 'not-allowed', `"${key}" belongs to ${example} only`)
  }
}

/** Codes of the apps that are told apart, in their order; null after reporting. */
function readAmong(
  reading: CounterReading,
  names: NameTable,
  source: YamlSource,
): readonly number[] | null {
  const { among } = reading.values
  if (among === undefined) {
    if (reading.at('among') === reading.node) {
      const hint = `among: [qzone, wechat], or the name of a group; ${DISTINCT_APPS_MAX} at most`
      source.report(reading.node, 'missing-key', 'which apps are told apart?', hint)
    }
    return null
  }
  if (!('node' in among)) return codesOf(among, 'app', names.apps, names.isComplete, source)
  const { value, node } = among
  const codes = names.appGroups.get(value)
  if (codes === undefined) {
    if (!names.isComplete) return null
    const groups = [...names.appGroups.keys()]
    const declared = `groups: ${groups.slice(0, 12).join(', ') || 'none'}; or a list of words`
    const hint = suggestWord(value, groups) ?? declared
    source.report(node, 'unknown-word', `there is no group of apps "${value}"`, hint)
    return null
  }
  if (codes !== null && codes.length > DISTINCT_APPS_MAX) {
    const message = `the group has ${codes.length} apps; ${DISTINCT_APPS_MAX} can be told apart`
    source.report(node, 'too-many', message)
    return null
  }
  return codes
}

function readInterest(
  reading: CounterReading,
  names: NameTable,
  source: YamlSource,
): InterestSpec | null {
  const { halfLife, weight, start, feedback } = reading.values
  if (halfLife === undefined && reading.at('halfLife') === reading.node) {
    const message = 'an interest fades: how fast?'
    source.report(reading.node, 'missing-key', message, 'halfLife: 14d')
  }
  const startField = start === undefined ? null : start.value.slice('fields.'.length)
  if (start !== undefined && startField !== null) {
    const field = names.fields.get(startField)
    if (field === undefined && names.isComplete) {
      const declared = [...names.fields.keys()].slice(0, 12).join(', ') || 'none'
      const hint = suggestWord(startField, names.fields.keys()) ?? `declared: ${declared}`
      source.report(start.node, 'unknown-field', `there is no field "${startField}"`, hint)
    } else if (field && field.type !== 'number') {
      const message = `an interest starts from a number; ${startField} is of type ${field.type}`
      source.report(start.node, 'condition-type', message)
    }
  }
  const triggers = new Set<string>()
  for (const { value } of feedback ?? []) {
    const trigger = value.values.trigger
    if (trigger === undefined) continue
    if (triggers.has(trigger.value)) {
      source.report(trigger.node, 'duplicate', `"${trigger.value}" is given twice`)
    }
    triggers.add(trigger.value)
  }
  return Object.freeze({
    halfLifeMs: halfLife ?? 0,
    weight: weight ?? 1,
    startField,
    feedback: Object.freeze((feedback ?? []).map(({ value }) => feedbackOf(value))),
  })
}

/** Reports triggers that the feedback of interests names and that are not there. */
export function checkFeedbackTriggers(
  readings: Iterable<CounterReading | undefined>,
  triggers: ReadonlySet<string>,
  source: YamlSource,
): void {
  for (const reading of readings) {
    for (const { value } of reading?.values.feedback ?? []) {
      const { trigger } = value.values
      if (trigger === undefined || triggers.has(trigger.value)) continue
      const hint = suggestWord(trigger.value, triggers)
      source.report(trigger.node, 'unknown-trigger', `there is no trigger "${trigger.value}"`, hint)
    }
  }
}

function feedbackOf({ values }: InterestFeedbackReading): InterestSpec['feedback'][number] {
  const { trigger, ...weights } = values
  return Object.freeze({ trigger: trigger?.value ?? '', weights: Object.freeze(weights) })
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
    const hint =
      'one of sum: bytes, count: records, max: bytes, last: time, distinct: days, distinct: apps, dwell: time, interest: records'
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
    if (aggregate === 'interest' && value.kind !== 'lifetime') {
      const message = `an interest has no periods: it fades by its half-life, not per ${value.key}`
      source.report(node, 'out-of-range', message, 'per: [lifetime]')
    }
    if (aggregate === 'distinct-apps' && value.kind === 'sliding') {
      const message = `different apps cannot be counted per ${value.key}`
      const hint = 'possible: hour, day, week, month, cycle, lifetime'
      source.report(node, 'out-of-range', message, hint)
    }
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
