import { expect, test } from 'vitest'
import { ColumnChecks } from '../../../src/decode/columns.ts'
import { wholeProblem } from '../../../src/decode/number.ts'
import { SUBSCRIBER_MAX, type UsageBatch } from '../../../src/model/usage.ts'
import { TIME_MAX_MS } from '../../../src/model/wire.ts'
import { rejectOf, seededNumbers } from './wire-cases.ts'

const SEED = 20261122
const COUNT = 5
const batch: UsageBatch = {
  count: COUNT,
  subscribers: new Float64Array(8),
  usageBytes: new Float64Array(8),
  timesMs: new Float64Array(8),
  rats: new Uint8Array(8),
  apps: new Uint16Array(8),
  cells: new Uint32Array(8),
  kinds: new Uint8Array(8),
}
const checks = new ColumnChecks(batch)
const validate = (partition: number, partitionCount: number) => () =>
  checks.validate(partition, partitionCount, (column, record) => `${column}:${record}`)

function makeGood(partition = 1, partitionCount = 4): void {
  batch.subscribers.fill(13_800_000_000 * partitionCount + partition)
  batch.usageBytes.fill(1_000)
  batch.timesMs.fill(1_700_000_000_000)
}

test(`a value is good or not as it is by itself (seed ${SEED})`, () => {
  const next = seededNumbers(SEED)
  const limits = [0, 1, SUBSCRIBER_MAX, 2 ** 51, 2 ** 52, 2 ** 53, TIME_MAX_MS, 2 ** 31, 2 ** 32]
  const fixed = [Number.NaN, Infinity, -Infinity, -0, 5e-324, 1e300, -1e300, 0.5]
  const bits = new DataView(new ArrayBuffer(8))
  let goodCount = 0
  for (let i = 0; i < 5_000; i++) {
    makeGood(0, 1)
    bits.setUint32(0, next())
    bits.setUint32(4, next())
    const near = limits[next() % limits.length]! + (next() % 7) - 3
    const values = [near, -near, near + 0.5, bits.getFloat64(0), fixed[next() % fixed.length]!]
    const value = values[next() % values.length]!
    const column = next() % 3
    const record = next() % COUNT
    const [array, min, max] = [
      [batch.subscribers, 1, SUBSCRIBER_MAX] as const,
      [batch.usageBytes, 0, Number.MAX_SAFE_INTEGER] as const,
      [batch.timesMs, 0, TIME_MAX_MS] as const,
    ][column]!
    array[record] = value
    const problem = wholeProblem(value, min, max)
    if (problem === null) {
      goodCount += 1
      validate(0, 1)()
      if (!Object.is(array[record], value + 0)) expect(array[record]).toBe(value + 0)
    } else {
      const found = rejectOf(validate(0, 1))
      const isRight = found.reason === problem && found.position === `${column}:${record}`
      if (!isRight) expect([value, found]).toEqual([problem, column, record])
    }
  }
  expect(goodCount).toBeGreaterThan(300)
})

test(`a subscriber is of one partition, of any number of them (seed ${SEED})`, () => {
  const next = seededNumbers(SEED)
  for (let i = 0; i < 5_000; i++) {
    const partitionCount = 1 + (next() % (i % 2 === 0 ? 8 : 4_096))
    const partition = next() % partitionCount
    makeGood(partition, partitionCount)
    const subscriber = 1 + ((next() * 2 ** 20 + (next() & 0xfffff)) % (SUBSCRIBER_MAX - 10))
    const rest = Number(BigInt(subscriber) % BigInt(partitionCount))
    batch.subscribers[next() % COUNT] = i % 4 < 2 ? subscriber : subscriber - rest + partition
    const isOurs = batch.subscribers.every((each) => each % partitionCount === partition)
    const isTooSmall = batch.subscribers.some((each) => each < 1)
    const check = validate(partition, partitionCount)
    if (isOurs && !isTooSmall) check()
    else if (!rejectOf(check).position.startsWith('0:')) expect(check).toThrow('in column 0')
  }
})
