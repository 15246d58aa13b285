import { expect, test } from 'vitest'
import { createColumns } from '../../../src/model/usage.ts'
import { Population, type PopulationOptions } from '../../../src/probe/population.ts'
import { Random } from '../../../src/probe/random.ts'
import { Rhythm } from '../../../src/probe/rhythm.ts'

const DAY_MS = 86_400_000
/** Midnight of 21 November 2026 in Shanghai. */
const MIDNIGHT_MS = Date.UTC(2026, 10, 20, 16)

function generate(
  options: Partial<PopulationOptions>,
  count = 20_000,
  fromMs = MIDNIGHT_MS,
  toMs = MIDNIGHT_MS + DAY_MS,
) {
  const columns = createColumns(count)
  const population = new Population({ seed: 7, subscriberCount: 1_000, ...options })
  population.generate(columns, 0, count, fromMs, toMs)
  return columns
}

test('the same seed makes the same records, another seed makes others', () => {
  expect(generate({})).toEqual(generate({}))
  expect(generate({ seed: 8 }).subscribers).not.toEqual(generate({}).subscribers)
  expect(generate({ seed: 7 + 2 ** 32 }).subscribers).not.toEqual(generate({}).subscribers)
})

test('every subscriber of the range makes records, and nobody else', () => {
  const numbers = new Set(generate({ subscriberCount: 97, firstSubscriber: 500 }).subscribers)
  expect(numbers.size).toBe(97)
  expect(Math.min(...numbers)).toBe(500)
  expect(Math.max(...numbers)).toBe(596)
})

test('a population of one is possible', () => {
  expect(new Set(generate({ subscriberCount: 1, firstSubscriber: 9 }, 10).subscribers)).toEqual(
    new Set([9]),
  )
})

test('usage is skewed: the busiest tenth makes a multiple of its share', () => {
  const counts = new Map<number, number>()
  for (const subscriber of generate({}).subscribers)
    counts.set(subscriber, (counts.get(subscriber) ?? 0) + 1)
  const sorted = [...counts.values()].sort((a, b) => b - a)
  const busiest = sorted.slice(0, 100).reduce((sum, count) => sum + count, 0)
  expect(busiest / 20_000).toBeGreaterThan(0.35)
})

test('event times ascend, are whole and stay within the stretch', () => {
  const { timesMs } = generate({}, 5_000, MIDNIGHT_MS + 123, MIDNIGHT_MS + 50_123)
  expect(timesMs.every((timeMs) => Number.isInteger(timeMs))).toBe(true)
  expect([...timesMs]).toEqual([...timesMs].sort((a, b) => a - b))
  expect(timesMs[0]).toBeGreaterThanOrEqual(MIDNIGHT_MS + 123)
  expect(timesMs.at(-1)).toBeLessThan(MIDNIGHT_MS + 50_123)
})

test('a day has its rhythm, unless it is flat', () => {
  const perHour = (options: Partial<PopulationOptions>) => {
    const hours = new Array<number>(24).fill(0)
    for (const timeMs of generate(options).timesMs)
      hours[Math.floor((timeMs - MIDNIGHT_MS) / 3_600_000)]! += 1
    return hours
  }
  const daily = perHour({})
  expect(daily[20]! / daily[4]!).toBeGreaterThan(8)
  const flat = perHour({ rhythm: 'flat' })
  expect(Math.max(...flat) / Math.min(...flat)).toBeLessThan(1.02)
})

test('the records due follow the rhythm and make up the mean over a day', () => {
  const population = new Population({ seed: 1, subscriberCount: 10 })
  expect(population.expectedCount(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS, 100)).toBeCloseTo(8_640_000, 3)
  const hour = 3_600_000
  const night = population.expectedCount(MIDNIGHT_MS + 4 * hour, MIDNIGHT_MS + 5 * hour, 100)
  const evening = population.expectedCount(MIDNIGHT_MS + 20 * hour, MIDNIGHT_MS + 21 * hour, 100)
  expect(evening / night).toBeGreaterThan(10)
})

test('load and time are each other’s inverse', () => {
  const random = new Random(3)
  for (const kind of ['daily', 'flat'] as const) {
    const rhythm = new Rhythm(kind, 345)
    for (let i = 0; i < 2_000; i++) {
      const timeMs = Math.floor(random.fraction() * 2e12)
      expect(Math.abs(rhythm.timeAt(rhythm.loadAt(timeMs)) - timeMs)).toBeLessThan(0.01)
    }
  }
})

test('late records are older by no more than asked, and as many as asked', () => {
  const fromMs = MIDNIGHT_MS
  const { timesMs } = generate(
    { lateShare: 0.25, lateByMaxMs: 3_600_000 },
    20_000,
    fromMs,
    fromMs + 1_000,
  )
  const late = timesMs.filter((timeMs) => timeMs < fromMs)
  expect(late.length).toBeGreaterThan(4_500)
  expect(late.length).toBeLessThan(5_500)
  expect(Math.min(...late)).toBeGreaterThanOrEqual(fromMs - 3_600_000)
})

test('records carry known codes, all device generations among them, and amounts that suit their kind', () => {
  const { rats, kinds, apps, cells, usageBytes } = generate({ appCodes: [7, 9] })
  expect([...new Set(rats)].sort((a, b) => a - b)).toEqual([1, 2, 3, 5, 6, 10])
  expect([...new Set(kinds)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
  expect([...new Set(apps)].sort((a, b) => a - b)).toEqual([0, 7, 9])
  expect(cells.every((cell) => cell >= 1 && cell <= 20_000)).toBe(true)
  const sizes = [...usageBytes].filter((_, i) => kinds[i] === 0).sort((a, b) => a - b)
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  expect(mean / sizes[(sizes.length / 2) | 0]!).toBeGreaterThan(2.5)
  expect(
    [...usageBytes].every((_, i) => kinds[i] !== 2 || (usageBytes[i]! >= 1 && usageBytes[i]! <= 3)),
  ).toBe(true)
})

test('random numbers are spread evenly and stay within their bound', () => {
  const random = new Random(99)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]! += 1
  expect(Math.min(...counts)).toBeGreaterThan(9_600)
  expect(Math.max(...counts)).toBeLessThan(10_400)
})
