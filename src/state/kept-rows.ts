/**
 * Rows as they were at the position of a running checkpoint, of pages that it has not written yet:
 * a row is kept before its first change. Rows and not pages, since random usage touches every page
 * within a few ten thousand records: copying whole pages stopped a partition of 12 million
 * subscribers for most of a second at the begin of each checkpoint. And one after the other, in the
 * order of their changes: a shadow of the whole table stopped it as long, for memory that the
 * system cleared at its first touch.
 *
 * An entry, in words: number of the page's entry before it + 1 (0: none) | row within the page |
 * the row.
 */

/** Where rows lie; all of it is the table's. */
export interface RowGrid {
  readonly strideSize: number
  /** log2 of the rows of a page, and of a segment. */
  readonly pageShift: number
  readonly segmentShift: number
  readonly i32: readonly Int32Array[]
}

const ENTRY_HEAD_WORDS = 2
const CHUNK_SIZE_AIM = 2 * 1024 * 1024

/** What one sweep of one table has kept so far. */
export class KeptRows {
  readonly #grid: RowGrid
  /** Words of a row: never doubles, which may lose bits of what is no number. */
  readonly #rowWords: number
  readonly #entryWords: number
  /** log2 of the entries of a chunk. */
  readonly #chunkShift: number
  readonly #chunks: Int32Array[] = []
  /** Chunks of the sweep before, to be used again. */
  readonly #spare: Int32Array[]
  #entryCount = 0
  /** A bit per row that was kept, and each page's last entry + 1. */
  readonly #bits: Uint32Array
  readonly #lastEntries: Int32Array

  /** `spare`: chunks of the sweep before, which are this one's from now on. */
  constructor(grid: RowGrid, pageCount: number, spare: Int32Array[] = []) {
    this.#grid = grid
    this.#spare = spare
    this.#rowWords = grid.strideSize >>> 2
    this.#entryWords = ENTRY_HEAD_WORDS + this.#rowWords
    this.#chunkShift = Math.floor(Math.log2(CHUNK_SIZE_AIM / (4 * this.#entryWords)))
    this.#bits = new Uint32Array(((pageCount << grid.pageShift) >>> 5) + 1)
    this.#lastEntries = new Int32Array(pageCount)
  }

  /** Gives its chunks away: it must not be used any more. */
  takeChunks(): Int32Array[] {
    return this.#chunks
  }

  /** Call before a row of a page changes that was not written yet. */
  keep(row: number): void {
    const bit = 1 << (row & 31)
    if ((this.#bits[row >>> 5]! & bit) !== 0) return
    this.#bits[row >>> 5]! |= bit
    const { pageShift, segmentShift, i32 } = this.#grid
    const page = row >>> pageShift
    const entry = this.#entryCount++
    const chunk = entry >>> this.#chunkShift
    if (chunk === this.#chunks.length) {
      this.#chunks.push(this.#spare.pop() ?? new Int32Array(this.#entryWords << this.#chunkShift))
    }
    const words = this.#chunks[chunk]!
    const at = (entry & ((1 << this.#chunkShift) - 1)) * this.#entryWords
    words[at] = this.#lastEntries[page]!
    words[at + 1] = row & ((1 << pageShift) - 1)
    this.#lastEntries[page] = entry + 1
    const source = i32[row >>> segmentShift]!
    const from = (row & ((1 << segmentShift) - 1)) * this.#rowWords
    const to = at + ENTRY_HEAD_WORDS
    for (let i = 0; i < this.#rowWords; i++) words[to + i] = source[from + i]!
  }

  /** Puts the kept rows of a page into `rows`, its image as it is now; whether there were any. */
  restore(page: number, rows: Uint8Array): boolean {
    const last = this.#lastEntries[page]!
    if (last === 0) return false
    const image = new Int32Array(rows.buffer, rows.byteOffset, rows.byteLength >>> 2)
    const rowWords = this.#rowWords
    for (let next = last; next !== 0; ) {
      const entry = next - 1
      const words = this.#chunks[entry >>> this.#chunkShift]!
      const at = (entry & ((1 << this.#chunkShift) - 1)) * this.#entryWords
      const to = words[at + 1]! * rowWords
      const from = at + ENTRY_HEAD_WORDS
      for (let i = 0; i < rowWords; i++) image[to + i] = words[from + i]!
      next = words[at]!
    }
    return true
  }
}
