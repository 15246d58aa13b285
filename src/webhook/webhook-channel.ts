/**
 * Deliveries as POSTs to one target. The target recognises a repeat by its Idempotency-Key, so what
 * was not answered is sent again until the delivery's time is over; a target that does not answer
 * is left alone for a while.
 */

import type { WaitingClock } from '../model/ports.ts'
import type { ChannelPort, ChannelPortView, SendJob, SendResult } from '../model/sending.ts'
import { type BreakerSettings, CircuitBreaker } from './circuit-breaker.ts'
import { createPoster, type Poster, type PostOutcome, type PostTarget } from './http-post.ts'
import { webhookBody, webhookHeaders } from './request.ts'
import { parseRetryAfter, type RetrySettings, retryWaitMs } from './retry.ts'

/** How a webhook is used. */
export interface WebhookSettings {
  readonly target: PostTarget
  /** Requests at once at most. */
  readonly concurrencyMax: number
  readonly retry: RetrySettings
  readonly breaker: BreakerSettings
  /** Gives the secret of the signature as it is now; null: nothing is signed. */
  readonly secret: (() => string) | null
  /** From 0 up to 1, for jitter. */
  readonly random: () => number
}

/** Jobs that wait for another try at most; beyond, nothing new is taken. */
const PARKED_MAX = 5_000
/** Statuses with which a target says that it did not take the request. */
const NOT_TAKEN: ReadonlySet<number> = new Set([429, 503])
const TRY_AGAIN: ReadonlySet<number> = new Set([408, 425, 429])

/** What is known of a job from its attempts so far. */
interface Trials {
  count: number
  /** The target may have it: bytes left, and no answer came. */
  isUnanswered: boolean
  /** The target had it, and failed. */
  hasFailed: boolean
}

/** One target. */
export class WebhookChannel implements ChannelPort {
  readonly isIdempotent = true
  readonly #settings: WebhookSettings
  readonly #clock: WaitingClock
  readonly #poster: Poster
  readonly #breaker: CircuitBreaker
  #onChange: () => void = () => undefined
  #active = 0
  /** How each parked job goes on before its time. */
  readonly #parked = new Set<() => void>()
  /** Those of them that want a place, oldest first. */
  readonly #queue = new Set<() => void>()
  #isClosed = false
  #retries = 0
  #throttles = 0

  constructor(settings: WebhookSettings, clock: WaitingClock) {
    this.#settings = settings
    this.#clock = clock
    this.#poster = createPoster(settings.target)
    this.#breaker = new CircuitBreaker(settings.breaker)
  }

  start(_sink: unknown, onChange: () => void): void {
    this.#onChange = onChange
  }

  room(): number {
    if (this.#isClosed || this.#parked.size >= PARKED_MAX) return 0
    const free = this.#settings.concurrencyMax - this.#active - this.#queue.size
    if (this.#breaker.state === 'closed') return Math.max(0, free)
    return this.#breaker.canTry(this.#clock.steadyMs()) && this.#active === 0 ? 1 : 0
  }

  costOf(): number {
    return 1
  }

  async submit({ delivery, isRepeat }: SendJob): Promise<SendResult> {
    const body = webhookBody(delivery)
    const trials: Trials = { count: 0, isUnanswered: isRepeat, hasFailed: false }
    for (;;) {
      const isTaken = await this.#takePlace(delivery.notAfterMs)
      if (this.#isClosed) {
        if (isTaken) this.#giveBack()
        return endOf(trials)
      }
      if (!isTaken) return resultOf(trials)
      const outcome = await this.#attempt(delivery.id, body)
      const result = judge(outcome, trials)
      if (result !== null) return result
      this.#retries += 1
      if (!(await this.#waitForRetry(outcome, trials, delivery.notAfterMs))) {
        return this.#isClosed ? endOf(trials) : resultOf(trials)
      }
    }
  }

  view(): ChannelPortView {
    return {
      isUp: this.#breaker.state === 'closed',
      connects: 0,
      retries: this.#retries,
      throttles: this.#throttles,
      strays: 0,
    }
  }

  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true
    for (const resume of this.#parked) resume()
    const endMs = this.#clock.steadyMs() + timeoutMs
    while (this.#active > 0 && this.#clock.steadyMs() < endMs) await this.#clock.pause(20)
    this.#poster.close()
  }

  /** A place and the breaker's permission; false: the delivery's time is over before. */
  async #takePlace(notAfterMs: number): Promise<boolean> {
    for (;;) {
      if (this.#isClosed || this.#clock.nowMs() >= notAfterMs) return false
      const nowMs = this.#clock.steadyMs()
      const hasPlace = this.#active < this.#settings.concurrencyMax
      if (hasPlace && this.#breaker.take(nowMs)) {
        this.#active += 1
        return true
      }
      const leftMs = notAfterMs - this.#clock.nowMs()
      const waitMs = hasPlace ? Math.max(50, this.#breaker.waitMs(nowMs)) : 1_000
      await this.#park(Math.min(leftMs, waitMs), !hasPlace)
    }
  }

  async #park(waitMs: number, isForPlace: boolean): Promise<void> {
    if (this.#isClosed) return
    let resume: () => void = () => undefined
    const resumed = new Promise<void>((resolve) => {
      resume = resolve
    })
    this.#parked.add(resume)
    if (isForPlace) this.#queue.add(resume)
    await Promise.race([resumed, this.#clock.pause(waitMs)])
    this.#parked.delete(resume)
    this.#queue.delete(resume)
  }

  #giveBack(): void {
    this.#active -= 1
    const [oldest] = this.#queue
    if (oldest === undefined) return
    this.#queue.delete(oldest)
    oldest()
  }

  async #attempt(id: string, body: Buffer): Promise<PostOutcome> {
    const { secret } = this.#settings
    const headers = webhookHeaders(id, body, secret?.() ?? null, this.#clock.nowMs())
    const outcome = await this.#poster.post(body, headers)
    const isAnswer = outcome.kind === 'answer'
    if (isAnswer && outcome.status === 429) this.#throttles += 1
    // One that asks for patience or refuses a request works; one that fails or is silent does not.
    if (isAnswer && outcome.status >= 200 && outcome.status < 500) this.#breaker.succeed()
    else this.#breaker.fail(this.#clock.steadyMs())
    this.#giveBack()
    this.#onChange()
    return outcome
  }

  /** False: there is no time left for another try, or the channel is closed. */
  async #waitForRetry(outcome: PostOutcome, trials: Trials, notAfterMs: number): Promise<boolean> {
    const header = outcome.kind === 'answer' ? outcome.retryAfter : undefined
    const askedMs = parseRetryAfter(header, this.#clock.nowMs())
    const { retry, random } = this.#settings
    const waitMs = retryWaitMs(trials.count - 1, retry, random(), askedMs)
    if (this.#clock.nowMs() + waitMs >= notAfterMs) return false
    await this.#park(waitMs, false)
    return !this.#isClosed
  }
}

/** The end of a job after this attempt; null: it is to be tried again. */
function judge(outcome: PostOutcome, trials: Trials): SendResult | null {
  trials.count += 1
  if (outcome.kind === 'unsent') return null
  if (outcome.kind === 'unanswered') {
    trials.isUnanswered = true
    return null
  }
  const { status } = outcome
  if (status >= 200 && status < 300) return { kind: 'sent', receipts: [] }
  if (status >= 300 && status < 500 && !TRY_AGAIN.has(status)) {
    return { kind: 'failed', reason: `http-${status}` }
  }
  // A status that is none was sent by something that does not speak HTTP.
  if (status < 200 || status > 599) trials.isUnanswered = true
  else if (!NOT_TAKEN.has(status)) trials.hasFailed = true
  return null
}

/** What a job is when its time is over without an answer that settles it. */
function resultOf({ isUnanswered, hasFailed }: Trials): SendResult {
  if (isUnanswered) return { kind: 'unknown' }
  return hasFailed ? { kind: 'failed', reason: 'gave-up' } : { kind: 'expired' }
}

/** What a job is when the channel ends before it: the next gateway goes on with it. */
function endOf({ isUnanswered, hasFailed }: Trials): SendResult {
  return { kind: isUnanswered || hasFailed ? 'left' : 'withdrawn' }
}
