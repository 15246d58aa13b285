import { expect, test } from 'vitest'
import {
  type DeliveryPosition,
  isAckSubject,
  isAckSubjectAt,
  parseAckSubject,
  readAckSubject,
} from '../../../src/model/ack-subject.ts'

const position = {
  streamSequence: 42,
  consumerSequence: 7,
  timestampMs: 1_763_712_000_123,
  pendingMessages: 13,
}

/** As bytes in the middle of others. */
function readBytes(reply: string): DeliveryPosition | null {
  const bytes = new TextEncoder().encode(`8.${reply}.9`)
  const end = bytes.length - 2
  expect(isAckSubjectAt(bytes, 2, end)).toBe(isAckSubject(reply))
  const read = { streamSequence: 0, consumerSequence: 0, timestampMs: 0, pendingMessages: 0 }
  const rest = readAckSubject(bytes, 2, end, read)
  if (rest === 0) return null
  expect(new TextDecoder().decode(bytes.subarray(rest))).toMatch(`${read.streamSequence}.`)
  return read
}

test.each([
  ['9 tokens', '$JS.ACK.IN_0.consumer.1.42.7.1763712000123456789.13'],
  ['11 tokens', '$JS.ACK.hub.ACCOUNT.IN_0.consumer.1.42.7.1763712000123456789.13'],
  ['12 tokens', '$JS.ACK._.ACCOUNT.IN_0.consumer.1.42.7.1763712000123456789.13.random'],
])('reads sequence and time from the form with %s', (_form, reply) => {
  expect(isAckSubject(reply)).toBe(true)
  expect(parseAckSubject(reply)).toEqual(position)
  expect(readBytes(reply)).toEqual(position)
})

test('keeps milliseconds exact at the end of nanoseconds that a double cannot hold', () => {
  const reply = '$JS.ACK.IN_0.c.1.1.1.1763712000999999999.0'
  expect(parseAckSubject(reply)?.timestampMs).toBe(1_763_712_000_999)
  expect(readBytes(reply)?.timestampMs).toBe(1_763_712_000_999)
})

test.each([
  '$JS.ACK.IN_0.consumer.1.42.7.1763712000123456789',
  '$JS.ACK.hub.IN_0.consumer.1.42.7.1763712000123456789.13',
  '$JS.ACK.IN_0.consumer.1.x.7.1763712000123456789.13',
  '$JS.ACK.IN_0.consumer.1.0.7.1763712000123456789.13',
  '$JS.ACK.IN_0.consumer.1.9007199254740993.7.1763712000123456789.13',
])('takes nothing from %s', (reply) => {
  expect(parseAckSubject(reply)).toBeNull()
  expect(readBytes(reply)).toBeNull()
})

test('tells a status of the server from a delivery', () => {
  expect(isAckSubject(undefined)).toBe(false)
  expect(isAckSubject('')).toBe(false)
  expect(isAckSubject('_INBOX.abc.1')).toBe(false)
  for (const text of ['', '$JS.ACK', '_INBOX.abc.1']) expect(readBytes(text)).toBeNull()
})
