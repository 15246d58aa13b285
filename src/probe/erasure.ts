/** Erasures on their way into the logs of their partitions. */

import { BrokerUnavailableError, StreamFullError } from '../errors.ts'
import type { ErasureReceipt } from '../model/erasure.ts'
import type { ControlWriter } from '../model/ports.ts'
import { ERASE_SUBSCRIBERS_MAX, partitionOf } from '../model/wire.ts'
import { encodeErase } from './encode.ts'

const ATTEMPTS_MAX = 5
const RETRY_MS = 200

/** What sending needs from outside. */
export interface ErasurePorts {
  readonly partitionCount: number
  readonly controlOf: (partition: number) => ControlWriter
  /** An id that was never used before: the partition applies each once. */
  readonly newId: () => string
  readonly pause: (ms: number) => Promise<unknown>
}

/**
 * Publishes the erasure of these subscribers: per partition, in messages of a bounded size. What
 * may be stored or not is published again with the same id, which erases once.
 * @throws StreamFullError, BrokerUnavailableError
 */
export async function sendErasures(
  subscribers: readonly number[],
  ports: ErasurePorts,
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
      const id = ports.newId()
      const data = encodeErase({ id, subscribers: some })
      const sequence = await store(partition, data, ports)
      receipts.push({ id, partition, sequence, count: some.length })
    }
  }
  return receipts
}

/** Publishes until the log says where the message stands. */
async function store(partition: number, data: Uint8Array, ports: ErasurePorts): Promise<number> {
  let cause: unknown = null
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const outcome = await ports.controlOf(partition).publish(data, null)
    if (outcome.kind === 'stored') return outcome.sequence
    if (outcome.kind === 'full') throw new StreamFullError(`IN_${partition} is full`)
    if (outcome.kind === 'unknown') cause = outcome.cause
    await ports.pause(RETRY_MS)
  }
  throw new BrokerUnavailableError(`IN_${partition} did not answer`, { cause })
}
