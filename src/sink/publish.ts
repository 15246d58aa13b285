/** One publish, one answer: the only place where messages leave for JetStream. */

import { type JetStreamPublishOptions, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import type { PublishOutcome } from '../model/ports.ts'
import { brokerError, isRefusal, isStreamFull, isWrongLastSequence } from './broker-errors.ts'
import { brokerLink } from './broker-link.ts'

/** How long an answer may take before it counts as unknown. */
export const PUBLISH_TIMEOUT_MS = 5_000

/** Where to publish and under which conditions. */
export interface PublishRequest {
  readonly stream: string
  readonly subject: string
  readonly data: Uint8Array
  /** Sent as `Nats-Expected-Last-Sequence`; null: without. */
  readonly expectedLastSequence: number | null
  /** Sent as `Nats-Msg-Id`; null: without. */
  readonly messageId: string | null
}

/** Publishes over one connection. Made once per stream. */
export interface Publisher {
  /**
   * Sends once, never again. Sends nothing while disconnected: it waits for the connection first,
   * and answers `unknown` when that takes too long.
   * @throws {BrokerRefusedError} when the server refuses for good (size, rights, no such subject in
   *   the stream)
   */
  publish(request: PublishRequest): Promise<PublishOutcome>
}

/** Makes the publisher of a connection, which stays the caller's. */
export function createPublisher(
  connection: NatsConnection,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): Publisher {
  const client = jetstream(connection)
  const link = brokerLink(connection)
  return {
    async publish(request: PublishRequest): Promise<PublishOutcome> {
      const { stream, subject, data } = request
      try {
        await link.untilConnected(timeoutMs)
        const options = publishOptions(request, timeoutMs)
        const ack = await link.whileConnected(client.publish(subject, data, options))
        return { kind: 'stored', sequence: ack.seq }
      } catch (error) {
        if (isWrongLastSequence(error)) return { kind: 'refused' }
        if (isStreamFull(error)) return { kind: 'full' }
        if (isRefusal(error)) throw brokerError(error, `publish to ${subject} (${stream})`)
        return { kind: 'unknown', cause: error }
      }
    },
  }
}

function publishOptions(
  request: PublishRequest,
  timeoutMs: number,
): Partial<JetStreamPublishOptions> {
  // The stream is named so that a subject that strayed into another stream is refused, not stored
  // there.
  const expect: { streamName: string; lastSequence?: number } = { streamName: request.stream }
  if (request.expectedLastSequence !== null) expect.lastSequence = request.expectedLastSequence
  const options: Partial<JetStreamPublishOptions> = { timeout: timeoutMs, retries: 1, expect }
  if (request.messageId !== null) options.msgID = request.messageId
  return options
}
