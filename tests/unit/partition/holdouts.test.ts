import { describe, expect, it } from 'vitest'
import { isHeldOut } from '../../../src/decision/control-group.ts'
import { ANN, MachineScript, recordAt } from '../../support/machine-script.ts'
import { policyFiles } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'
const EVERYBODY = 'controlGroup: { experiment: whole, share: 99.9 % }'

describe('who is held out', () => {
  it('gets a holdout instead of a delivery, with everything that it would have had', () => {
    const script = new MachineScript(NOON, policyFiles({ a: {} }, [EVERYBODY]))
    expect(isHeldOut('whole', 0.999, ANN)).toBe(true)
    expect(script.usage(NOON, 10)).toEqual(['a 2026-11-20/1 held out: whole'])
    expect(script.decisions[0]).toMatchObject({ id: `a:${ANN}:2026-11-20:1`, experiment: 'whole' })
    const { statistics } = script.machine.core!
    expect([statistics.holdouts, statistics.deliveries, statistics.decisions]).toEqual([1, 0, 1])
    expect(script.machine.core!.countsOf('a')).toMatchObject({ holdouts: 1, deliveries: 0 })
  })

  it.each(['sent', 'delivered', 'failed', 'expired'] as const)('is not reported as %s', (kind) => {
    const script = new MachineScript(NOON, policyFiles({ a: {} }, [EVERYBODY]))
    script.usage(NOON, 10)
    expect(script.feedback(kind, `a:${ANN}:2026-11-20:1`)).toEqual([])
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
  })

  it('takes up caps and contacts', () => {
    const group = (id: string) => ({ more: [`controlGroup: { experiment: ${id}, share: 99.9 % }`] })
    const triggers = { a: group('own'), b: {}, c: {} }
    const capped = new MachineScript(NOON, policyFiles(triggers, ['caps: 2 per day']))
    expect(capped.usage(NOON, 10).map((line) => line.slice(0, 24))).toEqual([
      'a 2026-11-20/1 held out:',
      'b 2026-11-20/1 2026-11-2',
      'c 2026-11-20/1 cap-globa',
    ])
    const contact = new MachineScript(NOON, policyFiles(triggers, ['arbitration: {}']))
    expect(contact.usage(NOON, 10).map((line) => line.split(' ')[2])).toEqual([
      'held',
      'outranked',
      'outranked',
    ])
  })

  it('of both groups counts for the global one; service is spared by that', () => {
    const own = ['controlGroup: { experiment: own, share: 99.9 % }']
    const files = policyFiles({ a: { more: own }, b: { more: ['class: service'] } }, [EVERYBODY])
    const script = new MachineScript(NOON, files)
    const lines = script.usage(NOON, 10)
    expect(lines[0]).toBe('a 2026-11-20/1 held out: whole')
    expect(lines[1]).toMatch(/^b 2026-11-20\/1 2026/)
  })
})

it('control and treated differ in nothing but the kind of what would be sent', () => {
  const triggers = (share: string) => ({
    a: { at: 'next day 12:00', more: [`controlGroup: { experiment: x, share: ${share} }`] },
    b: { more: ['layer: model', `controlGroup: { experiment: x, share: ${share} }`] },
    c: { when: 'data.day >= 30', at: 'after 2h', more: ['priority: 3'] },
  })
  const policy = [
    'arbitration: { layers: [model, default], offersPerContact: 2 }',
    'channels: { sms: { cap: [1 per hour, 3 per 30 days] } }',
  ]
  const run = (share: string) => {
    const script = new MachineScript(NOON, policyFiles(triggers(share), policy))
    for (let day = 20; day < 27; day++) {
      const time = `2026-11-${day} 12:00`
      script.tick(time)
      for (let round = 0; round < 3; round++) {
        script.batch(
          Array.from({ length: 40 }, (_, i) => recordAt(time, 10, { subscriber: 1 + i })),
        )
      }
      script.tick(`2026-11-${day} 15:00`)
    }
    return script
  }
  const treated = run('0.001 %')
  const control = run('50 %')
  const bare = (script: MachineScript) =>
    script.decisions.map((decision) => {
      const { kind, ...rest } = decision
      const { experiment: _, ...bareOne } = { experiment: '', ...rest }
      return { ...bareOne, isSent: kind !== 'suppressed' }
    })
  expect(bare(control)).toEqual(bare(treated))
  expect(treated.decisions.some(({ kind }) => kind === 'holdout')).toBe(false)
  for (const decision of control.decisions) {
    if (decision.kind === 'suppressed' || decision.trigger === 'c') continue
    expect(decision.kind === 'holdout').toBe(isHeldOut('x', 0.5, decision.subscriber))
  }
  expect(control.decisions.filter(({ kind }) => kind === 'holdout').length).toBeGreaterThan(20)
})
