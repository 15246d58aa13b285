/**
 * Who is held out of an experiment: a stable share of the subscribers, by a hash of experiment and
 * number alone. It asks nobody and keeps nothing, so it is the same in every partition, after every
 * replay, and for a number that comes back after an erasure.
 *
 * Numbers are dealt out in blocks and people share them by family and firm, so neighbours must fall
 * apart; and whoever is held out of one experiment must not thereby be likelier in the next. Hence
 * a mixer of murmur3's kind (two rounds of multiply and shift, each bit of the input moves half of
 * the output) over both halves of the number, seeded by the experiment's name, to 53 bits.
 */

import { mix } from '../model/mixing.ts'

const UINT32 = 0x1_0000_0000

/**
 * Whether the subscriber belongs to the control group: `share` from 0 (nobody) to 1 (everybody).
 */
export function isHeldOut(experiment: string, share: number, subscriber: number): boolean {
  return controlPoint(experiment, subscriber) < share
}

/**
 * The subscriber's point in [0, 1) for an experiment, of 53 bits: who is held out at a share stays
 * so at every larger one.
 */
export function controlPoint(experiment: string, subscriber: number): number {
  const seed = fnv1a(experiment)
  const low = (subscriber % UINT32) | 0
  const high = Math.floor(subscriber / UINT32) | 0
  const first = mix(mix(seed ^ low) ^ Math.imul(high, 0x9e3779b1))
  const second = mix(first ^ mix(seed + 0x7f4a7c15) ^ Math.imul(low, 0x85ebca77))
  return ((first >>> 5) * 0x400_0000 + (second >>> 6)) / 0x20_0000_0000_0000
}

/** FNV-1a of the name's UTF-16 units, 32 bits (draft-eastlake-fnv). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  return hash | 0
}
