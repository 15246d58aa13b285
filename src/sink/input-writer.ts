/** Publishing into IN_<p> for producers: probes, profile sources, gateways. */

import type { NatsConnection } from 'nats'
import { BrokerRefusedError, StreamFullError } from '../errors.ts'
import { brokerError } from './broker-errors.ts'
import { createPublisher, PUBLISH_TIMEOUT_MS } from './publish.ts'
import { inputStreamName } from './stream-names.ts'

/** Publishes messages of one partition and waits for the server's word that they are stored. */
export interface InputWriter {
  /**
   * Resolves when the message is stored. Never retries: after BrokerUnavailableError the message
   * may be stored or not, and the same message (same probe, epoch, seq) may be published again.
   * Many may be under way at once; the caller bounds how many.
   * @throws {StreamFullError} the stream is at its limit: try again later
   * @throws {BrokerUnavailableError} no answer
   * @throws {BrokerRefusedError} too large, no rights, or no such subject in the stream
   */
  publish(subject: string, data: Uint8Array): Promise<void>
}

/**
 * Opens the writer of a partition; asks the server nothing yet. The connection stays the caller's.
 */
export function openInputWriter(
  connection: NatsConnection,
  partition: number,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): InputWriter {
  const publisher = createPublisher(connection, timeoutMs)
  const stream = inputStreamName(partition)
  return {
    async publish(subject: string, data: Uint8Array): Promise<void> {
      const outcome = await publisher.publish({
        stream,
        subject,
        data,
        expectedLastSequence: null,
        messageId: null,
      })
      if (outcome.kind === 'stored') return
      if (outcome.kind === 'full') throw new StreamFullError(`${stream} is full`)
      if (outcome.kind === 'unknown') throw brokerError(outcome.cause, `publish to ${subject}`)
      throw new BrokerRefusedError(`${stream} refused a message without an expectation`)
    },
  }
}
