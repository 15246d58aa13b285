/** Publishes rejects until they are acknowledged; the checkpoint waits for it. */

import type { RejectStream, WaitingClock } from '../model/ports.ts'
import type { RejectPart, Rejects } from '../outbox/rejects.ts'

const IN_FLIGHT_MAX = 16
const RETRY_MS = 500
/** What may wait for REJ; beyond, inputs are held back. */
const WAITING_MAX = 10_000
const WAITING_SIZE_MAX = 64 * 1024 * 1024

/** Empties `Rejects` into REJ_<p>: at least once, repeats dropped by message id. */
export class RejectWriter {
  readonly #stream: RejectStream
  readonly #clock: WaitingClock
  readonly #rejects: Rejects
  #queue: RejectPart[] = []
  /** Parts taken over so far, and which of them are under way, by their ordinal. */
  #takenCount = 0
  readonly #inFlight = new Set<number>()
  #size = 0
  #isStopped = false
  #waiters: { readonly ordinal: number; readonly resolve: () => void }[] = []

  constructor(stream: RejectStream, clock: WaitingClock, rejects: Rejects) {
    this.#stream = stream
    this.#clock = clock
    this.#rejects = rejects
  }

  /** Rejects that are not acknowledged yet. */
  get waitingCount(): number {
    return this.#rejects.waitingCount + this.#queue.length + this.#inFlight.size
  }

  /** Their bytes. */
  get waitingSize(): number {
    return this.#rejects.waitingSize + this.#size
  }

  /** Whether so much waits that no more input may be taken. */
  get isFull(): boolean {
    return this.waitingCount > WAITING_MAX || this.waitingSize > WAITING_SIZE_MAX
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Takes over what waits and publishes it. */
  kick(): void {
    if (this.#rejects.waitingCount > 0) {
      this.#size += this.#rejects.waitingSize
      const parts = this.#rejects.takeAll()
      this.#takenCount += parts.length
      this.#queue.push(...parts)
    }
    while (!this.#isStopped && this.#inFlight.size < IN_FLIGHT_MAX && this.#queue.length > 0) {
      const ordinal = this.#takenCount - this.#queue.length
      this.#inFlight.add(ordinal)
      void this.#publish(this.#queue.shift()!, ordinal)
    }
  }

  /**
   * Resolves when everything that waits now is acknowledged, or the writer stopped. What comes
   * later is not waited for: under a steady flow of rejects no checkpoint would ever end.
   */
  drained(): Promise<void> {
    this.kick()
    if (this.waitingCount === 0 || this.#isStopped) return Promise.resolve()
    const ordinal = this.#takenCount
    return new Promise((resolve) => this.#waiters.push({ ordinal, resolve }))
  }

  stop(): void {
    this.#isStopped = true
    this.#wake(Number.POSITIVE_INFINITY)
  }

  async #publish(part: RejectPart, ordinal: number): Promise<void> {
    while (!this.#isStopped) {
      if (await this.#isStored(part)) break
      await this.#clock.pause(RETRY_MS)
    }
    this.#inFlight.delete(ordinal)
    this.#size -= part.bytes.byteLength
    this.kick()
    // Parts leave in order, so all before the oldest one under way are acknowledged.
    const [oldest = this.#takenCount] = this.#inFlight
    this.#wake(oldest)
  }

  /** A refusal for good (rights, a limit of the server) is tried again too: it can be mended. */
  async #isStored(part: RejectPart): Promise<boolean> {
    try {
      return (await this.#stream.publish(part.bytes, part.messageId)).kind === 'stored'
    } catch {
      return false
    }
  }

  /** Those who wait for parts before `ordinal`. */
  #wake(ordinal: number): void {
    const ready = this.#waiters.filter((waiter) => waiter.ordinal <= ordinal)
    this.#waiters = this.#waiters.filter((waiter) => waiter.ordinal > ordinal)
    for (const { resolve } of ready) resolve()
  }
}
