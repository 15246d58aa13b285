import { describe, expect, test } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { LIST_NAMES } from '../../../src/model/expression.ts'
import type { ProfileRow } from '../../../src/model/messages.ts'
import { encodeProfile } from '../../../src/probe/encode.ts'
import { ANN, BOB, MachineScript } from '../../support/machine-script.ts'

const START = '2026-11-20 10:00'
const NONE = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
const FILES: ConfigFiles = {
  'declarations.yaml': `
tags: { vip: {}, seed: { versioned: true } }
fields:
  plan: { type: enum, words: [basic, gold] }
  spend: { type: number }
  born: { type: date }
  roaming: { type: bool }
counters:
  data: { sum: bytes, per: [day] }
`,
  'triggers/offer.yaml': `
trigger: offer
when: data.day >= 1 * MB && !tags.vip
once: day
deliver: { channel: sms }
message: Hello
`,
}
const FULL: Partial<ProfileRow> = {
  tags: { vip: true, seed: 7 },
  fields: { plan: 'gold', spend: -12.5, born: '1964-02-29', roaming: true },
  lists: Object.fromEntries(LIST_NAMES.map((list) => [list, true])),
  zone: 'Europe/Berlin',
  cycleDay: 31,
}

/** A message of several rows. */
function send(script: MachineScript, rows: readonly ProfileRow[], seq: number): string[] {
  return script.apply(
    'profile.0.crm',
    encodeProfile({ stamp: { probe: 'crm', epoch: 1, seq }, rows }),
  )
}

describe('a profile row', () => {
  test('sets every type of value, and none by what it does not mention', () => {
    const script = new MachineScript(START, FILES)
    script.profile(FULL)
    script.profile({ tags: { vip: false }, fields: { spend: 3 } })
    expect(script.view()).toMatchObject({
      tags: { seed: 7 },
      fields: { plan: 'gold', spend: 3, born: '1964-02-29', roaming: true },
      lists: [...LIST_NAMES],
      zone: 'Europe/Berlin',
      cycleDay: 31,
    })
    expect(script.view().tags.vip ?? false).toBe(false)
  })

  test('removes with null', () => {
    const script = new MachineScript(START, FILES)
    script.profile(FULL)
    script.profile({
      tags: { vip: null, seed: null },
      fields: { plan: null, spend: null, born: null, roaming: null },
      zone: null,
    })
    expect(script.view()).toMatchObject({ fields: {}, zone: 'Asia/Shanghai', cycleDay: 31 })
    expect(Object.values(script.view().tags).filter(Boolean)).toEqual([])
  })

  test.each<[string, Partial<ProfileRow>, string]>([
    ['an unknown tag', { tags: { vip: true, vipp: true } }, 'unknown-name'],
    ['a version of a plain tag', { tags: { vip: 2 } }, 'bad-type'],
    ['a versioned tag without version', { tags: { seed: true } }, 'bad-type'],
    ['an unknown field', { fields: { plann: 'gold' } }, 'unknown-name'],
    ['an unknown word', { fields: { plan: 'Gold' } }, 'unknown-code'],
    ['a word that is a number', { fields: { plan: 1 } }, 'bad-type'],
    ['a number that is a text', { fields: { spend: '3' } }, 'bad-type'],
    ['a bool that is a number', { fields: { roaming: 1 } }, 'bad-type'],
    ['a date that is none', { fields: { born: '2026-02-30' } }, 'out-of-range'],
    ['a date of the first century', { fields: { born: '0064-01-01' } }, 'out-of-range'],
    ['a date of another form', { fields: { born: '29.02.1964' } }, 'bad-type'],
    ['a zone that is none', { zone: 'Europe/Atlantis' }, 'unknown-name'],
  ])('is refused for %s, with the whole message', (_, change, reason) => {
    const script = new MachineScript(START, FILES)
    const good = { subscriber: BOB, ...NONE, tags: { vip: true } }
    send(script, [good, { subscriber: ANN, ...NONE, ...change }], 1)
    expect(script.rejects).toEqual({ [reason]: 1 })
    expect(() => script.view(BOB)).toThrow()
  })
})

describe('a deletion', () => {
  test('takes the profile away but for optOut, and leaves counters and deliveries', () => {
    const script = new MachineScript(START, FILES)
    script.usage('2026-11-20 09:00', 2_000_000)
    expect(script.lines).toHaveLength(1)
    script.profile(FULL)
    script.profile({ isDeletion: true })
    const { tags, fields, lists, zone, cycleDay, deliveries } = script.view()
    expect({ fields, lists, zone, cycleDay }).toEqual({
      fields: {},
      lists: ['optOut'],
      zone: 'Asia/Shanghai',
      cycleDay: 1,
    })
    expect(Object.values(tags).filter(Boolean)).toEqual([])
    expect(script.counter('data.day')).toEqual([2_000_000])
    expect(deliveries).toHaveLength(1)
    // The latch of the day is set still: nothing is said twice.
    expect(script.lines).toHaveLength(1)
  })

  test('is judged as any change is', () => {
    const script = new MachineScript(START, FILES)
    script.profile({ tags: { vip: true } })
    script.usage('2026-11-20 09:00', 2_000_000)
    expect(script.lines).toEqual([])
    expect(script.profile({ isDeletion: true })).toHaveLength(1)
  })

  test('of somebody unknown makes nobody known', () => {
    const script = new MachineScript(START, FILES)
    script.profile({ isDeletion: true })
    expect(script.machine.core!.subscriberCount).toBe(0)
    expect(script.machine.core!.statistics.profileRows).toBe(1)
  })

  test('and what the next row says stands, in one message', () => {
    const script = new MachineScript(START, FILES)
    script.profile(FULL)
    const deletion = { subscriber: ANN, ...NONE, isDeletion: true }
    send(script, [deletion, { subscriber: ANN, ...NONE, fields: { spend: 1 } }], 1)
    expect(script.view()).toMatchObject({ fields: { spend: 1 }, lists: ['optOut'] })
    expect(script.view().fields).toEqual({ spend: 1 })
  })
})
