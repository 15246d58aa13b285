/**
 * Usage batches. Structured cases are written key by key, each with a chance to be wrong in its own
 * way (type, length, order, doubled, missing, value at a border); others are sound batches with
 * damaged bytes. What the decoder accepts must be what an independent reading says; a batch that
 * was made sound must be accepted.
 */

import { decode } from '@msgpack/msgpack'
import { UsageDecoder } from '../../src/decode/usage.ts'
import { RejectError } from '../../src/model/reject.ts'
import {
  bytesOf,
  columnarMap,
  message,
  mutate,
  rowMap,
  seededNumbers,
} from '../unit/decode/wire-cases.ts'
import { type FuzzTarget, FuzzTally, hold, SAY_EVERY } from './target.ts'

const PARTITION = 1
const PARTITION_COUNT = 4
const PROBE = 'probe-1'
const SAFE_MAX = 2 ** 53 - 1
/** Structured originals that are made anew every so many cases. */
const ROUND_CASES = 2_000
const ROUND_ORIGINALS = 24

const BORDERS = [
  ...[0, -0, 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ...[127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, SAFE_MAX, 2 ** 53, 1e300],
  ...[999_999_999_999_997, 999_999_999_999_999, 1e15, 8.64e15, 8.64e15 + 2, 5e-324],
]
const STRANGE: readonly unknown[] = [
  ...[null, true, 'x', '', [], {}, [[]], { a: 1 }, new Uint8Array(3), -1, 1.5, '💥', '__proto__'],
]

type Next = () => number

/** Usage batches through `UsageDecoder`. */
export const usageTarget: FuzzTarget = {
  name: 'usage',
  rule: 'a batch is refused with a reason, or read exactly as an independent decoder reads it',
  cases: 10_000_000,
  run({ seed, cases, say }) {
    const next = seededNumbers(seed)
    const decoder = new UsageDecoder()
    const tally = new FuzzTally()
    let originals: readonly Original[] = []
    for (let i = 0; i < cases; i++) {
      if (i % ROUND_CASES === 0) originals = makeOriginals(next)
      if (i % SAY_EVERY === 0) say(i)
      const original = originals[next() % originals.length]!
      const isWhole = next() % 8 === 0
      const data = amid(isWhole ? original.data : damage(original.data, next), next)
      tally.attempt(
        () => {
          decoder.decode(data, PROBE, PARTITION, PARTITION_COUNT)
          checkBounds(decoder)
          checkAgainstLibrary(decoder, data)
        },
        (error) => {
          if (!(error instanceof RejectError)) return null
          if (isWhole && original.isSound) return null
          return decoder.batch.count === 0 ? error.reject.reason : null
        },
        () => Buffer.from(data).toString('hex'),
      )
    }
    return tally
  },
}

interface Original {
  readonly data: Uint8Array
  readonly isSound: boolean
}

function makeOriginals(next: Next): Original[] {
  return Array.from({ length: ROUND_ORIGINALS }, (_, index) => {
    const count = next() % 7
    const map = index % 2 === 0 ? columnarMap(count) : rowMap(count)
    if (index % 4 < 2) return { data: message(shuffled(map, next)), isSound: true }
    return { data: message(spoiled(map, next)), isSound: false }
  })
}

/** Keys in any order: the wire does not care. */
function shuffled(map: Record<string, unknown>, next: Next): Record<string, unknown> {
  const entries = Object.entries(map)
  for (let i = entries.length - 1; i > 0; i--) {
    const j = next() % (i + 1)
    const other = entries[i]!
    entries[i] = entries[j]!
    entries[j] = other
  }
  return Object.fromEntries(entries)
}

function spoiled(map: Record<string, unknown>, next: Next): Record<string, unknown> {
  const result = shuffled(map, next)
  const keys = Object.keys(result)
  for (let edits = 1 + (next() % 2); edits > 0; edits--) {
    const key = keys[next() % keys.length]!
    const value = result[key]
    switch (next() % 6) {
      case 0:
        delete result[key]
        break
      case 1:
        result[['extra', '__proto__', 'constructor', 'subs', ''][next() % 5]!] = value
        break
      case 2:
        result[key] = STRANGE[next() % STRANGE.length]
        break
      case 3:
        result[key] = BORDERS[next() % BORDERS.length]
        break
      default:
        result[key] = spoiledValue(value, next)
    }
  }
  return result
}

/** A value of the right type that is wrong, or at a border, inside. */
function spoiledValue(value: unknown, next: Next): unknown {
  const border = BORDERS[next() % BORDERS.length]!
  if (value instanceof Uint8Array) {
    if (next() % 3 === 0) return value.slice(0, next() % (value.length + 1))
    if (value.length < 8 || value.length % 8 !== 0) return Uint8Array.from(value, () => next())
    const copy = value.slice()
    const view = new DataView(copy.buffer)
    view.setFloat64(8 * (next() % (copy.length / 8)), border, true)
    return bytesOf(copy)
  }
  if (Array.isArray(value) && value.length > 0) {
    const rows = (value as unknown[][]).map((row) => [...row])
    const row = rows[next() % rows.length]!
    if (next() % 3 === 0) row.length = next() % 9
    else row[next() % row.length] = next() % 2 === 0 ? border : STRANGE[next() % STRANGE.length]
    return rows.map((each) => Array.from(each, (item) => item ?? null))
  }
  return border
}

function damage(original: Uint8Array, next: Next): Uint8Array {
  if (next() % 64 === 0) return Uint8Array.from({ length: next() % 96 }, () => next())
  return mutate(original, next)
}

/** In the middle of a longer buffer, as a socket brings it, or alone, as most encoders leave it. */
function amid(data: Uint8Array, next: Next): Uint8Array {
  const isAlone = next() % 2 === 0
  if (isAlone) return data.slice()
  const start = next() % 16
  const buffer = new Uint8Array(start + data.length + 128).fill(next())
  buffer.set(data, start)
  // What follows would be more of the same, were it read.
  buffer.set(data.subarray(-64), start + data.length)
  return buffer.subarray(start, start + data.length)
}

function checkBounds({ batch, stamp }: UsageDecoder): void {
  const { count, subscribers, usageBytes, timesMs, rats, kinds } = batch
  hold(stamp.probe === PROBE, 'the producer is the one of the subject')
  hold(isWhole(stamp.epoch, SAFE_MAX) && isWhole(stamp.seq, SAFE_MAX), 'a stamp is whole')
  for (let i = 0; i < count; i++) {
    hold(isWhole(subscribers[i]!, 999_999_999_999_999), 'a subscriber has up to 15 digits')
    hold(subscribers[i]! % PARTITION_COUNT === PARTITION, 'a subscriber is of this partition')
    hold(isWhole(usageBytes[i]!, SAFE_MAX), 'usage is whole and not negative')
    hold(isWhole(timesMs[i]!, 8.64e15), 'a time is an instant')
    hold(rats[i]! <= 10 && kinds[i]! <= 5, 'codes are known')
  }
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max && !Object.is(value, -0)
}

/** Reads the same message with the library, which knows nothing of our cursor. */
function checkAgainstLibrary({ batch, stamp }: UsageDecoder, data: Uint8Array): void {
  const map = decode(data) as Record<string, unknown>
  hold(map.v === 1 && map.probe === stamp.probe, 'version and probe')
  hold(Number(map.epoch) === stamp.epoch && Number(map.seq) === stamp.seq, 'stamp')
  const columns = [batch.subscribers, batch.usageBytes, batch.timesMs, batch.rats]
  const rest = [batch.apps, batch.cells, batch.kinds]
  const all = [...columns, ...rest]
  if (map.rows !== undefined) {
    const rows = map.rows as readonly (readonly number[])[]
    hold(rows.length === batch.count, 'every row is read')
    rows.forEach((row, i) => {
      for (const [c, column] of all.entries()) {
        hold(column[i] === Number(row[c] ?? 0), `row ${i}, column ${c}`)
      }
    })
    return
  }
  hold(map.n === batch.count, 'n records')
  const names = ['sub', 'bytes', 'time', 'rat', 'app', 'cell', 'kind']
  names.forEach((name, c) => {
    const bytes = map[name] as Uint8Array | undefined
    const column = all[c]!
    const size = column.BYTES_PER_ELEMENT
    if (bytes !== undefined) hold(bytes.length === batch.count * size, `${name} has n values`)
    for (let i = 0; i < batch.count; i++) {
      hold(column[i] === (bytes === undefined ? 0 : valueAt(bytes, i, size)), `${name}[${i}]`)
    }
  })
}

function valueAt(bytes: Uint8Array, index: number, size: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (size === 8) return view.getFloat64(index * 8, true)
  if (size === 4) return view.getUint32(index * 4, true)
  return size === 2 ? view.getUint16(index * 2, true) : view.getUint8(index)
}
