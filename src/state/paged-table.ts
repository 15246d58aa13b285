/**
 * Fixed-width rows in pages, pages in large segments of flat memory. A row keeps its place. Every
 * page knows whether it changed since the last checkpoint, and a row whose page is part of a
 * running checkpoint is kept before its first change: that is how an image of one position is
 * written without stopping.
 */

import { assert } from '../errors.ts'
import { KeptRows } from './kept-rows.ts'

/**
 * Unchanged since the last committed checkpoint (or written by the running one and unchanged
 * since).
 */
export const PAGE_CLEAN = 0
/** Changed since; goes into the next checkpoint. */
export const PAGE_DIRTY = 1
/** Belongs to the running checkpoint and is not written yet: rows are kept before they change. */
export const PAGE_SWEEPING = 2

/**
 * Page data lies in this range: larger pages waste less of LMDB's units, smaller ones copy faster.
 */
const PAGE_SIZE_MIN = 12 * 1024
const PAGE_SIZE_MAX = 32 * 1024
/** LMDB gives a value whole units of its own page size; heads (theirs and ours) take some of it. */
const STORE_UNIT_SIZE = 4096
const STORE_HEADS_SIZE = 64
/**
 * Few large segments: with 46 of them, finding the memory of a random row cost as much as reading
 * it (bench/kernels/kernel).
 */
const SEGMENT_SIZE_AIM = 1024 * 1024 * 1024
/** Small tables do with less: the first segment begins so small and is copied as it doubles, … */
const FIRST_SEGMENT_SIZE = 1024 * 1024
/** … up to this size, a pause of some 20 ms. Then it has its whole size, untouched memory. */
const COPIED_SIZE_MAX = 64 * 1024 * 1024
/**
 * What the C library maps for a large ArrayBuffer begins 16 bytes behind a page's start. Rows begin
 * at a multiple of a cache line, so that one of 64 bytes lies in one line instead of two.
 */
const LINE_SIZE = 64
const ALIGNMENT_OFFSET = LINE_SIZE - 16

/** Rows of one stride. `f64`, `i32` and `bytes` are views of the same segments. */
export class PagedTable {
  readonly id: number
  /** Bytes of a row, a multiple of 8. */
  readonly strideSize: number
  /** log2 of the rows of a page, and of a segment. */
  readonly pageShift: number
  readonly segmentShift: number
  readonly pageSize: number
  readonly f64: Float64Array[] = []
  readonly i32: Int32Array[] = []
  readonly bytes: Uint8Array[] = []
  /** State by page number; replaced when it grows, so never keep it across an input. */
  pageFlags: Uint8Array = new Uint8Array(1024)
  /** Checksum of the image written last, by page number: what a manifest knows pages by. */
  pageSums: Uint32Array = new Uint32Array(1024)
  rowCount = 0
  /** Rows that the segments have room for. */
  #rowRoom = 0
  /** Rows as the running checkpoint wants them; null: none runs, or it has all of this table. */
  #kept: KeptRows | null = null
  /**
   * Memory of the rows kept last, for the next checkpoint: made anew each time it would be new to
   * the system, and enough of it to make V8 mark the whole heap.
   */
  #keptChunks: Int32Array[] = []

  constructor(id: number, strideSize: number) {
    assert(strideSize % 8 === 0 && strideSize > 0 && strideSize <= PAGE_SIZE_MAX)
    this.id = id
    this.strideSize = strideSize
    this.pageShift = choosePageShift(strideSize)
    this.segmentShift = Math.max(
      this.pageShift,
      Math.floor(Math.log2(SEGMENT_SIZE_AIM / strideSize)),
    )
    this.pageSize = strideSize << this.pageShift
  }

  get pageCount(): number {
    return (this.rowCount + (1 << this.pageShift) - 1) >>> this.pageShift
  }

  /** Bytes of memory that rows occupy. */
  get size(): number {
    return this.rowCount * this.strideSize
  }

  /** Whether a checkpoint has pages of this table still to write. */
  get isSweeping(): boolean {
    return this.#kept !== null
  }

  /** A checkpoint of the first `pageCount` pages begins: those that are dirty belong to it. */
  beginSweep(pageCount: number): void {
    assert(this.#kept === null, 'one checkpoint at a time')
    this.#kept = new KeptRows(this, pageCount, this.#keptChunks)
    this.#keptChunks = []
  }

  /** It has them all, or was given up. */
  endSweep(): void {
    if (this.#kept !== null) this.#keptChunks = this.#kept.takeChunks()
    this.#kept = null
  }

  /**
   * Writes a page's rows, as they were at the position of the running checkpoint, to `rows`; the
   * page is clean then, or dirty if it has changed since.
   */
  sweepPage(page: number, rows: Uint8Array): void {
    assert(this.#kept !== null && this.pageFlags[page] === PAGE_SWEEPING)
    rows.set(this.pageBytes(page))
    const hasChanged = this.#kept.restore(page, rows)
    this.pageFlags[page] = hasChanged ? PAGE_DIRTY : PAGE_CLEAN
  }

  /** Appends a zeroed row and returns its number. New pages are dirty. */
  addRow(): number {
    const row = this.rowCount
    this.growTo(row + 1)
    this.touch(row)
    return row
  }

  /** Makes rows up to `rowCount` exist, zeroed; new pages are dirty. Never shrinks. */
  growTo(rowCount: number): void {
    if (rowCount <= this.rowCount) return
    const pagesBefore = this.pageCount
    this.rowCount = rowCount
    while (this.#rowRoom < rowCount) this.#addRoom(rowCount)
    const pages = this.pageCount
    if (pages > this.pageFlags.length) {
      const grown = new Uint8Array(Math.max(pages, this.pageFlags.length * 2))
      grown.set(this.pageFlags)
      this.pageFlags = grown
      const sums = new Uint32Array(grown.length)
      sums.set(this.pageSums)
      this.pageSums = sums
    }
    this.pageFlags.fill(PAGE_DIRTY, pagesBefore, pages)
  }

  /** Must be called before a row is changed, for each row. */
  touch(row: number): void {
    const page = row >>> this.pageShift
    if (this.pageFlags[page] !== PAGE_DIRTY) this.#touchPage(page, row)
  }

  #touchPage(page: number, row: number): void {
    if (this.pageFlags[page] === PAGE_SWEEPING) {
      // It stays so, for its other rows.
      this.#kept!.keep(row)
      return
    }
    this.pageFlags[page] = PAGE_DIRTY
  }

  /** View of a page's memory. */
  pageBytes(page: number): Uint8Array {
    const firstRow = page << this.pageShift
    const segment = this.bytes[firstRow >>> this.segmentShift]
    assert(segment !== undefined, 'page beyond the table')
    const offset = (firstRow & ((1 << this.segmentShift) - 1)) * this.strideSize
    return segment.subarray(offset, offset + this.pageSize)
  }

  /** Index of a row's first double in its segment of `f64`. */
  f64Index(row: number): number {
    return ((row & ((1 << this.segmentShift) - 1)) * this.strideSize) >>> 3
  }

  segmentOf(row: number): number {
    return row >>> this.segmentShift
  }

  getF64(row: number, offset: number): number {
    return this.f64[row >>> this.segmentShift]![this.f64Index(row) + (offset >>> 3)]!
  }

  setF64(row: number, offset: number, value: number): void {
    this.touch(row)
    this.f64[row >>> this.segmentShift]![this.f64Index(row) + (offset >>> 3)] = value
  }

  getI32(row: number, offset: number): number {
    return this.i32[row >>> this.segmentShift]![this.f64Index(row) * 2 + (offset >>> 2)]!
  }

  setI32(row: number, offset: number, value: number): void {
    this.touch(row)
    this.i32[row >>> this.segmentShift]![this.f64Index(row) * 2 + (offset >>> 2)] = value
  }

  /** Writes zeros over a whole row. */
  clearRow(row: number): void {
    this.touch(row)
    const start = this.f64Index(row)
    this.f64[row >>> this.segmentShift]!.fill(0, start, start + (this.strideSize >>> 3))
  }

  /** A further segment, or a larger first one; never touches the rows that there are. */
  #addRoom(rowCount: number): void {
    const rowsMax = 1 << this.segmentShift
    const first = this.bytes[0]
    if (this.#rowRoom >= rowsMax || rowCount * this.strideSize > COPIED_SIZE_MAX) {
      const isReplaced = first !== undefined && this.#rowRoom < rowsMax
      this.#putSegment(isReplaced ? 0 : this.bytes.length, rowsMax)
      return
    }
    let rows = Math.max(1 << this.pageShift, this.#rowRoom)
    while (rows < rowCount || rows * this.strideSize < FIRST_SEGMENT_SIZE) rows *= 2
    this.#putSegment(0, Math.min(rows, rowsMax))
  }

  #putSegment(segment: number, rows: number): void {
    const size = rows * this.strideSize
    const buffer = new ArrayBuffer(size + LINE_SIZE)
    const bytes = new Uint8Array(buffer, ALIGNMENT_OFFSET, size)
    const before = this.bytes[segment]
    if (before !== undefined) bytes.set(before)
    this.f64[segment] = new Float64Array(buffer, ALIGNMENT_OFFSET, size >>> 3)
    this.i32[segment] = new Int32Array(buffer, ALIGNMENT_OFFSET, size >>> 2)
    this.bytes[segment] = bytes
    this.#rowRoom = (segment << this.segmentShift) + rows
  }
}

/** Rows per page, as a power of two, that fill LMDB's units best; of equal ones the fewest. */
function choosePageShift(strideSize: number): number {
  let best = Math.floor(Math.log2(PAGE_SIZE_MAX / strideSize))
  let bestShare = 0
  for (let shift = 0; strideSize << shift <= PAGE_SIZE_MAX; shift++) {
    const size = strideSize << shift
    if (size < PAGE_SIZE_MIN) continue
    const units = Math.ceil((size + STORE_HEADS_SIZE) / STORE_UNIT_SIZE)
    const share = size / (units * STORE_UNIT_SIZE)
    if (share <= bestShare + 0.01) continue
    best = shift
    bestShare = share
  }
  return best
}
