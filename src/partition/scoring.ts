/**
 * Scores as generated code: whether a subscriber is a candidate of a segment, with which score, and
 * for which quotas. Like the kernel's, the source is made of offsets, operators and finite numbers;
 * no text of a configuration reaches it. A pass over twelve million rows takes seconds this way,
 * and minutes through the interpreter (bench/pipeline/segments).
 */

import type { Expression, ListName } from '../model/expression.ts'
import { LIST_NAMES } from '../model/expression.ts'
import type { SegmentSpec } from '../model/segment.ts'
import { emitExpression, type ExpressionBinding } from '../rules/emit.ts'
import { fieldsNeeded, referencesOf } from '../rules/references.ts'
import { readCell } from '../state/counter-cells.ts'
import type { CounterCell } from '../state/counter-places.ts'
import { META_LISTS_SHIFT, META_OFFSET } from '../state/layout.ts'
import type { PagedTable } from '../state/paged-table.ts'
import { DAY } from '../state/periods.ts'
import type { CompiledCatalog } from './compile.ts'

/** Milliseconds of a full day of `daysSince` a time. */
const DAY_MS = 86_400_000

/** A segment's filter and score, ready to run. */
export interface Scorer {
  /**
   * Score of a slot's subscriber, or NaN for no candidate. `keys`: the subscriber's periods at the
   * selection's start, whose instant is `startMs`.
   */
  readonly score: (slot: number, keys: Int32Array, startMs: number) => number
  /** Bits of the quotas whose condition holds; quotas for everybody have theirs. */
  readonly quotas: (slot: number, keys: Int32Array, startMs: number) => number
}

/** Generates the code of a segment for the catalog and the tables now in force. */
export function generateScorer(
  compiled: CompiledCatalog,
  tables: readonly PagedTable[],
  segment: SegmentSpec,
): Scorer {
  const source = new ScorerSource(compiled, tables)
  const { where, score, minScore, quotas } = segment
  const least = minScore === null ? 'value > 0' : `value >= ${JSON.stringify(minScore)}`
  const scored = source.function([
    ...(where === null ? [] : source.tests(where)),
    ...(score === null ? ['return 1;'] : source.guards(score)),
    ...(score === null ? [] : [`const value = ${source.emit(score)};`]),
    ...(score === null ? [] : [`return Number.isFinite(value) && ${least} ? value : NaN;`]),
  ])
  const bits = quotas.map((quota, index) => {
    if (quota.where === null) return `${1 << index}`
    const tests = source.conditions(quota.where).join(' && ')
    return `(${tests} ? ${1 << index} : 0)`
  })
  const matched = source.function([`return ${bits.join(' | ')};`])
  const read = (index: number, slot: number, keys: Int32Array): number => {
    const { cell, previous } = source.counters[index]!
    return readCell(tables, slot, cell, cell.unit === -1 ? 0 : keys[cell.unit]!, previous)
  }
  const make = new Function(
    'tables',
    'read',
    'daysSinceTime',
    scorerModule(tables, scored, matched),
  )
  return make(tables, read, daysSinceTime) as Scorer
}

/** Full days of 24 hours since a time; NaN for one that never was. */
function daysSinceTime(startMs: number, timeMs: number): number {
  return timeMs > 0 ? Math.floor((startMs - timeMs) / DAY_MS) : Number.NaN
}

function scorerModule(tables: readonly PagedTable[], scored: string, matched: string): string {
  const names = tables.map((_, t) => `const t${t} = tables[${t}];`).join(' ')
  return `'use strict';
${names}
return {
  score(slot, keys, startMs) {
${scored}
  },
  quotas(slot, keys, startMs) {
${matched}
  },
};`
}

class ScorerSource {
  /** What `read(i, slot, keys)` reads, by position. */
  readonly counters: { readonly cell: CounterCell; readonly previous: number }[] = []
  readonly #compiled: CompiledCatalog
  readonly #tables: readonly PagedTable[]
  readonly #binding: ExpressionBinding

  constructor(compiled: CompiledCatalog, tables: readonly PagedTable[]) {
    this.#compiled = compiled
    this.#tables = tables
    this.#binding = {
      counter: (counter, counterWindow, previous) =>
        this.#counterSource(compiled.findCell(counter, counterWindow), previous),
      tag: (tag) => compiled.tagSource(tag),
      list: (list) => listSource(list),
      field: (field) => compiled.fieldSource(field),
      has: (field) => compiled.hasSource(field),
      column: () => {
        throw new Error('a segment reads no usage record')
      },
      daysSince: (of, value) =>
        of === 'date' ? `keys[${DAY}] - ${value}` : `daysSinceTime(startMs, ${value})`,
    }
  }

  /** A body that finds the row first. */
  function(lines: readonly string[]): string {
    const rows = this.#tables.map((table, t) => {
      const mask = (1 << table.segmentShift) - 1
      const doubles = table.strideSize >>> 3
      return (
        `const g${t} = slot >>> ${table.segmentShift}, o${t} = (slot & ${mask}) * ${doubles}, ` +
        `x${t} = o${t} * 2, f${t} = t${t}.f64[g${t}], w${t} = t${t}.i32[g${t}];`
      )
    })
    return [...rows, ...lines].map((line) => `    ${line}`).join('\n')
  }

  emit(expression: Expression): string {
    return emitExpression(expression, this.#binding)
  }

  /** Statements that leave where the filter does not hold; what needs no counter comes first. */
  tests(where: Expression): string[] {
    return this.conditions(where).map((condition) => `if (!${condition}) return NaN;`)
  }

  /** Statements that leave where a field is unset or a counter no longer keeps its period. */
  guards(expression: Expression): string[] {
    const conditions = [...this.#fieldTests(expression), ...this.#keptTests(expression)]
    return conditions.map((condition) => `if (!${condition}) return NaN;`)
  }

  /** All that must hold, the cheap ones first: the order changes nothing but the time it takes. */
  conditions(where: Expression): string[] {
    const parts = where.kind === 'and' ? where.operands : [where]
    const isCounting = (part: Expression): boolean => referencesOf(part).counters.length > 0
    return [
      ...this.#fieldTests(where),
      ...parts.filter((part) => !isCounting(part)).map((part) => this.emit(part)),
      ...this.#keptTests(where),
      ...parts.filter(isCounting).map((part) => this.emit(part)),
    ]
  }

  #fieldTests(expression: Expression): string[] {
    return fieldsNeeded(expression).map((field) => `(${this.#compiled.hasSource(field)})`)
  }

  #keptTests(expression: Expression): string[] {
    return referencesOf(expression).counters.map(({ counter, counterWindow, previous }) => {
      const source = this.#counterSource(this.#compiled.findCell(counter, counterWindow), previous)
      return `(${source} === ${source})`
    })
  }

  #counterSource(cell: CounterCell, previous: number): string {
    const known = this.counters.findIndex(
      (each) => each.cell === cell && each.previous === previous,
    )
    const index = known !== -1 ? known : this.counters.push({ cell, previous }) - 1
    return `read(${index}, slot, keys)`
  }
}

function listSource(list: ListName): string {
  const mask = 1 << (META_LISTS_SHIFT + LIST_NAMES.indexOf(list))
  return `(w0[x0 + ${META_OFFSET >>> 2}] & ${mask}) !== 0`
}
