/**
 * Sets of different apps: a bit for each app that a counter tells apart, in chunks of 64 that are
 * doubles to the layout and pairs of words here. A chunk that is added later may lie in another
 * table; a set that never needs a second chunk costs what any counter costs.
 */

import { countBits } from './bits.ts'
import type { Place } from './layout.ts'
import type { PagedTable } from './paged-table.ts'

/** Bits of one chunk, 8 bytes. */
export const CHUNK_BITS = 64

/** Chunks that this many apps need. */
export function chunkCount(apps: number): number {
  return Math.ceil(apps / CHUNK_BITS)
}

/** Where the sets of one counter window live. */
export interface AppSet {
  /** Bit of an app code, -1 for those that are not told apart; shorter than the largest code. */
  readonly bitOf: Int16Array
  /** Chunks by period back (0: the running one), then by position. */
  readonly places: readonly (readonly Place[])[]
}

/** The bits of app codes, as `AppSet.bitOf`. */
export function appBits(apps: readonly number[]): Int16Array {
  const bits = new Int16Array(apps.length === 0 ? 0 : Math.max(...apps) + 1).fill(-1)
  for (const [bit, code] of apps.entries()) bits[code] = bit
  return bits
}

/** Adds an app to the set `back` periods back. An app that is not told apart changes nothing. */
export function addApp(
  tables: readonly PagedTable[],
  row: number,
  { bitOf, places }: AppSet,
  back: number,
  app: number,
): void {
  const bit = bitOf[app] ?? -1
  if (bit === -1) return
  const { table, offset } = places[back]![bit >>> 6]!
  const at = offset + (((bit >>> 5) & 1) << 2)
  const owner = tables[table]!
  const word = owner.getI32(row, at)
  if (((word >>> (bit & 31)) & 1) === 0) owner.setI32(row, at, word | (1 << (bit & 31)))
}

/** How many apps are in the set `back` periods back. */
export function countApps(
  tables: readonly PagedTable[],
  row: number,
  { places }: AppSet,
  back: number,
): number {
  let count = 0
  for (const { table, offset } of places[back]!) {
    const owner = tables[table]!
    count += countBits(owner.getI32(row, offset)) + countBits(owner.getI32(row, offset + 4))
  }
  return count
}

/** Moves the sets of a row `steps` periods on; the running one is empty then. */
export function rollApps(
  tables: readonly PagedTable[],
  row: number,
  { places }: AppSet,
  steps: number,
): void {
  for (let back = places.length - 1; back >= 0; back--) {
    for (const [chunk, { table, offset }] of places[back]!.entries()) {
      const source = places[back - steps]?.[chunk]
      const target = tables[table]!
      for (let half = 0; half < 8; half += 4) {
        const word =
          source === undefined ? 0 : tables[source.table]!.getI32(row, source.offset + half)
        if (target.getI32(row, offset + half) !== word) target.setI32(row, offset + half, word)
      }
    }
  }
}
