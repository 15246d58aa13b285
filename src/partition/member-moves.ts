/** Rows of members: how one begins, and how it moves from step to step. */

import { waitedInstant } from '../decision/wait.ts'
import { type LedgerRow, ROW_FREE } from '../state/ledger.ts'
import { setStepNumber } from '../state/member.ts'
import { civilOf, dayOfCivil } from '../state/periods.ts'
import type { CompiledJourney } from './compile-journeys.ts'
import type { PartitionCore } from './core.ts'

const CALENDAR = { civilOf, dayOfCivil }
/** Number of no step: behind the last. */
export const BEHIND = -1

/** The row of somebody who is about to enter; its number, period and times are the caller's. */
export function newMember(core: PartitionCore, journey: CompiledJourney, slot: number): LedgerRow {
  return {
    id: 0,
    dueMs: 0,
    expiresAtMs: 0,
    firedAtMs: 0,
    notAfterMs: 0,
    plannedMs: 0,
    values: [0, 0, 0, 0],
    slot,
    trigger: journey.code,
    period: 0,
    once: journey.spec.once,
    generation: core.generation,
    priority: 0,
    status: ROW_FREE,
    attempt: 1,
    incarnation: core.incarnations.of(core.subscriberOf(slot)),
    shape: 0,
    calendar: 0,
    value: 0,
    layer: 0,
    channel: 0,
    class: 0,
    isCounted: false,
    isIgnoringCaps: false,
    isCanary: false,
    experiment: 0,
    reason: 0,
    detail: journey.image.edits,
    winner: 0,
    tagging: 0,
  }
}

/**
 * Moves a member on to the step at a position, counted from the row's due time. The caller writes
 * the row and sets its timer.
 */
export function moveMember(
  core: PartitionCore,
  row: LedgerRow,
  { steps, spec }: CompiledJourney,
  position: number,
): void {
  const step = steps[position]
  core.members.add(row, -1)
  setStepNumber(row, step?.number ?? BEHIND)
  core.members.add(row, 1)
  row.dueMs =
    step === undefined
      ? row.dueMs + spec.stayMs
      : waitedInstant(step.spec.wait, core.clockOf(row.slot), CALENDAR, row.dueMs)
  row.plannedMs = row.dueMs
}
