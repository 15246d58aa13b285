/**
 * When decisions flow: listens to OUT as it is published. For recovery times; what is compared
 * is read from the stream.
 */

import type { NatsConnection, Subscription } from 'nats'

/** Where `kind` stands in a message of OUT. */
const HEAD_LENGTH = 32

/** Notes the time of each message with decisions; the connection stays the caller's. */
export class OutputFlow {
  readonly #subscription: Subscription
  /** `performance.now()` of each message with decisions, ascending. */
  readonly #timesMs: number[] = []
  #waiters: (() => void)[] = []

  /** `subject`: of all partitions unless said. */
  constructor(connection: NatsConnection, subject = 'out.*') {
    this.#subscription = connection.subscribe(subject, {
      callback: (_, message) => {
        const head = Buffer.from(message.data.subarray(0, HEAD_LENGTH)).toString('latin1')
        if (!head.includes('decisions')) return
        this.#timesMs.push(performance.now())
        for (const wake of this.#waiters.splice(0)) wake()
      },
    })
  }

  /**
   * Seconds from `sinceMs` (`performance.now()`) to the first decisions after it; null: none came
   * in time.
   */
  async secondsUntilFlow(sinceMs: number, timeoutMs: number): Promise<number | null> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const seconds = this.secondsSince(sinceMs)
      const leftMs = deadlineMs - performance.now()
      if (seconds !== null || leftMs <= 0) return seconds
      await this.#untilNext(leftMs)
    }
  }

  /** The same without waiting: null if none have come yet. */
  secondsSince(sinceMs: number): number | null {
    const index = this.#timesMs.findLastIndex((atMs) => atMs < sinceMs)
    const atMs = this.#timesMs[index + 1]
    return atMs === undefined ? null : (atMs - sinceMs) / 1000
  }

  close(): void {
    this.#subscription.unsubscribe()
  }

  #untilNext(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#waiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
