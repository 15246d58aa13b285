import { describe, expect, it } from 'vitest'
import { waitedInstant } from '../../../src/decision/wait.ts'
import type { WaitSpec } from '../../../src/model/journey.ts'
import { civilOf, dayOfCivil } from '../../../src/state/periods.ts'
import { ZoneClock } from '../../../src/state/zone.ts'

const berlin = new ZoneClock('Europe/Berlin')
const days = (count: number, minuteOfDay: number | null = null): WaitSpec => ({
  ...{ kind: 'calendar', months: 0, days: count, minuteOfDay },
})
const months = (count: number, minuteOfDay: number | null = null): WaitSpec => ({
  ...{ kind: 'calendar', months: count, days: 0, minuteOfDay },
})
const hours = (count: number): WaitSpec => ({ kind: 'duration', lengthMs: count * 3_600_000 })

/** Instant of a Berlin wall-clock time; the offset must be said where it is not +01:00. */
const at = (text: string, offset = '+01:00') => Date.parse(`${text.replace(' ', 'T')}${offset}`)
const waited = (wait: WaitSpec, fromMs: number) =>
  waitedInstant(wait, berlin, { civilOf, dayOfCivil }, fromMs)

describe('a wait', () => {
  it('by length counts hours, whatever the wall clock does', () => {
    expect(waited(hours(24), at('2026-03-28 15:00'))).toBe(at('2026-03-29 16:00', '+02:00'))
  })

  it('by calendar keeps the time of day over a change of the clocks', () => {
    expect(waited(months(1), at('2026-03-15 15:30'))).toBe(at('2026-04-15 15:30', '+02:00'))
    expect(waited(days(1, 600), at('2026-10-24 15:00', '+02:00'))).toBe(at('2026-10-25 10:00'))
    expect(waited(days(1, 150), at('2026-03-28 15:00'))).toBe(at('2026-03-29 03:00', '+02:00'))
  })

  it.each([
    ['2026-01-31 09:00', 1, '2026-02-28 09:00'],
    ['2028-01-31 09:00', 1, '2028-02-29 09:00'],
    ['2026-10-31 09:00', 1, '2026-11-30 09:00'],
    ['2026-12-31 09:00', 2, '2027-02-28 09:00'],
    ['2026-02-28 09:00', 1, '2026-03-28 09:00'],
    ['2026-11-15 09:00', 12, '2027-11-15 09:00'],
  ])('of months from %s, %i of them, ends on %s', (from, count, to) => {
    expect(waited(months(count), at(from))).toBe(at(to))
  })

  it('never ends before it begins', () => {
    expect(waited(days(0, 1080), at('2026-11-20 12:00'))).toBe(at('2026-11-20 18:00'))
    expect(waited(days(0, 1080), at('2026-11-20 19:00'))).toBe(at('2026-11-20 19:00'))
  })
})
