import { expect, it } from 'vitest'
import type { InputMessage } from '../../../src/model/ports.ts'
import type { PartitionMachine } from '../../../src/partition/machine.ts'
import { encodeCancel, encodeTest } from '../../../src/probe/encode.ts'
import { expectSame } from '../../support/expect-same.ts'
import { drainDecisions } from '../../support/machine-harness.ts'
import { ImageWriter, loadMachine, stateOf } from '../../support/machine-image.ts'
import { MachineScript, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { policyFiles } from '../../support/policy-files.ts'
import { Random } from '../../support/workload/random.ts'

const START = '2026-11-20 08:00'
const PEOPLE = 12
const HOUR_MS = 3_600_000
const SEEDS = (process.env.HIGHWATER_SEED ?? '1,2,3').split(',').map(Number)
const WINDOW = "contactWindow: { from: '09:00', to: '19:00', outside: defer, expires: 2d }"

const VALUES = '"{data.day | kB .3} of {data.month}, {100 / fields.worth}"'

const POLICY = [
  'channels: { sms: { cap: [2 per day, 5 per 72 hours], sms: true }, push: { cap: 1 per day } }',
  'classes: { marketing: { sensitiveCap: 1 per week } }',
  'caps: 4 per week',
  'controlGroup: { experiment: all, share: 20 % }',
  'arbitration: { layers: [model, default], offersPerContact: 2 }',
  'explain: { remember: 1d }',
]

/** Several triggers that get into each other's way; `offset` makes another configuration. */
function filesOf(offset: number) {
  return policyFiles(
    {
      a: { at: 'after 6h', more: ['value: data.day * 1.0'], deliver: [WINDOW], message: VALUES },
      b: { when: `data.day >= ${20 + offset}`, more: ['layer: model', 'priority: 50'] },
      c: { channel: 'push', when: 'data.hour >= 15', at: 'next day 10:00' },
      d: { when: 'data.day >= 5', at: 'after 2h', more: ['cancelWhen: tags.gone', 'retry: true'] },
      e: { when: 'data.month >= 40', once: 'day', more: ['class: service'] },
      [offset === 0 ? 'f' : 'g']: { at: 'after 3h', more: ['controlGroup: { share: 30 % }'] },
    },
    POLICY,
  )
}

/** A log of everything that the policy bears on. */
function logOf(seed: number): readonly InputMessage[] {
  const random = new Random(seed)
  const files = filesOf(0)
  const script = new MachineScript(START, withWindow(files))
  const person = () => random.whole(1, PEOPLE)
  for (let step = 0; step < 160; step++) {
    const timeMs = script.clockMs
    const kind = random.whole(0, 19)
    if (kind < 10) {
      const records = Array.from({ length: random.whole(1, 6) }, () =>
        recordAt(timeMs, random.whole(1, 20), { subscriber: person() }),
      )
      script.batch(records)
    } else if (kind < 15) {
      script.tick(timeMs + random.whole(1, 8) * HOUR_MS)
    } else if (kind < 17) {
      const list = random.pick(['black', 'red', 'sensitive', 'white', 'canary', 'optOut'] as const)
      script.profile({ subscriber: person(), lists: { [list]: random.chance(0.5) } })
    } else if (kind < 18) {
      const fields = { worth: random.pick([null, 0, 3, 4]) }
      const tags = { gone: random.chance(0.5) }
      script.profile({ subscriber: person(), ...random.pick([{ tags }, { fields }]) })
      const test = { id: `t${step}`, trigger: 'a', subscriber: person() }
      script.apply('control.0', encodeTest(test))
    } else if (kind < 19) {
      const trigger = random.pick(['a', 'c', 'd', 'f'])
      const cancel = { id: `x${step}`, trigger, channel: null, subscriber: null }
      script.apply('control.0', encodeCancel(cancel))
    } else {
      script.config(withWindow(filesOf(random.whole(0, 1))))
    }
  }
  const reasons = new Set(
    script.decisions.map((each) => (each.kind === 'suppressed' ? each.reason : each.kind)),
  )
  expect([...reasons], `seed ${seed}`).toEqual(
    expect.arrayContaining([
      ...['delivery', 'holdout', 'outranked', 'cancelled-by-operator', 'message-incomplete'],
    ]),
  )
  return script.inputs
}

/** Retrying needs a window that drops. */
function withWindow(files: ReturnType<typeof policyFiles>) {
  const drop = "  at: after 2h\n  contactWindow: { from: '08:00', to: '20:00', outside: drop }"
  const path = 'triggers/d.yaml'
  return { ...files, [path]: files[path]!.replace('  at: after 2h', drop) }
}

it.each(SEEDS)(
  'a machine that is loaded again and again decides the same as one that never stopped (seed %i)',
  (seed) => {
    const inputs = logOf(seed)
    const random = new Random(seed + 1000)
    const files = withWindow(filesOf(0))
    const straight = new MachineScript(START, files).machine
    const store = new MemoryStore()
    let machine: PartitionMachine = new MachineScript(START, files).machine
    let writer = new ImageWriter(store)
    for (const input of inputs) {
      straight.apply(input)
      machine.apply(input)
      expectSame(drainDecisions(machine), drainDecisions(straight), () => {
        return `seed ${seed}, input ${input.sequence}`
      })
      if (!random.chance(0.05)) continue
      writer.begin(machine)
      while (!writer.write(100));
      writer.commit()
      const loaded = loadMachine(store)!
      expectSame(stateOf(loaded.machine), stateOf(machine), () => `seed ${seed}, loaded`)
      machine = loaded.machine
      writer = loaded.writer
    }
    expectSame(stateOf(machine), stateOf(straight), () => `seed ${seed}, at the end`)
  },
)
