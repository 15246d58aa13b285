/**
 * Latches: which (trigger, subscriber, period) has fired, as bits that grow older together; and the
 * further latch of `oncePerTag`, the version of the tag that a trigger last fired for.
 */

import { assert } from '../errors.ts'
import type { Place } from '../state/layout.ts'
import { isLatchKey, placeKeys } from '../state/place-keys.ts'
import type { CompiledCatalog, CompiledCondition, CompiledTrigger } from './compile.ts'
import type { PartitionCore } from './core.ts'

/** What has a latch. */
type Latched = Pick<CompiledCondition, 'latch' | 'spec'>

/** A word with latches that grow older together; it may hold flags and other latches beside. */
interface LatchWord {
  readonly offset: number
  /** Their bits. */
  readonly own: number
  /** By steps that they grow older, which of these remain. */
  readonly kept: Int32Array
}

/**
 * The latches of one partition. Generated code reads them too (kernel.ts), with the same meaning.
 */
export class Latches {
  readonly #core: PartitionCore
  /** By table and period, for the catalog that they were found for. */
  readonly #words = new Map<string, readonly LatchWord[]>()
  #wordsFor: CompiledCatalog | null = null

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
        this.#shift(slot, table, spec.once, period - stamp)
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
  #shift(slot: number, table: number, once: string, steps: number): void {
    const rows = this.#core.tables[table]!
    for (const { offset, own, kept } of this.#wordsOf(table, once)) {
      const bits = rows.getI32(slot, offset)
      if ((bits & own) === 0) continue
      const older = steps < kept.length ? (bits & kept[steps]!) << steps : 0
      rows.setI32(slot, offset, (bits & ~own) | older)
    }
  }

  /** Words whose latches share a stamp, found once per catalog: there may be hundreds of them. */
  #wordsOf(table: number, once: string): readonly LatchWord[] {
    const { compiled, layout } = this.#core
    if (this.#wordsFor !== compiled) {
      this.#wordsFor = compiled
      this.#words.clear()
    }
    const key = `${table} ${once}`
    const known = this.#words.get(key)
    if (known !== undefined) return known
    const latches = Object.entries(layout.places)
      .filter(([name, place]) => place.table === table && isLatchKey(name, once))
      .map(([, place]) => place)
    const found = [...new Set(latches.map(({ offset }) => offset))].map((offset) => {
      const places = latches.filter((place) => place.offset === offset)
      const kept = keptBits(places)
      return { offset, own: bitsOf(places), kept }
    })
    this.#words.set(key, found)
    return found
  }
}

/** All bits of places in one word. */
function bitsOf(places: readonly Place[]): number {
  return places.reduce((bits, { bit, bitCount }) => bits | ((2 ** bitCount - 1) << bit), 0)
}

/** By steps that latches grow older: their bits that are still remembered then. */
function keptBits(places: readonly Place[]): Int32Array {
  const bitCountMax = Math.max(0, ...places.map(({ bitCount }) => bitCount))
  return Int32Array.from({ length: bitCountMax }, (_, steps) => {
    let kept = 0
    for (const { bit, bitCount } of places) {
      for (let back = 0; back + steps < bitCount; back++) kept |= 1 << (bit + back)
    }
    return kept
  })
}
