/**
 * IN_<p> on JetStream, read in order from a sequence that the partition chose. The position is
 * ours: no acks, no redelivery. Whatever is lost (connection, consumer, broker), a new consumer
 * starts after the last message that was queued, so the queue never repeats or skips what the
 * stream still holds.
 */

import { JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { createInbox, type NatsConnection } from 'nats'
import { assert, BrokerRefusedError, BrokerUnavailableError, HighwaterError } from '../errors.ts'
import type { FrameReceiver } from '../model/frame.ts'
import type { InputMessage, Source, StreamState } from '../model/ports.ts'
import { MessageQueue } from './message-queue.ts'
import { createPullConsumer, PullConsumer } from './pull-consumer.ts'

/** What the source needs to know of the connection; sink/broker-link has it. */
export interface ConnectionLink {
  untilConnected(timeoutMs: number): Promise<void>
  whileConnected<T>(answer: Promise<T>): Promise<T>
  onChange(callback: (state: 'connected' | 'disconnected' | 'closed') => void): () => void
  divert(subscription: number, receiver: FrameReceiver): () => void
}

/** Settings of one source. */
export interface JetStreamSourceSettings {
  readonly stream: string
  /** Bytes of messages held at most, at least 2 MiB. Default 32 MiB. */
  readonly bufferSizeMax?: number
  /** Messages held at most, at least 16. Default 16,384. */
  readonly bufferMessagesMax?: number
  /** How long an answer of the server may take. Default 5,000. */
  readonly requestTimeoutMs?: number
  /** As in the connection's settings, for users with narrow rights. */
  readonly inboxPrefix?: string | null
}

const BUFFER_SIZE_MAX = 32 * 1024 ** 2
const BUFFER_MESSAGES_MAX = 16_384
const REQUEST_TIMEOUT_MS = 5_000
const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 2_000
/**
 * A server that is starting may not know its streams yet: it must say so several times, seconds
 * apart.
 */
const STREAM_MISSING_ANSWERS_MAX = 4
const STREAM_MISSING_RETRY_MS = 500
const STREAM_NOT_FOUND_CODE = 10059
const PASSING_CODES: ReadonlySet<number> = new Set([10005, 10119])

/**
 * Makes a source; it asks the server nothing until `open`. Connection and link stay the caller's.
 */
export async function createJetStreamSource(
  connection: NatsConnection,
  link: ConnectionLink,
  settings: JetStreamSourceSettings,
): Promise<Source> {
  const timeout = settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout })
  return new JetStreamSource(connection, link, manager, settings)
}

class JetStreamSource implements Source {
  readonly #connection: NatsConnection
  readonly #link: ConnectionLink
  readonly #manager: JetStreamManager
  readonly #stream: string
  readonly #timeoutMs: number
  readonly #inboxPrefix: string | undefined
  readonly #queue: MessageQueue
  #consumer: PullConsumer | null = null
  #nextSequence = 0
  #reconnects = 0
  #isResuming = false
  #isOpen = false
  #isClosed = false
  #failure: HighwaterError | null = null
  #waiters: (() => void)[] = []
  #stopListening: () => void = () => undefined

  constructor(
    connection: NatsConnection,
    link: ConnectionLink,
    manager: JetStreamManager,
    settings: JetStreamSourceSettings,
  ) {
    this.#connection = connection
    this.#link = link
    this.#manager = manager
    this.#stream = settings.stream
    this.#timeoutMs = settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
    this.#inboxPrefix = settings.inboxPrefix ?? undefined
    this.#queue = new MessageQueue(
      settings.bufferSizeMax ?? BUFFER_SIZE_MAX,
      settings.bufferMessagesMax ?? BUFFER_MESSAGES_MAX,
    )
  }

  async state(): Promise<StreamState> {
    const info = await this.#askPresent((manager) => manager.streams.info(this.#stream))
    return {
      created: String(info.created),
      firstSequence: info.state.first_seq,
      lastSequence: info.state.last_seq,
      size: info.state.bytes,
      sizeMax: info.config.max_bytes,
    }
  }

  /** Through STREAM.MSG.GET, which only the leader answers. */
  async read(sequence: number): Promise<InputMessage | null> {
    const stored = await this.#askPresent((manager) =>
      manager.streams.getMessage(this.#stream, { seq: sequence }),
    )
    if (stored === null) return null
    const { subject, data, time } = stored
    return { sequence, timestampMs: time.getTime(), subject, data }
  }

  /**
   * @throws {BrokerUnavailableError | BrokerRefusedError} when the first consumer cannot be made
   * now
   */
  async open(sequence: number): Promise<void> {
    assert(!this.#isOpen && sequence >= 1, 'a source is opened once, from sequence 1 on')
    this.#isOpen = true
    this.#nextSequence = sequence
    this.#stopListening = this.#link.onChange((state) => {
      if (state === 'disconnected') this.#lose()
      else if (state === 'closed')
        this.#fail(new BrokerUnavailableError('the connection is closed'))
    })
    try {
      await this.#start(false)
    } catch (error) {
      this.#isOpen = false
      this.#stopListening()
      throw error
    }
  }

  take(max: number): readonly InputMessage[] {
    const messages = this.#queue.take(max)
    this.#pull()
    return messages
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.#queue.length > 0) return Promise.resolve()
    if (this.#failure !== null) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiters = this.#waiters.filter((waiter) => waiter !== settle)
        if (this.#failure !== null && this.#queue.length === 0) reject(this.#failure)
        else resolve()
      }
      const timer = setTimeout(settle, timeoutMs)
      this.#waiters.push(settle)
    })
  }

  bufferedSize(): number {
    return this.#queue.size
  }

  /**
   * Also counts consumers that were lost while the connection held: the stream may have changed
   * then, too.
   */
  reconnectCount(): number {
    return this.#reconnects
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopListening()
    const consumer = this.#consumer
    this.#consumer = null
    this.#wake()
    if (consumer === null) return
    consumer.stop()
    await this.#forget(consumer.name)
  }

  /** Makes a consumer after the last queued message and starts to pull. */
  async #start(isAgain: boolean): Promise<void> {
    const name = await this.#ask((manager) =>
      createPullConsumer(manager, this.#stream, this.#nextSequence),
    )
    if (this.#isClosed) {
      await this.#forget(name)
      return
    }
    // Before the first message of a new consumer can be queued.
    if (isAgain) this.#reconnects++
    this.#isResuming = false
    const prefix = this.#manager.getOptions().apiPrefix ?? '$JS.API'
    const subject = `${prefix}.CONSUMER.MSG.NEXT.${this.#stream}.${name}`
    this.#consumer = new PullConsumer(
      this.#connection,
      this.#link,
      subject,
      name,
      createInbox(this.#inboxPrefix),
      {
        onMessage: (sequence, timestampMs, subject, bytes, start, end) => {
          this.#nextSequence = sequence + 1
          this.#queue.push(sequence, timestampMs, subject, bytes, start, end)
          if (this.#waiters.length > 0) this.#wake()
        },
        onPullEnd: () => this.#pull(),
        onLost: () => this.#lose(),
      },
    )
    this.#pull()
  }

  /**
   * Asks for as much as there is room for, once half of the room is free: few pulls, and a reader
   * that lags stays busy.
   */
  #pull(): void {
    const consumer = this.#consumer
    if (consumer === null || consumer.isPulling) return
    if (this.#connection.isClosed() || this.#connection.isDraining()) return
    if (this.#queue.hasRoom()) consumer.pull(this.#queue.roomMessages(), this.#queue.roomSize())
  }

  #lose(): void {
    const lost = this.#consumer
    if (lost === null || this.#isResuming) return
    this.#isResuming = true
    this.#consumer = null
    lost.stop()
    void this.#resume(lost.name)
  }

  /** Tries until there is a new consumer, the stream is gone, or the source is closed. */
  async #resume(lostName: string): Promise<void> {
    let missingAnswers = 0
    let retryMs = 0
    while (!this.#isClosed && this.#failure === null) {
      await sleep(retryMs)
      try {
        await this.#start(true)
        await this.#forget(lostName)
        return
      } catch (error) {
        missingAnswers = isStreamMissing(error) ? missingAnswers + 1 : 0
        if (missingAnswers >= STREAM_MISSING_ANSWERS_MAX) this.#fail(error as HighwaterError)
        retryMs = Math.min(Math.max(2 * retryMs, RETRY_MIN_MS), RETRY_MAX_MS)
        if (missingAnswers > 0) retryMs = Math.max(retryMs, STREAM_MISSING_RETRY_MS)
      }
    }
  }

  async #forget(consumerName: string): Promise<void> {
    try {
      await this.#link.whileConnected(this.#manager.consumers.delete(this.#stream, consumerName))
    } catch {
      // The server forgets it by itself when nobody pulls.
    }
  }

  /** As `ask`, of a stream that was there before: one answer that it is gone proves little. */
  async #askPresent<T>(request: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    for (let missingAnswers = 1; ; missingAnswers++) {
      try {
        return await this.#ask(request)
      } catch (error) {
        const isLast = missingAnswers >= STREAM_MISSING_ANSWERS_MAX || this.#isClosed
        if (isLast || !isStreamMissing(error)) throw error
      }
      await sleep(STREAM_MISSING_RETRY_MS)
    }
  }

  async #ask<T>(request: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      await this.#link.untilConnected(this.#timeoutMs)
      return await this.#link.whileConnected(request(this.#manager))
    } catch (error) {
      throw brokerError(error, this.#stream)
    }
  }

  #fail(failure: HighwaterError): void {
    this.#failure ??= failure
    this.#consumer?.stop()
    this.#consumer = null
    this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const settle of waiters) settle()
  }
}

function isStreamMissing(error: unknown): boolean {
  return error instanceof BrokerRefusedError && hasCode(error.cause, STREAM_NOT_FOUND_CODE)
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code
}

/**
 * An answer of class 4xx is a refusal; everything else proves nothing and may be tried again, and
 * so may what a cluster says while it is starting: no peers, consumer offline.
 */
function brokerError(error: unknown, stream: string): HighwaterError {
  if (error instanceof HighwaterError) return error
  const message = `${stream}: ${error instanceof Error ? error.message : String(error)}`
  const isRefusal =
    (error instanceof JetStreamApiError && error.status < 500 && !PASSING_CODES.has(error.code)) ||
    (error instanceof Error && error.name === 'PermissionViolationError')
  const ErrorClass = isRefusal ? BrokerRefusedError : BrokerUnavailableError
  return new ErrorClass(message, { cause: error })
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
