import { expect, it } from 'vitest'
import { compareRank, type Contender, weigh } from '../../../src/decision/arbitration.ts'
import { Random } from '../../support/workload/random.ts'

const BASE: Contender = { layer: 1, priority: 100, value: 5, trigger: 'm', id: 10 }

it.each([
  ['layer', { layer: 0, priority: 999, value: -1, trigger: 'z', id: 99 }],
  ['priority', { priority: 99, value: -1, trigger: 'z', id: 99 }],
  ['value, the larger one', { value: 6, trigger: 'z', id: 99 }],
  ['the name of the trigger', { trigger: 'l', id: 99 }],
  ['age', { id: 9 }],
] as const)('decides by %s, whatever comes after it', (_, change) => {
  expect(compareRank({ ...BASE, ...change }, BASE)).toBeLessThan(0)
  expect(compareRank(BASE, { ...BASE, ...change })).toBeGreaterThan(0)
})

it('a value that is no number counts as 0', () => {
  expect([Number.NaN, Infinity, -Infinity, -0, 2.5].map(weigh)).toEqual([0, 0, 0, -0, 2.5])
  const broken = { ...BASE, value: Number.NaN, id: 1 }
  expect(compareRank(broken, { ...BASE, value: 0.1 })).toBeGreaterThan(0)
  expect(compareRank(broken, { ...BASE, value: -0.1 })).toBeLessThan(0)
  expect(compareRank(broken, { ...BASE, value: 0 })).toBeLessThan(0)
})

it('is total: sorted one way only, however the contenders came', () => {
  const random = new Random(7)
  const contenders = Array.from({ length: 300 }, (_, id) => ({
    layer: random.whole(0, 2),
    priority: random.whole(0, 2),
    value: random.pick([0, -0, 1, 2.5, Number.NaN, Infinity]),
    trigger: random.pick(['a', 'b', 'B', 'ä']),
    id,
  }))
  const sorted = [...contenders].sort(compareRank)
  for (let round = 0; round < 5; round++) {
    const shuffled = [...contenders]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = random.whole(0, i)
      ;[shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!]
    }
    expect(shuffled.sort(compareRank).map(({ id }) => id)).toEqual(sorted.map(({ id }) => id))
  }
  for (const left of contenders.slice(0, 60)) {
    for (const right of contenders.slice(0, 60)) {
      expect(Math.sign(compareRank(left, right))).toBe(-Math.sign(compareRank(right, left)) + 0)
    }
  }
})
