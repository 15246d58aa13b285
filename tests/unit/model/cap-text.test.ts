import { expect, it } from 'vitest'
import { capText } from '../../../src/model/cap-text.ts'
import type { CapSpec } from '../../../src/model/policy.ts'

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
