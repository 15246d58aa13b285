import { expect, it } from 'vitest'
import type { WaitingClock } from '../../../src/model/ports.ts'
import { PartitionMachine } from '../../../src/partition/machine.ts'
import { Ticker } from '../../../src/partition/ticker.ts'
import {
  encodeGenesis,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
} from '../../../src/probe/encode.ts'
import { columnsOf } from '../../support/machine-harness.ts'
import { ANN, at, recordAt } from '../../support/machine-script.ts'
import { scenarioFiles } from '../../support/scenario-files.ts'
import { profileRow } from '../../support/workload/people.ts'

const START_MS = at('2026-11-20 10:00')
const DUE_MS = at('2026-11-21 12:00')

/** A partition that follows the broker's stamps, with one delivery due at noon of the next day. */
class QuietPartition {
  readonly machine = new PartitionMachine(0)
  readonly ticker: Ticker
  /** Clocks of the broker, of the worker, and the steady one. */
  brokerMs = START_MS
  workerMs = START_MS
  steadyMs = 0
  ticks = 0

  constructor() {
    const clock: WaitingClock = {
      nowMs: () => this.workerMs,
      steadyMs: () => this.steadyMs,
      pause: () => Promise.resolve(),
      turn: () => Promise.resolve(),
    }
    const control = {
      publish: (data: Uint8Array) => {
        this.ticks += 1
        const sequence = this.#apply('control.0', data)
        return Promise.resolve({ kind: 'stored', sequence } as const)
      },
    }
    this.ticker = new Ticker(this.machine, control, clock, (id) => encodeTick({ id }))
    const genesis = { id: 'g', partition: 0, partitionCount: 1, zone: 'Asia/Shanghai' }
    const files = scenarioFiles('data-pack')
    const real = { mode: 'real' } as const
    this.#apply('control.0', encodeGenesis({ ...genesis, clock: real, generation: 1, files }))
    const rows = [profileRow(ANN, { tags: { seed: 202_611 } })]
    const bi = { probe: 'bi', epoch: 1, seq: 1 }
    this.#apply('profile.0.bi', encodeProfile({ stamp: bi, rows }))
    const columns = columnsOf([recordAt(START_MS, 600_000)])
    const stamp = { probe: 'p1', epoch: 1, seq: 1 }
    this.#apply('usage.0.p1', encodeUsageColumns(stamp, columns, 0, 1))
  }

  /** Asks whether a tick is due every 20 ms for so long, as an idle worker does. */
  async idle(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 20) {
      this.ticker.tickIfDue()
      await Promise.resolve()
      for (const clock of ['brokerMs', 'workerMs', 'steadyMs'] as const) this[clock] += 20
    }
  }

  #apply(subject: string, data: Uint8Array): number {
    const sequence = this.machine.sequence + 1
    this.machine.apply({ sequence, timestampMs: this.brokerMs, subject, data })
    return sequence
  }
}

it('a worker asks for one tick when something is due, and for none before', async () => {
  const partition = new QuietPartition()
  partition.brokerMs = partition.workerMs = DUE_MS - 1_000
  await partition.idle(1_000)
  expect([partition.ticks, partition.machine.outbox.decisionNumber]).toEqual([0, 0])
  await partition.idle(1_000)
  expect([partition.ticks, partition.machine.outbox.decisionNumber]).toEqual([1, 1])
})

it('a worker whose clock is ahead of the broker asks again when its tick could have helped', async () => {
  const partition = new QuietPartition()
  partition.workerMs = DUE_MS
  partition.brokerMs = DUE_MS - 300
  await partition.idle(400)
  expect([partition.ticks, partition.machine.outbox.decisionNumber]).toEqual([2, 1])
})

it('a worker whose clock is hours ahead does not flood its input', async () => {
  const partition = new QuietPartition()
  partition.workerMs = DUE_MS
  await partition.idle(10_000)
  expect(partition.ticks).toBeGreaterThan(8)
  expect(partition.ticks).toBeLessThan(12)
})
