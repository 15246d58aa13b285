/**
 * Latches: which (trigger, subscriber, period) has fired, as bits that grow older together; and the
 * further latch of `oncePerTag`, the version of the tag that a trigger last fired for.
 */

import { assert } from '../errors.ts'
import { placeKeys } from '../state/place-keys.ts'
import type { CompiledCondition, CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'

/** What has a latch. */
type Latched = Pick<CompiledCondition, 'latch' | 'spec'>

/**
 * The latches of one partition. Generated code reads them too (kernel.ts), with the same meaning.
 */
export class Latches {
  readonly #core: PartitionCore

  constructor(core: PartitionCore) {
    this.#core = core
  }

  /** Whether the trigger may still fire for the period of these keys. */
  isOpen({ latch }: Latched, slot: number, keys: Int32Array): boolean {
    const { table, offset, bit, bitCount } = latch.place
    const rows = this.#core.tables[table]!
    const word = rows.getI32(slot, offset)
    if (latch.unit === -1) return ((word >>> bit) & 1) === 0
    const back = rows.getI32(slot, latch.stampOffset) - keys[latch.unit]!
    if (back < 0) return true
    return back < bitCount && ((word >>> (bit + back)) & 1) === 0
  }

  /**
   * Sets or reopens the latch of one period. What is older than the latch remembers stays closed.
   */
  set({ latch, spec }: Latched, slot: number, period: number, isSet: boolean): void {
    const { table, offset, bit, bitCount } = latch.place
    const rows = this.#core.tables[table]!
    let back = 0
    if (latch.stampOffset !== -1) {
      const stamp = rows.getI32(slot, latch.stampOffset)
      if (stamp < period) {
        this.#shift(slot, table, `latch/${spec.once}`, period - stamp)
        rows.setI32(slot, latch.stampOffset, period)
      } else {
        back = stamp - period
      }
    }
    if (!isSet && back >= bitCount) return
    assert(back < bitCount, 'a latch is set beyond its memory')
    const word = rows.getI32(slot, offset)
    const mask = 1 << (bit + back)
    rows.setI32(slot, offset, isSet ? word | mask : word & ~mask)
  }

  /** Notes that the trigger fires for the tag's version; false when it did so before. */
  claimTagging(trigger: CompiledTrigger, slot: number): boolean {
    if (this.isTaggingSpent(trigger, slot)) return false
    const { taggingPlace } = trigger
    if (taggingPlace === null) return true
    const rows = this.#core.tables[taggingPlace.table]!
    rows.setI32(slot, taggingPlace.offset, this.taggingOf(trigger, slot))
    return true
  }

  /** Whether the trigger fires once per version of a tag, and did so for the present one. */
  isTaggingSpent(trigger: CompiledTrigger, slot: number): boolean {
    if (trigger.taggingPlace === null || trigger.spec.oncePerTag === null) return false
    return this.firedFor(trigger, slot) === this.taggingOf(trigger, slot)
  }

  /** The version that the trigger fired for last; 0: none, or it asks for none. */
  firedFor({ taggingPlace }: CompiledTrigger, slot: number): number {
    if (taggingPlace === null) return 0
    return this.#core.tables[taggingPlace.table]!.getI32(slot, taggingPlace.offset)
  }

  /** The version that a trigger fires once for as the tag stands now; 0: it asks for none. */
  taggingOf({ spec }: CompiledTrigger, slot: number): number {
    if (spec.oncePerTag === null) return 0
    const { tables, compiled } = this.#core
    const version = compiled.place(placeKeys.tagVersion(spec.oncePerTag))
    return tables[version.table]!.getI32(slot, version.offset)
  }

  /**
   * Forgets that it fired for this version: what it made of that was dropped and may be retried.
   * Not when it has fired for another one since.
   */
  releaseTagging(trigger: CompiledTrigger, slot: number, version: number): void {
    const { taggingPlace } = trigger
    if (taggingPlace === null || this.firedFor(trigger, slot) !== version) return
    this.#core.tables[taggingPlace.table]!.setI32(slot, taggingPlace.offset, 0)
  }

  /** All latches of one unit in one table share a stamp: they grow older together. */
  #shift(slot: number, table: number, group: string, steps: number): void {
    const { tables, layout } = this.#core
    const rows = tables[table]!
    for (const word of layout.bitWords) {
      if (word.table !== table || word.group !== group) continue
      const bits = rows.getI32(slot, word.offset)
      if (bits === 0) continue
      let shifted = 0
      for (const key in layout.places) {
        const place = layout.places[key]!
        if (place.table !== table || place.offset !== word.offset || place.bitCount === 0) continue
        if (steps >= place.bitCount) continue
        const mask = place.bitCount === 32 ? -1 : (1 << place.bitCount) - 1
        shifted |= ((((bits >>> place.bit) & mask) << steps) & mask) << place.bit
      }
      rows.setI32(slot, word.offset, shifted)
    }
  }
}
