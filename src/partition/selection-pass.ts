/**
 * The three passes of a selection over the rows of one partition, a slice at a time: scoring (who
 * is a candidate, with which key), counting (keys by their next digit), applying (the tag follows
 * the cut). Each takes the run's cursor on and says whether the pass is over.
 */

import { assert } from '../errors.ts'
import type { SegmentSpec } from '../model/segment.ts'
import { hasQuotaBits, previousTagOf } from '../model/segment.ts'
import { SELECTION_KEY_WORDS } from '../model/wire.ts'
import { META_OFFSET, META_OWN_PERIODS_MASK, type Place } from '../state/layout.ts'
import { placeKeys } from '../state/place-keys.ts'
import type { PagedTable } from '../state/paged-table.ts'
import {
  digitMask,
  digitOf,
  readScore,
  SELECTION_KEY,
  SELECTION_QUOTAS,
  selectionSalt,
  writeScore,
  writeTieBreak,
} from '../state/selection-key.ts'
import { NO_SUBSCRIBER } from '../state/subscriber-index.ts'
import type { PartitionCore } from './core.ts'
import type { Judge } from './judging.ts'
import type { Profiles } from './profiles.ts'
import { generateScorer, type Scorer } from './scoring.ts'
import type { SelectionRun } from './selection-state.ts'

/** Rows that one input scores or applies, and counts; applying also ends after so many changes. */
export const SCORED_PER_INPUT = 4_096
export const COUNTED_PER_INPUT = 32_768
export const CHANGED_PER_INPUT = 1_000

/** Words that a key has in its row. */
const KEPT_WORDS = 2
/** First digits of a key that are of its score alone. */
const SCORE_DIGITS = 5

/** The passes of one run, for the catalog now in force; made again after a load. */
export class SelectionPass {
  readonly #core: PartitionCore
  readonly #run: SelectionRun
  readonly #segment: SegmentSpec
  readonly #scorer: Scorer
  readonly #salt: number
  readonly #keys: PagedTable
  readonly #keyOffset: number
  /** Where the bits of quotas are; null: there is one quota for everybody. */
  readonly #quotaPlace: Place | null
  readonly #defaultPeriods: Int32Array
  readonly #key = new Uint32Array(SELECTION_KEY_WORDS)

  constructor(core: PartitionCore, run: SelectionRun, segment: SegmentSpec) {
    this.#core = core
    this.#run = run
    this.#segment = segment
    this.#scorer = generateScorer(core.compiled, core.tables, segment)
    this.#salt = selectionSalt(run.segment, run.version)
    const { table, offset } = core.compiled.place(SELECTION_KEY)
    this.#keys = core.tables[table]!
    this.#keyOffset = offset
    this.#quotaPlace = hasQuotaBits(segment) ? core.compiled.place(SELECTION_QUOTAS) : null
    this.#defaultPeriods = Int32Array.from(core.periodKeysOf(0, run.startMs))
  }

  /** Gives the next rows their keys, and counts them by the first digit. */
  score(): boolean {
    const run = this.#run
    const core = this.#core
    const hot = core.tables[0]!
    const end = Math.min(run.cursor + SCORED_PER_INPUT, run.slotCount)
    for (let slot = run.cursor; slot < end; slot++) {
      const score = hot.getF64(slot, 0) === NO_SUBSCRIBER ? Number.NaN : this.#scoreOf(slot)
      if (Number.isNaN(score)) {
        this.#forget(slot)
        continue
      }
      writeScore(score, this.#key)
      this.#keys.setI32(slot, this.#keyOffset, this.#key[0]! | 0)
      this.#keys.setI32(slot, this.#keyOffset + 4, this.#key[1]! | 0)
      run.candidates += 1
      if (this.#isOfQuota(slot, 0)) run.counts[digitOf(this.#key, 0)]! += 1
    }
    run.cursor = end
    return end === run.slotCount
  }

  /** Counts the next rows by the digit after those that are settled. */
  count(): boolean {
    const run = this.#run
    const end = Math.min(run.cursor + COUNTED_PER_INPUT, run.slotCount)
    const { digits, prefix, counts } = run
    const quota = run.thresholds.length / SELECTION_KEY_WORDS
    const mask = digitMask(digits)
    const key = this.#key
    for (let slot = run.cursor; slot < end; slot++) {
      if (!this.#readKey(slot)) continue
      if (((key[0]! ^ prefix[0]!) & mask[0]!) !== 0 || ((key[1]! ^ prefix[1]!) & mask[1]!) !== 0) {
        continue
      }
      if (!this.#isOfQuota(slot, quota)) continue
      if (digits >= SCORE_DIGITS) {
        writeTieBreak(this.#core.subscriberOf(slot), this.#salt, key)
        if (!this.#matchesTieBreak(prefix, mask)) continue
      }
      if (quota > 0 && this.#isTaken(slot)) continue
      counts[digitOf(key, digits)]! += 1
    }
    run.cursor = end
    return end === run.slotCount
  }

  /** Gives the next rows the tag of the version, or takes it from them; triggers judge both. */
  apply(profiles: Profiles, judge: Judge): boolean {
    const run = this.#run
    const core = this.#core
    const { name, keepsPrevious } = this.#segment
    const tag = core.compiled.place(placeKeys.tagVersion(name))
    const previousName = previousTagOf(name)
    const previous = keepsPrevious ? core.compiled.place(placeKeys.tagVersion(previousName)) : null
    const triggers = profiles.readersOfTags(keepsPrevious ? [name, previousName] : [name])
    const tags = core.tables[tag.table]!
    const end = Math.min(run.cursor + SCORED_PER_INPUT, run.slotCount)
    let changed = 0
    let slot = run.cursor
    for (; slot < end && changed < CHANGED_PER_INPUT; slot++) {
      if (core.subscriberOf(slot) === NO_SUBSCRIBER) continue
      const isTaken = this.#readKey(slot) && this.#isTaken(slot)
      if (isTaken) this.#noteTaken()
      const before = tags.getI32(slot, tag.offset)
      const after = isTaken ? run.version : 0
      const kept =
        previous === null ? 0 : core.tables[previous.table]!.getI32(slot, previous.offset)
      // Selected again under the same version, since a reload broke the first attempt off.
      const past = before === run.version ? kept : before
      if (before === after && (previous === null || kept === past)) continue
      changed += 1
      const wasTrue = judge.trueEdges(slot, triggers)
      tags.setI32(slot, tag.offset, after)
      if (previous !== null) core.tables[previous.table]!.setI32(slot, previous.offset, past)
      judge.judgeNow(slot, triggers, wasTrue)
    }
    run.cursor = slot
    return slot === run.slotCount
  }

  /** Counts the slot whose key has been read. */
  #noteTaken(): void {
    const run = this.#run
    run.taken += 1
    const score = readScore(this.#key[0]!, this.#key[1]!)
    if (run.lowestScore === null || score < run.lowestScore) run.lowestScore = score
  }

  /** Score of a slot, its quotas noted; NaN: no candidate. */
  #scoreOf(slot: number): number {
    const { startMs } = this.#run
    const periods = this.#periodsOf(slot)
    const score = this.#scorer.score(slot, periods, startMs)
    if (Number.isNaN(score) || this.#quotaPlace === null) return score
    const bits = this.#scorer.quotas(slot, periods, startMs)
    if (bits === 0) return Number.NaN
    const { table, offset } = this.#quotaPlace
    this.#core.tables[table]!.setI32(slot, offset, bits)
    return score
  }

  #periodsOf(slot: number): Int32Array {
    const core = this.#core
    const meta = core.tables[0]!.getI32(slot, META_OFFSET)
    if ((meta & META_OWN_PERIODS_MASK) === 0) return this.#defaultPeriods
    return core.periodKeys(slot, this.#run.startMs)
  }

  /** No key of an earlier selection may stay. */
  #forget(slot: number): void {
    if (!this.#readKey(slot)) return
    this.#keys.setI32(slot, this.#keyOffset, 0)
    this.#keys.setI32(slot, this.#keyOffset + 4, 0)
  }

  /** Reads the kept words of a slot's key; false: no candidate. */
  #readKey(slot: number): boolean {
    const table = this.#keys
    const words = table.i32[slot >>> table.segmentShift]!
    const index = table.f64Index(slot) * 2 + (this.#keyOffset >>> 2)
    const key = this.#key
    key[0] = words[index]!
    key[1] = words[index + 1]!
    return (key[0]! | key[1]!) !== 0
  }

  #isOfQuota(slot: number, quota: number): boolean {
    if (this.#quotaPlace === null) return true
    const { table, offset } = this.#quotaPlace
    return ((this.#core.tables[table]!.getI32(slot, offset) >>> quota) & 1) === 1
  }

  /** Whether the words of the tie-break begin like the prefix. */
  #matchesTieBreak(prefix: Uint32Array, mask: Uint32Array): boolean {
    const key = this.#key
    for (let word = KEPT_WORDS; word < SELECTION_KEY_WORDS; word++) {
      if (((key[word]! ^ prefix[word]!) & mask[word]!) !== 0) return false
    }
    return true
  }

  /** Whether a quota that is cut takes the slot whose key has been read. */
  #isTaken(slot: number): boolean {
    const { thresholds } = this.#run
    const quotas = thresholds.length / SELECTION_KEY_WORDS
    for (let quota = 0; quota < quotas; quota++) {
      if (this.#isOfQuota(slot, quota) && this.#isAtOrAbove(slot, quota)) return true
    }
    return false
  }

  #isAtOrAbove(slot: number, quota: number): boolean {
    const { thresholds } = this.#run
    const at = quota * SELECTION_KEY_WORDS
    const key = this.#key
    assert(thresholds.length >= at + SELECTION_KEY_WORDS)
    for (let word = 0; word < SELECTION_KEY_WORDS; word++) {
      if (word === KEPT_WORDS) writeTieBreak(this.#core.subscriberOf(slot), this.#salt, key)
      if (key[word] !== thresholds[at + word]) return key[word]! > thresholds[at + word]!
    }
    return true
  }
}
