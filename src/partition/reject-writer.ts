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
  #inFlight = 0
  #size = 0
  #isStopped = false
  #waiters: (() => void)[] = []

  constructor(stream: RejectStream, clock: WaitingClock, rejects: Rejects) {
    this.#stream = stream
    this.#clock = clock
    this.#rejects = rejects
  }

  /** Rejects that are not acknowledged yet. */
  get waitingCount(): number {
    return this.#rejects.waitingCount + this.#queue.length + this.#inFlight
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
      this.#queue.push(...this.#rejects.takeAll())
    }
    while (!this.#isStopped && this.#inFlight < IN_FLIGHT_MAX && this.#queue.length > 0) {
      this.#inFlight += 1
      void this.#publish(this.#queue.shift()!)
    }
  }

  /** Resolves when everything that waits now is acknowledged, or the writer stopped. */
  drained(): Promise<void> {
    this.kick()
    if (this.waitingCount === 0 || this.#isStopped) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  stop(): void {
    this.#isStopped = true
    this.#wake()
  }

  async #publish(part: RejectPart): Promise<void> {
    while (!this.#isStopped) {
      if (await this.#isStored(part)) break
      await this.#clock.pause(RETRY_MS)
    }
    this.#inFlight -= 1
    this.#size -= part.bytes.byteLength
    this.kick()
    if (this.waitingCount === 0) this.#wake()
  }

  /** A refusal for good (rights, a limit of the server) is tried again too: it can be mended. */
  async #isStored(part: RejectPart): Promise<boolean> {
    try {
      return (await this.#stream.publish(part.bytes, part.messageId)).kind === 'stored'
    } catch {
      return false
    }
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }
}
