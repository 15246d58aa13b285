import { expect, test } from 'vitest'
import { isAckSubject, parseAckSubject } from '../../../src/source/ack-subject.ts'

const position = { streamSequence: 42, consumerSequence: 7, timestampMs: 1_763_712_000_123 }

test.each([
  ['9 tokens', '$JS.ACK.IN_0.consumer.1.42.7.1763712000123456789.13'],
  ['11 tokens', '$JS.ACK.hub.ACCOUNT.IN_0.consumer.1.42.7.1763712000123456789.13'],
  ['12 tokens', '$JS.ACK._.ACCOUNT.IN_0.consumer.1.42.7.1763712000123456789.13.random'],
])('reads sequence and time from the form with %s', (_form, reply) => {
  expect(isAckSubject(reply)).toBe(true)
  expect(parseAckSubject(reply)).toEqual(position)
})

test('keeps milliseconds exact at the end of nanoseconds that a double cannot hold', () => {
  const reply = '$JS.ACK.IN_0.c.1.1.1.1763712000999999999.0'
  expect(parseAckSubject(reply)?.timestampMs).toBe(1_763_712_000_999)
})

test.each([
  '$JS.ACK.IN_0.consumer.1.42.7.1763712000123456789',
  '$JS.ACK.IN_0.consumer.1.x.7.1763712000123456789.13',
  '$JS.ACK.IN_0.consumer.1.0.7.1763712000123456789.13',
  '$JS.ACK.IN_0.consumer.1.9007199254740993.7.1763712000123456789.13',
])('takes nothing from %s', (reply) => {
  expect(parseAckSubject(reply)).toBeNull()
})

test('tells a status of the server from a delivery', () => {
  expect(isAckSubject(undefined)).toBe(false)
  expect(isAckSubject('')).toBe(false)
  expect(isAckSubject('_INBOX.abc.1')).toBe(false)
})
