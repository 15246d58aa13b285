/**
 * What the ledger may forget: sent deliveries that no feedback can be about and no cap can count
 * any more, and refusals that were remembered long enough to be explained.
 */

import { ROW_EMITTED, ROW_REFUSED, ROW_RESOLVED } from '../state/ledger.ts'
import { MS_PER_DAY } from '../state/zone.ts'
import { loopOf } from './attribution.ts'
import type { PartitionCore } from './core.ts'
import type { Reservations } from './reservations.ts'

/**
 * Ledger rows that one input's clean-up looks at; after usage two, and one for each
 * 64 bytes of it: few records make few rows, and millions of small inputs a second look at enough.
 */
const CLEANUP_ROWS = 16
const CLEANUP_ROWS_MIN = 2
const CLEANUP_USAGE_SIZE = 64
/**
 * Sent deliveries are remembered at least this long after they could last be sent, for feedback.
 */
const REMEMBERED_MS = 35 * MS_PER_DAY
/** And at least this long after the end of their attribution window. */
const REPORTED_MS = 3 * MS_PER_DAY

/**
 * Looks at the next few ledger rows and frees those that nothing refers to any more. `usageSize`:
 * bytes of the input if it is usage, else null.
 */
export function forgetRows(
  core: PartitionCore,
  reservations: Reservations,
  usageSize: number | null,
): void {
  const { ledger } = core
  const { rowCount } = ledger.table
  const wanted =
    usageSize === null
      ? CLEANUP_ROWS
      : CLEANUP_ROWS_MIN + Math.floor(usageSize / CLEANUP_USAGE_SIZE)
  const rows = Math.min(CLEANUP_ROWS, wanted, rowCount)
  for (let i = 0; i < rows; i++) {
    const number = core.cleanupRow % rowCount
    core.cleanupRow = (number + 1) % rowCount
    if (isForgettable(core, reservations, number)) ledger.free(number)
  }
}

function isForgettable(core: PartitionCore, reservations: Reservations, number: number): boolean {
  const { ledger, clockMs } = core
  const status = ledger.status(number)
  if (status === ROW_REFUSED) {
    return clockMs > ledger.notAfterMs(number) + core.compiled.policy.rememberedMs
  }
  if (status !== ROW_EMITTED && status !== ROW_RESOLVED) return false
  // Most end here: sixteen whole rows per input would cost more than a small input does.
  if (clockMs <= ledger.notAfterMs(number) + REMEMBERED_MS) return false
  const row = ledger.read(number)
  // What happened in the attribution window may be reported a little later.
  if (clockMs <= row.dueMs + loopOf(core, row.trigger).attributionMs + REPORTED_MS) return false
  return !reservations.isCountable(row)
}
