import { expect, it } from 'vitest'
import { slidingUse } from '../../../src/decision/caps.ts'
import { Random } from '../../support/workload/random.ts'

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
