/** What the bench asks of every engine, and how peers get at the log and say what fired. */

import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { decode } from '@msgpack/msgpack'
import type { NatsConnection } from 'nats'
import { type InputBlock, periodOf } from './input.ts'

/** An engine with its state filled or to be filled. */
export interface Engine {
  readonly name: string
  /** Versions and settings, for people. */
  readonly settings: string
  /**
   * Takes records of the log until it has seen `records` of them, counted from the first; resolves
   * with the ms that took when JetStream holds all that they made fire.
   */
  advance(records: number): Promise<number>
  /** All that JetStream holds of its deliveries, as `subscriber period`; throws on a double. */
  firings(): Promise<ReadonlySet<string>>
  stop(): Promise<void>
}

/** Usage batches that wait in the client at most: 20 kB each. */
const MESSAGES_AHEAD = 256
/** Deliveries that wait for JetStream's word at most. */
const UNACKNOWLEDGED_MAX = 256
const READ_EXPIRES_MS = 5_000

/** The log's usage, batch by batch, as the client of NATS brings it: an ordered consumer. */
export class UsageFeed {
  readonly #connection: NatsConnection
  /** Records read so far, and the place in IN_0 behind them. */
  #records = 0
  #nextSequence = 1

  constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  /** Hands over every batch up to record `until`, one after the other. */
  async read(
    until: number,
    take: (block: InputBlock, sequence: number) => Promise<void> | void,
  ): Promise<void> {
    if (this.#records >= until) return
    const client = jetstream(this.#connection)
    const consumer = await client.consumers.get('IN_0', {
      filter_subjects: 'usage.>',
      opt_start_seq: this.#nextSequence,
    })
    const messages = await consumer.consume({
      max_messages: MESSAGES_AHEAD,
      expires: READ_EXPIRES_MS,
    })
    for await (const message of messages) {
      const block = decodeUsage(message.data, this.#records)
      const taken = take(block, message.seq)
      if (taken !== undefined) await taken
      this.#records += block.count
      this.#nextSequence = message.seq + 1
      if (this.#records >= until) break
    }
    await messages.close()
  }
}

/** A peer's deliveries: one message each, in a stream of its own on file storage. */
export class DeliveryStream {
  readonly #connection: NatsConnection
  readonly #client: JetStreamClient
  readonly #name: string
  readonly #underWay = new Set<Promise<void>>()

  private constructor(connection: NatsConnection, name: string) {
    this.#connection = connection
    this.#client = jetstream(connection)
    this.#name = name
  }

  static async open(connection: NatsConnection, name: string): Promise<DeliveryStream> {
    const manager = await jetstreamManager(connection)
    await manager.streams.add({ name, subjects: [`${name}.deliveries`] })
    return new DeliveryStream(connection, name)
  }

  /** Publishes one; waits only when many are under way. The id lets JetStream drop a double. */
  async deliver(subscriber: number, month: number): Promise<void> {
    const period = periodOf(month)
    const data = JSON.stringify({ trigger: 'data-pack', subscriber, period, message: MESSAGE })
    const msgID = `data-pack:${subscriber}:${period}`
    const stored = this.#client
      .publish(`${this.#name}.deliveries`, data, { msgID, timeout: 30_000 })
      .then(() => {
        this.#underWay.delete(stored)
      })
    this.#underWay.add(stored)
    if (this.#underWay.size >= UNACKNOWLEDGED_MAX) await Promise.race(this.#underWay)
  }

  /** Resolves when JetStream has acknowledged them all. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async firings(): Promise<ReadonlySet<string>> {
    const firings = new Set<string>()
    await readStream(this.#connection, this.#name, (data) => {
      const { subscriber, period } = JSON.parse(new TextDecoder().decode(data))
      addOnce(firings, `${subscriber} ${period}`)
    })
    return firings
  }
}

/** What a delivery says. */
export const MESSAGE = 'Reply VIP: 5 yuan a month, 100 MB of 4G data, doubled in the first month.'

/** Reads all that a stream holds now, in order. */
export async function readStream(
  connection: NatsConnection,
  stream: string,
  take: (data: Uint8Array) => void,
): Promise<void> {
  const manager = await jetstreamManager(connection)
  const { state } = await manager.streams.info(stream)
  if (state.messages === 0) return
  const consumer = await jetstream(connection).consumers.get(stream)
  const messages = await consumer.consume({ max_messages: 1_000, expires: READ_EXPIRES_MS })
  for await (const message of messages) {
    take(message.data)
    if (message.seq >= state.last_seq) break
  }
  await messages.close()
}

/** @throws when it is there already: somebody would hear of it twice */
export function addOnce(firings: Set<string>, key: string): void {
  if (firings.has(key)) throw new Error(`delivered twice: ${key}`)
  firings.add(key)
}

/** Columns of a usage message, copied out since they lie unaligned in it. */
function decodeUsage(data: Uint8Array, first: number): InputBlock {
  const batch = decode(data) as Record<'sub' | 'bytes' | 'time' | 'rat' | 'kind', Uint8Array> & {
    n: number
  }
  const doubles = (column: Uint8Array) => new Float64Array(new Uint8Array(column).buffer)
  return {
    first,
    count: batch.n,
    subscribers: doubles(batch.sub),
    usageBytes: doubles(batch.bytes),
    timesMs: doubles(batch.time),
    rats: batch.rat,
    kinds: batch.kind,
  }
}
