/**
 * OUT_<p> as a feed of decisions: in the order of their numbers, each once, from a place that the
 * reader keeps. No acks: what was read is the reader's business. The queue behind it is bounded by
 * the source, so a slow reader holds nobody back and needs no memory; what OUT forgets before it
 * was read is found out, since numbers have no gaps.
 */

import { FeedBrokenError } from '../errors.ts'
import type { Source } from '../model/ports.ts'
import type { DecisionFeed, FeedPlace, SaidDecision, SaidMessage } from '../model/said.ts'

/**
 * Opens the feed behind `after`: the next decision is number `after.number + 1`. `decode` turns a
 * message of OUT into decisions (decode/decisions.ts). The feed owns the source and closes it.
 * @throws {FeedBrokenError} OUT does not hold what comes next, or is not the stream that was read
 * @throws {BrokerUnavailableError | BrokerRefusedError}
 */
export async function openDecisionFeed(
  source: Source,
  decode: (data: Uint8Array) => SaidMessage,
  after: FeedPlace,
): Promise<DecisionFeed> {
  const state = await source.state()
  const isRecreated = after.created !== '' && after.created !== state.created
  const from = isRecreated
    ? state.firstSequence
    : after.sequence || (await findSequence(source, decode, after.number))
  const feed = new OutputFeed(source, decode, after, state.created, isRecreated)
  feed.checkState(state)
  // The message that holds the last decision read is read once more: it may hold later ones.
  await source.open(Math.max(1, from, state.firstSequence))
  return feed
}

class OutputFeed implements DecisionFeed {
  readonly #source: Source
  readonly #decode: (data: Uint8Array) => SaidMessage
  readonly #created: string
  #number: number
  #sequence: number
  /** OUT was made anew: nothing is taken from it before a baseline says that it goes on. */
  #isBaselineOwed: boolean

  constructor(
    source: Source,
    decode: (data: Uint8Array) => SaidMessage,
    after: FeedPlace,
    created: string,
    isRecreated: boolean,
  ) {
    this.#source = source
    this.#decode = decode
    this.#created = created
    this.#number = after.number
    this.#sequence = isRecreated ? 0 : after.sequence
    this.#isBaselineOwed = isRecreated && after.number > 0
  }

  get place(): FeedPlace {
    return { number: this.#number, sequence: this.#sequence, created: this.#created }
  }

  take(max: number): readonly SaidDecision[] {
    const taken: SaidDecision[] = []
    while (taken.length < max) {
      // One at a time: each may hold a thousand decisions.
      const [message] = this.#source.take(1)
      if (message === undefined) break
      this.#next(message.sequence, this.#decode(message.data), taken)
    }
    return taken
  }

  wait(timeoutMs: number): Promise<void> {
    return this.#source.wait(timeoutMs)
  }

  async check(): Promise<void> {
    this.checkState(await this.#source.state())
  }

  /** Compares what the stream says of itself with what was read. */
  checkState({ created, lastSequence }: { created: string; lastSequence: number }): void {
    if (created !== this.#created) {
      throw new FeedBrokenError('recreated', `OUT was made anew on ${created}`)
    }
    if (lastSequence < this.#sequence) {
      const text = `OUT ends at ${lastSequence}, we read ${this.#sequence}`
      throw new FeedBrokenError('truncated', text)
    }
  }

  close(): Promise<void> {
    return this.#source.close()
  }

  #next(sequence: number, message: SaidMessage, taken: SaidDecision[]): void {
    if (message.kind === 'ruling' && message.baselineNumber !== null) {
      if (message.baselineNumber < this.#number) {
        const text = `a ruling counts decisions up to ${message.baselineNumber} as said, we read ${this.#number}`
        throw new FeedBrokenError('gap', text)
      }
      // What is skipped was lost with OUT, and a person has said so.
      this.#number = message.baselineNumber
      this.#isBaselineOwed = false
    }
    if (message.kind === 'decisions') {
      if (this.#isBaselineOwed) {
        const text = 'OUT was made anew and holds decisions that no ruling joins to the former ones'
        throw new FeedBrokenError('recreated', text)
      }
      if (message.first > this.#number + 1) {
        const text = `OUT ${sequence} starts with decision ${message.first}, we read ${this.#number}`
        throw new FeedBrokenError('gap', text)
      }
      if (message.last > this.#number) {
        const fresh = message.decisions.slice(this.#number + 1 - message.first)
        for (const decision of fresh) taken.push(decision)
        this.#number = message.last
      }
    }
    this.#sequence = sequence
  }
}

/**
 * A sequence at or before the message that holds the first decision past `number`, by bisection;
 * the stream's first one when it begins later (the gap is found when it is read).
 */
async function findSequence(
  source: Source,
  decode: (data: Uint8Array) => SaidMessage,
  number: number,
): Promise<number> {
  const { firstSequence, lastSequence } = await source.state()
  if (number === 0) return firstSequence
  let low = firstSequence
  let high = lastSequence + 1
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const first = await firstNumberFrom(source, decode, middle, high)
    if (first !== null && first <= number) low = middle
    else high = middle
  }
  return low
}

/** First number of the first message of decisions from `sequence` on; null: none before `end`. */
async function firstNumberFrom(
  source: Source,
  decode: (data: Uint8Array) => SaidMessage,
  sequence: number,
  end: number,
): Promise<number | null> {
  for (let at = sequence; at < end; at++) {
    const stored = await source.read(at)
    const message = stored === null ? null : decode(stored.data)
    if (message?.kind === 'decisions') return message.first
  }
  return null
}

/**
 * A place in OUT for a reader that has none: before the first decision that is still there, or
 * behind the last one that was made.
 * @throws {FeedBrokenError | BrokerUnavailableError | BrokerRefusedError}
 */
export async function findFeedPlace(
  source: Source,
  decode: (data: Uint8Array) => SaidMessage,
  where: 'oldest' | 'newest',
): Promise<FeedPlace> {
  const { created, firstSequence, lastSequence } = await source.state()
  const isBack = where === 'newest'
  const [from, to, step] = isBack
    ? [lastSequence, firstSequence, -1]
    : [firstSequence, lastSequence, 1]
  for (let at = from; (to - at) * step >= 0 && at > 0; at += step) {
    const stored = await source.read(at)
    const message = stored === null ? null : decode(stored.data)
    if (message?.kind !== 'decisions') continue
    const number = isBack ? message.last : message.first - 1
    return { number, sequence: at, created }
  }
  return { number: 0, sequence: 0, created }
}
