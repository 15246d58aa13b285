import { describe, expect, it } from 'vitest'
import {
  baseShare,
  GENERAL_PURSE,
  grantSize,
  poolSize,
  purseShare,
  secondShare,
} from '../../../src/decision/capacity.ts'
import { PeriodBudget } from '../../../src/decision/period-budget.ts'

const COUNTS = [1, 2, 3, 4, 7, 16, 64, 100]
const ALONE = { partition: 0, partitionCount: 1 }
const ONE_OF_FOUR = { partition: 2, partitionCount: 4 }
const DAY = '2026-11-20'

describe('the split of a limit', () => {
  it('gives everything to a partition that is alone', () => {
    expect(baseShare(1000, 1)).toBe(1000)
    expect(poolSize(1000, 1)).toBe(0)
  })

  it('is a quarter as free bases and the rest as pool, together the limit', () => {
    expect(baseShare(1000, 4)).toBe(62)
    expect(poolSize(1000, 4)).toBe(752)
    for (const count of COUNTS) {
      for (const limit of [1, 2, 3, 99, 1000, 5_000_000]) {
        expect(count * baseShare(limit, count) + poolSize(limit, count)).toBe(limit)
        expect(poolSize(limit, count)).toBeGreaterThanOrEqual(0)
      }
    }
  })

  it('of a second is the rate over all partitions, in every single second', () => {
    const sums = COUNTS.flatMap((partitionCount) =>
      [1, 2, 5, 63, 64, 500].flatMap((rate) =>
        Array.from({ length: 120 }, (_, i) => {
          let sum = -rate
          for (let partition = 0; partition < partitionCount; partition++) {
            sum += secondShare(rate, { partition, partitionCount }, 1_795_000_000 + i)
          }
          return sum
        }),
      ),
    )
    expect(sums.filter((sum) => sum !== 0)).toEqual([])
  })

  it('gives every partition its turn once in a round', () => {
    const turns = [0, 1, 2, 3].map((partition) =>
      [0, 1, 2, 3].map((second) => secondShare(1, { partition, partitionCount: 4 }, second)),
    )
    expect(turns).toEqual([
      [0, 0, 0, 1],
      [0, 0, 1, 0],
      [0, 1, 0, 0],
      [1, 0, 0, 0],
    ])
  })

  it('rounds reserved shares down, and leaves the rest to everybody', () => {
    const reserved = [
      { class: 'service', share: 0.05 },
      { class: 'legal', share: 0.005 },
    ]
    const parts = ['service', 'legal', GENERAL_PURSE].map((name) => purseShare(99, reserved, name))
    expect(parts).toEqual([4, 0, 95])
    expect(purseShare(99, reserved, 'marketing')).toBe(0)
  })

  it('gives less and less of the pool, and never more than is left', () => {
    expect(grantSize(47, 752, 4)).toBe(47)
    expect(grantSize(47, 100, 4)).toBe(12)
    expect(grantSize(47, 7, 4)).toBe(1)
    expect(grantSize(47, 0, 4)).toBe(0)
    expect(grantSize(47, -3, 4)).toBe(0)
  })
})

describe('a budget', () => {
  it('has room for as many as the limit, and is then over', () => {
    const budget = budgetOf(3)
    expect(spendAll(budget)).toBe(3)
    expect(budget.isOver('marketing')).toBe(true)
    expect(budget.alarm(0.8)).toBe(2)
  })

  it('has no end without a limit, but counts: a limit that comes later finds it used', () => {
    const budget = budgetOf(null)
    for (let i = 0; i < 10; i++) budget.spend('marketing')
    expect(budget.hasRoom('marketing')).toBe(true)
    budget.setLimit(12, [])
    expect(spendAll(budget)).toBe(2)
  })

  it('starts anew with the period', () => {
    const budget = budgetOf(3)
    spendAll(budget)
    budget.roll(DAY)
    expect(budget.hasRoom('marketing')).toBe(false)
    budget.roll('2026-11-21')
    expect(spendAll(budget)).toBe(3)
  })

  it('takes a changed limit at once', () => {
    const budget = budgetOf(100)
    for (let i = 0; i < 50; i++) budget.spend('marketing')
    budget.setLimit(40, [])
    expect(budget.hasRoom('marketing')).toBe(false)
    budget.setLimit(60, [])
    expect(spendAll(budget)).toBe(10)
  })

  it('has no room for anybody under a limit that was passed already, reserve or not', () => {
    const reserved = [{ class: 'service', share: 0.05 }]
    const budget = budgetOf(1000, reserved)
    expect(spendAll(budget, 'marketing')).toBe(950)
    budget.setLimit(500, reserved)
    expect(budget.hasRoom('service')).toBe(false)
  })

  it('leaves a reserved share to its class, which uses it first', () => {
    const budget = budgetOf(100, [{ class: 'service', share: 0.1 }])
    expect(spendAll(budget, 'marketing')).toBe(90)
    expect(spendAll(budget, 'service')).toBe(10)
    expect(budget.isOver('service')).toBe(true)
    const other = budgetOf(100, [{ class: 'service', share: 0.1 }])
    for (let i = 0; i < 10; i++) other.spend('service')
    expect(spendAll(other, 'marketing')).toBe(90)
  })

  it('alarms from its share of the limit on, and again at the limit', () => {
    const budget = budgetOf(10)
    const alarms = Array.from({ length: 10 }, () => {
      budget.spend('marketing')
      return budget.alarm(0.8)
    })
    expect(alarms).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 2])
  })

  it('asks once a quarter of what it holds is left, and not again before the answer', () => {
    const budget = budgetOf(1000, [], ONE_OF_FOUR)
    for (let i = 0; i < 46; i++) budget.spend('marketing')
    expect(budget.ask('marketing', 0)).toBeNull()
    budget.spend('marketing')
    expect(budget.ask('marketing', 0)).toEqual({ purse: '', total: 11 })
    expect(budget.ask('marketing', 0)).toBeNull()
    expect(budget.openAsks()).toEqual([{ purse: '', total: 11 }])
    budget.take({ purse: '', total: 10, asked: 11, left: 700 })
    expect(budget.held).toBe(72)
    expect(budget.openAsks()).toEqual([])
  })

  it('asks for no more than wait, and ahead of need only from a pool that is half full', () => {
    const budget = budgetOf(1000, [], ONE_OF_FOUR)
    spendAll(budget)
    expect(budget.ask('marketing', 5)).toEqual({ purse: '', total: 5 })
    budget.take({ purse: '', total: 5, asked: 5, left: 300 })
    for (let i = 0; i < 4; i++) budget.spend('marketing')
    expect(budget.ask('marketing', 0)).toBeNull()
    budget.spend('marketing')
    expect(budget.ask('marketing', 0)).toBeNull()
    expect(budget.ask('marketing', 5000)).toEqual({ purse: '', total: 52 })
  })

  it('takes repeated and late answers for nothing new', () => {
    const budget = budgetOf(1000, [], ONE_OF_FOUR)
    for (let i = 0; i < 62; i++) budget.spend('marketing')
    budget.ask('marketing', 100)
    budget.take({ purse: '', total: 47, asked: 47, left: 705 })
    for (let i = 0; i < 47; i++) budget.spend('marketing')
    expect(budget.ask('marketing', 100)).toEqual({ purse: '', total: 94 })
    budget.take({ purse: '', total: 47, asked: 47, left: 705 })
    expect(budget.held).toBe(109)
    expect(budget.openAsks()).toEqual([{ purse: '', total: 94 }])
  })

  it('is over only when the answer was that nothing is left, and no raise came after it', () => {
    const budget = budgetOf(1000, [], ONE_OF_FOUR)
    spendAll(budget)
    expect(budget.isOver('marketing')).toBe(false)
    budget.ask('marketing', 100)
    expect(budget.isOver('marketing')).toBe(false)
    budget.take({ purse: '', total: 0, asked: 47, left: 0 })
    expect(budget.isOver('marketing')).toBe(true)
    expect(budget.ask('marketing', 100)).toBeNull()
    budget.setLimit(1200, [])
    expect(spendAll(budget)).toBe(13)
    expect(budget.isOver('marketing')).toBe(false)
    expect(budget.ask('marketing', 100)).toEqual({ purse: '', total: 56 })
  })

  it('shrinks its grants with a lowered limit, and has them back with the old one', () => {
    const budget = budgetOf(1000, [], ONE_OF_FOUR)
    budget.take({ purse: '', total: 400, asked: 400, left: 352 })
    budget.setLimit(500, [])
    expect(budget.held).toBe(31 + Math.floor((400 * 376) / 752))
    budget.setLimit(1000, [])
    expect(budget.held).toBe(462)
  })

  it('goes on from its image as it was', () => {
    const reserved = [{ class: 'service', share: 0.1 }]
    const budget = budgetOf(1000, reserved, ONE_OF_FOUR)
    for (let i = 0; i < 60; i++) budget.spend(i % 3 === 0 ? 'service' : 'marketing')
    budget.ask('marketing', 100)
    budget.take({ purse: '', total: 30, asked: 42, left: 100 })
    budget.ask('service', 100)
    const copy = new PeriodBudget(ONE_OF_FOUR)
    copy.restore(JSON.parse(JSON.stringify(budget.image())))
    copy.setLimit(1000, reserved)
    expect(copy.image()).toEqual(budget.image())
    expect([copy.held, copy.used, copy.openAsks()]).toEqual([
      budget.held,
      budget.used,
      budget.openAsks(),
    ])
    expect(spendAll(copy)).toBe(spendAll(budget))
  })
})

function budgetOf(
  limit: number | null,
  reserved: readonly { class: string; share: number }[] = [],
  place = ALONE,
): PeriodBudget {
  const budget = new PeriodBudget(place)
  budget.roll(DAY)
  budget.setLimit(limit, reserved)
  return budget
}

/** Spends while there is room; how many that were. */
function spendAll(budget: PeriodBudget, className = 'marketing'): number {
  let count = 0
  for (; budget.hasRoom(className); count++) budget.spend(className)
  return count
}
