import { describe, expect, it } from 'vitest'
import { ANN, BOB } from '../../support/machine-script.ts'
import { OfferScript, offerFiles } from '../../support/offer-script.ts'
import { policyFiles } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'
const SMS = { channel: 'sms', more: ['priority: 900'] }
const contact = (count: number) =>
  `arbitration: { layers: [model, default], offersPerContact: ${count}, contact: day }`

/** ANN has 10 bytes today. */
function start(files: Parameters<typeof offerFiles>): OfferScript {
  const script = new OfferScript(NOON, offerFiles(...files))
  script.usage(NOON, 10)
  return script
}

describe('what is offered', () => {
  it('is never sent unasked, whatever its condition says', () => {
    const script = start([{ pack: {}, note: SMS }])
    expect(script.lines.map((line) => line.split(' ')[0])).toEqual(['note'])
    expect(script.offers()).toEqual(['1 pack'])
  })

  it('is nothing for whom the condition does not hold, and nothing on another channel', () => {
    const script = start([{ pack: { when: 'data.day >= 11' } }])
    expect(script.offers()).toEqual([])
    script.usage(NOON, 1)
    expect(script.offers()).toEqual(['1 pack'])
    expect(script.offers({ channel: 'website' })).toEqual([])
    expect(script.offers({ subscriber: BOB })).toEqual([])
  })

  it('comes in the order of layer, priority, value and name, three at most', () => {
    const script = start([
      {
        a: {},
        b: {},
        richer: { more: ['value: data.day * 2.0'] },
        rich: { more: ['value: data.day'] },
        urgent: { more: ['priority: 5'] },
        chosen: { more: ['layer: model'] },
      },
      [contact(3)],
    ])
    expect(script.offers()).toEqual(['1 chosen', '2 urgent', '3 richer'])
    expect(script.offers({}, 1)).toEqual(['1 chosen'])
    expect(script.find().map(({ row, message }) => [row.value, message])).toEqual([
      [0, 'chosen'],
      [0, 'urgent'],
      [20, 'richer'],
    ])
  })

  it('is asked for without changing anything', () => {
    const script = start([{ pack: { more: ['cap: 1 per day'] } }, [contact(1)]])
    const before = script.machine.outbox.decisionNumber
    for (let i = 0; i < 5; i++) expect(script.offers()).toEqual(['1 pack'])
    expect(script.machine.outbox.decisionNumber).toBe(before)
    expect(script.view().deliveries).toEqual([])
  })

  it.each([
    ['list-black', { lists: { black: true } }],
    ['opted-out', { lists: { optOut: true } }],
    ['not-in-audience', { tags: { gone: true } }],
    ['cancelled', { tags: { vip: true } }],
  ])('is nothing where an acceptance would be refused as %s', (reason, profile) => {
    const more = ["audience: '!tags.gone'", 'cancelWhen: tags.vip']
    const script = start([{ pack: { more } }])
    expect(script.offers()).toEqual(['1 pack'])
    script.profile(profile)
    expect(script.offers()).toEqual([])
    expect(script.outcome('pack')).toEqual({ kind: 'refused', reason, detail: null })
  })

  it('ends with its validity', () => {
    const validity = 'validity: { to: 2026-11-20T13:00:00+08:00 }'
    const script = start([{ pack: { more: [validity] } }])
    expect(script.offers()).toEqual(['1 pack'])
    script.tick('2026-11-20 13:00')
    expect(script.offers()).toEqual([])
    expect(script.outcome('pack')).toMatchObject({ reason: 'no-longer-valid' })
  })

  it('fills the places of the contact that are left, and no more', () => {
    const script = start([{ a: {}, b: {}, c: {}, d: {} }, [contact(3)]])
    expect(script.offers()).toEqual(['1 a', '2 b', '3 c'])
    script.accept('b')
    expect(script.offers()).toEqual(['1 a', '2 c'])
    script.accept('a')
    script.accept('c')
    expect(script.offers()).toEqual([])
    expect(script.outcome('d')).toMatchObject({ reason: 'outranked', detail: 'a' })
    script.tick('2026-11-21 00:00')
    script.usage('2026-11-21 00:00', 10)
    expect(script.offers()).toEqual(['1 a', '2 b', '3 c'])
  })

  it('takes the place of what waits and is weaker, when it is accepted', () => {
    const later = { channel: 'sms', at: 'after 2h', more: ['priority: 900'] }
    const script = start([{ pack: {}, later }, [contact(1)]])
    expect(script.offers()).toEqual(['1 pack'])
    expect(script.accept('pack')).toEqual([
      'later 2026-11-20/1 outranked',
      'pack 2026-11-20/1 2026-11-20T04:00Z..2026-11-21T04:00Z',
    ])
  })

  it('has no place beside what waits and is stronger', () => {
    const later = { channel: 'sms', at: 'after 2h', more: ['priority: 1'] }
    const script = start([{ pack: {}, later }, [contact(1)]])
    expect(script.offers()).toEqual([])
    expect(script.outcome('pack')).toMatchObject({ reason: 'outranked', detail: 'later' })
  })

  it('is each alone within the caps', () => {
    const script = start([{ a: {}, b: {} }, ['caps: 1 per day']])
    expect(script.offers()).toEqual(['1 a', '2 b'])
    script.accept('a')
    expect(script.offers()).toEqual([])
    expect(script.outcome('b')).toEqual({
      kind: 'refused',
      reason: 'cap-global',
      detail: 'all: 1 per day',
    })
  })

  it('says its message to the one who asks, and is not made where a value is missing', () => {
    const files = offerFiles({ pack: {} })
    const text = files['triggers/pack.yaml']!.replace(
      'message: pack',
      "message: 'Worth {fields.worth}'",
    )
    const script = new OfferScript(NOON, { ...files, 'triggers/pack.yaml': text })
    script.usage(NOON, 10)
    const names = [...script.machine.core!.layout.names]
    expect(script.offers()).toEqual([])
    expect(script.machine.core!.layout.names).toEqual(names)
    expect(script.outcome('pack')).toMatchObject({
      reason: 'message-incomplete',
      detail: 'fields.worth',
    })
    script.profile({ fields: { worth: 7 } })
    expect(script.find().map(({ message }) => message)).toEqual(['Worth 7'])
  })

  it('may do something instead: a tag is set when it is accepted', () => {
    const files = offerFiles({ pack: {} })
    const text = files['triggers/pack.yaml']!.replace(
      'message: pack',
      'action: { tag: { set: vip } }',
    )
    const script = new OfferScript(NOON, { ...files, 'triggers/pack.yaml': text })
    script.usage(NOON, 10)
    expect(script.offers()).toEqual(['1 pack'])
    expect(script.view().tags.vip).toBeUndefined()
    expect(script.outcome('pack')).toMatchObject({ kind: 'accepted' })
    expect(script.view().tags.vip).toBe(true)
  })

  it('ends where the channel has no room left', () => {
    const script = start([{ a: {}, b: {} }, [], '{ inbound: true, capacity: { perHour: 1 } }'])
    script.accept('a')
    expect(script.offers()).toEqual([])
    expect(script.outcome('b')).toMatchObject({ reason: 'capacity' })
    script.tick('2026-11-20 13:00')
    expect(script.offers()).toEqual(['1 b'])
  })
})

describe('an acceptance', () => {
  it('is a delivery of its own purpose, once in the period', () => {
    const script = start([{ pack: { once: 'month' } }])
    expect(script.outcome('pack')).toEqual({ kind: 'accepted', id: `pack:${ANN}:2026-11:1` })
    expect(script.decisions.at(-1)).toMatchObject({
      kind: 'delivery',
      id: `pack:${ANN}:2026-11:1`,
      purpose: 'offer',
      values: { 'data.day': 10 },
    })
    expect(script.offers()).toEqual([])
    expect(script.outcome('pack')).toMatchObject({ reason: 'already-this-period' })
    script.tick('2026-12-01 00:00')
    script.usage('2026-12-01 00:00', 10)
    expect(script.offers()).toEqual(['1 pack'])
  })

  it('that is refused leaves the latch open', () => {
    const script = start([{ pack: { when: 'data.day >= 11' } }])
    expect(script.outcome('pack')).toMatchObject({ reason: 'condition-unmet' })
    script.usage(NOON, 1)
    expect(script.outcome('pack')).toMatchObject({ kind: 'accepted' })
  })

  it('counts once per version of a tag', () => {
    const script = start([{ pack: { more: ['oncePerTag: seed'] } }])
    expect(script.outcome('pack')).toMatchObject({ reason: 'already-this-tagging' })
    script.profile({ tags: { seed: 7 } })
    expect(script.outcome('pack')).toMatchObject({ kind: 'accepted' })
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 10)
    expect(script.offers()).toEqual([])
    expect(script.outcome('pack')).toMatchObject({ reason: 'already-this-tagging' })
    script.profile({ tags: { seed: 8 } })
    expect(script.offers()).toEqual(['1 pack'])
  })

  it('that is repeated changes nothing', () => {
    const script = start([{ pack: {} }])
    expect(script.accept('pack', { id: 'same' })).toHaveLength(1)
    expect(script.accept('pack', { id: 'same' })).toEqual([])
    expect(script.machine.offering!.outcomes.get('same')).toMatchObject({ kind: 'accepted' })
  })

  it.each([
    ['of a trigger that is not there', 'nothing', {}],
    ['on another channel', 'pack', { channel: 'website' }],
    ['of a trigger that fires by itself', 'note', { channel: 'sms' }],
    ['of a subscriber whom nobody knows', 'pack', { subscriber: BOB }],
  ])('%s is rejected', (_, trigger, whose) => {
    const script = start([{ pack: {}, note: SMS }])
    expect(script.outcome(trigger, whose)).toEqual({ kind: 'gone' })
    expect(script.rejects).toEqual({ 'unknown-name': 1 })
  })

  it('ends with a report that it could not be fulfilled, and is not tried again', () => {
    const script = start([{ pack: { more: ['cap: 1 per month'] } }])
    script.accept('pack')
    expect(script.feedback('expired', `pack:${ANN}:2026-11-20:1`)).toContain(
      'pack 2026-11-20/1 expired',
    )
    expect(script.offers()).toEqual([])
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 10)
    expect(script.offers()).toEqual(['1 pack'])
  })
})

describe('what was shown', () => {
  it('is a decision each, and takes nothing from anybody', () => {
    const script = start([{ a: {}, b: {} }, [contact(2)]])
    expect(script.show(['b', 'a'])).toEqual([
      'b 2026-11-20/1 shown at 1 of hotline',
      'a 2026-11-20/1 shown at 2 of hotline',
    ])
    expect(script.offers()).toEqual(['1 a', '2 b'])
    expect(script.machine.core!.statistics.shown).toBe(2)
  })

  it('is said once, however often its message arrives', () => {
    const script = start([{ a: {} }])
    expect(script.show(['a'], { id: 'same' })).toHaveLength(1)
    expect(script.show(['a'], { id: 'same' })).toEqual([])
    expect(script.show(['a'])).toHaveLength(1)
  })

  it('of what is gone is rejected by row, and the rest is said', () => {
    const script = start([{ a: {} }])
    const row = { subscriber: ANN, trigger: 'a', channel: 'hotline', place: 1 }
    const rows = [{ ...row, trigger: 'x' }, row, { ...row, subscriber: BOB }]
    expect(script.showRows(rows)).toEqual(['a 2026-11-20/1 shown at 1 of hotline'])
    expect(script.rejects).toEqual({ 'unknown-name': 2 })
  })

  it('to somebody held out is a holdout, once in the period, in the place that it takes', () => {
    const files = { a: { more: ['controlGroup: { share: 99.999 % }'] }, b: {} }
    const script = start([files, [contact(1)]])
    expect(script.offers()).toEqual(['1 a held out'])
    expect(script.show(['a'])).toEqual(['a 2026-11-20/1 held out: a'])
    expect(script.show(['a'])).toEqual([])
    expect(script.offers()).toEqual([])
    expect(script.outcome('b')).toMatchObject({ reason: 'outranked', detail: 'a' })
  })

  it('to somebody held out who accepts all the same is a holdout as well', () => {
    const script = start([{ a: { more: ['controlGroup: { share: 99.999 % }'] } }])
    expect(script.outcome('a')).toEqual({ kind: 'held-out', experiment: 'a' })
    expect(script.decisions.at(-1)).toMatchObject({ kind: 'holdout' })
  })
})

describe('a reload', () => {
  it('that makes an offer of a trigger drops what that had pending', () => {
    const pending = policyFiles({ pack: { at: 'after 2h' } }, ['channels: { sms: {} }'])
    const script = new OfferScript(NOON, pending)
    script.usage(NOON, 10)
    script.config(offerFiles({ pack: {} }))
    expect(script.tick('2026-11-20 14:00')).toEqual(['pack 2026-11-20/1 trigger-removed'])
  })

  it('that makes another trigger of an offer fires for nobody who is above the line', () => {
    const script = start([{ pack: {} }])
    script.config(offerFiles({ pack: { channel: 'sms' } }))
    expect(script.usage(NOON, 1)).toEqual([])
    expect(script.machine.offering!.triggersOf('hotline')).toEqual([])
  })
})
