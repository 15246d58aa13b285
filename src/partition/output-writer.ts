/**
 * The output chain's only writer: claims OUT, then publishes one message at a time, each expecting
 * the sequence of the one before (group commit: what is decided meanwhile leaves with the next).
 * Pipelined expectations do not fence; stop-and-wait does (design, section 10).
 *
 * After an answer that leaves a message's fate open, the attempted bytes stay frozen and the
 * stream's tail is read: if all of it bears our own epoch we go on, anything else means another
 * owner.
 */

import { crc32 } from 'node:zlib'
import { decode, encode } from '@msgpack/msgpack'
import { HighwaterError, OutputFencedError, PartitionHaltedError } from '../errors.ts'
import type { OutputStream, WaitingClock } from '../model/ports.ts'
import type { Outbox, OutboxLimits, OutputBatch } from '../outbox/outbox.ts'
import type { EngineIdentity } from './image.ts'
import type { OutputProgress } from './output-chain.ts'

/** A place in OUT that we wrote or saw ourselves. */
export interface OutputPlace {
  readonly sequence: number
  /** CRC-32 of the message there. */
  readonly fingerprint: number
}

/** Who claims. */
export interface ClaimIdentity {
  readonly worker: string
  readonly engine: EngineIdentity
  readonly claimedAtMs: number
}

/**
 * How decisions are grouped: a message leaves when it is full, or when its first one waited
 * `latencyMs`.
 */
export interface GroupCommitLimits extends OutboxLimits {
  readonly latencyMs: number
}

const RETRY_MS = 200

/**
 * Claims the stream; returns the claim's place, whose sequence is the epoch. Retries until
 * `isStopping`.
 */
export async function claimOutput(
  output: OutputStream,
  identity: ClaimIdentity,
  clock: WaitingClock,
  isStopping: () => boolean,
): Promise<OutputPlace | null> {
  const { worker, engine, claimedAtMs } = identity
  const { version, ...rest } = engine
  const claim = { v: 1, kind: 'claim', worker, engine: version, ...rest, time: claimedAtMs }
  const bytes = encode(claim)
  while (!isStopping()) {
    const outcome = await output.publish(bytes, null)
    if (outcome.kind === 'stored') return { sequence: outcome.sequence, fingerprint: crc32(bytes) }
    // A claim that may have been stored does no harm: the next one outranks it, and if it is stored
    // after the next one, the writer knows its own copy.
    await clock.pause(RETRY_MS)
  }
  return null
}

/** Publishes what the outbox holds. `start` once; `stop` leaves the rest unsent. */
export class OutputWriter implements OutputProgress {
  readonly #output: OutputStream
  readonly #clock: WaitingClock
  readonly #outbox: Outbox
  readonly #limits: GroupCommitLimits
  readonly #epoch: number
  readonly #claimFingerprint: number
  readonly #onFailure: (error: unknown) => void
  #place: OutputPlace
  #acknowledgedNumber: number
  #isRunning = false
  #isStopped = false
  #isGathering = false
  #waiters: { number: number; resolve: () => void }[] = []
  messageCount = 0
  size = 0
  /** Times that OUT refused for being full, or did not answer. */
  refusalCount = 0

  constructor(
    output: OutputStream,
    clock: WaitingClock,
    outbox: Outbox,
    limits: GroupCommitLimits,
    claim: OutputPlace,
    acknowledgedNumber: number,
    onFailure: (error: unknown) => void,
  ) {
    this.#output = output
    this.#clock = clock
    this.#outbox = outbox
    this.#limits = limits
    this.#epoch = claim.sequence
    this.#claimFingerprint = claim.fingerprint
    this.#place = claim
    this.#acknowledgedNumber = acknowledgedNumber
    this.#onFailure = onFailure
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Last message of ours that OUT acknowledged. */
  get place(): OutputPlace {
    return this.#place
  }

  /** Number of the last decision that OUT acknowledged. */
  get acknowledgedNumber(): number {
    return this.#acknowledgedNumber
  }

  /**
   * Something may be waiting. While a message is in flight the rest gathers behind it; otherwise a
   * short message waits for company up to the latency bound. That holds right behind another, too:
   * under load, short messages as fast as OUT answers took an eighth of the thread.
   */
  kick(): void {
    if (this.#isRunning || this.#isStopped || this.#outbox.waitingCount === 0) return
    const { latencyMs, batchDecisionsMax } = this.#limits
    if (latencyMs > 0 && this.#outbox.waitingCount < batchDecisionsMax) {
      this.#gather(latencyMs).catch(this.#onFailure)
      return
    }
    this.#send()
  }

  async #gather(latencyMs: number): Promise<void> {
    if (this.#isGathering) return
    this.#isGathering = true
    await this.#clock.pause(latencyMs)
    this.#isGathering = false
    this.#send()
  }

  #send(): void {
    if (this.#isRunning || this.#isStopped) return
    const batch = this.#outbox.take(this.#epoch, this.#limits)
    if (batch === null) return
    this.#isRunning = true
    this.#run(batch).catch((error: unknown) => {
      this.#isStopped = true
      this.#onFailure(error)
      this.#wake(Number.POSITIVE_INFINITY)
    })
  }

  /** Resolves when the decision is acknowledged, or the writer stopped. */
  acknowledged(number: number): Promise<void> {
    if (number <= this.#acknowledgedNumber || this.#isStopped) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ number, resolve }))
  }

  stop(): void {
    this.#isStopped = true
    this.#wake(Number.POSITIVE_INFINITY)
  }

  async #run(batch: OutputBatch): Promise<void> {
    if (!(await this.#publish(batch))) return
    this.#acknowledgedNumber = batch.last
    this.messageCount += 1
    this.size += batch.bytes.byteLength
    this.#isRunning = false
    this.#wake(batch.last)
    this.kick()
  }

  /** Until this very batch is stored; false when the writer was stopped meanwhile. */
  async #publish(batch: OutputBatch): Promise<boolean> {
    const fingerprint = crc32(batch.bytes)
    while (!this.#isStopped) {
      const outcome = await this.#output.publish(batch.bytes, this.#place.sequence)
      if (outcome.kind === 'stored') {
        this.#place = { sequence: outcome.sequence, fingerprint }
        return true
      }
      this.refusalCount += 1
      if (outcome.kind !== 'full') {
        const isStored = await this.#resolveTail(batch)
        if (isStored) return true
      }
      await this.#clock.pause(RETRY_MS)
    }
    return false
  }

  /** Reads what lies past our last known sequence; true when the frozen batch is there. */
  async #resolveTail(batch: OutputBatch): Promise<boolean> {
    let isStored = false
    try {
      const { lastSequence } = await this.#output.state()
      if (lastSequence < this.#place.sequence) {
        const text = `OUT ends at ${lastSequence}, we wrote ${this.#place.sequence}`
        throw new PartitionHaltedError('output-truncated', text)
      }
      const from = this.#place.sequence + 1
      for await (const message of this.#output.read(from, lastSequence)) {
        const envelope = decode(message.data) as { kind?: string; epoch?: number; first?: number }
        const fingerprint = crc32(message.data)
        // An attempt of our own claim may land after the one that was acknowledged. Since nobody
        // else's message lies between, the stream is ours as before.
        const isLateClaim = envelope.kind === 'claim' && fingerprint === this.#claimFingerprint
        if (envelope.epoch !== this.#epoch && !isLateClaim) {
          throw new OutputFencedError(
            `message ${message.sequence} of OUT bears another epoch than ours, ${this.#epoch}`,
          )
        }
        this.#place = { sequence: message.sequence, fingerprint }
        if (envelope.first === batch.first) isStored = true
      }
    } catch (error) {
      if (!(error instanceof HighwaterError) || !error.retryable) throw error
    }
    return isStored
  }

  #wake(number: number): void {
    const ready = this.#waiters.filter((waiter) => waiter.number <= number)
    if (ready.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => waiter.number > number)
    for (const { resolve } of ready) resolve()
  }
}
