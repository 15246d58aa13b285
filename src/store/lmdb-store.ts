/**
 * Pages and one manifest in an LMDB environment (npm lmdb), one process at a time.
 *
 * Files of the directory: `state.mdb` (data), `state.mdb-lock` (LMDB's reader table), `lock.db`
 * (ours), and for a while `state.mdb.compact` (a compaction, or what a crash left of one). Every
 * transaction is synchronous on disk before its promise settles (`overlappingSync` off), and
 * transactions commit in the order of the calls: when the manifest is on disk, so are all earlier
 * pages.
 */

import { statSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { assert, StoreError } from '../errors.ts'
import type { StoreSnapshot } from '../model/backup.ts'
import type { PageAddress, PageStore } from '../model/ports.ts'
import { checkEnvironmentFile } from './environment-file.ts'
import { reserveEnvironment } from './environment-room.ts'
import { decodeManifest, encodeManifest } from './manifest-codec.ts'
import { syncDirectory } from './partition-directory.ts'
import { letPoolGiveWay } from './pool-priority.ts'
import { lockDirectory, type ProcessLock } from './process-lock.ts'

/** Tables of one store: 0 to 255. */
export const STORE_TABLES_MAX = 256

/** Pages of one table: 0 to 8,388,607 (32 GiB at 4 KiB each). */
export const STORE_TABLE_PAGES_MAX = 2 ** 23

/**
 * Largest value, in bytes, that fills `lmdbPageCount` 4 KiB pages of LMDB without starting another:
 * a value with pages of its own shares the first with LMDB's 24-byte page header. 4096 bytes take
 * two pages and twice the disk (measured).
 */
export function pageValueSize(lmdbPageCount: number): number {
  return lmdbPageCount * 4096 - 24
}

/**
 * Opens (or makes) the store of a directory and locks it for the life of the process.
 * @throws {StoreLockedError} at once when a living process has it open
 * @throws {StoreError} when LMDB cannot open it
 */
export async function openStore(directory: string): Promise<LmdbStore> {
  try {
    await mkdir(directory, { recursive: true })
  } catch (error) {
    throw new StoreError(`${directory} cannot be made`, { cause: error })
  }
  const lock = lockDirectory(directory)
  try {
    checkEnvironmentFile(join(directory, DATA_FILE))
    letPoolGiveWay()
    return new LmdbPageStore(directory, lock)
  } catch (error) {
    lock.release()
    if (error instanceof StoreError) throw error
    throw new StoreError(`LMDB cannot open ${directory}`, { cause: error })
  }
}

const DATA_FILE = 'state.mdb'
const LOCK_SUFFIX = '-lock'
const COMPACT_SUFFIX = '.compact'
const MANIFEST_KEY = 'manifest'
/** Bytes that a compaction copies in one turn. */
const COPY_TURN_SIZE = 1024 * 1024

/** A store in LMDB: pages can also be read as of one moment, while it is written to. */
export interface LmdbStore extends PageStore {
  /**
   * The last committed manifest and all pages as they are now, whatever is committed later. The
   * file grows by what is overwritten meanwhile: release it soon. It ends with the store's file.
   */
  snapshot(): StoreSnapshot
}

class LmdbPageStore implements LmdbStore {
  readonly #file: string
  readonly #lock: ProcessLock
  #environment: Environment
  /** The first failed write; the store takes no more writes after it, since its order is broken. */
  #failure: StoreError | null = null
  #isClosed = false
  /** The library answers all puts of one turn with one promise; we wrap each such promise once. */
  #lastPut: Promise<boolean> | null = null
  #lastWrite: Promise<void> = Promise.resolve()
  #compaction: Promise<void> = Promise.resolve()
  readonly #snapshots = new Set<StoreSnapshot>()

  constructor(directory: string, lock: ProcessLock) {
    this.#file = join(directory, DATA_FILE)
    this.#lock = lock
    this.#environment = openEnvironment(this.#file)
  }

  readManifest(): ReadonlyMap<string, Uint8Array> {
    const bytes = this.#attempt(() => this.#environment.manifest.getBinary(MANIFEST_KEY))
    if (bytes === undefined) return new Map()
    return decodeManifest(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  /**
   * Copied by the library into one buffer that the next read overwrites: a map of LMDB itself would
   * move.
   */
  readPage(address: PageAddress): Uint8Array | null {
    const key = pageKey(address)
    const bytes = this.#attempt(() => this.#environment.pages.getBinaryFast(key))
    // The library shrinks `length` alone; a proper view has the right bounds for everyone.
    return bytes === undefined ? null : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  writePage(address: PageAddress, bytes: Uint8Array): Promise<unknown> {
    const key = pageKey(address)
    return this.#put(() => this.#environment.pages.put(key, bytes))
  }

  async commitManifest(entries: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const bytes = encodeManifest(entries)
    await this.#put(() => this.#environment.manifest.put(MANIFEST_KEY, bytes))
    // A page that failed in an earlier transaction fails this commit, too.
    if (this.#failure !== null) throw this.#failure
  }

  compact(
    pages: Iterable<PageAddress>,
    entries: ReadonlyMap<string, Uint8Array>,
    pace: (copiedSize: number) => Promise<void>,
  ): Promise<void> {
    const compaction = this.#compact(pages, entries, pace)
    this.#compaction = compaction.catch(() => undefined)
    return compaction
  }

  async #compact(
    pages: Iterable<PageAddress>,
    entries: ReadonlyMap<string, Uint8Array>,
    pace: (copiedSize: number) => Promise<void>,
  ): Promise<void> {
    await this.#lastWrite
    const file = this.#file + COMPACT_SUFFIX
    await removeEnvironment(file)
    try {
      await this.#copyInto(file, pages, entries, pace)
    } catch (error) {
      await removeEnvironment(file)
      throw new StoreError(`${file} cannot be written`, { cause: error })
    }
    try {
      this.#endSnapshots()
      await this.#environment.root.close()
      // A lock file of the old environment would tell readers wrong things of the new one.
      await rm(this.#file + LOCK_SUFFIX, { force: true })
      await rename(file, this.#file)
      await rm(file + LOCK_SUFFIX, { force: true })
      await syncDirectory(dirname(this.#file))
      // Also when we are being closed meanwhile: whoever closes waits for us and closes this one.
      this.#environment = openEnvironment(this.#file)
    } catch (error) {
      throw this.#fail(error)
    }
  }

  diskSize(): number {
    return this.#attempt(() => statSync(this.#file).size)
  }

  snapshot(): StoreSnapshot {
    const snapshot = this.#attempt(() => openSnapshot(this.#environment))
    this.#snapshots.add(snapshot)
    const release = (): void => {
      this.#snapshots.delete(snapshot)
      snapshot.release()
    }
    return { ...snapshot, release }
  }

  #endSnapshots(): void {
    for (const snapshot of this.#snapshots) snapshot.release()
    this.#snapshots.clear()
  }

  /** Waits for writes under way, then gives up the lock. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#lastWrite.catch(() => undefined)
    await this.#compaction
    try {
      this.#endSnapshots()
      await this.#environment.root.close()
    } catch (error) {
      throw new StoreError('LMDB cannot be closed', { cause: error })
    } finally {
      this.#lock.release()
    }
  }

  /** Copies pages and manifest into a new environment, which is on disk when this resolves. */
  async #copyInto(
    file: string,
    pages: Iterable<PageAddress>,
    entries: ReadonlyMap<string, Uint8Array>,
    pace: (copiedSize: number) => Promise<void>,
  ): Promise<void> {
    const fresh = openEnvironment(file)
    try {
      let copiedSize = 0
      let turnSize = 0
      let writes: Promise<boolean>[] = []
      for (const address of pages) {
        const bytes = this.readPage(address)
        if (bytes === null) throw new StoreError('a page of the manifest is missing')
        // Our own copy: the library keeps it until the commit, and the next read overwrites ours.
        writes.push(fresh.pages.put(pageKey(address), bytes.slice()))
        takeOrphan(fresh.root)
        copiedSize += bytes.byteLength
        turnSize += bytes.byteLength
        if (turnSize < COPY_TURN_SIZE) continue
        await committed(writes)
        await pace(copiedSize)
        turnSize = 0
        writes = []
      }
      writes.push(fresh.manifest.put(MANIFEST_KEY, encodeManifest(entries)))
      takeOrphan(fresh.root)
      await committed(writes)
    } finally {
      await fresh.root.close()
    }
  }

  #put(put: () => Promise<boolean>): Promise<void> {
    if (this.#isClosed) return Promise.reject(new StoreError('the store is closed'))
    if (this.#failure !== null) return Promise.reject(this.#failure)
    let promise: Promise<boolean>
    try {
      promise = put()
    } catch (error) {
      return Promise.reject(this.#fail(error))
    }
    if (promise !== this.#lastPut) {
      this.#lastPut = promise
      takeOrphan(this.#environment.root)
      this.#lastWrite = promise.then(
        () => undefined,
        async (error: unknown) => {
          throw this.#fail(await commitCause(error))
        },
      )
    }
    return this.#lastWrite
  }

  #fail(cause: unknown): StoreError {
    this.#failure ??= new StoreError(
      'LMDB failed to write (a full disk may call itself an input/output error)',
      { cause },
    )
    return this.#failure
  }

  #attempt<T>(read: () => T): T {
    if (this.#isClosed) throw new StoreError('the store is closed')
    try {
      return read()
    } catch (error) {
      throw new StoreError('LMDB failed to read', { cause: error })
    }
  }
}

/** One read transaction: LMDB keeps what it sees until it ends. */
function openSnapshot({ root, pages, manifest }: Environment): StoreSnapshot {
  const transaction = root.useReadTransaction()
  let isOver = false
  const attempt = <T>(read: () => T): T => {
    if (isOver) throw new StoreError('the snapshot is over')
    try {
      return read()
    } catch (error) {
      throw new StoreError('LMDB failed to read', { cause: error })
    }
  }
  return {
    readManifest: () => {
      const bytes = attempt(() => manifest.get(MANIFEST_KEY, { transaction }))
      if (bytes === undefined) return new Map()
      return decodeManifest(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    },
    readPage: (address) => {
      const key = pageKey(address)
      return attempt(() => pages.get(key, { transaction })) ?? null
    },
    release: () => {
      if (!isOver) transaction.done()
      isOver = true
    },
  }
}

interface Environment {
  readonly root: RootDatabase<Uint8Array, string>
  readonly pages: Database<Uint8Array, number>
  readonly manifest: Database<Uint8Array, string>
}

function openEnvironment(path: string): Environment {
  reserveEnvironment(path, path + LOCK_SUFFIX)
  const root = open<Uint8Array, string>({
    path,
    noSubdir: true,
    encoding: 'binary',
    overlappingSync: false,
    compression: false,
    cache: false,
  })
  const pages = root.openDB<Uint8Array, number>('pages', {
    encoding: 'binary',
    keyEncoding: 'uint32',
    cache: false,
  })
  const manifest = root.openDB<Uint8Array, string>('manifest', { encoding: 'binary', cache: false })
  return { root, pages, manifest }
}

async function removeEnvironment(file: string): Promise<void> {
  await rm(file, { force: true })
  await rm(file + LOCK_SUFFIX, { force: true })
}

/** Waits for all of these writes, whichever fails first. */
async function committed(writes: readonly Promise<boolean>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(writes)) {
    if (outcome.status === 'rejected') throw await commitCause(outcome.reason)
  }
}

/** 8 bits of table, 23 of page, 1 of slot: a page's two slots are neighbours in the tree. */
function pageKey(address: PageAddress): number {
  const { table, page, slot } = address
  assert(Number.isInteger(table) && table >= 0 && table < STORE_TABLES_MAX, 'table out of range')
  assert(Number.isInteger(page) && page >= 0 && page < STORE_TABLE_PAGES_MAX, 'page out of range')
  return (table * STORE_TABLE_PAGES_MAX + page) * 2 + slot
}

/**
 * At the end of a turn with puts the library may begin the next transaction with an operation of
 * its own, whose promise it gives to nobody: when that commit fails (a full disk), the promise
 * would end the process. It is the one behind `committed` right after the library's own task of
 * the turn.
 */
function takeOrphan(root: RootDatabase<Uint8Array, string>): void {
  const nothing = (): void => undefined
  setImmediate(() => void root.committed.then(nothing, nothing))
}

/**
 * The library rejects a put with an error whose `commitError` is a promise that rejects with the
 * true cause a moment later, or never. It must have a handler, or it ends the process.
 */
async function commitCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error
  const cause = Promise.resolve(error.commitError).catch((reason: unknown) => reason)
  const patience = new Promise((resolve) => setImmediate(() => setImmediate(resolve, error)))
  return Promise.race([cause, patience])
}
