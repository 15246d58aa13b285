/**
 * Many deliveries for little work: each subscriber of the ladder climbs over many lines, one
 * delivery per line, by usage of a kind that nothing else in the story counts. Its model is three
 * lines of arithmetic.
 */

import type { ConfigFiles } from '../../src/model/catalog.ts'
import { encodeUsageColumns } from '../../src/probe/encode.ts'
import type { NaiveRecord } from '../support/naive/input.ts'
import type { Random } from '../support/workload/random.ts'

/** Lines that a subscriber may cross, one KiB apart. */
export const LADDER_STEPS = 30

/** Probe whose batches belong to the ladder. */
export const LADDER_PROBE = 'ladder'

const FIRST_SUBSCRIBER = 460_000_000_000
const RECORD_SIZE_MAX = 6 * 1024
/** Enough that nearly all climb to the end: 12 × 3 KiB on average over 30 KiB. */
const RECORDS_PER_SUBSCRIBER = 12
/** `login`: the hostile workload has data, voice and messages only. */
const LADDER_KIND = 3

/** Counter and triggers of the ladder, to be laid beside other files. */
export function ladderFiles(): ConfigFiles {
  const triggers = Array.from({ length: LADDER_STEPS }, (_, index) => {
    const name = stepName(index + 1)
    const text =
      `trigger: ${name}\nwhen: steps.lifetime >= ${index + 1} * KiB\nonce: ever\n` +
      'deliver: { channel: sms }\nmessage: One step further\n'
    return [`triggers/${name}.yaml`, text] as const
  })
  return Object.fromEntries(triggers)
}

/** The line of `counters.yaml` that the ladder needs. */
export const LADDER_COUNTER = "  steps: { sum: bytes, where: 'kind == login', per: [lifetime] }\n"

/** One batch of the ladder; `atMs` is filled in when its place in the log is known. */
export interface LadderBatch {
  readonly seq: number
  readonly subscribers: readonly number[]
  readonly usageBytes: readonly number[]
}

/** Batches of so many records that make about `deliveryCount` deliveries. */
export function climbLadder(
  random: Random,
  deliveryCount: number,
  recordsPerBatch: number,
): LadderBatch[] {
  const subscriberCount = Math.max(1, Math.ceil(deliveryCount / LADDER_STEPS))
  const recordCount = subscriberCount * RECORDS_PER_SUBSCRIBER
  const batches: LadderBatch[] = []
  for (let done = 0; done < recordCount; done += recordsPerBatch) {
    const count = Math.min(recordsPerBatch, recordCount - done)
    const pick = () => FIRST_SUBSCRIBER + random.whole(0, subscriberCount - 1)
    batches.push({
      seq: batches.length + 1,
      subscribers: Array.from({ length: count }, pick),
      usageBytes: Array.from({ length: count }, () => random.whole(0, RECORD_SIZE_MAX)),
    })
  }
  return batches
}

/** A batch as it is published. */
export function encodeLadderBatch(batch: LadderBatch, atMs: number): Uint8Array {
  const { seq, subscribers, usageBytes } = batch
  const columns = {
    subscribers: Float64Array.from(subscribers),
    usageBytes: Float64Array.from(usageBytes),
    timesMs: new Float64Array(subscribers.length).fill(atMs),
    kinds: new Uint8Array(subscribers.length).fill(LADDER_KIND),
  }
  const stamp = { probe: LADDER_PROBE, epoch: 1, seq }
  return encodeUsageColumns(stamp, columns, 0, subscribers.length)
}

/** What each subscriber of the ladder has used, and which lines that crosses. */
export class LadderModel {
  readonly #usedBytes = new Map<number, number>()

  /** Adds a record; ids of the deliveries that it causes, in any order. */
  apply({ subscriber, usageBytes }: NaiveRecord): string[] {
    const before = this.#usedBytes.get(subscriber) ?? 0
    const after = before + usageBytes
    this.#usedBytes.set(subscriber, after)
    const ids: string[] = []
    const last = Math.min(LADDER_STEPS, Math.floor(after / 1024))
    for (let step = Math.floor(before / 1024) + 1; step <= last; step++) {
      ids.push(`${stepName(step)}:${subscriber}:ever:1`)
    }
    return ids
  }

  /** Subscriber and bytes, in order of appearance. */
  totals(): (readonly [number, number])[] {
    return [...this.#usedBytes]
  }
}

function stepName(step: number): string {
  return `step-${String(step).padStart(2, '0')}`
}
