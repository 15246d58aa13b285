import { RejectError } from '../model/reject.ts'
import { SUBSCRIBER_MAX, type UsageBatch } from '../model/usage.ts'
import { KIND_CODE_MAX, partitionOf, RAT_CODE_MAX, TIME_MAX_MS } from '../model/wire.ts'
import { wholeProblem } from './number.ts'

/** Names the place of a value: column by position in USAGE_COLUMNS, record from zero. */
export type PositionOf = (column: number, record: number) => string

/** Columns in the order of a row. */
export const USAGE_COLUMNS = ['sub', 'bytes', 'time', 'rat', 'app', 'cell', 'kind'] as const

/** Added to a subscriber so that its quotient never falls just short of a whole number. */
const HALF = 0.5
/** Where a word's bytes tell that a code is too large. */
const HIGH_BITS = 0x8080_8080
/** Upper words of doubles: what lies strictly between has a value strictly between. */
const ONE_HIGH = highWordOf(1)
const SUBSCRIBER_HIGH_MAX = highWordOf(SUBSCRIBER_MAX) - 1
const USAGE_HIGH_MAX = highWordOf(Number.MAX_SAFE_INTEGER)
const TIME_HIGH_MAX = highWordOf(TIME_MAX_MS) - 1

/**
 * Checks the records of one reused batch whose columns hold raw values, and turns -0 into 0. All
 * is judged in plain passes without a branch or a store; only what they do not find good is looked
 * at closely, value by value. Every app and cell code passes: what they mean is the config's
 * business.
 */
export class ColumnChecks {
  readonly #batch: UsageBatch
  readonly #subscriberWords: Int32Array
  readonly #usageWords: Int32Array
  readonly #timeWords: Int32Array
  readonly #ratWords: Uint32Array
  readonly #kindWords: Uint32Array

  /** Looks at `batch` for good; its columns begin at offset 0 of their buffers. */
  constructor(batch: UsageBatch) {
    this.#batch = batch
    this.#subscriberWords = new Int32Array(batch.subscribers.buffer)
    this.#usageWords = new Int32Array(batch.usageBytes.buffer)
    this.#timeWords = new Int32Array(batch.timesMs.buffer)
    this.#ratWords = new Uint32Array(batch.rats.buffer)
    this.#kindWords = new Uint32Array(batch.kinds.buffer)
  }

  /**
   * Checks the first `count` records of the batch.
   * @throws RejectError for the first bad value of the first bad column
   */
  validate(partition: number, partitionCount: number, positionOf: PositionOf): void {
    const batch = this.#batch
    const { count } = batch
    if (
      this.#areNumbersPlain(partition, partitionCount) &&
      areCodesGood(this.#ratWords, batch.rats, count, RAT_CODE_MAX) &&
      areCodesGood(this.#kindWords, batch.kinds, count, KIND_CODE_MAX)
    ) {
      return
    }
    const problem = settle(batch, partition, partitionCount, positionOf)
    if (problem !== null) throw problem
  }

  /**
   * Whether subscribers, bytes and times are good beyond doubt; false for -0 and for values right
   * at a limit, which are good too. One sum takes up every fraction and every wrong remainder, one
   * word the sign of every excess.
   */
  #areNumbersPlain(partition: number, partitionCount: number): boolean {
    const { count, subscribers, usageBytes, timesMs } = this.#batch
    const subscriberWords = this.#subscriberWords
    const usageWords = this.#usageWords
    const timeWords = this.#timeWords
    const inverse = 1 / partitionCount
    let signs = 0
    let excess = 0
    for (let i = 0; i < count; i++) {
      const subscriber = subscribers[i]!
      const bytes = usageBytes[i]!
      const timeMs = timesMs[i]!
      const subscriberWord = subscriberWords[2 * i + 1]!
      const usageWord = usageWords[2 * i + 1]!
      const timeWord = timeWords[2 * i + 1]!
      signs |= (subscriberWord - ONE_HIGH) | (SUBSCRIBER_HIGH_MAX - subscriberWord)
      signs |= usageWord | (USAGE_HIGH_MAX - usageWord) | timeWord | (TIME_HIGH_MAX - timeWord)
      excess += subscriber - Math.floor(subscriber)
      excess += bytes - Math.floor(bytes) + (timeMs - Math.floor(timeMs))
      const quotient = Math.floor((subscriber + HALF) * inverse)
      const rest = subscriber - quotient * partitionCount - partition
      excess += rest * rest
    }
    return signs >= 0 && excess === 0
  }
}

/**
 * Judges codes of 0 to `codeMax` (below 128), four at a time: a byte above sets its high bit in the
 * sum.
 */
function areCodesGood(
  words: Uint32Array,
  codes: Uint8Array,
  count: number,
  codeMax: number,
): boolean {
  const addend = (0x7f - codeMax) * 0x0101_0101
  const wordCount = count >>> 2
  let high = 0
  for (let i = 0; i < wordCount; i++) high |= (words[i]! + addend) | words[i]!
  for (let i = wordCount * 4; i < count; i++) high |= codes[i]! > codeMax ? 0x80 : 0
  return (high & HIGH_BITS) === 0
}

/** Looks at every value, turns -0 into 0, and returns what is wrong with the first bad one. */
function settle(
  batch: UsageBatch,
  partition: number,
  partitionCount: number,
  positionOf: PositionOf,
): RejectError | null {
  const { count, subscribers, usageBytes, timesMs, rats, kinds } = batch
  for (let i = 0; i < count; i++) {
    const isGood =
      wholeProblem(subscribers[i]!, 1, SUBSCRIBER_MAX) === null &&
      partitionOf(subscribers[i]!, partitionCount) === partition
    if (!isGood) return subscriberReject(subscribers[i]!, positionOf(0, i))
  }
  for (let i = 0; i < count; i++) {
    const problem = wholeProblem(usageBytes[i]!, 0, Number.MAX_SAFE_INTEGER)
    if (problem !== null) {
      return new RejectError(problem, positionOf(1, i), 'must be whole, 0 to 2^53-1')
    }
    usageBytes[i] = usageBytes[i]! + 0
  }
  for (let i = 0; i < count; i++) {
    const problem = wholeProblem(timesMs[i]!, 0, TIME_MAX_MS)
    if (problem !== null) {
      return new RejectError(problem, positionOf(2, i), 'must be whole ms, 0 to 8.64e15')
    }
    timesMs[i] = timesMs[i]! + 0
  }
  for (let i = 0; i < count; i++) {
    if (rats[i]! > RAT_CODE_MAX) return codeReject(rats[i]!, RAT_CODE_MAX, positionOf(3, i))
  }
  for (let i = 0; i < count; i++) {
    if (kinds[i]! > KIND_CODE_MAX) return codeReject(kinds[i]!, KIND_CODE_MAX, positionOf(6, i))
  }
  return null
}

/** Refusal of a subscriber number, which the text does not repeat. */
function subscriberReject(subscriber: number, position: string): RejectError {
  const problem = wholeProblem(subscriber, 1, SUBSCRIBER_MAX)
  if (problem !== null) {
    return new RejectError(problem, position, 'a subscriber is a whole number of 1 to 15 digits')
  }
  return new RejectError(
    'wrong-partition',
    position,
    'this subscriber belongs to another partition',
  )
}

/** Refusal of a code of 0 to `codeMax`. */
export function codeReject(code: number, codeMax: number, position: string): RejectError {
  return new RejectError('unknown-code', position, `code ${code}, known are 0 to ${codeMax}`)
}

/** The upper 32 bits of a double. */
function highWordOf(value: number): number {
  return new Int32Array(Float64Array.of(value).buffer)[1]!
}
