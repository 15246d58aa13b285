/**
 * The update pass as generated code: one loop over the records of a batch, in log order, with every
 * offset, mask and threshold a constant. Generated because the same work through an interpreter
 * costs about thirty times as much per condition (bench/kernels). Only offsets, finite numbers and
 * operators reach the source; no text of a configuration does.
 *
 * Per record: mark the pages, roll the periods forward, add to the counters whose `where` matches,
 * judge the triggers that read one of them and whose latch is open. What is late in any period
 * leaves for the general path (judging.ts).
 */

import { assert } from '../errors.ts'
import type { Expression } from '../model/expression.ts'
import { LIST_NAMES } from '../model/expression.ts'
import type { UsageBatch } from '../model/usage.ts'
import { emitCondition, emitExpression, type ExpressionBinding } from '../rules/emit.ts'
import type { CounterCell, StampGroup } from '../state/counter-cells.ts'
import { META_LISTS_SHIFT, META_OFFSET, META_OWN_PERIODS_MASK } from '../state/layout.ts'
import type { PagedTable } from '../state/paged-table.ts'
import { CYCLE, DAY, UNIT_COUNT } from '../state/periods.ts'
import type { CompiledCatalog, CompiledTrigger } from './compile.ts'

/** Distinct `where` masks of one catalog; bit 31 would make the column signed. */
export const WHERE_COUNT_MAX = 31

/** What generated code may call back. */
export interface KernelCallbacks {
  /** Moves a row's group of counters on to a later period. */
  roll(group: number, slot: number, key: number): void
  /** Writes the subscriber's own period keys to `ownKeys`. */
  ownPeriods(meta: number, timeMs: number): void
  readonly ownKeys: Int32Array
  /** A record that is late in some period: the general path takes it whole. */
  late(slot: number, record: number): void
  /** A record whose bucket some sliding window no longer keeps. */
  lateForWindow(): void
  /** A condition became true with its latch open. */
  fire(trigger: number, slot: number, record: number): void
  /** Bit of a day in its period, for distinct-days counters. */
  dayBit(unit: number, key: number, day: number, meta: number): number
  /** Value of a sliding window (position among the cells) as of a period after its stamp. */
  readSliding(cell: number, slot: number, key: number): number
  readonly countBits: (value: number) => number
}

/**
 * Applies records to slots. `periods`: a column per calendar unit; `masks`: matching `where` bits.
 */
export type UpdateKernel = (
  count: number,
  slots: Int32Array,
  batch: UsageBatch,
  masks: Int32Array,
  periods: readonly Int32Array[],
) => void

/** Fills masks[i] with a bit per distinct `where` that record i matches. */
export type MaskKernel = (count: number, batch: UsageBatch, masks: Int32Array) => void

const COLUMN_NAMES: Readonly<Record<string, string>> = {
  bytes: 'usageBytes',
  time: 'timesMs',
  rat: 'rats',
  app: 'apps',
  cell: 'cells',
  kind: 'kinds',
}

/** Generates the mask pass. `null` matches every record. */
export function generateMaskKernel(wheres: readonly (Expression | null)[]): MaskKernel {
  assert(wheres.length <= WHERE_COUNT_MAX)
  const columns = new Set<string>()
  const terms = wheres.map((where, bit) => {
    if (where === null) return `${1 << bit}`
    const source = emitExpression(where, {
      ...noLeaves,
      column: (column) => {
        columns.add(COLUMN_NAMES[column]!)
        return `${COLUMN_NAMES[column]}[i]`
      },
    })
    return `(${source} ? ${1 << bit} : 0)`
  })
  const declared = [...columns].map((name) => `const ${name} = batch.${name};`).join('\n')
  const source = `
    ${declared}
    for (let i = 0; i < count; i++) masks[i] = ${terms.length === 0 ? '0' : terms.join(' | ')};`
  return new Function('count', 'batch', 'masks', source) as MaskKernel
}

const noLeaves: ExpressionBinding = {
  counter: unexpectedLeaf,
  tag: unexpectedLeaf,
  list: unexpectedLeaf,
  field: unexpectedLeaf,
  has: unexpectedLeaf,
  column: unexpectedLeaf,
}

function unexpectedLeaf(): never {
  throw new Error('this leaf has no place in a where')
}

/** Generates the update pass for a compiled catalog over its tables. */
export function generateUpdateKernel(
  compiled: CompiledCatalog,
  tables: readonly PagedTable[],
  callbacks: KernelCallbacks,
): UpdateKernel {
  const source = new KernelSource(compiled, tables).emit()
  return new Function('tables', 'callbacks', source)(tables, callbacks) as UpdateKernel
}

class KernelSource {
  readonly #compiled: CompiledCatalog
  readonly #tables: readonly PagedTable[]

  constructor(compiled: CompiledCatalog, tables: readonly PagedTable[]) {
    this.#compiled = compiled
    this.#tables = tables
  }

  emit(): string {
    const numbers = this.#tables.map((_, number) => number)
    const { cells } = this.#compiled
    const hasSliding = cells.some(({ counterWindow }) => counterWindow.kind === 'sliding')
    return `'use strict';
const { roll, ownPeriods, ownKeys, late, lateForWindow, fire, dayBit, readSliding, countBits } = callbacks;
${numbers.map((t) => `const t${t} = tables[${t}];`).join(' ')}
return function update(count, slots, batch, masks, periods) {
  const { usageBytes, timesMs } = batch;
  ${numbers.map((t) => `const flags${t} = t${t}.pageFlags, F${t} = t${t}.f64, W${t} = t${t}.i32;`).join('\n  ')}
  ${this.#units()
    .map((u) => `const K${u} = periods[${u}];`)
    .join(' ')}
  for (let i = 0; i < count; i++) {
    const slot = slots[i], m = masks[i];
    ${numbers.map((t) => this.#addressRow(t)).join('\n    ')}
    ${this.#markPages()}
    ${this.#units()
      .map((u) => `let k${u} = K${u}[i];`)
      .join(' ')}
    const meta = w0[x0 + ${META_OFFSET >>> 2}];
    if ((meta & ${META_OWN_PERIODS_MASK}) !== 0) {
      ownPeriods(meta, timesMs[i]);
      ${this.#units()
        .map((u) => `k${u} = ownKeys[${u}];`)
        .join(' ')}
    }
    ${this.#rollGroups()}
    if (m === 0) continue;
    ${hasSliding ? 'let isLate = false;' : ''}
    ${this.#before()}
    ${this.#updates()}
    ${hasSliding ? 'if (isLate) lateForWindow();' : ''}
    ${this.#judgements()}
  }
};`
  }

  /** Units whose keys the loop needs. */
  #units(): number[] {
    const units = new Set<number>(this.#compiled.units)
    return [...Array(UNIT_COUNT).keys()].filter((unit) => units.has(unit))
  }

  #addressRow(t: number): string {
    const table = this.#tables[t]!
    const mask = (1 << table.segmentShift) - 1
    const doubles = table.strideSize >>> 3
    return (
      `const g${t} = slot >>> ${table.segmentShift}, o${t} = (slot & ${mask}) * ${doubles}, ` +
      `x${t} = o${t} * 2, f${t} = F${t}[g${t}], w${t} = W${t}[g${t}];`
    )
  }

  /**
   * Table 0 changes with every record (periods at least once a day); others where their cells are
   * touched.
   */
  #markPages(): string {
    const hot = this.#tables[0]!
    const page = `slot >>> ${hot.pageShift}`
    return `if (flags0[${page}] !== 1) t0.touchPage(${page});`
  }

  #rollGroups(): string {
    const lines: string[] = []
    const { stampGroups } = this.#compiled
    for (const [index, group] of stampGroups.entries()) {
      if (!group.isCalendar) continue
      const stamp = `w${group.table}[x${group.table} + ${group.stampOffset >>> 2}]`
      lines.push(
        `if (${stamp} !== k${group.unit}) {`,
        `  if (${stamp} > k${group.unit}) { late(slot, i); continue; }`,
        `  roll(${index}, slot, k${group.unit});`,
        '}',
      )
    }
    return lines.join('\n    ')
  }

  /** Values before the update, for triggers that fire on the edge only. */
  #before(): string {
    const { cells, triggers } = this.#compiled
    const lines: string[] = []
    for (const [index, cell] of cells.entries()) {
      if (!triggers.some((trigger) => trigger.isEdge && readsCell(trigger, cell))) continue
      lines.push(`const b${index} = ${this.#runningSource(cell)};`)
    }
    return lines.join('\n    ')
  }

  #updates(): string {
    const byWhere = new Map<number, string[]>()
    const { stampGroups, whereOf, cells } = this.#compiled
    for (const cell of cells) {
      const where = whereOf[cell.counterIndex]!
      const lines = byWhere.get(where) ?? []
      byWhere.set(where, lines)
      lines.push(...this.#updateCell(cell, stampGroups))
    }
    return [...byWhere]
      .map(
        ([where, lines]) =>
          `if ((m & ${1 << where}) !== 0) {\n      ${lines.join('\n      ')}\n    }`,
      )
      .join('\n    ')
  }

  #updateCell(cell: CounterCell, groups: readonly StampGroup[]): string[] {
    const lines: string[] = []
    const { table, unit } = cell
    if (table !== 0) {
      const page = `slot >>> ${this.#tables[table]!.pageShift}`
      lines.push(`if (flags${table}[${page}] !== 1) t${table}.touchPage(${page});`)
    }
    const value = valueSource(cell)
    const stamp = stampSource(cell)
    const group = groups.findIndex((each) => each.table === table && each.unit === unit)
    const isRolledHere = group !== -1 && !groups[group]!.isCalendar
    if (isRolledHere) {
      // Windows that slide live apart: their stamp moves only when they are touched.
      lines.push(`if (${stamp} < k${unit}) roll(${group}, slot, k${unit});`)
    }
    const { kind, bucketCount } = cell.counterWindow
    if (cell.counter.aggregate === 'distinct-days') {
      lines.push(...this.#updateDistinct(cell, value))
    } else if (kind === 'sliding') {
      const bucket = `f${table}[o${table} + ${cell.ringOffset >>> 3} + k${unit} % ${bucketCount}]`
      lines.push(
        `if (${stamp} - k${unit} < ${bucketCount}) { ${combineSource(cell, bucket)} ${combineSource(cell, value)} }`,
        'else isLate = true;',
      )
    } else {
      lines.push(combineSource(cell, value))
    }
    return lines
  }

  #updateDistinct(cell: CounterCell, value: string): string[] {
    const { table, unit } = cell
    const stamp = stampSource(cell)
    if (cell.counterWindow.kind === 'calendar') {
      return [`${value} = (${value} | dayBit(${unit}, k${unit}, k${DAY}, meta)) >>> 0;`]
    }
    const back = `(${stamp} - k${unit})`
    if (cell.counterWindow.kind === 'sliding') {
      return [
        `if (${back} < ${cell.counterWindow.bucketCount}) ${value} = (${value} | (1 << ${back})) >>> 0;`,
        'else isLate = true;',
      ]
    }
    const recent = `f${table}[o${table} + ${cell.ringOffset >>> 3}]`
    return [
      `if (${back} <= 30 && ((${recent} >>> ${back}) & 1) === 0) { ${recent} = (${recent} | (1 << ${back})) >>> 0; ${value} += 1; }`,
    ]
  }

  #judgements(): string {
    const lines: string[] = []
    const before = this.#binding((cell) => `b${this.#compiled.cells.indexOf(cell)}`)
    const after = this.#binding((cell) => this.#runningSource(cell))
    for (const [index, trigger] of this.#compiled.triggers.entries()) {
      if (trigger.whereMask === 0) continue
      const { when } = trigger.spec
      const tests = [`(m & ${trigger.whereMask}) !== 0`, ...this.#keptTests(trigger)]
      tests.push(emitCondition(when, after), latchOpenSource(trigger))
      if (trigger.isEdge) tests.push(`!${emitCondition(when, before)}`)
      lines.push(`if (${tests.join(' && ')}) fire(${index}, slot, i);`)
    }
    return lines.join('\n    ')
  }

  #binding(runningSource: (cell: CounterCell) => string): ExpressionBinding {
    const compiled = this.#compiled
    return {
      counter: (counter, counterWindow, previous) => {
        const cell = compiled.findCell(counter, counterWindow)
        if (previous === 0) return runningSource(cell)
        const place = cell.previousPlaces[previous - 1]
        assert(place !== undefined, 'a condition reads further back than the counter keeps')
        return countedSource(cell, `f${place.table}[o${place.table} + ${place.offset >>> 3}]`)
      },
      tag: (tag) => compiled.tagSource(tag),
      list: (list) => `(meta & ${1 << (META_LISTS_SHIFT + LIST_NAMES.indexOf(list))}) !== 0`,
      field: (field) => compiled.fieldSource(field),
      has: (field) => compiled.hasSource(field),
      column: unexpectedLeaf,
    }
  }

  /** Value of a cell as of the record's period. A sliding window may stand at an earlier one. */
  #runningSource(cell: CounterCell): string {
    const value = countedSource(cell, valueSource(cell))
    if (cell.counterWindow.kind !== 'sliding') return value
    const index = this.#compiled.cells.indexOf(cell)
    const key = `k${cell.unit}`
    return `(${stampSource(cell)} === ${key} ? ${value} : readSliding(${index}, slot, ${key}))`
  }

  /** Conditions over sliding windows that have gone on to a later period are not judged. */
  #keptTests(trigger: CompiledTrigger): string[] {
    return this.#compiled.cells
      .filter((cell) => cell.counterWindow.kind === 'sliding' && readsCell(trigger, cell))
      .map((cell) => `${stampSource(cell)} <= k${cell.unit}`)
  }
}

function valueSource(cell: CounterCell): string {
  return `f${cell.table}[o${cell.table} + ${cell.valueOffset >>> 3}]`
}

function stampSource(cell: CounterCell): string {
  return `w${cell.table}[x${cell.table} + ${cell.stampOffset >>> 2}]`
}

/** Days are kept as bits and read as their number, except over a lifetime. */
function countedSource(cell: CounterCell, source: string): string {
  const isBits =
    cell.counter.aggregate === 'distinct-days' && cell.counterWindow.kind !== 'lifetime'
  return isBits ? `countBits(${source})` : source
}

function readsCell(trigger: CompiledTrigger, cell: CounterCell): boolean {
  return trigger.references.counters.some(
    (each) => each.counter === cell.counter.name && each.counterWindow === cell.counterWindow.key,
  )
}

function combineSource(cell: CounterCell, target: string): string {
  switch (cell.counter.aggregate) {
    case 'sum':
      return `${target} += usageBytes[i];`
    case 'count':
      return `${target} += 1;`
    case 'max':
      return `if (usageBytes[i] > ${target}) ${target} = usageBytes[i];`
    case 'last-time':
      return `if (timesMs[i] > ${target}) ${target} = timesMs[i];`
    case 'distinct-days':
      throw new Error('distinct days are not combined')
  }
}

/** Open: the latch's stamp is behind the record's period, or the period's bit is clear. */
function latchOpenSource({ latch, spec }: CompiledTrigger): string {
  const { table, offset, bit, bitCount } = latch.place
  const word = `w${table}[x${table} + ${offset >>> 2}]`
  if (latch.stampOffset === -1) return `((${word} >>> ${bit}) & 1) === 0`
  const key = `k${latch.unit}`
  const stamp = `w${table}[x${table} + ${latch.stampOffset >>> 2}]`
  assert(spec.once !== 'ever' && latch.unit <= CYCLE)
  return (
    `(${stamp} < ${key} || (${stamp} - ${key} < ${bitCount} && ` +
    `((${word} >>> (${bit} + ${stamp} - ${key})) & 1) === 0))`
  )
}
