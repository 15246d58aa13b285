/**
 * Counters as cells of rows: how they roll into a new period, take a late record and are read as of
 * any period still kept. This is the general path, for rollovers, late records, profile changes and
 * views; the running period is updated by generated code (partition/kernel.ts) with the same
 * meaning.
 *
 * Cells are doubles. distinct-days holds a bit per day of its period; a sliding window holds its
 * total and a ring of buckets, the bucket of period k at k mod n; lifetime distinct-days holds a
 * count and the bits of the last 31 days, the running one lowest.
 */

import { assert } from '../errors.ts'
import type { CounterSpec } from '../model/catalog.ts'
import { addApp, countApps, rollApps } from './app-sets.ts'
import { countBits } from './bits.ts'
import type { CounterCell, StampGroup } from './counter-places.ts'
import { addInterest, readInterest } from './interests.ts'
import type { PagedTable } from './paged-table.ts'
import { DAY, firstDayOfCycle, firstDayOfMonth } from './periods.ts'
import { MS_PER_MINUTE } from './zone.ts'

/** What of a usage record a counter takes in. */
export interface CountedRecord {
  usageBytes: number
  timeMs: number
  app: number
  /** What the record adds to the counter's stay, ms; see stays.ts. */
  stayMs: number
}

/** Moves a row's cells of one group forward to period `key`, which is later than their stamp. */
export function rollForward(
  tables: readonly PagedTable[],
  row: number,
  group: StampGroup,
  key: number,
): void {
  const table = tables[group.table]!
  const steps = key - table.getI32(row, group.stampOffset)
  assert(steps > 0)
  table.setI32(row, group.stampOffset, key)
  const f64 = table.f64[table.segmentOf(row)]!
  const base = table.f64Index(row)
  for (const cell of group.cells) {
    if (cell.counterWindow.kind !== 'calendar') {
      rollRing(f64, base, cell, key, steps)
      continue
    }
    if (cell.apps !== null) {
      rollApps(tables, row, cell.apps, steps)
      continue
    }
    const { previousPlaces } = cell
    for (let back = previousPlaces.length; back >= 1; back--) {
      const from = back - steps
      const source = from < 0 ? 0 : readPast(tables, row, cell, from)
      const { table: target, offset } = previousPlaces[back - 1]!
      tables[target]!.setF64(row, offset, source)
    }
    f64[base + (cell.valueOffset >>> 3)] = 0
  }
}

/** A calendar cell's double `back` periods before its stamp. */
function readPast(
  tables: readonly PagedTable[],
  row: number,
  cell: CounterCell,
  back: number,
): number {
  if (back === 0) return tables[cell.table]!.getF64(row, cell.valueOffset)
  const { table, offset } = cell.previousPlaces[back - 1]!
  return tables[table]!.getF64(row, offset)
}

function rollRing(
  f64: Float64Array,
  base: number,
  cell: CounterCell,
  key: number,
  steps: number,
): void {
  const value = base + (cell.valueOffset >>> 3)
  const ring = base + (cell.ringOffset >>> 3)
  if (cell.counterWindow.kind === 'lifetime') {
    f64[ring] = steps > 30 ? 0 : ((f64[ring]! << steps) & 0x7fff_ffff) >>> 0
    return
  }
  const { bucketCount } = cell.counterWindow
  if (cell.counter.aggregate === 'distinct-days') {
    const mask = 2 ** bucketCount - 1
    f64[value] = steps >= bucketCount ? 0 : (f64[value]! * 2 ** steps) % (mask + 1)
    return
  }
  for (let step = 0; step < Math.min(steps, bucketCount); step++) {
    f64[ring + positiveModulo(key - step, bucketCount)] = 0
  }
  f64[value] = totalOfRing(f64, ring, cell)
}

function totalOfRing(f64: Float64Array, ring: number, cell: CounterCell): number {
  const { bucketCount } = cell.counterWindow
  const isSum = isAdding(cell)
  let total = 0
  for (let i = 0; i < bucketCount; i++) {
    const bucket = f64[ring + i]!
    total = isSum ? total + bucket : Math.max(total, bucket)
  }
  return total
}

/** Whether buckets add up; of the others the largest counts. */
function isAdding({ counter }: CounterCell): boolean {
  return counter.aggregate !== 'max' && counter.aggregate !== 'last-time'
}

/**
 * Adds a record to a cell whose stamp is at or after the record's period `key` (dayKey: its day).
 * Returns false when the cell no longer keeps that period.
 */
export function addToCell(
  tables: readonly PagedTable[],
  row: number,
  cell: CounterCell,
  record: CountedRecord,
  key: number,
  dayKey: number,
  cycleDay: number,
): boolean {
  if (cell.interest !== null) {
    addInterest(tables, row, cell.interest, record.timeMs, cell.interest.spec.weight)
    return true
  }
  const table = tables[cell.table]!
  table.touch(row)
  const f64 = table.f64[table.segmentOf(row)]!
  const base = table.f64Index(row)
  const value = base + (cell.valueOffset >>> 3)
  const back = cell.unit === -1 ? 0 : table.getI32(row, cell.stampOffset) - key
  assert(back >= 0)
  const { kind, bucketCount } = cell.counterWindow
  const { aggregate } = cell.counter
  if (kind === 'calendar') {
    if (back > cell.previousPlaces.length) return false
    if (cell.apps !== null) {
      addApp(tables, row, cell.apps, back, record.app)
      return true
    }
    const place = back === 0 ? cell : cell.previousPlaces[back - 1]!
    const offset = back === 0 ? cell.valueOffset : cell.previousPlaces[back - 1]!.offset
    const before = readPast(tables, row, cell, back)
    const after =
      aggregate === 'distinct-days'
        ? (before | dayBit(cell.unit, key, dayKey, cycleDay)) >>> 0
        : combine(aggregate, before, record)
    tables[place.table]!.setF64(row, offset, after)
    return true
  }
  if (cell.apps !== null) {
    addApp(tables, row, cell.apps, 0, record.app)
    return true
  }
  if (aggregate === 'distinct-days') return addDistinctDay(f64, base, cell, back)
  if (kind === 'lifetime') {
    f64[value] = combine(aggregate, f64[value]!, record)
    return true
  }
  if (back >= bucketCount) return false
  const bucket = base + (cell.ringOffset >>> 3) + positiveModulo(key, bucketCount)
  f64[bucket] = combine(aggregate, f64[bucket]!, record)
  f64[value] = combine(aggregate, f64[value]!, record)
  return true
}

function addDistinctDay(f64: Float64Array, base: number, cell: CounterCell, back: number): boolean {
  const value = base + (cell.valueOffset >>> 3)
  if (cell.counterWindow.kind === 'sliding') {
    if (back >= cell.counterWindow.bucketCount) return false
    f64[value] = (f64[value]! | (1 << back)) >>> 0
    return true
  }
  if (back > 30) return false
  const recent = base + (cell.ringOffset >>> 3)
  if (((f64[recent]! >>> back) & 1) === 0) {
    f64[recent] = (f64[recent]! | (1 << back)) >>> 0
    f64[value]! += 1
  }
  return true
}

/** Bit of a day within its week, month or cycle. */
export function dayBit(unit: number, key: number, dayKey: number, cycleDay: number): number {
  if (unit === DAY) return 1
  if (unit === 2) return 1 << (dayKey - (key * 7 - 3))
  if (unit === 3) return 1 << (dayKey - firstDayOfMonth(key))
  return 1 << Math.min(31, Math.max(0, dayKey - firstDayOfCycle(key, cycleDay)))
}

function combine(
  aggregate: CounterSpec['aggregate'],
  value: number,
  record: CountedRecord,
): number {
  switch (aggregate) {
    case 'sum':
      return value + record.usageBytes
    case 'count':
      return value + 1
    case 'max':
      return Math.max(value, record.usageBytes)
    case 'last-time':
      return Math.max(value, record.timeMs)
    case 'dwell':
      return value + record.stayMs
    case 'distinct-days':
    case 'distinct-apps':
    case 'interest':
      return value
  }
}

/** Not kept any more: no condition may be judged on it. */
export const NOT_KEPT = Number.NaN

/**
 * Value of a cell as of period `key`, `previous` periods back. A row whose stamp is behind has
 * nothing in the periods since; NOT_KEPT when the period is older than what the cell keeps. For an
 * interest the period is a minute.
 */
export function readCell(
  tables: readonly PagedTable[],
  row: number,
  cell: CounterCell,
  key: number,
  previous: number,
): number {
  if (cell.interest !== null) return readInterest(tables, row, cell.interest, key * MS_PER_MINUTE)
  const table = tables[cell.table]!
  const f64 = table.f64[table.segmentOf(row)]!
  const base = table.f64Index(row)
  const value = f64[base + (cell.valueOffset >>> 3)]!
  const isDistinct = cell.counter.aggregate === 'distinct-days'
  if (cell.counterWindow.kind === 'lifetime') {
    return cell.apps === null ? value : countApps(tables, row, cell.apps, 0)
  }
  const back = table.getI32(row, cell.stampOffset) - key + previous
  if (cell.counterWindow.kind === 'calendar') {
    if (back < 0) return 0
    if (back > cell.previousPlaces.length) return NOT_KEPT
    if (cell.apps !== null) return countApps(tables, row, cell.apps, back)
    const kept = readPast(tables, row, cell, back)
    return isDistinct ? countBits(kept) : kept
  }
  if (back > 0) return NOT_KEPT
  const { bucketCount } = cell.counterWindow
  if (-back >= bucketCount) return 0
  if (isDistinct) return countBits((value * 2 ** -back) % 2 ** bucketCount)
  if (back === 0) return value
  return readRing(f64, base + (cell.ringOffset >>> 3), cell, key, key + back)
}

/** Total of the buckets of (key - n, stamp], for a stamp before `key`. */
function readRing(
  f64: Float64Array,
  ring: number,
  cell: CounterCell,
  key: number,
  stamp: number,
): number {
  const { bucketCount } = cell.counterWindow
  const isSum = isAdding(cell)
  let total = 0
  for (let period = key - bucketCount + 1; period <= stamp; period++) {
    const bucket = f64[ring + positiveModulo(period, bucketCount)]!
    total = isSum ? total + bucket : Math.max(total, bucket)
  }
  return total
}

/** Non-negative remainder. */
export function positiveModulo(value: number, modulus: number): number {
  const remainder = value % modulus
  return remainder < 0 ? remainder + modulus : remainder
}
