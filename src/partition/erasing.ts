/**
 * Erasure: at its position in the log everything known of a subscriber goes. Rows are cleared and
 * used again, last given up, first used, so that no order depends on anything outside the image;
 * what was decided and waits for its time is cancelled, and counted without a decision, which would
 * name the subscriber again.
 *
 * What the file of the store still holds of it goes with the next image (checkpointer.ts).
 */

import { SUPPRESSION_REASONS } from '../model/decision.ts'
import { RejectError } from '../model/reject.ts'
import { partitionOf } from '../model/wire.ts'
import { isPending, ROW_JOURNEY, ROW_PENDING, ROW_REOPEN, ROW_WAITING } from '../state/ledger.ts'
import type { CapacityGate } from './capacity-gate.ts'
import type { PartitionCore } from './core.ts'

const ERASED = SUPPRESSION_REASONS.indexOf('erased')

/**
 * Forgets these subscribers; who is not known is passed over. Throws RejectError, then nothing was
 * changed, when one belongs to another partition.
 */
export function eraseSubscribers(
  core: PartitionCore,
  subscribers: readonly number[],
  capacity: CapacityGate,
): void {
  const { partition, partitionCount } = core.genesis
  for (const [index, subscriber] of subscribers.entries()) {
    if (partitionOf(subscriber, partitionCount) === partition) continue
    const position = `subs[${index}]`
    throw new RejectError('wrong-partition', position, 'this subscriber belongs to another one')
  }
  const cancelled = new Set<number>()
  for (const subscriber of subscribers) {
    const slot = core.index.find(subscriber)
    if (slot === -1) continue
    forgetDeliveries(core, slot, cancelled, capacity)
    for (const table of core.tables) if (table.id > 0) table.clearRow(slot)
    core.index.remove(subscriber, slot)
    core.incarnations.bump(subscriber)
    core.statistics.subscribersErased += 1
    core.erasureSequence = core.inputSequence
  }
  core.heap.removeAll(cancelled)
}

/** Frees a subscriber's rows of the ledger; adds the candidates whose timers are to go. */
function forgetDeliveries(
  core: PartitionCore,
  slot: number,
  cancelled: Set<number>,
  capacity: CapacityGate,
): void {
  const { ledger, statistics, members } = core
  for (const number of [...ledger.rowsOf(slot)]) {
    const row = ledger.read(number)
    const { status, id, trigger } = row
    const hasTimer = status === ROW_PENDING || status === ROW_REOPEN || status === ROW_JOURNEY
    if (hasTimer) cancelled.add(id)
    if (status === ROW_JOURNEY) members.add(row, -1)
    if (status === ROW_WAITING) capacity.forget(number, row)
    if (isPending(status)) {
      statistics.suppressed[ERASED]! += 1
      core.countsOf(core.layout.triggers[trigger]!.id).suppressed += 1
    }
    ledger.free(number)
  }
}
