import { encode } from '@msgpack/msgpack'
import { describe, expect, test } from 'vitest'
import { SmallUsageReader } from '../../../src/decode/small-usage.ts'
import { UsageDecoder } from '../../../src/decode/usage.ts'
import { RejectError } from '../../../src/model/reject.ts'
import type { UsageBatch } from '../../../src/model/usage.ts'
import { encodeUsageColumns, encodeUsageRows, type UsageRow } from '../../../src/probe/encode.ts'
import { Random } from '../../../src/probe/random.ts'

const SEED = Number(process.env.SEED ?? 5)
const STAMP = { probe: 'p-1', epoch: 1, seq: 70_000 }
const ROW: UsageRow = [13_800_000_001, 1200, 1.7e12, 6, 3, 9, 1]

/** Records [first, count) of a batch. */
function recordsOf(batch: UsageBatch, first = 0): unknown[] {
  const { subscribers, usageBytes, timesMs, rats, apps, cells, kinds } = batch
  const columns = [subscribers, usageBytes, timesMs, rats, apps, cells, kinds]
  return Array.from({ length: batch.count - first }, (_, i) => columns.map((c) => c[first + i]))
}

const decoder = new UsageDecoder()

function decoded(data: Uint8Array, partition: number, partitionCount: number): unknown {
  try {
    decoder.decode(data, 'p-1', partition, partitionCount)
  } catch (error) {
    if (error instanceof RejectError) return null
    throw error
  }
  return { stamp: { ...decoder.stamp }, records: recordsOf(decoder.batch) }
}

/** What the reader adds to a batch that holds something already; null: it leaves it. */
function read(data: Uint8Array, partition = 0, partitionCount = 1): unknown {
  const reader = new SmallUsageReader(100)
  const before = within(encodeUsageRows(STAMP, [ROW, ROW]), 0)
  expect(reader.read(before, 'p-1', 0, 1)).toBe(true)
  if (!reader.read(data, 'p-1', partition, partitionCount)) {
    expect(reader.batch.count).toBe(2)
    return null
  }
  return { stamp: { ...reader.stamp }, records: recordsOf(reader.batch, 2) }
}

/** A message somewhere in a larger buffer, as from a socket. */
function within(data: Uint8Array, before: number): Uint8Array {
  const bytes = new Uint8Array(before + data.length + 80).fill(0xc4)
  bytes.set(data, before)
  return bytes.subarray(before, before + data.length)
}

function columns(count: number, optional: number) {
  const { subscribers, usageBytes, timesMs, ...codes } = {
    subscribers: new Float64Array(count).fill(13_800_000_002),
    usageBytes: Float64Array.from({ length: count }, (_, i) => i),
    timesMs: new Float64Array(count).fill(1.7e12),
    rats: new Uint8Array(count).fill(6),
    apps: new Uint16Array(count).fill(700),
    cells: new Uint32Array(count).fill(70_000),
    kinds: new Uint8Array(count).fill(2),
  }
  const present = Object.entries(codes).filter((_, bit) => ((optional >>> bit) & 1) === 1)
  return { subscribers, usageBytes, timesMs, ...Object.fromEntries(present) }
}

describe('small messages', () => {
  test('are read in all forms that our encoders write, whatever columns they have', () => {
    for (const count of [0, 1, 2, 31]) {
      for (let optional = 0; optional < 16; optional++) {
        const data = encodeUsageColumns(STAMP, columns(count, optional), 0, count)
        expect(read(within(data, count))).toEqual(decoded(data, 0, 1))
        expect(read(data)).not.toBeNull()
      }
    }
    for (let width = 3; width <= 7; width++) {
      const data = encodeUsageRows(STAMP, [ROW.slice(0, width) as unknown as UsageRow, ROW])
      expect(read(within(data, width))).toEqual(decoded(data, 0, 1))
      expect(read(within(data, width))).not.toBeNull()
    }
  })

  test('in another order, or of many records, are left to the decoder', () => {
    const rows = [ROW]
    expect(read(encode({ probe: 'p-1', v: 1, epoch: 1, seq: 1, rows }))).toBeNull()
    expect(read(encodeUsageColumns(STAMP, columns(32, 0), 0, 32))).toBeNull()
    expect(read(encodeUsageRows(STAMP, new Array(16).fill(ROW)))).toBeNull()
  })

  test('with a value that is refused are left to the decoder', () => {
    const bad: readonly UsageRow[] = [
      [0, 1, 1],
      [1.5, 1, 1],
      [1e15, 1, 1],
      [1, -1, 1],
      [1, 0.5, 1],
      [1, 2 ** 53, 1],
      [1, Number.NaN, 1],
      [1, 1, -1],
      [1, 1, 8.65e15],
      [1, 1, 1.5],
      [1, 1, 1.7e12, 11],
      [1, 1, 1.7e12, 0, 65_536],
      [1, 1, 1.7e12, 0, 0, 0, 6],
    ]
    for (const row of bad) {
      const data = within(encodeUsageRows(STAMP, [row]), 3)
      expect(read(data)).toBeNull()
      expect(decoded(data, 0, 1)).toBeNull()
    }
    const data = within(encodeUsageRows(STAMP, [ROW]), 3)
    expect(read(data, 1, 4)).not.toBeNull()
    expect(read(data, 0, 4)).toBeNull()
  })

  test(`are never read otherwise than the decoder reads them (seed ${SEED})`, () => {
    const random = new Random(SEED)
    let readCount = 0
    for (let i = 0; i < 6_000; i++) {
      const count = random.below(3)
      const rows = Array.from({ length: count }, () => ROW.slice(0, 3 + random.below(5)) as never)
      const source =
        random.below(2) === 0
          ? encodeUsageRows(STAMP, rows)
          : encodeUsageColumns(STAMP, columns(count, random.below(16)), 0, count)
      const cut = random.below(4) === 0 ? source.slice(0, random.below(source.length)) : source
      const data = within(cut, random.below(9))
      // Heads of values and keys are where it hurts.
      const changes = random.below(3)
      for (let j = 0; j < changes && data.length > 0; j++) {
        data[random.below(data.length)]! ^= 1 << random.below(8)
      }
      const partitionCount = 1 + random.below(2)
      const answer = read(data, 0, partitionCount)
      if (answer === null) continue
      readCount += 1
      expect(answer).toEqual(decoded(data, 0, partitionCount))
    }
    expect(readCount).toBeGreaterThan(1000)
  })
})
