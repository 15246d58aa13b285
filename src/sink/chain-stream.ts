/**
 * A stream with one writer at a time on JetStream: published one by one, each expecting the last
 * sequence, and read back from the leader. OUT_<p> and the gateway's GATE are such streams.
 */

import type { NatsConnection } from 'nats'
import type { OutputMessage, OutputStream, PublishOutcome, StreamState } from '../model/ports.ts'
import { createPublisher, type Publisher } from './publish.ts'
import { createStreamReader, type StreamReader } from './stream-reader.ts'

/** Reads asked for ahead of the one that is waited for: hides the round trip, bounds the memory. */
const READS_AHEAD_MAX = 32

/** Which stream it is, and how it fails. */
export interface ChainPlace {
  readonly stream: string
  readonly subject: string
  /** The error that a message that should be there and is not is read as. */
  readonly missing: (message: string) => Error
}

/**
 * Opens a chain; asks the server nothing yet. The connection stays the caller's. A claim's or a
 * message's fate after `unknown` is found by `state` and `read`, both from the leader.
 */
export async function openChainStream(
  connection: NatsConnection,
  place: ChainPlace,
  timeoutMs: number,
): Promise<OutputStream> {
  const reader = await createStreamReader(connection, place.stream, timeoutMs)
  return new ChainStream(place, reader, createPublisher(connection, timeoutMs))
}

class ChainStream implements OutputStream {
  readonly #place: ChainPlace
  readonly #reader: StreamReader
  readonly #publisher: Publisher

  constructor(place: ChainPlace, reader: StreamReader, publisher: Publisher) {
    this.#place = place
    this.#reader = reader
    this.#publisher = publisher
  }

  state(): Promise<StreamState> {
    return this.#reader.state()
  }

  /** No Nats-Msg-Id: a duplicate would be answered with another message's sequence (design 10). */
  publish(data: Uint8Array, expectedLastSequence: number | null): Promise<PublishOutcome> {
    const { stream, subject } = this.#place
    return this.#publisher.publish({ stream, subject, data, expectedLastSequence, messageId: null })
  }

  /** @throws what `missing` makes when the stream does not hold one of them */
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
    if (stored !== null) return { sequence, data: stored.data }
    throw this.#place.missing(`${this.#place.stream} does not hold ${sequence}`)
  }
}
