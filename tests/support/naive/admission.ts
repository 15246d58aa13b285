/**
 * Which messages the naive model lets in: shape and range of their contents, and promise 4's
 * dedupe.
 */

import { LIST_NAMES } from '../../../src/model/expression.ts'
import type { ProfileRow } from '../../../src/model/messages.ts'
import type { RejectReason } from '../../../src/model/reject.ts'
import type { ProducerStamp } from '../../../src/model/usage.ts'
import type { NaiveParameters, NaiveRecord } from './input.ts'
import { isZone } from './zone.ts'

const BELOW_HIGHEST_COUNT = 1024

/** Answer of `ProducerLedger.judge`. */
export type Admission = 'new' | 'repeat' | 'seq-too-old' | 'epoch-too-old'

/** Every stamp that was ever accepted, by kind of subject and producer. Only `note` changes it. */
export class ProducerLedger {
  readonly #producers = new Map<string, { epoch: number; highest: number; seen: Set<number> }>()

  judge(kind: string, stamp: ProducerStamp): Admission {
    const known = this.#producers.get(`${kind} ${stamp.probe}`)
    if (known === undefined || stamp.epoch > known.epoch) return 'new'
    if (stamp.epoch < known.epoch) return 'epoch-too-old'
    if (stamp.seq < known.highest - BELOW_HIGHEST_COUNT) return 'seq-too-old'
    return known.seen.has(stamp.seq) ? 'repeat' : 'new'
  }

  note(kind: string, stamp: ProducerStamp): void {
    const key = `${kind} ${stamp.probe}`
    let known = this.#producers.get(key)
    if (known === undefined || stamp.epoch > known.epoch) {
      known = { epoch: stamp.epoch, highest: stamp.seq, seen: new Set() }
      this.#producers.set(key, known)
    }
    known.highest = Math.max(known.highest, stamp.seq)
    known.seen.add(stamp.seq)
  }
}

/** Why a usage record spoils its batch, or null. Event time outside the accepted range does not. */
export function recordFault(record: NaiveRecord, parameters: NaiveParameters): RejectReason | null {
  if (Number.isNaN(record.usageBytes) || Number.isNaN(record.timeMs)) return 'not-a-number'
  if (record.usageBytes < 0 || record.timeMs < 0) return 'negative'
  if (!Number.isSafeInteger(record.usageBytes)) return 'not-whole'
  if (!Number.isSafeInteger(record.timeMs)) return 'not-whole'
  if (!isWithin(record.rat, 0, 10) || !isWithin(record.kind, 0, 5)) return 'unknown-code'
  return subscriberFault(record.subscriber, parameters)
}

/** Why a profile row spoils its message, or null. Fields are of no interest to S1's trigger. */
export function rowFault(row: ProfileRow, parameters: NaiveParameters): RejectReason | null {
  for (const [tag, value] of Object.entries(row.tags)) {
    if (tag !== 'seed' && tag !== 'has_pack') return 'unknown-name'
    if (value === null || value === false) continue
    if (tag === 'has_pack' && value !== true) return 'bad-type'
    if (tag === 'seed' && typeof value !== 'number') return 'bad-type'
    if (tag === 'seed' && !isWithin(Number(value), 1, 2 ** 31 - 1)) return 'out-of-range'
  }
  const names: readonly string[] = LIST_NAMES
  if (Object.keys(row.lists).some((list) => !names.includes(list))) return 'unknown-name'
  if (typeof row.zone === 'string' && !isZone(row.zone)) return 'unknown-name'
  return subscriberFault(row.subscriber, parameters)
}

function subscriberFault(subscriber: number, parameters: NaiveParameters): RejectReason | null {
  if (!isWithin(subscriber, 0, 999_999_999_999_999)) return 'out-of-range'
  if (subscriber % parameters.partitionCount !== parameters.partition) return 'wrong-partition'
  return null
}

function isWithin(value: number, lowest: number, highest: number): boolean {
  return Number.isInteger(value) && value >= lowest && value <= highest
}
