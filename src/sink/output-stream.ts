/**
 * OUT_<p> on JetStream: the chain of decisions, published one by one and read back from the leader.
 */

import type { NatsConnection } from 'nats'
import { PartitionHaltedError } from '../errors.ts'
import type { OutputMessage, OutputStream, PublishOutcome, StreamState } from '../model/ports.ts'
import { createPublisher, PUBLISH_TIMEOUT_MS, type Publisher } from './publish.ts'
import { outputStreamName, outputSubject } from './stream-names.ts'
import { createStreamReader, type StreamReader } from './stream-reader.ts'

/** Reads asked for ahead of the one that is waited for: hides the round trip, bounds the memory. */
const READS_AHEAD_MAX = 32

/**
 * Opens the output stream of a partition; asks the server nothing yet. The connection stays the
 * caller's. A claim's or a message's fate after `unknown` is found by `state` and `read`, both from
 * the leader.
 */
export async function openOutputStream(
  connection: NatsConnection,
  partition: number,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): Promise<OutputStream> {
  const reader = await createStreamReader(connection, outputStreamName(partition), timeoutMs)
  return new JetStreamOutput(partition, reader, createPublisher(connection, timeoutMs))
}

class JetStreamOutput implements OutputStream {
  readonly #stream: string
  readonly #subject: string
  readonly #reader: StreamReader
  readonly #publisher: Publisher

  constructor(partition: number, reader: StreamReader, publisher: Publisher) {
    this.#stream = outputStreamName(partition)
    this.#subject = outputSubject(partition)
    this.#reader = reader
    this.#publisher = publisher
  }

  state(): Promise<StreamState> {
    return this.#reader.state()
  }

  /** No Nats-Msg-Id: a duplicate would be answered with another message's sequence (design 10). */
  publish(data: Uint8Array, expectedLastSequence: number | null): Promise<PublishOutcome> {
    return this.#publisher.publish({
      stream: this.#stream,
      subject: this.#subject,
      data,
      expectedLastSequence,
      messageId: null,
    })
  }

  /** @throws {PartitionHaltedError} `output-gap` when the stream does not hold one of them */
  async *read(firstSequence: number, lastSequence: number): AsyncGenerator<OutputMessage> {
    const reads: Promise<OutputMessage>[] = []
    let nextSequence = firstSequence
    for (let sequence = firstSequence; sequence <= lastSequence; sequence++) {
      while (nextSequence <= lastSequence && reads.length < READS_AHEAD_MAX) {
        const read = this.#readOne(nextSequence++)
        // The reader may stop early or fail on an earlier one; the rest must not end the process.
        read.catch(() => undefined)
        reads.push(read)
      }
      yield await reads.shift()!
    }
  }

  /** Nothing of its own to close: requests under way end by themselves. */
  async close(): Promise<void> {}

  async #readOne(sequence: number): Promise<OutputMessage> {
    const stored = await this.#reader.read(sequence)
    if (stored === null) {
      throw new PartitionHaltedError('output-gap', `${this.#stream} does not hold ${sequence}`)
    }
    return { sequence, data: stored.data }
  }
}
