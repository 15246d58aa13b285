/** Interests: where they start, how they fade, and what reports on deliveries do to them. */

import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { ANN, MachineScript, recordAt } from '../../support/machine-script.ts'

const DAY_MS = 86_400_000

const files = (change: Readonly<Record<string, string>> = {}): ConfigFiles => {
  const keys = {
    where: 'app == sport',
    halfLife: '2d',
    weight: '4',
    start: 'fields.sport',
    feedback: '[{ trigger: sport-news, sent: 0.5, delivered: -1, failed: -0.25, expired: -2 }]',
    ...change,
  }
  const text = Object.entries(keys).map(([key, value]) => `${key}: ${value}`)
  return {
    'a.yaml': `
lateness: 168h
apps: { sport: 7 }
fields: { sport: { type: number } }
counters:
  taste: { interest: records, per: [lifetime], ${text.join(', ')} }
`,
    'triggers/sport.yaml': `
trigger: sport-news
when: taste.lifetime >= 6
once: day
reload: fire-existing
deliver: { channel: sms }
message: x
`,
  }
}

const start = (change?: Readonly<Record<string, string>>): MachineScript =>
  new MachineScript('2026-11-20 12:00', files(change))

const taste = (script: MachineScript): number => script.counter('taste.lifetime')[0]!

const click = (script: MachineScript, agoMs = 0): string[] =>
  script.batch([recordAt(script.clockMs - agoMs, 1, { app: 7 })])

const wait = (script: MachineScript, days: number): string[] =>
  script.tick(script.clockMs + days * DAY_MS)

describe('an interest', () => {
  it('fades to one half in its half-life, and each record adds its weight', () => {
    const script = start()
    click(script)
    expect(taste(script)).toBe(4)
    wait(script, 2)
    expect(taste(script)).toBe(2)
    click(script)
    expect(taste(script)).toBe(6)
    wait(script, 4)
    expect(taste(script)).toBe(1.5)
  })

  it('takes a late record as if it had come in time', () => {
    const script = start()
    wait(script, 4)
    click(script)
    click(script, 2 * DAY_MS)
    expect(taste(script)).toBe(6)
  })

  it('is judged as of the record that touches it', () => {
    const script = start({ weight: '5' })
    expect(click(script)).toEqual([])
    wait(script, 4)
    expect(click(script)).toHaveLength(1)
    expect(script.decisions[0]!.values).toEqual({ 'taste.lifetime': 6.25 })
  })

  it('starts from the profile, and anew when the profile has another value', () => {
    const script = start()
    expect(script.profile({ fields: { sport: 5 } })).toEqual([])
    expect(taste(script)).toBe(5)
    wait(script, 2)
    expect(taste(script)).toBe(2.5)
    // What nightly profiles repeat is no news.
    expect(script.profile({ fields: { sport: 5 } })).toEqual([])
    expect(taste(script)).toBe(2.5)
    expect(script.profile({ fields: { sport: 8 } })).toHaveLength(1)
    expect(taste(script)).toBe(8)
    script.profile({ fields: { sport: null } })
    expect(taste(script)).toBe(8)
  })

  it('that comes with a reload starts from the profile that is there', () => {
    const script = start()
    const plain = files()['a.yaml']!.replace(
      / {2}taste:[^\n]*/,
      '  n: { count: records, per: [day] }',
    )
    const other = {
      'a.yaml': plain,
      'triggers/t.yaml': 'trigger: t\nwhen: n.day > 100\ndeliver: { channel: sms }\nmessage: x\n',
    }
    script.config(other)
    script.profile({ fields: { sport: 3 } })
    script.config(files())
    expect(script.rejects).toEqual({})
    wait(script, 2)
    expect(taste(script)).toBe(3)
    click(script)
    expect(taste(script)).toBe(7)
    wait(script, 2)
    expect(taste(script)).toBe(3.5)
  })

  it('keeps its score when it is tuned, and not when it counts something else', () => {
    const script = start()
    click(script)
    script.config(files({ halfLife: '1d', weight: '1', feedback: '[{ trigger: sport-news }]' }))
    wait(script, 1)
    expect(taste(script)).toBe(2)
    script.config(files({ where: 'app == sport && bytes > 0' }))
    expect(taste(script)).toBe(0)
    expect(script.rejects).toEqual({})
  })

  it('is forgotten with its subscriber', () => {
    const script = start()
    click(script)
    script.erase()
    script.usage(script.clockMs, 1)
    expect(taste(script)).toBe(0)
  })
})

describe('reports on deliveries', () => {
  const delivered = (): { script: MachineScript; id: string } => {
    const script = start({ weight: '6' })
    click(script)
    const [first] = script.decisions
    if (first?.kind !== 'delivery') throw new Error('no delivery')
    return { script, id: first.id }
  }

  it('move it once per attempt and kind', () => {
    const { script, id } = delivered()
    for (let repeat = 0; repeat < 3; repeat++) {
      script.feedback('sent', id)
      script.feedback('delivered', id)
    }
    expect(taste(script)).toBe(5.5)
    script.feedback('failed', id)
    expect(taste(script)).toBe(5.25)
    expect(script.rejects).toEqual({})
  })

  it('move it anew for the next attempt', () => {
    const { script, id } = delivered()
    script.feedback('expired', id)
    expect(taste(script)).toBe(4)
    const second = script.decisions.at(-1)!
    if (second.kind !== 'delivery') throw new Error('no second attempt')
    script.feedback('expired', id)
    expect(taste(script)).toBe(4)
    script.feedback('delivered', second.id)
    script.feedback('delivered', second.id)
    expect(taste(script)).toBe(3)
  })

  it('that are refused change nothing', () => {
    const { script, id } = delivered()
    script.feedback('delivered', id.replace(/:1$/, ':2'))
    script.feedback('delivered', `other:${ANN}:2026-11-20:1`)
    expect(taste(script)).toBe(6)
  })

  it('are followed by the judging of what reads it', () => {
    const { script, id } = delivered()
    wait(script, 1)
    expect(click(script)).toHaveLength(1)
    wait(script, 1)
    // 6 and 6 of a day ago, faded: above the line only with what the report adds.
    script.config(files({ weight: '6', feedback: '[{ trigger: sport-news, sent: 10 }]' }))
    wait(script, 4)
    expect(script.feedback('sent', id)).toHaveLength(1)
  })

  it('of other triggers do not move it', () => {
    const script = start({ feedback: '[{ trigger: sport-news, sent: 5 }]', weight: '3' })
    const other =
      'trigger: other\nwhen: taste.lifetime > 0\nonce: day\nreload: fire-existing\ndeliver: { channel: sms }\nmessage: x\n'
    script.config({
      ...files({ feedback: '[{ trigger: sport-news, sent: 5 }]', weight: '3' }),
      'triggers/o.yaml': other,
    })
    click(script)
    const [first] = script.decisions
    if (first?.kind !== 'delivery') throw new Error('no delivery')
    expect(first.trigger).toBe('other')
    script.feedback('sent', first.id)
    expect(taste(script)).toBe(3)
  })
})
