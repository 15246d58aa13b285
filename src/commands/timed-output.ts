/**
 * OUT of one partition, folded up to an instant: what was decided later waits. Says how far the
 * partition's clock is known to be.
 */

import type { SaidDecision, SaidDelivery } from '../model/said.ts'
import type { ReportFold } from '../report/fold.ts'
import type { OutputFeedOf } from './output-feeds.ts'

const TAKE_MAX = 5_000

/** One partition's decisions on their way into the fold. */
export class TimedOutput {
  readonly partition: number
  readonly #output: OutputFeedOf
  readonly #fold: ReportFold
  #queue: readonly SaidDecision[] = []
  #next = 0
  #isAtEnd = false
  /** The clock is at least here, and all from before is in the queue or folded. */
  #emptyUntilMs = Number.NEGATIVE_INFINITY

  constructor(output: OutputFeedOf, fold: ReportFold) {
    this.partition = output.partition
    this.#output = output
    this.#fold = fold
  }

  /** Folds what was decided before `untilMs`, as far as it has arrived; says how much that was. */
  foldBefore(untilMs: number): number {
    let count = 0
    for (;;) {
      if (this.#next >= this.#queue.length) {
        this.#fold.setPlace(this.partition, this.#output.feed.place)
        this.#queue = this.#output.feed.take(TAKE_MAX)
        this.#next = 0
        if (this.#queue.length === 0) return count
      }
      const decision = this.#queue[this.#next]!
      if (atOf(decision) >= untilMs) return count
      this.#fold.apply(this.partition, decision)
      this.#next++
      count++
    }
  }

  /** Whether everything from before an instant is folded. */
  isPast(instantMs: number): boolean {
    return this.#hasNext || this.#emptyUntilMs >= instantMs
  }

  /** Number of the last decision that was read, folded or not. */
  get readNumber(): number {
    return this.#output.feed.place.number
  }

  /** Deliveries that were read and not folded yet: they were planned a moment ago. */
  *unfoldedDeliveries(): Generator<SaidDelivery> {
    for (let i = this.#next; i < this.#queue.length; i++) {
      const decision = this.#queue[i]!
      if (decision.kind === 'delivery') yield decision
    }
  }

  /** Whether all that OUT held when it was last asked has been read. */
  get isAtEnd(): boolean {
    return this.#isAtEnd
  }

  /**
   * Nothing is left in OUT: the clock is at least at `nowMs`, which was read before the asking.
   */
  async learnEnd(nowMs: number): Promise<void> {
    const { lastSequence } = await this.#output.state()
    this.#isAtEnd = this.#output.feed.place.sequence >= lastSequence
    if (!this.#hasNext && this.#isAtEnd) this.#noteClock(nowMs)
  }

  /** The owner says how far its clock is, and that it had made so many decisions by then. */
  learnClock(clockMs: number, decisionNumber: number): void {
    if (!this.#hasNext && this.readNumber >= decisionNumber) this.#noteClock(clockMs)
  }

  /** Waits for more to come. */
  wait(timeoutMs: number): Promise<void> {
    return this.#output.feed.wait(timeoutMs)
  }

  check(): Promise<void> {
    return this.#output.feed.check()
  }

  close(): Promise<void> {
    return this.#output.feed.close()
  }

  get #hasNext(): boolean {
    return this.#next < this.#queue.length
  }

  #noteClock(atMs: number): void {
    this.#emptyUntilMs = Math.max(this.#emptyUntilMs, atMs)
  }
}

/** What a decision of an unknown kind says of its time is not known: it is folded at once. */
function atOf(decision: SaidDecision): number {
  return decision.kind === 'unknown' ? Number.NEGATIVE_INFINITY : decision.decidedAtMs
}
