import { describe, expect, it } from 'vitest'
import { controlPoint, isHeldOut } from '../../../src/decision/control-group.ts'

const COUNT = 5_000
const EXPERIMENTS = Array.from({ length: 20 }, (_, i) => (i < 10 ? `campaign-${i}` : `global-${i}`))

/** Numbers as they are dealt out: blocks without gaps, steps of a partition, long ones. */
const POPULATIONS = {
  consecutive: (i: number) => 13_800_000_000 + i,
  'of one partition of 64': (i: number) => 13_800_000_007 + 64 * i,
  'beyond 32 bits': (i: number) => 999_000_000_000_000 + i,
  small: (i: number) => 1 + i,
  'of blocks of 2 to the 32': (i: number) => 1 + i * 0x1_0000_0000,
} as const

describe.each(Object.entries(POPULATIONS))('numbers %s', (_, numberOf) => {
  it.each([0.01, 0.1, 0.5])(
    'a share of %d holds as many as it says, in each experiment',
    (share) => {
      // Five standard deviations of a fair coin: 1 in 1.7 million; 300 of them are tossed here.
      const bound = 5 * Math.sqrt(COUNT * share * (1 - share))
      for (const experiment of EXPERIMENTS) {
        let held = 0
        for (let i = 0; i < COUNT; i++) if (isHeldOut(experiment, share, numberOf(i))) held += 1
        expect(Math.abs(held - COUNT * share), experiment).toBeLessThan(bound)
      }
    },
  )

  it('neighbours fall apart: who comes next is held out as often as anybody', () => {
    const share = 0.2
    const bound = 5 * Math.sqrt(COUNT * share * share * (1 - share * share))
    for (const experiment of EXPERIMENTS.slice(0, 5)) {
      for (const step of [1, 2, 10, 1000]) {
        let both = 0
        for (let i = 0; i < COUNT; i++) {
          const isFirst = isHeldOut(experiment, share, numberOf(i))
          if (isFirst && isHeldOut(experiment, share, numberOf(i + step))) both += 1
        }
        expect(Math.abs(both - COUNT * share * share), `${experiment} ${step}`).toBeLessThan(bound)
      }
    }
  })

  it('experiments are independent, also where their names differ in one letter', () => {
    const share = 0.3
    const bound = 5 * Math.sqrt(COUNT * share * share * (1 - share * share))
    for (let at = 1; at < EXPERIMENTS.length; at++) {
      let both = 0
      for (let i = 0; i < COUNT; i++) {
        const number = numberOf(i)
        const isFirst = isHeldOut(EXPERIMENTS[at - 1]!, share, number)
        if (isFirst && isHeldOut(EXPERIMENTS[at]!, share, number)) both += 1
      }
      expect(Math.abs(both - COUNT * share * share), EXPERIMENTS[at]).toBeLessThan(bound)
    }
  })
})

it('points fill [0, 1) evenly', () => {
  const buckets = Array<number>(100).fill(0)
  for (let i = 0; i < 100_000; i++) {
    const point = controlPoint('even', 13_800_000_000 + i)
    expect(point >= 0 && point < 1).toBe(true)
    buckets[Math.floor(point * 100)]! += 1
  }
  // Chi-square with 99 degrees of freedom: beyond 180 once in a million.
  const chiSquare = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
  expect(chiSquare).toBeLessThan(180)
})

it('a larger share only adds to a smaller one', () => {
  for (let number = 1; number <= 2_000; number++) {
    if (isHeldOut('grow', 0.05, number)) expect(isHeldOut('grow', 0.2, number)).toBe(true)
  }
})

it('nobody at 0, everybody at 1', () => {
  for (let number = 1; number <= 2_000; number++) {
    expect(isHeldOut('bounds', 0, number)).toBe(false)
    expect(isHeldOut('bounds', 1, number)).toBe(true)
  }
})

it('is what it was: other values would move people between the arms of running experiments', () => {
  const points = [
    controlPoint('global', 13_800_000_001),
    controlPoint('global', 13_800_000_002),
    controlPoint('data-pack', 13_800_000_001),
    controlPoint('', 1),
    controlPoint('实验', 999_999_999_999_999),
  ]
  expect(points).toEqual(GOLDEN)
})

const GOLDEN = [
  0.7830542037687012, 0.0983938665248778, 0.37737513704396286, 0.8407238879286234,
  0.6195433456647615,
]
