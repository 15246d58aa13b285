/** What OUT says of journeys, where the inputs that caused it are lost. */

import { decode } from '@msgpack/msgpack'
import { expect, it } from 'vitest'
import { adoptSaid, type SaidDecision } from '../../../src/partition/adoption.ts'
import { findLedgerDamage, findTimerDamage } from '../../../src/partition/verify-ledger.ts'
import { startMachine } from '../../support/machine-harness.ts'
import { ANN, at, BOB, MachineScript } from '../../support/machine-script.ts'
import { S1_PARAMETERS } from '../../support/naive/input.ts'

const START = '2026-11-20 12:00'
const FILES = {
  'a.yaml': 'tags: { fresh: {}, done: {}, marked: {} }',
  'j.yaml': `
journey: j
enter: tags.fresh
goal: tags.done
stay: 1d
steps:
  - { step: a, deliver: { channel: sms }, message: x }
  - { step: b, wait: 1d, deliver: { channel: internal }, action: { tag: { set: marked } } }
  - { step: c, wait: 1d, deliver: { channel: sms }, message: x }
`,
}
const enter = (script: MachineScript, subscriber = ANN) =>
  script.profile({ subscriber, tags: { fresh: true } })

/** A machine that took over what another one said, from nothing or from the same image. */
function heir(life: (owner: MachineScript) => void, before: typeof life = () => undefined) {
  const owner = new MachineScript(START, FILES)
  before(owner)
  const known = owner.inputs.length
  const number = owner.decisions.length
  life(owner)
  const twin = startMachine({ ...S1_PARAMETERS, startMs: at(START) }, FILES)
  for (const input of owner.inputs) twin.apply(input)
  const { bytes } = twin.outbox.take(1, { batchDecisionsMax: 100, batchSizeMax: 100_000 })!
  const said = (decode(bytes) as { decisions: SaidDecision[] }).decisions.slice(number)
  const script = new MachineScript(START, FILES)
  for (const { subject, data } of owner.inputs.slice(0, known)) script.apply(subject, data)
  adoptSaid(script.machine.core!, said)
  expect(findLedgerDamage(script.machine.core!)).toEqual([])
  return script
}

it('who entered is inside, goes on with the next step, and does not enter again', () => {
  const script = heir((owner) => enter(owner))
  expect(script.view().journeys).toMatchObject([{ step: 'b', dueMs: at('2026-11-21 12:00') }])
  expect(enter(script)).toEqual([])
  expect(script.tick('2026-11-21 12:00')[0]).toMatch(/^j--b ever\/1 /)
  expect(script.profile({ tags: { done: true } })).toEqual(['j ever goal at c'])
})

it('no step is delivered twice, and its tag is set', () => {
  const script = heir(
    (owner) => owner.tick('2026-11-21 12:00'),
    (owner) => enter(owner),
  )
  expect(script.view()).toMatchObject({ tags: { marked: true }, journeys: [{ step: 'c' }] })
  expect(script.tick('2026-11-22 11:59')).toEqual([])
  expect(script.tick('2026-11-22 12:00')[0]).toMatch(/^j--c ever\/1 /)
  expect(findTimerDamage(script.machine.core!)).toEqual([])
})

it('who went is outside', () => {
  const script = heir(
    (owner) => owner.profile({ tags: { done: true } }),
    (owner) => {
      enter(owner)
      enter(owner, BOB)
    },
  )
  expect(script.view().journeys).toEqual([])
  const { core } = script.machine
  expect(core!.members.of(core!.compiled.journeyById('j')!.code)).toBe(1)
  expect(findTimerDamage(core!)).toEqual([])
})
