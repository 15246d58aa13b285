/**
 * What a reload means for members of journeys: those of a removed journey are ended, those of an
 * edited one begin again or leave where it says so. Members are found in slices, a bounded number
 * of ledger rows per input, so that millions of them are no stall; who is met before by a timer
 * follows then. Who goes on where they stand needs no pass.
 */

import { ROW_JOURNEY } from '../state/ledger.ts'
import type { PartitionCore } from './core.ts'
import type { Journeys } from './journeys.ts'

/** Rows that one input moves at most, and looks at. */
export const MOVED_PER_INPUT_MAX = 10_000
const SCANNED_PER_INPUT_MAX = 100_000

/** A configuration came into force: whether there is anybody to look for. */
export function beginFollowing(core: PartitionCore): void {
  const { compiled, members } = core
  const isAsked = members.codes().some((code) => {
    const journey = compiled.journeyByCode(code)
    return journey === undefined || (journey.spec.onEdit !== 'continue' && journey.image.edits > 0)
  })
  if (isAsked) core.journeySweep = 0
}

/** Goes on with the pass over the ledger by one slice. */
export function followSlice(core: PartitionCore, journeys: Journeys): void {
  if (core.journeySweep === -1) return
  const { ledger, heap, compiled } = core
  let moved = 0
  let scanned = 0
  while (core.journeySweep < ledger.table.rowCount) {
    if (moved >= MOVED_PER_INPUT_MAX || scanned >= SCANNED_PER_INPUT_MAX) return
    const number = core.journeySweep++
    scanned += 1
    if (ledger.status(number) !== ROW_JOURNEY) continue
    const row = ledger.read(number)
    const journey = compiled.journeyByCode(row.trigger)
    if (journey === undefined) {
      heap.discard(row.id)
      journeys.end(number, row, 'left', 'removed')
    } else if (journey.spec.onEdit !== 'continue' && row.detail !== journey.image.edits) {
      heap.discard(row.id)
      journeys.follow(number, row, journey)
    } else continue
    moved += 1
  }
  core.journeySweep = -1
}
