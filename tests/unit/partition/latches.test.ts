import { describe, expect, it } from 'vitest'
import { latchBitCount } from '../../../src/state/latch-order.ts'
import { at, MachineScript, recordAt } from '../../support/machine-script.ts'
import { Random } from '../../support/workload/random.ts'

const HOUR_MS = 3_600_000

/** Latches of every unit in one row, so that several share words and stamps. */
const UNITS = ['hour', 'day', 'week', 'month', 'cycle'] as const
const FILES = {
  'counters.yaml': `
lateness: 28h
counters:
  a: { sum: bytes, where: 'app == 1', per: [hour, day, week, month, cycle, lifetime], keep: 12 }
  b: { sum: bytes, where: 'app == 2', per: [hour, day, week, month, cycle, lifetime], keep: 12 }
`,
  ...Object.fromEntries(
    ['a', 'b'].flatMap((counter) =>
      UNITS.map((unit) => [
        `triggers/${counter}-${unit}.yaml`,
        `trigger: ${counter}-${unit}\nwhen: '${counter}.lifetime >= 0'\nonce: ${unit}\nlate: fire\n` +
          'deliver: { channel: sms }\nmessage: x\n',
      ]),
    ),
  ),
}

describe('a latch', () => {
  it.each([1, 2, 3])(
    'is set once for every period that lateness can reach, in any order (seed %i)',
    (seed) => {
      const random = new Random(seed)
      const start = random.pick(['2026-10-30 00:00', '2026-12-30 00:00', '2026-02-27 00:00'])
      const script = new MachineScript(start, FILES)
      const fired = new Set<string>()
      let decided = 0
      for (let round = 0; round < 300; round++) {
        script.tick(script.clockMs + random.pick([0.3, 1, 7]) * HOUR_MS)
        const records = Array.from({ length: random.whole(1, 4) }, () => {
          const lateMs = random.pick([0, 0, 1, 2, 5, 20, 28]) * HOUR_MS
          const change = { subscriber: random.whole(1, 2), app: random.whole(1, 2) }
          return recordAt(script.clockMs - lateMs, 1, change)
        })
        script.batch(records)
        for (const { trigger, subscriber, period } of script.decisions.slice(decided)) {
          const key = `${trigger} ${subscriber} ${period}`
          expect(fired.has(key), key).toBe(false)
          fired.add(key)
        }
        decided = script.decisions.length
        for (const { subscriber, app, timeMs } of records) {
          const shanghai = new Date(timeMs + 8 * HOUR_MS).toISOString()
          const name = app === 1 ? 'a' : 'b'
          const periods = {
            hour: shanghai.slice(0, 13),
            day: shanghai.slice(0, 10),
            month: shanghai.slice(0, 7),
          }
          for (const [unit, period] of Object.entries(periods)) {
            const key = `${name}-${unit} ${subscriber} ${period}`
            expect(fired.has(key), key).toBe(true)
          }
        }
      }
      expect(fired.size).toBeGreaterThan(500)
    },
  )

  it('remembers as many periods as lateness and earliness can reach', () => {
    const [day, minute] = [24 * HOUR_MS, 60_000]
    expect(latchBitCount('ever', 2 * day, 5 * minute)).toBe(1)
    // On a day of 23 hours, 48 hours and 5 minutes back lies the third day before.
    expect(latchBitCount('day', 2 * day, 5 * minute)).toBe(4)
    expect(latchBitCount('month', 2 * day, 5 * minute)).toBe(2)
    expect(latchBitCount('hour', 0, 0)).toBe(1)
    expect(latchBitCount('hour', 30 * HOUR_MS, 5 * minute)).toBeLessThanOrEqual(32)
  })

  it('grows older without a change to tags, which may lie in the same word', () => {
    const script = new MachineScript('2026-10-20 12:00', {
      ...FILES,
      'tags.yaml': 'tags: { seed: {}, vip: {} }\n',
    })
    const places = script.machine.core!.layout.places
    expect(places['latch/a-month/month']!.offset).toBe(places['tag/seed']!.offset)
    script.profile({ tags: { seed: true } })
    for (const time of [
      '2026-10-20 12:00',
      '2026-11-20 12:00',
      '2026-11-21 12:00',
      '2027-03-01 12:00',
    ]) {
      script.tick(time)
      expect(script.usage(time, 1, { app: 1 }), time).not.toEqual([])
      expect(script.usage(time, 1, { app: 1 }), time).toEqual([])
      expect(script.view().tags, time).toEqual({ seed: true })
    }
  })

  it('of a year ago is forgotten whole, not shifted by the remainder', () => {
    const script = new MachineScript('2025-11-20 12:00', FILES)
    script.usage('2025-11-20 12:00', 1, { app: 1 })
    script.tick('2026-11-20 12:00')
    const before = script.lines.length
    script.usage('2026-11-20 12:00', 1, { app: 1 })
    expect(script.lines.length - before).toBe(5)
    expect(script.usage(at('2026-11-20 12:00'), 1, { app: 1 })).toEqual([])
  })
})
