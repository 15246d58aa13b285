/**
 * The update pass as generated code: one loop over the records of a batch, in log order, with every
 * offset, mask and threshold a constant. Generated because the same work through an interpreter
 * costs about thirty times as much per condition (bench/kernels). Only offsets, finite numbers and
 * operators reach the source; no text of a configuration does.
 *
 * Per record: mark the pages, roll the periods forward, add to the counters whose `where` matches,
 * judge the triggers that read one of them and whose latch is open (kernel-judgements.ts). What is
 * late in any period leaves for the general path (judging.ts).
 */

import type { UsageBatch } from '../model/usage.ts'
import { type AppSet, CHUNK_BITS } from '../state/app-sets.ts'
import type { CounterCell, StampGroup } from '../state/counter-places.ts'
import { META_OFFSET, META_OWN_PERIODS_MASK } from '../state/layout.ts'
import type { PagedTable } from '../state/paged-table.ts'
import { DAY, UNIT_COUNT } from '../state/periods.ts'
import type { CompiledCatalog, StayCell } from './compile.ts'
import { beforeSources, JudgementSource } from './kernel-judgements.ts'
import { addressSource, stampSource, valueSource } from './kernel-values.ts'

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
  /** Where the pass ends; what is called back may move it, not before the next record. */
  readonly span: { readonly end: number }
  /** An interest (position among the cells) takes a record in. */
  addInterest(cell: number, slot: number, timeMs: number): void
}

/**
 * Applies records from `first` on, up to the end of the callbacks' span, to slots. `periods`: a
 * column per calendar unit; `masks`: matching `where` bits.
 */
export type UpdateKernel = (
  first: number,
  slots: Int32Array,
  batch: UsageBatch,
  masks: Int32Array,
  periods: readonly Int32Array[],
) => void

/**
 * Generates the update pass for a compiled catalog over its tables. `haveOneSegment`: none has
 * more, and the pass need not find a row's segment; generate it anew before one gets a second.
 */
export function generateUpdateKernel(
  compiled: CompiledCatalog,
  tables: readonly PagedTable[],
  callbacks: KernelCallbacks,
  haveOneSegment: boolean,
): UpdateKernel {
  const units = [...Array(UNIT_COUNT).keys()].filter((unit) => compiled.units.has(unit))
  const judgements = new JudgementSource(compiled, tables, units)
  const source = new KernelSource(compiled, tables, units, judgements, haveOneSegment).emit()
  const bits = compiled.cells.map(({ apps }) => apps?.bitOf)
  const make = new Function('tables', 'callbacks', 'bits', 'judging', source)
  return make(tables, callbacks, bits, judgements.tables) as UpdateKernel
}

class KernelSource {
  readonly #compiled: CompiledCatalog
  readonly #tables: readonly PagedTable[]
  /** Those whose keys the loop needs. */
  readonly #units: readonly number[]
  readonly #judgements: JudgementSource
  readonly #haveOneSegment: boolean

  constructor(
    compiled: CompiledCatalog,
    tables: readonly PagedTable[],
    units: readonly number[],
    judgements: JudgementSource,
    haveOneSegment: boolean,
  ) {
    this.#compiled = compiled
    this.#tables = tables
    this.#units = units
    this.#judgements = judgements
    this.#haveOneSegment = haveOneSegment
  }

  emit(): string {
    const numbers = this.#tables.map((_, number) => number)
    const { cells, stays } = this.#compiled
    const hasSliding = cells.some(({ counterWindow }) => counterWindow.kind === 'sliding')
    const isOne = this.#haveOneSegment
    const sets = cells.flatMap(({ apps }, index) => (apps === null ? [] : [index]))
    return `'use strict';
const { roll, ownPeriods, ownKeys, late, lateForWindow, fire, dayBit, readSliding, countBits, addInterest, span } = callbacks;
${sets.map((index) => `const B${index} = bits[${index}];`).join(' ')}
${numbers.map((t) => `const t${t} = tables[${t}];`).join(' ')}
${this.#judgements.declarations()}
return function update(first, slots, batch, masks, periods) {
  ${this.#judgements.perBatch()}
  const { usageBytes, timesMs${sets.length > 0 ? ', apps' : ''}${stays.some(({ isCellNeeded }) => isCellNeeded) ? ', cells' : ''} } = batch;
  ${numbers.map((t) => `const flags${t} = t${t}.pageFlags, F${t} = t${t}.f64, W${t} = t${t}.i32;`).join('\n  ')}
  ${isOne ? numbers.map((t) => `const f${t} = F${t}[0], w${t} = W${t}[0];`).join(' ') : ''}
  ${this.#units.map((u) => `const K${u} = periods[${u}];`).join(' ')}
  for (let i = first; i < span.end; i++) {
    const slot = slots[i], m = masks[i];
    ${numbers.map((t) => addressSource(this.#tables, t, isOne)).join('\n    ')}
    ${this.#markPages()}
    ${this.#units.map((u) => `let k${u} = K${u}[i];`).join(' ')}
    const meta = w0[x0 + ${META_OFFSET >>> 2}];
    if ((meta & ${META_OWN_PERIODS_MASK}) !== 0) {
      ownPeriods(meta, timesMs[i]);
      ${this.#units.map((u) => `k${u} = ownKeys[${u}];`).join(' ')}
    }
    ${this.#rollGroups()}
    ${stays.map((stay) => this.#takeStay(stay)).join('\n    ')}
    if (m === 0) continue;
    ${hasSliding ? 'let isLate = false;' : ''}
    ${beforeSources(this.#compiled).join('\n    ')}
    ${this.#updates()}
    ${hasSliding ? 'if (isLate) lateForWindow();' : ''}
    ${this.#judgements.perRecord()}
  }
};`
  }

  /**
   * Table 0 changes with every record (periods at least once a day); others where their cells are
   * touched.
   */
  #markPages(): string {
    const hot = this.#tables[0]!
    const page = `slot >>> ${hot.pageShift}`
    return `if (flags0[${page}] !== 1) t0.touch(slot);`
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
    return `if (flags${table}[${page}] !== 1) t${table}.touch(slot);`
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
