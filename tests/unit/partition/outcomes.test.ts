/** What came of deliveries: matched, said once, heeded. */

import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { LoopScript, type ToldDecision } from '../../support/loop-script.ts'
import { ANN, at, BOB } from '../../support/machine-script.ts'

const START = '2026-11-20 12:00'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const trigger = (id: string, more = '', channel = 'sms'): string => `
trigger: ${id}
when: data.day >= 100 && tags.${id}
once: day
deliver: { channel: ${channel} }
message: Hello from ${id}
${more}`

const files = (pack: string, catalog = '', more: ConfigFiles = {}): ConfigFiles => ({
  'a.yaml': `
tags: { pack: {}, news: {}, has_pack: {}, thanks: {} }
fields: { province: { type: enum, words: [gd, sh] } }
counters: { data: { sum: bytes, per: [day] } }
${catalog}`,
  'triggers/pack.yaml': trigger('pack', pack),
  ...more,
})

/** ANN has got `pack`, now. */
function sent(pack = '', catalog = '', more: ConfigFiles = {}): LoopScript {
  const script = new LoopScript(START, files(pack, catalog, more))
  script.profile({ tags: { pack: true } })
  script.usage(START, 100)
  expect(script.ids).toEqual([`pack:${ANN}:2026-11-20:1`])
  return script
}

const ALL = 'attribution: 7d\n'
const id = `pack:${ANN}:2026-11-20:1`

describe('an outcome', () => {
  it('is said of each kind once, in the chain, and marks the first of the period', () => {
    const script = sent(ALL)
    expect(script.report({ kind: 'sent', deliveryId: id })).toEqual(['pack/1 sent first'])
    expect(script.report({ kind: 'sent', deliveryId: id })).toEqual([])
    expect(
      script.report({ kind: 'delivered', deliveryId: id }, { kind: 'clicked', deliveryId: id }),
    ).toEqual(['pack/1 delivered first', 'pack/1 clicked first'])
    expect(script.repeats).toBe(1)
    const { number, inputSequence, ...told } = script.decisions.at(
      -1,
    ) as unknown as ToldDecision & {
      number: number
      inputSequence: number
    }
    expect([number, inputSequence]).toEqual([4, script.machine.sequence])
    expect(told).toEqual({
      kind: 'outcome',
      trigger: 'pack',
      subscriber: ANN,
      period: '2026-11-20',
      attempt: 1,
      generation: 1,
      decidedAtMs: at(START),
      firedAtMs: at(START),
      values: {},
      id,
      channel: 'sms',
      what: 'clicked',
      timeMs: at(START),
      by: 'id',
      isFirst: true,
      isControl: false,
      isCanary: false,
    })
  })

  it('is said of receipts only where somebody asks for them; of customers always', () => {
    const script = sent()
    const { statistics } = script.machine.core!
    expect(script.report({ kind: 'sent', deliveryId: id }, { kind: 'ordered' })).toEqual([
      'pack/1 ordered by subscriber first',
    ])
    expect([...statistics.outcomes]).toEqual([0, 0, 0, 0, 0, 0, 1, 0, 0])
    expect(sent('', 'outcomes: all').report({ kind: 'sent', deliveryId: id })).toEqual([
      'pack/1 sent first',
    ])
  })

  it('comes in any order: who ordered before it was sent ordered', () => {
    const script = sent(ALL)
    expect(script.report({ kind: 'ordered', deliveryId: id })).toEqual(['pack/1 ordered first'])
    expect(script.report({ kind: 'sent', deliveryId: id })).toEqual(['pack/1 sent first'])
    expect(script.rejects).toEqual({})
  })

  it('of a further attempt is not the first of its kind again, and what is stale is refused', () => {
    const script = sent(ALL)
    script.report({ kind: 'clicked' })
    const again = script.report({ kind: 'expired', deliveryId: id })
    expect(again).toEqual(['pack/1 expired first', 'pack/2 delivery'])
    const second = `pack:${ANN}:2026-11-20:2`
    expect(script.report({ kind: 'sent', deliveryId: id })).toEqual([])
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
    expect(script.report({ kind: 'clicked' }, { kind: 'expired', deliveryId: second })).toEqual([
      'pack/2 clicked by subscriber',
      'pack/2 expired',
      'pack/3 delivery',
    ])
  })

  it('that a customer caused by its id cannot be taken for a delivery that was never sent', () => {
    const script = sent(ALL)
    script.report({ kind: 'clicked', deliveryId: id })
    expect(script.report({ kind: 'expired', deliveryId: id })).toEqual([])
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
  })

  it('says canaries, regions, and removed triggers', () => {
    const script = new LoopScript(START, files('', 'region: fields.province\noutcomes: all'))
    script.profile({ tags: { pack: true }, lists: { canary: true }, fields: { province: 'sh' } })
    expect(script.told(() => script.usage(START, 100))).toEqual(['pack/1 delivery in sh'])
    script.profile({ fields: { province: 'gd' } })
    expect(script.report({ kind: 'clicked' })).toEqual([
      'pack/1 clicked by subscriber first canary in gd',
    ])
    script.profile({ fields: { province: null } })
    const { 'triggers/pack.yaml': _, ...without } = files('', 'outcomes: all')
    script.config(without)
    expect(script.report({ kind: 'sent', deliveryId: id })).toEqual(['pack/1 sent first canary'])
  })
})

describe('without an id', () => {
  const two = {
    'triggers/news.yaml': trigger('news', 'attribution: 2h\n', 'push'),
  }

  function both(): LoopScript {
    const script = sent(ALL, '', two)
    script.tick(at(START) + HOUR_MS)
    script.profile({ tags: { news: true } })
    expect(script.ids.at(-1)).toBe(`news:${ANN}:2026-11-20:1`)
    return script
  }

  it('the newest delivery is meant whose window holds the time', () => {
    const script = both()
    script.tick(at(START) + 10 * HOUR_MS)
    const since = (hours: number) => ({ timeMs: at(START) + hours * HOUR_MS })
    expect(script.report({ kind: 'clicked', ...since(1) })).toEqual([
      'news/1 clicked by subscriber first',
    ])
    expect(script.report({ kind: 'ordered', timeMs: since(3).timeMs - 1 })).toEqual([
      'news/1 ordered by subscriber first',
    ])
    expect(script.report({ kind: 'ordered', ...since(3) })).toEqual([
      'pack/1 ordered by subscriber first',
    ])
    expect(script.report({ kind: 'clicked', timeMs: since(1).timeMs - 1 })).toEqual([
      'pack/1 clicked by subscriber first',
    ])
  })

  it('a trigger or a channel may be named', () => {
    const script = both()
    expect(script.report({ kind: 'clicked', trigger: 'pack' })).toEqual([
      'pack/1 clicked by subscriber first',
    ])
    expect(script.report({ kind: 'ordered', channel: 'sms' })).toEqual([
      'pack/1 ordered by subscriber first',
    ])
    expect(script.report({ kind: 'ordered', channel: 'sms', trigger: 'news' })).toEqual([])
    expect(script.rejects).toEqual({ unattributed: 1 })
    const named = { kind: 'clicked', deliveryId: id } as const
    script.report({ ...named, trigger: 'news' }, { ...named, channel: 'push' })
    expect(script.rejects).toEqual({ unattributed: 1, 'unknown-delivery': 2 })
  })

  it('an action is meant only where its trigger is named', () => {
    const credit = trigger('news').replace(
      'message: Hello from news',
      'action: { credit: { amount: 2, unit: yuan } }',
    )
    const script = sent(ALL, '', { 'triggers/news.yaml': credit })
    script.tick(at(START) + HOUR_MS)
    script.profile({ tags: { news: true } })
    expect(script.report({ kind: 'clicked' }, { kind: 'clicked', trigger: 'news' })).toEqual([
      'pack/1 clicked by subscriber first',
      'news/1 clicked by subscriber first',
    ])
  })

  it('who was never sent anything, or long ago, cannot have reacted: parked and counted', () => {
    const script = sent(ALL)
    script.report({ kind: 'ordered', subscriber: BOB }, { kind: 'replied', subscriber: BOB })
    script.report({ kind: 'ordered', timeMs: at(START) - 1 })
    script.tick(at(START) + 7 * DAY_MS)
    expect(script.report({ kind: 'ordered' })).toEqual([])
    expect(script.rejects).toEqual({ unattributed: 4 })
    expect(script.report({ kind: 'ordered', deliveryId: id })).toEqual(['pack/1 ordered first'])
  })

  it('a window of three months is remembered to its end', () => {
    const script = sent('attribution: 92d\n')
    for (let day = 1; day <= 90; day++) script.tick(at(START) + day * DAY_MS)
    expect(script.report({ kind: 'ordered' })).toEqual(['pack/1 ordered by subscriber first'])
    for (let day = 91; day <= 140; day++) script.tick(at(START) + day * DAY_MS)
    script.report({ kind: 'ordered', deliveryId: id })
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
  })

  it('times that cannot be are refused', () => {
    const script = sent(ALL)
    const minutes = (count: number) => at(START) + count * 60_000
    const clicked = { kind: 'clicked', deliveryId: id } as const
    script.report({ ...clicked, timeMs: minutes(-5) - 1 }, { ...clicked, timeMs: minutes(5) + 1 })
    script.report({ kind: 'clicked', timeMs: minutes(5) + 1 })
    script.report({ kind: 'sent', deliveryId: id, timeMs: 0 })
    expect(script.rejects).toEqual({ 'bad-time': 4 })
    expect(script.report({ ...clicked, timeMs: minutes(-5) })).toEqual(['pack/1 clicked first'])
  })
})

describe('a control group', () => {
  const CONTROL = `controlGroup: { share: 50 %, experiment: y }\n${ALL}`

  it('got nothing: only what it orders by itself counts, in its own arm', () => {
    const script = new LoopScript(START, files(`${CONTROL}onOrder: { set: has_pack }\n`))
    script.profile({ tags: { pack: true } })
    expect(script.told(() => script.usage(START, 100))).toEqual(['pack/1 holdout'])
    expect(script.report({ kind: 'ordered', deliveryId: id })).toEqual([])
    expect(script.report({ kind: 'replied', text: 'VIP' }, { kind: 'clicked' })).toEqual([])
    expect(script.rejects).toEqual({ 'unknown-delivery': 1, unattributed: 2 })
    expect(script.report({ kind: 'ordered' })).toEqual([
      'pack/1 ordered by subscriber first control',
    ])
    expect(script.report({ kind: 'ordered' })).toEqual([])
    expect(script.repeats).toBe(1)
    expect(script.view().tags).toMatchObject({ has_pack: true })
  })
})

describe('what follows', () => {
  const cancel = 'cancelWhen: tags.has_pack\n'
  const later = {
    'triggers/news.yaml': trigger('news', cancel).replace('sms', 'sms, at: next day 12:00'),
  }

  it('an order sets its tag, which cancels what is pending and fires what waits for it', () => {
    const thanks = trigger('thanks').replace('data.day >= 100 && tags.thanks', 'tags.has_pack')
    const script = sent('onOrder: { set: has_pack }\n', '', {
      ...later,
      'triggers/thanks.yaml': thanks,
    })
    script.profile({ tags: { news: true } })
    expect(script.report({ kind: 'ordered', deliveryId: id })).toEqual([
      'pack/1 ordered first',
      'thanks/1 delivery',
    ])
    expect(script.told(() => script.tick('2026-11-21 12:00'))).toEqual(['news/1 cancelled'])
  })

  it('an opt-out holds at once for what is pending, a complaint makes sensitive', () => {
    const script = sent('', '', later)
    script.profile({ tags: { news: true } })
    expect(script.report({ kind: 'opted-out' }, { kind: 'complained' })).toEqual([
      'pack/1 opted-out by subscriber first',
      'pack/1 complained by subscriber first',
    ])
    expect(script.view().lists).toEqual(['sensitive', 'optOut'])
    expect(script.told(() => script.tick('2026-11-21 12:00'))).toEqual(['news/1 opted-out'])
  })

  it('an opt-out is heeded whatever it is about, also of numbers nobody knows', () => {
    const script = sent(ALL)
    script.report(
      { kind: 'opted-out', subscriber: BOB },
      { kind: 'complained', deliveryId: `gone:${ANN}:2026-11-20:1` },
      { kind: 'opted-out', timeMs: at(START) + DAY_MS },
    )
    expect(script.view(BOB).lists).toEqual(['optOut'])
    expect(script.view().lists).toEqual(['sensitive', 'optOut'])
    expect(script.rejects).toEqual({ unattributed: 1, 'unknown-delivery': 1, 'bad-time': 1 })
  })

  it('who opted in again is not put out by the same report told twice', () => {
    const script = sent()
    script.report({ kind: 'opted-out', deliveryId: id })
    script.profile({ lists: { optOut: false } })
    expect(script.report({ kind: 'opted-out', deliveryId: id })).toEqual([])
    expect([script.view().lists, script.repeats]).toEqual([[], 1])
  })

  it('interests move with what customers do, not with what a control group does', () => {
    const taste = `
counters:
  data: { sum: bytes, per: [day] }
  taste: { interest: records, where: 'bytes > 1000', halfLife: 100d, per: [lifetime],
           feedback: [{ trigger: pack, clicked: 2, ordered: 5, opted-out: -7 }] }
`
    const interested = files(ALL)['a.yaml']!.replace(/counters: .*\n/, taste)
    const script = sent(ALL, '', { 'a.yaml': interested })
    script.report({ kind: 'clicked' }, { kind: 'clicked' }, { kind: 'ordered' })
    expect(script.counter('taste.lifetime')[0]).toBeCloseTo(7)
    script.report({ kind: 'opted-out' })
    expect(script.counter('taste.lifetime')[0]).toBeCloseTo(0)
  })

  it('caps give nothing back for what failed', () => {
    const script = sent(`cap: 1 ever\n${ALL}`)
    script.report({ kind: 'failed', deliveryId: id })
    expect(script.told(() => script.usage('2026-11-20 12:00', 0))).toEqual([])
    script.tick('2026-11-21 12:00')
    expect(script.told(() => script.usage('2026-11-21 12:00', 100))).toEqual(['pack/1 cap-trigger'])
  })

  it('an erasure leaves nothing to report about', () => {
    const script = sent(ALL)
    script.report({ kind: 'clicked' })
    script.erase()
    script.report({ kind: 'ordered', deliveryId: id }, { kind: 'ordered' })
    expect(script.rejects).toEqual({ 'unknown-delivery': 1, unattributed: 1 })
    expect(script.machine.core!.subscriberCount).toBe(0)
  })
})
