import { setTimeout as sleepFor } from 'node:timers/promises'
import { HighwaterError } from '../errors.ts'

/** Where a probe's messages go: JetStream's `IN_<p>`, or a test's list. */
export interface UsageWriter {
  /**
   * Resolves when the message is stored for good. After a rejection it may be stored or not; the
   * same message may be published again. Many may be under way at once.
   */
  publish(subject: string, data: Uint8Array): Promise<void>
}

/** The outside world of a probe; tests bring their own. */
export interface ProbeHooks {
  nowMs(): number
  /** Resolves after `ms`; rejects when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock and timers. */
export const systemHooks: ProbeHooks = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleepFor(ms, undefined, signal === undefined ? {} : { signal })
  },
}

/** Bounds of a publisher. */
export interface PublisherOptions {
  /** Messages under way at once, at most. Reordering by so much is what a partition must bear. */
  readonly inFlightMax: number
  readonly signal?: AbortSignal
}

const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 5_000

/**
 * Publishes messages with a bound on how many are under way, and repeats a failed one unchanged
 * until it is stored. Errors that a retry does not cure end it: the next call throws.
 */
export class Publisher {
  readonly #writer: UsageWriter
  readonly #hooks: ProbeHooks
  readonly #options: PublisherOptions
  /** Calls that wait for a message to be settled. */
  #waiting: (() => void)[] = []
  #underWayCount = 0
  #failure: { readonly error: unknown } | null = null
  #retryCount = 0
  #storedCount = 0

  constructor(writer: UsageWriter, options: PublisherOptions, hooks: ProbeHooks) {
    this.#writer = writer
    this.#options = options
    this.#hooks = hooks
  }

  /** Publishes that failed and were repeated. */
  get retryCount(): number {
    return this.#retryCount
  }

  /** Messages known to be stored. */
  get storedCount(): number {
    return this.#storedCount
  }

  /** Messages not yet known to be stored. */
  get underWayCount(): number {
    return this.#underWayCount
  }

  /**
   * Starts to publish as soon as there is room; resolves then, not when it is stored.
   * @throws what ended an earlier publish for good, or the signal's reason
   */
  async publish(subject: string, data: Uint8Array): Promise<void> {
    while (this.#underWayCount >= this.#options.inFlightMax) await this.#nextSettled()
    this.#throwFailure()
    this.#underWayCount += 1
    void this.#publishUntilStored(subject, data).then(
      () => {
        this.#storedCount += 1
        this.#settle()
      },
      (error: unknown) => {
        this.#failure ??= { error }
        this.#settle()
      },
    )
  }

  /** Waits until all is stored. @throws as `publish` */
  async drain(): Promise<void> {
    while (this.#underWayCount > 0) await this.#nextSettled()
    this.#throwFailure()
  }

  #nextSettled(): Promise<void> {
    this.#throwFailure()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #settle(): void {
    this.#underWayCount -= 1
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  async #publishUntilStored(subject: string, data: Uint8Array): Promise<void> {
    const { signal } = this.#options
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
      try {
        await this.#writer.publish(subject, data)
        return
      } catch (error) {
        if (error instanceof HighwaterError && !error.retryable) throw error
        signal?.throwIfAborted()
      }
      this.#retryCount += 1
      await this.#hooks.sleep(waitMs, signal)
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error
  }
}
