/**
 * Cancellations by an operator: pending deliveries of a trigger, a channel or a subscriber are
 * taken back. They count as gone from the cancellation's position on; the decisions that say so
 * follow in slices, so that millions of them are no stall.
 */

import type { ControlMessage } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import { partitionOf } from '../model/wire.ts'
import { nameOf } from '../state/layout.ts'
import { isPending, type LedgerRow } from '../state/ledger.ts'
import type { PartitionCore } from './core.ts'

/** Rows that one input drops at most, and looks at. */
export const CANCELLED_PER_INPUT_MAX = 10_000
const SCANNED_PER_INPUT_MAX = 100_000
/** Cancellations under way at most; the image holds them. */
const CANCELLATIONS_MAX = 64

/** One that is under way: plain data, part of the image. */
export interface Cancellation {
  /** null: any. At least one is given. */
  readonly trigger: string | null
  readonly channel: string | null
  /** Candidates with smaller numbers only: what fires later is not meant. */
  readonly beforeId: number
  /** Ledger row that the next slice begins with. */
  nextRow: number
}

/** Takes back a row that waits for its time. */
export type Withdraw = (number: number, row: LedgerRow) => void

/** Whether the row is taken back, though its decision may not have been said yet. */
export function isCancelled(core: PartitionCore, row: LedgerRow): boolean {
  return core.cancellations.some((cancellation) => isMeant(core, row, cancellation))
}

/**
 * Begins a cancellation; of one subscriber it is done at once. Throws RejectError when the
 * subscriber belongs to another partition, or too many cancellations are under way.
 */
export function beginCancellation(
  core: PartitionCore,
  { trigger, channel, subscriber }: Omit<ControlMessage & { kind: 'cancel' }, 'kind' | 'id'>,
  withdraw: Withdraw,
): void {
  if (subscriber === null) {
    if (core.cancellations.length >= CANCELLATIONS_MAX) {
      const detail = `${CANCELLATIONS_MAX} cancellations are under way already`
      throw new RejectError('out-of-range', 'kind', detail)
    }
    core.cancellations.push({ trigger, channel, beforeId: core.nextCandidateId, nextRow: 0 })
    return
  }
  const { partition, partitionCount } = core.genesis
  if (partitionOf(subscriber, partitionCount) !== partition) {
    throw new RejectError('wrong-partition', 'sub', 'this subscriber belongs to another one')
  }
  cancelOfSubscriber(core, subscriber, { trigger, channel }, withdraw)
}

/** Drops the pending rows of one subscriber that are meant, oldest first. */
function cancelOfSubscriber(
  core: PartitionCore,
  subscriber: number,
  meant: Pick<Cancellation, 'trigger' | 'channel'>,
  withdraw: Withdraw,
): void {
  const slot = core.index.find(subscriber)
  if (slot === -1) return
  const cancellation = { ...meant, beforeId: core.nextCandidateId, nextRow: 0 }
  for (const number of [...core.ledger.rowsOf(slot)].reverse()) {
    if (!isPending(core.ledger.status(number))) continue
    const row = core.ledger.read(number)
    if (isMeant(core, row, cancellation)) withdraw(number, row)
  }
}

/** Goes on with the cancellations under way, the oldest first, by one slice. */
export function cancelSlice(core: PartitionCore, withdraw: Withdraw): void {
  let dropped = 0
  let scanned = 0
  while (core.cancellations.length > 0) {
    const cancellation = core.cancellations[0]!
    const { ledger } = core
    while (cancellation.nextRow < ledger.table.rowCount) {
      if (dropped >= CANCELLED_PER_INPUT_MAX || scanned >= SCANNED_PER_INPUT_MAX) return
      const number = cancellation.nextRow++
      scanned += 1
      if (!isPending(ledger.status(number))) continue
      const row = ledger.read(number)
      if (!isMeant(core, row, cancellation)) continue
      dropped += 1
      withdraw(number, row)
    }
    core.cancellations.shift()
  }
}

/** The channel that counts is the one it would go out on now, as for caps (`followEdits`). */
function isMeant(
  core: PartitionCore,
  row: LedgerRow,
  { trigger, channel, beforeId }: Cancellation,
): boolean {
  const { layout, compiled } = core
  if (row.id >= beforeId) return false
  if (trigger !== null && layout.triggers[row.trigger]!.id !== trigger) return false
  if (channel === null) return true
  const current = compiled.triggerByCode(row.trigger)?.policy.channel ?? row.channel
  return nameOf(layout, current) === channel
}
