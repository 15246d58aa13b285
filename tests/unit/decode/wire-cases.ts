import { encode } from '@msgpack/msgpack'
import { type Reject, RejectError } from '../../../src/model/reject.ts'

/** Columns and head of a small valid batch of partition 1 of 4, as the wire has them. */
export function columnarMap(count = 3): Record<string, unknown> {
  const numbers = Array.from({ length: count }, (_, index) => index)
  return {
    v: 1,
    probe: 'probe-1',
    epoch: 1_700_000_000_000,
    seq: 9,
    n: count,
    sub: bytesOf(Float64Array.from(numbers, (index) => 13_800_000_001 + index * 4)),
    bytes: bytesOf(Float64Array.from(numbers, (index) => 1_000 + index)),
    time: bytesOf(Float64Array.from(numbers, (index) => 1_700_000_000_000 + index)),
    rat: bytesOf(Uint8Array.from(numbers, () => 6)),
    app: bytesOf(Uint16Array.from(numbers, (index) => 60_000 + index)),
    cell: bytesOf(Uint32Array.from(numbers, (index) => 4_000_000_000 + index)),
    kind: bytesOf(Uint8Array.from(numbers, () => 1)),
  }
}

/** Rows of the same batch. */
export function rowMap(count = 3): Record<string, unknown> {
  const rows = Array.from({ length: count }, (_, index) => [
    13_800_000_001 + index * 4,
    1_000 + index,
    1_700_000_000_000 + index,
    6,
    60_000 + index,
    4_000_000_000 + index,
    1,
  ])
  return { v: 1, probe: 'probe-1', epoch: 1_700_000_000_000, seq: 9, rows }
}

/** The bytes of a column. */
export function bytesOf(column: ArrayBufferView): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}

/** Encodes a map, with keys replaced or (undefined) removed. */
export function message(
  map: Record<string, unknown>,
  changes: Record<string, unknown> = {},
): Uint8Array {
  return encode({ ...map, ...changes }, { ignoreUndefined: true })
}

/** The reject that `action` throws; fails when it throws anything else, or nothing. */
export function rejectOf(action: () => unknown): Reject {
  try {
    action()
  } catch (error) {
    if (error instanceof RejectError) return error.reject
    throw error
  }
  throw new Error('nothing was refused')
}

/** `reason at position`, for short expectations. */
export function refusal(action: () => unknown): string {
  const { reason, position } = rejectOf(action)
  return `${reason} at ${position}`
}

/** A seeded generator of 32-bit numbers (mulberry32), independent of the one in src/probe. */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** A damaged copy: bytes flipped, cut off, inserted, swapped with others, or made random. */
export function mutate(original: Uint8Array, next: () => number): Uint8Array {
  const interesting = [0x00, 0x7f, 0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc4, 0xc6, 0xcb, 0xcf, 0xd3, 0xff]
  let bytes = original.slice()
  const editCount = 1 + (next() % 3)
  for (let edit = 0; edit < editCount && bytes.length > 0; edit++) {
    const at = next() % bytes.length
    switch (next() % 6) {
      case 0:
        bytes[at]! ^= 1 << (next() % 8)
        break
      case 1:
        bytes[at] = interesting[next() % interesting.length]!
        break
      case 2:
        bytes = bytes.slice(0, at)
        break
      case 3: {
        const longer = new Uint8Array(bytes.length + 1)
        longer.set(bytes.subarray(0, at))
        longer[at] = next()
        longer.set(bytes.subarray(at), at + 1)
        bytes = longer
        break
      }
      case 4:
        bytes.copyWithin(at, next() % bytes.length, next() % bytes.length)
        break
      default: {
        const end = Math.min(bytes.length, at + 8)
        for (let i = at; i < end; i++) bytes[i] = next()
      }
    }
  }
  return bytes
}
