import { decode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import type { ListName } from '../../../src/model/expression.ts'
import { MachineScript } from '../../support/machine-script.ts'
import { policyFiles } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'
const AUDIENCE = "audience: 'fields.worth > 5'"

/** What becomes of a trigger `a` for somebody on these lists. */
function fateOf(lists: readonly ListName[], more: readonly string[] = [], policy: string[] = []) {
  const script = new MachineScript(NOON, policyFiles({ a: { more } }, policy))
  script.profile({ lists: Object.fromEntries(lists.map((list) => [list, true])) })
  const [line = ''] = script.usage(NOON, 10)
  return line.replace('a 2026-11-20/1 ', '').replace(/^2026.*/, 'goes')
}

describe('marketing', () => {
  it.each<[readonly ListName[], string]>([
    [['black'], 'list-black'],
    [['red'], 'list-red'],
    [['sensitive'], 'goes'],
    [['optOut'], 'opted-out'],
    [['white'], 'goes'],
    [['white', 'black'], 'list-black'],
    [['white', 'red'], 'goes'],
    [['white', 'optOut'], 'opted-out'],
    [['canary', 'black'], 'list-black'],
    [['canary', 'red'], 'goes'],
    [['canary', 'optOut'], 'opted-out'],
    [['red', 'optOut'], 'list-red'],
  ])('to somebody on %j: %s', (lists, fate) => {
    expect(fateOf(lists)).toBe(fate)
  })
})

it.each<[readonly ListName[], string]>([
  [['black'], 'list-black'],
  [['red'], 'goes'],
  [['optOut'], 'goes'],
])('a service message to somebody on %j: %s', (lists, fate) => {
  expect(fateOf(lists, ['class: service'])).toBe(fate)
})

it.each<[readonly ListName[], string]>([
  [['sensitive'], 'list-sensitive'],
  [['sensitive', 'white'], 'goes'],
  [['sensitive', 'canary'], 'goes'],
  [['red'], 'goes'],
])('a class that the sensitive alone refuse, to %j: %s', (lists, fate) => {
  const policy = ['classes: { calls: { refusedBy: [sensitive] } }']
  expect(fateOf(lists, ['class: calls'], policy)).toBe(fate)
})

describe('the audience', () => {
  it.each<[readonly ListName[], string]>([
    [[], 'not-in-audience'],
    [['canary'], 'not-in-audience'],
    [['white'], 'goes'],
    [['optOut'], 'opted-out'],
  ])('without the field, on %j: %s', (lists, fate) => {
    expect(fateOf(lists, [AUDIENCE])).toBe(fate)
  })

  it('is asked again when the delivery is due', () => {
    const files = policyFiles({ a: { at: 'after 1h', more: [AUDIENCE] } })
    const script = new MachineScript(NOON, files)
    script.profile({ fields: { worth: 6 } })
    expect(script.usage(NOON, 10)).toEqual([])
    script.profile({ fields: { worth: 5 } })
    expect(script.tick('2026-11-20 13:00')).toEqual(['a 2026-11-20/1 not-in-audience'])
  })
})

it('a list is read at the end of the input that fires', () => {
  const files = policyFiles({ a: { when: 'data.day >= 10 && tags.vip' } })
  const script = new MachineScript(NOON, files)
  script.usage(NOON, 10)
  expect(script.profile({ tags: { vip: true }, lists: { black: true } })).toEqual([
    'a 2026-11-20/1 list-black',
  ])
})

describe('a canary', () => {
  const policy = [
    'caps: 1 per day',
    'arbitration: {}',
    'controlGroup: { experiment: whole, share: 99.9 % }',
  ]

  it('gets everything, and is counted apart', () => {
    const script = new MachineScript(
      NOON,
      policyFiles({ a: {}, b: { more: ['cap: 1 ever'] } }, policy),
    )
    script.profile({ lists: { canary: true } })
    const batches: string[] = []
    const { outbox } = script.machine
    const take = outbox.take.bind(outbox)
    outbox.take = (epoch, limits) => {
      const batch = take(epoch, limits)
      if (batch !== null) {
        const { decisions } = decode(batch.bytes) as { decisions: { canary?: boolean }[] }
        batches.push(...decisions.map(({ canary }) => String(canary)))
      }
      return batch
    }
    expect(script.usage(NOON, 10)).toHaveLength(2)
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 10)).toHaveLength(2)
    expect(batches).toEqual(['true', 'true', 'true', 'true'])
    const { statistics } = script.machine.core!
    expect([statistics.canaries, statistics.deliveries, statistics.holdouts]).toEqual([4, 0, 0])
  })

  it('that is none any more is like everybody, and has used nothing up', () => {
    const script = new MachineScript(NOON, policyFiles({ a: { more: ['cap: 1 ever'] } }))
    script.profile({ lists: { canary: true } })
    script.usage(NOON, 10)
    script.profile({ lists: { canary: false } })
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 10)[0]).toMatch(/^a 2026-11-21\/1 2026/)
    expect(script.machine.core!.statistics.deliveries).toBe(1)
  })
})

describe('what a contact is worth', () => {
  it('is read when the trigger fires, and kept', () => {
    const triggers = {
      a: { at: 'after 2h', more: ['value: fields.worth'] },
      b: { at: 'after 2h', when: 'data.day >= 20', more: ["value: '7.0'"] },
    }
    const script = new MachineScript(NOON, policyFiles(triggers, ['arbitration: {}']))
    script.profile({ fields: { worth: 8 } })
    script.usage(NOON, 10)
    script.profile({ fields: { worth: 1 } })
    expect(script.usage(NOON, 10)).toEqual(['b 2026-11-20/1 outranked'])
  })

  it('is 0 without the field, and where it is no number', () => {
    const triggers = {
      a: { more: ['value: fields.worth'] },
      b: { more: ["value: '0.5'"] },
      c: { more: ["value: '1.0 / (data.hour - data.hour)'"] },
    }
    const script = new MachineScript(NOON, policyFiles(triggers, ['arbitration: {}']))
    const lines = script.usage(NOON, 10)
    expect(lines[0]).toMatch(/^b 2026-11-20\/1 2026/)
    expect(lines.slice(1)).toEqual(['a 2026-11-20/1 outranked', 'c 2026-11-20/1 outranked'])
  })
})
