import { expect, it } from 'vitest'
import { capText, hasSlidingRoom } from '../../../src/decision/caps.ts'
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
  const cap = sliding(2, 10)
  expect(hasSlidingRoom([0, 9], 5, cap)).toBe(false)
  expect(hasSlidingRoom([0, 10], 5, cap)).toBe(true)
  expect(hasSlidingRoom([6, 14], 5, cap)).toBe(false)
  expect(hasSlidingRoom([6, 15], 5, cap)).toBe(true)
  expect(hasSlidingRoom([5, 5], 5, cap)).toBe(false)
  expect(hasSlidingRoom([], 5, cap)).toBe(true)
})

it('is not to blame for stretches that were overfull without it', () => {
  expect(hasSlidingRoom([0, 1, 2], 12, sliding(2, 10))).toBe(true)
  expect(hasSlidingRoom([30, 31, 32], 12, sliding(2, 10))).toBe(true)
})

it('is what counting every stretch gives', () => {
  const random = new Random(3)
  for (let round = 0; round < 2_000; round++) {
    const cap = sliding(random.whole(1, 4), random.whole(1, 12))
    const others = Array.from({ length: random.whole(0, 8) }, () => random.whole(0, 30))
    const dueMs = random.whole(0, 30)
    const all = [...others, dueMs]
    let isFree = true
    for (let from = dueMs - cap.lengthMs + 1; from <= dueMs; from++) {
      const inside = all.filter((each) => each >= from && each < from + cap.lengthMs)
      if (inside.length > cap.count) isFree = false
    }
    expect(hasSlidingRoom([...others], dueMs, cap), `${others} ${dueMs}`).toBe(isFree)
  }
})
