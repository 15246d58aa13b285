import { describe, expect, it } from 'vitest'
import {
  completePlan,
  latestInstant,
  moveIntoWindow,
  nextSlot,
  planDelivery,
  plannedInstant,
  subscriberShare,
} from '../../../src/decision/schedule.ts'
import type { ScheduleSpec, TriggerSpec } from '../../../src/model/catalog.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { windowOf } from '../../support/daily-window.ts'
import type { DailyWindow } from '../../support/naive/input.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const berlin = new ZoneClock('Europe/Berlin')
const NOON: ScheduleSpec = { kind: 'at', days: 1, minuteOfDay: 720 }
const WINDOW: DailyWindow = {
  fromMinute: 540,
  toMinute: 1260,
  outside: 'defer',
  spreadMs: 0,
  expiresMs: DAY_MS,
}
const BASE = parseCatalog({
  'a.yaml': 'tags: { vip: {} }',
  't.yaml': 'trigger: t\nwhen: tags.vip\nonce: day\ndeliver: { channel: sms }\nmessage: x\n',
}).catalog.triggers[0]!

function trigger(schedule: ScheduleSpec, change: Partial<DailyWindow> | null = {}): TriggerSpec {
  const contactWindow = change === null ? null : windowOf({ ...WINDOW, ...change })
  return { ...BASE, schedule, contactWindow }
}

/** Instant of a Berlin wall-clock time; the offset must be said where it is not +01:00. */
const at = (text: string, offset = '+01:00') => Date.parse(`${text.replace(' ', 'T')}${offset}`)
const dayOf = (text: string) => Date.parse(text) / DAY_MS

describe('the planned instant', () => {
  it.each([
    ['noon of the next day', '2026-11-20', '2026-11-20 15:00', '2026-11-21 12:00'],
    ['over the end of the month', '2026-11-30', '2026-11-30 15:00', '2026-12-01 12:00'],
    ['heard of at noon exactly', '2026-11-20', '2026-11-21 12:00', '2026-11-21 12:00'],
    ['heard of after noon', '2026-11-20', '2026-11-21 12:01', '2026-11-22 12:00'],
    ['heard of days later', '2026-11-20', '2026-11-25 11:00', '2026-11-25 12:00'],
    ['an event ahead of the clock', '2026-11-21', '2026-11-20 23:59', '2026-11-22 12:00'],
  ])('%s', (_, eventDay, now, planned) => {
    expect(plannedInstant(NOON, berlin, dayOf(eventDay), at(now))).toBe(at(planned))
  })

  it('follows the wall clock over a change of summer time', () => {
    expect(plannedInstant(NOON, berlin, dayOf('2026-03-28'), at('2026-03-28 15:00'))).toBe(
      at('2026-03-29 12:00', '+02:00'),
    )
    expect(
      plannedInstant(NOON, berlin, dayOf('2026-10-24'), at('2026-10-24 15:00', '+02:00')),
    ).toBe(at('2026-10-25 12:00'))
  })

  it('at a time that is skipped that day: the end of the gap; that comes twice: the first', () => {
    const early: ScheduleSpec = { kind: 'at', days: 1, minuteOfDay: 150 }
    expect(plannedInstant(early, berlin, dayOf('2026-03-28'), at('2026-03-28 15:00'))).toBe(
      at('2026-03-29 03:00', '+02:00'),
    )
    expect(
      plannedInstant(early, berlin, dayOf('2026-10-24'), at('2026-10-24 15:00', '+02:00')),
    ).toBe(at('2026-10-25 02:30', '+02:00'))
  })

  it('now and after a delay count from the clock, whatever the event’s day', () => {
    const now = at('2026-11-20 15:00')
    expect(plannedInstant({ kind: 'now' }, berlin, 0, now)).toBe(now)
    expect(plannedInstant({ kind: 'delay', delayMs: 5 }, berlin, 0, now)).toBe(now + 5)
  })

  it('of a further try is the next slot, today’s if it is still to come', () => {
    expect(nextSlot(NOON, berlin, at('2026-11-20 11:00'))).toBe(at('2026-11-20 12:00'))
    expect(nextSlot(NOON, berlin, at('2026-11-20 12:00'))).toBe(at('2026-11-20 12:00'))
    expect(nextSlot(NOON, berlin, at('2026-11-20 12:00') + 1)).toBe(at('2026-11-21 12:00'))
    expect(nextSlot({ kind: 'delay', delayMs: 5 }, berlin, 77)).toBe(77)
  })
})

describe('the contact window', () => {
  const night = at('2026-11-20 22:00')
  const opening = at('2026-11-21 09:00')

  it('leaves what is inside, defers or drops what is not', () => {
    const now: ScheduleSpec = { kind: 'now' }
    const noon = at('2026-11-20 12:00')
    expect(moveIntoWindow(trigger(now), berlin, noon, 0.9)).toBe(noon)
    expect(moveIntoWindow(trigger(now), berlin, night, 0.9)).toBe(opening)
    expect(moveIntoWindow(trigger(now, { outside: 'drop' }), berlin, night, 0)).toBeNull()
    expect(moveIntoWindow(trigger(now, null), berlin, night, 0)).toBe(night)
  })

  it('spreads what it defers by the subscriber’s share', () => {
    const spec = trigger({ kind: 'now' }, { spreadMs: 2 * HOUR_MS })
    expect(moveIntoWindow(spec, berlin, night, 0)).toBe(opening)
    expect(moveIntoWindow(spec, berlin, night, 0.5)).toBe(opening + HOUR_MS)
    expect(moveIntoWindow(spec, berlin, night, 0.999999)).toBeLessThan(opening + 2 * HOUR_MS)
  })

  it('puts a wall-clock schedule on its next slot inside, or on the opening if that lies outside too', () => {
    expect(moveIntoWindow(trigger(NOON), berlin, night, 0.5)).toBe(at('2026-11-21 12:00'))
    const late: ScheduleSpec = { kind: 'at', days: 0, minuteOfDay: 1320 }
    expect(moveIntoWindow(trigger(late), berlin, night, 0.5)).toBe(opening)
  })

  it('does not stretch a life: it counts from the first planned instant', () => {
    const plan = completePlan(trigger({ kind: 'now' }), berlin, night, 0)
    expect(plan).toEqual({ plannedMs: night, dueMs: opening, expiresAtMs: night + DAY_MS })
    const none = planDelivery(trigger({ kind: 'now' }, null), berlin, 0, night, 0)
    expect(none).toEqual({ plannedMs: night, dueMs: night, expiresAtMs: night + DAY_MS })
    expect(
      planDelivery(trigger({ kind: 'now' }, { outside: 'drop' }), berlin, 0, night, 0),
    ).toBeNull()
  })

  it('ends a delivery’s last moment, unless it expires before', () => {
    const noon = at('2026-11-20 12:00')
    expect(latestInstant(trigger(NOON), berlin, noon, noon + DAY_MS)).toBe(at('2026-11-20 21:00'))
    expect(latestInstant(trigger(NOON), berlin, noon, noon + HOUR_MS)).toBe(noon + HOUR_MS)
    expect(latestInstant(trigger(NOON, null), berlin, noon, noon + DAY_MS)).toBe(noon + DAY_MS)
    // 25 October has 25 hours: the closing is on the wall clock.
    const longDay = at('2026-10-25 00:30', '+02:00')
    expect(latestInstant(trigger(NOON), berlin, longDay, Infinity)).toBe(at('2026-10-25 21:00'))
  })
})

it('a subscriber’s share is its own for ever, within [0, 1), and even over neighbours', () => {
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 10_000; i++) {
    const share = subscriberShare(13_800_000_000 + i)
    expect(share >= 0 && share < 1 && share === subscriberShare(13_800_000_000 + i)).toBe(true)
    counts[Math.floor(share * 10)]! += 1
  }
  expect(Math.min(...counts)).toBeGreaterThan(800)
  expect(subscriberShare(1)).toBe(subscriberShare(1))
  expect(subscriberShare(1)).not.toBe(subscriberShare(1 + 2 ** 32))
})
