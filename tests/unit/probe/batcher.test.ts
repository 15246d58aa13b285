import { describe, expect, test } from 'vitest'
import { createColumns } from '../../../src/model/usage.ts'
import { Batcher, type BatcherOptions, type EncodedBatch } from '../../../src/probe/batcher.ts'
import { Disorder } from '../../../src/probe/disorder.ts'
import { COLUMNAR_RECORDS_MAX, encodeUsageColumns } from '../../../src/probe/encode.ts'
import { Population } from '../../../src/probe/population.ts'
import { Random } from '../../../src/probe/random.ts'
import { decodeAll } from './collecting-writer.ts'

function batchesOf(count: number, options: Partial<BatcherOptions> = {}): EncodedBatch[] {
  const columns = createColumns(count)
  new Population({ seed: 5, subscriberCount: 300 }).generate(columns, 0, count, 1e12, 1e12 + 9_000)
  const batches: EncodedBatch[] = []
  const batcher = new Batcher(
    { probe: 'p1', epoch: 77, partitionCount: 4, batchRecordsMax: 100, ...options },
    (batch) => batches.push(batch),
  )
  batcher.add(columns, 0, Math.floor(count / 3))
  batcher.add(columns, Math.floor(count / 3), count)
  batcher.flush()
  return batches
}

describe('the batcher', () => {
  test('loses, doubles and reorders no record of a partition', () => {
    const columns = createColumns(5_000)
    new Population({ seed: 5, subscriberCount: 300 }).generate(
      columns,
      0,
      5_000,
      1e12,
      1e12 + 9_000,
    )
    const records = decodeAll(batchesOf(5_000), 4)
    for (let partition = 0; partition < 4; partition++) {
      const expected = [...columns.subscribers.keys()]
        .filter((i) => columns.subscribers[i]! % 4 === partition)
        .map((i) => [columns.subscribers[i], columns.usageBytes[i], columns.timesMs[i]])
      const got = records.filter((record) => record.partition === partition)
      expect(got.map((record) => record.values.slice(0, 3))).toEqual(expected)
    }
  })

  test('numbers the batches of each partition without a gap and fills them', () => {
    const batches = batchesOf(5_000, { nextSeqs: [0, 10, 0, 5] })
    for (let partition = 0; partition < 4; partition++) {
      const own = batches.filter((batch) => batch.partition === partition)
      const first = [0, 10, 0, 5][partition]!
      expect(own.map((batch) => batch.seq)).toEqual(own.map((_, index) => first + index))
      expect(own.slice(0, -1).every((batch) => batch.recordCount === 100)).toBe(true)
    }
  })

  test('makes the same bytes from the same records', () => {
    expect(batchesOf(2_000)).toEqual(batchesOf(2_000))
  })

  test('makes messages of the largest size that still pass', () => {
    const columns = createColumns(COLUMNAR_RECORDS_MAX)
    columns.subscribers.fill(4)
    const stamp = { probe: 'p'.repeat(64), epoch: 2 ** 53 - 1, seq: 2 ** 53 - 1 }
    const data = encodeUsageColumns(stamp, columns, 0, COLUMNAR_RECORDS_MAX)
    const records = decodeAll([{ subject: `usage.0.${stamp.probe}`, data }], 4)
    expect(records).toHaveLength(COLUMNAR_RECORDS_MAX)
  })
})

describe('disorder', () => {
  const items = Array.from({ length: 2_000 }, (_, index) => index)

  function disturb(seed: number) {
    const disorder = new Disorder<number>(
      { lateShare: 0.1, duplicateShare: 0.05, distanceMax: 50 },
      new Random(seed),
    )
    const leaving = items.flatMap((item) => disorder.push(item))
    leaving.push(...disorder.drain())
    return { leaving, counts: disorder.counts }
  }

  test('loses nothing and repeats what it says', () => {
    const { leaving, counts } = disturb(1)
    expect(new Set(leaving).size).toBe(items.length)
    expect(leaving.length).toBe(items.length + counts.duplicates)
    expect(counts.duplicates).toBeGreaterThan(50)
    expect(counts.late).toBeGreaterThan(100)
  })

  test('lets nothing be overtaken by more than the distance', () => {
    let highest = 0
    for (const item of disturb(2).leaving) {
      expect(highest - item).toBeLessThanOrEqual(51)
      highest = Math.max(highest, item)
    }
  })

  test('follows from its seed', () => {
    expect(disturb(3)).toEqual(disturb(3))
    expect(disturb(4).leaving).not.toEqual(disturb(3).leaving)
  })
})
