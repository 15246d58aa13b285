/** The desk of offers on request of a worker process, over its partitions and its connection. */

import { createHash } from 'node:crypto'
import { PartitionOfferDesk } from '../partition/offer-desk.ts'
import { SYSTEM_CLOCK } from '../partition/system-clock.ts'
import type { AcceptRequest } from '../model/offer.ts'
import type { ControlPorts } from '../probe/control-sending.ts'
import { createErrandWriter } from '../probe/encode-errand.ts'
import type { Supervisor } from '../supervisor.ts'

/** What was shown gets this long into the log when the worker stops. */
export const OFFERS_STOP_MS = 2_000

/** Makes the desk; it owns nothing of what it is given. */
export function createOfferDesk(
  supervisor: Supervisor,
  { partitionCount, controlOf, newId }: ControlPorts,
): PartitionOfferDesk {
  return new PartitionOfferDesk({
    partitionCount,
    workerOf: (partition) => supervisor.worker(partition),
    log: createErrandWriter(controlOf),
    clock: SYSTEM_CLOCK,
    newId,
    idOfKey,
  })
}

/**
 * One key may be used for different customers by who numbers conversations: so the id is of all
 * that the acceptance says.
 */
function idOfKey(key: string, { subscriber, trigger, channel }: AcceptRequest): string {
  const text = JSON.stringify([key, subscriber, trigger, channel])
  return `accept-${createHash('sha256').update(text).digest('base64url')}`
}
