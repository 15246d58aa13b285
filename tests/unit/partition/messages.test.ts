import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { explain } from '../../../src/partition/explaining.ts'
import { ImageWriter, loadMachine } from '../../support/machine-image.ts'
import { ANN, BOB } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { MessageScript } from '../../support/message-script.ts'

const NOON = '2026-11-20 12:00'
const MIB = 1024 ** 2

interface Said {
  readonly message: string
  readonly at?: string
  readonly more?: readonly string[]
  readonly policy?: readonly string[]
}

function files({ message, at = 'now', more = [], policy = [] }: Said): ConfigFiles {
  return {
    'a.yaml': [
      'tags: { vip: {} }',
      'fields:',
      '  plan: { type: enum, words: [gold, 金卡] }',
      '  lang: { type: enum, words: [zh, en, fr] }',
      '  allowance: { type: number }',
      '  ends: { type: date }',
      'counters:',
      '  data: { sum: bytes, per: [day, month] }',
      '  seen: { last: time, per: [lifetime] }',
      'parameters: { price: 4.5, size: 100 MiB }',
      'language: fields.lang',
      ...policy,
    ].join('\n'),
    't.yaml': [
      'trigger: a',
      'when: data.day >= 10',
      'once: day',
      ...more,
      `deliver: { channel: sms, at: ${at} }`,
      `message: ${message}`,
    ].join('\n'),
  }
}

const start = (said: Said): MessageScript => new MessageScript(NOON, files(said))

describe('a message', () => {
  it('holds fields, counters and parameters of the moment at which it goes out', () => {
    const message =
      '"Plan {fields.plan}: {data.day | MiB .1} of {fields.allowance | MiB} MB, {params.price | .2} yuan until {fields.ends | D.M.}, {{{params.size | MiB}}}"'
    const script = start({ message, at: 'after 1h' })
    script.profile({ fields: { plan: 'gold', allowance: 300 * MIB, ends: '2026-12-01' } })
    script.usage(NOON, 20 * MIB)
    script.usage('2026-11-20 12:01', 0.55 * 1e6)
    expect(script.tick('2026-11-20 13:00')).toEqual([
      'a: Plan gold: 20.5 of 300 MB, 4.50 yuan until 1.12., {100}',
    ])
  })

  it('reads counters as of the clock: a day later they are those of that day', () => {
    const script = start({
      message: '"{data.day} today, {data.month} this month"',
      at: 'after 15h',
    })
    script.usage(NOON, 30)
    expect(script.tick('2026-11-21 03:00')).toEqual(['a: 0 today, 30 this month'])
  })

  it('tells times in the subscriber’s zone', () => {
    const script = start({ message: '"at {seen.lifetime | D.M. HH:mm}"' })
    script.profile({ zone: 'America/New_York' })
    expect(script.usage('2026-11-20 12:00', 30)).toEqual(['a: at 19.11. 23:00'])
  })

  it('without values keeps its bytes', () => {
    const script = start({ message: 'Hello' })
    script.usage(NOON, 30)
    expect(Object.keys(script.wires[0]!)).toEqual([
      ...['kind', 'trigger', 'channel', 'message', 'n', 'in', 'sub', 'period', 'attempt', 'gen'],
      ...['at', 'fired', 'values', 'id', 'not_before', 'not_after'],
    ])
  })
})

describe('a message that lacks a value', () => {
  const message = '"{fields.plan} {fields.allowance - data.day}"'

  it('is not sent, says what it lacks, and frees its place', () => {
    const script = start({ message, more: ['cap: 1 per month'] })
    script.profile({ fields: { allowance: 5 } })
    expect(script.usage(NOON, 10)).toEqual(['a message-incomplete (fields.plan)'])
    script.tick('2026-11-21 12:00')
    script.profile({ fields: { plan: '金卡', allowance: null } })
    const lines = script.usage('2026-11-21 12:00', 10)
    expect(lines).toEqual(['a message-incomplete (fields.allowance)'])
    script.tick('2026-11-22 12:00')
    script.profile({ fields: { allowance: 30 } })
    expect(script.usage('2026-11-22 12:00', 10)).toEqual(['a: 金卡 20'])
  })

  it('says so when it is due, whatever it had when it was planned', () => {
    const script = start({ message, at: 'after 1h' })
    script.profile({ fields: { plan: 'gold', allowance: 30 } })
    expect(script.usage(NOON, 10)).toEqual([])
    script.profile({ fields: { plan: null } })
    expect(script.tick('2026-11-20 13:00')).toEqual(['a message-incomplete (fields.plan)'])
  })

  it('says so at a further attempt', () => {
    const script = start({ message })
    script.profile({ fields: { plan: 'gold', allowance: 30 } })
    script.usage(NOON, 10)
    script.profile({ fields: { allowance: null } })
    const lines = script.feedback('expired', `a:${ANN}:2026-11-20:1`)
    expect(lines.at(-1)).toBe('a message-incomplete (fields.allowance)')
    expect(script.wires.at(-1)).toMatchObject({ attempt: 2 })
  })

  it('is no holdout either: who could not be told anything is nobody to compare with', () => {
    const more = ['controlGroup: { share: 99.99 % }']
    const script = start({ message: '"{fields.plan}"', more })
    expect(script.usage(NOON, 10)).toEqual(['a message-incomplete (fields.plan)'])
  })

  it('takes nobody’s contact', () => {
    const both = {
      ...files({ message: 'Weak', policy: ['arbitration: {}'], at: 'after 1h' }),
      'u.yaml': [
        ...['trigger: b', 'when: data.day >= 20', 'priority: 1'],
        ...['deliver: { channel: sms }', 'message: "{fields.plan}"'],
      ].join('\n'),
    }
    const script = new MessageScript(NOON, both)
    script.usage(NOON, 10)
    expect(script.usage(NOON, 10)).toEqual(['b message-incomplete (fields.plan)'])
    expect(script.tick('2026-11-20 13:00')).toEqual(['a: Weak'])
  })

  it('lacks one that is infinite, or larger than there is room for', () => {
    const script = start({ message: '"{100 / fields.allowance}"' })
    script.profile({ fields: { allowance: 0 } })
    expect(script.usage(NOON, 10)).toEqual(['a message-incomplete (100 / fields.allowance)'])
    const second = start({ message: '"{data.day | max 99}"' })
    expect(second.usage(NOON, 100)).toEqual(['a message-incomplete (data.day)'])
    const third = start({ message: '"{data.day | max 99}"' })
    expect(third.usage(NOON, 99)).toEqual(['a: 99'])
  })

  it('is explained, with what it has', () => {
    const script = start({ message, at: 'after 1h' })
    script.profile({ fields: { allowance: 30 } })
    script.usage(NOON, 10)
    const told = explain(script.machine.core!, ANN, 'a')!
    expect(told.checks.find(({ step }) => step === 'message')).toEqual({
      step: 'message',
      verdict: 'stops',
      text: 'its message has all its values',
      values: { 'fields.plan': null, 'fields.allowance - data.day': '20' },
    })
    script.tick('2026-11-20 13:00')
    const later = explain(script.machine.core!, ANN, 'a')!
    expect(later.answer).toBe('no')
    expect(later.summary).toContain('message-incomplete (fields.plan)')
    expect(later.decision!.passed.at(-1)).toBe('cancel')
  })
})

describe('languages', () => {
  const message = '{ default: zh, zh: "你好 {fields.plan}", en: Hello }'

  it('are chosen by the subscriber’s field, or are the default', () => {
    const script = start({ message })
    script.profile({ fields: { plan: 'gold', lang: 'en' } })
    script.profile({ subscriber: BOB, fields: { plan: 'gold', lang: 'fr' } })
    expect(script.usage(NOON, 10)).toEqual(['a: Hello'])
    expect(script.usage(NOON, 10, { subscriber: BOB })).toEqual(['a: 你好 gold'])
    expect(script.usage(NOON, 10, { subscriber: 7 })).toEqual([
      'a message-incomplete (fields.plan)',
    ])
    expect(script.wires.map(({ lang }) => lang)).toEqual(['en', 'zh', undefined])
  })

  it('are those of the configuration in force when it goes out', () => {
    const script = start({ message, at: 'after 1h' })
    script.profile({ fields: { lang: 'en' } })
    script.usage(NOON, 10)
    script.config(files({ message: '{ default: en, en: "Good day" }', at: 'after 1h' }))
    expect(script.tick('2026-11-20 13:00')).toEqual(['a: Good day'])
  })
})

describe('on a channel that carries SMS', () => {
  const policy = ['channels: { sms: { sms: true } }']

  it('segments are counted of what is sent', () => {
    const message =
      '{ default: zh, zh: "{fields.plan}用户您好", en: "Dear {fields.plan} customer" }'
    const script = start({ message, policy })
    script.profile({ fields: { plan: 'gold', lang: 'en' } })
    script.usage(NOON, 10)
    expect(script.wires[0]).toMatchObject({ segments: 1, message: 'Dear gold customer' })
  })

  it('103 Chinese characters are two segments', () => {
    const script = start({ message: '流'.repeat(103), policy })
    script.usage(NOON, 10)
    expect(script.wires[0]).toMatchObject({ segments: 2 })
  })

  it('a reload that makes the channel one counts from then on', () => {
    const script = start({ message: 'Hello', policy: ['channels: { sms: {} }'] })
    script.usage(NOON, 10)
    script.config(files({ message: 'Hello', policy }))
    script.usage(NOON, 10, { subscriber: BOB })
    expect(script.wires.map(({ segments }) => segments)).toEqual([undefined, 1])
  })
})

it('an image taken between plan and emission says the same', () => {
  const message = '{ default: zh, zh: "{fields.plan}: {data.day | MiB .2}", en: Hello }'
  const script = start({ message, at: 'after 1h', policy: ['channels: { sms: { sms: true } }'] })
  script.profile({ fields: { plan: '金卡' } })
  script.usage(NOON, 12_345_678)
  script.usage(NOON, 10, { subscriber: BOB })
  const store = new MemoryStore()
  const writer = new ImageWriter(store)
  writer.begin(script.machine)
  while (!writer.write(100));
  writer.commit()
  const copy = loadMachine(store)!.machine
  script.tick('2026-11-20 13:00')
  copy.apply(script.inputs.at(-1)!)
  expect(script.lines).toEqual(['a: 金卡: 11.77', 'a message-incomplete (fields.plan)'])
  expect(copy.outbox.digest.text()).toBe(script.machine.outbox.digest.text())
})
