import { expect, it } from 'vitest'
import { capText, slidingUse } from '../../../src/decision/caps.ts'
import type { CapSpec } from '../../../src/model/policy.ts'
import { Random } from '../../support/workload/random.ts'

const HOUR_MS = 3_600_000
const sliding = (count: number, lengthMs: number): CapSpec => ({ count, per: 'sliding', lengthMs })

it.each<[CapSpec, string]>([
  [{ count: 1, per: 'day', lengthMs: 0 }, '1 per day'],
  [{ count: 2, per: 'cycle', lengthMs: 0 }, '2 per cycle'],
  [{ count: 1, per: 'ever', lengthMs: 0 }, '1 ever'],
  [sliding(8, 30 * 24 * HOUR_MS), '8 per 30 days'],
  [sliding(3, 12 * HOUR_MS), '3 per 12 hours'],
  [sliding(3, 24 * HOUR_MS), '3 per 1 day'],
])('%o reads %s', (cap, text) => {
  expect(capText(cap)).toBe(text)
})

it('looks both ways, and a stretch ends before its end', () => {
  expect(slidingUse([0, 9], 5, 10)).toBe(2)
  expect(slidingUse([0, 10], 5, 10)).toBe(1)
  expect(slidingUse([6, 14], 5, 10)).toBe(2)
  expect(slidingUse([6, 15], 5, 10)).toBe(1)
  expect(slidingUse([5, 5], 5, 10)).toBe(2)
  expect(slidingUse([], 5, 10)).toBe(0)
})

it('does not count what no stretch shares with it, however much that is', () => {
  expect(slidingUse([0, 1, 2], 12, 10)).toBe(0)
  expect(slidingUse([30, 31, 32], 12, 10)).toBe(0)
})

it('is what counting every stretch gives', () => {
  const random = new Random(3)
  for (let round = 0; round < 2_000; round++) {
    const lengthMs = random.whole(1, 12)
    const others = Array.from({ length: random.whole(0, 8) }, () => random.whole(0, 30))
    const dueMs = random.whole(0, 30)
    let most = 0
    for (let from = dueMs - lengthMs + 1; from <= dueMs; from++) {
      const inside = others.filter((each) => each >= from && each < from + lengthMs)
      most = Math.max(most, inside.length)
    }
    expect(slidingUse(others, dueMs, lengthMs), `${others} ${dueMs}`).toBe(most)
  }
})
