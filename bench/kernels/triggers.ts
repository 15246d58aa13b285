/**
 * What triggers cost: the kernel alone, from decoded columns to candidates, with 1, 10, 100 and 500
 * of them over the same counters. Lines are spread evenly over the orders of magnitude that values
 * have. Half of the subscribers are past all of them: what they have the tags for has fired, and
 * the rest stays open; the other half is anywhere on its way.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { UsageBatch } from '../../src/model/usage.ts'
import type { CompiledCondition } from '../../src/partition/compile.ts'
import type { PartitionCore } from '../../src/partition/core.ts'
import type { Decider } from '../../src/partition/deciding.ts'
import { Judge } from '../../src/partition/judging.ts'
import { Latches } from '../../src/partition/latches.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import { Random } from '../../src/probe/random.ts'
import { placeKeys } from '../../src/state/place-keys.ts'
import { benchGenesis } from '../pipeline/traffic.ts'
import { type BenchOptions, type BenchResult, comparedWith, figure, say } from '../report.ts'
import {
  KERNEL_BATCH_RECORDS,
  KERNEL_SUBSCRIBER_FIRST,
  KERNEL_TIME_MS,
  KernelRecords,
} from './kernel-records.ts'

const SEED = 20261122
const TRIGGER_COUNTS = [1, 10, 100, 500]
const ROUNDS = 7
const BATCHES_PER_ROUND = 500
const WARM_UP_BATCHES = 600
/** Lines, and the values that subscribers start from: these bounds, in MB. */
const LINES_MB = [20, 20_000] as const
const STARTS_MB = [1, 40_000] as const
/** Of these, one subscriber in so many has each. */
const TAGS = { seed: 5, gold: 20, young: 3, has_pack: 10 }

/** Files of a configuration with so many triggers. */
export function triggerFiles(count: number): ConfigFiles {
  const documents = Array.from({ length: count }, (_, index) => triggerText(index, count))
  return {
    'counters.yaml': `
apps: { qzone: 1, wechat: 2, tweibo: 3, sweibo: 4 }
tags: { ${Object.keys(TAGS)
      .map((tag) => `${tag}: {}`)
      .join(', ')} }
counters:
  data: { sum: bytes, where: 'kind == data && rat in [utran, hspa, eutran]', per: [day, month] }
  ott: { sum: bytes, where: 'app in [qzone, wechat, tweibo, sweibo]', per: [month] }
  recent: { sum: bytes, per: [last 7 days] }
`,
    'triggers/all.yaml': documents.join('---\n'),
  }
}

function triggerText(index: number, count: number): string {
  const [low, high] = LINES_MB
  const line = Math.round(low * (high / low) ** ((index + 0.5) / count))
  const conditions = [
    `data.day >= ${line} * MB && tags.seed && !tags.has_pack`,
    `data.month >= ${line} * MB && tags.gold`,
    `data.month >= ${line} * MB && ott.month > ${Math.ceil(line / 10)} * MB && tags.young`,
    `ott.month > ${line} * MB && !tags.has_pack`,
    `recent.last_7_days >= ${line} * MB && tags.seed`,
  ]
  return `
trigger: offer-${index}
when: '${conditions[index % conditions.length]}'
once: month
deliver: { channel: sms }
message: Hello
`
}

/** Runs the bench over `subscribers` that all have a row; prints its seed. */
export function runTriggers(options: Pick<BenchOptions, 'subscribers'>): BenchResult[] {
  say(`seed ${SEED}, ${options.subscribers} subscribers`)
  const results: BenchResult[] = []
  for (const count of TRIGGER_COUNTS) {
    const rig = new TriggerRig(count, options.subscribers)
    rig.fill()
    rig.round(WARM_UP_BATCHES)
    const firedBefore = rig.candidates
    const rates: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      rates.push((BATCHES_PER_ROUND * KERNEL_BATCH_RECORDS) / rig.round(BATCHES_PER_ROUND))
    }
    const result = figure('kernels', metricOf(count), rates, 'records/s')
    const few = results.find(({ metric }) => metric === metricOf(10))
    const ratio = few === undefined ? {} : comparedWith(result.value, few.metric, few.value)
    const records = ROUNDS * BATCHES_PER_ROUND * KERNEL_BATCH_RECORDS
    const fired = (rig.candidates - firedBefore) / records
    const size = rig.core.stateSize() / options.subscribers
    results.push(
      { ...result, ...ratio },
      figure('kernels', `triggers_${count}.candidates_per_record`, fired, 'candidates'),
      figure('kernels', `triggers_${count}.bytes_per_subscriber`, size, 'bytes'),
    )
  }
  return results
}

function metricOf(count: number): string {
  return `triggers_${count}.records_per_second`
}

/** A partition whose candidates close their latches and are counted, no more. */
class TriggerRig {
  readonly core: PartitionCore
  candidates = 0
  readonly #judge: Judge
  readonly #records: KernelRecords
  readonly #random = new Random(SEED)
  readonly #subscribers: number

  constructor(triggers: number, subscribers: number) {
    const machine = new PartitionMachine(0)
    const data = benchGenesis(triggerFiles(triggers))
    machine.apply({ sequence: 1, timestampMs: KERNEL_TIME_MS, subject: 'control.0', data })
    this.core = machine.core!
    this.#subscribers = subscribers
    this.#records = new KernelRecords(subscribers)
    const latches = new Latches(this.core)
    const counting: Pick<Decider, 'fire' | 'latches'> = {
      latches,
      fire: (condition: CompiledCondition, slot: number, _firedAtMs: number, keys: Int32Array) => {
        latches.set(condition, slot, keys[condition.latch.unit]!, true)
        this.candidates += 1
      },
    }
    this.#judge = new Judge(this.core, counting as Decider)
    this.#judge.useCatalog()
  }

  /** Tags, then what brings each subscriber where it starts from, in every counter. */
  fill(): void {
    const { batch } = this.#records
    const [low, high] = STARTS_MB
    for (let first = 0; first < this.#subscribers; first += KERNEL_BATCH_RECORDS) {
      const count = Math.min(KERNEL_BATCH_RECORDS, this.#subscribers - first)
      this.#records.ascending(first, count, KERNEL_TIME_MS)
      for (let i = 0; i < count; i++) {
        const fraction = this.#random.fraction()
        const isPast = this.#random.fraction() < 0.5
        batch.usageBytes[i] = Math.round(1e6 * (isPast ? high : low * (high / low) ** fraction))
        batch.rats[i] = 6
        batch.apps[i] = 1 + (i & 3)
        const slot = this.core.index.findOrAdd(KERNEL_SUBSCRIBER_FIRST + first + i)
        this.core.alignTables()
        for (const [tag, every] of Object.entries(TAGS)) {
          if (this.#random.next() % every === 0) this.core.setBit(slot, placeKeys.tag(tag), true)
        }
      }
      this.#judge.applyUsage(batch)
    }
  }

  /** Seconds of the kernel alone for `batches` of random subscribers. */
  round(batches: number): number {
    let spentMs = 0
    for (let i = 0; i < batches; i++) {
      const batch: UsageBatch = this.#records.random()
      const startedAtMs = performance.now()
      this.#judge.applyUsage(batch)
      spentMs += performance.now() - startedAtMs
    }
    return spentMs / 1000
  }
}
