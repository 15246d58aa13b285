/**
 * What the kernel and its reference in C both eat: a configuration of four counters in one row and
 * ten triggers, and columns of records from a generator that reference.c has likewise.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { createColumns, USAGE_BATCH_RECORDS_MAX, type UsageBatch } from '../../src/model/usage.ts'
import { Random } from '../../src/probe/random.ts'

/** Records of a batch. */
export const KERNEL_BATCH_RECORDS = 1_000
/** Smallest subscriber number; every so many of them is tagged as a seed. */
export const KERNEL_SUBSCRIBER_FIRST = 13_800_000_000
export const KERNEL_SEED_EVERY = 5
/** Time of all records but for four seconds: noon in Shanghai, so that no period ends. */
export const KERNEL_TIME_MS = Date.parse('2026-11-22T04:00:00Z')

const SEED = 1
/** Triggers: what they read, and from how many MB on they fire. As in reference.c. */
const THRESHOLDS: readonly (readonly [string, number])[] = [
  ['data_4g.day', 2],
  ['data_4g.day', 4],
  ['data_4g.day', 6],
  ['data_4g.month', 8],
  ['data_4g.month', 10],
  ['ott.day', 2],
  ['ott.day', 4],
  ['ott.day', 6],
  ['ott.month', 8],
  ['ott.month', 10],
]

/** Files of the configuration; `triggers` beyond the ten never fire. */
export function kernelFiles(triggers = THRESHOLDS.length): ConfigFiles {
  const documents = Array.from({ length: triggers }, (_, index) => {
    const [counter, threshold] = THRESHOLDS[index % THRESHOLDS.length]!
    return triggerText(index, counter, index < THRESHOLDS.length ? threshold : 1e6 + index)
  })
  return {
    'counters.yaml': `
apps: { qzone: 1, wechat: 2, tweibo: 3, sweibo: 4 }
tags: { seed: {} }
counters:
  data_4g: { sum: bytes, where: 'kind == data && rat in [utran, hspa, eutran]', per: [day, month] }
  ott: { sum: bytes, where: 'app in [qzone, wechat, tweibo, sweibo]', per: [day, month] }
`,
    'triggers/all.yaml': documents.join('---\n'),
  }
}

function triggerText(index: number, counter: string, threshold: number): string {
  return `
trigger: offer-${index}
when: '${counter} >= ${threshold} * MB && tags.seed'
once: month
deliver: { channel: sms }
message: Hello
`
}

/** Makes columns into one batch that is used again and again, as a decoder does. */
export class KernelRecords {
  readonly batch: UsageBatch
  readonly #random = new Random(SEED)
  readonly #subscribers: number

  constructor(subscribers: number) {
    this.#subscribers = subscribers
    this.batch = { count: 0, ...createColumns(USAGE_BATCH_RECORDS_MAX) }
  }

  /** Records of subscribers uniformly at random: the worst case for caches. */
  random(): UsageBatch {
    return this.#generate(KERNEL_BATCH_RECORDS, -1, KERNEL_TIME_MS)
  }

  /** A record for each of `count` subscribers from number `first` on. */
  ascending(first: number, count: number, timeMs: number): UsageBatch {
    return this.#generate(count, first, timeMs)
  }

  #generate(count: number, first: number, timeMs: number): UsageBatch {
    const { batch } = this
    const random = this.#random
    for (let i = 0; i < count; i++) {
      const place = first >= 0 ? first + i : Math.floor(random.fraction() * this.#subscribers)
      const bits = random.next()
      const size = random.next()
      batch.subscribers[i] = KERNEL_SUBSCRIBER_FIRST + place
      // Most are small, a few are megabytes.
      batch.usageBytes[i] = ((size & 0xffff) + 1) * (1 << ((Math.clz32(size) * 3) >> 2))
      batch.timesMs[i] = timeMs - (bits >>> 20)
      batch.rats[i] = (bits & 0x7000) === 0 ? 3 : 6
      batch.apps[i] = (bits >>> 15) & 31
      batch.kinds[i] = 0
    }
    batch.count = count
    return batch
  }
}
