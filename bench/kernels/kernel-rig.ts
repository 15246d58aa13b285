/**
 * The kernel without what surrounds it: a partition's core, its `Judge` and columns from memory. A
 * candidate closes its latch and is counted; what the decider would make of it is measured by
 * bench `update`.
 */

import type { UsageBatch } from '../../src/model/usage.ts'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { CompiledCondition } from '../../src/partition/compile.ts'
import type { PartitionCore } from '../../src/partition/core.ts'
import type { Decider } from '../../src/partition/deciding.ts'
import { Judge } from '../../src/partition/judging.ts'
import { Latches } from '../../src/partition/latches.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import type { CounterCell } from '../../src/state/counter-places.ts'
import { placeKeys } from '../../src/state/place-keys.ts'
import { benchGenesis } from '../pipeline/traffic.ts'
import {
  KERNEL_BATCH_RECORDS,
  KERNEL_SEED_EVERY,
  KERNEL_TIME_MS,
  KernelRecords,
} from './kernel-records.ts'
import type { KernelSums } from './reference.ts'

/** One partition whose subscribers are 0 to `subscribers` - 1 behind the first. */
export class KernelRig {
  readonly core: PartitionCore
  readonly judge: Judge
  readonly records: KernelRecords
  readonly #subscribers: number
  readonly #slots = new Int32Array(KERNEL_BATCH_RECORDS)
  #candidates = 0

  constructor(files: ConfigFiles, subscribers: number) {
    const machine = new PartitionMachine(0)
    const data = benchGenesis(files)
    machine.apply({ sequence: 1, timestampMs: KERNEL_TIME_MS, subject: 'control.0', data })
    this.core = machine.core!
    this.#subscribers = subscribers
    this.records = new KernelRecords(subscribers)
    const latches = new Latches(this.core)
    const counting: Pick<Decider, 'fire' | 'latches'> = {
      latches,
      fire: (condition: CompiledCondition, slot: number, _firedAtMs: number, keys: Int32Array) => {
        latches.set(condition, slot, keys[condition.latch.unit]!, true)
        this.#candidates += 1
      },
    }
    this.judge = new Judge(this.core, counting as Decider)
    this.judge.useCatalog()
  }

  /** A record for every subscriber, and the tags of seeds. */
  fill(): void {
    this.pass(KERNEL_TIME_MS)
    const tag = placeKeys.tag('seed')
    for (let slot = 0; slot < this.#subscribers; slot += KERNEL_SEED_EVERY) {
      this.core.setBit(slot, tag, true)
    }
  }

  /** Seconds of the kernel alone for a record for every subscriber, one after the other. */
  pass(timeMs: number): number {
    let spentMs = 0
    for (let first = 0; first < this.#subscribers; first += KERNEL_BATCH_RECORDS) {
      const count = Math.min(KERNEL_BATCH_RECORDS, this.#subscribers - first)
      spentMs += this.#apply(this.records.ascending(first, count, timeMs))
    }
    return spentMs / 1000
  }

  /** Seconds of the kernel alone for `batches` of random subscribers. */
  round(batches: number): number {
    let spentMs = 0
    for (let i = 0; i < batches; i++) spentMs += this.#apply(this.records.random())
    return spentMs / 1000
  }

  /** Seconds that looking their subscribers up takes, and nothing else. */
  resolve(batches: number): number {
    let spentMs = 0
    for (let i = 0; i < batches; i++) {
      const { subscribers, count } = this.records.random()
      const startedAtMs = performance.now()
      this.core.index.resolve(subscribers, count, this.#slots)
      spentMs += performance.now() - startedAtMs
    }
    return spentMs / 1000
  }

  /** Milliseconds of the kernel alone. */
  #apply(batch: UsageBatch): number {
    const startedAtMs = performance.now()
    this.judge.applyUsage(batch)
    return performance.now() - startedAtMs
  }

  sums(): KernelSums {
    const { cells } = this.core.compiled
    const counters = ['data_4g/day', 'data_4g/month', 'ott/day', 'ott/month'].map((name) => {
      const cell = cells.find(
        ({ counter, counterWindow }) => `${counter.name}/${counterWindow.key}` === name,
      )
      return this.#sumOf(cell!)
    })
    return { candidates: this.#candidates, subscribers: this.core.subscriberCount, counters }
  }

  #sumOf({ table, valueOffset }: CounterCell): number {
    const rows = this.core.tables[table]!
    let sum = 0
    for (let slot = 0; slot < rows.rowCount; slot++) sum += rows.getF64(slot, valueOffset)
    return sum
  }
}
