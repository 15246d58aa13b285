import { expect, it } from 'vitest'
import type { PageAddress, PageStore } from '../../../src/model/ports.ts'
import { PageWriter } from '../../../src/partition/page-writer.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const MEBIBYTE = 2 ** 20

/** A store whose writes end when they are told to. */
class SlowStore extends MemoryStore implements PageStore {
  readonly underWay: { readonly page: number; readonly end: (error?: Error) => void }[] = []

  override writePage(address: PageAddress): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => (error === undefined ? resolve() : reject(error))
      this.underWay.push({ page: address.page, end })
    })
  }
}

function openWriter() {
  const store = new SlowStore()
  const released: Uint8Array[] = []
  const writer = new PageWriter(store, { release: (bytes) => released.push(bytes) })
  let pages = 0
  const addMebibyte = (): void => {
    writer.add({ address: { table: 0, page: pages++, slot: 0 }, bytes: new Uint8Array(MEBIBYTE) })
  }
  return { store, released, writer, addMebibyte }
}

it('pages leave in groups of 4 MiB, and the rest at the end', async () => {
  const { store, released, writer, addMebibyte } = openWriter()
  const counts: number[] = []
  for (let i = 0; i < 6; i++) {
    addMebibyte()
    await writer.endTurn()
    counts.push(store.underWay.length)
  }
  expect(counts).toEqual([0, 0, 0, 4, 4, 4])
  const end = writer.finish()
  expect(store.underWay.map(({ page }) => page)).toEqual([0, 1, 2, 3, 4, 5])
  expect(released).toHaveLength(0)
  for (const write of store.underWay) write.end()
  await end
  expect(released).toHaveLength(6)
})

it('a turn ends only when the store has 16 MiB or less to write', async () => {
  const { store, writer, addMebibyte } = openWriter()
  for (let i = 0; i < 20; i++) addMebibyte()
  let hasEnded = false
  const turn = writer.endTurn().then(() => {
    hasEnded = true
  })
  for (const write of store.underWay.slice(0, 3)) write.end()
  await new Promise(setImmediate)
  expect(hasEnded).toBe(false)
  store.underWay[3]!.end()
  await turn
})

it('a page that cannot be written fails the turn and the end', async () => {
  const { store, released, writer, addMebibyte } = openWriter()
  for (let i = 0; i < 4; i++) addMebibyte()
  await writer.endTurn()
  const full = new Error('full')
  for (const write of store.underWay) write.end(write.page === 2 ? full : undefined)
  await new Promise(setImmediate)
  await expect(writer.endTurn()).rejects.toBe(full)
  await expect(writer.finish()).rejects.toBe(full)
  expect(released).toHaveLength(3)
})
