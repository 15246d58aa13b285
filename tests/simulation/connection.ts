/**
 * One process's connection to the broker, and the ports over it, with the manners of the adapters
 * in src/sink: a publish that got no answer in time is `unknown`, a question that got none is
 * BrokerUnavailableError; nothing is sent while disconnected; nothing is sent twice. A request
 * that is under way when its sender dies, stalls or gives up may still arrive.
 */

import { BrokerUnavailableError, PartitionHaltedError } from '../../src/errors.ts'
import type {
  ControlWriter,
  OutputMessage,
  OutputStream,
  PublishOutcome,
  RejectStream,
  StreamState,
} from '../../src/model/ports.ts'
import type { BrokerClient, SimBroker, SimStream } from './broker.ts'
import type { Task, TaskOwner } from './scheduler.ts'

/** How long an answer may take: shorter than in production, so that a run has more of them. */
export const ANSWER_TIMEOUT_MS = 1_000
const RECONNECT_MS_MAX = 400
const READ_CHUNK = 32

/** The process that a connection belongs to. */
export interface ConnectionOwner extends TaskOwner {
  /** Called at each call of a port; true: the process has died and the call must do nothing. */
  isLost(): boolean
}

interface Request {
  isSettled: boolean
  readonly fail: (why: string) => void
}

/** A connection: up or down, with requests under way. */
export class SimConnection implements BrokerClient {
  readonly broker: SimBroker
  readonly owner: ConnectionOwner
  /** Cut: as if the network were gone. Deaf: it looks fine and nothing comes through. */
  isCut = false
  isDeaf = false
  isConnected = false
  isClosed = false
  readonly #requests = new Set<Request>()
  #listeners: ((isConnected: boolean) => void)[] = []

  constructor(broker: SimBroker, owner: ConnectionOwner) {
    this.broker = broker
    this.owner = owner
    broker.clients.add(this)
    this.isConnected = broker.isUp
  }

  onBrokerDown(): void {
    this.broker.scheduler.later(this.#delay(), this.owner, 'disconnected', () => this.#drop())
  }

  onBrokerUp(): void {
    if (this.isConnected || this.isCut) return
    const delayMs = this.broker.random.next() * RECONNECT_MS_MAX
    this.broker.scheduler.later(delayMs, this.owner, 'reconnected', () => this.#connect())
  }

  /** Cuts the connection, or lets it come again. */
  cut(isCut: boolean): void {
    this.isCut = isCut
    if (isCut) this.onBrokerDown()
    else if (this.broker.isUp) this.onBrokerUp()
  }

  /** Tells of every loss and return of the connection. */
  onChange(listener: (isConnected: boolean) => void): void {
    this.#listeners.push(listener)
  }

  close(): void {
    this.isClosed = true
    this.broker.clients.delete(this)
    this.#listeners = []
  }

  /**
   * Asks the broker: `apply` runs there, at once and in full, when the request arrives. Rejects
   * with BrokerUnavailableError when no answer came, whatever became of the request.
   */
  ask<T>(label: string, apply: () => T): Promise<T> {
    if (this.owner.isLost()) return new Promise<never>(() => undefined)
    return new Promise<T>((resolve, reject) => {
      const { scheduler } = this.broker
      const settle = (end: () => void): void => {
        if (request.isSettled) return
        request.isSettled = true
        timeout.isCancelled = true
        this.#requests.delete(request)
        end()
      }
      const fail = (why: string): void =>
        settle(() => reject(new BrokerUnavailableError(`${label}: ${why}`)))
      const request: Request = { isSettled: false, fail }
      const timeout: Task = scheduler.later(ANSWER_TIMEOUT_MS, this.owner, 'no answer', () =>
        fail('no answer'),
      )
      if (!this.isConnected) {
        this.#whenConnected(request, () => this.#send(label, request, settle, resolve, apply))
        return
      }
      this.#send(label, request, settle, resolve, apply)
    })
  }

  /** Publishes; what is not answered is `unknown`. */
  async publish(
    stream: SimStream,
    subject: string,
    data: Uint8Array,
    expectedLastSequence: number | null,
    messageId: string | null,
  ): Promise<PublishOutcome> {
    const copy = data.slice()
    const publication = { subject, data: copy, expectedLastSequence, messageId }
    try {
      return await this.ask(`${stream.name} publish`, () =>
        this.broker.publish(stream, publication),
      )
    } catch (cause) {
      this.broker.unknownCount += 1
      return { kind: 'unknown', cause }
    }
  }

  state(stream: SimStream): Promise<StreamState> {
    return this.ask(`${stream.name} state`, () => stream.state())
  }

  #send<T>(
    label: string,
    request: Request,
    settle: (end: () => void) => void,
    resolve: (answer: T) => void,
    apply: () => T,
  ): void {
    if (request.isSettled) return
    this.#requests.add(request)
    const { scheduler, random, weather } = this.broker
    const isLost = random.chance(weather.requestLost)
    const isLate = random.chance(weather.requestLate)
    const isAnswerLost = random.chance(weather.answerLost)
    const wayMs = isLate ? random.next() * weather.lateMs : this.#delay()
    if (isLost) return
    scheduler.later(wayMs, null, label, () => {
      // What a dead process had not handed to the network never leaves; nobody knows how much.
      if (this.owner.condition === 'dead' && random.chance(0.5)) return
      if (!this.broker.isUp || this.isDeaf || this.isCut) return
      const answer = apply()
      if (isAnswerLost) return
      scheduler.later(this.#delay(), this.owner, 'answer', () => {
        if (!this.isDeaf && !request.isSettled) settle(() => resolve(answer))
      })
    })
  }

  #whenConnected(request: Request, send: () => void): void {
    const listener = (isConnected: boolean): void => {
      if (!isConnected) return
      this.#listeners = this.#listeners.filter((each) => each !== listener)
      if (!request.isSettled) send()
    }
    this.#listeners.push(listener)
  }

  #drop(): void {
    if (!this.isConnected) return
    this.isConnected = false
    for (const request of [...this.#requests]) request.fail('the connection was lost')
    for (const listener of [...this.#listeners]) listener(false)
    if (this.broker.isUp && !this.isCut) this.onBrokerUp()
  }

  #connect(): void {
    if (this.isConnected || this.isClosed || this.isCut || !this.broker.isUp) return
    this.isConnected = true
    for (const listener of [...this.#listeners]) listener(true)
  }

  #delay(): number {
    const { random, weather } = this.broker
    return 0.05 + random.next() * weather.latencyMs
  }
}

/** OUT over a connection. */
export class SimOutput implements OutputStream {
  readonly #connection: SimConnection

  constructor(connection: SimConnection) {
    this.#connection = connection
  }

  state(): Promise<StreamState> {
    return this.#connection.state(this.#connection.broker.output)
  }

  publish(data: Uint8Array, expectedLastSequence: number | null): Promise<PublishOutcome> {
    const { output } = this.#connection.broker
    return this.#connection.publish(output, 'out.0', data, expectedLastSequence, null)
  }

  async *read(firstSequence: number, lastSequence: number): AsyncGenerator<OutputMessage> {
    const { output } = this.#connection.broker
    for (let from = firstSequence; from <= lastSequence; from += READ_CHUNK) {
      const to = Math.min(lastSequence, from + READ_CHUNK - 1)
      const chunk = await this.#connection.ask('OUT read', () =>
        Array.from({ length: to - from + 1 }, (_, index) => output.read(from + index)),
      )
      for (const [index, message] of chunk.entries()) {
        if (message === null) {
          throw new PartitionHaltedError('output-gap', `OUT does not hold ${from + index}`)
        }
        yield { sequence: message.sequence, data: message.data }
      }
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** REJ over a connection. */
export function simRejects(connection: SimConnection): RejectStream {
  return {
    publish: (data, messageId) =>
      connection.publish(connection.broker.rejects, 'reject.0', data, null, messageId),
  }
}

/** `control.<p>` over a connection. */
export function simControl(connection: SimConnection, partition = 0): ControlWriter {
  const { input, neighbour } = connection.broker
  const stream = partition === 0 ? input : neighbour
  return {
    publish: (data, expectedLastSequence) =>
      connection.publish(stream, `control.${partition}`, data, expectedLastSequence, null),
  }
}
