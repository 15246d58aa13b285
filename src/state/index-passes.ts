/**
 * The look-up of a column of subscribers as generated code over the arrays of one index, all of
 * them constants of it: a core has room for so many instructions, so the fewer lie between two
 * cache misses, the more misses are on their way at once. With the arrays as arguments, reading a
 * random row takes twice as long (bench/kernels/kernel).
 *
 * Passes over blocks of records: hash, home, probe, key of the row, compare. Only the second and
 * the fourth miss, and neither has a branch that depends on what it loads. Reading the key draws in
 * the line of the row that the update pass needs.
 */

import { assert } from '../errors.ts'
import type { PagedTable } from './paged-table.ts'

/** Records that go through all passes together: scratch columns stay in the first cache. */
const BLOCK_RECORDS = 1024

/** What an index is made of, besides its arrays. */
export interface IndexCoding {
  /** Bits of an entry that hold slot + 1; the others its tag. */
  readonly slotBits: number
  /** Hash of a subscriber number's two words. */
  readonly hashWords: (low: number, high: number) => number
}

/** slots[i] = slot of subscribers[i], or -1: not found at the first entry with its tag. */
type ResolveBlock = (
  words: Int32Array,
  subscribers: Float64Array,
  from: number,
  count: number,
  slots: Int32Array,
) => void

/** The passes over one generation of arrays: made anew as the index or the table grows. */
export class IndexPasses {
  readonly #entries: Int32Array
  readonly #segments: readonly Float64Array[]
  readonly #resolve: ResolveBlock

  /** `entries`: homes are the top bits of hashes, `shift` to the right. The table has rows. */
  constructor(coding: IndexCoding, entries: Int32Array, shift: number, table: PagedTable) {
    assert(table.f64.length > 0, 'passes need a row to read')
    this.#entries = entries
    this.#segments = [...table.f64]
    this.#resolve = generate(coding, entries, shift, table)
  }

  /** Whether these are still the arrays in use. */
  isOver(entries: Int32Array, segments: readonly Float64Array[]): boolean {
    if (entries !== this.#entries || segments.length !== this.#segments.length) return false
    return segments.every((segment, number) => segment === this.#segments[number])
  }

  /** Looks up the first `count` subscribers; -1: nobody's, or behind another with the same tag. */
  resolve(subscribers: Float64Array, count: number, slots: Int32Array): void {
    const words = new Int32Array(subscribers.buffer, subscribers.byteOffset, count * 2)
    for (let from = 0; from < count; from += BLOCK_RECORDS) {
      this.#resolve(words, subscribers, from, Math.min(BLOCK_RECORDS, count - from), slots)
    }
  }
}

function generate(
  { slotBits, hashWords }: IndexCoding,
  entries: Int32Array,
  shift: number,
  table: PagedTable,
): ResolveBlock {
  const segments = table.f64
  const slotMask = (1 << slotBits) - 1
  const rowMask = (1 << table.segmentShift) - 1
  const names = segments.map((_, number) => `rows${number}`)
  const hasOne = segments.length === 1
  const source = `'use strict';
return function resolve(words, subscribers, from, count, slots) {
  for (let i = 0; i < count; i++) {
    const word = (from + i) * 2;
    hashes[i] = hashWords(words[word], words[word + 1]);
  }
  ${eachSource((i) => `found[${i}] = entries[hashes[${i}] >>> ${shift}];`)}
  ${hasOne ? '' : 'counts.fill(0);'}
  for (let i = 0; i < count; i++) {
    let entry = found[i];
    const hash = hashes[i];
    if (entry !== 0 && ((entry >>> ${slotBits}) ^ hash) << ${slotBits} !== 0) {
      let position = hash >>> ${shift};
      do {
        position += 1;
        entry = entries[position];
      } while (entry !== 0 && ((entry >>> ${slotBits}) ^ hash) << ${slotBits} !== 0);
    }
    const slot = (entry & ${slotMask}) - 1;
    found[i] = slot;
    const row = slot < 0 ? 0 : slot;
    places[i] = Math.imul(row & ${rowMask}, ${table.strideSize >>> 3});
    ${hasOne ? '' : `const segment = row >>> ${table.segmentShift}; order[segment * ${BLOCK_RECORDS} + counts[segment]++] = i;`}
  }
  ${hasOne ? eachSource((i) => `keys[${i}] = rows0[places[${i}]];`) : names.map(gatherSource).join('\n  ')}
  for (let i = 0; i < count; i++) {
    slots[from + i] = keys[i] === subscribers[from + i] ? found[i] : -1;
  }
};`
  const constants = {
    hashWords,
    entries,
    hashes: new Int32Array(BLOCK_RECORDS),
    found: new Int32Array(BLOCK_RECORDS),
    places: new Int32Array(BLOCK_RECORDS),
    keys: new Float64Array(BLOCK_RECORDS),
    order: new Int32Array(BLOCK_RECORDS * segments.length),
    counts: new Int32Array(segments.length),
  }
  const make = new Function(...Object.keys(constants), ...names, source)
  return make(...Object.values(constants), ...segments) as ResolveBlock
}

/** A loop that reads what is far away, unrolled: what counts it takes the room of misses. */
function eachSource(statement: (i: string) => string): string {
  const four = ['i', 'i + 1', 'i + 2', 'i + 3'].map(statement)
  return `for (let i = 0; i < (count & -4); i += 4) { ${four.join(' ')} }
  for (let i = count & -4; i < count; i++) { ${statement('i')} }`
}

/** Reads the keys of the records whose rows lie in one of several segments. */
function gatherSource(name: string, number: number): string {
  const first = number * BLOCK_RECORDS
  return `for (let j = ${first}, end = ${first} + counts[${number}]; j < end; j++) {
    const i = order[j];
    keys[i] = ${name}[places[i]];
  }`
}
