import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { StoreError } from '../../../src/errors.ts'
import type { PageAddress } from '../../../src/model/ports.ts'
import { openBackupFile, writeBackupFile } from '../../../src/store/backup-file.ts'
import { type LmdbStore, openStore } from '../../../src/store/lmdb-store.ts'
import { generationEntries, PAGE_COUNT, pageOf } from './page-pattern.ts'

let directory: string
let store: LmdbStore

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'highwater-snapshot-'))
  store = await openStore(join(directory, 'store'))
})

afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

async function writeGeneration(generation: number): Promise<void> {
  const writes = addresses(generation).map((address) =>
    store.writePage(address, pageOf(generation, address.page)),
  )
  await Promise.all(writes)
  await store.commitManifest(generationEntries(generation))
}

function addresses(generation: number): PageAddress[] {
  const slot = (generation % 2) as 0 | 1
  return Array.from({ length: PAGE_COUNT }, (_, page) => ({ table: 1, page, slot }))
}

/** Comparing all would take longer than writing them. */
function some(all: readonly PageAddress[]): PageAddress[] {
  return all.filter(({ page }) => page % 40 === 0)
}

test('a snapshot shows its moment, however many commits come after it', async () => {
  await writeGeneration(1)
  const snapshot = store.snapshot()
  for (let generation = 2; generation < 8; generation++) {
    await writeGeneration(generation)
    expect(snapshot.readManifest()).toEqual(generationEntries(1))
    for (const address of some(addresses(1))) {
      expect(snapshot.readPage(address)).toEqual(Buffer.from(pageOf(1, address.page)))
    }
  }
  expect(store.readManifest()).toEqual(generationEntries(7))
  snapshot.release()
  snapshot.release()
  expect(() => snapshot.readManifest()).toThrow(StoreError)
})

test('a snapshot ends with its store, which closes all the same', async () => {
  await writeGeneration(1)
  const snapshot = store.snapshot()
  await store.close()
  expect(() => snapshot.readPage(addresses(1)[0]!)).toThrow(StoreError)
  snapshot.release()
})

test('a backup holds what its image held, for its owner alone, and tells its own hash', async () => {
  await writeGeneration(3)
  const path = join(directory, 'backup')
  const written = await writeBackupFile(path, store, addresses(3), async () => undefined)
  expect(written.pageCount).toBe(PAGE_COUNT)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const backup = openBackupFile(path)
  expect(backup.sha256).toBe(written.sha256)
  expect(backup.sizeBytes).toBe((await stat(path)).size)
  expect(backup.pages).toEqual(addresses(3))
  expect(backup.readManifest()).toEqual(generationEntries(3))
  for (const address of some(addresses(3))) {
    expect(backup.readPage(address)).toEqual(Buffer.from(pageOf(3, address.page)))
  }
  expect(backup.readPage({ table: 2, page: 0, slot: 0 })).toBeNull()
  backup.close()
})

test('a backup never goes into a file that is there, and none is made of a missing page', async () => {
  await writeGeneration(1)
  const path = join(directory, 'backup')
  await writeFile(path, 'mine')
  const pace = async (): Promise<void> => undefined
  await expect(writeBackupFile(path, store, [], pace)).rejects.toThrow('EEXIST')
  const missing = [{ table: 9, page: 0, slot: 0 }] as const
  await expect(writeBackupFile(`${path}2`, store, missing, pace)).rejects.toThrow('is missing')
})

test('a backup with any byte changed, cut short or longer is none', async () => {
  await store.writePage({ table: 0, page: 0, slot: 0 }, pageOf(1, 0))
  await store.commitManifest(new Map([['a', new Uint8Array([1, 2, 3])]]))
  const path = join(directory, 'backup')
  await writeBackupFile(path, store, [{ table: 0, page: 0, slot: 0 }], async () => undefined)
  const whole = await readFile(path)
  const steps = Array.from({ length: 200 }, (_, i) => Math.floor((i * whole.length) / 200))
  for (const at of steps) {
    const changed = Buffer.from(whole)
    changed[at]! ^= 1 << (at % 8)
    await writeFile(path, changed)
    expect(() => openBackupFile(path), `byte ${at}`).toThrow(StoreError)
    await writeFile(path, whole.subarray(0, at))
    expect(() => openBackupFile(path), `${at} bytes`).toThrow(StoreError)
  }
  await writeFile(path, Buffer.concat([whole, Buffer.from([0])]))
  expect(() => openBackupFile(path)).toThrow(StoreError)
  await writeFile(path, whole)
  openBackupFile(path).close()
})
