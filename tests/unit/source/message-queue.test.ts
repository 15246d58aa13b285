import { expect, test } from 'vitest'
import type { InputMessage } from '../../../src/model/ports.ts'
import { MessageQueue } from '../../../src/source/message-queue.ts'

const MIB = 1024 ** 2

/** Pushes a message whose data are the middle of a larger buffer. */
function push(queue: MessageQueue, sequence: number, size: number): void {
  const bytes = new Uint8Array(size + 6)
  bytes.fill(sequence & 0xff, 4, 4 + size)
  queue.push(sequence, sequence * 1000, `usage.0.p${sequence}`, bytes, 4, 4 + size)
}

/** What `push` puts in. */
function pushed(sequence: number, size: number): InputMessage {
  const data = new Uint8Array(size).fill(sequence & 0xff)
  return { sequence, timestampMs: sequence * 1000, subject: `usage.0.p${sequence}`, data }
}

test('gives messages back in order, however the takes are cut', () => {
  const queue = new MessageQueue(8 * MIB, 1000)
  const taken: number[] = []
  let count = 0
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i <= round % 7; i++) push(queue, ++count, 10)
    taken.push(...queue.take((round * 5) % 6).map((each) => each.sequence))
    expect(queue.length).toBe(count - taken.length)
    expect(queue.size).toBe(10 * queue.length)
  }
  taken.push(...queue.take(1000).map((each) => each.sequence))
  expect(taken).toEqual(Array.from({ length: count }, (_, i) => i + 1))
})

test('has room until half of its bytes or half of its messages are used', () => {
  const queue = new MessageQueue(4 * MIB, 16)
  push(queue, 1, 2 * MIB)
  expect(queue.hasRoom()).toBe(true)
  push(queue, 2, 1)
  expect(queue.hasRoom()).toBe(false)
  expect(queue.roomSize()).toBe(2 * MIB - 1)
  queue.take(1)
  expect(queue.hasRoom()).toBe(true)
  for (let i = 0; i < 8; i++) push(queue, 3 + i, 1)
  expect(queue.hasRoom()).toBe(false)
  expect(queue.roomMessages()).toBe(7)
})

test('gives back what was pushed, also from behind the end of the ring', () => {
  const queue = new MessageQueue(8 * MIB, 1000)
  let count = 0
  let taken = 0
  for (const [pushes, takes] of [
    [40, 30],
    [50, 20],
    [200, 100],
    [30, 170],
  ] as const) {
    for (let i = 0; i < pushes; i++) push(queue, ++count, count % 5)
    for (const message of queue.take(takes)) {
      expect({ ...message, data: message.data }).toEqual(pushed(++taken, taken % 5))
    }
  }
  expect([queue.length, queue.size, taken]).toEqual([0, 0, count])
})

test('data that were taken stay as they are when the next messages are', () => {
  const queue = new MessageQueue(8 * MIB, 1000)
  for (let i = 1; i <= 6; i++) push(queue, i, i)
  const kept = queue.take(4).map((message) => message.data)
  const next = queue.take(2).map((message) => ({ ...message, data: message.data }))
  expect(next).toEqual([pushed(5, 5), pushed(6, 6)])
  expect(kept).toEqual([1, 2, 3, 4].map((i) => pushed(i, i).data))
})
