/**
 * Conditions in blocks of up to 32 latch words, so that a usage record judges few of them, however
 * many there are. What must hold for a condition (model/bounds.ts) is prepared as masks over the
 * bits of its block: a row of masks for each place that a value can have among the lines drawn for
 * it, and one for each combination of the parts that no record changes. A record's candidates are
 * a handful of rows and the open latches, ANDed word by word; and of each row a summary says in
 * which words anything is left at all. Only candidates are judged, and they are judged whole: masks
 * leave out what cannot be true and need not be exact.
 *
 * Pure tables; the code that reads them is generated (kernel-judgements.ts).
 */

import { assert } from '../errors.ts'
import { type Bound, type NecessaryParts, necessaryParts } from '../model/bounds.ts'
import type { Expression } from '../model/expression.ts'
import { fieldsNeeded } from '../rules/references.ts'
import type { CompiledCondition } from './compile.ts'
import { makeRuler, type Ruler } from './ruler.ts'

const WORDS_MAX = 32
/** Values and parts that a block tells apart: those that most of its conditions have. */
const VALUES_MAX = 8
const PARTS_MAX = 16
const BANK_PARTS = 8

/** Masks by row, a word after the other, and of each row the words that are not 0, as bits. */
export interface MaskRows {
  readonly masks: Int32Array
  readonly summaries: Int32Array
}

/** A value that conditions of the block draw lines for. Rows: by the number of lines crossed. */
export interface GateValue extends MaskRows {
  readonly value: Bound['value']
  readonly ruler: Ruler
  /** Words with a condition that has a line, as bits. */
  readonly readers: number
  /** Whether a record may change it. */
  readonly isRunning: boolean
}

/** What no record changes of a condition, or which records touch it at all. */
export type GatePart =
  | { readonly kind: 'where'; readonly whereMask: number }
  | { readonly kind: 'has'; readonly field: string }
  | { readonly kind: 'guard'; readonly guard: Expression }

/** Up to 8 parts. Rows: by which of them hold, a bit each. */
export interface GateBank extends MaskRows {
  readonly parts: readonly GatePart[]
}

/** Conditions whose latches lie in one table, grow older together and are equally wide. */
export interface ConditionBlock {
  readonly table: number
  /** -1 for latches that are set for ever. */
  readonly stampOffset: number
  readonly unit: number
  readonly bitCount: number
  /** By word: position among the row's 4-byte words. */
  readonly words: Int32Array
  /** By word and bit: position among the conditions, -1 for none. */
  readonly conditions: Int32Array
  /** All words that hold a condition, as bits. */
  readonly summary: number
  readonly values: readonly GateValue[]
  readonly banks: readonly GateBank[]
  /**
   * By word, the conditions that fire on an edge and consist of parts seen here alone: they cannot
   * fire unless a running value crossed a line of theirs. null: none such.
   */
  readonly edges: Int32Array | null
  /** Words that hold other conditions too, as bits. */
  readonly notEdges: number
}

interface Member {
  readonly condition: CompiledCondition
  readonly index: number
  readonly parts: NecessaryParts
  readonly word: number
  readonly bit: number
}

/** Splits conditions that some usage record touches into blocks; the others are left out. */
export function makeBlocks(conditions: readonly CompiledCondition[]): ConditionBlock[] {
  const groups = new Map<string, number[]>()
  for (const [index, { latch, whereMask }] of conditions.entries()) {
    if (whereMask === 0) continue
    const key = `${latch.place.table} ${latch.stampOffset} ${latch.place.bitCount}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [index])
    else group.push(index)
  }
  return [...groups.values()].flatMap((group) => {
    const offsets = [...new Set(group.map((index) => conditions[index]!.latch.place.offset))]
    offsets.sort((a, b) => a - b)
    const blocks: ConditionBlock[] = []
    for (let first = 0; first < offsets.length; first += WORDS_MAX) {
      const own = offsets.slice(first, first + WORDS_MAX)
      const members = group.filter((index) => own.includes(conditions[index]!.latch.place.offset))
      blocks.push(makeBlock(conditions, members, own))
    }
    return blocks
  })
}

function makeBlock(
  conditions: readonly CompiledCondition[],
  indices: readonly number[],
  offsets: readonly number[],
): ConditionBlock {
  const members = indices.map((index): Member => {
    const condition = conditions[index]!
    const { offset, bit } = condition.latch.place
    const parts = necessaryParts(condition.spec.when)
    return { condition, index, parts, word: offsets.indexOf(offset), bit }
  })
  const positions = new Int32Array(offsets.length * 32).fill(-1)
  for (const { word, bit, index } of members) {
    assert(positions[word * 32 + bit] === -1, 'two conditions share a latch')
    positions[word * 32 + bit] = index
  }
  const valueKeys = mostCommon(members, ({ parts }) => [...parts.bounds.keys()], VALUES_MAX)
  const partKeys = mostCommon(members, (member) => [...gateParts(member).keys()], PARTS_MAX)
  const { latch } = members[0]!.condition
  const edges = edgeMasks(members, new Set(valueKeys), offsets.length)
  const others = members.filter(({ word, bit }) => ((edges[word]! >>> bit) & 1) === 0)
  return {
    table: latch.place.table,
    stampOffset: latch.stampOffset,
    unit: latch.unit,
    bitCount: latch.place.bitCount,
    words: Int32Array.from(offsets, (offset) => offset >>> 2),
    conditions: positions,
    summary: summaryOf(members),
    values: valueKeys.map((key) => makeValue(key, members, offsets.length)),
    banks: makeBanks(partKeys, members, offsets.length),
    edges: edges.some((mask) => mask !== 0) ? edges : null,
    notEdges: summaryOf(others),
  }
}

/** Keys by the number of members that have them, then by first appearance. */
function mostCommon(
  members: readonly Member[],
  keysOf: (member: Member) => readonly string[],
  max: number,
): string[] {
  const counts = new Map<string, number>()
  for (const member of members) {
    for (const key of keysOf(member)) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, max)
    .map(([key]) => key)
}

function summaryOf(members: readonly Member[]): number {
  return members.reduce((summary, { word }) => summary | (1 << word), 0)
}

function makeValue(key: string, members: readonly Member[], words: number): GateValue {
  const readers = members.filter(({ parts }) => parts.bounds.has(key))
  const bounds = members.map(({ parts }) => parts.bounds.get(key))
  const drawn = bounds.filter((bound) => bound !== undefined)
  const ruler = makeRuler(drawn.flatMap(({ from, to }) => [from, to]))
  const { value } = drawn[0]!
  const rows = maskRows(ruler.lines.length + 1, words, members, (position, row) => {
    const bound = bounds[position]
    if (bound === undefined) return true
    const least = row === 0 ? Number.NEGATIVE_INFINITY : ruler.lines[row - 1]!
    return bound.from <= least && least < bound.to
  })
  const isRunning = value.kind === 'counter' && value.previous === 0
  return { value, ruler, ...rows, readers: summaryOf(readers), isRunning }
}

/** The parts of a condition by their keys. */
function gateParts({ condition, parts }: Member): Map<string, GatePart> {
  const { whereMask, spec } = condition
  const found = new Map<string, GatePart>([[`${whereMask}`, { kind: 'where', whereMask }]])
  for (const field of fieldsNeeded(spec.when)) {
    found.set(JSON.stringify(field), { kind: 'has', field })
  }
  for (const guard of parts.guards) found.set(JSON.stringify(guard), { kind: 'guard', guard })
  return found
}

function makeBanks(keys: readonly string[], members: readonly Member[], words: number): GateBank[] {
  const partsOf = members.map(gateParts)
  const byKey = new Map(partsOf.flatMap((parts) => [...parts]))
  const banks: GateBank[] = []
  for (let first = 0; first < keys.length; first += BANK_PARTS) {
    const own = keys.slice(first, first + BANK_PARTS)
    const needs = partsOf.map((parts) =>
      own.reduce((bits, key, bit) => bits | (parts.has(key) ? 1 << bit : 0), 0),
    )
    const rows = maskRows(1 << own.length, words, members, (position, row) => {
      return (needs[position]! & ~row) === 0
    })
    banks.push({ parts: own.map((key) => byKey.get(key)!), ...rows })
  }
  return banks
}

function maskRows(
  rows: number,
  words: number,
  members: readonly Member[],
  isLeft: (position: number, row: number) => boolean,
): MaskRows {
  const masks = new Int32Array(rows * words)
  const summaries = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    for (const [position, { word, bit }] of members.entries()) {
      if (!isLeft(position, row)) continue
      masks[row * words + word]! |= 1 << bit
      summaries[row]! |= 1 << word
    }
  }
  return { masks, summaries }
}

function edgeMasks(
  members: readonly Member[],
  known: ReadonlySet<string>,
  words: number,
): Int32Array {
  const masks = new Int32Array(words)
  for (const { condition, parts, word, bit } of members) {
    const isSeen = parts.isWhole && [...parts.bounds.keys()].every((key) => known.has(key))
    if (condition.isEdge && isSeen) masks[word]! |= 1 << bit
  }
  return masks
}
