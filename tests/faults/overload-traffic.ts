/**
 * Usage that is dear to apply and small to store: thirty counters of their own condition over six
 * windows each, few bytes a record. What must come of it is added up while it is made.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { encodeUsageColumns } from '../../src/probe/encode.ts'
import { Random } from '../support/workload/random.ts'

/** Records of one message. */
export const BATCH_RECORDS = 1_000

const SUBSCRIBERS = 20_000
const FIRST_SUBSCRIBER = 460_000_000_000
const RECORD_SIZE_MAX = 1_000
const COUNTERS = 30
const WINDOWS = 'hour, day, week, month, last 5 days, lifetime'
/** Lines that every subscriber may cross. */
const STEPS = 20
const STEP_SIZE = 16 * 1024
const SAMPLE_EVERY = 200

/** Counters and triggers for this traffic. */
export function overloadFiles(): ConfigFiles {
  const counters = Array.from({ length: COUNTERS }, (_, index) => {
    const where = `bytes >= ${leastBytes(index)}`
    return `  c${index}: { sum: bytes, where: '${where}', per: [${WINDOWS}] }\n`
  })
  const files: Record<string, string> = {
    'counters.yaml': `counters:\n  total: { sum: bytes, per: [lifetime] }\n${counters.join('')}`,
  }
  for (let step = 1; step <= STEPS; step++) {
    files[`triggers/step-${step}.yaml`] =
      `trigger: step-${step}\nwhen: total.lifetime >= ${step * STEP_SIZE}\nonce: ever\n` +
      'deliver: { channel: sms }\nmessage: One step further\n'
  }
  return files
}

/** Makes batches, and knows what they add up to. */
export class OverloadTraffic {
  readonly #random: Random
  readonly #totals = new Float64Array(SUBSCRIBERS)
  /** Bytes of each record of the sampled subscribers. */
  readonly #sample = new Map<number, number[]>()
  #seq = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    for (let index = 0; index < SUBSCRIBERS; index += SAMPLE_EVERY) this.#sample.set(index, [])
  }

  get recordCount(): number {
    return this.#seq * BATCH_RECORDS
  }

  /** The next batch, which must be stored: its sums are counted. */
  next(): Uint8Array {
    const subscribers = new Float64Array(BATCH_RECORDS)
    const usageBytes = new Float64Array(BATCH_RECORDS)
    for (let record = 0; record < BATCH_RECORDS; record++) {
      const index = this.#random.whole(0, SUBSCRIBERS - 1)
      const bytes = this.#random.whole(1, RECORD_SIZE_MAX)
      subscribers[record] = FIRST_SUBSCRIBER + index
      usageBytes[record] = bytes
      this.#totals[index]! += bytes
      this.#sample.get(index)?.push(bytes)
    }
    const timesMs = new Float64Array(BATCH_RECORDS).fill(Date.now())
    const stamp = { probe: 'flood', epoch: 1, seq: ++this.#seq }
    return encodeUsageColumns(stamp, { subscribers, usageBytes, timesMs }, 0, BATCH_RECORDS)
  }

  /** Subscribers to ask for, each with its counters' lifetime values by name. */
  *expectedCounters(): Generator<readonly [number, ReadonlyMap<string, number>]> {
    for (const [index, records] of this.#sample) {
      const values = new Map([['total', this.#totals[index]!]])
      for (let counter = 0; counter < COUNTERS; counter++) {
        const counted = records.filter((bytes) => bytes >= leastBytes(counter))
        values.set(
          `c${counter}`,
          counted.reduce((sum, bytes) => sum + bytes, 0),
        )
      }
      yield [FIRST_SUBSCRIBER + index, values]
    }
  }

  /** A ledger of the deliveries that must have come. */
  expectedDeliveries(): DeliveryLedger {
    return new DeliveryLedger(this.#totals.map((bytes) => Math.floor(bytes / STEP_SIZE)))
  }
}

/** Crosses deliveries off, one by one. */
export class DeliveryLedger {
  lost = 0
  duplicated = 0
  readonly #steps: Float64Array
  readonly #seen: Uint32Array

  constructor(steps: Float64Array) {
    this.#steps = steps
    this.#seen = new Uint32Array(steps.length)
    for (const count of steps) this.lost += Math.min(count, STEPS)
  }

  cross(trigger: string, subscriber: number): void {
    const index = subscriber - FIRST_SUBSCRIBER
    const step = Number(trigger.slice('step-'.length))
    const bit = 1 << step
    if (!(step <= (this.#steps[index] ?? 0)) || (this.#seen[index]! & bit) !== 0) {
      this.duplicated += 1
      return
    }
    this.#seen[index]! |= bit
    this.lost -= 1
  }
}

function leastBytes(counter: number): number {
  return counter * 30
}
