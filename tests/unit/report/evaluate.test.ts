import { describe, expect, test } from 'vitest'
import type { VerdictSpec } from '../../../src/model/reporting.ts'
import { evaluate } from '../../../src/report/evaluate.ts'
import { ReportFold } from '../../../src/report/fold.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { saidDelivery, saidHoldout, saidOutcome } from '../../support/said-decisions.ts'

const START_MS = Date.parse('2026-11-11T12:00:00+08:00')
const DAY_MS = 86_400_000
const SPAN = [START_MS - DAY_MS, START_MS + 30 * DAY_MS] as const
const clock = new ZoneClock('Asia/Shanghai')

const S1: VerdictSpec = {
  responseAbove: 0.05,
  orderAbove: 0.02,
  withinMs: 7 * DAY_MS,
  orders: 'reply',
  against: null,
}

interface Arm {
  readonly trigger: string
  readonly sent: number
  readonly replied?: number
  readonly ordered?: number
  readonly by?: string
  readonly afterMs?: number
  readonly held?: number
  readonly heldOrdered?: number
}

/** A send-out to that many numbers, of whom the first ones answer. */
const sendOut = (fold: ReportFold, arm: Arm) => {
  const { trigger, sent, replied = 0, ordered = 0, by = 'reply', afterMs = 60_000 } = arm
  const { held = 0, heldOrdered = 0 } = arm
  let { number } = fold.positionOf(0)
  const outcome = (subscriber: number, what: string, timeMs: number, part: object = {}) =>
    fold.apply(
      0,
      saidOutcome({
        ...{ number: ++number, trigger, subscriber, decidedAtMs: START_MS, timeMs, what },
        ...part,
      }),
    )
  for (let subscriber = 1; subscriber <= sent; subscriber++) {
    fold.apply(0, saidDelivery({ number: ++number, trigger, subscriber, decidedAtMs: START_MS }))
    outcome(subscriber, subscriber % 10 === 0 ? 'failed' : 'sent', START_MS + 1000)
    if (subscriber <= replied) outcome(subscriber, 'replied', START_MS + afterMs)
    if (subscriber <= ordered) outcome(subscriber, 'ordered', START_MS + afterMs, { by })
  }
  for (let i = 1; i <= held; i++) {
    const subscriber = 10_000 + i
    fold.apply(0, saidHoldout({ number: ++number, trigger, subscriber, decidedAtMs: START_MS }))
    if (i <= heldOrdered) {
      outcome(subscriber, 'ordered', START_MS + afterMs, { by: 'subscriber', arm: 'control' })
    }
  }
}

const judged = (spec: Partial<VerdictSpec>, ...arms: Arm[]) => {
  const fold = new ReportFold(clock)
  for (const arm of arms) sendOut(fold, arm)
  return evaluate(fold, 'seeds', { ...S1, ...spec }, ...SPAN)
}

describe('a verdict', () => {
  test.each([
    ['exactly 5 % responses and exactly 2 % orders', { replied: 50, ordered: 20 }, false],
    ['one response more', { replied: 51, ordered: 20 }, true],
    ['one order more', { replied: 50, ordered: 21 }, true],
    ['none at all', {}, false],
  ])('of a thousand targets with %s', (_name, part, isGood) => {
    const { verdict, treated } = judged({}, { trigger: 'seeds', sent: 1000, ...part })
    expect(treated).toMatchObject({ targets: 1000, failed: 100 })
    expect(verdict?.isGood).toBe(isGood)
  })

  test('without targets there is none', () => {
    const { verdict, response, order } = judged({}, { trigger: 'seeds', sent: 0 })
    expect([verdict?.isGood, response, order]).toEqual([null, null, null])
  })

  test('what comes after its time does not count, and what comes with its last minute does', () => {
    const arm = { trigger: 'seeds', sent: 100, replied: 10, ordered: 10 }
    const just = judged({}, { ...arm, afterMs: 7 * DAY_MS })
    expect([just.response?.count, just.order?.count]).toEqual([10, 10])
    const late = judged({}, { ...arm, afterMs: 7 * DAY_MS + 1 })
    expect([late.response?.count, late.order?.count]).toEqual([0, 0])
    expect(late.verdict?.isGood).toBe(false)
    expect(judged({ withinMs: null }, { ...arm, afterMs: 9 * DAY_MS }).order?.count).toBe(10)
  })

  test.each([
    ['reply', 'reply', 10],
    ['reply', 'id', 0],
    ['reply', 'subscriber', 0],
    ['direct', 'id', 10],
    ['direct', 'subscriber', 0],
    ['any', 'subscriber', 10],
  ] as const)('with orders: %s, orders by %s', (orders, by, count) => {
    const { order } = judged({ orders }, { trigger: 'seeds', sent: 100, ordered: 10, by })
    expect(order?.count).toBe(count)
  })

  test('the choice of seeds is accurate only if they order more than the others', () => {
    const against = { against: 'others' }
    const seeds = { trigger: 'seeds', sent: 300, ordered: 9 }
    const accurate = (others: Partial<Arm>) =>
      judged(against, seeds, { trigger: 'others', sent: 100, ...others }).verdict?.against
    expect(accurate({ ordered: 2 })?.isAccurate).toBe(true)
    expect(accurate({ ordered: 3 })).toMatchObject({ trigger: 'others', isAccurate: false })
    expect(accurate({ sent: 0 })).toMatchObject({ rate: null, isAccurate: null })
  })

  test('a trigger without thresholds gets rates and no verdict', () => {
    const fold = new ReportFold(clock)
    sendOut(fold, { trigger: 'seeds', sent: 10, replied: 3 })
    const { verdict, response } = evaluate(fold, 'seeds', null, ...SPAN)
    expect(verdict).toBeNull()
    expect(response).toMatchObject({ count: 3, total: 10, share: 0.3 })
  })
})

test('treated are compared with those held out, orders of any way on both sides', () => {
  const arm = { trigger: 'seeds', sent: 70, ordered: 56, by: 'subscriber', held: 80 }
  const { uplift, control } = judged({}, { ...arm, heldOrdered: 48 })
  expect(control).toMatchObject({ members: 80, targets: 0, orderers: 48 })
  // Newcombe's first example, see intervals.test.ts.
  expect(uplift!.difference).toBeCloseTo(0.2, 12)
  expect(uplift!.low).toBeCloseTo(0.0524, 4)
  expect(uplift!.high).toBeCloseTo(0.3339, 4)
  expect(judged({}, { trigger: 'seeds', sent: 70 }).uplift).toBeNull()
})

test('a number that was reached in several periods is one target', () => {
  const fold = new ReportFold(clock)
  for (const [i, period] of ['2026-10', '2026-11'].entries()) {
    const head = { subscriber: 8, period, decidedAtMs: START_MS + i * DAY_MS }
    fold.apply(0, saidDelivery({ number: 2 * i + 1, ...head }))
    fold.apply(0, saidOutcome({ number: 2 * i + 2, ...head, what: 'sent' }))
  }
  expect(evaluate(fold, 'data-pack', null, ...SPAN).treated).toMatchObject({ targets: 1 })
})

test('complaints are told per 100,000 targets', () => {
  const fold = new ReportFold(clock)
  sendOut(fold, { trigger: 'seeds', sent: 400 })
  const number = fold.positionOf(0).number + 1
  const complaint = { number, subscriber: 7, decidedAtMs: START_MS, what: 'complained' }
  fold.apply(0, saidOutcome({ trigger: 'seeds', ...complaint }))
  expect(evaluate(fold, 'seeds', null, ...SPAN).complaintsPer100000).toBe(250)
})
