import { encode } from '@msgpack/msgpack'
import { describe, expect, test } from 'vitest'
import { adoptSaid, type SaidDecision } from '../../../src/partition/adoption.ts'
import { decodeRuling, encodeRuling, type Ruling } from '../../../src/partition/rulings.ts'
import { ANN, at, MachineScript } from '../../support/machine-script.ts'

const COMMON = { v: 1, kind: 'ruling', era: 0, by: 'somebody', reason: 'a test', time: 7 } as const

describe('a ruling on the wire', () => {
  test('is read as it was written', () => {
    const ruling: Ruling = { ...COMMON, halt: 'clock-ahead', choice: 'skip-input', input: 5 }
    expect(decodeRuling(encodeRuling(ruling))).toEqual(ruling)
    expect(decodeRuling(encode({ v: 1, kind: 'claim' }))).toBeNull()
  })

  test.each([
    ['of another version', { v: 2 }],
    ['with a choice of a later engine', { choice: 'rewrite-history' }],
    ['without its place', { input: 'everywhere' }],
    ['that is a baseline and has none', { choice: 'new-baseline' }],
  ])('%s halts: a replay that overlooks it would decide otherwise', (_name, change) => {
    const ruling = { ...COMMON, halt: 'input-gap', choice: 'skip-input', input: 5, ...change }
    expect(() => decodeRuling(encode(ruling))).toThrow('engine-version')
  })
})

describe('a decision that is taken over as said', () => {
  const files = (trigger: string) => ({
    'counters.yaml': 'counters: { data: { sum: bytes, per: [day, month] } }',
    't.yaml': `trigger: t\nwhen: data.day >= 10\nonce: day\nmessage: x\n${trigger}`,
  })
  const NOW = files('deliver: { channel: sms }\ncap: 1 per month')
  const LATER = files('deliver: { channel: sms, at: next day 12:00 }')
  const START = '2026-11-20 10:00'

  function said(change: Partial<SaidDecision> = {}): SaidDecision {
    const decidedAtMs = at(START)
    return {
      ...{ n: 1, in: 2, kind: 'delivery', trigger: 't', sub: ANN, period: '2026-11-20' },
      ...{ attempt: 1, gen: 1, at: decidedAtMs, fired: decidedAtMs, values: { 'data.day': 10 } },
      ...{ id: `t:${ANN}:2026-11-20:1`, not_after: decidedAtMs + 3_600_000 },
      ...change,
    } as SaidDecision
  }

  test('closes its latch and fills its cap', () => {
    const script = new MachineScript(START, NOW)
    adoptSaid(script.machine.core!, [said()])
    expect(script.usage(START, 10)).toEqual([])
    expect(script.view().caps).toEqual([{ trigger: 't', period: '2026-11', used: 1, limit: 1 }])
    script.tick('2026-11-21 10:00')
    expect(script.usage('2026-11-21 10:00', 10)).toEqual(['t 2026-11-21/1 cap-trigger'])
  })

  test('says nothing of the trigger where it was a test send or a notice', () => {
    const script = new MachineScript(START, NOW)
    const id = `t:${ANN}:test.a:1`
    const aside = { period: 'ever', channel: 'sms', id }
    const notice = { ...aside, trigger: 'notice', sub: 99, purpose: 'notice' }
    adoptSaid(script.machine.core!, [said({ ...aside, purpose: 'test' }), said(notice)])
    expect(script.machine.core!.subscriberCount).toBe(0)
    expect(script.usage(START, 10)).toHaveLength(1)
    expect(script.view().caps).toEqual([{ trigger: 't', period: '2026-11', used: 1, limit: 1 }])
  })

  test('is found by feedback: a report that it came too late makes the next attempt', () => {
    const script = new MachineScript(START, LATER)
    adoptSaid(script.machine.core!, [said()])
    script.feedback('expired', `t:${ANN}:2026-11-20:1`)
    expect(script.view().deliveries).toMatchObject([{ attempt: 2, status: 'pending' }])
  })

  test('is not sent when the state holds it as pending', () => {
    const script = new MachineScript(START, LATER)
    script.usage(START, 10)
    expect(script.view().deliveries).toMatchObject([{ status: 'pending' }])
    adoptSaid(script.machine.core!, [said({ at: at('2026-11-21 12:00') })])
    expect(script.view().deliveries).toMatchObject([{ status: 'emitted' }])
    expect(script.tick('2026-11-21 13:00')).toEqual([])
    expect(script.clockMs).toBe(at('2026-11-21 13:00'))
  })

  test('as suppressed frees what the state holds as pending, and its latch stays closed', () => {
    const script = new MachineScript(START, LATER)
    script.usage(START, 10)
    adoptSaid(script.machine.core!, [said({ kind: 'suppressed' })])
    expect(script.view().deliveries).toEqual([])
    expect(script.usage(START, 10)).toEqual([])
    expect(script.tick('2026-11-21 13:00')).toEqual([])
  })

  test('as held out keeps its place in caps, and feedback about it is refused', () => {
    const script = new MachineScript(START, NOW)
    adoptSaid(script.machine.core!, [said({ kind: 'holdout', experiment: 'x', channel: 'sms' })])
    script.feedback('sent', `t:${ANN}:2026-11-20:1`)
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
    script.tick('2026-11-21 10:00')
    expect(script.usage('2026-11-21 10:00', 10)).toEqual(['t 2026-11-21/1 cap-trigger'])
  })

  test.each([
    ['sms', {}, 'cap-channel'],
    ['push', {}, 'delivery'],
    ['sms', { class: 'service' }, 'delivery'],
    ['sms', { canary: true }, 'delivery'],
  ])(
    'of a trigger that is no more counts where others count it: %s %o',
    (channel, change, fate) => {
      const policy = 'channels: { sms: { cap: 1 per month }, push: {} }'
      const script = new MachineScript(START, { ...LATER, ...NOW, 'policy.yaml': policy })
      adoptSaid(script.machine.core!, [said({ trigger: 'gone', channel, ...change })])
      script.usage(START, 10)
      const [decision] = script.decisions
      expect(decision?.kind === 'suppressed' ? decision.reason : decision?.kind).toBe(fate)
    },
  )

  test('of a trigger that is no more changes nothing but the clock', () => {
    const script = new MachineScript(START, NOW)
    adoptSaid(script.machine.core!, [said({ trigger: 'gone', at: at('2026-11-20 11:00') })])
    expect(script.machine.core!.subscriberCount).toBe(0)
    expect(script.clockMs).toBe(at('2026-11-20 11:00'))
  })
})
