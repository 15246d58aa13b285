/** Whose turn it is in the naive policy model: timers, and those who wait for their channel. */

import { isPending, type ModelCandidate, type ModelRow } from './rows.ts'

/** Latches that open again at an instant. */
export interface Reopening {
  readonly dueMs: number
  readonly candidate: ModelCandidate
}

/** One whose turn may come: a row, or latches that open again. */
export interface Turn {
  readonly dueMs: number
  readonly candidate: ModelCandidate
  readonly number: number
  readonly row: ModelRow | null
}

/** The turn of a row. */
export function turnOf(row: ModelRow): Turn {
  const { dueMs, candidate, number } = row
  return { dueMs, candidate, number, row }
}

/** By layer, priority, due time, age. */
export function compareTurns(left: Turn, right: Turn): number {
  return (
    left.candidate.layer - right.candidate.layer ||
    left.candidate.priority - right.candidate.priority ||
    left.dueMs - right.dueMs ||
    left.number - right.number
  )
}

function compareDeadlines(left: Turn, right: Turn): number {
  return left.row!.deadlineMs - right.row!.deadlineMs || compareTurns(left, right)
}

/**
 * Whose turn it is now: of those who wait for a channel the one whose time there is over; else the
 * timer that is due first, unless somebody goes before it by rank who waits and may leave.
 */
export function nextTurn(
  rows: readonly ModelRow[],
  reopenings: readonly Reopening[],
  nowMs: number,
  mayLeave: (row: ModelRow) => boolean,
): Turn | null {
  const turns = rows.filter(isPending).map(turnOf)
  const lines = turns.filter(({ row }) => row?.status === 'waiting')
  const over = lines.filter(({ row }) => row!.deadlineMs <= nowMs)
  if (over.length > 0) return over.sort(compareDeadlines)[0]!
  const reopened = reopenings.map(
    ({ dueMs, candidate }): Turn => ({ dueMs, candidate, number: candidate.number, row: null }),
  )
  const [timer = null] = [...turns.filter(({ row }) => row?.status === 'pending'), ...reopened]
    .filter(({ dueMs }) => dueMs <= nowMs)
    .sort((left, right) => left.dueMs - right.dueMs || compareTurns(left, right))
  const [first = null] = lines.filter(({ row }) => mayLeave(row!)).sort(compareTurns)
  if (timer === null || first === null) return timer ?? first
  return compareTurns(first, timer) < 0 ? first : timer
}
