/** OUT_<p> on JetStream: the chain of decisions. */

import type { NatsConnection } from 'nats'
import { PartitionHaltedError } from '../errors.ts'
import type { OutputStream } from '../model/ports.ts'
import { openChainStream } from './chain-stream.ts'
import { PUBLISH_TIMEOUT_MS } from './publish.ts'
import { outputStreamName, outputSubject } from './stream-names.ts'

/**
 * Opens the output stream of a partition, as `openChainStream` does. Reading throws
 * PartitionHaltedError `output-gap` when the stream does not hold a message.
 */
export function openOutputStream(
  connection: NatsConnection,
  partition: number,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): Promise<OutputStream> {
  const place = {
    stream: outputStreamName(partition),
    subject: outputSubject(partition),
    missing: (message: string) => new PartitionHaltedError('output-gap', message),
  }
  return openChainStream(connection, place, timeoutMs)
}
