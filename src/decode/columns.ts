import { AssertionError } from '../errors.ts'
import { RejectError } from '../model/reject.ts'
import { SUBSCRIBER_MAX, type UsageBatch } from '../model/usage.ts'
import { KIND_CODE_MAX, partitionOf, RAT_CODE_MAX, TIME_MAX_MS } from '../model/wire.ts'
import { wholeProblem } from './number.ts'

/** Names the place of a value: column by position in USAGE_COLUMNS, record from zero. */
export type PositionOf = (column: number, record: number) => string

/** Columns in the order of a row. */
export const USAGE_COLUMNS = ['sub', 'bytes', 'time', 'rat', 'app', 'cell', 'kind'] as const

/**
 * Checks the first `count` records of a batch whose columns hold raw values, and turns -0 into 0.
 * All is judged in two plain passes (a loop per check spends half its time on looping); what is bad
 * and why is found out only when something is. Every app and cell code passes: what they mean is
 * the config's business. Bench: kernels/decode.
 * @throws RejectError for the first bad value of the first bad column
 */
export function validateColumns(
  batch: UsageBatch,
  partition: number,
  partitionCount: number,
  positionOf: PositionOf,
): void {
  const { count } = batch
  if (
    areNumbersGood(batch, partition, partitionCount) &&
    areCodesGood(batch.rats, count, RAT_CODE_MAX) &&
    areCodesGood(batch.kinds, count, KIND_CODE_MAX)
  ) {
    return
  }
  throw explain(batch, partition, partitionCount, positionOf)
}

/**
 * Judges subscribers, bytes and times, and writes the latter two back plus zero, which changes only
 * -0.
 */
function areNumbersGood(batch: UsageBatch, partition: number, partitionCount: number): boolean {
  const { count, subscribers, usageBytes, timesMs } = batch
  for (let i = 0; i < count; i++) {
    const subscriber = subscribers[i]!
    const bytes = usageBytes[i]!
    const timeMs = timesMs[i]!
    const isGood =
      subscriber >= 1 &&
      subscriber <= SUBSCRIBER_MAX &&
      subscriber === Math.floor(subscriber) &&
      partitionOf(subscriber, partitionCount) === partition &&
      bytes >= 0 &&
      bytes <= Number.MAX_SAFE_INTEGER &&
      bytes === Math.floor(bytes) &&
      timeMs >= 0 &&
      timeMs <= TIME_MAX_MS &&
      timeMs === Math.floor(timeMs)
    if (!isGood) return false
    usageBytes[i] = bytes + 0
    timesMs[i] = timeMs + 0
  }
  return true
}

/**
 * Judges codes of 0 to `codeMax` (below 128), four at a time: a byte above sets its high bit in the
 * sum.
 */
function areCodesGood(codes: Uint8Array, count: number, codeMax: number): boolean {
  const words = new Uint32Array(codes.buffer, codes.byteOffset, count >>> 2)
  const addend = (0x7f - codeMax) * 0x0101_0101
  let high = 0
  for (let i = 0; i < words.length; i++) high |= (words[i]! + addend) | words[i]!
  for (let i = words.length * 4; i < count; i++) high |= codes[i]! > codeMax ? 0x80 : 0
  return (high & 0x8080_8080) === 0
}

/** Finds the first bad value. */
function explain(
  batch: UsageBatch,
  partition: number,
  partitionCount: number,
  positionOf: PositionOf,
): RejectError {
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
  }
  for (let i = 0; i < count; i++) {
    const problem = wholeProblem(timesMs[i]!, 0, TIME_MAX_MS)
    if (problem !== null) {
      return new RejectError(problem, positionOf(2, i), 'must be whole ms, 0 to 8.64e15')
    }
  }
  for (let i = 0; i < count; i++) {
    if (rats[i]! > RAT_CODE_MAX) return codeReject(rats[i]!, RAT_CODE_MAX, positionOf(3, i))
  }
  for (let i = 0; i < count; i++) {
    if (kinds[i]! > KIND_CODE_MAX) return codeReject(kinds[i]!, KIND_CODE_MAX, positionOf(6, i))
  }
  throw new AssertionError('a batch was refused and nothing in it is bad')
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
