import { describe, expect, test } from 'vitest'
import { UsageDecoder } from '../../../src/decode/usage.ts'
import { message, refusal, rejectOf, rowMap, seededNumbers } from './wire-cases.ts'

const SEED = 20261122
const decoder = new UsageDecoder()

function decode(data: Uint8Array): readonly (readonly number[])[] {
  decoder.decode(data, 'probe-1', 1, 4)
  const { count, subscribers, usageBytes, timesMs, rats, apps, cells, kinds } = decoder.batch
  const columns = [subscribers, usageBytes, timesMs, rats, apps, cells, kinds]
  return Array.from({ length: count }, (_, row) => columns.map((column) => column[row]!))
}

/** A message of rows whose bytes are given. */
function rowsOf(rows: readonly (readonly number[])[]): Uint8Array {
  const head = message(rowMap(), { rows: undefined })
  const key = [0xa4, ...Buffer.from('rows'), 0xdc, rows.length >> 8, rows.length & 255]
  return Uint8Array.from([head[0]! + 1, ...head.subarray(1), ...key, ...rows.flat()])
}

/** In the middle of a longer buffer, as a socket brings it. */
function amid(data: Uint8Array, after: Uint8Array): Uint8Array {
  const buffer = Uint8Array.from([0xc1, 0xc1, 0xc1, ...data, ...after, ...new Uint8Array(80)])
  return buffer.subarray(3, 3 + data.length)
}

/** Every encoding of a whole number, in all sizes that hold it. */
function encodingsOf(value: number): number[][] {
  const view = new DataView(new ArrayBuffer(8))
  const bytes = (size: number): number[] => [...new Uint8Array(view.buffer, 0, size)]
  const made: number[][] = []
  view.setFloat64(0, value)
  made.push([0xcb, ...bytes(8)])
  view.setBigUint64(0, BigInt(value))
  made.push([0xcf, ...bytes(8)], [0xd3, ...bytes(8)])
  view.setUint32(0, value)
  if (value < 2 ** 32) made.push([0xce, ...bytes(4)])
  if (value < 2 ** 31) made.push([0xd2, ...bytes(4)])
  view.setUint16(0, value)
  if (value < 65_536) made.push([0xcd, ...bytes(2)])
  if (value < 32_768) made.push([0xd1, ...bytes(2)])
  if (value < 256) made.push([0xcc, value])
  if (value < 128) made.push([value], [0xd0, value])
  view.setFloat32(0, value)
  if (view.getFloat32(0) === value) made.push([0xca, ...bytes(4)])
  return made
}

describe('rows', () => {
  test(`come back whatever encodes them (seed ${SEED})`, () => {
    const next = seededNumbers(SEED)
    const limits = [2 ** 47, 2 ** 51, 8.64e15, 11, 65_536, 2 ** 32, 6]
    for (let round = 0; round < 16; round++) {
      const isPlain = round % 2 === 0
      const rows: number[][] = []
      const expected: number[][] = []
      for (let row = 0; row < 40; row++) {
        const width = 3 + (next() % 5)
        const values = limits.map((limit, column) => {
          const bits = 2 ** (next() % 53)
          const value = (next() * 2 ** 21 + (next() >>> 11)) % Math.min(limit, bits)
          return column >= width ? 0 : column === 0 ? (value % 2 ** 47) * 4 + 1 : value
        })
        const isLong = !isPlain && next() % 8 === 0
        const bytes = isLong ? [0xdc, 0, width] : [0x90 + width]
        for (let column = 0; column < width; column++) {
          const encodings = encodingsOf(values[column]!)
          const smallest = encodings.reduce((a, b) => (b.length < a.length ? b : a))
          const some = isPlain ? smallest : encodings[next() % encodings.length]!
          const isNil = column > 2 && next() % 8 === 0
          if (isNil) values[column] = 0
          bytes.push(...(isNil ? [0xc0] : some))
        }
        rows.push(bytes)
        expected.push(values)
      }
      const data = rowsOf(rows)
      expect(decode(data)).toEqual(expected)
      expect(decode(amid(data, data))).toEqual(expected)
    }
  })

  test('leave no code behind for rows without', () => {
    decode(message(rowMap(40)))
    const rows = [
      [1, 2, 1e12],
      [5, 2, 1e12, 6, 7],
      [9, 2, 1e12],
    ]
    const data = message(rowMap(), { rows })
    expect(decode(amid(data, data))).toEqual(rows.map((row) => [...row, 0, 0, 0, 0].slice(0, 7)))
    expect(decode(message(rowMap(), { rows: rows.slice(0, 1).concat(rows) }))[1]).toEqual([
      ...[1, 2, 1e12, 0, 0, 0, 0],
    ])
  })

  test('are refused when cut off at any byte, whatever follows in the buffer', () => {
    const data = message(rowMap(9))
    for (let size = 0; size < data.length; size++) {
      const cut = amid(data.subarray(0, size), data.subarray(size))
      expect(rejectOf(() => decode(cut)).reason).toBe('truncated')
    }
  })

  test.each<[string, number[], string]>([
    ['a text', [0xa1, 0x61], 'bad-type'],
    ['the byte that is never used', [0xc1], 'malformed'],
    ['2^53 in 64 bits', [0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0], 'out-of-range'],
    ['all 64 bits', [0xcf, 255, 255, 255, 255, 255, 255, 255, 255], 'out-of-range'],
    ['a negative number', [0xff], 'negative'],
    ['one and a half', [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 'not-whole'],
    ['not a number', [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], 'not-a-number'],
  ])('with %s are refused where it is', (_, bytes, reason) => {
    const good = [...[0x97, 1, 2], ...[0xcf, 0, 0, 1, 0, 0, 0, 0, 0], ...[6, 7, 8, 0]]
    for (let column = 0; column < 7; column++) {
      const before = column < 3 ? column : column + 8
      const after = column === 2 ? 9 : 1
      const row = [...good.slice(0, 1 + before), ...bytes, ...good.slice(1 + before + after)]
      const data = rowsOf([good, good, good, row, good, good, good, good, good])
      const expected = `${reason} at rows[3][${column}]`
      expect(refusal(() => decode(data))).toBe(expected)
      expect(refusal(() => decode(amid(data, data)))).toBe(expected)
    }
  })

  test('turn -0 into 0', () => {
    const zero = [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]
    const row = [0x93, 1, ...zero, ...zero]
    const [first] = decode(rowsOf(Array.from({ length: 9 }, () => row)))
    expect(Object.is(first![1], 0) && Object.is(first![2], 0)).toBe(true)
  })
})
