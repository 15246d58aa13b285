/**
 * A look at LMDB's data file before the library opens it: lmdb 3.5.6 ends the process with a
 * segmentation fault when the file is none of its own (tried with noise, zeros and a short file).
 *
 * Layout of each of the first two pages (liblmdb mdb.c, MDB_page and MDB_meta; little-endian, 64
 * bits):
 *
 *   bytes  0..23   page header
 *   bytes 24..27   uint32 0xBEEFC0DE
 *   bytes 28..31   uint32 version, low 16 bits 2
 *   bytes 48..51   uint32 page size: where the second page begins
 */

import { closeSync, openSync, readSync } from 'node:fs'
import { StoreError } from '../errors.ts'
import { checkEnvironmentTree } from './environment-tree.ts'

const MAGIC = 0xbeefc0de
const VERSION = 2
const HEADER_SIZE = 52

/**
 * Passes when the file is missing or empty, or when it is an LMDB environment in which nothing of
 * the library's own is damaged.
 * @throws {StoreError} otherwise
 */
export function checkEnvironmentFile(file: string): void {
  const pageSize = readPageSize(file)
  if (pageSize !== null) checkEnvironmentTree(file, pageSize)
}

/** Size of LMDB's pages; null where there is no environment yet. */
function readPageSize(file: string): number | null {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new StoreError(`${file} cannot be read`, { cause: error })
  }
  try {
    const header = new DataView(new ArrayBuffer(HEADER_SIZE))
    const size = readSync(descriptor, header, 0, HEADER_SIZE, 0)
    if (size === 0) return null
    const pageSize = header.getUint32(48, true)
    const isFirstSound =
      size === HEADER_SIZE && isMeta(header) && pageSize >= 512 && pageSize <= 65_536
    const secondSize = isFirstSound ? readSync(descriptor, header, 0, HEADER_SIZE, pageSize) : 0
    if (secondSize !== HEADER_SIZE || !isMeta(header)) {
      throw new StoreError(`${file} is not an LMDB environment, or was damaged`)
    }
    return pageSize
  } finally {
    closeSync(descriptor)
  }
}

function isMeta(header: DataView): boolean {
  return header.getUint32(24, true) === MAGIC && (header.getUint32(28, true) & 0xffff) === VERSION
}
