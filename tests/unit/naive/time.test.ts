import { describe, expect, it } from 'vitest'
import { S1_PARAMETERS } from '../../support/naive/input.ts'
import { dayText, instantOf, isZone, localTime, monthText } from '../../support/naive/zone.ts'
import { ANN, at, Script } from './script.ts'

const HOUR_MS = 3_600_000

describe('zones', () => {
  it('days have 23, 24 and 25 hours', () => {
    const hours = (date: string, zone: string) => {
      const day = Date.parse(`${date}T00:00Z`) / (24 * HOUR_MS)
      return (instantOf(day + 1, 0, zone) - instantOf(day, 0, zone)) / HOUR_MS
    }
    expect(hours('2026-03-08', 'America/New_York')).toBe(23)
    expect(hours('2026-11-01', 'America/New_York')).toBe(25)
    expect(hours('2026-03-29', 'Europe/Berlin')).toBe(23)
    expect(hours('2026-10-25', 'Europe/Berlin')).toBe(25)
    expect(hours('2026-11-01', 'Asia/Shanghai')).toBe(24)
    expect(isZone('Mars/Olympus')).toBe(false)
  })

  it('a wall-clock time shown twice means the first, one never shown lies after the gap', () => {
    const autumn = Date.parse('2026-11-01T00:00Z') / (24 * HOUR_MS)
    expect(instantOf(autumn, 90, 'America/New_York')).toBe(Date.parse('2026-11-01T01:30-04:00'))
    const spring = Date.parse('2026-03-08T00:00Z') / (24 * HOUR_MS)
    expect(instantOf(spring, 150, 'America/New_York')).toBe(Date.parse('2026-03-08T03:30-04:00'))
  })

  it('local dates come from the zone, also at an offset of 5 h 45', () => {
    const { dayNumber, monthNumber, minuteOfDay } = localTime(
      Date.parse('2026-11-30T18:15Z'),
      'Asia/Kathmandu',
    )
    expect([dayText(dayNumber), monthText(monthNumber), minuteOfDay]).toEqual([
      '2026-12-01',
      '2026-12',
      0,
    ])
  })

  it('a day of 25 hours is summed whole and answered at local noon', () => {
    const script = new Script('2026-11-01 00:00')
    script.profile({ zone: 'America/New_York', tags: { seed: 202611 } })
    script.tick(at('2026-11-01 23:59', '-05:00'))
    script.usage(at('2026-11-01 00:00', '-04:00'), 256_000)
    script.usage(at('2026-11-01 23:59', '-05:00'), 255_999)
    expect(script.model.pendingCount()).toBe(0)
    script.usage(at('2026-11-01 23:59:59.999', '-05:00'), 1)
    expect(script.tick(at('2026-11-02 11:59', '-05:00'))).toEqual([])
    expect(script.tick(at('2026-11-02 12:00', '-05:00'))).toEqual([
      '2026-11/1 2026-11-02T17:00Z..2026-11-03T02:00Z',
    ])
  })

  it('on a day of 23 hours the next noon still lies within 24 hours of the last', () => {
    const contactWindow = { ...S1_PARAMETERS.contactWindow, expiresMs: 24 * HOUR_MS }
    const script = new Script('2026-03-05 00:00', { contactWindow })
    script.profile({ zone: 'America/New_York', tags: { seed: 202603 } })
    script.tick(at('2026-03-06 15:00', '-05:00'))
    script.usage(at('2026-03-06 14:00', '-05:00'), 600_000)
    expect(script.tick(at('2026-03-07 21:00', '-05:00'))).toEqual([])
    // Noon of the 8th is 16:00Z in summer time; 24 h after noon of the 7th is 17:00Z.
    expect(script.tick(at('2026-03-08 12:00', '-04:00'))).toEqual([
      '2026-03/1 2026-03-08T16:00Z..2026-03-08T17:00Z',
    ])
  })

  it('months and caps follow the zone of the subscriber', () => {
    const script = new Script('2026-11-30 00:00')
    script.profile({ zone: 'America/New_York', tags: { seed: 202611 } })
    // In Shanghai it is December already, in New York the 30th: November's latch, December's cap.
    script.tick(at('2026-11-30 20:00', '-05:00'))
    script.usage(at('2026-11-30 19:59', '-05:00'), 600_000)
    expect(script.tick(at('2026-12-01 12:00', '-05:00'))).toEqual([
      '2026-11/1 2026-12-01T17:00Z..2026-12-02T02:00Z',
    ])
  })
})

describe('late and early records', () => {
  it('48 hours back and 5 minutes ahead are accepted, a millisecond more is not', () => {
    const script = new Script('2026-11-20 12:00')
    for (const time of ['2026-11-18 12:00', '2026-11-18 11:59:59.999']) script.usage(time, 1)
    for (const time of ['2026-11-20 12:05', '2026-11-20 12:05:00.001']) script.usage(time, 1)
    expect(script.model.statistics).toMatchObject({
      records: 2,
      recordsTooLate: 1,
      recordsTooEarly: 1,
    })
  })

  it('a refused record does not harm the others of its batch', () => {
    const script = new Script('2026-11-20 12:00')
    const record = { subscriber: ANN, usageBytes: 7, rat: 6, app: 1, cell: 0, kind: 0 }
    const times = ['2026-11-18 11:59', '2026-11-20 11:00', '2026-11-20 12:06'].map((t) => at(t))
    script.batch(times.map((timeMs) => ({ ...record, timeMs })))
    expect(script.model.counters(ANN).map((view) => view.value)).toEqual([7, 7, 7])
  })

  it('yesterday is still summed and fires by its own sum; the day before only feeds the month', () => {
    const script = new Script('2026-11-18 00:00')
    script.profile({ tags: { seed: 202611 } })
    script.tick('2026-11-20 11:59')
    script.usage('2026-11-20 11:00', 1)
    script.usage('2026-11-18 13:00', 600_000)
    expect(script.model.pendingCount()).toBe(0)
    script.usage('2026-11-19 13:00', 511_999)
    expect(script.model.pendingCount()).toBe(0)
    script.usage('2026-11-19 14:00', 1, { app: 2 })
    expect(script.model.pendingCount()).toBe(1)
    expect(script.model.counters(ANN)).toEqual([
      {
        counter: 'data_4g',
        counterWindow: 'day',
        period: '2026-11-20',
        value: 1,
        previous: [512_000],
      },
      {
        counter: 'data_4g',
        counterWindow: 'month',
        period: '2026-11',
        value: 1_112_001,
        previous: [0],
      },
      { counter: 'ott', counterWindow: 'month', period: '2026-11', value: 1, previous: [0] },
    ])
    expect(script.model.statistics.recordsLateForWindow).toBe(1)
    expect(script.tick('2026-11-20 12:00')).toHaveLength(1)
  })

  it('without late: fire, yesterday is summed and fires nothing', () => {
    const script = new Script('2026-11-18 00:00', { isLateFiring: false })
    script.profile({ tags: { seed: 202611 } })
    script.tick('2026-11-20 11:00')
    script.usage('2026-11-20 11:00', 1)
    script.usage('2026-11-19 13:00', 600_000)
    expect(script.model.pendingCount()).toBe(0)
    expect(script.model.counters(ANN)[0]?.previous).toEqual([600_000])
  })

  it('a late record of the old month sets the latch of the old month', () => {
    const script = new Script('2026-11-30 00:00')
    script.profile({ tags: { seed: 202611 } })
    script.tick('2026-12-01 13:00')
    script.usage('2026-12-01 12:30', 1)
    script.usage('2026-11-30 22:00', 600_000)
    expect(script.tick('2026-12-02 12:00')).toEqual([
      '2026-11/1 2026-12-02T04:00Z..2026-12-02T13:00Z',
    ])
    script.profile({ tags: { seed: 202612 } })
    expect(script.usage('2026-12-01 12:40', 600_000)).toEqual(['2026-12/1 cap-trigger'])
  })
})

describe('the clock', () => {
  it('moves by the ticks of its writer only, never back, and an id counts once', () => {
    const script = new Script('2026-11-20 12:00')
    const tick = (id: string, writer: string | null, time: string) => {
      script.apply({ kind: 'tick', id, writer, timeMs: at(time) })
      return script.model.clockMs()
    }
    expect(tick('a', 'stranger', '2099-01-01 00:00')).toBe(at('2026-11-20 12:00'))
    expect(tick('b', 'workload', '2026-11-20 13:00')).toBe(at('2026-11-20 13:00'))
    expect(tick('c', 'workload', '2026-11-20 12:30')).toBe(at('2026-11-20 13:00'))
    expect(tick('b', 'workload', '2026-11-20 14:00')).toBe(at('2026-11-20 13:00'))
  })

  it('fires at most so many timers per input, before the input itself, and the rest later', () => {
    const script = new Script('2026-11-20 00:00', { timersPerInputMax: 2 })
    for (let index = 0; index < 5; index++) {
      script.profile({ subscriber: index, tags: { seed: 202611 } })
      script.usage('2026-11-20 00:01', 600_000, { subscriber: index })
    }
    const firstWord = (lines: string[]) => lines.map((line) => line.split(' ')[0])
    expect(firstWord(script.tick('2026-11-21 12:00'))).toEqual(['0', '1'])
    expect(firstWord(script.profile({ subscriber: 4, lists: { black: true } }))).toEqual(['2', '3'])
    expect(script.apply({ kind: 'tick', id: 'x', writer: null, timeMs: null })).toEqual([
      '4 2026-11/1 list-black',
    ])
  })
})
