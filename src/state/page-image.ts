/**
 * A page as LMDB keeps it: a head of 32 bytes, then the rows.
 *
 *   0 u32 CRC-32 of everything after it | 4 u16 format | 6 u16 table | 8 u32 page | 12 u32 row size
 *   16 f64 generation of the checkpoint that wrote it | 24 u32 data size | 28 u32 zero
 */

import { crc32 } from 'node:zlib'
import { PartitionHaltedError } from '../errors.ts'

/** Bytes before a page's rows. */
export const PAGE_HEAD_SIZE = 32
const FORMAT = 1

/** What a page's head must say. */
export interface PageHead {
  readonly table: number
  readonly page: number
  readonly strideSize: number
  readonly generation: number
}

/**
 * What its place demands of a page: `generation` is the newest that it may be, `sum` the checksum
 * that the manifest knows it by. An older version of a page is sound in itself; a store that mixes
 * versions up (a stale tree, a key with a flipped bit) is found out by the sum alone.
 */
export interface PageDemand extends PageHead {
  readonly sum: number
}

/**
 * Completes an image whose rows already stand behind the head: writes head and checksum, which it
 * returns.
 */
export function sealPage(image: Uint8Array, head: PageHead): number {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
  view.setUint16(4, FORMAT, true)
  view.setUint16(6, head.table, true)
  view.setUint32(8, head.page, true)
  view.setUint32(12, head.strideSize, true)
  view.setFloat64(16, head.generation, true)
  view.setUint32(24, image.byteLength - PAGE_HEAD_SIZE, true)
  view.setUint32(28, 0, true)
  const sum = crc32(image.subarray(4))
  view.setUint32(0, sum, true)
  return sum
}

/**
 * Checks an image against what its place demands and returns its rows, a view. Throws
 * PartitionHaltedError.
 */
export function openPage(image: Uint8Array, head: PageDemand): Uint8Array {
  const name = `page ${head.page} of table ${head.table}`
  if (image.byteLength < PAGE_HEAD_SIZE) {
    throw new PartitionHaltedError('page-checksum', `${name} is cut short`)
  }
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
  if (view.getUint32(0, true) !== crc32(image.subarray(4))) {
    throw new PartitionHaltedError('page-checksum', `${name} fails its checksum`)
  }
  const isRight =
    view.getUint16(4, true) === FORMAT &&
    view.getUint16(6, true) === head.table &&
    view.getUint32(8, true) === head.page &&
    view.getUint32(12, true) === head.strideSize &&
    view.getUint32(0, true) === head.sum &&
    view.getUint32(24, true) === image.byteLength - PAGE_HEAD_SIZE &&
    view.getFloat64(16, true) <= head.generation
  if (!isRight) {
    throw new PartitionHaltedError('page-checksum', `${name} is not the page that belongs there`)
  }
  return image.subarray(PAGE_HEAD_SIZE)
}
