/**
 * Whoever feeds IN: publishes the log in order, waits while IN cannot take it, and repeats now and
 * then what it had no answer for. Not under test; it only makes sure that everything gets there.
 */

import type { SimMessage } from './workload.ts'
import type { World } from './world.ts'

const RETRY_MS = 100
const BURST_MAX = 8

/** Publishes one log. */
export class Producer {
  readonly #world: World
  readonly #repeats: SimMessage[] = []
  readonly #meanGapMs: number
  #next = 0
  isDone = false

  constructor(world: World) {
    this.#world = world
    // All of the log in some seconds, however long it is.
    const spanMs = world.random.whole(2_000, 9_000)
    this.#meanGapMs = (spanMs * (BURST_MAX + 1)) / 2 / world.log.messages.length
  }

  start(): void {
    this.#later(this.#world.random.whole(0, 300))
  }

  #later(delayMs: number): void {
    this.#world.scheduler.later(delayMs, null, 'producer', () => this.#publish())
  }

  #publish(): void {
    const { random, broker, tampering } = this.#world
    if (!broker.isUp || broker.input.isFull || tampering !== null) {
      this.#later(RETRY_MS)
      return
    }
    const { messages } = this.#world.log
    for (
      let count = random.whole(1, BURST_MAX);
      count > 0 && this.#next < messages.length;
      count--
    ) {
      const message = messages[this.#next++]!
      this.#put(message)
      if (random.chance(0.03)) this.#repeats.push(message)
    }
    if (this.#repeats.length > 0 && random.chance(0.3)) this.#put(this.#repeats.shift()!)
    if (this.#next === messages.length && this.#repeats.length === 0) this.isDone = true
    else this.#later(random.next() * 2 * this.#meanGapMs)
  }

  #put(message: SimMessage): void {
    const { broker, judge, log } = this.#world
    const { partition, subject, data, meaning, wallMs } = message
    if (log.clock === 'real') this.#world.advanceWall(wallMs)
    const publication = { subject, data, expectedLastSequence: null, messageId: null }
    const stream = partition === 0 ? broker.input : broker.neighbour
    const outcome = broker.publish(stream, publication)
    if (stream !== broker.input) return
    if (outcome.kind === 'stored') judge.noteMeaning(outcome.sequence, meaning)
  }
}
