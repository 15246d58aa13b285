/** Readings of segments to their specs: what takes more than one key to judge. */

import type { Node } from 'yaml'
import type { CounterSpec, TagSpec } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import { previousTagOf, type QuotaSpec, type SegmentSpec } from '../model/segment.ts'
import { suggestWord } from '../model/spelling.ts'
import { compileAt } from './build-counters.ts'
import { canonicalJson } from './identity.ts'
import type { NameTable } from './names.ts'
import { referencesOf } from './references.ts'
import type { SegmentReading } from './segment-grammar.ts'
import type { Located } from './shape.ts'
import type { YamlSource } from './yaml-source.ts'

/** What is declared under `segments`, by name; broken entries without a value. */
export type SegmentsReading = ReadonlyMap<
  string,
  { readonly key: Node; readonly value: SegmentReading | undefined }
>

/** Segments by name, and whether each keeps who was a member before; null: broken. */
export function segmentNames(
  read: SegmentsReading | undefined,
): ReadonlyMap<string, boolean | null> {
  const names = new Map<string, boolean | null>()
  for (const [name, { value }] of read ?? []) {
    names.set(name, value === undefined ? null : (value.values.keepPrevious ?? false))
  }
  return names
}

/** The segments in the order of their file; broken ones are reported and left out. */
export function buildSegments(
  read: SegmentsReading | undefined,
  names: NameTable,
  source: YamlSource | undefined,
): readonly SegmentSpec[] {
  const segments: SegmentSpec[] = []
  for (const [name, { key, value }] of read ?? []) {
    checkTag(name, key, names, source!)
    if (value === undefined) continue
    const segment = buildSegment(name, value, names, source!)
    if (segment !== null) segments.push(segment)
  }
  return Object.freeze(segments)
}

/** Tags that segments bring along: one for each that keeps who was a member before. */
export function tagsOfSegments(segments: readonly SegmentSpec[]): readonly TagSpec[] {
  return segments
    .filter(({ keepsPrevious }) => keepsPrevious)
    .map(({ name }) => Object.freeze({ name: previousTagOf(name), versioned: true }))
}

/** The result goes into a tag of the segment's name that tells one selection from the next. */
function checkTag(name: string, key: Node, names: NameTable, source: YamlSource): void {
  const tag = names.tags.get(name)
  if (tag?.versioned || tag === null) return
  const hint = `declare tags: { ${name}: { versioned: true } }`
  if (tag !== undefined) {
    const message = `the tag "${name}" has no versions, so one selection is like another`
    source.report(key, 'not-versioned', message, hint)
  } else if (names.isComplete) {
    const message = `a segment needs a tag of its name, and there is no tag "${name}"`
    source.report(key, 'unknown-tag', message, suggestWord(name, names.tags.keys()) ?? hint)
  }
}

function buildSegment(
  name: string,
  reading: SegmentReading,
  names: NameTable,
  source: YamlSource,
): SegmentSpec | null {
  const countBefore = source.problems.length
  const { values } = reading
  const where = compile(values.where, 'segment', names, source)
  const score = compile(values.score, 'score', names, source)
  const quotas = readQuotas(reading, names, source)
  checkScore(reading, source)
  const schedule = values.at
  const isBroken = where === undefined || score === undefined || quotas === null
  if (isBroken || schedule === undefined || source.problems.length > countBefore) return null
  const minScore = values.minScore ?? null
  const keepsPrevious = values.keepPrevious ?? false
  const counters = countersOf([where, score, ...quotas.map((quota) => quota.where)], names)
  const parts = { where, score, minScore, quotas, keepsPrevious }
  const identity = canonicalJson({ ...parts, counters })
  return Object.freeze({ name, schedule: Object.freeze(schedule), ...parts, identity })
}

/** What the counters that are read count: an edit makes new ones, which start empty. */
function countersOf(expressions: readonly (Expression | null)[], names: NameTable): string[] {
  const counters = new Map<string, CounterSpec>()
  for (const expression of expressions) {
    if (expression === null) continue
    for (const { counter } of referencesOf(expression).counters) {
      const spec = names.counters.get(counter)
      if (spec) counters.set(counter, spec)
    }
  }
  return [...counters.values()].map(({ name, identity }) => `${name} ${identity}`)
}

/** null: not given; undefined: broken and reported. */
function compile(
  text: Located<string> | undefined,
  purpose: 'segment' | 'score',
  names: NameTable,
  source: YamlSource,
): Expression | null | undefined {
  if (text === undefined) return null
  return compileAt(text, purpose, names, source)?.expression
}

function readQuotas(
  reading: SegmentReading,
  names: NameTable,
  source: YamlSource,
): readonly QuotaSpec[] | null {
  const { take, quotas } = reading.values
  const isGiven = (key: 'take' | 'quotas'): boolean => reading.at(key) !== reading.node
  if (isGiven('take') && isGiven('quotas')) {
    const message = 'a segment has take or quotas, not both'
    source.report(reading.at('take'), 'not-allowed', message, 'make the last quota for everybody')
    return null
  }
  if (!isGiven('take') && !isGiven('quotas')) {
    const message = 'a segment says how many it takes'
    source.report(reading.node, 'missing-key', message, 'take: top 20 %, top 500000 or all')
    return null
  }
  if (take !== undefined) {
    return Object.freeze([Object.freeze({ where: null, take: Object.freeze(take.value) })])
  }
  const specs: QuotaSpec[] = []
  for (const { value } of quotas ?? []) {
    const where = compile(value.values.where, 'segment', names, source)
    const { top } = value.values
    if (where === undefined || top === undefined) continue
    const isEverybody = where === null || (where.kind === 'bool' && where.value)
    const spec = { where: isEverybody ? null : where, take: { kind: 'count', count: top } as const }
    specs.push(Object.freeze(spec))
  }
  return quotas === undefined ? null : Object.freeze(specs)
}

/** Who is to come first must be said where not all are taken. */
function checkScore(reading: SegmentReading, source: YamlSource): void {
  const { take } = reading.values
  const isGiven = (key: 'score' | 'quotas' | 'minScore'): boolean =>
    reading.at(key) !== reading.node
  if (isGiven('score')) return
  if (isGiven('minScore')) {
    const message = 'minScore bounds a score, and there is none'
    source.report(reading.at('minScore'), 'not-allowed', message, 'add a score')
  }
  const isChoosing = isGiven('quotas') || (take !== undefined && take.value.kind !== 'all')
  if (!isChoosing) return
  const message = 'not all are taken, so a score must say who comes first'
  const hint = 'like score: previous(data.month), or score: "1" to draw lots'
  source.report(take?.node ?? reading.at('quotas'), 'missing-key', message, hint)
}
