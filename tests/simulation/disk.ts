/**
 * One machine's disk and the store on it, with what the PageStore port promises of LMDB: writes
 * become durable in the order of the calls, a manifest only with all pages before it. What was not
 * durable at a crash is there whole, in part, or not at all, page by page; a manifest is there or
 * not. After a failed write the store takes no more.
 */

import { StoreError } from '../../src/errors.ts'
import type { PageAddress, PageStore } from '../../src/model/ports.ts'
import { keyOf } from '../support/memory-store.ts'
import type { Random } from '../support/workload/random.ts'
import type { ConnectionOwner } from './connection.ts'
import type { Scheduler, Task } from './scheduler.ts'

type Manifest = ReadonlyMap<string, Uint8Array>

/** What a disk holds at one moment. Bytes are never changed in place. */
export interface DiskImage {
  readonly pages: ReadonlyMap<string, Uint8Array>
  readonly manifest: Manifest
}

const IMAGES_KEPT = 4
const PAGES_PER_PACE = 8

/** A disk; outlives processes. */
export class SimDisk {
  pages = new Map<string, Uint8Array>()
  manifest: Manifest = new Map()
  /** Images as they were at earlier commits, oldest first: what a backup would hold. */
  readonly backups: DiskImage[] = []
  /** The store that has it open. */
  opened: SimStore | null = null
  /** How long a transaction takes, ms. */
  flushMs = 4
  /** Transactions until one fails; 0: none will. */
  failsIn = 0
  /** Whether something was damaged that must not be loaded; what brings it back. */
  damage: (() => void) | null = null
  failureCount = 0

  image(): DiskImage {
    return { pages: new Map(this.pages), manifest: this.manifest }
  }

  put(image: DiskImage): void {
    this.pages = new Map(image.pages)
    this.manifest = image.manifest
    this.damage = null
  }

  noteCommit(): void {
    this.backups.push(this.image())
    if (this.backups.length > IMAGES_KEPT) this.backups.shift()
  }

  /** A key of a page that the manifest calls committed; null: there is none. */
  pickCommittedPage(random: Random): string | null {
    const keys: string[] = []
    for (const [entry, slots] of this.manifest) {
      if (!entry.startsWith('slots/')) continue
      const table = entry.slice('slots/'.length)
      for (const [page, slot] of slots.entries()) keys.push(`${table}/${page}/${slot}`)
    }
    return keys.length === 0 ? null : random.pick(keys)
  }

  /** Flips a bit of a committed page, cuts it or takes it away. False: there is no page yet. */
  damageOnePage(random: Random): boolean {
    const key = this.pickCommittedPage(random)
    const bytes = key === null ? undefined : this.pages.get(key)
    if (key === null || bytes === undefined || this.damage !== null) return false
    const how = random.pick(['flip', 'flip', 'flip', 'cut', 'tear', 'lose'] as const)
    const damaged = bytes.slice()
    const at = random.whole(0, bytes.byteLength - 1)
    if (how === 'flip') damaged[at]! ^= 1 << random.whole(0, 7)
    if (how === 'tear') {
      const other = this.pages.get(key.slice(0, -1) + (key.endsWith('0') ? '1' : '0'))
      damaged.set((other ?? new Uint8Array(bytes.byteLength)).subarray(at), at)
      if (Buffer.compare(damaged, bytes) === 0) damaged[at]! ^= 1
    }
    if (how === 'lose') this.pages.delete(key)
    else this.pages.set(key, how === 'cut' ? damaged.subarray(0, at) : damaged)
    this.damage = () => {
      this.pages.set(key, bytes)
      this.damage = null
    }
    return true
  }
}

interface Write {
  /** null: the manifest. */
  readonly key: string | null
  readonly bytes: Uint8Array | null
  readonly manifest: Manifest | null
  readonly resolve: () => void
  readonly reject: (error: StoreError) => void
}

/** What a saboteur may do to a store. */
export interface StoreSabotage {
  /** Pages are answered for at once and written later; the manifest is there at once. */
  readonly isManifestFirst?: boolean
  /** Both slots of a page are one. */
  readonly isOneSlot?: boolean
}

/** A store opened by one process. */
export class SimStore implements PageStore {
  readonly #disk: SimDisk
  readonly #owner: ConnectionOwner
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #onCommit: (manifest: Manifest) => void
  readonly #sabotage: StoreSabotage
  #waiting: Write[] = []
  #flushing: Write[] = []
  #flush: Task | null = null
  #failure: StoreError | null = null
  #closers: (() => void)[] = []
  #isClosed = false

  constructor(
    disk: SimDisk,
    owner: ConnectionOwner,
    scheduler: Scheduler,
    random: Random,
    onCommit: (manifest: Manifest) => void,
    sabotage: StoreSabotage = {},
  ) {
    if (disk.opened !== null) throw new Error('the disk is open already')
    disk.opened = this
    this.#disk = disk
    this.#owner = owner
    this.#scheduler = scheduler
    this.#random = random
    this.#onCommit = onCommit
    this.#sabotage = sabotage
  }

  readManifest(): Manifest {
    return this.#disk.manifest
  }

  readPage(address: PageAddress): Uint8Array | null {
    return this.#disk.pages.get(this.#keyOf(address)) ?? null
  }

  writePage(address: PageAddress, bytes: Uint8Array): Promise<void> {
    // The bytes are the caller's again as soon as we have answered.
    const isHasty = this.#sabotage.isManifestFirst === true
    const written = this.#write(this.#keyOf(address), isHasty ? bytes.slice() : bytes, null)
    if (!isHasty) return written
    written.catch(() => undefined)
    return Promise.resolve()
  }

  commitManifest(entries: Manifest): Promise<void> {
    const manifest = new Map([...entries].map(([key, bytes]) => [key, bytes.slice()]))
    if (this.#sabotage.isManifestFirst === true && !this.#owner.isLost()) {
      this.#commit(manifest)
      return Promise.resolve()
    }
    return this.#write(null, null, manifest)
  }

  /** Into a fresh file, which takes the old one's place in one step, or does not. */
  async compact(
    pages: Iterable<PageAddress>,
    entries: Manifest,
    pace: (copiedSize: number) => Promise<void>,
  ): Promise<void> {
    const copy = new Map<string, Uint8Array>()
    let copiedSize = 0
    for (const address of pages) {
      const bytes = this.readPage(address)
      if (bytes === null) throw new StoreError('a page is gone')
      copy.set(this.#keyOf(address), bytes)
      copiedSize += bytes.byteLength
      if (copy.size % PAGES_PER_PACE === 0) await pace(copiedSize)
    }
    await this.#swap(copy, new Map(entries))
  }

  diskSize(): number {
    return 4096 * this.#disk.pages.size
  }

  close(): Promise<void> {
    if (this.#owner.isLost()) return new Promise<never>(() => undefined)
    this.#isClosed = true
    return new Promise((resolve) => {
      this.#closers.push(resolve)
      this.#closeIfIdle()
    })
  }

  /** The process is gone: what was on its way to the disk got there, or not, or in part. */
  crash(): void {
    if (this.#disk.opened === this) this.#disk.opened = null
    const random = this.#random
    const isFlushed = this.#flushing.length > 0 && random.chance(0.4)
    if (isFlushed) for (const write of this.#flushing) this.#apply(write)
    const open = isFlushed ? this.#waiting : [...this.#flushing, ...this.#waiting]
    for (const { key, bytes } of open) {
      if (key === null || bytes === null || random.chance(0.4)) continue
      if (random.chance(0.5)) {
        this.#disk.pages.set(key, bytes.slice())
        continue
      }
      const torn = (this.#disk.pages.get(key) ?? new Uint8Array(bytes.byteLength)).slice()
      const size = random.whole(1, bytes.byteLength)
      torn.set(bytes.subarray(0, size))
      this.#disk.pages.set(key, torn)
    }
    if (this.#flush !== null) this.#flush.isCancelled = true
  }

  #swap(pages: Map<string, Uint8Array>, manifest: Manifest): Promise<void> {
    if (this.#owner.isLost()) return new Promise<never>(() => undefined)
    return new Promise((resolve, reject) => {
      const delayMs = (0.1 + this.#random.next()) * this.#disk.flushMs
      this.#scheduler.later(delayMs, this.#owner, 'compacted', () => {
        if (this.#disk.failsIn > 0 && --this.#disk.failsIn === 0) {
          reject(new StoreError('no room for a second file'))
          return
        }
        this.#disk.pages = pages
        this.#commit(manifest)
        resolve()
      })
    })
  }

  #write(key: string | null, bytes: Uint8Array | null, manifest: Manifest | null): Promise<void> {
    if (this.#owner.isLost()) return new Promise<never>(() => undefined)
    if (this.#failure !== null) return Promise.reject(this.#failure)
    if (this.#isClosed) return Promise.reject(new StoreError('the store is closed'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, bytes, manifest, resolve, reject })
      this.#flushIfIdle()
    })
  }

  #flushIfIdle(): void {
    if (this.#flush !== null || this.#waiting.length === 0) return
    const size = this.#random.whole(1, this.#waiting.length)
    this.#flushing = this.#waiting.splice(0, size)
    const delayMs = (0.1 + this.#random.next()) * this.#disk.flushMs
    this.#flush = this.#scheduler.later(delayMs, this.#owner, 'flushed', () => this.#endFlush())
  }

  #endFlush(): void {
    this.#flush = null
    const writes = this.#flushing
    this.#flushing = []
    const disk = this.#disk
    if (disk.failsIn > 0 && --disk.failsIn === 0) {
      // An error of the disk may come after everything was written.
      if (this.#random.chance(0.3)) for (const write of writes) this.#apply(write)
      disk.failureCount += 1
      this.#failure = new StoreError('the disk failed')
      const lost = [...writes, ...this.#waiting.splice(0)]
      for (const { reject } of lost) reject(this.#failure)
    } else {
      for (const write of writes) this.#apply(write)
      for (const { resolve } of writes) resolve()
    }
    this.#flushIfIdle()
    this.#closeIfIdle()
  }

  /** Bytes are copied here, not before: whoever changes them earlier breaks the port's contract. */
  #apply({ key, bytes, manifest }: Write): void {
    if (manifest !== null) this.#commit(manifest)
    else this.#disk.pages.set(key!, bytes!.slice())
  }

  #commit(manifest: Manifest): void {
    this.#disk.manifest = manifest
    this.#onCommit(manifest)
    this.#disk.noteCommit()
  }

  #closeIfIdle(): void {
    if (this.#flush !== null || this.#closers.length === 0) return
    if (this.#disk.opened === this) this.#disk.opened = null
    for (const resolve of this.#closers.splice(0)) resolve()
  }

  #keyOf(address: PageAddress): string {
    return keyOf(this.#sabotage.isOneSlot === true ? { ...address, slot: 0 } : address)
  }
}
