/** Several partitions that share one channel's limits through their logs. */

import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import type { ControlMessage } from '../../../src/model/messages.ts'
import type { PartitionMachine } from '../../../src/partition/machine.ts'
import {
  encodeCancel,
  encodeConfig,
  encodeTick,
  encodeUsageColumns,
} from '../../../src/probe/encode.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'
import { channelFiles } from '../../support/channel-files.ts'
import {
  columnsOf,
  drainDecisions,
  type ReadDecision,
  startMachine,
} from '../../support/machine-harness.ts'
import { ImageWriter, loadMachine, stateOf } from '../../support/machine-image.ts'
import { at, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { S1_PARAMETERS } from '../../support/naive/input.ts'

const START = at('2026-11-20 10:00')

/** The machines of all partitions, and what becomes of their errands. */
class Installation {
  readonly machines: PartitionMachine[]
  readonly decisions: ReadDecision[] = []
  readonly #stored = new Set<string>()
  asks = 0
  #seq = 0

  constructor(partitionCount: number, files: ConfigFiles) {
    const parameters = { ...S1_PARAMETERS, startMs: START, partitionCount }
    this.machines = Array.from({ length: partitionCount }, (_, partition) =>
      startMachine({ ...parameters, partition }, files),
    )
  }

  apply(partition: number, subject: string, data: Uint8Array): void {
    const machine = this.machines[partition]!
    machine.apply({ sequence: machine.sequence + 1, timestampMs: 0, subject, data })
    this.decisions.push(...drainDecisions(machine))
  }

  control(partition: number, message: ControlMessage): void {
    this.apply(partition, `control.${partition}`, encodeErrand(message))
  }

  /** So many people of a partition use enough for the trigger. */
  demand(partition: number, count: number): void {
    const stamp = { probe: 'p1', epoch: 1, seq: ++this.#seq }
    const records = Array.from({ length: count }, (_, i) => {
      const subscriber = (this.#seq * 10_000 + i) * this.machines.length + partition
      return recordAt(this.machines[partition]!.core!.clockMs, 2048, { subscriber })
    })
    const data = encodeUsageColumns(stamp, columnsOf(records), 0, records.length)
    this.apply(partition, `usage.${partition}.p1`, data)
  }

  tick(timeMs: number): void {
    const writer = S1_PARAMETERS.tickWriter
    for (const [partition, machine] of this.machines.entries()) {
      const id = `t${machine.sequence}`
      this.apply(partition, `control.${partition}`, encodeTick({ id, writer, timeMs }))
    }
  }

  reload(files: ConfigFiles): void {
    for (const [partition, machine] of this.machines.entries()) {
      const generation = machine.core!.generation + 1
      const data = encodeConfig({ id: `c${generation}`, generation, files })
      this.apply(partition, `control.${partition}`, data)
    }
  }

  /** Carries errands and lets out who may go, until nothing moves any more at this time. */
  settle(): void {
    for (;;) {
      const owed = this.machines
        .flatMap((machine) => machine.core!.errands())
        .filter(({ partition, message }) => !this.#stored.has(`${partition} ${message.id}`))
      for (const { partition, message } of owed) {
        this.#stored.add(`${partition} ${message.id}`)
        if (message.kind === 'ask') this.asks += 1
        this.control(partition, message)
      }
      const due = this.machines.filter((machine) => machine.hasDueAt(machine.core!.clockMs))
      if (owed.length + due.length === 0) return
      for (const machine of due) {
        const { partition } = machine.core!.genesis
        const id = `s${machine.sequence}`
        this.apply(partition, `control.${partition}`, encodeTick({ id }))
      }
    }
  }

  count(kind: string): number {
    return this.decisions.filter((decision) => {
      return decision.kind === kind || ('reason' in decision && decision.reason === kind)
    }).length
  }

  alarms(): number[] {
    return this.machines.map((machine) => {
      return machine.core!.capacity.view()[0]!.periods.find(({ period }) => period === 'day')!.alarm
    })
  }
}

describe('a limit over several partitions', () => {
  it('is used up where the demand is, and the rest waits for the next day', () => {
    const all = new Installation(4, channelFiles('{ perDay: 1000 }', { t: '' }))
    all.demand(0, 300)
    all.demand(1, 900)
    all.demand(2, 300)
    all.demand(3, 400)
    all.settle()
    expect(all.count('delivery')).toBe(1000)
    expect(all.alarms().filter((alarm) => alarm === 2).length).toBeGreaterThan(0)
    expect(all.machines.every((machine) => !machine.hasDueAt(machine.core!.clockMs))).toBe(true)
    expect(all.asks).toBeLessThan(80)
    all.tick(at('2026-11-21 00:00'))
    all.settle()
    expect(all.count('delivery')).toBe(1900)
  })

  it('leaves little where it was asked for ahead of need that did not come', () => {
    const all = new Installation(4, channelFiles('{ perDay: 1000 }', { t: '' }))
    all.demand(3, 50)
    all.settle()
    expect(all.count('delivery')).toBe(50)
    expect(all.machines[3]!.core!.capacity.view()[0]!.periods[0]!.held).toBe(62 + 11)
  })

  it('alarms early where partitions still ask', () => {
    const all = new Installation(2, channelFiles('{ perDay: 1000, alarmAt: 80 % }', { t: '' }))
    all.demand(0, 300)
    all.demand(1, 300)
    all.settle()
    expect(all.alarms()).toEqual([0, 0])
    all.demand(0, 120)
    all.demand(1, 120)
    all.settle()
    expect(Math.max(...all.alarms())).toBe(1)
  })

  it('drops once the answer was that nothing is left, not before', () => {
    const drop = 'deliver: { channel: sms, at: now, overCapacity: drop }\n'
    const all = new Installation(2, channelFiles('{ perDay: 40 }', { t: drop }))
    all.demand(1, 100)
    expect(all.count('capacity')).toBe(0)
    all.settle()
    expect([all.count('delivery'), all.count('capacity')]).toEqual([35, 65])
    all.demand(1, 5)
    expect(all.count('capacity')).toBe(70)
  })

  it('per second is shared by turns', () => {
    const all = new Installation(4, channelFiles('{ perSecond: 2 }', { t: '' }))
    for (let partition = 0; partition < 4; partition++) all.demand(partition, 10)
    const perSecond: number[] = []
    for (let second = 1; second <= 8; second++) {
      const before = all.count('delivery')
      all.tick(START + 1000 * second)
      all.settle()
      perSecond.push(all.count('delivery') - before)
    }
    expect(perSecond).toEqual([2, 2, 2, 2, 2, 2, 2, 2])
  })

  it('gives one more chance to ask after a raise', () => {
    const all = new Installation(2, channelFiles('{ perDay: 40 }', { t: '' }))
    all.demand(1, 100)
    all.settle()
    expect(all.count('delivery')).toBe(35)
    all.reload(channelFiles('{ perDay: 80 }', { t: '' }))
    all.settle()
    expect(all.count('delivery')).toBe(70)
  })

  it('takes asks and grants that come twice, late or for another partition for nothing', () => {
    const all = new Installation(2, channelFiles('{ perDay: 40 }', { t: '' }))
    all.demand(1, 20)
    const [ask] = all.machines[1]!.core!.errands()
    all.settle()
    // But for how often an answer was asked for.
    const standing = () =>
      all.machines.map((machine) => {
        const { channels, grants } = machine.core!.capacity.image()
        return { channels, grants: grants.map((grant) => ({ ...grant, again: 0 })) }
      })
    const before = standing()
    all.control(0, ask!.message)
    for (const { partition, message } of all.machines[0]!.core!.errands()) {
      all.control(partition, message)
      if (message.kind === 'grant') all.control(partition, { ...message, period: '2026-11-19' })
    }
    expect(standing()).toEqual(before)
    all.control(1, ask!.message)
    expect(all.machines[1]!.core!.statistics.rejects.some((count) => count > 0)).toBe(true)
  })

  it('what was granted of a limit that is gone for a while outlasts a start from an image', () => {
    const files = channelFiles('{ perDay: 4 }', { t: '' })
    const { 'channels.yaml': _, ...undeclared } = files
    const all = new Installation(2, files)
    all.demand(1, 1)
    const [ask] = all.machines[1]!.core!.errands()
    all.control(0, ask!.message)
    const [grant] = all.machines[0]!.core!.errands()
    const id = 'cancel'
    const cancel = encodeCancel({ id, trigger: 't', channel: null, subscriber: null })
    all.apply(1, 'control.1', cancel)
    all.control(1, grant!.message)
    all.reload(undeclared)
    const loaded = new Installation(2, files)
    loaded.machines[1] = restarted(all.machines[1]!, 1)
    for (const each of [all, loaded]) {
      each.apply(1, 'control.1', encodeTick({ id: 'between' }))
      const data = encodeConfig({ id: 'again', generation: 3, files })
      each.apply(1, 'control.1', data)
    }
    expect(stateOf(loaded.machines[1]!)).toEqual(stateOf(all.machines[1]!))
  })

  it('survives a start from images: nothing is granted twice', () => {
    const all = new Installation(2, channelFiles('{ perDay: 400 }', { t: '' }))
    all.demand(1, 100)
    for (const [partition, machine] of all.machines.entries()) {
      const other = restarted(machine, partition)
      expect(stateOf(other)).toEqual(stateOf(machine))
      expect(other.core!.errands()).toEqual(machine.core!.errands())
      all.machines[partition] = other
    }
    all.demand(0, 400)
    all.demand(1, 400)
    all.settle()
    expect(all.count('delivery')).toBe(400)
  })
})

/** Another machine that goes on from an image of this one. */
function restarted(machine: PartitionMachine, partition: number): PartitionMachine {
  const store = new MemoryStore()
  const writer = new ImageWriter(store)
  writer.begin(machine)
  writer.write(Number.POSITIVE_INFINITY)
  writer.commit()
  return loadMachine(store, partition)!.machine
}
