import { describe, expect, it } from 'vitest'
import { ANN, at, MachineScript } from '../../support/machine-script.ts'
import { policyFiles } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'

/** `a goes`, `b cap-channel (channel sms: 1 per day)`. */
function fates(script: MachineScript, lines: readonly string[]): string[] {
  return script.decisions.slice(script.decisions.length - lines.length).map((decision) => {
    if (decision.kind !== 'suppressed') return `${decision.trigger} goes`
    const { detail } = decision
    return `${decision.trigger} ${decision.reason}${detail === undefined ? '' : ` (${detail})`}`
  })
}

describe('a full cap', () => {
  it.each([
    ['of the trigger', { b: ['cap: 1 per day'] }, [], ['a goes', 'b goes']],
    [
      'of the channel',
      {},
      ['channels: { sms: { cap: 1 per day }, push: {} }'],
      ['a goes', 'b cap-channel (channel sms: 1 per day)'],
    ],
    [
      'of the class',
      {},
      ['classes: { marketing: { cap: 1 per 30 days } }'],
      ['a goes', 'b cap-class (class marketing: 1 per 30 days)'],
    ],
    ['over all', {}, ['caps: [1 per week]'], ['a goes', 'b cap-global (all: 1 per week)']],
    [
      'of which the first that fails is named',
      {},
      ['caps: 1 per week', 'channels: { sms: { cap: 1 per day } }'],
      ['a goes', 'b cap-channel (channel sms: 1 per day)'],
    ],
  ] as const)('%s', (_, more, policy, expected) => {
    const own = more as { readonly b?: readonly string[] }
    const files = policyFiles({ a: {}, b: { more: own.b ?? [] } }, policy)
    const script = new MachineScript(NOON, files)
    expect(fates(script, script.usage(NOON, 10))).toEqual(expected)
  })

  it('of the trigger says so, too', () => {
    const script = new MachineScript(NOON, policyFiles({ a: { more: ['cap: 1 ever'] } }))
    expect(fates(script, script.usage(NOON, 10))).toEqual(['a goes'])
    script.tick('2026-11-21 12:00')
    const lines = script.usage('2026-11-21 12:00', 10)
    expect(fates(script, lines)).toEqual(['a cap-trigger (trigger a: 1 ever)'])
  })

  it('for the sensitive holds for them alone', () => {
    const policy = ['classes: { marketing: { sensitiveCap: 1 per month } }']
    const script = new MachineScript(NOON, policyFiles({ a: {}, b: {} }, policy))
    expect(fates(script, script.usage(NOON, 10))).toEqual(['a goes', 'b goes'])
    script.tick('2026-11-21 12:00')
    script.profile({ lists: { sensitive: true } })
    expect(fates(script, script.usage('2026-11-21 12:00', 10))).toEqual([
      'a cap-sensitive (class marketing, sensitive: 1 per month)',
      'b cap-sensitive (class marketing, sensitive: 1 per month)',
    ])
  })

  it('is not asked of white ones, but for the trigger’s own', () => {
    const policy = ['caps: 1 per day']
    const files = policyFiles({ a: {}, b: { more: ['cap: 1 ever'] } }, policy)
    const script = new MachineScript(NOON, files)
    script.profile({ lists: { white: true } })
    expect(fates(script, script.usage(NOON, 10))).toEqual(['a goes', 'b goes'])
    script.tick('2026-11-21 12:00')
    expect(fates(script, script.usage('2026-11-21 12:00', 10))).toEqual([
      'a goes',
      'b cap-trigger (trigger b: 1 ever)',
    ])
  })
})

describe('the two flags', () => {
  const policy = ['caps: 1 per day', 'channels: { sms: { cap: 1 per day } }']

  it('who ignores caps still counts in them', () => {
    const files = policyFiles({ a: { more: ['ignoresCaps: true'] }, b: {} }, policy)
    const script = new MachineScript(NOON, files)
    const expected = ['a goes', 'b cap-channel (channel sms: 1 per day)']
    expect(fates(script, script.usage(NOON, 10))).toEqual(expected)
  })

  it('who does not count is held by them all the same', () => {
    const files = policyFiles({ a: {}, b: { more: ['countsTowardCaps: false'] } }, policy)
    const script = new MachineScript(NOON, files)
    const expected = ['a goes', 'b cap-channel (channel sms: 1 per day)']
    expect(fates(script, script.usage(NOON, 10))).toEqual(expected)
  })

  it('who does not count leaves room, but not in its class', () => {
    const more = ['countsTowardCaps: false']
    const files = policyFiles({ a: { more }, b: {} }, policy)
    const script = new MachineScript(NOON, files)
    expect(fates(script, script.usage(NOON, 10))).toEqual(['a goes', 'b goes'])
    const ofClass = policyFiles({ a: { more }, b: {} }, [
      'classes: { marketing: { cap: 1 per day } }',
    ])
    const second = new MachineScript(NOON, ofClass)
    expect(fates(second, second.usage(NOON, 10))).toEqual([
      'a goes',
      'b cap-class (class marketing: 1 per day)',
    ])
  })

  it('service messages pass and do not count', () => {
    const service = { more: ['class: service'] }
    const files = policyFiles({ a: service, b: {}, c: service, d: {} }, policy)
    const script = new MachineScript(NOON, files)
    expect(fates(script, script.usage(NOON, 10))).toEqual([
      'a goes',
      'b goes',
      'c goes',
      'd cap-channel (channel sms: 1 per day)',
    ])
  })
})

describe('a sliding cap', () => {
  it('looks at what was sent before and at what waits after', () => {
    const triggers = {
      a: { at: 'after 10h', when: 'data.day >= 20' },
      b: {},
      c: { at: 'after 1h', when: 'data.day >= 30' },
    }
    const script = new MachineScript(NOON, policyFiles(triggers, ['caps: 2 per 12 hours']))
    expect(fates(script, script.usage(NOON, 10))).toEqual(['b goes'])
    expect(script.usage(NOON, 10)).toEqual([])
    expect(fates(script, script.usage(NOON, 10))).toEqual(['c cap-global (all: 2 per 12 hours)'])
    expect(fates(script, script.tick('2026-11-20 22:00'))).toEqual(['a goes'])
  })

  it('has room again when the stretch is over, to the millisecond', () => {
    const script = new MachineScript(NOON, policyFiles({ a: {} }, ['caps: 1 per 24 hours']))
    expect(fates(script, script.usage(NOON, 10))).toEqual(['a goes'])
    script.tick(at('2026-11-21 12:00') - 1)
    const early = script.usage(script.clockMs, 10)
    expect(fates(script, early)).toEqual(['a cap-global (all: 1 per 1 day)'])
    const second = new MachineScript(NOON, policyFiles({ a: {} }, ['caps: 1 per 24 hours']))
    second.usage(NOON, 10)
    second.tick('2026-11-21 12:00')
    expect(fates(second, second.usage(second.clockMs, 10))).toEqual(['a goes'])
  })
})

describe('what a reload leaves', () => {
  const policy = ['channels: { sms: { cap: 1 per month }, push: {} }']

  it('still counts: of a trigger that is gone, in the channel through which it went', () => {
    const script = new MachineScript(NOON, policyFiles({ a: {} }, policy))
    script.usage(NOON, 10)
    script.config(policyFiles({ b: { when: 'data.day >= 20' } }, policy))
    expect(fates(script, script.usage(NOON, 10))).toEqual([
      'b cap-channel (channel sms: 1 per month)',
    ])
  })

  it('counts what was sent where it was sent, and what waits where it will go', () => {
    const triggers = (channel: string) => ({
      a: { channel, at: 'next day 12:00' },
      b: { when: 'data.day >= 20' },
    })
    const script = new MachineScript(NOON, policyFiles(triggers('sms'), policy))
    script.usage(NOON, 10)
    script.config(policyFiles(triggers('push'), policy))
    expect(fates(script, script.usage(NOON, 10))).toEqual(['b goes'])
    expect(fates(script, script.tick('2026-11-21 12:00'))).toEqual(['a goes'])
  })
})

it('a delivery is remembered for as long as the longest cap can count it', () => {
  const script = new MachineScript(
    NOON,
    policyFiles({ a: { once: 'month' } }, ['caps: 1 per 90 days']),
  )
  script.usage(NOON, 10)
  script.tick(at(NOON) + 89 * 86_400_000)
  for (let i = 0; i < 5; i++) script.tick(null)
  expect(script.view(ANN).deliveries).toHaveLength(1)
  const lines = script.usage(script.clockMs, 10)
  expect(fates(script, lines)).toEqual(['a cap-global (all: 1 per 90 days)'])
  script.tick(at(NOON) + 90 * 86_400_000)
  for (let i = 0; i < 5; i++) script.tick(null)
  expect(script.view(ANN).deliveries).toEqual([])
})
