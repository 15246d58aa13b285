/** Retries: a dropped candidate gives its latch back at the next opening of the contact window. */

import { nextOpening } from '../decision/contact-window.ts'
import { assert } from '../errors.ts'
import type { TriggerSpec } from '../model/catalog.ts'
import { type LedgerRow, ROW_REOPEN } from '../state/ledger.ts'
import { dueRank } from './capacity.ts'
import type { PartitionCore } from './core.ts'
import type { Latches } from './latches.ts'

/**
 * A trigger that retries gets its latch back at the next opening. Not after an attempt went out:
 * its successor would bear an id that was used already.
 */
export function reopenLater(
  core: PartitionCore,
  row: LedgerRow,
  { isRetrying, contactWindow }: TriggerSpec,
): void {
  if (!isRetrying || row.attempt > 1) return
  assert(contactWindow !== null)
  const dueMs = nextOpening(contactWindow, core.clockOf(row.slot), core.clockMs)
  if (dueMs === Number.POSITIVE_INFINITY) return
  const number = core.ledger.add({ ...row, dueMs, status: ROW_REOPEN })
  core.heap.push(dueMs, dueRank(row), row.id, number)
}

/** The contact window opens: the latches of a dropped candidate (its row) open with it. */
export function reopen(core: PartitionCore, latches: Latches, number: number): void {
  const row = core.ledger.read(number)
  const trigger = core.compiled.triggerByCode(row.trigger)
  core.ledger.free(number)
  if (trigger === undefined || trigger.spec.once !== row.once) return
  latches.set(trigger, row.slot, row.period, false)
  latches.releaseTagging(trigger, row.slot, row.tagging)
}
