/**
 * A backup: one image in one file that is written from front to back. Little-endian:
 *
 *   bytes 0..7    'HWBACKUP'
 *   bytes 8..11   uint32 version, 1
 *   bytes 12..15  uint32 manifest size, then the manifest as in the store
 *   then for each page: uint32 table, page, slot, size, then the page as in the store
 *   then uint32 0xffffffff, uint32 page count, uint32 0, uint32 32, then the SHA-256 of all before
 */

import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { StoreError } from '../errors.ts'
import type { ImageReader } from '../model/backup.ts'
import type { PageAddress } from '../model/ports.ts'
import { decodeManifest, encodeManifest } from './manifest-codec.ts'

const MAGIC = Buffer.from('HWBACKUP')
const VERSION = 1
const HEAD_SIZE = 16
const RECORD_HEAD_SIZE = 16
const END = 0xffffffff
const HASH_SIZE = 32
/** Bytes that are gathered before they are written. */
const CHUNK_SIZE = 1024 * 1024

/** What was written. `sha256`: of the whole file, hex. */
export interface WrittenBackup {
  readonly pageCount: number
  readonly sizeBytes: number
  readonly sha256: string
}

/**
 * Writes the manifest and these pages of an image into a new file that only its owner may read, and
 * onto the disk. `pace` is awaited after every MiB or so with the bytes written so far. A failure
 * leaves a file that is no backup: remove it.
 * @throws {StoreError} when a page is missing or the image cannot be read
 * @throws the file system's error, e.g. ENOSPC
 */
export async function writeBackupFile(
  path: string,
  image: ImageReader,
  pages: Iterable<PageAddress>,
  pace: (writtenSize: number) => Promise<void>,
): Promise<WrittenBackup> {
  const handle = await open(path, 'wx', 0o600)
  try {
    const writer = new Writer(handle)
    const manifest = encodeManifest(image.readManifest())
    const head = Buffer.alloc(HEAD_SIZE)
    MAGIC.copy(head)
    head.writeUInt32LE(VERSION, 8)
    head.writeUInt32LE(manifest.byteLength, 12)
    writer.add(head)
    writer.add(manifest)
    let pageCount = 0
    for (const address of pages) {
      const bytes = image.readPage(address)
      const { table, page, slot } = address
      if (bytes === null) throw new StoreError(`page ${page} of table ${table} is missing`)
      writer.add(recordHead(table, page, slot, bytes.byteLength))
      // The reader's next answer overwrites this one.
      writer.add(Uint8Array.from(bytes))
      pageCount += 1
      if (writer.waitingSize < CHUNK_SIZE) continue
      await writer.flush()
      await pace(writer.size)
    }
    writer.add(recordHead(END, pageCount, 0, HASH_SIZE))
    const sha256 = await writer.finish()
    await handle.sync()
    return { pageCount, sizeBytes: writer.size, sha256 }
  } finally {
    await handle.close()
  }
}

function recordHead(table: number, page: number, slot: number, size: number): Buffer {
  const head = Buffer.alloc(RECORD_HEAD_SIZE)
  head.writeUInt32LE(table, 0)
  head.writeUInt32LE(page, 4)
  head.writeUInt32LE(slot, 8)
  head.writeUInt32LE(size, 12)
  return head
}

/** Gathers bytes, hashes them and writes them in large pieces. */
class Writer {
  readonly #handle: FileHandle
  readonly #hash = createHash('sha256')
  #waiting: Uint8Array[] = []
  waitingSize = 0
  size = 0

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  add(bytes: Uint8Array): void {
    this.#waiting.push(bytes)
    this.waitingSize += bytes.byteLength
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.waitingSize = 0
    this.#hash.update(bytes)
    await this.#write(bytes)
  }

  /** Adds the hash of all before it; returns the hash of the whole file. */
  async finish(): Promise<string> {
    await this.flush()
    const seal = this.#hash.copy().digest()
    this.#hash.update(seal)
    await this.#write(seal)
    return this.#hash.digest('hex')
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.byteLength - at, null)
      at += bytesWritten
      this.size += bytesWritten
    }
  }
}

/** An opened backup, checked whole; close it. */
export interface BackupFile extends ImageReader {
  readonly pages: readonly PageAddress[]
  readonly sizeBytes: number
  /** Hex, of the whole file. */
  readonly sha256: string
  close(): void
}

/**
 * Opens a backup and checks it against its own SHA-256: all of it is read once.
 * @throws {StoreError} when it cannot be read, is no backup, or is not as it was written
 */
export function openBackupFile(path: string): BackupFile {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    throw new StoreError(`${path} cannot be read`, { cause: error })
  }
  try {
    return new OpenedBackup(descriptor)
  } catch (error) {
    closeSync(descriptor)
    if (!(error instanceof RangeError)) throw error
    throw new StoreError(`${path} is no whole backup: ${error.message}`, { cause: error })
  }
}

class OpenedBackup implements BackupFile {
  readonly #descriptor: number
  readonly #fileSize: number
  readonly #manifest: Uint8Array
  readonly #places = new Map<string, { readonly at: number; readonly size: number }>()
  readonly pages: readonly PageAddress[]
  readonly sizeBytes: number
  readonly sha256: string

  constructor(descriptor: number) {
    this.#descriptor = descriptor
    this.#fileSize = fstatSync(descriptor).size
    const hash = createHash('sha256')
    let at = 0
    const take = (size: number): Buffer => {
      const bytes = this.#read(at, size)
      hash.update(bytes)
      at += size
      return bytes
    }
    const head = take(HEAD_SIZE)
    if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw new RangeError('it begins otherwise')
    if (head.readUInt32LE(8) !== VERSION) throw new RangeError('it has another version')
    this.#manifest = Uint8Array.from(take(head.readUInt32LE(12)))
    const pages: PageAddress[] = []
    for (;;) {
      const [table, page, slot, size] = numbers(take(RECORD_HEAD_SIZE))
      if (table === END) {
        if (page !== pages.length || size !== HASH_SIZE) throw new RangeError('it ends otherwise')
        break
      }
      const address: PageAddress = { table, page, slot: slot === 1 ? 1 : 0 }
      this.#places.set(placeKey(address), { at, size })
      pages.push(address)
      take(size)
    }
    const expected = hash.copy().digest()
    if (!take(HASH_SIZE).equals(expected)) throw new RangeError('its SHA-256 is another')
    if (at !== this.#fileSize) throw new RangeError('it goes on behind its end')
    this.pages = pages
    this.sizeBytes = at
    this.sha256 = hash.digest('hex')
  }

  readManifest(): ReadonlyMap<string, Uint8Array> {
    return decodeManifest(this.#manifest)
  }

  readPage(address: PageAddress): Uint8Array | null {
    const place = this.#places.get(placeKey(address))
    return place === undefined ? null : this.#read(place.at, place.size)
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #read(at: number, size: number): Buffer {
    if (at + size > this.#fileSize) throw new RangeError('it is cut short')
    const bytes = Buffer.alloc(size)
    if (readSync(this.#descriptor, bytes, 0, size, at) < size)
      throw new RangeError('it is cut short')
    return bytes
  }
}

function numbers(head: Buffer): [table: number, page: number, slot: number, size: number] {
  return [head.readUInt32LE(0), head.readUInt32LE(4), head.readUInt32LE(8), head.readUInt32LE(12)]
}

function placeKey({ table, page, slot }: PageAddress): string {
  return `${table}/${page}/${slot}`
}
