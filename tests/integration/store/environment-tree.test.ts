import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StoreError } from '../../../src/errors.ts'
import { checkEnvironmentFile } from '../../../src/store/environment-file.ts'
import { openStore } from '../../../src/store/lmdb-store.ts'
import { pageOf } from './page-pattern.ts'

const PAGE_SIZE = 4096
const LEAF = 2
const FILE = 'state.mdb'

let directory: string
let whole: Buffer

/** Many commits, so that there are stale copies and free pages, and a tree with branches. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'highwater-tree-'))
  for (let life = 0; life < 4; life++) {
    const store = await openStore(directory)
    for (let generation = 0; generation < 3; generation++) {
      const slot = ((life + generation) % 2) as 0 | 1
      const pages = Array.from({ length: 300 }, (_, page) => page)
      await Promise.all(
        pages.map((page) => store.writePage({ table: 0, page, slot }, pageOf(generation, page))),
      )
      await store.commitManifest(new Map([['life', new Uint8Array(6000).fill(life)]]))
    }
    await store.close()
  }
  whole = await readFile(join(directory, FILE))
})

afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** Checks a copy of the file after `change`. */
async function checkChanged(change: (bytes: Buffer) => void): Promise<void> {
  const bytes = Buffer.from(whole)
  change(bytes)
  const file = join(directory, 'changed.mdb')
  await writeFile(file, bytes)
  checkEnvironmentFile(file)
}

/** The page that describes the last commit. */
function lastMeta(bytes: Buffer): number {
  const transaction = (page: number): bigint => bytes.readBigUInt64LE(page * PAGE_SIZE + 24 + 128)
  return transaction(0) >= transaction(1) ? 0 : 1
}

/** Where the root of the tree of trees begins. */
function mainRoot(bytes: Buffer): number {
  return Number(bytes.readBigUInt64LE(lastMeta(bytes) * PAGE_SIZE + 24 + 72 + 40)) * PAGE_SIZE
}

/** Where the record of the tree of pages begins. */
function pagesRecord(bytes: Buffer): number {
  const at = bytes.indexOf('pages\0', mainRoot(bytes))
  expect(at).toBeLessThan(mainRoot(bytes) + PAGE_SIZE)
  return at + 'pages\0'.length
}

/** Where the first leaf of the tree of pages begins. */
function firstLeaf(bytes: Buffer): number {
  let page = Number(bytes.readBigUInt64LE(pagesRecord(bytes) + 40)) * PAGE_SIZE
  while (bytes.readUInt16LE(page + 18) !== LEAF) {
    page = bytes.readUInt32LE(page + 24 + bytes.readUInt16LE(page + 24)) * PAGE_SIZE
  }
  return page
}

/** Where a node of a page begins. */
function nodeOf(bytes: Buffer, page: number, index: number): number {
  return page + 24 + bytes.readUInt16LE(page + 24 + 2 * index)
}

test('an environment of many lives is whole', async () => {
  await checkChanged(() => undefined)
  expect(whole.readUInt16LE(pagesRecord(whole) + 6)).toBeGreaterThan(1)
})

test.each<[string, (bytes: Buffer) => void]>([
  ['the root of a tree elsewhere', (bytes) => (bytes[pagesRecord(bytes) + 41]! ^= 1)],
  ['another number of entries', (bytes) => (bytes[pagesRecord(bytes) + 32]! ^= 1)],
  ['another order of keys', (bytes) => (bytes[pagesRecord(bytes) + 4]! ^= 4)],
  ['another page size', (bytes) => (bytes[lastMeta(bytes) * PAGE_SIZE + 49]! ^= 32)],
  ['other flags', (bytes) => (bytes[lastMeta(bytes) * PAGE_SIZE + 52]! ^= 1)],
  ['a last page too low', (bytes) => bytes.fill(0, lastMeta(bytes) * PAGE_SIZE + 145, 148)],
  ['a page under another number', (bytes) => (bytes[firstLeaf(bytes)]! ^= 1)],
  ['a page of another kind', (bytes) => (bytes[firstLeaf(bytes) + 18]! ^= 3)],
  ['a page from the future', (bytes) => (bytes[firstLeaf(bytes) + 12]! ^= 1)],
  ['one entry less', (bytes) => (bytes[firstLeaf(bytes) + 20]! ^= 2)],
  ['an entry outside its page', (bytes) => (bytes[firstLeaf(bytes) + 25]! ^= 0x40)],
  ['a key twice', (bytes) => (bytes[nodeOf(bytes, firstLeaf(bytes), 1) + 8]! ^= 1)],
  ['a longer key', (bytes) => (bytes[nodeOf(bytes, firstLeaf(bytes), 1) + 6]! ^= 1)],
  ['a longer value', (bytes) => (bytes[nodeOf(bytes, firstLeaf(bytes), 1) + 1]! ^= 0x80)],
  [
    'two entries with one value',
    (bytes) => {
      const [a, b] = [nodeOf(bytes, firstLeaf(bytes), 0), nodeOf(bytes, firstLeaf(bytes), 1)]
      bytes.copy(bytes, b + 12, a + 12, a + 20)
    },
  ],
])('%s is found', async (_, change) => {
  await expect(checkChanged(change)).rejects.toThrow(StoreError)
})

test('a file that ends early is found', async () => {
  const file = join(directory, 'changed.mdb')
  await writeFile(file, whole.subarray(0, firstLeaf(whole)))
  expect(() => checkEnvironmentFile(file)).toThrow(StoreError)
})
