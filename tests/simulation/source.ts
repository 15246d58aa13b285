/**
 * IN over a connection, with the manners of src/source: in order from a chosen sequence, buffered
 * within bounds, a new consumer after every loss, counted before its first message. A consumer that
 * starts below the stream's first message or above its last is moved there without a word.
 */

import type { InputMessage, Source, StreamState } from '../../src/model/ports.ts'
import type { StoredMessage } from './broker.ts'
import type { SimConnection } from './connection.ts'

const BUFFER_MESSAGES_MAX = 64
const RETRY_MS = 100
/** A process that sleeps for a moment is woken a little later than it asked for. */
const SLACK_MS = 15

/** What an adapter with a mistake would do to the next message. */
export type Glitch = 'skip' | 'repeat'

/** The source of one process. */
export class SimSource implements Source {
  readonly #connection: SimConnection
  #queue: InputMessage[] = []
  #nextSequence = 1
  #reconnects = 0
  #isOpen = false
  #isClosed = false
  /** Number of the consumer that messages come from; what others still bring is dropped. */
  #consumer = 0
  #isPumping = false
  #isReading = false
  #waiters: (() => void)[] = []
  /** Done once to what comes next, then forgotten. */
  glitch: Glitch | null = null
  glitchCount = 0

  constructor(connection: SimConnection) {
    this.#connection = connection
    connection.onChange((isConnected) => {
      if (!this.#isOpen || this.#isClosed) return
      if (isConnected) void this.#resume(this.#consumer)
      else this.#lose()
    })
  }

  state(): Promise<StreamState> {
    return this.#connection.state(this.#connection.broker.input)
  }

  read(sequence: number): Promise<InputMessage | null> {
    const { input } = this.#connection.broker
    return this.#connection.ask('IN read', () => input.read(sequence))
  }

  async open(sequence: number): Promise<void> {
    this.#nextSequence = sequence
    await this.#consume()
    this.#isOpen = true
    this.#isReading = true
    this.pump()
    if (!this.#connection.isConnected) this.#lose()
  }

  take(max: number): readonly InputMessage[] {
    if (this.#connection.owner.isLost()) return []
    const taken = this.#queue.splice(0, max)
    this.pump()
    return taken
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.#connection.owner.isLost()) return new Promise<never>(() => undefined)
    if (this.#queue.length > 0) return Promise.resolve()
    return new Promise((resolve) => {
      const { scheduler, random } = this.#connection.broker
      const delayMs = timeoutMs + random.next() * SLACK_MS
      const timer = scheduler.later(delayMs, this.#connection.owner, 'waited', () => settle())
      const settle = (): void => {
        timer.isCancelled = true
        this.#waiters = this.#waiters.filter((each) => each !== settle)
        resolve()
      }
      this.#waiters.push(settle)
    })
  }

  bufferedSize(): number {
    return this.#queue.reduce((sum, { data }) => sum + data.byteLength, 0)
  }

  reconnectCount(): number {
    return this.#reconnects
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#isReading = false
    this.#connection.close()
    for (const settle of [...this.#waiters]) settle()
  }

  /** Asks for more, if there is more and room for it. Call when IN has grown. */
  pump(): void {
    if (!this.#isReading || this.#isPumping || this.#queue.length >= BUFFER_MESSAGES_MAX) return
    const { broker, owner } = this.#connection
    if (broker.input.lastSequence < this.#nextSequence || this.#connection.isDeaf) return
    this.#isPumping = true
    const consumer = this.#consumer
    const delayMs = 0.05 + broker.random.next() * broker.weather.latencyMs
    broker.scheduler.later(delayMs, owner, 'delivery', () => {
      if (consumer !== this.#consumer) return
      this.#isPumping = false
      if (this.#isReading && broker.isUp && !this.#connection.isDeaf) this.#deliver()
    })
  }

  #deliver(): void {
    const { random, input } = this.#connection.broker
    this.#nextSequence = Math.max(this.#nextSequence, input.firstSequence)
    for (let count = random.whole(1, 16); count > 0; count--) {
      const message = input.read(this.#nextSequence)
      if (message === null) break
      this.#nextSequence += 1
      this.#enqueue(message)
    }
    for (const settle of [...this.#waiters]) settle()
    this.pump()
  }

  #enqueue(message: StoredMessage): void {
    const { glitch } = this
    // Without a message behind it, one that was left out could not be missed.
    const isLast = message.sequence === this.#connection.broker.input.lastSequence
    if (glitch !== null && !isLast) {
      this.glitch = null
      this.glitchCount += 1
      if (glitch !== 'repeat') return
      this.#queue.push(message)
    }
    this.#queue.push(message)
  }

  #lose(): void {
    this.#consumer += 1
    this.#isReading = false
    this.#isPumping = false
  }

  async #resume(consumer: number): Promise<void> {
    while (!this.#isClosed && consumer === this.#consumer && this.#connection.isConnected) {
      try {
        await this.#consume()
        if (consumer !== this.#consumer || this.#isClosed) return
        this.#reconnects += 1
        this.#isReading = true
        this.pump()
        return
      } catch {
        await this.#pause()
      }
    }
  }

  async #consume(): Promise<void> {
    const { input } = this.#connection.broker
    const from = this.#nextSequence
    this.#nextSequence = await this.#connection.ask('IN consumer', () =>
      Math.min(Math.max(from, input.firstSequence), input.lastSequence + 1),
    )
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const { scheduler } = this.#connection.broker
      scheduler.later(RETRY_MS, this.#connection.owner, 'source retries', resolve)
    })
  }
}
