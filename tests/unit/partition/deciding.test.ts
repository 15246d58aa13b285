import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { TIMERS_PER_INPUT_MAX } from '../../../src/partition/deciding.ts'
import { ANN, at, BOB, MachineScript, recordAt } from '../../support/machine-script.ts'

const HOUR_MS = 3_600_000
const NIGHT = '2026-11-20 22:00'
const NOON = '2026-11-20 12:00'

interface Parts {
  readonly when?: string
  readonly once?: string
  readonly at?: string
  readonly window?: string
  /** Further lines of the trigger, and of `deliver`. */
  readonly more?: string
  readonly deliver?: string
  readonly head?: string
}

/** A trigger `t` over data.day of at least 10, at once, 9 to 21, deferred. */
function files(parts: Parts = {}, id = 't'): ConfigFiles {
  const window = parts.window ?? "{ from: '09:00', to: '21:00', outside: defer, expires: 24h }"
  return {
    'counters.yaml': [
      'tags: { vip: {}, seed: { versioned: true } }',
      parts.head ?? '',
      'counters: { data: { sum: bytes, per: [hour, day, month], keep: 1 } }',
    ].join('\n'),
    [`triggers/${id}.yaml`]: [
      `trigger: ${id}`,
      `when: '${parts.when ?? 'data.day >= 10'}'`,
      `once: ${parts.once ?? 'day'}`,
      parts.more ?? '',
      'deliver:',
      '  channel: sms',
      `  at: ${parts.at ?? 'now'}`,
      window === '' ? '' : `  contactWindow: ${window}`,
      parts.deliver ?? '',
      'message: x',
    ].join('\n'),
  }
}

const DROP = "{ from: '09:00', to: '21:00', outside: drop }"

describe('retry', () => {
  it('without it a drop spends the latch', () => {
    const script = new MachineScript(NIGHT, files({ window: DROP }))
    expect(script.usage(NIGHT, 10)).toEqual(['t 2026-11-20/1 outside-contact-window'])
    script.tick('2026-11-21 09:00')
    expect(script.usage(NIGHT, 10)).toEqual([])
  })

  it('opens the latch at the next opening, not at the next record', () => {
    const script = new MachineScript(
      NIGHT,
      files({ window: DROP, more: 'retry: true\nlate: fire' }),
    )
    expect(script.usage(NIGHT, 10)).toEqual(['t 2026-11-20/1 outside-contact-window'])
    expect(script.usage(NIGHT, 10)).toEqual([])
    expect(script.tick('2026-11-21 08:59:59.999')).toEqual([])
    expect(script.usage('2026-11-20 23:00', 10)).toEqual([])
    expect(script.tick('2026-11-21 09:00')).toEqual([])
    expect(script.usage('2026-11-20 23:30', 1)).toEqual([
      't 2026-11-20/1 2026-11-21T01:00Z..2026-11-21T13:00Z',
    ])
    expect(script.usage('2026-11-20 23:30', 1)).toEqual([])
  })

  it('opens the latch of the tagging with it', () => {
    const script = new MachineScript(
      NIGHT,
      files({
        window: DROP,
        once: 'month',
        more: 'retry: true\noncePerTag: seed',
        when: 'data.month >= 10 && tags.seed',
      }),
    )
    script.profile({ tags: { seed: 5 } })
    expect(script.usage(NIGHT, 10)).toEqual(['t 2026-11/1 outside-contact-window'])
    script.tick('2026-11-21 09:00')
    expect(script.usage('2026-11-21 09:00', 1)).toEqual([
      't 2026-11/1 2026-11-21T01:00Z..2026-11-21T13:00Z',
    ])
  })

  it('leaves a later tagging alone, for which it has fired meanwhile', () => {
    const script = new MachineScript(
      NIGHT,
      files({
        window: DROP,
        more: 'retry: true\nlate: fire\noncePerTag: seed',
        when: 'data.day >= 10 && tags.seed',
      }),
    )
    script.profile({ tags: { seed: 5 } })
    expect(script.usage(NIGHT, 10)).toEqual(['t 2026-11-20/1 outside-contact-window'])
    script.tick('2026-11-21 00:10')
    script.profile({ tags: { seed: 6 }, lists: { optOut: true } })
    expect(script.usage('2026-11-21 00:10', 10)).toEqual(['t 2026-11-21/1 opted-out'])
    script.tick('2026-11-21 09:00')
    script.profile({ lists: { optOut: false } })
    expect(script.usage(NIGHT, 1)).toEqual(['t 2026-11-20/1 already-this-tagging'])
  })

  it('holds for a backlog that came too late, too', () => {
    const script = new MachineScript(
      NOON,
      files({ window: DROP, at: 'next day 12:00', once: 'month', more: 'retry: true' }),
    )
    expect(script.usage(NOON, 10)).toEqual([])
    expect(script.tick('2026-11-21 21:00')).toEqual(['t 2026-11/1 outside-contact-window'])
    script.tick('2026-11-22 09:00')
    script.usage('2026-11-22 09:00', 10)
    expect(script.tick('2026-11-23 12:00')).toEqual([
      't 2026-11/1 2026-11-23T04:00Z..2026-11-23T13:00Z',
    ])
  })

  it('does not open it again once an attempt has gone out: its id is used', () => {
    const script = new MachineScript(
      NOON,
      files({ window: DROP, once: 'month', more: 'retry: true' }),
    )
    expect(script.usage(NOON, 10)).toHaveLength(1)
    script.tick(NIGHT)
    expect(script.feedback('expired', `t:${ANN}:2026-11:1`)).toEqual([
      't 2026-11/2 outside-contact-window',
    ])
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 10)).toEqual([])
    expect(script.machine.core!.heap.count).toBe(0)
  })

  it('does not open it again for a second attempt that is held up, either', () => {
    const parts = { window: DROP, at: 'next day 12:00', once: 'month', more: 'retry: true' }
    const script = new MachineScript(NOON, files(parts))
    script.usage(NOON, 10)
    expect(script.tick('2026-11-21 12:00')).toHaveLength(1)
    expect(script.feedback('expired', `t:${ANN}:2026-11:1`)).toEqual([])
    expect(script.tick('2026-11-22 21:00')).toEqual(['t 2026-11/2 outside-contact-window'])
    script.tick('2026-11-23 12:00')
    expect(script.usage('2026-11-23 12:00', 10)).toEqual([])
    expect(script.tick('2026-11-24 12:00')).toEqual([])
  })

  it('is forgotten with its trigger', () => {
    const parts = { window: DROP, more: 'retry: true' }
    const script = new MachineScript(NIGHT, files(parts))
    script.usage(NIGHT, 10)
    expect(script.view().deliveries.map(({ status }) => status)).toEqual(['suppressed'])
    script.config(files(parts, 'u'))
    expect(script.tick('2026-11-21 09:00')).toEqual([])
    expect(script.view().deliveries).toEqual([])
  })
})

describe('oncePerTag', () => {
  const tagged = files({ when: 'data.day >= 10 && tags.seed', more: 'oncePerTag: seed' })

  it('fires once per version, in whatever period', () => {
    const script = new MachineScript(NOON, tagged)
    script.profile({ tags: { seed: 7 } })
    expect(script.usage(NOON, 10)).toHaveLength(1)
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 10)).toEqual(['t 2026-11-21/1 already-this-tagging'])
    script.profile({ tags: { seed: 8 } })
    expect(script.usage('2026-11-21 12:00', 10)).toEqual([])
    script.tick('2026-11-22 12:00')
    expect(script.usage('2026-11-22 12:00', 10)).toHaveLength(1)
    expect(script.lines.filter((line) => line.includes('..'))).toHaveLength(2)
  })

  it('is spent by a candidate that is then not eligible', () => {
    const script = new MachineScript(NOON, tagged)
    script.profile({ tags: { seed: 7 }, lists: { optOut: true } })
    expect(script.usage(NOON, 10)).toEqual(['t 2026-11-20/1 opted-out'])
    script.profile({ lists: { optOut: false } })
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 10)).toEqual(['t 2026-11-21/1 already-this-tagging'])
  })
})

describe('late records', () => {
  it.each([
    ['ignore', 0],
    ['fire', 1],
  ])('late: %s', (late, count) => {
    const script = new MachineScript(NOON, files({ more: `late: ${late}` }))
    script.usage(NOON, 1)
    expect(script.usage('2026-11-19 13:00', 10)).toHaveLength(count)
    expect(script.counter('data.day')).toEqual([1, 10])
  })

  it('are not late while nothing later has come', () => {
    const script = new MachineScript(NOON, files({ more: 'late: ignore' }))
    expect(script.usage('2026-11-19 13:00', 10)).toHaveLength(1)
  })
})

it('a tag after the usage fires, with the usage of the running period', () => {
  const script = new MachineScript(NOON, files({ when: 'data.day >= 10 && tags.vip' }))
  script.usage(NOON, 10)
  script.usage(NOON, 10, { subscriber: BOB })
  expect(script.profile({ tags: { vip: true } })).toHaveLength(1)
  expect(script.decisions[0]).toMatchObject({ firedAtMs: at(NOON), values: { 'data.day': 10 } })
  script.tick('2026-11-21 00:00')
  expect(script.profile({ subscriber: BOB, tags: { vip: true } })).toEqual([])
})

describe('timers', () => {
  it('of half a noon fire in slices, each input the next one, in order of age', () => {
    const script = new MachineScript(NOON, files({ at: 'next day 12:00' }))
    const count = TIMERS_PER_INPUT_MAX * 2 + 50
    for (let first = 1; first <= count; first += 10_000) {
      const size = Math.min(10_000, count - first + 1)
      script.batch(
        Array.from({ length: size }, (_, i) => recordAt(NOON, 10, { subscriber: first + i })),
      )
    }
    expect(script.tick('2026-11-21 12:00')).toHaveLength(TIMERS_PER_INPUT_MAX)
    expect(script.machine.hasDueAt(script.clockMs)).toBe(true)
    // A tick without a time, and any other input: also one that is refused.
    expect(script.tick(null)).toHaveLength(TIMERS_PER_INPUT_MAX)
    expect(script.apply('usage.0.p1', Uint8Array.of(0xc1))).toHaveLength(50)
    expect(script.decisions.map(({ subscriber }) => subscriber)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    )
    expect(script.machine.hasDueAt(script.clockMs)).toBe(false)
    expect(script.machine.core!.statistics.timersFired).toBe(count)
  }, 20_000)

  it('fire before the records of the input that moves the clock', () => {
    const script = new MachineScript(NOON, files({ at: 'next day 12:00', more: 'cap: 1 ever' }))
    script.usage(NOON, 10)
    script.tick('2026-11-21 11:59')
    script.usage('2026-11-21 11:00', 10)
    expect(script.tick('2026-11-21 12:00')).toEqual([
      't 2026-11-20/1 2026-11-21T04:00Z..2026-11-21T13:00Z',
    ])
  })

  it('of one instant fire by priority, then age', () => {
    const one = files({ at: 'next day 12:00' }, 'a')
    const two = files({ at: 'next day 12:00', more: 'priority: 5' }, 'b')
    const script = new MachineScript(NOON, { ...one, ...two })
    script.usage(NOON, 10)
    script.usage(NOON, 10, { subscriber: BOB })
    const lines = script.tick('2026-11-21 12:00').map((line) => line.split(' 2026')[0])
    expect(lines).toEqual(['b', `b ${BOB}`, 'a', `a ${BOB}`])
  })
})

describe('contact windows', () => {
  it('that summer time swallows open the next day instead', () => {
    const window = "{ from: '02:00', to: '03:00', outside: defer, expires: 3d }"
    const script = new MachineScript('2027-03-27 20:00', files({ window }), 'Europe/Berlin')
    const berlin = (text: string) => at(text, '+01:00')
    script.tick(berlin('2027-03-27 23:00'))
    expect(script.usage(berlin('2027-03-27 22:00'), 10)).toEqual([])
    expect(script.tick(berlin('2027-03-28 02:00'))).toEqual([])
    expect(script.tick(berlin('2027-03-28 20:00'))).toEqual([])
    expect(script.tick(at('2027-03-29 02:00', '+02:00'))).toEqual([
      't 2027-03-27/1 2027-03-29T00:00Z..2027-03-29T01:00Z',
    ])
  })

  it('that summer time swallows do not hold the machine when it stands there already', () => {
    const window = "{ from: '02:10', to: '02:50', outside: defer, expires: 3d }"
    const script = new MachineScript('2027-03-28 09:00', files({ window }), 'Europe/Berlin')
    script.tick(at('2027-03-28 03:00', '+02:00'))
    expect(script.usage(script.clockMs, 10)).toEqual([])
    expect(script.view().deliveries[0]!.dueMs).toBe(at('2027-03-29 02:10', '+02:00'))
  })

  it('spread what they defer over the time after the opening, the same for each every day', () => {
    const window = "{ from: '09:00', to: '21:00', outside: defer, spread: 4h }"
    const script = new MachineScript(NIGHT, files({ window }))
    const count = 200
    script.batch(
      Array.from({ length: count }, (_, i) => recordAt(NIGHT, 10, { subscriber: 1 + i })),
    )
    const opening = at('2026-11-21 09:00')
    const due = Array.from({ length: count }, (_, i) => script.view(1 + i).deliveries[0]!.dueMs)
    expect(Math.min(...due)).toBeGreaterThanOrEqual(opening)
    expect(Math.max(...due)).toBeLessThan(opening + 4 * HOUR_MS)
    for (let hour = 0; hour < 4; hour++) {
      const inHour = due.filter((each) => Math.floor((each - opening) / HOUR_MS) === hour)
      expect(inHour.length).toBeGreaterThan(count / 8)
    }
    script.tick(opening + 4 * HOUR_MS)
    expect(script.lines).toHaveLength(count)
  })

  it('none: at any hour, for a day', () => {
    const script = new MachineScript(NIGHT, files({ window: '' }))
    expect(script.usage(NIGHT, 10)).toEqual(['t 2026-11-20/1 2026-11-20T14:00Z..2026-11-21T14:00Z'])
  })

  it('drop at once what would come due outside, and what was held up until then', () => {
    const script = new MachineScript(NOON, files({ window: DROP, at: 'after 10h' }))
    expect(script.usage(NOON, 10)).toEqual(['t 2026-11-20/1 outside-contact-window'])
    const held = new MachineScript(NOON, files({ window: DROP, at: 'after 2h' }))
    expect(held.usage(NOON, 10)).toEqual([])
    expect(held.tick('2026-11-20 21:00')).toEqual(['t 2026-11-20/1 outside-contact-window'])
  })
})
