/**
 * Keeps a gateway from knocking at a door that nobody opens: after some failures in a row nothing
 * is sent for a while, then one request tries, and its answer decides. Pure; times are ms of a
 * clock that is never set back.
 */

/** When it opens and how long it stays open. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failuresMax: number
  /** How long it is open at first; each failed try doubles it, up to the most. */
  readonly openMs: number
  readonly openMaxMs: number
}

/** `closed`: requests pass; `open`: none; `half-open`: one is trying. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** One per target. */
export class CircuitBreaker {
  readonly #settings: BreakerSettings
  #failures = 0
  #openForMs = 0
  #openUntilMs = 0
  #state: BreakerState = 'closed'
  /** Times that it opened. */
  openCount = 0

  constructor(settings: BreakerSettings) {
    this.#settings = settings
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Whether a request may be tried now, without taking the try. */
  canTry(nowMs: number): boolean {
    if (this.#state === 'closed') return true
    return this.#state === 'open' && nowMs >= this.#openUntilMs
  }

  /** Takes the permission for one request; its outcome must be recorded. */
  take(nowMs: number): boolean {
    if (!this.canTry(nowMs)) return false
    if (this.#state === 'open') this.#state = 'half-open'
    return true
  }

  /** Milliseconds until a try may be possible; 0: now, or when the one under way is answered. */
  waitMs(nowMs: number): number {
    return this.#state === 'open' ? Math.max(0, this.#openUntilMs - nowMs) : 0
  }

  /** The target answered like one that works. */
  succeed(): void {
    this.#failures = 0
    this.#openForMs = 0
    this.#state = 'closed'
  }

  /** The target did not answer, or not like one that works. */
  fail(nowMs: number): void {
    this.#failures += 1
    const { failuresMax, openMs, openMaxMs } = this.#settings
    if (this.#state === 'closed' && this.#failures < failuresMax) return
    // Answers to requests from before it opened come late, and do not count again.
    if (this.#state === 'open' && nowMs < this.#openUntilMs) return
    this.#openForMs = Math.min(openMaxMs, Math.max(openMs, this.#openForMs * 2))
    this.#openUntilMs = nowMs + this.#openForMs
    this.#state = 'open'
    this.openCount += 1
  }
}
