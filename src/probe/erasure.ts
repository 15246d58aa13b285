/** Erasures on their way into the logs of their partitions. */

import type { ErasureReceipt } from '../model/erasure.ts'
import { ERASE_SUBSCRIBERS_MAX, partitionOf } from '../model/wire.ts'
import { type ControlPorts, storeControl } from './control-sending.ts'
import { encodeErase } from './encode.ts'

/**
 * Publishes the erasure of these subscribers: per partition, in messages of a bounded size. What
 * may be stored or not is published again with the same id, which erases once.
 * @throws StreamFullError, BrokerUnavailableError
 */
export async function sendErasures(
  subscribers: readonly number[],
  ports: ControlPorts,
): Promise<ErasureReceipt[]> {
  const byPartition = new Map<number, number[]>()
  for (const subscriber of new Set(subscribers)) {
    const partition = partitionOf(subscriber, ports.partitionCount)
    const known = byPartition.get(partition)
    if (known === undefined) byPartition.set(partition, [subscriber])
    else known.push(subscriber)
  }
  const receipts: ErasureReceipt[] = []
  for (const [partition, all] of byPartition) {
    for (let first = 0; first < all.length; first += ERASE_SUBSCRIBERS_MAX) {
      const some = all.slice(first, first + ERASE_SUBSCRIBERS_MAX)
      const id = ports.newId('erase')
      const data = encodeErase({ id, subscribers: some })
      const sequence = await storeControl(partition, data, ports)
      receipts.push({ id, partition, sequence, count: some.length })
    }
  }
  return receipts
}
