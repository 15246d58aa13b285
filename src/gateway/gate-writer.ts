/**
 * The only writer of one lane of GATE: claims it, then publishes one step at a time, each expecting
 * the sequence of the one before. As with OUT (partition/output-writer.ts): pipelined expectations
 * do not fence, stop-and-wait does; and after an answer that leaves a step's fate open the bytes
 * stay frozen and the tail is read. If all of it is ours we go on; anything else is another
 * gateway's.
 */

import { crc32 } from 'node:zlib'
import { GateBrokenError, GatewayFencedError, HighwaterError } from '../errors.ts'
import type { OutputStream, WaitingClock } from '../model/ports.ts'
import { decodeRecord, encodeStep, type GateStep } from './records.ts'

const RETRY_MS = 200

/** A claim that GATE holds. */
export interface GateClaim {
  /** Its sequence: the epoch. */
  readonly sequence: number
  readonly fingerprint: number
}

/**
 * Claims a lane, whoever had it before; retries until `isStopping`, then null.
 * @throws {BrokerRefusedError}
 */
export async function claimGate(
  stream: OutputStream,
  claim: Uint8Array,
  clock: WaitingClock,
  isStopping: () => boolean,
): Promise<GateClaim | null> {
  while (!isStopping()) {
    const outcome = await stream.publish(claim, null)
    if (outcome.kind === 'stored') return { sequence: outcome.sequence, fingerprint: crc32(claim) }
    // One that may have been stored does no harm: the next one outranks it.
    await clock.pause(RETRY_MS)
  }
  return null
}

/** What a writer fills in by itself. */
export type NewStep = Omit<GateStep, 'epoch' | 'count'>

/** Writes the steps of one claim, one after the other. */
export class GateWriter {
  readonly #stream: OutputStream
  readonly #clock: WaitingClock
  readonly #claim: GateClaim
  #sequence: number
  #count = 0
  /** Steps stored. */
  stepCount = 0
  /** Times that GATE did not answer, refused, or was full. */
  refusalCount = 0
  /** Since when a step waits to be stored, by the steady clock, ms; null: none does. */
  waitingSinceMs: number | null = null

  constructor(stream: OutputStream, clock: WaitingClock, claim: GateClaim) {
    this.#stream = stream
    this.#clock = clock
    this.#claim = claim
    this.#sequence = claim.sequence
  }

  /** Last message of ours that GATE holds. */
  get sequence(): number {
    return this.#sequence
  }

  /**
   * Until this very step is stored; its sequence, or null when told to stop before. One at a time.
   * @throws {GatewayFencedError} another gateway has the lane
   * @throws {GateBrokenError} GATE lost what we wrote
   * @throws {BrokerRefusedError}
   */
  async write(step: NewStep, isStopping: () => boolean): Promise<number | null> {
    const bytes = encodeStep({ ...step, epoch: this.#claim.sequence, count: this.#count })
    this.waitingSinceMs = this.#clock.steadyMs()
    try {
      while (!isStopping()) {
        const outcome = await this.#stream.publish(bytes, this.#sequence)
        if (outcome.kind === 'stored') return this.#stored(outcome.sequence)
        this.refusalCount += 1
        if (outcome.kind !== 'full') {
          const sequence = await this.#resolveTail()
          if (sequence !== null) return this.#stored(sequence)
        }
        await this.#clock.pause(RETRY_MS)
      }
      return null
    } finally {
      this.waitingSinceMs = null
    }
  }

  #stored(sequence: number): number {
    this.#sequence = sequence
    this.#count += 1
    this.stepCount += 1
    return sequence
  }

  /** Reads what lies past our last known sequence; where the frozen step is, if it is there. */
  async #resolveTail(): Promise<number | null> {
    let stored: number | null = null
    try {
      const { lastSequence } = await this.#stream.state()
      if (lastSequence < this.#sequence) {
        throw new GateBrokenError(`GATE ends at ${lastSequence}, we wrote ${this.#sequence}`)
      }
      for await (const { sequence, data } of this.#stream.read(this.#sequence + 1, lastSequence)) {
        const record = decodeRecord(data)
        // An attempt of our own claim may land after the one that was acknowledged.
        const isLateClaim = record.kind === 'claim' && crc32(data) === this.#claim.fingerprint
        const isOurs = record.kind === 'step' && record.step.epoch === this.#claim.sequence
        if (!isOurs && !isLateClaim) {
          throw new GatewayFencedError(`message ${sequence} of GATE is another gateway's`)
        }
        this.#sequence = sequence
        if (record.kind === 'step' && record.step.count === this.#count) stored = sequence
      }
    } catch (error) {
      if (!(error instanceof HighwaterError) || !error.retryable) throw error
    }
    return stored
  }
}
