/** A rate per second that is never exceeded by more than a tenth of a second's worth at once. */

/** Tokens that come back with time. Times are ms of a clock that is never set back. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  /** `perSecond`: more than 0. */
  constructor(perSecond: number, nowMs: number) {
    this.#perMs = perSecond / 1000
    this.#burst = Math.max(1, perSecond / 10)
    this.#tokens = this.#burst
    this.#atMs = nowMs
  }

  /**
   * Takes `cost` if anything at all is there; what is dearer than what is there is owed, so that a
   * message of many parts is not kept back for ever and the rate holds all the same.
   */
  take(cost: number, nowMs: number): boolean {
    this.#refill(nowMs)
    if (this.#tokens < Math.min(cost, 1)) return false
    this.#tokens -= cost
    return true
  }

  /** Milliseconds until `take` may succeed; 0: now. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs)
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs)
  }

  #refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#atMs = nowMs
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsedMs * this.#perMs)
  }
}
