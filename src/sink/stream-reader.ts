/**
 * What a stream holds, asked of its leader: direct gets may be answered by a follower that lags
 * behind.
 */

import {
  type JetStreamManager,
  jetstreamManager,
  type StoredMsg,
  type StreamInfo,
} from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { BrokerRefusedError } from '../errors.ts'
import type { StreamState } from '../model/ports.ts'
import { brokerError } from './broker-errors.ts'
import { type BrokerLink, brokerLink } from './broker-link.ts'

/** Reads one stream of a connection. */
export interface StreamReader {
  /** @throws {BrokerUnavailableError | BrokerRefusedError} */
  state(): Promise<StreamState>
  /** The stored message, or null when the stream does not hold it. */
  read(sequence: number): Promise<StoredMsg | null>
}

/** Makes the reader of a stream; the connection stays the caller's. */
export async function createStreamReader(
  connection: NatsConnection,
  stream: string,
  timeoutMs: number,
): Promise<StreamReader> {
  const manager = await createManager(connection, timeoutMs)
  return {
    async state(): Promise<StreamState> {
      return streamStateOf(await manager.ask(`state of ${stream}`, (m) => m.streams.info(stream)))
    },
    read(sequence: number): Promise<StoredMsg | null> {
      return manager.ask(`message ${sequence} of ${stream}`, (m) =>
        m.streams.getMessage(stream, { seq: sequence }),
      )
    },
  }
}

/** JetStream's management API, asked over a link that notices a lost connection. */
export interface Manager {
  /** @throws {BrokerUnavailableError | BrokerRefusedError | StreamFullError} */
  ask<T>(what: string, request: (manager: JetStreamManager) => Promise<T>): Promise<T>
}

/** Makes the manager of a connection without asking the server anything. */
export async function createManager(
  connection: NatsConnection,
  timeoutMs: number,
): Promise<Manager> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: timeoutMs })
  const link: BrokerLink = brokerLink(connection)
  return {
    async ask<T>(what: string, request: (manager: JetStreamManager) => Promise<T>): Promise<T> {
      try {
        await link.untilConnected(timeoutMs)
        return await link.whileConnected(request(manager))
      } catch (error) {
        throw brokerError(error, what)
      }
    },
  }
}

/** The part of STREAM.INFO that the partition compares over time. */
export function streamStateOf(info: StreamInfo): StreamState {
  const { first_seq: firstSequence, last_seq: lastSequence } = info.state
  if (!Number.isSafeInteger(lastSequence)) {
    throw new BrokerRefusedError(`${info.config.name} has a last sequence beyond 2^53`)
  }
  return { created: String(info.created), firstSequence, lastSequence }
}
