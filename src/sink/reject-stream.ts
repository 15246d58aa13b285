/**
 * REJ_<p> on JetStream: at least once, repeats within the server's window dropped by `Nats-Msg-Id`.
 */

import type { NatsConnection } from 'nats'
import type { PublishOutcome, RejectStream } from '../model/ports.ts'
import { createPublisher, PUBLISH_TIMEOUT_MS } from './publish.ts'
import { rejectStreamName, rejectSubject } from './stream-names.ts'

/**
 * Opens the reject stream of a partition; asks the server nothing yet. The connection stays the
 * caller's.
 */
export function openRejectStream(
  connection: NatsConnection,
  partition: number,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): RejectStream {
  const publisher = createPublisher(connection, timeoutMs)
  const stream = rejectStreamName(partition)
  const subject = rejectSubject(partition)
  return {
    publish(data: Uint8Array, messageId: string): Promise<PublishOutcome> {
      return publisher.publish({ stream, subject, data, expectedLastSequence: null, messageId })
    },
  }
}
