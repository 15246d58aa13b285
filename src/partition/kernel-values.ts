/**
 * How generated code reads what a row holds, with the row's addresses in scope: `g`, `o`, `x`, `f`
 * and `w` with a table's number, `k` with a unit's for the record's period, `slot`, `i` for the
 * record, `meta` for the row's meta word. Sources are made of offsets, numbers and operators.
 */

import { assert } from '../errors.ts'
import { LIST_NAMES } from '../model/expression.ts'
import type { ExpressionBinding } from '../rules/emit.ts'
import type { AppSet } from '../state/app-sets.ts'
import type { CounterCell } from '../state/counter-places.ts'
import { META_LISTS_SHIFT } from '../state/layout.ts'
import type { PagedTable } from '../state/paged-table.ts'
import { CYCLE } from '../state/periods.ts'
import { MS_PER_MINUTE } from '../state/zone.ts'
import type { CompiledCatalog, CompiledCondition } from './compile.ts'

const noColumns = (): never => {
  throw new Error('a condition over a subscriber reads no record')
}

/** Sources of the values of one catalog. */
export class KernelValues {
  readonly #compiled: CompiledCatalog

  constructor(compiled: CompiledCatalog) {
    this.#compiled = compiled
  }

  /** Leaves of conditions; `runningSource`: of a running counter. */
  binding(runningSource: (cell: CounterCell) => string): ExpressionBinding {
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
  runningSource(cell: CounterCell): string {
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
  keptTests(trigger: CompiledCondition): string[] {
    return this.#compiled.cells
      .filter((cell) => cell.counterWindow.kind === 'sliding' && readsCell(trigger, cell))
      .map((cell) => `${stampSource(cell)} <= k${cell.unit}`)
  }

  /** Position among the cells of one whose value before the record some condition asks for. */
  edgeCells(): number[] {
    const { cells, conditions } = this.#compiled
    return [...cells.keys()].filter((index) =>
      conditions.some((trigger) => trigger.isEdge && readsCell(trigger, cells[index]!)),
    )
  }
}

/** Where `slot`'s row of a table is; `f` and `w` are in scope where the table has one segment. */
export function addressSource(
  tables: readonly PagedTable[],
  number: number,
  hasOneSegment = false,
): string {
  const table = tables[number]!
  const doubles = table.strideSize >>> 3
  if (hasOneSegment) return `const o${number} = slot * ${doubles}, x${number} = o${number} * 2;`
  const mask = (1 << table.segmentShift) - 1
  return (
    `const g${number} = slot >>> ${table.segmentShift}, o${number} = (slot & ${mask}) * ${doubles}, ` +
    `x${number} = o${number} * 2, f${number} = F${number}[g${number}], w${number} = W${number}[g${number}];`
  )
}

/** A cell's double as it stands. */
export function valueSource(cell: CounterCell): string {
  return `f${cell.table}[o${cell.table} + ${cell.valueOffset >>> 3}]`
}

/** The period that a cell stands at. */
export function stampSource(cell: CounterCell): string {
  return `w${cell.table}[x${cell.table} + ${cell.stampOffset >>> 2}]`
}

/** Whether a condition asks for a cell's value, running or past. */
export function readsCell(trigger: CompiledCondition, cell: CounterCell): boolean {
  return trigger.references.counters.some(
    (each) => each.counter === cell.counter.name && each.counterWindow === cell.counterWindow.key,
  )
}

/** Open: the latch's stamp is behind the record's period, or the period's bit is clear. */
export function latchOpenSource({ latch, spec }: CompiledCondition): string {
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
