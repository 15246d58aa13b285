import { encode } from '@msgpack/msgpack'
import { describe, expect, test } from 'vitest'
import { decodeSaidMessage } from '../../../src/decode/decisions.ts'
import type { NewDecision } from '../../../src/outbox/outbox.ts'
import { Outbox } from '../../../src/outbox/outbox.ts'

const head = {
  n: 1,
  in: 9,
  trigger: 't',
  sub: 7,
  period: '2026-11',
  attempt: 1,
  gen: 3,
  at: 10,
  fired: 8,
  values: { 'data.day': 5 },
}
const delivery = {
  ...head,
  kind: 'delivery',
  id: 't:7:2026-11:1',
  channel: 'sms',
  message: 'Hello',
  not_before: 20,
  not_after: 30,
}

function message(decision: object): Uint8Array {
  const rest = { epoch: 1, first: 1, last: 1, digest: '', decisions: [decision] }
  return encode({ v: 1, kind: 'decisions', ...rest })
}

function decoded(decision: object): unknown {
  const said = decodeSaidMessage(message(decision))
  return said.kind === 'decisions' ? said.decisions[0] : said
}

describe('reading messages of OUT', () => {
  test('what the outbox writes comes back', () => {
    const outbox = new Outbox()
    const made: NewDecision = {
      kind: 'delivery',
      id: 't:7:ever:1',
      inputSequence: 4,
      trigger: 't',
      subscriber: 7,
      period: 'ever',
      attempt: 1,
      generation: 2,
      decidedAtMs: 100,
      firedAtMs: 90,
      values: { 'data.day': 512_000 },
      channel: 'sms',
      class: 'service',
      isCanary: true,
      message: 'Grüße',
      notBeforeMs: 110,
      notAfterMs: 120,
    }
    outbox.add(made)
    outbox.seal()
    const batch = outbox.take(1, { batchDecisionsMax: 10, batchSizeMax: 1_000_000 })!
    const said = decodeSaidMessage(batch.bytes)
    expect(said).toMatchObject({ kind: 'decisions', first: 1, last: 1 })
    expect(said.kind === 'decisions' && said.decisions[0]).toMatchObject({ ...made, number: 1 })
  })

  test('what a delivery leaves out is null, and its class is marketing', () => {
    expect(decoded(delivery)).toMatchObject({
      class: 'marketing',
      isCanary: false,
      action: null,
      purpose: null,
      segments: null,
      lang: null,
      region: null,
    })
  })

  test('an action takes the place of a message', () => {
    const { message: _, ...rest } = delivery
    const action = { kind: 'credit', amount: 2, unit: 'yuan' }
    expect(decoded({ ...rest, action })).toMatchObject({ action, message: null })
    const tag = { kind: 'tag', tag: 'rewarded', value: true }
    expect(decoded({ ...rest, action: tag })).toMatchObject({ action: tag })
    expect(decoded({ ...rest, action: { kind: 'call' } })).toMatchObject({
      action: { kind: 'other' },
    })
    expect(() => decoded(rest)).toThrow('a message or an action')
  })

  test('outcomes and what was shown are read', () => {
    const outcome = { kind: 'outcome', id: 'a', channel: 'sms', what: 'replied', time: 5, by: 'id' }
    expect(decoded({ ...head, ...outcome, first: true, word: 'VIP' })).toMatchObject({
      kind: 'outcome',
      what: 'replied',
      timeMs: 5,
      isFirst: true,
      word: 'VIP',
      arm: null,
    })
    const shown = { kind: 'shown', channel: 'hotline', place: 2 }
    expect(decoded({ ...head, ...shown })).toMatchObject({ ...shown, region: null })
  })

  test('what happened in a journey is read', () => {
    const journey = { kind: 'journey', what: 'left', step: 'gift', why: 'edited', arm: 'control' }
    expect(decoded({ ...head, ...journey })).toMatchObject({ ...journey, isCanary: false })
    expect(decoded({ ...head, kind: 'journey', what: 'entered' })).toMatchObject({ step: null })
  })

  test('kinds and keys that came later are passed over', () => {
    expect(decoded({ n: 1, kind: 'later', anything: 5 })).toEqual({ kind: 'unknown', number: 1 })
    expect(decoded({ ...delivery, later: [1] })).toMatchObject({ id: delivery.id })
    expect(decodeSaidMessage(encode({ v: 1, kind: 'later' }))).toEqual({ kind: 'unknown' })
  })

  test.each([
    ['no MessagePack', new Uint8Array([0xc1])],
    ['another version', encode({ v: 2, kind: 'claim' })],
    ['no map', encode([1])],
    ['a number that is not its own', message({ ...delivery, n: 2 })],
    ['a text where a number belongs', message({ ...delivery, not_after: '30' })],
    ['no subscriber number', message({ ...delivery, sub: 1e15 })],
    ['no id', message({ ...delivery, id: undefined })],
    [
      'fewer decisions than it says',
      encode({ v: 1, kind: 'decisions', first: 1, last: 2, decisions: [delivery] }),
    ],
  ])('a message is refused for %s', (_what, data) => {
    expect(() => decodeSaidMessage(data)).toThrow('undecodable')
  })
})
