import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AssertionError, StoreError, StoreLockedError } from '../../../src/errors.ts'
import {
  openStore,
  pageValueSize,
  STORE_TABLE_PAGES_MAX,
  STORE_TABLES_MAX,
} from '../../../src/store/lmdb-store.ts'
import { PAGE_COUNT, pageOf } from './page-pattern.ts'

let directory: string
const children: ChildProcess[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'highwater-store-'))
})

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child)
  await rm(directory, { recursive: true, force: true })
})

describe('pages', () => {
  test('come back as written, per table, page and slot, after a reopening', async () => {
    const addresses = [
      { table: 0, page: 0, slot: 0 },
      { table: 0, page: 0, slot: 1 },
      { table: 0, page: 1, slot: 0 },
      { table: 1, page: 0, slot: 0 },
      { table: STORE_TABLES_MAX - 1, page: STORE_TABLE_PAGES_MAX - 1, slot: 1 },
    ] as const
    let store = await openStore(directory)
    await Promise.all(
      addresses.map((address, i) => store.writePage(address, pageOf(i, address.page))),
    )
    await store.close()
    store = await openStore(directory)
    for (const [i, address] of addresses.entries()) {
      expect(store.readPage(address)).toEqual(pageOf(i, address.page))
    }
    expect(store.readPage({ table: 7, page: 0, slot: 0 })).toBeNull()
    await store.close()
  })

  test('of every size are read with exact bounds', async () => {
    const store = await openStore(directory)
    const sizes = [1, 100, pageValueSize(1), 4096, pageValueSize(4), pageValueSize(16), 1 << 20]
    for (const [page, size] of sizes.entries()) {
      const bytes = new Uint8Array(size).map((_, i) => i * 7 + page)
      await store.writePage({ table: 0, page, slot: 0 }, bytes)
    }
    for (const [page, size] of sizes.entries()) {
      const bytes = store.readPage({ table: 0, page, slot: 0 })!
      expect(bytes.byteLength).toBe(size)
      expect(bytes[size - 1]).toBe(((size - 1) * 7 + page) & 255)
    }
    await store.close()
  })

  test('are replaced by a later write into the same slot, and then read anew', async () => {
    const store = await openStore(directory)
    const address = { table: 0, page: 3, slot: 0 } as const
    for (let generation = 1; generation <= 20; generation++) {
      await store.writePage(address, pageOf(generation, 3))
      expect(store.readPage(address)).toEqual(pageOf(generation, 3))
    }
    await store.close()
  })

  test('outside the key range are a broken invariant, not another page', async () => {
    const store = await openStore(directory)
    const bytes = new Uint8Array(8)
    expect(() => store.writePage({ table: 256, page: 0, slot: 0 }, bytes)).toThrow(AssertionError)
    expect(() => store.readPage({ table: 0, page: STORE_TABLE_PAGES_MAX, slot: 0 })).toThrow(
      AssertionError,
    )
    await store.close()
  })

  test('written over and over do not make the file grow without end', async () => {
    const store = await openStore(directory)
    const sizes: number[] = []
    for (let generation = 1; generation <= 20; generation++) {
      const slot = (generation % 2) as 0 | 1
      const writes: Promise<unknown>[] = []
      for (let page = 0; page < PAGE_COUNT; page++) {
        writes.push(store.writePage({ table: 0, page, slot }, pageOf(generation, page)))
      }
      await Promise.all(writes)
      await store.commitManifest(new Map())
      sizes.push(store.diskSize())
    }
    expect(sizes[19]).toBeLessThan(1.2 * sizes[3]!)
    await store.close()
  })
})

// Only Linux has threads with a priority and a name.
test.runIf(process.platform === 'linux')('threads that write give way to the loop', async () => {
  const store = await openStore(directory)
  await store.writePage({ table: 0, page: 0, slot: 0 }, pageOf(1, 0))
  const threads = readdirSync('/proc/self/task').map((thread) =>
    readFileSync(`/proc/self/task/${thread}/stat`, 'utf8'),
  )
  // Behind the name in brackets: state, and as the 17th of these the nice value (proc(5)).
  const nice = (stat: string): number =>
    Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  const pool = threads.filter((stat) => stat.includes('(libuv-worker'))
  expect(pool.map(nice)).toEqual(pool.map(() => 5))
  expect(pool.length).toBeGreaterThan(0)
  expect(getPriority()).toBe(nice(readFileSync('/proc/self/stat', 'utf8')))
  expect(getPriority()).toBeLessThan(5)
  await store.close()
})

describe('the manifest', () => {
  test('is empty at first and replaced as a whole', async () => {
    let store = await openStore(directory)
    expect(store.readManifest()).toEqual(new Map())
    await store.commitManifest(
      new Map([
        ['a', new Uint8Array([1])],
        ['b', new Uint8Array([2])],
      ]),
    )
    await store.commitManifest(new Map([['b', new Uint8Array([3, 4])]]))
    const manifest = store.readManifest()
    expect([...manifest.keys()]).toEqual(['b'])
    await store.close()
    store = await openStore(directory)
    expect([...store.readManifest().get('b')!]).toEqual([3, 4])
    await store.close()
  })

  test('and its pages survive a kill -9 in the middle of the next ones', async () => {
    for (let round = 0; round < 3; round++) {
      const child = startWriter(directory)
      // Dies while it writes the pages of the generation after the one it said last.
      const said = await lines(child, 3 + round)
      await kill(child)
      const committed = Number(said.at(-1))

      const store = await openStore(directory)
      const generation = new Uint32Array(store.readManifest().get('generation')!.slice().buffer)[0]!
      // The last commit may have been done and not yet said.
      expect(generation === committed || generation === committed + 1).toBe(true)
      const slot = (generation % 2) as 0 | 1
      for (let page = 0; page < PAGE_COUNT; page++) {
        expect(store.readPage({ table: 1, page, slot })).toEqual(pageOf(generation, page))
      }
      await store.close()
    }
  })
})

describe('the lock', () => {
  test('keeps a second opener of the same process out until the first closes', async () => {
    const store = await openStore(directory)
    await expect(openStore(directory)).rejects.toThrow(StoreLockedError)
    await store.close()
    const again = await openStore(directory)
    await again.close()
    await again.close()
  })

  test('keeps other processes out and dies with its own by kill -9', async () => {
    const child = startWriter(directory)
    await lines(child, 1)
    await expect(openStore(directory)).rejects.toThrow(StoreLockedError)
    await kill(child)
    const store = await openStore(directory)
    await store.close()
  })
})

describe('failures', () => {
  test('of a closed store are errors, not answers', async () => {
    const store = await openStore(directory)
    await store.close()
    await expect(
      store.writePage({ table: 0, page: 0, slot: 0 }, new Uint8Array(8)),
    ).rejects.toThrow(StoreError)
    await expect(store.commitManifest(new Map())).rejects.toThrow(StoreError)
    expect(() => store.readManifest()).toThrow(StoreError)
  })

  test.each([
    ['noise', new Uint8Array(100_000).fill(0x5a)],
    ['zeros', new Uint8Array(100_000)],
    ['a few bytes', new Uint8Array(10).fill(1)],
  ])('of a data file that holds %s are errors and leave the lock free', async (_name, bytes) => {
    await writeFile(join(directory, 'state.mdb'), bytes)
    await expect(openStore(directory)).rejects.toThrow(StoreError)
    await rm(join(directory, 'state.mdb'))
    const store = await openStore(directory)
    await store.close()
  })
})

function startWriter(storeDirectory: string): ChildProcess {
  const script = join(import.meta.dirname, 'page-writer.ts')
  const child = spawn(process.execPath, [script, storeDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

/** The first `count` lines that the child says (its first is `open`). */
async function lines(child: ChildProcess, count: number): Promise<readonly string[]> {
  let text = ''
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.split('\n').length > count) break
  }
  return text.trimEnd().split('\n')
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}
