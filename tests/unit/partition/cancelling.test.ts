import { describe, expect, it } from 'vitest'
import { CANCELLED_PER_INPUT_MAX } from '../../../src/partition/cancelling.ts'
import type { PartitionMachine } from '../../../src/partition/machine.ts'
import { encodeCancel, encodeUsageColumns } from '../../../src/probe/encode.ts'
import { columnsOf, drainDecisions } from '../../support/machine-harness.ts'
import { ImageWriter, loadMachine } from '../../support/machine-image.ts'
import { ANN, BOB, MachineScript, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { policyFiles } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'
const TOMORROW = 'next day 12:00'
const FILES = policyFiles({
  a: { at: TOMORROW },
  b: { at: TOMORROW, channel: 'push' },
})

interface Meant {
  readonly trigger?: string
  readonly channel?: string
  readonly subscriber?: number
}

function cancel(script: MachineScript, meant: Meant, id = `x${script.machine.sequence}`) {
  const { trigger = null, channel = null, subscriber = null } = meant
  const lines = script.apply('control.0', encodeCancel({ id, trigger, channel, subscriber }))
  return lines.map((line) => line.replace(' 2026-11-20/1', ''))
}

function startPending(): MachineScript {
  const script = new MachineScript(NOON, FILES)
  script.batch([recordAt(NOON, 10), recordAt(NOON, 10, { subscriber: BOB })])
  return script
}

describe('an operator takes back', () => {
  it.each<[Meant, string[]]>([
    [{ trigger: 'a' }, ['a', `a ${BOB}`]],
    [{ channel: 'push' }, ['b', `b ${BOB}`]],
    [{ subscriber: BOB }, [`a ${BOB}`, `b ${BOB}`]],
    [{ subscriber: ANN, channel: 'sms' }, ['a']],
    [{ trigger: 'a', channel: 'push' }, []],
    [{ trigger: 'unknown' }, []],
    [{ subscriber: 77 }, []],
  ])('what meets all of %o, and nothing else', (meant, expected) => {
    const script = startPending()
    expect(cancel(script, meant)).toEqual(expected.map((who) => `${who} cancelled-by-operator`))
    expect(script.machine.core!.heap.count).toBe(4 - expected.length)
    expect(script.tick('2026-11-21 12:00')).toHaveLength(4 - expected.length)
  })

  it('nothing that fires later, and nothing twice', () => {
    const script = startPending()
    expect(cancel(script, { trigger: 'a' }, 'once')).toHaveLength(2)
    expect(script.usage(NOON, 10, { subscriber: 3 })).toEqual([])
    expect(cancel(script, { trigger: 'a' }, 'once')).toEqual([])
    expect(script.tick('2026-11-21 12:00').filter((line) => line.startsWith('a'))).toHaveLength(1)
  })

  it('what would go out on the channel now, whatever it was when it fired', () => {
    const script = startPending()
    script.config(policyFiles({ a: { at: TOMORROW, channel: 'push' }, b: { at: TOMORROW } }))
    expect(cancel(script, { channel: 'push' })).toEqual([
      'a cancelled-by-operator',
      `a ${BOB} cancelled-by-operator`,
    ])
  })

  it('nothing that was sent', () => {
    const script = startPending()
    script.tick('2026-11-21 12:00')
    expect(cancel(script, { trigger: 'a' })).toEqual([])
  })
})

it('a cancel of nothing in particular, and one of another partition’s, are refused', () => {
  const script = startPending()
  expect(cancel(script, {})).toEqual([])
  expect(script.rejects).toEqual({ 'missing-field': 1 })
})

/** Two more machines that go on from an image of the script's. */
function reloadTwice({ machine }: MachineScript): [PartitionMachine, PartitionMachine] {
  const store = new MemoryStore()
  const writer = new ImageWriter(store)
  writer.begin(machine)
  while (!writer.write(1_000));
  writer.commit()
  return [loadMachine(store)!.machine, loadMachine(store)!.machine]
}

it('of many, the decisions come in slices; they count as gone at once', () => {
  const files = policyFiles({ a: { at: TOMORROW, more: ['cap: 1 ever'] }, z: { channel: 'push' } })
  const script = new MachineScript(NOON, files)
  const count = CANCELLED_PER_INPUT_MAX + 7
  for (let first = 1; first <= count; first += 10_000) {
    const size = Math.min(10_000, count - first + 1)
    const records = Array.from({ length: size }, (_, i) =>
      recordAt(NOON, 10, { subscriber: first + i }),
    )
    script.batch(records)
  }
  script.decisions.length = 0
  expect(cancel(script, { trigger: 'a' })).toHaveLength(CANCELLED_PER_INPUT_MAX)
  expect(script.machine.hasDueAt(script.clockMs)).toBe(true)
  const [loaded, other] = reloadTwice(script)
  // Their time comes before the slice does: nothing goes out.
  const rest = script.tick('2026-11-21 12:00')
  expect(rest).toHaveLength(7)
  loaded.apply(script.inputs.at(-1)!)
  expect(drainDecisions(loaded)).toEqual(script.decisions.slice(-7))
  // Who fires while slices are still to come is not meant.
  const later = columnsOf([recordAt(NOON, 10, { subscriber: count + 1 })])
  const data = encodeUsageColumns({ probe: 'p2', epoch: 1, seq: 1 }, later, 0, 1)
  const sequence = other.sequence + 1
  other.apply({ sequence, timestampMs: 0, subject: 'usage.0.p2', data })
  expect(drainDecisions(other).filter(({ trigger }) => trigger === 'a')).toHaveLength(7)
  expect(other.core!.heap.count).toBe(1)
  expect(script.tick(null)).toEqual([])
  expect(script.machine.hasDueAt(script.clockMs)).toBe(false)
  const said = script.decisions.map((decision) => `${decision.kind} ${decision.subscriber}`)
  expect(new Set(said).size).toBe(count)
  expect(said.every((text) => text.startsWith('suppressed'))).toBe(true)
})
