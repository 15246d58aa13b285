/** What OUT says came of deliveries, where the inputs that caused it are lost. */

import { decode } from '@msgpack/msgpack'
import { expect, it } from 'vitest'
import { adoptSaid, type SaidDecision } from '../../../src/partition/adoption.ts'
import { LoopScript } from '../../support/loop-script.ts'
import { startMachine } from '../../support/machine-harness.ts'
import { ANN, at } from '../../support/machine-script.ts'
import { S1_PARAMETERS } from '../../support/naive/input.ts'

const START = '2026-11-20 12:00'
const FILES = {
  'a.yaml':
    'tags: { has_pack: {} }\ncounters: { data: { sum: bytes, per: [day] } }\noutcomes: all\n',
  'pack.yaml': `
trigger: pack
when: data.day >= 100
once: day
deliver: { channel: sms }
message: Reply VIP or GOLD.
onOrder: { set: has_pack }
replies: { VIP: order, TD: opt-out, GOLD: { means: order, confirm: 'Y?', word: Y } }
`,
}
const ID = `pack:${ANN}:2026-11-20:1`

/** A machine that took over what another one said when it was told this. */
function heir(...reports: Parameters<LoopScript['report']>): LoopScript {
  const owner = new LoopScript(START, FILES)
  owner.usage(START, 100)
  for (const report of reports) owner.report(report)
  const twin = startMachine({ ...S1_PARAMETERS, startMs: at(START) }, FILES)
  for (const input of owner.inputs) twin.apply(input)
  const { bytes } = twin.outbox.take(1, { batchDecisionsMax: 100, batchSizeMax: 100_000 })!
  const said = (decode(bytes) as { decisions: SaidDecision[] }).decisions
  const script = new LoopScript(START, FILES)
  adoptSaid(script.machine.core!, said)
  return script
}

it('is not said again', () => {
  const reports = [
    { kind: 'delivered', deliveryId: ID },
    { kind: 'clicked' },
    { text: 'vip' },
    { text: 'td' },
    { kind: 'complained', deliveryId: ID },
  ] as const
  const script = heir(...reports)
  expect(script.view()).toMatchObject({
    tags: { has_pack: true },
    lists: ['sensitive', 'optOut'],
    deliveries: [{ status: 'resolved' }],
  })
  expect(script.report(...reports)).toEqual([])
  expect(script.repeats).toBe(5)
  expect(script.report({ kind: 'sent', deliveryId: ID })).toEqual(['pack/1 sent first'])
})

it('leaves a question open that was asked', () => {
  const script = heir({ text: 'gold' })
  expect(script.report({ text: 'gold' })).toEqual([])
  expect(script.report({ text: 'y' })).toEqual(['pack/1 ordered by reply GOLD first'])
})

it('is of the attempt that it was said of', () => {
  const second = `pack:${ANN}:2026-11-20:2`
  const script = heir({ kind: 'clicked' }, { kind: 'expired', deliveryId: ID })
  expect(script.view().deliveries).toMatchObject([{ attempt: 2, status: 'emitted' }])
  expect(script.report({ kind: 'clicked' }, { kind: 'expired', deliveryId: second })).toEqual([
    'pack/2 clicked by subscriber',
    'pack/2 expired',
    'pack/3 delivery',
  ])
})

it('heeds the wish of those whose delivery nobody knows', () => {
  const script = new LoopScript(START, FILES)
  const head = { n: 1, in: 2, trigger: 'gone', sub: ANN, period: 'ever', attempt: 1, gen: 1 }
  const rest = { at: 1, fired: 1, values: {}, id: `gone:${ANN}:ever:1`, channel: 'sms', by: 'id' }
  adoptSaid(script.machine.core!, [{ ...head, ...rest, kind: 'outcome', what: 'opted-out' }])
  expect(script.view()).toMatchObject({ lists: ['optOut'], deliveries: [] })
})
