import { describe, expect, test } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import { decodeFeedback, decodeProfile } from '../../../src/decode/messages.ts'
import { deliveryIdOf } from '../../../src/model/decision.ts'
import type {
  ControlMessage,
  FeedbackMessage,
  ProfileMessage,
} from '../../../src/model/messages.ts'
import {
  encodeConfig,
  encodeErase,
  encodeFeedback,
  encodeGenesis,
  encodeProfile,
  encodeTick,
} from '../../../src/probe/encode.ts'
import { message, refusal, rejectOf } from './wire-cases.ts'

const head = { v: 1, source: 'crm', epoch: 3, seq: 4 }
const profileOf = (data: Uint8Array) => decodeProfile(data, 'crm', 1, 4)
const feedbackOf = (data: Uint8Array) => decodeFeedback(data, 'crm', 1, 4)

describe('a profile message', () => {
  test('survives the round trip', () => {
    const sent: ProfileMessage = {
      stamp: { probe: 'crm', epoch: 1_700_000_000_000, seq: 12 },
      rows: [
        {
          subscriber: 13_800_000_001,
          tags: { seed: true, has_pack: false, push: 77, old: null },
          fields: { plan: 'gold', spend: -12.5, born: '1990-02-28', vip: true, gone: null },
          lists: { black: true, optOut: false },
          zone: 'Europe/Berlin',
          cycleDay: 31,
        },
        { subscriber: 5, tags: {}, fields: {}, lists: {}, zone: null, cycleDay: undefined },
        { subscriber: 9, tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined },
        {
          ...{ subscriber: 13, tags: {}, fields: {}, lists: {} },
          ...{ zone: undefined, cycleDay: undefined, isDeletion: true },
        },
      ],
    }
    const received = profileOf(encodeProfile(sent))
    expect(received).toEqual(sent)
    expect(received.rows[2]!.zone).toBe(undefined)
    expect(received.rows[1]!.zone).toBe(null)
  })

  const cases: readonly [string, Record<string, unknown>, string][] = [
    ['another version', { v: 9, rows: [] }, 'unsupported-version at v'],
    ['no rows', {}, 'missing-field at rows'],
    ['a foreign source', { source: 'bi', rows: [] }, 'foreign-producer at source'],
    ['an unknown key', { rows: [], x: 1 }, 'unknown-name at offset 33'],
    ['a row that is no map', { rows: [5] }, 'bad-type at rows[0]'],
    [
      'a row without subscriber',
      { rows: [{ sub: 5 }, { zone: null }] },
      'missing-field at rows[1].sub',
    ],
    ['a row with an unknown key', { rows: [{ sub: 5, name: 'x' }] }, 'unknown-name at rows[0]'],
    ['a foreign subscriber', { rows: [{ sub: 6 }] }, 'wrong-partition at rows[0].sub'],
    ['a subscriber as text', { rows: [{ sub: '5' }] }, 'bad-type at rows[0].sub'],
    [
      'a tag that is a text',
      { rows: [{ sub: 5, tags: { seed: 'yes' } }] },
      'bad-type at rows[0].tags.seed',
    ],
    [
      'tag version 0',
      { rows: [{ sub: 5, tags: { seed: 0 } }] },
      'out-of-range at rows[0].tags.seed',
    ],
    [
      'a broken tag version',
      { rows: [{ sub: 5, tags: { seed: 1.5 } }] },
      'not-whole at rows[0].tags.seed',
    ],
    [
      'a tag named constructor',
      { rows: [{ sub: 5, tags: { constructor: true } }] },
      'unknown-name at rows[0].tags',
    ],
    [
      'a field named toString',
      { rows: [{ sub: 5, fields: { toString: 1 } }] },
      'unknown-name at rows[0].fields',
    ],
    [
      'a tag with a dash',
      { rows: [{ sub: 5, tags: { 'a-b': true } }] },
      'unknown-name at rows[0].tags',
    ],
    [
      'an infinite field',
      { rows: [{ sub: 5, fields: { age: Infinity } }] },
      'out-of-range at rows[0].fields.age',
    ],
    [
      'a field that is not a number',
      { rows: [{ sub: 5, fields: { age: Number.NaN } }] },
      'not-a-number at rows[0].fields.age',
    ],
    [
      'a field that is an array',
      { rows: [{ sub: 5, fields: { age: [1] } }] },
      'bad-type at rows[0].fields.age',
    ],
    [
      'an unknown list',
      { rows: [{ sub: 5, lists: { grey: true } }] },
      'unknown-name at rows[0].lists',
    ],
    [
      'a list that is a number',
      { rows: [{ sub: 5, lists: { black: 1 } }] },
      'bad-type at rows[0].lists.black',
    ],
    [
      'a zone of odd letters',
      { rows: [{ sub: 5, zone: 'Mars Base' }] },
      'malformed at rows[0].zone',
    ],
    ['a delete that is no bool', { rows: [{ sub: 5, delete: 1 }] }, 'bad-type at rows[0].delete'],
    [
      'a delete that says more',
      { rows: [{ sub: 5, delete: true, tags: {} }] },
      'malformed at rows[0].delete',
    ],
    ['a delete of nobody', { rows: [{ delete: true }] }, 'missing-field at rows[0].sub'],
    ['cycle day 32', { rows: [{ sub: 5, cycle_day: 32 }] }, 'out-of-range at rows[0].cycle_day'],
  ]

  test.each(cases)('is refused for %s', (_, changes, expected) => {
    expect(refusal(() => profileOf(message(head, changes)))).toBe(expected)
  })

  test('that says delete: false is a row like any other', () => {
    const rows = [{ sub: 5, delete: false, tags: { seed: true } }]
    const received = profileOf(message(head, { rows })).rows[0]!
    expect([received.isDeletion, received.tags.seed]).toEqual([undefined, true])
  })

  test('is refused for a name of every object, whoever encoded it', () => {
    const data = message(head, { rows: [{ sub: 5, tags: { xxxproto_: true } }] })
    const at = Buffer.from(data).indexOf('xxxproto_')
    data.set(Buffer.from('__proto__'), at)
    expect(refusal(() => profileOf(data))).toBe('unknown-name at rows[0].tags')
  })

  test('is refused when a tag comes twice', () => {
    const data = message(head, { rows: [{ sub: 5, tags: { aa: true, bb: false } }] })
    data.set(Buffer.from('aa'), Buffer.from(data).indexOf('bb'))
    expect(rejectOf(() => profileOf(data)).reason).toBe('malformed')
  })

  test('is refused for more than 10,000 rows', () => {
    const rows = Array.from({ length: 10_001 }, () => ({ sub: 5 }))
    expect(refusal(() => profileOf(message(head, { rows })))).toBe('oversized at rows')
    expect(profileOf(message(head, { rows: rows.slice(1) })).rows).toHaveLength(10_000)
  })

  test('is refused when cut off at any byte', () => {
    const data = message(head, {
      rows: [{ sub: 5, tags: { seed: true }, fields: { plan: 'gold' } }],
    })
    for (let size = 0; size < data.length; size++) {
      expect(rejectOf(() => profileOf(data.subarray(0, size))).reason).toBe('truncated')
    }
  })

  test('does not make room for what nested arrays promise', () => {
    // 1 MiB of array headers that promise 10,000 elements each: 28 GB in a decoder that believes
    // them.
    const data = new Uint8Array(1_048_576)
    for (let i = 0; i + 2 < data.length; i += 3) data.set([0xdc, 0x27, 0x10], i)
    data.set(message(head, { rows: undefined }).subarray(1), 1)
    data[0] = 0x85
    data.set([0xa4, ...Buffer.from('rows'), 0xdc, 0x27, 0x10], message(head).length)
    expect(rejectOf(() => profileOf(data)).reason).toBe('bad-type')
    expect(rejectOf(() => profileOf(data.subarray(3))).reason).toBe('bad-type')
  })
})

describe('a feedback message', () => {
  test('survives the round trip', () => {
    const sent: FeedbackMessage = {
      stamp: { probe: 'crm', epoch: 1, seq: 0 },
      rows: (['sent', 'delivered', 'failed', 'expired'] as const).map((kind, incarnation) => ({
        subscriber: 5,
        kind,
        deliveryId: deliveryIdOf('data-pack', 5, '2026-11', 1, incarnation),
        timeMs: 1_700_000_000_000,
      })),
    }
    expect(feedbackOf(encodeFeedback(sent))).toEqual(sent)
  })

  test('survives the round trip with what customers did, with and without an id', () => {
    const told = { subscriber: 5, timeMs: 1_700_000_000_000 }
    const sent: FeedbackMessage = {
      stamp: { probe: 'crm', epoch: 1, seq: 0 },
      rows: [
        { ...told, kind: 'replied', text: '' },
        { ...told, kind: 'replied', text: '＜好＞'.repeat(40), channel: 'sms' },
        { ...told, kind: 'replied', text: '\u{1f44d}'.repeat(160) },
        { ...told, kind: 'replied', word: 'VIP', deliveryId: 'pack:5:2026-11:1' },
        { ...told, kind: 'clicked', trigger: 'pack' },
        { ...told, kind: 'ordered', trigger: 'pack', channel: 'sms' },
        { ...told, kind: 'opted-out' },
        { ...told, kind: 'complained', deliveryId: 'pack:5:confirm.2026-11:1' },
      ],
    }
    expect(feedbackOf(encodeFeedback(sent))).toEqual(sent)
  })

  const reply = { sub: 5, kind: 'replied', time: 5 }
  test.each([
    ['161 characters', { ...reply, text: 'x'.repeat(161) }, 'oversized at rows[0].text'],
    ['161 thumbs', { ...reply, text: '\u{1f44d}'.repeat(161) }, 'oversized at rows[0].text'],
    ['text and word', { ...reply, text: 'VIP', word: 'VIP' }, 'malformed at rows[0].text'],
    ['words of a click', { ...reply, kind: 'clicked', word: 'VIP' }, 'malformed at rows[0].word'],
    ['a text of bytes', { ...reply, text: new Uint8Array(3) }, 'bad-type at rows[0].text'],
    ['a trigger with a space', { ...reply, trigger: 'a b' }, 'malformed at rows[0].trigger'],
    [
      'a channel of 129 letters',
      { ...reply, channel: 'a'.repeat(129) },
      'oversized at rows[0].channel',
    ],
    ['a receipt without an id', { ...reply, kind: 'delivered' }, 'missing-field at rows[0].id'],
    ['a key of its own', { ...reply, price: 5 }, 'unknown-name at rows[0]'],
  ])('about a customer is refused for %s', (_, changed, expected) => {
    expect(refusal(() => feedbackOf(message(head, { rows: [changed] })))).toBe(expected)
  })

  const row = { sub: 5, id: 'pack:5:2026-11:1', kind: 'sent', time: 5 }
  test.each([
    ['no id', { ...row, id: undefined }, 'missing-field at rows[0].id'],
    ['an id with a space', { ...row, id: 'pack:5:2026 11:1' }, 'malformed at rows[0].id'],
    ['an id of another subscriber', { ...row, id: 'pack:9:2026-11:1' }, 'malformed at rows[0].id'],
    ['an id of six parts', { ...row, id: 'pack:5:2026-11:1:2:3' }, 'malformed at rows[0].id'],
    ['an id of three parts', { ...row, id: 'pack:5:2026-11' }, 'malformed at rows[0].id'],
    ['an id of 257 letters', { ...row, id: 'a'.repeat(257) }, 'oversized at rows[0].id'],
    ['an unknown kind', { ...row, kind: 'read' }, 'unknown-kind at rows[0].kind'],
    ['a negative time', { ...row, time: -1 }, 'negative at rows[0].time'],
    ['a time of broken ms', { ...row, time: 1.5 }, 'not-whole at rows[0].time'],
  ])('is refused for %s', (_, changed, expected) => {
    expect(refusal(() => feedbackOf(message(head, { rows: [changed] })))).toBe(expected)
  })
})

describe('a control message', () => {
  const genesis: Extract<ControlMessage, { kind: 'genesis' }> = {
    kind: 'genesis',
    id: 'genesis',
    partitionCount: 4,
    partition: 3,
    zone: 'Asia/Shanghai',
    clock: { mode: 'virtual', writer: 'demo', startMs: 1_700_000_000_000 },
    generation: 1,
    files: { 'highwater.yaml': 'zone: Asia/Shanghai\n', 'triggers/data-pack.yaml': 'ä: 1' },
  }

  test('survives the round trip, whichever kind it is', () => {
    expect(decodeControl(encodeGenesis(genesis))).toEqual(genesis)
    const real = { ...genesis, clock: { mode: 'real' } as const }
    expect(decodeControl(encodeGenesis(real))).toEqual(real)
    const config = { kind: 'config', id: 'c:2', generation: 2, files: { 'a.yaml': 'x' } } as const
    expect(decodeControl(encodeConfig(config))).toEqual(config)
    expect(decodeControl(encodeTick({ id: 't' }))).toEqual({
      kind: 'tick',
      id: 't',
      writer: null,
      timeMs: null,
    })
    const erase = { kind: 'erase', id: 'e', subscribers: [13_800_000_001] } as const
    expect(decodeControl(encodeErase(erase))).toEqual(erase)
    const subscribers = Array.from({ length: 1_000 }, (_, index) => 999_999_999_999_999 - index)
    expect(decodeControl(encodeErase({ id: 'e', subscribers }))).toEqual({ ...erase, subscribers })
    const tick = { kind: 'tick', id: 't', writer: 'demo', timeMs: 5 } as const
    expect(decodeControl(encodeTick(tick))).toEqual(tick)
  })

  test('has its files sorted by path', () => {
    const files = { 'z.yaml': '1', 'b/a.yaml': '2', 'a.yaml': '3' }
    const decoded = decodeControl(encodeConfig({ id: 'c', generation: 2, files }))
    expect(decoded.kind === 'config' && Object.keys(decoded.files)).toEqual([
      'a.yaml',
      'b/a.yaml',
      'z.yaml',
    ])
  })

  const wire = {
    ...{ v: 1, kind: 'genesis', id: 'g', partitions: 4, partition: 1, zone: 'UTC', generation: 1 },
    ...{ clock: { mode: 'real' }, files: {} },
  }
  const cases: readonly [string, Record<string, unknown>, string][] = [
    ['an unknown kind', { kind: 'quota' }, 'unknown-kind at kind'],
    ['no id', { id: undefined }, 'missing-field at id'],
    ['an empty id', { id: '' }, 'malformed at id'],
    ['no zone', { zone: undefined }, 'missing-field at zone'],
    ['a key of another kind', { time: 5 }, 'unknown-name at time'],
    ['no partitions', { partitions: 0 }, 'out-of-range at partitions'],
    ['a partition beyond them', { partition: 4 }, 'out-of-range at partition'],
    ['a generation that is no integer', { generation: 1.5 }, 'not-whole at generation'],
    ['a clock of unknown mode', { clock: { mode: 'lunar' } }, 'unknown-kind at clock.mode'],
    [
      'a virtual clock without writer',
      { clock: { mode: 'virtual', start: 1 } },
      'missing-field at clock.writer',
    ],
    [
      'a real clock with a writer',
      { clock: { mode: 'real', writer: 'x' } },
      'unknown-name at clock',
    ],
    ['a file above the directory', { files: { '../x.yaml': '' } }, 'unknown-name at files'],
    ['a hidden file', { files: { '.x.yaml': '' } }, 'unknown-name at files'],
    ['an absolute path', { files: { '/x.yaml': '' } }, 'unknown-name at files'],
    ['a file that is no text', { files: { 'x.yaml': 5 } }, 'bad-type at files.x.yaml'],
  ]

  test.each(cases)('is refused for %s', (_, changes, expected) => {
    expect(refusal(() => decodeControl(message(wire, changes)))).toBe(expected)
  })

  const erase = { v: 1, kind: 'erase', id: 'e', sub: 13 }
  test.each([
    ['nobody', { sub: undefined }, 'missing-field at subs'],
    ['none in the list', { sub: undefined, subs: [] }, 'out-of-range at subs'],
    ['one and several', { subs: [13] }, 'unknown-name at subs'],
    ['a number that is none', { sub: 1.5 }, 'not-whole at sub'],
    ['a number of 16 digits', { sub: 1e15 }, 'out-of-range at sub'],
    ['a text', { sub: '13' }, 'bad-type at sub'],
    ['a wrong one among others', { sub: undefined, subs: [13, 0] }, 'out-of-range at subs[1]'],
    ['more than a thousand', { sub: undefined, subs: Array(1_001).fill(13) }, 'oversized at subs'],
    ['a time', { time: 5 }, 'unknown-name at time'],
    ['no id', { id: undefined }, 'missing-field at id'],
  ])('that erases is refused for %s', (_, changes, expected) => {
    expect(refusal(() => decodeControl(message(erase, changes)))).toBe(expected)
  })

  test('that ticks has no subscriber', () => {
    const tick = { v: 1, kind: 'tick', id: 't', sub: 13 }
    expect(refusal(() => decodeControl(message(tick)))).toBe('unknown-name at sub')
  })

  test('is refused for a text that is not UTF-8', () => {
    const data = message({
      v: 1,
      kind: 'config',
      id: 'c',
      generation: 2,
      files: { 'a.yaml': 'bytes' },
    })
    data[Buffer.from(data).indexOf('bytes')] = 0xff
    expect(refusal(() => decodeControl(data))).toBe('malformed at files.a.yaml')
  })

  test('is refused when larger than 1 MiB', () => {
    expect(rejectOf(() => decodeControl(new Uint8Array(1_048_577))).reason).toBe('oversized')
  })
})
