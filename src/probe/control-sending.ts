/** Control messages on their way into the logs of their partitions. */

import { BrokerUnavailableError, StreamFullError } from '../errors.ts'
import type { ControlWriter } from '../model/ports.ts'

const ATTEMPTS_MAX = 5
const RETRY_MS = 200

/** What sending needs from outside. */
export interface ControlPorts {
  readonly partitionCount: number
  readonly controlOf: (partition: number) => ControlWriter
  /** An id that was never used before, beginning with `kind`: a partition applies each once. */
  readonly newId: (kind: string) => string
  readonly pause: (ms: number) => Promise<unknown>
}

/**
 * Publishes until the log says where the message stands: what may be stored or not is published
 * again, and its id makes that harmless.
 * @throws StreamFullError, BrokerUnavailableError
 */
export async function storeControl(
  partition: number,
  data: Uint8Array,
  ports: ControlPorts,
): Promise<number> {
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
