import { describe, expect, it } from 'vitest'
import { ImageSweep, PageBuffers, type SlotMaps } from '../../../src/state/image-sweep.ts'
import { openPage, PAGE_HEAD_SIZE, sealPage } from '../../../src/state/page-image.ts'
import { PAGE_CLEAN, PAGE_DIRTY, PagedTable } from '../../../src/state/paged-table.ts'
import { Random } from '../../support/workload/random.ts'

const SEEDS = [1, 2, 3]
const STRIDES = [8, 64, 120, 4096, 16_384]

describe('rows', () => {
  it.each(STRIDES)('of %i bytes hold what was put into them, over pages and segments', (stride) => {
    const random = new Random(stride)
    const table = new PagedTable(3, stride)
    const oracle = new Map<string, number>()
    const rows = Math.min(20_000, Math.floor((40 * 1024 * 1024) / stride))
    table.growTo(rows - 1)
    expect(table.addRow()).toBe(rows - 1)
    for (let i = 0; i < 5000; i++) {
      const row = random.whole(0, rows - 1)
      const offset = random.whole(0, stride / 4 - 1) * 4
      if (offset % 8 === 0 && random.chance(0.5)) {
        const value = random.next() * 1e15
        table.setF64(row, offset, value)
        oracle.set(`${row}/${offset}/f`, value)
        oracle.delete(`${row}/${offset}/i`)
        oracle.delete(`${row}/${offset + 4}/i`)
      } else {
        const value = random.whole(-(2 ** 31), 2 ** 31 - 1)
        table.setI32(row, offset, value)
        oracle.set(`${row}/${offset}/i`, value)
        oracle.delete(`${row}/${offset - (offset % 8)}/f`)
      }
    }
    for (const [key, value] of oracle) {
      const [row, offset, kind] = key.split('/')
      const got =
        kind === 'f'
          ? table.getF64(Number(row), Number(offset))
          : table.getI32(Number(row), Number(offset))
      if (got !== value) expect(got, key).toBe(value)
    }
    expect(table.pageCount).toBe(Math.ceil(rows / 2 ** table.pageShift))
    expect(table.size).toBe(rows * stride)
  })

  it('stay what they are while their first segment is copied into larger ones', () => {
    const table = new PagedTable(4, 4096)
    const rows = (96 * 1024 * 1024) / 4096
    for (let row = 0; row < rows; row++) table.setF64(table.addRow(), 8, row + 1)
    const roomBytes = table.bytes.reduce((sum, each) => sum + each.byteLength, 0)
    expect(roomBytes).toBe(4096 << table.segmentShift)
    for (let row = 0; row < rows; row++) {
      if (table.getF64(row, 8) !== row + 1) expect(table.getF64(row, 8)).toBe(row + 1)
    }
    const page = table.pageCount - 1
    const words = new Float64Array(table.pageBytes(page).slice().buffer)
    expect(words[1]).toBe((page << table.pageShift) + 1)
  })

  it('begin at a cache line, and are few bytes in a small table', () => {
    const table = new PagedTable(0, 64)
    table.growTo(100)
    for (const view of [table.f64[0]!, table.i32[0]!, table.bytes[0]!]) {
      expect((view.byteOffset + 16) % 64).toBe(0)
      expect(view.byteLength).toBe(1024 * 1024)
    }
  })

  it('never shrink', () => {
    const table = new PagedTable(0, 64)
    table.growTo(10)
    table.growTo(5)
    expect(table.rowCount).toBe(10)
  })
})

/** Writes rows at random; `model` is what the table must hold. */
function scribble(table: PagedTable, model: Float64Array, random: Random): void {
  for (let count = random.whole(0, 40); count > 0; count--) {
    if (random.chance(0.1) && table.rowCount < model.length) table.addRow()
    if (table.rowCount === 0) continue
    const row = random.whole(0, table.rowCount - 1)
    model[row] = random.whole(1, 1e9)
    table.setF64(row, 0, model[row]!)
  }
}

describe('an image', () => {
  it.each(SEEDS)('holds the rows of its position, whatever changes meanwhile (seed %i)', (seed) => {
    const random = new Random(seed)
    const table = new PagedTable(1, 2048)
    const model = new Float64Array(600)
    const store = new Map<string, Uint8Array>()
    const buffers = new PageBuffers()
    let committed: SlotMaps = new Map()
    for (let generation = 1; generation <= 30; generation++) {
      scribble(table, model, random)
      const expected = model.slice(0, table.rowCount)
      const sweep = new ImageSweep([table], committed, generation, buffers)
      const isGivenUp = random.chance(0.3)
      const writesMax = isGivenUp ? random.whole(0, sweep.remainingCount) : Infinity
      for (let written = 0; written < writesMax; written++) {
        if (random.chance(0.5)) scribble(table, model, random)
        const page = sweep.next()
        if (page === null) break
        const known = committed.get(1)?.[page.address.page]
        expect(page.address.slot).toBe(known === undefined ? 0 : 1 - known)
        store.set(`${page.address.page}/${page.address.slot}`, page.bytes.slice())
        sweep.release(page.bytes)
      }
      if (isGivenUp) {
        sweep.abandon()
        expect(table.isSweeping).toBe(false)
        continue
      }
      committed = sweep.slotMaps()
      expect(table.isSweeping).toBe(false)
      expect(sweep.rowCounts().get(1)).toBe(expected.length)
      const slots = committed.get(1)!
      const sums = new DataView(sweep.pageSums().get(1)!.buffer)
      const opened = new Map<number, Uint8Array>()
      for (const [row, value] of expected.entries()) {
        const page = row >>> table.pageShift
        const image = store.get(`${page}/${slots[page]}`)!
        const sum = sums.getUint32(4 * page, true)
        const head = { table: 1, page, strideSize: 2048, generation, sum }
        const rows = opened.get(page) ?? openPage(image, head)
        opened.set(page, rows)
        const at = (row & ((1 << table.pageShift) - 1)) * 2048
        const got = new DataView(rows.buffer, rows.byteOffset + at).getFloat64(0, true)
        if (got !== value) expect(got, `row ${row}, generation ${generation}`).toBe(value)
      }
    }
  })

  it('of an unchanged table has no pages', () => {
    const table = new PagedTable(1, 64)
    table.growTo(2000)
    const buffers = new PageBuffers()
    const first = new ImageSweep([table], new Map(), 1, buffers)
    expect(first.remainingCount).toBe(table.pageCount)
    while (first.next() !== null);
    expect([...table.pageFlags.subarray(0, table.pageCount)]).toEqual(
      Array(table.pageCount).fill(PAGE_CLEAN),
    )
    const second = new ImageSweep([table], first.slotMaps(), 2, buffers)
    expect(second.remainingCount).toBe(0)
    expect(second.slotMaps()).toEqual(first.slotMaps())
  })

  it('that was given up leaves all its pages to the next one', () => {
    const table = new PagedTable(1, 64)
    table.growTo(2000)
    const buffers = new PageBuffers()
    const sweep = new ImageSweep([table], new Map(), 1, buffers)
    sweep.next()
    table.setF64(1999, 0, 5)
    sweep.abandon()
    expect([...table.pageFlags.subarray(0, table.pageCount)]).toEqual(
      Array(table.pageCount).fill(PAGE_DIRTY),
    )
  })

  it('cannot begin while another one runs', () => {
    const table = new PagedTable(1, 64)
    table.growTo(10)
    const buffers = new PageBuffers()
    const sweep = new ImageSweep([table], new Map(), 1, buffers)
    table.setF64(0, 0, 1)
    expect(() => new ImageSweep([table], new Map(), 2, buffers)).toThrow('one checkpoint at a time')
    expect(() => sweep.slotMaps()).toThrow()
  })
})

describe('a page image', () => {
  const head = { table: 2, page: 7, strideSize: 64, generation: 5 }
  const seal = (): Uint8Array => {
    const image = new Uint8Array(PAGE_HEAD_SIZE + 256).fill(9)
    sealPage(image, head)
    return image
  }
  const demand = { ...head, sum: new DataView(seal().buffer).getUint32(0, true) }

  it('opens where it belongs, for its own and later generations', () => {
    expect(openPage(seal(), demand)).toEqual(new Uint8Array(256).fill(9))
    expect(openPage(seal(), { ...demand, generation: 6 })).toHaveLength(256)
  })

  it.each([
    ['another table', { table: 3 }],
    ['another page', { page: 8 }],
    ['rows of another size', { strideSize: 72 }],
    ['an older manifest', { generation: 4 }],
    ['a manifest that knows another version of it', { sum: 1 }],
  ])('does not open for %s', (_, change) => {
    expect(() => openPage(seal(), { ...demand, ...change })).toThrow(
      expect.objectContaining({ reason: 'page-checksum' }),
    )
  })

  it('does not open with any bit flipped, or cut short', () => {
    for (let byte = 0; byte < PAGE_HEAD_SIZE + 256; byte++) {
      const image = seal()
      image[byte]! ^= 1 << (byte % 8)
      expect(() => openPage(image, demand), `byte ${byte}`).toThrow('page 7 of table 2')
    }
    expect(() => openPage(seal().subarray(0, 20), demand)).toThrow('cut short')
    expect(() => openPage(seal().subarray(0, 280), demand)).toThrow('checksum')
  })
})
