import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { ANN, at, BOB, MachineScript } from '../../support/machine-script.ts'

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

describe('caps', () => {
  it('all must pass, each in its own period', () => {
    const script = new MachineScript(
      '2026-11-16 12:00',
      files({
        more: 'cap: [1 per day, 2 per week, 3 ever]',
        once: 'hour',
        when: 'data.hour >= 10',
        head: 'lateness: 24h',
      }),
    )
    const outcome = (day: string): string => {
      script.tick(`${day}:00`)
      return script.usage(`${day}:00`, 10)[0]!.replace(/ \S+\.\.\S+$/, ' sent')
    }
    expect(outcome('2026-11-16 13')).toBe('t 2026-11-16T13/1 sent')
    expect(outcome('2026-11-16 14')).toBe('t 2026-11-16T14/1 cap-trigger')
    expect(outcome('2026-11-17 14')).toBe('t 2026-11-17T14/1 sent')
    expect(outcome('2026-11-18 14')).toBe('t 2026-11-18T14/1 cap-trigger')
    expect(outcome('2026-11-23 14')).toBe('t 2026-11-23T14/1 sent')
    expect(outcome('2026-12-01 14')).toBe('t 2026-12-01T14/1 cap-trigger')
    expect(script.view().caps).toContainEqual({ trigger: 't', period: 'ever', used: 3, limit: 3 })
  })

  it('count in the calendar of the time: who moves gets no second December', () => {
    const script = new MachineScript('2026-12-01 09:30', files({ more: 'cap: 1 per month' }))
    expect(script.usage('2026-12-01 09:30', 10)).toHaveLength(1)
    script.tick('2026-12-05 23:30')
    // What was 1 December 09:30 in Shanghai was 30 November in New York.
    script.profile({ zone: 'America/New_York' })
    expect(script.usage(script.clockMs, 10)).toEqual(['t 2026-12-05/1 cap-trigger'])
    expect(script.view().caps).toEqual([{ trigger: 't', period: '2026-12', used: 1, limit: 1 }])
  })

  it('are a trigger’s own', () => {
    const one = files({ more: 'cap: 1 ever' }, 'a')
    const two = files({ more: 'cap: 1 ever' }, 'b')
    const script = new MachineScript(NOON, { ...one, ...two })
    expect(script.usage(NOON, 10)).toHaveLength(2)
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 10)).toEqual([
      'a 2026-11-21/1 cap-trigger',
      'b 2026-11-21/1 cap-trigger',
    ])
  })
})

describe('eligibility', () => {
  it.each([
    ['list-black', { lists: { black: true, optOut: true } }],
    ['opted-out', { lists: { optOut: true } }],
  ])('%s, at once and when due', (reason, change) => {
    const script = new MachineScript(NOON, files())
    script.profile(change)
    expect(script.usage(NOON, 10)).toEqual([`t 2026-11-20/1 ${reason}`])
    const waiting = new MachineScript(NIGHT, files())
    waiting.usage(NIGHT, 10)
    waiting.profile(change)
    expect(waiting.tick('2026-11-21 09:00')).toEqual([`t 2026-11-20/1 ${reason}`])
  })

  it('validity: from inclusive, to exclusive', () => {
    const validity =
      "validity: { from: '2026-11-20T12:00:00+08:00', to: '2026-11-21T12:00:00+08:00' }"
    const script = new MachineScript('2026-11-20 11:59:59.999', files({ more: validity }))
    const start = script.clockMs
    const fire = (subscriber: number) => script.usage(start, 10, { subscriber })[0]
    expect(fire(1)).toContain('not-valid-yet')
    script.tick(start + 1)
    expect(fire(2)).toContain('..')
    script.tick(start + 24 * HOUR_MS)
    expect(fire(3)).toContain('..')
    script.tick(start + 24 * HOUR_MS + 1)
    expect(fire(4)).toContain('no-longer-valid')
  })
})

describe('feedback', () => {
  it('about nobody, another attempt, another subscriber or another period is refused row by row', () => {
    const script = new MachineScript(NOON, files())
    script.usage(NOON, 10)
    for (const id of [
      `t:${BOB}:2026-11-20:1`,
      `t:${ANN}:2026-11-20:2`,
      `t:${ANN}:2026-11-20:0`,
      `t:${ANN}:2026-11-21:1`,
      `u:${ANN}:2026-11-20:1`,
    ]) {
      expect(script.feedback('expired', id)).toEqual([])
    }
    expect(script.rejects).toEqual({ 'unknown-delivery': 5 })
  })

  it('expired counts once, for the highest attempt; sent ends it', () => {
    const script = new MachineScript(NOON, files({ deliver: '  attempts: 3' }))
    script.usage(NOON, 10)
    const expired = (attempt: number) =>
      script.feedback('expired', `t:${ANN}:2026-11-20:${attempt}`)
    expect(expired(1)).toEqual(['t 2026-11-20/2 2026-11-20T04:00Z..2026-11-20T13:00Z'])
    expect(expired(1)).toEqual([])
    expect(script.feedback('sent', `t:${ANN}:2026-11-20:1`)).toEqual([])
    expect(expired(2)).toEqual(['t 2026-11-20/3 2026-11-20T04:00Z..2026-11-20T13:00Z'])
    expect(script.feedback('failed', `t:${ANN}:2026-11-20:3`)).toEqual([])
    expect(expired(3)).toEqual([])
    expect(script.rejects).toEqual({ 'unknown-delivery': 3 })
  })

  it('is remembered for 35 days after the delivery’s last moment, and caps for their whole period', () => {
    const script = new MachineScript(
      '2026-11-02 12:00',
      files({ more: 'cap: [1 per day, 9 per month]' }, 'a'),
    )
    script.usage('2026-11-02 12:00', 10)
    const remembered = () => script.view().deliveries.length
    const lastMs = at('2026-11-02 21:00') + 35 * 24 * HOUR_MS
    script.tick(lastMs)
    expect(remembered()).toBe(1)
    script.tick(lastMs + 1)
    expect(remembered()).toBe(0)
    const forEver = new MachineScript('2026-11-02 12:00', files({ more: 'cap: 1 ever' }))
    forEver.usage('2026-11-02 12:00', 10)
    forEver.tick('2027-11-02 12:00')
    expect(forEver.view().deliveries).toHaveLength(1)
  })
})
