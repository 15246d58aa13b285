/** Whether a log that is there already is the one that the settings mean. */

import { decodeControl } from '../decode/control.ts'
import { BrokerRefusedError } from '../errors.ts'
import type { ControlMessage } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'

/**
 * Genesis that is there already must be ours: another partition count would scatter subscribers.
 * `first`: the log's first message; null: retention took it, or there is none yet.
 *
 * @throws {BrokerRefusedError} when it names another count
 */
export function checkGenesis(
  partition: number,
  partitionCount: number,
  first: { readonly data: Uint8Array } | null,
): void {
  if (first === null) return
  let control: ControlMessage
  try {
    control = decodeControl(first.data)
  } catch (error) {
    // The partition halts over it when it applies it, and the process goes on to say so.
    if (error instanceof RejectError) return
    throw error
  }
  if (control.kind === 'genesis' && control.partitionCount !== partitionCount) {
    const text = `IN_${partition} was made for ${control.partitionCount} partitions, not ${partitionCount}`
    throw new BrokerRefusedError(text)
  }
}
