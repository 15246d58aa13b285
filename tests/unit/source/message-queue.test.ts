import { expect, test } from 'vitest'
import type { InputMessage } from '../../../src/model/ports.ts'
import { MessageQueue } from '../../../src/source/message-queue.ts'

const MIB = 1024 ** 2

function message(sequence: number, size: number): InputMessage {
  return { sequence, timestampMs: 0, subject: 'usage.0.p', data: new Uint8Array(size) }
}

test('gives messages back in order, however the takes are cut', () => {
  const queue = new MessageQueue(8 * MIB, 1000)
  const taken: number[] = []
  let pushed = 0
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i <= round % 7; i++) queue.push(message(++pushed, 10))
    taken.push(...queue.take((round * 5) % 6).map((each) => each.sequence))
    expect(queue.length).toBe(pushed - taken.length)
    expect(queue.size).toBe(10 * queue.length)
  }
  taken.push(...queue.take(1000).map((each) => each.sequence))
  expect(taken).toEqual(Array.from({ length: pushed }, (_, i) => i + 1))
})

test('has room until half of its bytes or half of its messages are used', () => {
  const queue = new MessageQueue(4 * MIB, 16)
  queue.push(message(1, 2 * MIB))
  expect(queue.hasRoom()).toBe(true)
  queue.push(message(2, 1))
  expect(queue.hasRoom()).toBe(false)
  expect(queue.roomSize()).toBe(2 * MIB - 1)
  queue.take(1)
  expect(queue.hasRoom()).toBe(true)
  for (let i = 0; i < 8; i++) queue.push(message(3 + i, 1))
  expect(queue.hasRoom()).toBe(false)
  expect(queue.roomMessages()).toBe(7)
})
