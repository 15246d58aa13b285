/**
 * What a stream holds, asked of its leader: direct gets may be answered by a follower that lags
 * behind.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  type JetStreamManager,
  jetstreamManager,
  type StoredMsg,
  type StreamInfo,
} from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { BrokerRefusedError } from '../errors.ts'
import type { StreamState } from '../model/ports.ts'
import { brokerError, isStreamMissing } from './broker-errors.ts'
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
      const info = await manager.askPresent(`state of ${stream}`, (m) => m.streams.info(stream))
      return streamStateOf(info)
    },
    read(sequence: number): Promise<StoredMsg | null> {
      return manager.askPresent(`message ${sequence} of ${stream}`, (m) =>
        m.streams.getMessage(stream, { seq: sequence }),
      )
    },
  }
}

/** JetStream's management API, asked over a link that notices a lost connection. */
export interface Manager {
  /** @throws {BrokerUnavailableError | BrokerRefusedError | StreamFullError} */
  ask<T>(what: string, request: (manager: JetStreamManager) => Promise<T>): Promise<T>
  /**
   * The same of a stream that was there before. A server that is starting may not know its streams
   * yet: it must deny them several times, half a second apart, before it is believed.
   */
  askPresent<T>(what: string, request: (manager: JetStreamManager) => Promise<T>): Promise<T>
}

const MISSING_ANSWERS_MAX = 4
const MISSING_RETRY_MS = 500

/** Makes the manager of a connection without asking the server anything. */
export async function createManager(
  connection: NatsConnection,
  timeoutMs: number,
): Promise<Manager> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: timeoutMs })
  const link: BrokerLink = brokerLink(connection)
  const ask: Manager['ask'] = async (what, request) => {
    try {
      await link.untilConnected(timeoutMs)
      return await link.whileConnected(request(manager))
    } catch (error) {
      throw brokerError(error, what)
    }
  }
  return {
    ask,
    async askPresent<T>(what: string, request: (manager: JetStreamManager) => Promise<T>) {
      for (let missingAnswers = 1; ; missingAnswers++) {
        try {
          return await ask(what, request)
        } catch (error) {
          if (missingAnswers >= MISSING_ANSWERS_MAX || !isStreamMissing(error)) throw error
        }
        await sleep(MISSING_RETRY_MS)
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
