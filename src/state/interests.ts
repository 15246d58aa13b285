/**
 * Interests: scores that fade continuously with event time. Two doubles: the score, and the instant
 * as of which it stands. What comes late counts with what time has left of it, so the order in
 * which records arrive does not matter.
 */

import type { InterestSpec } from '../model/catalog.ts'
import type { Place } from './layout.ts'
import type { PagedTable } from './paged-table.ts'

/** Scores read in conditions must stay far from where doubles end. */
const START_MAX = 1e15

/** Where one interest lives, and how it moves. */
export interface InterestCell {
  readonly spec: InterestSpec
  readonly score: Place
  readonly time: Place
  /** The profile field that it starts from, and the bit that says whether it is set. */
  readonly start: { readonly value: Place; readonly isSet: Place } | null
}

/** The score as of an instant; before the first change it is what the profile says. */
export function readInterest(
  tables: readonly PagedTable[],
  row: number,
  cell: InterestCell,
  timeMs: number,
): number {
  const sinceMs = tables[cell.time.table]!.getF64(row, cell.time.offset)
  if (sinceMs === 0) return startOf(tables, row, cell)
  const score = tables[cell.score.table]!.getF64(row, cell.score.offset)
  return timeMs > sinceMs ? score * fading(cell, timeMs - sinceMs) : score
}

/** Adds to the score what happened at an instant. */
export function addInterest(
  tables: readonly PagedTable[],
  row: number,
  cell: InterestCell,
  timeMs: number,
  weight: number,
): void {
  const sinceMs = tables[cell.time.table]!.getF64(row, cell.time.offset)
  if (sinceMs !== 0 && timeMs < sinceMs) {
    const score = tables[cell.score.table]!.getF64(row, cell.score.offset)
    const left = weight * fading(cell, sinceMs - timeMs)
    tables[cell.score.table]!.setF64(row, cell.score.offset, score + left)
    return
  }
  setInterest(tables, row, cell, timeMs, readInterest(tables, row, cell, timeMs) + weight)
}

/** Lets the score stand at a value as of an instant. */
export function setInterest(
  tables: readonly PagedTable[],
  row: number,
  cell: InterestCell,
  timeMs: number,
  score: number,
): void {
  tables[cell.score.table]!.setF64(row, cell.score.offset, score)
  tables[cell.time.table]!.setF64(row, cell.time.offset, timeMs)
}

/** What the profile says, or 0. */
export function startOf(tables: readonly PagedTable[], row: number, cell: InterestCell): number {
  if (cell.start === null) return 0
  const { value, isSet } = cell.start
  if (((tables[isSet.table]!.getI32(row, isSet.offset) >>> isSet.bit) & 1) === 0) return 0
  const start = tables[value.table]!.getF64(row, value.offset)
  return Math.max(-START_MAX, Math.min(START_MAX, start))
}

/** The share that is left after a time. */
function fading({ spec }: InterestCell, elapsedMs: number): number {
  return 2 ** (-elapsedMs / spec.halfLifeMs)
}
