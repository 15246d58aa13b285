/** When to try again: exponential, with jitter, and never before the target asked for it. */

/** Waiting times in ms. */
export interface RetrySettings {
  readonly minMs: number
  readonly maxMs: number
  /** What a target may ask for with Retry-After at most. */
  readonly retryAfterMaxMs: number
}

/**
 * How long to wait after failed attempt number `attempt` (from 0). `fraction`: a random number from
 * 0 up to 1; half of the wait is jitter, so that those that failed together do not come back
 * together. `askedMs`: what the target asked for; null: nothing.
 */
export function retryWaitMs(
  attempt: number,
  { minMs, maxMs, retryAfterMaxMs }: RetrySettings,
  fraction: number,
  askedMs: number | null,
): number {
  const fullMs = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30))
  const ownMs = Math.round(fullMs * (0.5 + fraction / 2))
  return askedMs === null ? ownMs : Math.max(ownMs, Math.min(askedMs, retryAfterMaxMs))
}

/**
 * A Retry-After header (RFC 9110, 10.2.3) as ms from now: seconds, or an HTTP date; null: it says
 * nothing that can be understood.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null
  const text = header.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  if (!/^[A-Za-z]{3}, \d/.test(text)) return null
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs)
}
