import { describe, expect, it } from 'vitest'
import { closingOf, isOpenAt, nextOpening } from '../../../src/decision/contact-window.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { windowOf } from '../../support/daily-window.ts'
import { expectSame } from '../../support/expect-same.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const window = (fromMinute: number, toMinute: number) => ({
  ...windowOf({ fromMinute, toMinute, outside: 'defer', spreadMs: 0, expiresMs: DAY_MS }),
  fromMinute,
  toMinute,
})

/**
 * Days around a change: 23 and 25 hours, half an hour, at midnight, and one that does not exist at
 * all.
 */
const DAYS: readonly (readonly [zone: string, date: string])[] = [
  ['Asia/Shanghai', '2026-11-20'],
  ['Europe/Berlin', '2026-03-29'],
  ['Europe/Berlin', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['America/Havana', '2026-03-08'],
  ['America/Havana', '2026-11-01'],
  ['Pacific/Apia', '2011-12-30'],
]

const WINDOWS = [
  window(9 * 60, 21 * 60),
  window(0, 1440),
  window(0, 60),
  window(23 * 60, 1440),
  window(2 * 60, 3 * 60),
  window(2 * 60 + 15, 2 * 60 + 20),
  window(60, 2 * 60 + 30),
]

describe.each(DAYS)('%s around %s', (zone, date) => {
  const clock = new ZoneClock(zone)
  const firstMs = Date.parse(`${date}T00:00Z`) - 2 * DAY_MS
  const instants = Array.from({ length: 4 * 288 }, (_, index) => firstMs + index * 5 * MINUTE_MS)

  it.each(WINDOWS)('$fromMinute to $toMinute: open only when the wall clock says so', (spec) => {
    for (const instantMs of instants) {
      const minute = clock.minuteAt(instantMs)
      const isInside = minute >= spec.fromMinute && minute < spec.toMinute
      // In an hour that comes twice, the window may be closed the second time; never open outside.
      const hasPassed = instantMs >= closingOf(spec, clock, instantMs)
      expectSame(isOpenAt(spec, clock, instantMs), isInside && !hasPassed)
      if (isInside && hasPassed) {
        const earlier = instants.find(
          (each) => each < instantMs && clock.minuteAt(each) >= spec.toMinute,
        )
        const isWholeDay = spec.toMinute === 1440
        expectSame(earlier !== undefined || isWholeDay, true, () => `${instantMs}`)
      }
    }
  })

  it.each(WINDOWS)(
    '$fromMinute to $toMinute: the next opening is open, and nothing before is',
    (spec) => {
      for (const instantMs of instants) {
        if (isOpenAt(spec, clock, instantMs)) continue
        const openingMs = nextOpening(spec, clock, instantMs)
        expectSame(openingMs >= instantMs, true)
        expectSame(isOpenAt(spec, clock, openingMs), true, () => new Date(instantMs).toISOString())
        const openBefore = instants.find(
          (each) => each >= instantMs && each < openingMs && isOpenAt(spec, clock, each),
        )
        expectSame(openBefore, undefined, () => new Date(instantMs).toISOString())
      }
    },
  )
})

describe('the ends', () => {
  const clock = new ZoneClock('Asia/Shanghai')
  const spec = window(540, 1260)
  const at = (time: string) => Date.parse(`2026-11-20T${time}+08:00`)

  it('the start is inside, the end is not, to the millisecond', () => {
    expect(isOpenAt(spec, clock, at('08:59:59.999'))).toBe(false)
    expect(isOpenAt(spec, clock, at('09:00:00.000'))).toBe(true)
    expect(isOpenAt(spec, clock, at('20:59:59.999'))).toBe(true)
    expect(isOpenAt(spec, clock, at('21:00:00.000'))).toBe(false)
  })

  it('of a window to midnight: the last millisecond is inside', () => {
    const late = window(1320, 1440)
    expect(isOpenAt(late, clock, at('23:59:59.999'))).toBe(true)
    expect(isOpenAt(late, clock, at('00:00:00.000'))).toBe(false)
    expect(closingOf(late, clock, at('23:00:00'))).toBe(at('00:00:00') + DAY_MS)
  })

  it('the opening of the same day, before it; of the next day, after the end', () => {
    expect(nextOpening(spec, clock, at('00:00:00'))).toBe(at('09:00:00'))
    expect(nextOpening(spec, clock, at('21:00:00'))).toBe(at('09:00:00') + DAY_MS)
  })
})
