/** What customers' replies mean: keywords, orders in one step and in two. */

import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { LoopScript } from '../../support/loop-script.ts'
import { ANN, at } from '../../support/machine-script.ts'

const START = '2026-11-20 20:00'
const HOUR_MS = 3_600_000
const ID = `pack:${ANN}:2026-11-20:1`

const REPLIES = `
replies:
  VIP: order
  GOLD: { means: order, confirm: 'Reply Y for gold.', word: Y, within: 2h }
  JADE: { means: order, confirm: 'Reply 好 for jade.', word: 好 }
  TD: opt-out
  INFO: response
onOrder: { set: has_pack }
`

const files = (replies = REPLIES, catalog = ''): ConfigFiles => ({
  'a.yaml': `
tags: { has_pack: {} }
counters: { data: { sum: bytes, per: [day] } }
${catalog}`,
  'triggers/pack.yaml': `
trigger: pack
when: data.day >= 100
once: day
deliver: { channel: sms, contactWindow: { from: '09:00', to: '21:00', outside: drop } }
message: Reply VIP.
${replies}`,
})

function sent(replies?: string, catalog?: string): LoopScript {
  const script = new LoopScript(START, files(replies, catalog))
  script.usage(START, 100)
  expect(script.ids).toEqual([ID])
  return script
}

describe('a reply', () => {
  it('is an order and a response, spaces, case and width forgiven', () => {
    for (const text of ['VIP', ' vip\n', 'Ｖip', '\u200fvIp ']) {
      const script = sent()
      expect(script.report({ text })).toEqual([
        'pack/1 replied by subscriber VIP first',
        'pack/1 ordered by reply VIP first',
      ])
      expect(script.view().tags).toEqual({ has_pack: true })
    }
  })

  it('of any other words is a response, and its words are nowhere', () => {
    for (const text of ['V I P', 'vip please', '', undefined]) {
      const script = sent()
      const report = text === undefined ? {} : { text }
      expect(script.report(report)).toEqual(['pack/1 replied by subscriber first'])
    }
    expect(sent().report({ text: 'info' })).toEqual(['pack/1 replied by subscriber INFO first'])
  })

  it('to opt out is a response, too, and heeded', () => {
    const script = sent()
    expect(script.report({ word: 'td', deliveryId: ID })).toEqual([
      'pack/1 replied TD first',
      'pack/1 opted-out by reply TD first',
    ])
    expect(script.view().lists).toEqual(['optOut'])
  })

  it('that comes again says nothing; one that means more does', () => {
    const script = sent()
    script.report({ text: 'how much?' })
    expect(script.report({ text: 'info' })).toEqual([])
    expect(script.report({ text: 'vip' })).toEqual(['pack/1 ordered by reply VIP first'])
    expect(script.report({ text: 'vip' })).toEqual([])
    expect(script.report({ kind: 'ordered' })).toEqual([])
    expect(script.repeats).toBe(3)
  })

  it('is read with the keywords of now', () => {
    const script = sent('replies: { OLD: order }\n')
    script.config(files())
    expect(script.report({ text: 'OLD' })).toEqual(['pack/1 replied by subscriber first'])
  })
})

describe('an order in two steps', () => {
  it('is asked back at once, at any hour, and ordered by the word that confirms it', () => {
    const script = sent()
    script.tick('2026-11-20 23:30')
    expect(script.report({ text: 'gold' })).toEqual([
      'pack/1 replied by subscriber GOLD first',
      'pack/1 delivery confirm',
    ])
    expect(script.decisions.at(-1)).toMatchObject({
      id: `pack:${ANN}:confirm.2026-11-20:1`,
      notBeforeMs: at('2026-11-20 23:30'),
      notAfterMs: at('2026-11-21 01:30'),
    })
    expect(script.view().tags).toEqual({})
    expect(script.report({ text: ' y ' })).toEqual(['pack/1 ordered by reply GOLD first'])
    expect(script.view().tags).toEqual({ has_pack: true })
    expect(script.machine.core!.statistics).toMatchObject({ questions: 1, deliveries: 1 })
  })

  it('is asked once, however often the keyword comes', () => {
    const script = sent()
    script.report({ text: 'gold' })
    expect(script.report({ text: 'gold' }, { text: 'jade' })).toEqual([])
    expect(script.repeats).toBe(2)
    expect(script.report({ text: '好' }, { text: 'Y' })).toEqual([
      'pack/1 ordered by reply GOLD first',
    ])
  })

  it('lapses: the word counts for as long as it says, by the time of the reply', () => {
    const script = sent()
    script.report({ text: 'gold' })
    script.tick(at(START) + 3 * HOUR_MS)
    expect(script.report({ text: 'Y', timeMs: at(START) + 2 * HOUR_MS })).toEqual([])
    expect(script.report({ text: 'gold' })).toEqual([])
    expect(script.report({ text: 'Y', timeMs: at(START) + 2 * HOUR_MS - 1 })).toEqual([
      'pack/1 ordered by reply GOLD first',
    ])
  })

  it('needs the question: the word alone is a response', () => {
    const script = sent()
    expect(script.report({ text: 'Y' })).toEqual(['pack/1 replied by subscriber first'])
    expect(script.view().tags).toEqual({})
  })

  it('is asked anew of a further attempt', () => {
    const script = sent()
    script.report({ text: 'gold' })
    expect(script.report({ kind: 'expired', deliveryId: ID })).toEqual([
      'pack/1 expired first',
      'pack/2 delivery',
    ])
    expect(script.report({ text: 'Y' })).toEqual(['pack/2 replied by subscriber'])
    expect(script.report({ text: 'gold' })).toEqual(['pack/2 delivery confirm'])
  })

  it('is asked in the channel of the delivery, which counts it in what it carries', () => {
    const limit = 'channels: { sms: { capacity: { perDay: 10 } } }'
    const script = sent(REPLIES, limit)
    script.report({ text: 'gold' })
    expect(script.machine.core!.capacity.view()).toMatchObject([{ channel: 'sms' }])
    const [view] = script.machine.core!.capacity.view()
    expect(JSON.stringify(view)).toContain('"used":2')
  })

  it('is not asked of who is never spoken to', () => {
    const script = sent()
    script.profile({ lists: { black: true } })
    expect(script.report({ text: 'gold' })).toEqual(['pack/1 replied by subscriber GOLD first'])
    expect(script.ids).toHaveLength(1)
  })

  it('has receipts of its own, which say nothing of the delivery', () => {
    const script = sent()
    script.report({ text: 'gold' })
    const question = script.ids.at(-1)!
    expect(script.report({ kind: 'sent', deliveryId: question })).toEqual(['pack/1 sent confirm'])
    expect(script.report({ kind: 'expired', deliveryId: question })).toEqual([
      'pack/1 expired confirm',
    ])
    expect(script.report({ kind: 'sent', deliveryId: question })).toEqual([])
    expect(script.repeats).toBe(1)
    expect(script.report({ text: 'Y', deliveryId: question })).toEqual([
      'pack/1 ordered by reply GOLD first',
    ])
  })

  it('outlives a reload; one that took the keyword away ends it', () => {
    const script = sent()
    script.report({ text: 'gold' })
    script.config(files(REPLIES.replace('within: 2h', 'within: 4h')))
    expect(script.report({ text: 'Y', timeMs: at(START) })).toEqual([
      'pack/1 ordered by reply GOLD first',
    ])
    const other = sent()
    other.report({ text: 'gold' })
    other.config(files('replies: { VIP: order }\n'))
    expect(other.report({ text: 'Y' })).toEqual([])
  })
})
