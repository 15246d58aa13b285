import { describe, expect, test } from 'vitest'
import { UsageDecoder } from '../../../src/decode/usage.ts'
import type { UsageBatch } from '../../../src/model/usage.ts'
import { encodeUsageColumns, encodeUsageRows, type UsageRow } from '../../../src/probe/encode.ts'
import {
  bytesOf,
  columnarMap,
  message,
  refusal,
  rejectOf,
  rowMap,
  seededNumbers,
} from './wire-cases.ts'

const decoder = new UsageDecoder()

function decode(data: Uint8Array, token = 'probe-1'): UsageBatch {
  decoder.decode(data, token, 1, 4)
  return decoder.batch
}

/** Copies of the records decoded, column by column. */
function recordsOf(batch: UsageBatch): readonly (readonly number[])[] {
  const { count, subscribers, usageBytes, timesMs, rats, apps, cells, kinds } = batch
  const columns = [subscribers, usageBytes, timesMs, rats, apps, cells, kinds]
  return columns.map((column) => [...column.subarray(0, count)])
}

function doubles(...values: number[]): Uint8Array {
  return bytesOf(Float64Array.from(values))
}

describe('a columnar batch', () => {
  test('comes back as columns with its stamp', () => {
    const batch = decode(message(columnarMap()))
    expect(recordsOf(batch)).toEqual([
      [13_800_000_001, 13_800_000_005, 13_800_000_009],
      [1_000, 1_001, 1_002],
      [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_002],
      [6, 6, 6],
      [60_000, 60_001, 60_002],
      [4_000_000_000, 4_000_000_001, 4_000_000_002],
      [1, 1, 1],
    ])
    expect(decoder.stamp).toEqual({ probe: 'probe-1', epoch: 1_700_000_000_000, seq: 9 })
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7])('decodes at byte offset %i of its buffer', (offset) => {
    const expected = recordsOf(decode(message(columnarMap(40))))
    const data = message(columnarMap(40))
    const padded = new Uint8Array(data.length + 16).fill(0xc1)
    padded.set(data, offset)
    expect(recordsOf(decode(padded.subarray(offset, offset + data.length)))).toEqual(expected)
  })

  test('accepts its keys in any order', () => {
    const entries = Object.entries(columnarMap()).reverse()
    expect(recordsOf(decode(message(Object.fromEntries(entries))))[1]).toEqual([
      1_000, 1_001, 1_002,
    ])
  })

  test('reads zeros for absent columns, also after a batch that had them', () => {
    decode(message(columnarMap(5)))
    const absent = { rat: undefined, app: undefined, cell: undefined, kind: undefined }
    const records = recordsOf(decode(message(columnarMap(4), absent)))
    expect(records.slice(3)).toEqual(Array(4).fill([0, 0, 0, 0]))
    decode(message(rowMap(5)))
    expect(recordsOf(decode(message(columnarMap(5), absent))).slice(3)).toEqual(
      Array(4).fill([0, 0, 0, 0, 0]),
    )
  })

  test('may be empty', () => {
    expect(decode(message(columnarMap(0))).count).toBe(0)
  })

  test('takes whole numbers in any encoding, floats included', () => {
    decode(message(columnarMap(), { epoch: 2 ** 53 - 1, seq: 0 }))
    expect(decoder.stamp).toMatchObject({ epoch: 2 ** 53 - 1, seq: 0 })
    const asFloats = new Uint8Array([...message({ a: 0.5 }).subarray(3)])
    const view = new DataView(asFloats.buffer)
    view.setFloat64(1, 77)
    const data = message(columnarMap(), { seq: 5 })
    const at = findText(data, 'seq') + 3
    const replaced = new Uint8Array([
      ...data.subarray(0, at),
      ...asFloats,
      ...data.subarray(at + 1),
    ])
    decode(replaced)
    expect(decoder.stamp.seq).toBe(77)
  })

  test('turns minus zero into zero', () => {
    const batch = decode(message(columnarMap(1), { bytes: doubles(-0), time: doubles(-0) }))
    expect(Object.is(batch.usageBytes[0], 0)).toBe(true)
    expect(Object.is(batch.timesMs[0], 0)).toBe(true)
  })

  test('may hold the largest values', () => {
    const extremes = {
      sub: doubles(999_999_999_999_997),
      bytes: doubles(2 ** 53 - 1),
      time: doubles(8.64e15),
    }
    expect(recordsOf(decode(message(columnarMap(1), extremes))).slice(0, 3)).toEqual([
      [999_999_999_999_997],
      [2 ** 53 - 1],
      [8.64e15],
    ])
  })
})

describe('a batch of rows', () => {
  test('equals the columnar batch of the same records', () => {
    const expected = recordsOf(decode(message(columnarMap())))
    expect(recordsOf(decode(message(rowMap())))).toEqual(expected)
  })

  test('takes nil and missing values as defaults', () => {
    decode(message(columnarMap(3)))
    const rows = [
      [1, 2, 3],
      [5, 2, 3, null, null, null, null],
      [9, 2, 3, 6, null, 7],
    ]
    expect(recordsOf(decode(message(rowMap(), { rows }))).slice(3)).toEqual([
      [0, 0, 6],
      [0, 0, 0],
      [0, 0, 7],
      [0, 0, 0],
    ])
  })

  test('equals columns for any records, from the encoders', () => {
    const next = seededNumbers(20_261_121)
    for (let round = 0; round < 200; round++) {
      const count = next() % 50
      const rows: UsageRow[] = Array.from({ length: count }, () => [
        1 + (next() % 1_000_000) * 4,
        (next() % 2 ** 21) * 2 ** 32 + next(),
        next() * 1_000 + (next() % 1_000),
        next() % 11,
        next() % 65_536,
        next(),
        next() % 6,
      ])
      const columns = {
        subscribers: Float64Array.from(rows, (row) => row[0]),
        usageBytes: Float64Array.from(rows, (row) => row[1]),
        timesMs: Float64Array.from(rows, (row) => row[2]),
        rats: Uint8Array.from(rows, (row) => row[3] ?? 0),
        apps: Uint16Array.from(rows, (row) => row[4] ?? 0),
        cells: Uint32Array.from(rows, (row) => row[5] ?? 0),
        kinds: Uint8Array.from(rows, (row) => row[6] ?? 0),
      }
      const stamp = { probe: 'probe-1', epoch: next() * 2 ** 20, seq: next() }
      const fromRows = recordsOf(decode(encodeUsageRows(stamp, rows)))
      expect(decoder.stamp).toEqual(stamp)
      expect(recordsOf(decode(encodeUsageColumns(stamp, columns, 0, count)))).toEqual(fromRows)
      expect(decoder.stamp).toEqual(stamp)
      expect(fromRows[0]).toEqual([...columns.subscribers])
    }
  })
})

describe('a columnar batch is refused', () => {
  const cases: readonly [string, Record<string, unknown>, string][] = [
    ['another version', { v: 2 }, 'unsupported-version at v'],
    ['no version', { v: undefined }, 'missing-field at v'],
    ['no probe', { probe: undefined }, 'missing-field at probe'],
    ['no epoch', { epoch: undefined }, 'missing-field at epoch'],
    ['no seq', { seq: undefined }, 'missing-field at seq'],
    ['no n', { n: undefined }, 'missing-field at n'],
    ['no subscribers', { sub: undefined }, 'missing-field at sub'],
    ['no bytes', { bytes: undefined }, 'missing-field at bytes'],
    ['no times', { time: undefined }, 'missing-field at time'],
    ['an unknown key', { imei: 1 }, 'unknown-name at offset'],
    ['a long unknown key', { subscriber: 1 }, 'unknown-name at offset'],
    ['rows beside columns', { rows: [] }, 'malformed at rows'],
    ['a probe of another name', { probe: 'probe-2' }, 'foreign-producer at probe'],
    ['a probe whose name is longer', { probe: 'probe-11' }, 'foreign-producer at probe'],
    ['a probe without name', { probe: '' }, 'malformed at probe'],
    ['a probe with a dot', { probe: 'probe.1' }, 'malformed at probe'],
    ['a probe of 65 letters', { probe: 'a'.repeat(65) }, 'malformed at probe'],
    ['a probe that is a number', { probe: 1 }, 'bad-type at probe'],
    ['an epoch that is a word', { epoch: 'one' }, 'bad-type at epoch'],
    ['a negative epoch', { epoch: -1 }, 'negative at epoch'],
    ['a broken seq', { seq: 1.5 }, 'not-whole at seq'],
    ['a seq that is not a number', { seq: Number.NaN }, 'not-a-number at seq'],
    ['a seq beyond 2^53', { seq: 2 ** 53 }, 'out-of-range at seq'],
    ['an n that does not match', { n: 4 }, 'bad-length at sub'],
    ['more records than a batch holds', { n: 65_537 }, 'oversized at n'],
    ['a column of rows', { sub: [1, 5, 9] }, 'bad-type at sub'],
    ['a column as text', { sub: 'x'.repeat(24) }, 'bad-type at sub'],
    ['a column that is too short', { rat: new Uint8Array(2) }, 'bad-length at rat'],
    ['a column that is too long', { cell: new Uint8Array(13) }, 'bad-length at cell'],
    ['subscriber zero', { sub: doubles(1, 0, 5) }, 'out-of-range at sub[1]'],
    ['a negative subscriber', { sub: doubles(1, 5, -3) }, 'negative at sub[2]'],
    ['a broken subscriber', { sub: doubles(1.5, 5, 9) }, 'not-whole at sub[0]'],
    ['a subscriber of 16 digits', { sub: doubles(1, 1e15 + 1, 5) }, 'out-of-range at sub[1]'],
    [
      'a subscriber that is not a number',
      { sub: doubles(1, 5, Number.NaN) },
      'not-a-number at sub[2]',
    ],
    ['a subscriber of another partition', { sub: doubles(1, 6, 5) }, 'wrong-partition at sub[1]'],
    ['negative bytes', { bytes: doubles(1, -1, 1) }, 'negative at bytes[1]'],
    [
      'bytes that are not a number',
      { bytes: doubles(Number.NaN, 1, 1) },
      'not-a-number at bytes[0]',
    ],
    ['half a byte', { bytes: doubles(1, 1, 0.5) }, 'not-whole at bytes[2]'],
    ['infinitely many bytes', { bytes: doubles(1, 1, Infinity) }, 'out-of-range at bytes[2]'],
    ['bytes of 2^53', { bytes: doubles(1, 2 ** 53, 1) }, 'out-of-range at bytes[1]'],
    ['a time before 1970', { time: doubles(1, -5, 1) }, 'negative at time[1]'],
    ['a time that is not a number', { time: doubles(1, 1, Number.NaN) }, 'not-a-number at time[2]'],
    ['a time of broken ms', { time: doubles(0.25, 1, 1) }, 'not-whole at time[0]'],
    ['a time beyond all dates', { time: doubles(1, 8.65e15, 1) }, 'out-of-range at time[1]'],
    ['an unknown radio type', { rat: Uint8Array.of(6, 11, 6) }, 'unknown-code at rat[1]'],
    ['an unknown kind', { kind: Uint8Array.of(0, 0, 255) }, 'unknown-code at kind[2]'],
  ]

  test.each(cases)('for %s', (_, changes, expected) => {
    const found = refusal(() => decode(message(columnarMap(), changes)))
    expect(found.replace(/offset \d+/, 'offset')).toBe(expected)
    expect(decoder.batch.count).toBe(0)
  })

  test.each([0, 3, 4, 5, 6, 7, 8])('for an unknown code at any of several places: %i', (place) => {
    const rat = new Uint8Array(9).fill(10)
    rat[place] = place % 2 === 0 ? 11 : 200
    expect(refusal(() => decode(message(columnarMap(9), { rat })))).toBe(
      `unknown-code at rat[${place}]`,
    )
  })

  test('for a key that comes twice', () => {
    const data = message(columnarMap())
    const twice = Uint8Array.from([
      data[0]! + 1,
      ...data.subarray(1),
      ...message({ seq: 9 }).subarray(1),
    ])
    expect(rejectOf(() => decode(twice)).reason).toBe('malformed')
  })

  test('for bytes after its end', () => {
    const data = message(columnarMap())
    expect(refusal(() => decode(Uint8Array.from([...data, 0xc0])))).toBe(
      `malformed at offset ${data.length}`,
    )
  })

  test('when cut off at any byte', () => {
    const data = message(columnarMap())
    for (let size = 0; size < data.length; size++) {
      expect(rejectOf(() => decode(data.subarray(0, size))).reason).toBe('truncated')
    }
  })

  test('when larger than 1 MiB', () => {
    expect(refusal(() => decode(new Uint8Array(1_048_577)))).toBe('oversized at offset 0')
  })

  test.each([
    ['nil', [0xc0], 'bad-type'],
    ['an array', [0x90], 'bad-type'],
    ['a text', [0xa1, 0x61], 'bad-type'],
    ['the byte that MessagePack never uses', [0xc1], 'malformed'],
    ['a map with a number as key', [0x81, 0x01, 0x01], 'bad-type'],
    ['a map that promises four billion entries', [0xdf, 0xff, 0xff, 0xff, 0xff], 'truncated'],
    [
      'a bin that promises four gigabytes',
      [0x81, 0xa3, 0x73, 0x75, 0x62, 0xc6, 0xff, 0xff, 0xff, 0xff],
      'truncated',
    ],
  ])('when it is %s', (_, bytes, expected) => {
    expect(rejectOf(() => decode(Uint8Array.from(bytes))).reason).toBe(expected)
  })

  test('without leaving anything behind for the next batch', () => {
    rejectOf(() => decode(message(columnarMap(9), { rat: new Uint8Array(9).fill(99) })))
    rejectOf(() => decode(message(rowMap(), { rows: [[1, 2, 3, 6, 7, 8, 1], [1]] })))
    const absent = { rat: undefined, app: undefined, cell: undefined, kind: undefined }
    expect(recordsOf(decode(message(columnarMap(2), absent))).slice(3)).toEqual(
      Array(4).fill([0, 0]),
    )
  })

  test('under a subject whose token is no name', () => {
    const data = message(columnarMap(), { probe: '' })
    expect(rejectOf(() => decode(data, '')).reason).toBe('malformed')
  })

  test('without naming the subscriber', () => {
    const { detail, position } = rejectOf(() =>
      decode(message(columnarMap(), { sub: doubles(1, 13_800_000_002, 5) })),
    )
    expect(detail + position).not.toContain('13800000002')
  })
})

describe('a batch of rows is refused', () => {
  const cases: readonly [string, unknown, string][] = [
    ['rows that are no array', { 0: 1 }, 'bad-type at rows'],
    ['a row that is no array', [[1, 2, 3], 5], 'bad-type at rows[1]'],
    ['a row that is too short', [[1, 2]], 'bad-length at rows[0]'],
    ['a row that is too long', [[1, 2, 3, 0, 0, 0, 0, 0]], 'bad-length at rows[0]'],
    [
      'a text for bytes',
      [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
        [1, '2', 3],
      ],
      'bad-type at rows[3][1]',
    ],
    ['nil for bytes', [[1, null, 3]], 'bad-type at rows[0][1]'],
    [
      'negative bytes',
      [
        [1, 2, 3],
        [5, -2, 3],
      ],
      'negative at rows[1][1]',
    ],
    ['half a ms', [[1, 2, 3.5]], 'not-whole at rows[0][2]'],
    ['a subscriber of another partition', [[2, 2, 3]], 'wrong-partition at rows[0][0]'],
    ['an unknown radio type', [[1, 2, 3, 11]], 'unknown-code at rows[0][3]'],
    ['a radio type that a byte would wrap', [[1, 2, 3, 262]], 'unknown-code at rows[0][3]'],
    ['a negative app', [[1, 2, 3, 6, -1]], 'negative at rows[0][4]'],
    ['an app that does not fit', [[1, 2, 3, 6, 65_536]], 'out-of-range at rows[0][4]'],
    ['a cell that does not fit', [[1, 2, 3, 6, 0, 2 ** 32]], 'out-of-range at rows[0][5]'],
    ['an unknown kind', [[1, 2, 3, 6, 0, 0, 6]], 'unknown-code at rows[0][6]'],
  ]

  test.each(cases)('for %s', (_, rows, expected) => {
    expect(refusal(() => decode(message(rowMap(), { rows })))).toBe(expected)
    expect(decoder.batch.count).toBe(0)
  })

  test('for more rows than a batch holds', () => {
    const head = message(rowMap(), { rows: undefined, v: 1 })
    const data = Uint8Array.from([
      head[0]! + 1,
      ...head.subarray(1),
      0xa4,
      0x72,
      0x6f,
      0x77,
      0x73,
      0xdd,
      0,
      1,
      0,
      1,
    ])
    expect(refusal(() => decode(data))).toBe('oversized at rows')
  })
})

function findText(data: Uint8Array, text: string): number {
  return Buffer.from(data).indexOf(text)
}
