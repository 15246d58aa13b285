/**
 * One checkpoint attempt over all tables: which pages belong to it is fixed between two inputs;
 * then pages are handed out one by one while inputs go on being applied. Rows that changed
 * meanwhile are handed out as they were kept before.
 *
 * Each page has two slots in the store. An attempt writes only into the slot that does not hold the
 * last committed version; which one is committed is a byte per page, stored in the manifest's
 * transaction, so an abandoned attempt can never be loaded. (design, section 10: 388 of 1,000
 * histories.)
 */

import { assert } from '../errors.ts'
import type { PageAddress } from '../model/ports.ts'
import { PAGE_HEAD_SIZE, sealPage } from './page-image.ts'
import { PAGE_DIRTY, PAGE_SWEEPING, type PagedTable } from './paged-table.ts'

/** Buffers kept for reuse; more than are in flight at a usual pace would only hold memory. */
const POOL_BUFFERS_MAX = 1024

/** Committed slot (0 or 1) by page, per table id. */
export type SlotMaps = Map<number, Uint8Array>

/** A page to write: `bytes` belongs to the receiver until `release`. */
export interface SweptPage {
  readonly address: PageAddress
  readonly bytes: Uint8Array
}

/** Buffers for page images, by size. Shared by the attempts of one partition. */
export class PageBuffers {
  readonly #free = new Map<number, Uint8Array[]>()

  take(size: number): Uint8Array {
    return this.#free.get(size)?.pop() ?? new Uint8Array(size)
  }

  release(buffer: Uint8Array): void {
    let free = this.#free.get(buffer.byteLength)
    if (free === undefined) {
      free = []
      this.#free.set(buffer.byteLength, free)
    }
    if (free.length < POOL_BUFFERS_MAX) free.push(buffer)
  }
}

interface TableSweep {
  readonly table: PagedTable
  readonly pageCount: number
  readonly rowCount: number
  readonly pages: Int32Array
  readonly slots: Uint8Array
  position: number
}

/** A running attempt. Construct it between two inputs; it marks pages at once. */
export class ImageSweep {
  readonly generation: number
  readonly #tables: TableSweep[] = []
  readonly #buffers: PageBuffers
  #current = 0

  constructor(
    tables: readonly PagedTable[],
    committed: SlotMaps,
    generation: number,
    buffers: PageBuffers,
  ) {
    this.generation = generation
    this.#buffers = buffers
    for (const table of tables) {
      assert(!table.isSweeping, 'one checkpoint at a time')
      const { pageCount, rowCount } = table
      const pages: number[] = []
      const known = committed.get(table.id)
      const slots = new Uint8Array(pageCount)
      if (known !== undefined) slots.set(known.subarray(0, pageCount))
      for (let page = 0; page < pageCount; page++) {
        if (table.pageFlags[page] !== PAGE_DIRTY) continue
        table.pageFlags[page] = PAGE_SWEEPING
        slots[page] = known !== undefined && page < known.length ? 1 - known[page]! : 0
        pages.push(page)
      }
      if (pages.length > 0) table.beginSweep(pageCount)
      this.#tables.push({
        table,
        pageCount,
        rowCount,
        pages: Int32Array.from(pages),
        slots,
        position: 0,
      })
    }
  }

  /** Pages still to be handed out. */
  get remainingCount(): number {
    return this.#tables.reduce((sum, each) => sum + each.pages.length - each.position, 0)
  }

  /** The next page, or null when all have been handed out. Give its bytes back with `release`. */
  next(): SweptPage | null {
    for (;;) {
      const sweep = this.#tables[this.#current]
      if (sweep === undefined) return null
      if (sweep.position < sweep.pages.length) {
        const page = this.#take(sweep, sweep.pages[sweep.position++]!)
        if (sweep.position === sweep.pages.length) sweep.table.endSweep()
        return page
      }
      this.#current += 1
    }
  }

  release(bytes: Uint8Array): void {
    this.#buffers.release(bytes)
  }

  /** Slot maps to commit with the manifest, once every page was written. */
  slotMaps(): SlotMaps {
    assert(this.remainingCount === 0)
    return new Map(this.#tables.map(({ table, slots }) => [table.id, slots]))
  }

  /**
   * Checksums to commit with the manifest, once every page was written: uint32 by page, per table
   * id, as bytes. Pages that the attempt did not write have them from the attempt that did.
   */
  pageSums(): Map<number, Uint8Array> {
    assert(this.remainingCount === 0)
    return new Map(
      this.#tables.map(({ table, pageCount }) => [
        table.id,
        new Uint8Array(table.pageSums.slice(0, pageCount).buffer),
      ]),
    )
  }

  /** Row counts at the attempt's position, by table id. */
  rowCounts(): Map<number, number> {
    return new Map(this.#tables.map(({ table, rowCount }) => [table.id, rowCount]))
  }

  /** Gives the attempt up: all its pages are dirty again. */
  abandon(): void {
    for (const { table, pages } of this.#tables) {
      for (const page of pages) table.pageFlags[page] = PAGE_DIRTY
      table.endSweep()
    }
  }

  #take({ table, slots }: TableSweep, page: number): SweptPage {
    const image = this.#buffers.take(PAGE_HEAD_SIZE + table.pageSize)
    table.sweepPage(page, image.subarray(PAGE_HEAD_SIZE))
    const { generation } = this
    const head = { table: table.id, page, strideSize: table.strideSize, generation }
    table.pageSums[page] = sealPage(image, head)
    return { address: { table: table.id, page, slot: slots[page] === 1 ? 1 : 0 }, bytes: image }
  }
}
