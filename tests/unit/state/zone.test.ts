import { describe, expect, it } from 'vitest'
import { isZoneKnown, ZoneClock } from '../../../src/state/zone.ts'
import { expectSame } from '../../support/expect-same.ts'
import { Random } from '../../support/workload/random.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/**
 * Zones with something to get wrong: odd offsets, changes at midnight, of half an hour, of a day,
 * by religion.
 */
const ZONES = [
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'America/Havana',
  'America/Santiago',
  'Asia/Beirut',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'America/Sao_Paulo',
  'Asia/Gaza',
  'Europe/Moscow',
  'Asia/Pyongyang',
  'UTC',
]

/**
 * Local day and minute as Intl tells them, to the second: some zones used to change at one past
 * midnight.
 */
function localTime(instantMs: number, zone: string): { dayNumber: number; minuteOfDay: number } {
  let format = formats.get(zone)
  if (format === undefined) {
    const numeric = 'numeric'
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric },
    })
    formats.set(zone, format)
  }
  const part: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(instantMs)) part[type] = Number(value)
  const dayNumber = Date.UTC(part.year!, part.month! - 1, part.day!) / DAY_MS
  return { dayNumber, minuteOfDay: part.hour! * 60 + part.minute! }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/**
 * Instants at which the zone's offset changes between two years, to the minute, found with Intl.
 */
function changesOf(zone: string, fromYear: number, toYear: number): number[] {
  const offset = (instantMs: number): number => {
    const { dayNumber, minuteOfDay } = localTime(instantMs, zone)
    return dayNumber * 1440 + minuteOfDay - Math.floor(instantMs / MINUTE_MS)
  }
  const changes: number[] = []
  let before = offset(Date.UTC(fromYear, 0, 1))
  for (let day = Date.UTC(fromYear, 0, 1); day < Date.UTC(toYear, 0, 1); day += DAY_MS) {
    if (offset(day + DAY_MS) === before) continue
    let [low, high] = [day, day + DAY_MS]
    while (high - low > MINUTE_MS) {
      const middle = Math.floor((low + high) / 2 / MINUTE_MS) * MINUTE_MS
      if (offset(middle) === before) low = middle
      else high = middle
    }
    changes.push(high)
    before = offset(high)
  }
  return changes
}

describe.each(ZONES)('%s', (zone) => {
  const clock = new ZoneClock(zone)
  const changes = changesOf(zone, 2011, 2012).concat(changesOf(zone, 2026, 2028))

  it('tells day and minute as Intl does, at any instant and around every change', () => {
    const random = new Random(3)
    const around = changes.flatMap((change) =>
      [-DAY_MS, -3_600_000, -1, 0, 1, 1_800_000, 3_600_000, DAY_MS].map((step) => change + step),
    )
    const anywhere = Array.from({ length: 300 }, () =>
      random.whole(Date.UTC(1995, 0, 1), Date.UTC(2045, 0, 1)),
    )
    for (const instantMs of [...around, ...anywhere]) {
      const expected = localTime(instantMs, zone)
      const minuteOfDay = Math.floor(clock.minuteAt(instantMs))
      const got = { dayNumber: clock.dayAt(instantMs), minuteOfDay }
      expectSame(got, expected, () => new Date(instantMs).toISOString())
      expectSame(clock.rangeEnd(instantMs) > instantMs, true)
    }
  })

  it('finds the first instant of a wall-clock minute, or the end of the gap that skips it', () => {
    const random = new Random(5)
    const days = changes.map((change) => clock.dayAt(change - 1))
    for (const day of [...days, ...days.map((each) => each + 1), 20_777, 15_338]) {
      // The minutes that the wall clock shows on that day and its neighbours, in order of time.
      const firstMs = (day - 1) * DAY_MS - 14 * 3_600_000
      const shown = new Map<number, number>()
      const minutes: { at: number; instantMs: number }[] = []
      for (let instantMs = firstMs; instantMs < firstMs + 4 * DAY_MS; instantMs += MINUTE_MS) {
        const at = clock.dayAt(instantMs) * 1440 + Math.floor(clock.minuteAt(instantMs))
        if (!shown.has(at)) shown.set(at, instantMs)
        minutes.push({ at, instantMs })
      }
      for (let i = 0; i < 60; i++) {
        const minute = i < 10 ? i * 150 : random.whole(0, 1440)
        const wanted = day * 1440 + minute
        const gapEnd = minutes.find(({ at }) => at > wanted)!.instantMs
        const expected = shown.get(wanted) ?? gapEnd
        expectSame(clock.instantOf(day, minute), expected, () => `day ${day}, minute ${minute}`)
      }
    }
  })
})

it('an unknown zone is none', () => {
  expect(isZoneKnown('Asia/Shanghai')).toBe(true)
  for (const zone of ['', 'Mars/Olympus', 'Europe/Berlin ', 'undefined']) {
    expect(isZoneKnown(zone)).toBe(false)
    expect(() => new ZoneClock(zone)).toThrow(RangeError)
  }
})
