import { decode, encode } from '@msgpack/msgpack'
import { expect, it } from 'vitest'
import { encodeText, Packer } from '../../../src/outbox/packer.ts'
import { expectSame } from '../../support/expect-same.ts'
import { Random } from '../../support/workload/random.ts'

const NUMBERS = [
  ...[0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1],
  ...[2 ** 48, 2 ** 53 - 1, 2 ** 53, 2 ** 60, 1e300, 0.5, -1, -0.5, -(2 ** 40)],
  ...[Number.MIN_VALUE, Number.MAX_VALUE, Number.POSITIVE_INFINITY, -0],
]

const TEXTS = [
  '',
  'a',
  'x'.repeat(31),
  'x'.repeat(32),
  'x'.repeat(255),
  'x'.repeat(256),
  '短信：回复VIP',
  '😀'.repeat(40),
  'x'.repeat(60_000),
]

/** Writes a value of maps, arrays, numbers, texts and bytes. */
function write(packer: Packer, value: unknown): void {
  if (typeof value === 'number') packer.number(value)
  else if (typeof value === 'string') packer.text(value)
  else if (value instanceof Uint8Array) packer.binary(value)
  else if (Array.isArray(value)) {
    packer.array(value.length)
    for (const item of value) write(packer, item)
  } else {
    const entries = Object.entries(value as object)
    packer.map(entries.length)
    for (const [key, item] of entries) {
      packer.text(key)
      write(packer, item)
    }
  }
}

function anyValue(random: Random, depth: number): unknown {
  const kind = random.whole(0, depth > 0 ? 4 : 2)
  if (kind === 0) return random.chance(0.5) ? random.pick(NUMBERS) : random.whole(0, 2 ** 53 - 1)
  if (kind === 1) return random.pick(TEXTS)
  if (kind === 2)
    return Uint8Array.from({ length: random.whole(0, 300) }, () => random.whole(0, 255))
  const count = random.pick([0, 1, 3, 15, 16, 40])
  const items = Array.from({ length: count }, () => anyValue(random, depth - 1))
  return kind === 3 ? items : Object.fromEntries(items.map((item, index) => [`k${index}`, item]))
}

it.each(NUMBERS)('%d reads back as itself', (value) => {
  const packer = new Packer(1)
  packer.number(value)
  expect(Object.is(decode(packer.bytes.subarray(0, packer.size)), value)).toBe(true)
})

it.each(TEXTS)('a text reads back as itself, first and again', (text) => {
  const packer = new Packer(1)
  packer.array(3)
  packer.text(text)
  packer.text(text)
  packer.raw(encodeText(text))
  expect(decode(packer.bytes.subarray(0, packer.size))).toEqual([text, text, text])
  const isAscii = /^[\x20-\x7e]*$/.test(text)
  if (!isAscii) return
  packer.reset()
  packer.asciiOnce(text)
  expect(decode(packer.bytes.subarray(0, packer.size))).toBe(text)
})

it('any value reads back as itself, one after the other in one buffer that grows', () => {
  const random = new Random(17)
  const packer = new Packer(8)
  const values = Array.from({ length: 120 }, () => anyValue(random, 3))
  packer.array(values.length)
  for (const value of values) write(packer, value)
  const decoded = decode(packer.bytes.subarray(0, packer.size)) as unknown[]
  // Through the reference encoder, so that bytes compare as bytes.
  for (const [index, value] of values.entries()) {
    expectSame(Buffer.from(encode(decoded[index])), Buffer.from(encode(decode(encode(value)))))
  }
})

it.each([15, 16, 65_535, 65_536])('%i items and entries have the right head', (count) => {
  const packer = new Packer()
  packer.array(count)
  for (let i = 0; i < count; i++) packer.number(i & 1)
  expect((decode(packer.bytes.subarray(0, packer.size)) as unknown[]).length).toBe(count)
  packer.reset()
  packer.map(count)
  for (let i = 0; i < count; i++) {
    packer.asciiOnce(`k${i}`)
    packer.number(0)
  }
  expect(Object.keys(decode(packer.bytes.subarray(0, packer.size)) as object)).toHaveLength(count)
})

it('discard forgets the front and keeps the rest', () => {
  const packer = new Packer(4)
  packer.text('gone')
  const cut = packer.size
  packer.text('kept')
  packer.discard(cut)
  packer.number(7)
  expect(packer.size).toBe(6)
  expect(decode(packer.bytes.subarray(0, 5))).toBe('kept')
  expect(packer.bytes[5]).toBe(7)
})
