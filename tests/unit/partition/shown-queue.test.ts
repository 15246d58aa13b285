import { expect, it } from 'vitest'
import type { ControlMessage, ShownRow } from '../../../src/model/messages.ts'
import { ShownQueue } from '../../../src/partition/shown-queue.ts'

const ROW: ShownRow = { subscriber: 13_800_000_001, trigger: 'a', channel: 'hotline', place: 1 }

/** Sizes of the messages that so many rows leave in. */
async function messageSizes(count: number): Promise<number[]> {
  const sizes: number[] = []
  let steadyMs = 0
  const queue = new ShownQueue(0, {
    log: {
      publish: async (_partition: number, message: ControlMessage) => {
        sizes.push(message.kind === 'shown' ? message.rows.length : 0)
        return { kind: 'stored', sequence: sizes.length }
      },
    },
    clock: {
      nowMs: () => steadyMs,
      steadyMs: () => steadyMs,
      turn: async () => undefined,
      pause: async (ms) => {
        steadyMs += ms
      },
    },
    newId: (kind) => kind,
  })
  queue.add(Array.from({ length: count }, () => ROW))
  await queue.drain(1_000)
  expect(queue.waitingCount).toBe(0)
  return sizes
}

it('few rows leave in small messages, so that none of them holds the partition up', async () => {
  expect(await messageSizes(150)).toEqual([64, 64, 22])
})

it('where many wait, as many leave together as a message may hold', async () => {
  expect(await messageSizes(1_100)).toEqual([500, 500, 64, 36])
})
