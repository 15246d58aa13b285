/** Sets of apps and stays through reloads and erasures, and in conditions. */

import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { MachineScript, recordAt } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'
const MINUTE_MS = 60_000

function files(among: string, when = 'used.month >= 3', rest = ''): ConfigFiles {
  const apps = Array.from({ length: 300 }, (_, code) => `a${code}: ${code}`).join(', ')
  return {
    'a.yaml': `
apps: { ${apps} }
places: { hall: { cells: [1] }, street: { cells: [2] } }
counters:
  used: { distinct: apps, among: ${among}, per: [day, month, lifetime], keep: 1 }
  stay: { dwell: time, where: place == hall, per: [hour, day] }
${rest}`,
    'triggers/t.yaml': `
trigger: t
when: '${when}'
reload: fire-existing
once: day
deliver: { channel: sms }
message: x
`,
  }
}

const list = (first: number, count: number): string =>
  `[${Array.from({ length: count }, (_, index) => `a${first + index}`).join(', ')}]`

const use = (script: MachineScript, ...apps: number[]): string[] =>
  script.batch(apps.map((app) => recordAt(script.clockMs, 1, { app })))

describe('different apps', () => {
  it('make a condition true when the third one comes, however often two were used', () => {
    const script = new MachineScript(NOON, files(list(0, 10)))
    expect(use(script, 1, 2, 1, 2, 2, 11)).toEqual([])
    expect(use(script, 3)).toHaveLength(1)
    expect(script.decisions[0]!.values).toEqual({ 'used.month': 3 })
  })

  it('of the month before are read with previous()', () => {
    const script = new MachineScript(
      '2026-11-30 12:00',
      files(list(0, 200), 'used.month > previous(used.month)'),
    )
    use(script, 1, 199, 70)
    script.tick('2026-12-01 12:00')
    expect(use(script, 5, 6, 7)).toEqual([])
    expect(use(script, 198)).toHaveLength(1)
    expect(script.counter('used.month')).toEqual([4, 3])
  })

  it('keep what was counted when apps are added at the end, beyond 64 and 128, too', () => {
    const script = new MachineScript(NOON, files(list(0, 60)))
    use(script, 0, 59)
    for (const count of [63, 64, 65, 128, 129, 256]) {
      script.config(files(list(0, count)))
      use(script, count - 1)
    }
    expect(script.rejects).toEqual({})
    expect(script.counter('used.lifetime')).toEqual([8])
    expect(script.counter('used.month')).toEqual([8, 0])
    use(script, 256, 299)
    expect(script.counter('used.lifetime')).toEqual([8])
  })

  it('begin anew when an app is taken away or put before others', () => {
    for (const among of [list(0, 9), list(1, 10), '[a1, a0, a2]']) {
      const script = new MachineScript(NOON, files(list(0, 10)))
      use(script, 0, 1)
      script.config(files(among))
      expect(script.rejects).toEqual({})
      expect(script.counter('used.lifetime'), among).toEqual([0])
      use(script, 2)
      expect(script.counter('used.lifetime'), among).toEqual([1])
    }
  })
})

describe('a stay', () => {
  it('makes a condition true while it lasts, and ends with a record elsewhere', () => {
    const script = new MachineScript(NOON, files(list(0, 3), 'stay.hour >= 1200000'))
    const seen = (cell: number, minutes: number): string[] => {
      script.tick(script.clockMs + minutes * MINUTE_MS)
      return script.usage(script.clockMs, 1, { cell })
    }
    seen(1, 1)
    expect(seen(1, 19)).toEqual([])
    seen(2, 1)
    expect(seen(1, 5)).toEqual([])
    expect(script.counter('stay.hour')).toEqual([19 * MINUTE_MS])
    // A record without a cell says nothing about where somebody is.
    seen(0, 0.5)
    expect(seen(1, 0.5)).toHaveLength(1)
    expect(script.counter('stay.day')).toEqual([20 * MINUTE_MS])
    // Longer than the gap: two stays.
    seen(1, 31)
    expect(script.counter('stay.day')).toEqual([20 * MINUTE_MS])
    seen(1, 30)
    expect(script.counter('stay.day')).toEqual([50 * MINUTE_MS])
  })

  it('goes on through a reload that leaves it alone, and not through an erasure', () => {
    const script = new MachineScript(NOON, files(list(1, 3)))
    script.usage(script.clockMs, 1, { cell: 1 })
    const more = "  more: { count: records, where: 'hour < 3', per: [day] }\n"
    script.config(files(list(1, 3), 'used.month >= 3', more))
    script.tick(script.clockMs + MINUTE_MS)
    script.usage(script.clockMs, 1, { cell: 1 })
    expect(script.counter('stay.day')).toEqual([MINUTE_MS])
    script.erase()
    script.tick(script.clockMs + MINUTE_MS)
    script.usage(script.clockMs, 1, { cell: 1 })
    expect(script.counter('stay.day')).toEqual([0])
    expect(script.counter('used.lifetime')).toEqual([0])
  })
})
