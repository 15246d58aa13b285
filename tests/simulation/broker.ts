/**
 * JetStream as far as the adapters show it: three streams with sequences, stamps, expectations and
 * limits, held by one broker that may be down, cut off, late, forgetful with answers, or full.
 * What has been stored is stored: that a broker loses or rewrites it is the business of tampers.ts.
 */

import type { PublishOutcome, StreamState } from '../../src/model/ports.ts'
import type { Random } from '../support/workload/random.ts'
import type { Scheduler } from './scheduler.ts'

/** One message of a stream. */
export interface StoredMessage {
  readonly sequence: number
  readonly timestampMs: number
  readonly subject: string
  readonly data: Uint8Array
}

/** A message on its way into a stream. */
export interface Publication {
  readonly subject: string
  readonly data: Uint8Array
  readonly expectedLastSequence: number | null
  readonly messageId: string | null
}

/** One stream. Tampering replaces its content; `take` and `restore` bring back what was. */
export class SimStream {
  readonly name: string
  created = '2026-11-01T00:00:00.000000001Z'
  firstSequence = 1
  /** By sequence - 1; null: not there any more. */
  messages: (StoredMessage | null)[] = []
  isFull = false
  /** Removes the refusal of a wrong expectation: for sabotage only. */
  isDeaf = false
  readonly #ids = new Map<string, number>()
  readonly #onStored: (message: StoredMessage) => void

  constructor(name: string, onStored: (message: StoredMessage) => void) {
    this.name = name
    this.#onStored = onStored
  }

  get lastSequence(): number {
    return this.messages.length
  }

  state(): StreamState {
    const { created, firstSequence, lastSequence } = this
    return { created, firstSequence, lastSequence }
  }

  read(sequence: number): StoredMessage | null {
    if (sequence < this.firstSequence) return null
    return this.messages[sequence - 1] ?? null
  }

  /** Stores or refuses, at once. */
  publish(publication: Publication, timestampMs: number): PublishOutcome {
    const { subject, data, expectedLastSequence, messageId } = publication
    const known = messageId === null ? undefined : this.#ids.get(messageId)
    if (known !== undefined) return { kind: 'stored', sequence: known }
    if (expectedLastSequence !== null && expectedLastSequence !== this.lastSequence) {
      if (!this.isDeaf) return { kind: 'refused' }
    }
    if (this.isFull) return { kind: 'full' }
    const sequence = this.lastSequence + 1
    const message = { sequence, timestampMs, subject, data: data.slice() }
    this.messages.push(message)
    if (messageId !== null) this.#ids.set(messageId, sequence)
    this.#onStored(message)
    return { kind: 'stored', sequence }
  }

  /** Drops what lies before `sequence`, as an age limit does. */
  trimBefore(sequence: number): void {
    this.firstSequence = Math.max(this.firstSequence, sequence)
  }

  /** What the stream is now, to be given to `restore`. */
  save(): () => void {
    const { created, firstSequence, messages } = this
    this.messages = [...messages]
    return () => {
      this.created = created
      this.firstSequence = firstSequence
      this.messages = messages
    }
  }
}

/** How the network behaves; shares are probabilities per request. */
export interface Weather {
  /** Longest usual way of a request or an answer, ms. */
  latencyMs: number
  requestLost: number
  answerLost: number
  /** The request arrives late, up to `lateMs`, and may overtake or be overtaken. */
  requestLate: number
  lateMs: number
}

/** The network on a good day. */
export const FAIR_WEATHER: Weather = {
  latencyMs: 3,
  requestLost: 0,
  answerLost: 0,
  requestLate: 0,
  lateMs: 0,
}

/** Somebody who wants to know when the broker goes and comes. */
export interface BrokerClient {
  onBrokerDown(): void
  onBrokerUp(): void
}

/** The broker, its three streams of one partition, and the log of the neighbour. */
export class SimBroker {
  readonly input: SimStream
  readonly output: SimStream
  readonly rejects: SimStream
  readonly neighbour: SimStream
  readonly scheduler: Scheduler
  readonly random: Random
  readonly clients = new Set<BrokerClient>()
  weather: Weather = FAIR_WEATHER
  isUp = true
  /** What its clock is off by, ms. */
  skewMs = 0
  /** Publishes whose fate their sender did not learn. */
  unknownCount = 0
  readonly #wallMs: () => number

  constructor(
    scheduler: Scheduler,
    random: Random,
    wallMs: () => number,
    on: {
      readonly input: (message: StoredMessage) => void
      readonly output: (message: StoredMessage) => void
      readonly neighbour: (message: StoredMessage) => void
    },
  ) {
    this.scheduler = scheduler
    this.random = random
    this.#wallMs = wallMs
    const stream = (name: string, onStored: (message: StoredMessage) => void): SimStream =>
      new SimStream(name, (message) => {
        scheduler.note(name, message.sequence, message.data.byteLength)
        onStored(message)
      })
    this.input = stream('IN', on.input)
    this.output = stream('OUT', on.output)
    this.rejects = stream('REJ', () => undefined)
    this.neighbour = stream('IN_1', on.neighbour)
  }

  /** The broker's own clock, whole ms: what it stamps messages with. */
  stampMs(): number {
    return Math.floor(this.#wallMs() + this.skewMs)
  }

  publish(stream: SimStream, publication: Publication): PublishOutcome {
    return stream.publish(publication, this.stampMs())
  }

  goDown(): void {
    if (!this.isUp) return
    this.isUp = false
    for (const client of [...this.clients]) client.onBrokerDown()
  }

  comeUp(): void {
    if (this.isUp) return
    this.isUp = true
    for (const client of [...this.clients]) client.onBrokerUp()
  }
}
