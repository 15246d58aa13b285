import { describe, expect, it } from 'vitest'
import { PartitionMachine } from '../../../src/partition/machine.ts'
import {
  encodeConfig,
  encodeGenesis,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
  encodeUsageRows,
} from '../../../src/probe/encode.ts'
import { columnsOf, drainDecisions } from '../../support/machine-harness.ts'
import { stateOf } from '../../support/machine-image.ts'
import { ANN, at, BOB, MachineScript, recordAt } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'
const FILES = {
  'counters.yaml': 'tags: { vip: {} }\ncounters: { data: { sum: bytes, per: [day] } }',
  'triggers/t.yaml': "trigger: t\nwhen: 'data.day >= 10'\ndeliver: { channel: sms }\nmessage: x\n",
}

function halting(reason: string) {
  return expect.objectContaining({ code: 'HW_PARTITION_HALTED', reason })
}

function genesis(change: object = {}): Uint8Array {
  return encodeGenesis({
    id: 'g',
    partition: 0,
    partitionCount: 1,
    zone: 'Asia/Shanghai',
    clock: { mode: 'real' },
    generation: 1,
    files: FILES,
    ...change,
  })
}

const first = (data: Uint8Array, timestampMs = at(NOON)) => ({
  sequence: 1,
  timestampMs,
  subject: 'control.0',
  data,
})

describe('the order of inputs', () => {
  it.each([0, 1, 3, 4, 100])('input %i after input 1 halts, and nothing is applied', (sequence) => {
    const script = new MachineScript(NOON, FILES)
    const before = stateOf(script.machine)
    const data = encodeTick({ id: 'x' })
    const apply = () =>
      script.machine.apply({ sequence, timestampMs: 0, subject: 'control.0', data })
    expect(apply).toThrow(halting('sequence-jump'))
    expect(stateOf(script.machine)).toEqual(before)
  })

  it('the first input has sequence 1', () => {
    const machine = new PartitionMachine(0)
    expect(() => machine.apply({ ...first(genesis()), sequence: 2 })).toThrow(
      halting('sequence-jump'),
    )
  })
})

describe('genesis', () => {
  it.each<[string, Uint8Array]>([
    ['a tick', encodeTick({ id: 'x' })],
    ['a config', encodeConfig({ id: 'x', generation: 1, files: FILES })],
    ['another partition’s', genesis({ partition: 1, partitionCount: 2 })],
    ['with an invalid config', genesis({ files: { 'a.yaml': 'counters: [' } })],
    ['no message at all', Uint8Array.of(0xc1)],
  ])('%s is none, and halts', (_, data) => {
    expect(() => new PartitionMachine(0).apply(first(data))).toThrow(halting('genesis-mismatch'))
  })

  it.each([1, 41])(
    'of generation %i: its triggers fire for all, the next config follows it',
    (generation) => {
      // True from the first record on, and so true before it: a trigger that came later would not
      // fire.
      const files = {
        ...FILES,
        'triggers/t.yaml': FILES['triggers/t.yaml'].replace('>= 10', '>= 0'),
      }
      const machine = new PartitionMachine(0)
      machine.apply(first(genesis({ generation, files })))
      const apply = (subject: string, data: Uint8Array): void => {
        const sequence = machine.sequence + 1
        machine.apply({ sequence, timestampMs: at(NOON), subject, data })
      }
      apply('control.0', encodeConfig({ id: 'c', generation: generation + 1, files }))
      apply('usage.0.p', encodeUsageRows({ probe: 'p', epoch: 1, seq: 1 }, [[ANN, 1, at(NOON)]]))
      expect(drainDecisions(machine)).toMatchObject([{ trigger: 't', generation: generation + 1 }])
    },
  )

  it('comes once: a later one is refused', () => {
    const script = new MachineScript(NOON, FILES)
    script.apply('control.0', genesis({ id: 'again' }))
    expect(script.rejects).toEqual({ 'unknown-kind': 1 })
  })
})

describe('the clock', () => {
  it('real: the latest of the log’s timestamps, whatever a leader or a tick says', () => {
    const machine = new PartitionMachine(0)
    machine.apply(first(genesis()))
    const tick = (timestampMs: number, timeMs: number | null = null) => {
      const data = encodeTick({ id: `${machine.sequence}`, writer: 'w', timeMs })
      machine.apply({ sequence: machine.sequence + 1, timestampMs, subject: 'control.0', data })
      return machine.core!.clockMs - at(NOON)
    }
    expect(tick(at(NOON) + 5000)).toBe(5000)
    expect(tick(at(NOON) + 3000)).toBe(5000)
    expect(tick(at(NOON) + 5000, at('2099-01-01 00:00'))).toBe(5000)
    expect(tick(at(NOON) + 5001)).toBe(5001)
  })

  it('virtual: the ticks of one writer, never back', () => {
    const script = new MachineScript(NOON, FILES)
    const tick = (writer: string | null, timeMs: number | null) => {
      const data = encodeTick({ id: `t${script.machine.sequence}`, writer, timeMs })
      script.apply('control.0', data)
      return script.clockMs - at(NOON)
    }
    expect(tick('workload', at(NOON) + 7)).toBe(7)
    expect(tick('stranger', at('2099-01-01 00:00'))).toBe(7)
    expect(tick(null, at('2099-01-01 00:00'))).toBe(7)
    expect(tick('workload', at(NOON) + 3)).toBe(7)
    expect(tick('workload', null)).toBe(7)
    expect(tick('workload', at(NOON) + 8)).toBe(8)
  })
})

describe('what cannot be understood', () => {
  const usage = (change: object = {}) =>
    encodeUsageColumns(
      { probe: 'p1', epoch: 1, seq: 1, ...change },
      columnsOf([recordAt(NOON, 10)]),
      0,
      1,
    )

  it.each<[string, string, Uint8Array, object]>([
    ['another subject', 'order.0.p1', usage(), { 'unknown-subject': 1 }],
    ['another partition’s subject', 'usage.1.p1', usage(), { 'unknown-subject': 1 }],
    ['another partition’s control', 'control.1', encodeTick({ id: 'x' }), { 'unknown-subject': 1 }],
    ['a foreign probe', 'usage.0.p2', usage(), { 'foreign-producer': 1 }],
    ['cut short', 'usage.0.p1', usage().subarray(0, 30), { truncated: 1 }],
  ])('%s changes nothing but counts', (_, subject, data, rejects) => {
    const script = new MachineScript(NOON, FILES)
    const { sequence: _1, fingerprint: _2, ...before } = stateOf(script.machine)
    expect(script.apply(subject, data)).toEqual([])
    const { sequence, fingerprint: _3, ...after } = stateOf(script.machine)
    expect(after).toEqual(before)
    expect(sequence).toBe(2)
    expect(script.rejects).toEqual(rejects)
    expect(script.machine.rejects.waitingCount).toBe(1)
  })

  it('a batch with one bad record changes nothing and leaves its seq free', () => {
    const script = new MachineScript(NOON, FILES)
    const good = recordAt(NOON, 4, { subscriber: BOB })
    script.batch([good, recordAt(NOON, -1)], 7)
    expect(script.machine.core!.subscriberCount).toBe(0)
    script.batch([good], 7)
    expect(script.counter('data.day', BOB)).toEqual([4])
    script.batch([good], 7)
    expect(script.counter('data.day', BOB)).toEqual([4])
    expect(script.machine.core!.statistics.duplicateBatches).toBe(1)
    expect(script.rejects).toEqual({ negative: 1 })
  })

  it('a profile message with one bad row changes nothing at all, not even the zones known', () => {
    const script = new MachineScript(NOON, FILES)
    const none = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
    const rows = [
      { ...none, subscriber: ANN, zone: 'Europe/Paris', tags: { vip: true } },
      { ...none, subscriber: BOB, zone: 'Mars/Olympus' },
    ]
    const stamp = { probe: 'bi', epoch: 1, seq: 1 }
    const { sequence: _1, fingerprint: _2, ...before } = stateOf(script.machine)
    script.apply('profile.0.bi', encodeProfile({ stamp, rows }))
    const { sequence: _3, fingerprint: _4, ...after } = stateOf(script.machine)
    expect(after).toEqual(before)
    script.apply('profile.0.bi', encodeProfile({ stamp, rows: rows.slice(0, 1) }))
    expect(script.view().zone).toBe('Europe/Paris')
    expect(script.rejects).toEqual({ 'unknown-name': 1 })
  })

  it('more zones than a row can tell apart are refused, the known ones go on', () => {
    const script = new MachineScript(NOON, FILES)
    const zones = Intl.supportedValuesOf('timeZone').slice(0, 60)
    for (const zone of zones) script.profile({ zone })
    const { layout } = script.machine.core!
    while (layout.zones.length < 256) layout.zones.push(`Filled/${layout.zones.length}`)
    script.profile({ zone: 'Antarctica/Vostok' })
    expect(script.rejects).toEqual({ 'unknown-name': 1 })
    script.profile({ zone: zones[3]! })
    expect(script.view().zone).toBe(zones[3])
  })

  it('records out of the accepted time are refused one by one, the rest of the batch counts', () => {
    const script = new MachineScript(NOON, FILES)
    const hours = [-49, 0, 1, -1, -50]
    script.batch(hours.map((hour) => recordAt(at(NOON) + hour * 3_600_000, 2)))
    expect(script.counter('data.day')).toEqual([4])
    const { recordsTooLate, recordsTooEarly } = script.machine.core!.statistics
    expect([recordsTooLate, recordsTooEarly]).toEqual([2, 1])
    expect(script.machine.rejects.takeAll().map(({ messageId }) => messageId)).toEqual([
      '2-0-0',
      '2-1-0',
    ])
  })
})

it('rows and columns of the same records come to the same', () => {
  const columns = new MachineScript(NOON, FILES)
  const rows = new MachineScript(NOON, FILES)
  const records = [recordAt(NOON, 4), recordAt(NOON, 5, { subscriber: BOB }), recordAt(NOON, 6)]
  columns.batch(records, 1)
  const encoded = encodeUsageRows(
    { probe: 'p1', epoch: 1, seq: 1 },
    records.map(({ subscriber, usageBytes, timeMs, rat, app, cell, kind }) => [
      ...([subscriber, usageBytes, timeMs, rat, app, cell, kind] as const),
    ]),
  )
  rows.apply('usage.0.p1', encoded)
  expect(rows.lines).toEqual(columns.lines)
  expect(stateOf(rows.machine).pages).toEqual(stateOf(columns.machine).pages)
})
