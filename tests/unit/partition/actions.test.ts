import { describe, expect, test } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { ANN, MachineScript } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'

const DECLARED = [
  'tags: { rewarded: {}, gone: {} }',
  'counters: { data: { sum: bytes, per: [day, month] } }',
  'channels: { sms: {}, accounts: {}, internal: {} }',
].join('\n')

function trigger(id: string, when: string, content: string, more = ''): string {
  return [`trigger: ${id}`, `when: '${when}'`, 'once: month', more, content].join('\n')
}

const credit = (more = '') =>
  `deliver: { channel: accounts${more} }\naction: { credit: { amount: 2, unit: yuan } }`
const tag = (change: string) => `deliver: { channel: internal }\naction: { tag: ${change} }`
const message = 'deliver: { channel: sms }\nmessage: x'

function files(...triggers: readonly string[]): ConfigFiles {
  return {
    'a.yaml': DECLARED,
    ...Object.fromEntries(triggers.map((text, index) => [`t${index}.yaml`, text])),
  }
}

/** Trigger and action of the decisions. */
const actions = (script: MachineScript) =>
  script.decisions.map((decision) => [
    decision.trigger,
    (decision as unknown as { action?: unknown }).action ?? null,
  ])

describe('a credit', () => {
  test('goes out as a delivery with an id of its own, once per period', () => {
    const script = new MachineScript(NOON, files(trigger('c', 'data.month >= 10', credit())))
    expect(script.usage(NOON, 10)).toHaveLength(1)
    expect(script.usage(NOON, 10)).toEqual([])
    expect(actions(script)).toEqual([['c', { kind: 'credit', amount: 2, unit: 'yuan' }]])
    expect(script.decisions[0]).toMatchObject({ id: `c:${ANN}:2026-11:1`, kind: 'delivery' })
  })

  test('waits for its window, counts in caps and is refused by lists like a message', () => {
    const night = ", contactWindow: { from: '14:00', to: '15:00', outside: defer, expires: 9h }"
    const config = files(trigger('c', 'data.month >= 10', credit(night), 'cap: 1 ever'))
    const script = new MachineScript(NOON, config)
    expect(script.usage(NOON, 10)).toEqual([])
    script.profile({ lists: { optOut: true } })
    expect(script.tick('2026-11-20 14:00')).toEqual(['c 2026-11/1 opted-out'])
  })

  test('of who is held out is granted to nobody', () => {
    const held = trigger('c', 'data.month >= 10', credit(), 'controlGroup: { share: 99.9 % }')
    const script = new MachineScript(NOON, files(held))
    expect(script.usage(NOON, 10)).toEqual(['c 2026-11/1 held out: c'])
    expect(actions(script)).toEqual([['c', null]])
  })

  test('that failed or came too late is told like any delivery', () => {
    const script = new MachineScript(NOON, files(trigger('c', 'data.month >= 10', credit())))
    script.usage(NOON, 10)
    expect(script.feedback('expired', `c:${ANN}:2026-11:1`)[0]).toContain('c 2026-11/2 ')
    script.feedback('failed', `c:${ANN}:2026-11:2`)
    script.feedback('expired', `c:${ANN}:2026-11:2`)
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
    expect(actions(script).at(-1)![1]).toEqual({ kind: 'credit', amount: 2, unit: 'yuan' })
  })
})

describe('an action on a tag', () => {
  test('takes place where it is decided, and what reads the tag is judged', () => {
    const script = new MachineScript(
      NOON,
      files(
        trigger('thanks', 'tags.rewarded', message),
        trigger('reward', 'data.month >= 10 && !tags.rewarded', tag('{ set: rewarded }')),
      ),
    )
    expect(script.usage(NOON, 10).map((line) => line.split(' ')[0])).toEqual(['reward', 'thanks'])
    expect(script.view().tags).toMatchObject({ rewarded: true })
    expect(actions(script)[0]).toEqual(['reward', { kind: 'tag', tag: 'rewarded', value: true }])
  })

  test('clears, too, and a chain of them ends', () => {
    const script = new MachineScript(
      NOON,
      files(
        trigger('one', 'data.month >= 10', tag('{ set: rewarded }')),
        trigger('two', 'tags.rewarded', tag('{ set: gone }')),
        trigger('three', 'tags.gone && data.month >= 1', tag('{ clear: rewarded }')),
      ),
    )
    expect(script.usage(NOON, 10)).toHaveLength(3)
    expect(script.view().tags).toEqual({ gone: true })
    expect(script.usage(NOON, 10)).toEqual([])
  })

  test('of who is held out changes nothing', () => {
    const more = 'controlGroup: { share: 99.9 % }'
    const held = trigger('reward', 'data.month >= 10', tag('{ set: rewarded }'), more)
    const script = new MachineScript(NOON, files(held, trigger('thanks', 'tags.rewarded', message)))
    expect(script.usage(NOON, 10)).toEqual(['reward 2026-11/1 held out: reward'])
    expect(script.view().tags).toEqual({})
  })

  test('takes nobody the place, and is no matter of a gateway', () => {
    const script = new MachineScript(NOON, {
      ...files(
        trigger('reward', 'data.month >= 10', tag('{ set: rewarded }')),
        trigger('m', 'data.month >= 10', message),
      ),
      'p.yaml': 'caps: [1 per day]\narbitration: {}',
    })
    expect(script.usage(NOON, 10)).toHaveLength(2)
    script.feedback('expired', `reward:${ANN}:2026-11:1`)
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
  })
})
