import { expect, test } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import type { PublishOutcome } from '../../../src/model/ports.ts'
import { sendErasures } from '../../../src/probe/erasure.ts'

/** Logs of four partitions; `answer` says what becomes of the nth publish. */
function logs(answer: (count: number) => PublishOutcome | null = () => null) {
  const stored: { partition: number; data: Uint8Array }[] = []
  let ids = 0
  let count = 0
  const controlOf = (partition: number) => ({
    publish: async (data: Uint8Array): Promise<PublishOutcome> => {
      const outcome = answer(++count)
      if (outcome !== null && outcome.kind !== 'unknown') return outcome
      stored.push({ partition, data })
      return outcome ?? { kind: 'stored', sequence: stored.length }
    },
  })
  const ports = { partitionCount: 4, controlOf, newId: () => `e${++ids}`, pause: async () => {} }
  return { stored, ports }
}

test('each partition gets its own, each number once, a thousand in a message', async () => {
  const { stored, ports } = logs()
  const many = Array.from({ length: 1_001 }, (_, index) => 4 * index + 5)
  const receipts = await sendErasures([7, ...many, 7, 5], ports)
  expect(receipts).toEqual([
    { id: 'e1', partition: 3, sequence: 1, count: 1 },
    { id: 'e2', partition: 1, sequence: 2, count: 1_000 },
    { id: 'e3', partition: 1, sequence: 3, count: 1 },
  ])
  const decoded = stored.map(({ data }) => decodeControl(data))
  expect(decoded[0]).toEqual({ kind: 'erase', id: 'e1', subscribers: [7] })
  expect(decoded[2]).toEqual({ kind: 'erase', id: 'e3', subscribers: [4_005] })
})

test('a message of unknown fate goes again with the same id', async () => {
  const { stored, ports } = logs((count) => (count < 3 ? { kind: 'unknown', cause: null } : null))
  expect(await sendErasures([8], ports)).toEqual([
    { id: 'e1', partition: 0, sequence: 3, count: 1 },
  ])
  expect(new Set(stored.map(({ data }) => Buffer.from(data).toString('hex'))).size).toBe(1)
})

test('a log that is full, or never answers, is an error that may pass', async () => {
  const full = logs(() => ({ kind: 'full' }))
  await expect(sendErasures([8], full.ports)).rejects.toMatchObject({ code: 'HW_STREAM_FULL' })
  const silent = logs(() => ({ kind: 'unknown', cause: null }))
  await expect(sendErasures([8], silent.ports)).rejects.toMatchObject({ retryable: true })
})
