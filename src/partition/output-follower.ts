/**
 * A standby's view of OUT: reads what the owner says, compares it with what we decided ourselves,
 * and lets go of it. It publishes nothing. It never goes past what we have made: a message that we
 * have not caught up with is waited for, so that its place is always one that our image may name.
 */

import { crc32 } from 'node:zlib'
import { HighwaterError, PartitionHaltedError } from '../errors.ts'
import type { OutputMessage, OutputStream, WaitingClock } from '../model/ports.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { ChainReader, type ChainStart, type OutputProgress } from './output-chain.ts'
import type { OutputPlace } from './output-writer.ts'
import type { Ruling } from './rulings.ts'

/** How often OUT is asked for news, and our machine for what it has made meanwhile. */
const POLL_MS = 50
const WAIT_MS = 5
/** A longer pause than this between two looks says something of us, not of the owner. */
const STEP_MAX_MS = 2 * POLL_MS

/** Where a standby begins to follow. */
export interface FollowStart extends ChainStart {
  readonly outputCreated: string
  readonly outputFingerprint: number
  readonly epoch: number
  /** Rulings past the place that the machine was loaded with. */
  readonly rulingCount: number
}

/** Follows OUT for one standby. `start` once; `stop` ends it for good. */
export class OutputFollower implements OutputProgress {
  readonly #output: OutputStream
  readonly #clock: WaitingClock
  readonly #outbox: Outbox
  readonly #created: string
  readonly #chain: ChainReader
  /** Whether something is due that only an owner brings about; asked after each look. */
  readonly #isOwed: () => boolean
  #digest: string
  #running: Promise<void> = Promise.resolve()
  #isStopped = false
  #lookedAtMs: number
  epoch: number
  place: OutputPlace
  acknowledgedNumber: number
  /** Messages of OUT that are there and not compared yet. */
  unreadCount = 0
  /** Whether OUT holds decisions that we have yet to make. */
  isAwaitingUs = false
  /** Rulings past `place` that the machine was loaded with. */
  knownRulings: number
  /** How long the owner has owed something and has not been heard of, ms. */
  silentMs = 0
  /** Called for each ruling that is read; may throw. */
  onRuling: (ruling: Ruling) => void = () => undefined

  constructor(
    output: OutputStream,
    clock: WaitingClock,
    outbox: Outbox,
    start: FollowStart,
    isOwed: () => boolean,
  ) {
    this.#output = output
    this.#clock = clock
    this.#outbox = outbox
    this.#created = start.outputCreated
    this.#chain = new ChainReader(start)
    this.knownRulings = start.rulingCount
    this.#digest = start.digest
    this.#isOwed = isOwed
    this.#lookedAtMs = clock.nowMs()
    this.epoch = start.epoch
    this.place = { sequence: start.outputSequence, fingerprint: start.outputFingerprint }
    this.acknowledgedNumber = start.decisionNumber
  }

  /** Where somebody who goes on reading begins. */
  get end(): ChainStart {
    return {
      outputSequence: this.place.sequence,
      decisionNumber: this.acknowledgedNumber,
      digest: this.#digest,
    }
  }

  start(onFailure: (error: unknown) => void): void {
    this.#running = this.#run().catch(onFailure)
  }

  /** Resolves when the last look is over; after that nothing moves. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async acknowledged(number: number): Promise<void> {
    while (!this.#isStopped && this.acknowledgedNumber < number) await this.#clock.pause(WAIT_MS)
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#look()
      } catch (error) {
        if (!(error instanceof HighwaterError) || !error.retryable) throw error
        // Who cannot look cannot say that nobody is there.
        this.#lookedAtMs = this.#clock.nowMs()
      }
      await this.#clock.pause(POLL_MS)
    }
  }

  async #look(): Promise<void> {
    const { created, lastSequence } = await this.#output.state()
    const { sequence } = this.place
    if (created !== this.#created) {
      const text = 'OUT is another stream than the one we followed'
      throw new PartitionHaltedError('output-recreated', text)
    }
    if (lastSequence < sequence) {
      const text = `OUT ends at ${lastSequence}, we have read ${sequence}`
      throw new PartitionHaltedError('output-truncated', text)
    }
    this.unreadCount = lastSequence - sequence
    for await (const message of this.#output.read(sequence + 1, lastSequence)) {
      if (!(await this.#settle(message))) return
      this.unreadCount -= 1
    }
    this.#listen(lastSequence > sequence)
  }

  /** Compares one message; false when stopped before we had made what it holds. */
  async #settle(message: OutputMessage): Promise<boolean> {
    const link = this.#chain.next(message)
    if (this.#chain.ruling !== null) this.#noteRuling(this.#chain.ruling)
    this.epoch = Math.max(this.epoch, this.#chain.claimSequence)
    if (link !== null && link.last > this.acknowledgedNumber) {
      this.isAwaitingUs = true
      while (this.#outbox.decisionNumber < link.last) {
        if (this.#isStopped) return false
        await this.#clock.pause(WAIT_MS)
      }
      this.isAwaitingUs = false
      this.#outbox.release(link.last, link.digest)
      this.acknowledgedNumber = link.last
      this.#digest = link.digest
    }
    this.place = { sequence: message.sequence, fingerprint: crc32(message.data) }
    return !this.#isStopped
  }

  #noteRuling(ruling: Ruling): void {
    if (this.knownRulings > 0) this.knownRulings -= 1
    else this.onRuling(ruling)
  }

  /**
   * Adds up how long something has been owed without a word in OUT, in short steps: a process that
   * was paused, or a clock that was set, must not look like a silent owner.
   */
  #listen(isNews: boolean): void {
    const nowMs = this.#clock.nowMs()
    const stepMs = Math.min(Math.max(0, nowMs - this.#lookedAtMs), STEP_MAX_MS)
    this.#lookedAtMs = nowMs
    this.silentMs = !isNews && this.#isOwed() ? this.silentMs + stepMs : 0
  }
}
