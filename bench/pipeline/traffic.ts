/**
 * Usage for benches: subscribers uniformly at random (the worst case for caches), sizes
 * heavy-tailed, event times now. And the configuration that it meets: four counters in one 64- to
 * 88-byte row, ten triggers of which one delivers often and eight now and then.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { ClockMode, ProfileRow } from '../../src/model/messages.ts'
import { encodeGenesis, encodeProfile, encodeUsageColumns } from '../../src/probe/encode.ts'
import { Random } from '../../src/probe/random.ts'

/** Records of a batch. */
export const BATCH_RECORDS = 1_000
/** One subscriber in so many is a seed. */
export const SEED_EVERY = 5
/** Smallest subscriber number. */
export const SUBSCRIBER_FIRST = 13_800_000_000
/** Entries of `sizeTable`. */
export const SIZE_STEPS = 4_096
const SIZE_MEDIAN_BYTES = 30_000

/** What seven triggers beside the three of scenarios read, and from how many MB on they fire. */
const STEPS: readonly (readonly [counter: string, megabytes: number])[] = [
  ['data_4g.day', 2],
  ['data_4g.day', 5],
  ['data_4g.day', 10],
  ['data_4g.month', 20],
  ['data_4g.month', 50],
  ['ott.month', 2],
  ['ott.month', 10],
]

/** Files of the benched configuration. */
export const BENCH_FILES: ConfigFiles = {
  'counters.yaml': `
apps: { qzone: 1, wechat: 2, tweibo: 3, sweibo: 4 }
tags: { seed: {}, has_pack: {} }
counters:
  data_4g: { sum: bytes, where: 'kind == data && rat in [utran, hspa, eutran]', per: [day, month] }
  ott: { sum: bytes, where: 'app in [qzone, wechat, tweibo, sweibo]', per: [month], keep: 1 }
`,
  'triggers/data-pack.yaml': `
trigger: data-pack
when: data_4g.day >= 500 * KiB && tags.seed && !tags.has_pack
once: month
deliver:
  channel: sms
  contactWindow: { from: '00:00', to: '24:00', outside: defer }
cap: 1 per month
message: 'Reply VIP: 5 yuan a month, 100 MB of 4G data, doubled in the first month.'
---
trigger: heavy-month
when: data_4g.month >= 100 * MB && tags.seed
once: month
deliver: { channel: sms }
message: 'A larger plan would cost you less.'
---
trigger: ott-circle
when: ott.month > 5 * MiB && previous(ott.month) < 1 * MiB && tags.seed
once: month
deliver: { channel: sms }
message: 'Your friends are online.'
`,
  'triggers/steps.yaml': STEPS.map(stepText).join('---\n'),
}

function stepText([counter, megabytes]: (typeof STEPS)[number], index: number): string {
  return `
trigger: step-${index + 1}
when: ${counter} >= ${megabytes} * MB && tags.seed && !tags.has_pack
once: month
deliver: { channel: sms }
message: 'You have used ${megabytes} MB.'
`
}

/** Genesis of a benched partition: one of one, if nothing else is said. */
export function benchGenesis(
  files: ConfigFiles = BENCH_FILES,
  clock: ClockMode = { mode: 'real' },
  partition = 0,
  partitionCount = 1,
): Uint8Array {
  return encodeGenesis({
    id: 'genesis',
    partition,
    partitionCount,
    zone: 'Asia/Shanghai',
    clock,
    generation: 1,
    files,
  })
}

/** Makes batches; the same seed gives the same records but for their times. */
export class Traffic {
  readonly #random: Random
  readonly #subscribers: number
  /** One subscriber in so many is hot; 0: none. */
  readonly #hotStep: number
  /** Subscribers of one partition are so far apart. */
  readonly #step: number
  readonly #first: number
  readonly #sizes = sizeTable()
  readonly #columns = {
    subscribers: new Float64Array(BATCH_RECORDS * 8),
    usageBytes: new Float64Array(BATCH_RECORDS * 8),
    timesMs: new Float64Array(BATCH_RECORDS * 8),
    rats: new Uint8Array(BATCH_RECORDS * 8),
    apps: new Uint16Array(BATCH_RECORDS * 8),
  }
  #seq = 0

  /**
   * `hotShare`: nine of ten random records are of this share of the subscribers, whose rows lie
   * scattered; 0: all subscribers are alike. `part`: the subscribers are those of one partition of
   * several.
   */
  constructor(seed: number, subscribers: number, hotShare = 0, part = { index: 0, count: 1 }) {
    this.#random = new Random(seed)
    this.#subscribers = subscribers
    this.#step = part.count
    const { index, count } = part
    this.#first = SUBSCRIBER_FIRST + ((index + count - (SUBSCRIBER_FIRST % count)) % count)
    this.#hotStep = hotShare === 0 ? 0 : Math.round(1 / hotShare) * count
  }

  /** `count` records of random subscribers at `timeMs`. */
  random(count: number, timeMs: number, probe: string, epoch: number): Uint8Array {
    const random = this.#random
    const { subscribers } = this.#columns
    for (let i = 0; i < count; i++) {
      subscribers[i] = this.#numberOf(Math.floor(random.fraction() * this.#subscribers))
    }
    if (this.#hotStep > 0) this.#heat(subscribers, count)
    return this.#finish(count, timeMs, probe, epoch)
  }

  /** One record for each subscriber from `first` on: to fill an empty partition. */
  ascending(
    first: number,
    count: number,
    timeMs: number,
    probe: string,
    epoch: number,
  ): Uint8Array {
    const { subscribers } = this.#columns
    for (let i = 0; i < count; i++) subscribers[i] = this.#numberOf(first + i)
    return this.#finish(count, timeMs, probe, epoch)
  }

  /**
   * Tags one subscriber in `SEED_EVERY` from `first` on as a seed, as scenario S1 has it: `count`
   * of them.
   */
  seeds(first: number, count: number): Uint8Array {
    this.#seq += 1
    const rows: ProfileRow[] = []
    for (let i = 0; i < count; i++) {
      const subscriber = this.#numberOf(first + i * SEED_EVERY)
      const unchanged = { fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
      rows.push({ subscriber, tags: { seed: true }, ...unchanged })
    }
    return encodeProfile({ stamp: { probe: 'fill', epoch: 1, seq: this.#seq }, rows })
  }

  #numberOf(index: number): number {
    return this.#first + index * this.#step
  }

  /** Moves nine of ten records to the next hot subscriber below. */
  #heat(subscribers: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) {
      if (this.#random.fraction() >= 0.9) continue
      subscribers[i] = subscribers[i]! - ((subscribers[i]! - this.#first) % this.#hotStep)
    }
  }

  #finish(count: number, timeMs: number, probe: string, epoch: number): Uint8Array {
    const random = this.#random
    const { usageBytes, timesMs, rats, apps } = this.#columns
    for (let i = 0; i < count; i++) {
      const bits = random.next()
      usageBytes[i] = this.#sizes[bits & (SIZE_STEPS - 1)]!
      timesMs[i] = timeMs - (bits >>> 20)
      rats[i] = (bits & 0x7000) === 0 ? 3 : 6
      apps[i] = (bits >>> 15) & 31
    }
    this.#seq += 1
    return encodeUsageColumns({ probe, epoch, seq: this.#seq }, this.#columns, 0, count)
  }
}

/** Quantiles of a log-logistic distribution: most records are small, a few are megabytes. */
export function sizeTable(): Float64Array {
  const sizes = new Float64Array(SIZE_STEPS)
  for (let i = 0; i < SIZE_STEPS; i++) {
    const share = (i + 0.5) / SIZE_STEPS
    sizes[i] = Math.floor(SIZE_MEDIAN_BYTES * (share / (1 - share)) ** 0.7)
  }
  return sizes
}
