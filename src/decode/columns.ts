import { type RejectReason, RejectError } from '../model/reject.ts'
import { SUBSCRIBER_MAX, type UsageBatch } from '../model/usage.ts'
import { KIND_CODE_MAX, partitionOf, RAT_CODE_MAX, TIME_MAX_MS } from '../model/wire.ts'
import { wholeProblem } from './number.ts'

/** Names the place of a value: column by position in USAGE_COLUMNS, record from zero. */
export type PositionOf = (column: number, record: number) => string

/** Columns in the order of a row. */
export const USAGE_COLUMNS = ['sub', 'bytes', 'time', 'rat', 'app', 'cell', 'kind'] as const

/**
 * Checks the first `count` records of a batch whose columns hold raw values, and turns -0 into 0. Each column is
 * one tight loop that ends at the first bad value; why it is bad is found out only then. Every app and cell code
 * passes: what they mean is the config's business.
 * @throws RejectError for the first bad value of the first bad column
 */
export function validateColumns(
  batch: UsageBatch,
  partition: number,
  partitionCount: number,
  positionOf: PositionOf,
): void {
  const { count } = batch
  let bad = findBadSubscriber(batch.subscribers, count, partition, partitionCount)
  if (bad >= 0) throw subscriberReject(batch.subscribers[bad]!, positionOf(0, bad))
  bad = findBadWhole(batch.usageBytes, count, Number.MAX_SAFE_INTEGER)
  if (bad >= 0) {
    throw wholeReject(batch.usageBytes[bad]!, Number.MAX_SAFE_INTEGER, positionOf(1, bad))
  }
  bad = findBadWhole(batch.timesMs, count, TIME_MAX_MS)
  if (bad >= 0) throw wholeReject(batch.timesMs[bad]!, TIME_MAX_MS, positionOf(2, bad))
  bad = findAbove(batch.rats, count, RAT_CODE_MAX)
  if (bad >= 0) throw codeReject(batch.rats[bad]!, RAT_CODE_MAX, positionOf(3, bad))
  bad = findAbove(batch.kinds, count, KIND_CODE_MAX)
  if (bad >= 0) throw codeReject(batch.kinds[bad]!, KIND_CODE_MAX, positionOf(6, bad))
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

function wholeReject(value: number, max: number, position: string): RejectError {
  const problem: RejectReason = wholeProblem(value, 0, max) ?? 'malformed'
  return new RejectError(problem, position, `must be whole, 0 to ${max}`)
}

function findBadSubscriber(
  subscribers: Float64Array,
  count: number,
  partition: number,
  partitionCount: number,
): number {
  for (let i = 0; i < count; i++) {
    const subscriber = subscribers[i]!
    const isGood =
      subscriber >= 1 &&
      subscriber <= SUBSCRIBER_MAX &&
      subscriber === Math.floor(subscriber) &&
      partitionOf(subscriber, partitionCount) === partition
    if (!isGood) return i
  }
  return -1
}

/** Writes every value back plus zero: that leaves all as they are but -0. */
function findBadWhole(values: Float64Array, count: number, max: number): number {
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (!(value >= 0 && value <= max && value === Math.floor(value))) return i
    values[i] = value + 0
  }
  return -1
}

function findAbove(codes: Uint8Array, count: number, max: number): number {
  for (let i = 0; i < count; i++) if (codes[i]! > max) return i
  return -1
}
