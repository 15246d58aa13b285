/** `control.<p>` in IN_<p>: ticks of the owner, configs (compared and set by sequence), genesis. */

import type { NatsConnection } from 'nats'
import type { ControlWriter, PublishOutcome } from '../model/ports.ts'
import { createPublisher, PUBLISH_TIMEOUT_MS } from './publish.ts'
import { controlSubject, inputStreamName } from './stream-names.ts'

/**
 * Opens the writer of a partition; asks the server nothing yet. The connection stays the caller's.
 */
export function openControlWriter(
  connection: NatsConnection,
  partition: number,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): ControlWriter {
  const publisher = createPublisher(connection, timeoutMs)
  const stream = inputStreamName(partition)
  const subject = controlSubject(partition)
  return {
    publish(data: Uint8Array, expectedLastSequence: number | null): Promise<PublishOutcome> {
      return publisher.publish({ stream, subject, data, expectedLastSequence, messageId: null })
    },
  }
}

/** Opens writers of partitions as they are asked for, each once. */
export function openControlWriters(
  connection: NatsConnection,
): (partition: number) => ControlWriter {
  const writers = new Map<number, ControlWriter>()
  return (partition) => {
    const writer = writers.get(partition) ?? openControlWriter(connection, partition)
    writers.set(partition, writer)
    return writer
  }
}
