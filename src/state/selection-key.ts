/**
 * What a selection orders its candidates by: a key of five 32-bit words, the largest first. Two
 * are the score as a double whose bits sort like its value; one is a hash of the subscriber,
 * salted by segment and version, so that ties are broken by lot, and by another lot each time; two
 * are the subscriber's number, so that no two keys are equal and every cut is exact. Only the first
 * two are kept (as an item of the layout, zero: no candidate); the others are worked out.
 *
 * A key has 14 digits of 12 bits, the highest first: histograms of one digit after the other find
 * the key that stands at a given place.
 */

import { assert } from '../errors.ts'
import { mix } from '../model/mixing.ts'
import { hasQuotaBits, type SegmentSpec } from '../model/segment.ts'
import { SELECTION_BUCKETS, SELECTION_KEY_WORDS } from '../model/wire.ts'

/** Keys of the items in the layout: the kept words, and bits of the quotas that one is for. */
export const SELECTION_KEY = 'selection/key'
export const SELECTION_QUOTAS = 'selection/quotas'

/** Items that these segments need, with their sizes in bytes. */
export function selectionItems(segments: readonly SegmentSpec[]): readonly [string, number][] {
  if (segments.length === 0) return []
  const key: [string, number] = [SELECTION_KEY, 8]
  return segments.some(hasQuotaBits) ? [key, [SELECTION_QUOTAS, 4]] : [key]
}

const DIGIT_BITS = 12
/** Digits of a key; the last one has only 4 bits in it. */
export const KEY_DIGITS = Math.ceil((32 * SELECTION_KEY_WORDS) / DIGIT_BITS)

const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)

/** Writes the two words of a score, which must be finite: `key[0]` and `key[1]`. */
export function writeScore(score: number, key: Uint32Array): void {
  assert(Number.isFinite(score))
  // -0 and 0 are one score.
  double[0] = score + 0
  const low = halves[0]!
  const high = halves[1]!
  const isNegative = high >>> 31 === 1
  key[0] = isNegative ? ~high : high ^ 0x8000_0000
  key[1] = isNegative ? ~low : low
}

/** The score of two words that `writeScore` wrote. */
export function readScore(high: number, low: number): number {
  const isNegative = high >>> 31 === 0
  halves[1] = isNegative ? ~high : high ^ 0x8000_0000
  halves[0] = isNegative ? ~low : low
  return double[0]!
}

/** Salt of the lots of one selection (FNV-1a). */
export function selectionSalt(segment: string, version: number): number {
  let hash = 0x811c_9dc5
  for (const character of `${segment}/${version}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x0100_0193)
  }
  return hash >>> 0
}

/** Writes what breaks ties for a subscriber, 1 to 15 digits: `key[2]`, `key[3]`, `key[4]`. */
export function writeTieBreak(subscriber: number, salt: number, key: Uint32Array): void {
  const high = Math.floor(subscriber / 2 ** 32)
  const low = subscriber >>> 0
  let hash = mix(salt ^ mix(low))
  hash = mix(hash ^ Math.imul(high, 0x9e37_79b1))
  key[2] = hash
  key[3] = high
  key[4] = low
}

/** Digit `digit` of a key, 0 to SELECTION_BUCKETS - 1. */
export function digitOf(key: Uint32Array, digit: number): number {
  const at = digit * DIGIT_BITS
  const word = at >>> 5
  const bit = at & 31
  const first = key[word]!
  if (bit <= 32 - DIGIT_BITS) return (first >>> (32 - DIGIT_BITS - bit)) & (SELECTION_BUCKETS - 1)
  const missing = bit - (32 - DIGIT_BITS)
  const next = word + 1 < SELECTION_KEY_WORDS ? key[word + 1]! : 0
  return ((first << missing) | (next >>> (32 - missing))) & (SELECTION_BUCKETS - 1)
}

/** Writes digit `digit` into a prefix whose digit is still zero. */
export function setDigit(prefix: Uint32Array, digit: number, value: number): void {
  const at = digit * DIGIT_BITS
  const word = at >>> 5
  const bit = at & 31
  if (bit <= 32 - DIGIT_BITS) {
    prefix[word]! |= value << (32 - DIGIT_BITS - bit)
    return
  }
  const missing = bit - (32 - DIGIT_BITS)
  prefix[word]! |= value >>> missing
  if (word + 1 < SELECTION_KEY_WORDS) prefix[word + 1]! |= value << (32 - missing)
}

/** Words of ones over the first `digits` digits. */
export function digitMask(digits: number): Uint32Array {
  const mask = new Uint32Array(SELECTION_KEY_WORDS)
  for (let digit = 0; digit < digits; digit++) setDigit(mask, digit, SELECTION_BUCKETS - 1)
  return mask
}

/** Where in a histogram the cut lies, seen from the largest digit. */
export interface HistogramCut {
  /** The digit that the cut lies in; all above it are taken. */
  readonly digit: number
  /** How many are above it. */
  readonly above: number
  /** Whether all with this digit are taken, too: the cut is found. */
  readonly isWhole: boolean
}

/** The cut that takes `count` of the histogram's keys, at least 1; all when there are no more. */
export function cutHistogram(counts: Float64Array, count: number): HistogramCut {
  assert(count >= 1)
  let above = 0
  for (let digit = counts.length - 1; digit > 0; digit--) {
    const here = counts[digit]!
    if (above + here >= count) return { digit, above, isWhole: above + here === count }
    above += here
  }
  return { digit: 0, above, isWhole: above + counts[0]! <= count }
}
