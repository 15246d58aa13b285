import { describe, expect, test } from 'vitest'
import {
  differenceInterval,
  isAbove,
  isBelow,
  isShareAbove,
  wilsonInterval,
} from '../../../src/report/intervals.ts'

describe('the interval of one share', () => {
  // Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (score).
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i is the published one', (count, total, low, high) => {
    const interval = wilsonInterval(count, total)
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  })

  test('of all and of none ends at the very end', () => {
    expect(wilsonInterval(0, 3).low).toBe(0)
    expect(wilsonInterval(3, 3).high).toBe(1)
    expect(wilsonInterval(1, 1).low).toBeGreaterThan(0)
  })
})

describe('the interval of a difference', () => {
  // Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10.
  test.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [0, 10, 0, 10, -0.2775, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
    [10, 10, 0, 10, 0.6075, 1],
  ])('%i of %i against %i of %i is the published one', (count, total, other, of, low, high) => {
    const interval = differenceInterval(count, total, other, of)!
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
    expect(interval.difference).toBeCloseTo(count / total - other / of, 12)
  })

  test('with nobody on one side there is none', () => {
    expect(differenceInterval(0, 0, 1, 2)).toBeNull()
    expect(differenceInterval(1, 2, 0, 0)).toBeNull()
  })

  test('turned around it is mirrored', () => {
    const [one, two] = [differenceInterval(3, 17, 9, 31)!, differenceInterval(9, 31, 3, 17)!]
    expect(one.low).toBeCloseTo(-two.high, 12)
    expect(one.high).toBeCloseTo(-two.low, 12)
  })
})

describe('a threshold', () => {
  test('that is met exactly is not passed, however it is written', () => {
    // In doubles 0.29 x 100 is less than 29, and 0.07 x 100 more than 7.
    for (let percent = 1; percent < 100; percent++) {
      const share = percent / 100
      for (const total of [100, 700, 123_400]) {
        const count = (total / 100) * percent
        expect([percent, total, isAbove(count, total, share)]).toEqual([percent, total, false])
        expect(isBelow(count, total, share)).toBe(false)
        expect(isAbove(count + 1, total, share)).toBe(true)
        expect(isBelow(count - 1, total, share)).toBe(true)
      }
    }
  })

  test('of billions is exact', () => {
    expect(isAbove(50_000_000, 1_000_000_000, 0.05)).toBe(false)
    expect(isAbove(50_000_001, 1_000_000_000, 0.05)).toBe(true)
    expect(isShareAbove(1, 3, 333_333_333, 1_000_000_000)).toBe(true)
    expect(isShareAbove(1, 3, 100_000_000, 300_000_000)).toBe(false)
  })
})
