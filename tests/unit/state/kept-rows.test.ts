import { expect, it } from 'vitest'
import { KeptRows } from '../../../src/state/kept-rows.ts'
import {
  PAGE_CLEAN,
  PAGE_DIRTY,
  PAGE_SWEEPING,
  PagedTable,
} from '../../../src/state/paged-table.ts'
import { Random } from '../../support/workload/random.ts'

/** Rows of 4 KiB fill several chunks of kept rows. */
const STRIDES = [8, 72, 4096]
const ROWS = 2_000

it.each(STRIDES)('rows of %i bytes are kept to the bit, however often they change', (stride) => {
  const random = new Random(stride)
  const table = new PagedTable(1, stride)
  table.growTo(ROWS)
  const bytesOf = (page: number): Uint8Array => table.pageBytes(page)
  // Any bits: also those that as doubles would be no number.
  for (let page = 0; page < table.pageCount; page++) {
    const words = new Int32Array(bytesOf(page).buffer, bytesOf(page).byteOffset, table.pageSize / 4)
    for (let i = 0; i < words.length; i++) words[i] = random.whole(-(2 ** 31), 2 ** 31 - 1)
    table.pageFlags[page] = PAGE_SWEEPING
  }
  const before = Array.from({ length: table.pageCount }, (_, page) => bytesOf(page).slice())
  table.beginSweep(table.pageCount)
  const changed = new Set<number>()
  for (let page = 0; page < table.pageCount; page++) {
    for (let i = 0; i < ROWS / table.pageCount; i++) {
      const row = random.whole(0, ROWS - 1)
      table.setI32(row, random.whole(0, stride / 4 - 1) * 4, random.whole(0, 99))
      if (row >>> table.pageShift >= page) changed.add(row >>> table.pageShift)
    }
    const rows = new Uint8Array(table.pageSize)
    table.sweepPage(page, rows)
    expect(Buffer.compare(rows, before[page]!), `page ${page}`).toBe(0)
    expect(table.pageFlags[page]).toBe(changed.has(page) ? PAGE_DIRTY : PAGE_CLEAN)
  }
  table.endSweep()
  expect(table.isSweeping).toBe(false)
})

it('the memory of one sweep serves the next, and what was not needed is let go', () => {
  const table = new PagedTable(1, 64)
  table.growTo(100_000)
  const keepAll = (rowCount: number, spare: Int32Array[]): Int32Array[] => {
    const kept = new KeptRows(table, table.pageCount, spare)
    for (let row = 0; row < rowCount; row++) kept.keep(row)
    return kept.takeChunks()
  }
  const first = keepAll(100_000, [])
  expect(first.length).toBeGreaterThan(2)
  const second = keepAll(100, [...first])
  expect(second).toHaveLength(1)
  expect(first).toContain(second[0])
})
