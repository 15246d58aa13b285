/** Cancellations on their way into the logs. */

import type { CancelReceipt, CancelRequest } from '../model/cancellation.ts'
import { partitionOf } from '../model/wire.ts'
import { type ControlPorts, storeControl } from './control-sending.ts'
import { encodeCancel } from './encode.ts'

/**
 * Publishes a cancellation to the subscriber's partition, or to all.
 * @throws StreamFullError, BrokerUnavailableError
 */
export async function sendCancellation(
  request: CancelRequest,
  ports: ControlPorts,
): Promise<CancelReceipt[]> {
  const { partitionCount } = ports
  const { subscriber } = request
  const partitions =
    subscriber === null
      ? Array.from({ length: partitionCount }, (_, partition) => partition)
      : [partitionOf(subscriber, partitionCount)]
  const id = ports.newId('cancel')
  const data = encodeCancel({ id, ...request })
  const receipts: CancelReceipt[] = []
  for (const partition of partitions) {
    const sequence = await storeControl(partition, data, ports)
    receipts.push({ id, partition, sequence })
  }
  return receipts
}
