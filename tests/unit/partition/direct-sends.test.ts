import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { ANN, at, BOB, MachineScript } from '../../support/machine-script.ts'
import { MessageScript } from '../../support/message-script.ts'

const NOON = '2026-11-20 12:00'
const NIGHT = '2026-11-20 23:00'

function files(more: readonly string[] = []): ConfigFiles {
  return {
    'a.yaml': [
      'fields: { plan: { type: enum, words: [gold, silver] } }',
      'counters: { data: { sum: bytes, per: [day, month] } }',
      'channels: { sms: { sms: true, cap: 1 per day, capacity: { perDay: 2 } }, push: {} }',
    ].join('\n'),
    't.yaml': [
      'trigger: a',
      'when: data.day >= 10',
      'once: day',
      ...more,
      "deliver: { channel: sms, contactWindow: { from: '09:00', to: '21:00', outside: defer } }",
      'message: "Hello {fields.plan}"',
    ].join('\n'),
  }
}

/** ANN is a tester, BOB is not. */
function startAt(time: string, more: readonly string[] = []): MessageScript {
  const script = new MessageScript(time, files(more))
  script.profile({ fields: { plan: 'gold' }, lists: { canary: true } })
  script.profile({ subscriber: BOB, fields: { plan: 'silver' } })
  return script
}

describe('a test send', () => {
  it('says what the trigger says, at once, past window, latch, caps and validity', () => {
    const more = ["validity: { from: '2026-12-01T00:00:00+08:00' }"]
    const script = startAt(NIGHT, more)
    expect(script.test('a', ANN, 'x1')).toEqual(['a: Hello gold'])
    expect(script.test('a', ANN, 'x2')).toEqual(['a: Hello gold'])
    expect(script.wires[0]).toEqual({
      n: 1,
      in: 4,
      kind: 'delivery',
      trigger: 'a',
      sub: ANN,
      period: 'ever',
      attempt: 1,
      gen: 1,
      at: at(NIGHT),
      fired: at(NIGHT),
      values: {},
      id: `a:${ANN}:test.x1:1`,
      channel: 'sms',
      message: 'Hello gold',
      segments: 1,
      canary: true,
      purpose: 'test',
      not_before: at(NIGHT),
      not_after: at(NIGHT) + 24 * 3_600_000,
    })
    expect(script.wires[1]).toMatchObject({ id: `a:${ANN}:test.x2:1` })
  })

  it('counts once by its id', () => {
    const script = startAt(NOON)
    expect(script.test('a', ANN, 'x1')).toHaveLength(1)
    expect(script.test('a', ANN, 'x1')).toEqual([])
  })

  it('goes to testers only, of triggers that there are, with all that the message needs', () => {
    const script = startAt(NOON)
    script.test('a', BOB)
    script.test('a', 7)
    expect(script.rejects).toEqual({ 'not-a-canary': 2 })
    script.test('b', ANN)
    script.profile({ fields: { plan: null } })
    script.test('a', ANN)
    expect(script.rejects).toEqual({
      'not-a-canary': 2,
      'unknown-name': 1,
      'message-incomplete': 1,
    })
    expect(script.wires).toEqual([])
  })

  it('that was refused may be asked for again under its id', () => {
    const script = startAt(NOON)
    script.test('a', BOB, 'x1')
    script.profile({ subscriber: BOB, lists: { canary: true } })
    expect(script.test('a', BOB, 'x1')).toEqual(['a: Hello silver'])
  })

  it('is in no rate, and leaves what the trigger decides as it is', () => {
    const plain = startAt(NOON)
    const script = startAt(NOON)
    script.test('a', ANN)
    for (const each of [plain, script]) each.usage(NOON, 10)
    const [{ n: _, in: __, ...mine }] = script.wires.slice(-1) as [Record<string, unknown>]
    const [{ n: ___, in: ____, ...theirs }] = plain.wires.slice(-1) as [Record<string, unknown>]
    expect(mine).toEqual(theirs)
    const { statistics, triggerCounts } = script.machine.core!
    expect([statistics.testSends, statistics.deliveries, statistics.canaries]).toEqual([1, 0, 1])
    expect(triggerCounts.get('a')).toMatchObject({ candidates: 1, canaries: 1 })
  })

  it('takes of the channel’s capacity, and is never refused by it', () => {
    const script = startAt(NOON)
    for (const id of ['x', 'y', 'z']) expect(script.test('a', ANN, id)).toHaveLength(1)
    expect(script.usage(NOON, 10, { subscriber: BOB })).toEqual([])
  })

  it('is reported about without effect', () => {
    const script = startAt(NOON)
    script.test('a', ANN, 'x1')
    for (const kind of ['sent', 'delivered', 'expired'] as const) {
      expect(script.feedback(kind, `a:${ANN}:test.x1:1`)).toEqual([])
    }
    expect(script.rejects).toEqual({})
  })
})

describe('a notice', () => {
  it('goes to a number that is nobody’s, and makes it nobody’s subscriber', () => {
    const script = startAt(NOON)
    const { subscriberCount } = script.machine.core!
    expect(script.notice(99, 'Sent 5,\n2 €', { id: 'day-1' })).toEqual(['notice: Sent 5,\n2 €'])
    expect(script.wires[0]).toMatchObject({
      trigger: 'notice',
      sub: 99,
      period: 'ever',
      attempt: 1,
      id: 'notice:99:day-1:1',
      channel: 'sms',
      class: 'service',
      segments: 1,
      purpose: 'notice',
      not_after: at(NOON) + 24 * 3_600_000,
    })
    expect(script.wires[0]).not.toHaveProperty('canary')
    expect(script.machine.core!.subscriberCount).toBe(subscriberCount)
    expect(script.machine.core!.statistics.notices).toBe(1)
  })

  it('counts once by its id, and takes of the capacity', () => {
    const script = startAt(NOON)
    script.notice(99, 'One', { id: 'a' })
    expect(script.notice(99, 'One', { id: 'a' })).toEqual([])
    expect(script.notice(99, 'Two')).toHaveLength(1)
    expect(script.notice(99, 'Three')).toHaveLength(1)
    expect(script.usage(NOON, 10, { subscriber: BOB })).toEqual([])
  })

  it('needs a channel and a class that there are', () => {
    const script = startAt(NOON)
    script.notice(99, 'x', { channel: 'smoke' })
    script.notice(99, 'x', { class: 'odd' })
    expect(script.rejects).toEqual({ 'unknown-name': 2 })
    expect(script.notice(99, 'x', { channel: 'push' })).toHaveLength(1)
    expect(script.wires[0]).not.toHaveProperty('segments')
  })

  it('is reported about without effect', () => {
    const script = startAt(NOON)
    script.notice(99, 'x', { id: 'a' })
    for (const kind of ['sent', 'failed'] as const) {
      expect(script.feedback(kind, 'notice:99:a:1')).toEqual([])
    }
    expect(script.rejects).toEqual({})
    expect(script.machine.core!.index.find(99)).toBe(-1)
  })
})

describe('a test send of an action', () => {
  const start = (action: string): MessageScript => {
    const { 'a.yaml': declarations } = files()
    const trigger = [
      ...['trigger: a', 'when: data.day >= 10', 'deliver: { channel: billing }'],
      `action: ${action}`,
    ]
    const more = declarations!.replace('push: {}', 'billing: {}')
    const script = new MessageScript(NOON, {
      'a.yaml': `tags: { rewarded: {} }\nregion: fields.plan\n${more}`,
      't.yaml': trigger.join('\n'),
    })
    script.profile({ fields: { plan: 'gold' }, lists: { canary: true } })
    return script
  }

  it('gives a credit, for a test, where the tester belongs', () => {
    const script = start('{ credit: { amount: 2, unit: yuan } }')
    script.test('a', ANN)
    expect(script.wires).toEqual([
      expect.objectContaining({
        action: { kind: 'credit', amount: 2, unit: 'yuan' },
        purpose: 'test',
        region: 'gold',
      }),
    ])
    expect(script.wires[0]).not.toHaveProperty('message')
  })

  it('sets no tag: nothing would be sent', () => {
    const script = start('{ tag: { set: rewarded } }')
    script.test('a', ANN)
    expect(script.rejects).toEqual({ 'unknown-name': 1 })
    expect(script.view().tags).toEqual({})
  })
})

it('a replay makes the same', () => {
  const script = startAt(NOON)
  script.test('a', ANN)
  script.notice(99, 'Hello')
  script.usage(NOON, 10)
  script.test('a', BOB)
  const other = new MachineScript(NOON, files())
  for (const input of script.inputs) other.machine.apply(input)
  expect(other.machine.outbox.digest.text()).toBe(script.machine.outbox.digest.text())
})
