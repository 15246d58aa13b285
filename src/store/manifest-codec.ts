/**
 * The manifest as one LMDB value, so that replacing it is atomic by itself. Little-endian:
 *
 *   bytes 0..3   'HWM2'
 *   bytes 4..7   uint32 CRC-32 of everything after it
 *   bytes 8..11  uint32 count of entries
 *   then for each entry: uint32 key size, key (UTF-8), uint32 value size, value
 */

import { crc32 } from 'node:zlib'
import { PartitionHaltedError } from '../errors.ts'

const MAGIC = 0x324d5748
const HEADER_SIZE = 12

/** Encodes all entries; the result shares no memory with them. */
export function encodeManifest(entries: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const keys = [...entries.keys()].map((key) => new TextEncoder().encode(key))
  const values = [...entries.values()]
  let size = HEADER_SIZE
  for (let i = 0; i < keys.length; i++) size += 8 + keys[i]!.length + values[i]!.length
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(8, keys.length, true)
  let offset = HEADER_SIZE
  const append = (part: Uint8Array): void => {
    view.setUint32(offset, part.length, true)
    bytes.set(part, offset + 4)
    offset += 4 + part.length
  }
  for (let i = 0; i < keys.length; i++) {
    append(keys[i]!)
    append(values[i]!)
  }
  view.setUint32(4, crc32(bytes.subarray(8)), true)
  return bytes
}

/**
 * Decodes into entries that are views of `bytes`.
 * @throws {PartitionHaltedError} `page-checksum` when the bytes are not as they were written
 */
export function decodeManifest(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = new Map<string, Uint8Array>()
  try {
    if (view.getUint32(0, true) !== MAGIC) throw new RangeError('unknown first bytes')
    if (view.getUint32(4, true) !== crc32(bytes.subarray(8))) throw new RangeError('wrong checksum')
    const count = view.getUint32(8, true)
    let offset = HEADER_SIZE
    const next = (): Uint8Array => {
      const size = view.getUint32(offset, true)
      if (offset + 4 + size > bytes.length) throw new RangeError('an entry ends past the end')
      const part = bytes.subarray(offset + 4, offset + 4 + size)
      offset += 4 + size
      return part
    }
    for (let i = 0; i < count; i++) {
      const key = new TextDecoder().decode(next())
      entries.set(key, next())
    }
    if (offset !== bytes.length) throw new RangeError('bytes are left over')
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    throw new PartitionHaltedError('page-checksum', `the manifest is damaged: ${why}`, {
      cause: error,
    })
  }
  return entries
}
