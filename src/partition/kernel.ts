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
import { LIST_NAMES } from '../model/expression.ts'
import type { UsageBatch } from '../model/usage.ts'
import { emitCondition, type ExpressionBinding } from '../rules/emit.ts'
import { type AppSet, CHUNK_BITS } from '../state/app-sets.ts'
import type { CounterCell, StampGroup } from '../state/counter-places.ts'
import { META_LISTS_SHIFT, META_OFFSET, META_OWN_PERIODS_MASK } from '../state/layout.ts'
import type { PagedTable } from '../state/paged-table.ts'
import { CYCLE, DAY, UNIT_COUNT } from '../state/periods.ts'
import { MS_PER_MINUTE } from '../state/zone.ts'
import type { CompiledCatalog, CompiledCondition, StayCell } from './compile.ts'

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
  /** A condition (position among them) became true with its latch open. */
  fire(condition: number, slot: number, record: number): void
  /** Bit of a day in its period, for distinct-days counters. */
  dayBit(unit: number, key: number, day: number, meta: number): number
  /** Value of a sliding window (position among the cells) as of a period after its stamp. */
  readSliding(cell: number, slot: number, key: number): number
  readonly countBits: (value: number) => number
  /** An interest (position among the cells) takes a record in. */
  addInterest(cell: number, slot: number, timeMs: number): void
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

const noColumns = (): never => {
  throw new Error('a condition over a subscriber reads no record')
}

/** Generates the update pass for a compiled catalog over its tables. */
export function generateUpdateKernel(
  compiled: CompiledCatalog,
  tables: readonly PagedTable[],
  callbacks: KernelCallbacks,
): UpdateKernel {
  const source = new KernelSource(compiled, tables).emit()
  const bits = compiled.cells.map(({ apps }) => apps?.bitOf)
  const make = new Function('tables', 'callbacks', 'bits', source)
  return make(tables, callbacks, bits) as UpdateKernel
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
    const { cells, stays } = this.#compiled
    const hasSliding = cells.some(({ counterWindow }) => counterWindow.kind === 'sliding')
    const sets = cells.flatMap(({ apps }, index) => (apps === null ? [] : [index]))
    return `'use strict';
const { roll, ownPeriods, ownKeys, late, lateForWindow, fire, dayBit, readSliding, countBits, addInterest } = callbacks;
${sets.map((index) => `const B${index} = bits[${index}];`).join(' ')}
${numbers.map((t) => `const t${t} = tables[${t}];`).join(' ')}
return function update(count, slots, batch, masks, periods) {
  const { usageBytes, timesMs${sets.length > 0 ? ', apps' : ''}${stays.some(({ isCellNeeded }) => isCellNeeded) ? ', cells' : ''} } = batch;
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
    ${stays.map((stay) => this.#takeStay(stay)).join('\n    ')}
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

  /**
   * What the record adds to a stay, as stayOf() has it. Records that do not match end one, so this
   * runs for all of them.
   */
  #takeStay({ counterIndex, where, place, gapMs, isCellNeeded }: StayCell): string {
    const { table, offset } = place
    const latest = `f${table}[o${table} + ${offset >>> 3}]`
    const added = `s${counterIndex}`
    const newer = `timesMs[i] >= ${latest} && timesMs[i] >= -${latest}`
    return [
      `let ${added} = 0;`,
      `if (${isCellNeeded ? 'cells[i] !== 0 && ' : ''}${newer}) {`,
      ...(table === 0 ? [] : [`  ${this.#touch(table)}`]),
      `  if ((m & ${1 << where}) === 0) ${latest} = -timesMs[i];`,
      '  else {',
      `    if (${latest} > 0 && timesMs[i] - ${latest} <= ${gapMs}) ${added} = timesMs[i] - ${latest};`,
      `    ${latest} = timesMs[i];`,
      '  }',
      '}',
    ].join('\n    ')
  }

  #touch(table: number): string {
    const page = `slot >>> ${this.#tables[table]!.pageShift}`
    return `if (flags${table}[${page}] !== 1) t${table}.touchPage(${page});`
  }

  /** Values before the update, for triggers that fire on the edge only. */
  #before(): string {
    const { cells, conditions } = this.#compiled
    const lines: string[] = []
    for (const [index, cell] of cells.entries()) {
      if (!conditions.some((trigger) => trigger.isEdge && readsCell(trigger, cell))) continue
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
    if (cell.interest !== null) {
      return [`addInterest(${this.#compiled.cells.indexOf(cell)}, slot, timesMs[i]);`]
    }
    if (cell.apps !== null) return this.#updateApps(cell, cell.apps)
    if (table !== 0) lines.push(this.#touch(table))
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

  /** The chunk of a set may lie in another table than its first. */
  #updateApps(cell: CounterCell, { bitOf, places }: AppSet): string[] {
    const index = this.#compiled.cells.indexOf(cell)
    const lines = [`const a${index} = apps[i] < ${bitOf.length} ? B${index}[apps[i]] : -1;`]
    for (const [chunk, { table, offset }] of places[0]!.entries()) {
      const word = `w${table}[x${table} + ${offset >>> 2} + ((a${index} >>> 5) & 1)]`
      const isHere = `a${index} >= ${chunk * CHUNK_BITS} && a${index} < ${(chunk + 1) * CHUNK_BITS}`
      const touch = table === 0 ? '' : `${this.#touch(table)} `
      lines.push(`if (${isHere}) { ${touch}${word} |= 1 << (a${index} & 31); }`)
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
    for (const [index, trigger] of this.#compiled.conditions.entries()) {
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
        if (cell.apps !== null) return appsSource(cell.apps, previous)
        const place = cell.previousPlaces[previous - 1]
        assert(place !== undefined, 'a condition reads further back than the counter keeps')
        return countedSource(cell, `f${place.table}[o${place.table} + ${place.offset >>> 3}]`)
      },
      tag: (tag) => compiled.tagSource(tag),
      list: (list) => `(meta & ${1 << (META_LISTS_SHIFT + LIST_NAMES.indexOf(list))}) !== 0`,
      field: (field) => compiled.fieldSource(field),
      has: (field) => compiled.hasSource(field),
      column: noColumns,
    }
  }

  /** Value of a cell as of the record's period. A sliding window may stand at an earlier one. */
  #runningSource(cell: CounterCell): string {
    if (cell.interest !== null) {
      const minute = `Math.floor(timesMs[i] / ${MS_PER_MINUTE})`
      return `readSliding(${this.#compiled.cells.indexOf(cell)}, slot, ${minute})`
    }
    if (cell.apps !== null) return appsSource(cell.apps, 0)
    const value = countedSource(cell, valueSource(cell))
    if (cell.counterWindow.kind !== 'sliding') return value
    const index = this.#compiled.cells.indexOf(cell)
    const key = `k${cell.unit}`
    return `(${stampSource(cell)} === ${key} ? ${value} : readSliding(${index}, slot, ${key}))`
  }

  /** Conditions over sliding windows that have gone on to a later period are not judged. */
  #keptTests(trigger: CompiledCondition): string[] {
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

/** Number of different apps, some periods back. */
function appsSource({ places }: AppSet, back: number): string {
  const words = places[back]!.flatMap(({ table, offset }) => [
    `w${table}[x${table} + ${offset >>> 2}]`,
    `w${table}[x${table} + ${(offset >>> 2) + 1}]`,
  ])
  return words.map((word) => `countBits(${word})`).join(' + ')
}

/** Days are kept as bits and read as their number, except over a lifetime. */
function countedSource(cell: CounterCell, source: string): string {
  const isBits =
    cell.counter.aggregate === 'distinct-days' && cell.counterWindow.kind !== 'lifetime'
  return isBits ? `countBits(${source})` : source
}

function readsCell(trigger: CompiledCondition, cell: CounterCell): boolean {
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
    case 'dwell':
      return `${target} += s${cell.counterIndex};`
    case 'distinct-days':
    case 'distinct-apps':
    case 'interest':
      throw new Error('these are not combined')
  }
}

/** Open: the latch's stamp is behind the record's period, or the period's bit is clear. */
function latchOpenSource({ latch, spec }: CompiledCondition): string {
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
