import { describe, expect, it } from 'vitest'
import { PagedTable } from '../../../src/state/paged-table.ts'
import { NO_SUBSCRIBER, SubscriberIndex } from '../../../src/state/subscriber-index.ts'
import { expectSame } from '../../support/expect-same.ts'
import { Random } from '../../support/workload/random.ts'

/** Ways in which operators number their subscribers. */
const PATTERNS: Readonly<Record<string, (index: number, random: Random) => number>> = {
  'in a row': (index) => 13_800_000_000 + index,
  'in a row, small': (index) => index,
  'every 4,096th': (index) => 13_800_000_000 + index * 4096,
  'every 10 millionth': (index) => 7 + index * 10_000_000,
  'every 2^19th': (index) => (index % 1_800_000_000) * 524_288,
  'downwards from the largest': (index) => 999_999_999_999_999 - index,
  'anything of 15 digits': (_, random) => random.whole(0, 999_999_999_999_999),
}

describe.each(Object.entries(PATTERNS))('numbers %s', (_, numberOf) => {
  it('get slots in order of appearance, whatever the batches, and keep them', () => {
    const random = new Random(11)
    const table = new PagedTable(0, 64)
    const index = new SubscriberIndex(table)
    const oracle = new Map<number, number>()
    const known: number[] = []
    const column = new Float64Array(4096)
    const slots = new Int32Array(4096)
    for (let next = 0; next < 25_000; ) {
      const count = random.pick([1, 2, 100, 1000, 4096])
      for (let i = 0; i < count; i++) {
        // New ones, ones seen long ago, and ones that appeared a moment ago in the same batch.
        const choice = random.next()
        if (choice < 0.5 || known.length === 0) column[i] = numberOf(next++, random)
        else if (choice < 0.8 || i === 0) column[i] = known[random.whole(0, known.length - 1)]!
        else column[i] = column[random.whole(0, i - 1)]!
      }
      index.resolve(column, count, slots)
      for (let i = 0; i < count; i++) {
        const subscriber = column[i]!
        if (!oracle.has(subscriber)) {
          oracle.set(subscriber, oracle.size)
          known.push(subscriber)
        }
        expectSame(slots[i], oracle.get(subscriber))
      }
    }
    expect(table.rowCount).toBe(oracle.size)
    const rebuilt = new SubscriberIndex(table, random.pick([0, oracle.size]))
    rebuilt.rebuild()
    for (const [subscriber, slot] of oracle) {
      expectSame(index.find(subscriber), slot)
      expectSame(rebuilt.find(subscriber), slot)
    }
    for (let i = 0; i < 1000; i++) {
      const stranger = random.whole(0, 999_999_999_999_999)
      expectSame(index.find(stranger), oracle.get(stranger) ?? -1)
    }
    expect(rebuilt.findOrAdd(999_999_999_999_998.5)).toBe(oracle.size)
  })
})

describe.each(Object.entries(PATTERNS))('removal of numbers %s', (_, numberOf) => {
  it('leaves all others where they are, in the middle of growth too, and rows are used again', () => {
    const random = new Random(12)
    const table = new PagedTable(0, 64)
    const index = new SubscriberIndex(table)
    const oracle = new Map<number, number>()
    const known: number[] = []
    const freed: number[] = []
    let next = 0
    const add = (subscriber: number): void => {
      if (oracle.has(subscriber)) return
      const expected = freed.pop() ?? table.rowCount
      expectSame(index.findOrAdd(subscriber), expected)
      oracle.set(subscriber, expected)
      known.push(subscriber)
    }
    const remove = (): void => {
      const [subscriber] = known.splice(random.whole(0, known.length - 1), 1)
      if (subscriber === undefined) return
      const slot = oracle.get(subscriber)!
      oracle.delete(subscriber)
      freed.push(slot)
      index.remove(subscriber, slot)
      expectSame(index.find(subscriber), -1)
      expectSame(table.getF64(slot, 0), NO_SUBSCRIBER)
      gone.push(subscriber)
    }
    const gone: number[] = []
    const column = new Float64Array(256)
    const slots = new Int32Array(256)
    for (let round = 0; round < 12_000; round++) {
      if (random.chance(0.6)) add(numberOf(next++, random))
      else if (random.chance(0.8)) remove()
      else if (gone.length > 0) add(gone[random.whole(0, gone.length - 1)]!)
      if (round % 20 !== 0 || known.length === 0) continue
      for (let i = 0; i < 256; i++) column[i] = known[random.whole(0, known.length - 1)]!
      index.resolve(column, 256, slots)
      for (let i = 0; i < 256; i++) expectSame(slots[i], oracle.get(column[i]!))
    }
    expect(index.count).toBe(oracle.size)
    const rebuilt = new SubscriberIndex(table, oracle.size)
    rebuilt.freeHead = index.freeHead
    rebuilt.rebuild()
    for (const each of [index, rebuilt]) {
      for (const [subscriber, slot] of oracle) expectSame(each.find(subscriber), slot)
      for (const subscriber of gone) expectSame(each.find(subscriber), oracle.get(subscriber) ?? -1)
    }
    expect(rebuilt.count).toBe(oracle.size)
  })
})

describe('one by one', () => {
  it('findOrAdd is find where there is one, in the middle of growth too', () => {
    const table = new PagedTable(0, 64)
    const index = new SubscriberIndex(table)
    for (let subscriber = 0; subscriber < 20_000; subscriber++) {
      expectSame(index.find(subscriber), -1)
      expectSame(index.findOrAdd(subscriber), subscriber)
      const earlier = (subscriber * 7919) % (subscriber + 1)
      expectSame(index.findOrAdd(earlier), earlier)
    }
    expect(table.rowCount).toBe(20_000)
    expect(index.size).toBeGreaterThan(20_000 * 4)
  })

  it('a batch of known ones only resolves while the index still grows', () => {
    const table = new PagedTable(0, 64)
    const index = new SubscriberIndex(table)
    const column = new Float64Array(64)
    const slots = new Int32Array(64)
    for (let subscriber = 0; subscriber < 5_000; subscriber++) {
      index.findOrAdd(subscriber)
      for (let i = 0; i < 64; i++) column[i] = (subscriber * 31 + i * 97) % (subscriber + 1)
      index.resolve(column, 64, slots)
      for (let i = 0; i < 64; i++) expectSame(slots[i], column[i])
    }
  })

  it('finds rows of several segments in one batch', () => {
    const table = new PagedTable(0, 64)
    const index = new SubscriberIndex(table)
    const numbers = Float64Array.from({ length: 12_000 }, (_, i) => 13_800_000_000 + i * 3)
    for (const subscriber of numbers.subarray(0, 6_000)) index.findOrAdd(subscriber)
    // Rows up to the end of the first segment are nobody's; the next ones lie in the second.
    table.growTo(1 << table.segmentShift)
    for (const subscriber of numbers.subarray(6_000)) index.findOrAdd(subscriber)
    expect(table.f64.length).toBe(2)
    const random = new Random(3)
    const column = Float64Array.from({ length: 3_000 }, (_, i) =>
      i % 50 === 0 ? -5 - i : numbers[random.whole(0, numbers.length - 1)]!,
    )
    const slots = new Int32Array(column.length)
    const before = table.rowCount
    index.resolve(column, column.length, slots)
    expect(table.rowCount).toBe(before + 60)
    for (let i = 0; i < column.length; i++) {
      expectSame(slots[i], index.find(column[i]!))
      expectSame(table.getF64(slots[i]!, 0), column[i]!)
    }
  })

  it('zero is a subscriber like others', () => {
    const index = new SubscriberIndex(new PagedTable(0, 64))
    expect(index.find(0)).toBe(-1)
    expect(index.findOrAdd(5)).toBe(0)
    expect(index.findOrAdd(0)).toBe(1)
    expect(index.find(0)).toBe(1)
  })
})
