import { expect, test } from 'vitest'
import { decodeManifest, encodeManifest } from '../../../src/store/manifest-codec.ts'

const entries = new Map([
  ['position', new Uint8Array([1, 2, 3])],
  ['空', new Uint8Array(0)],
  ['', new Uint8Array(1000).fill(9)],
])

const DAMAGED = expect.objectContaining({ reason: 'page-checksum' })

test('decodes to the entries that were encoded, also at an odd offset', () => {
  const encoded = encodeManifest(entries)
  const shifted = new Uint8Array(encoded.length + 3)
  shifted.set(encoded, 3)
  expect(decodeManifest(shifted.subarray(3))).toEqual(entries)
  expect(decodeManifest(encodeManifest(new Map()))).toEqual(new Map())
})

test('refuses a manifest cut anywhere, longer than it should be, or of another kind', () => {
  const encoded = encodeManifest(entries)
  for (let size = 0; size < encoded.length; size += 7) {
    expect(() => decodeManifest(encoded.subarray(0, size))).toThrow(DAMAGED)
  }
  const longer = new Uint8Array(encoded.length + 1)
  longer.set(encoded)
  expect(() => decodeManifest(longer)).toThrow(DAMAGED)
  const foreign = encoded.slice()
  foreign[0]! ^= 1
  expect(() => decodeManifest(foreign)).toThrow(DAMAGED)
})

test('refuses a manifest with any one bit turned', () => {
  const encoded = encodeManifest(entries)
  for (let bit = 0; bit < encoded.length * 8; bit++) {
    encoded[bit >>> 3]! ^= 1 << (bit & 7)
    expect(() => decodeManifest(encoded), `bit ${bit}`).toThrow(DAMAGED)
    encoded[bit >>> 3]! ^= 1 << (bit & 7)
  }
})
