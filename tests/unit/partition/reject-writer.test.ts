import { expect, it } from 'vitest'
import { Rejects } from '../../../src/outbox/rejects.ts'
import { RejectWriter } from '../../../src/partition/reject-writer.ts'
import { SYSTEM_CLOCK } from '../../../src/partition/system-clock.ts'

const REJECT = { reason: 'malformed', position: 'offset 0', detail: '' } as const

/** A writer whose stream answers when `answer` is called, oldest first or the one asked for. */
function openWriter(): { writer: RejectWriter; add: () => void; answer: (index?: number) => void } {
  const rejects = new Rejects()
  const waiting: (() => void)[] = []
  const stream = {
    publish: () =>
      new Promise<{ kind: 'stored'; sequence: number }>((resolve) => {
        waiting.push(() => resolve({ kind: 'stored', sequence: 1 }))
      }),
  }
  const writer = new RejectWriter(stream, SYSTEM_CLOCK, rejects)
  let sequence = 0
  const add = (): void => {
    rejects.add(++sequence, 'usage.0.p1', REJECT, new Uint8Array(1))
    writer.kick()
  }
  return { writer, add, answer: (index = 0) => waiting.splice(index, 1)[0]!() }
}

/** Whether a promise has resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let isResolved = false
  void promise.then(() => {
    isResolved = true
  })
  await SYSTEM_CLOCK.turn()
  return isResolved
}

it('what was refused after the question is not waited for', async () => {
  const { writer, add, answer } = openWriter()
  add()
  add()
  const drained = writer.drained()
  add()
  answer()
  expect(await isDone(drained)).toBe(false)
  answer()
  expect(await isDone(drained)).toBe(true)
  expect(writer.waitingCount).toBe(1)
})

it('what was refused before is waited for, whatever is answered first', async () => {
  const { writer, add, answer } = openWriter()
  for (let count = 0; count < 40; count++) add()
  const drained = writer.drained()
  add()
  for (let count = 0; count < 40; count++) {
    answer(1)
    await SYSTEM_CLOCK.turn()
  }
  expect(await isDone(drained)).toBe(false)
  answer()
  expect(await isDone(drained)).toBe(true)
  expect(writer.waitingCount).toBe(0)
})

it('a writer that stops lets everybody go', async () => {
  const { writer, add } = openWriter()
  add()
  const drained = writer.drained()
  writer.stop()
  expect(await isDone(drained)).toBe(true)
})
