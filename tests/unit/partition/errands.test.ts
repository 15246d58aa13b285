import { expect, it } from 'vitest'
import type { ControlMessage } from '../../../src/model/messages.ts'
import type { PublishOutcome } from '../../../src/model/ports.ts'
import { type Errand, ErrandRunner, JoinedErrands } from '../../../src/partition/errands.ts'

/** A runner over a list that the test owns, and a broker that answers when the test says so. */
class Errands {
  owed: Errand[] = []
  steadyMs = 0
  /** What was published: target and id. */
  readonly sent: string[] = []
  readonly answers: ((outcome: PublishOutcome) => void)[] = []
  isRefusing = false
  readonly runner = new ErrandRunner(
    { errands: () => this.owed },
    {
      publish: (partition, message) => {
        if (this.isRefusing) return Promise.reject(new Error('no rights'))
        this.sent.push(`${partition} ${message.id}`)
        return new Promise((resolve) => this.answers.push(resolve))
      },
    },
    {
      nowMs: () => 0,
      steadyMs: () => this.steadyMs,
      pause: () => Promise.resolve(),
      turn: () => Promise.resolve(),
    },
  )

  async answer(kind: 'stored' | 'full'): Promise<void> {
    this.answers.shift()!(kind === 'stored' ? { kind, sequence: 1 } : { kind })
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    this.runner.run()
  }
}

function errand(partition: number, id: string): Errand {
  const message: ControlMessage = { kind: 'tick', id, writer: null, timeMs: null }
  return { partition, message }
}

it('sends one message at a time to each target, in the order of the list', async () => {
  const errands = new Errands()
  errands.owed = [errand(1, 'a'), errand(1, 'b'), errand(2, 'a')]
  errands.runner.run()
  errands.runner.run()
  expect(errands.sent).toEqual(['1 a', '2 a'])
  await errands.answer('stored')
  expect(errands.sent).toEqual(['1 a', '2 a', '1 b'])
})

it('sends what was stored no second time while it is still owed', async () => {
  const errands = new Errands()
  errands.owed = [errand(1, 'a')]
  errands.runner.run()
  await errands.answer('stored')
  errands.steadyMs = 1e9
  errands.runner.run()
  expect(errands.sent).toEqual(['1 a'])
})

it('sends what is owed again after it had been settled', async () => {
  const errands = new Errands()
  errands.owed = [errand(1, 'a')]
  errands.runner.run()
  await errands.answer('stored')
  errands.owed = []
  errands.runner.run()
  errands.owed = [errand(1, 'a')]
  errands.runner.run()
  expect(errands.sent).toEqual(['1 a', '1 a'])
})

it('tries again what a full stream refused, after a second', async () => {
  const errands = new Errands()
  errands.owed = [errand(1, 'a')]
  errands.runner.run()
  await errands.answer('full')
  expect(errands.sent).toEqual(['1 a'])
  errands.steadyMs = 1_000
  errands.runner.run()
  expect(errands.sent).toEqual(['1 a', '1 a'])
  expect(errands.runner.failureCount).toBe(1)
})

it('goes on when publishing throws, and tries later', async () => {
  const errands = new Errands()
  errands.owed = [errand(1, 'a')]
  errands.isRefusing = true
  errands.runner.run()
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  errands.isRefusing = false
  errands.runner.run()
  expect(errands.sent).toEqual([])
  errands.steadyMs = 1_000
  errands.runner.run()
  expect(errands.sent).toEqual(['1 a'])
})

it('says again after a minute what nobody has answered', async () => {
  const errands = new Errands()
  const ask: ControlMessage = {
    kind: 'ask',
    id: 'a',
    partition: 1,
    channel: 'sms',
    period: '2026-11-21',
    class: null,
    total: 1,
  }
  errands.owed = [{ partition: 0, message: ask }]
  errands.runner.run()
  await errands.answer('stored')
  errands.steadyMs = 59_999
  errands.runner.run()
  expect(errands.sent).toEqual(['0 a'])
  errands.steadyMs = 60_000
  errands.runner.run()
  expect(errands.sent).toEqual(['0 a', '0 a'])
  await errands.answer('stored')
  expect(errands.sent).toEqual(['0 a', '0 a'])
  // Each time after twice as long as before, up to a quarter of an hour.
  const saidAtMs = []
  for (let minute = 2; minute <= 90; minute++) {
    errands.steadyMs = minute * 60_000
    const before = errands.sent.length
    errands.runner.run()
    if (errands.sent.length === before) continue
    saidAtMs.push(minute)
    await errands.answer('stored')
  }
  expect(saidAtMs).toEqual([3, 7, 15, 30, 45, 60, 75, 90])
})

it('goes through a list that has not changed only when something of it is due', async () => {
  const errands = new Errands()
  let reads = 0
  const counted = (id: string): Errand => {
    const { partition, message } = errand(1, id)
    return {
      partition,
      get message() {
        reads += 1
        return message
      },
    }
  }
  errands.owed = [counted('a'), counted('b')]
  errands.runner.run()
  await errands.answer('stored')
  await errands.answer('stored')
  expect(errands.sent).toEqual(['1 a', '1 b'])
  const before = reads
  for (let turn = 0; turn < 100; turn++) errands.runner.run()
  expect(reads).toBe(before)
  errands.owed = [...errands.owed, counted('c')]
  errands.runner.run()
  expect(errands.sent).toEqual(['1 a', '1 b', '1 c'])
})

it('several sources are one list, which is the same while nothing has changed', () => {
  const [a, b, c] = [errand(1, 'a'), errand(2, 'b'), errand(1, 'c')]
  const lists = [[a], [b]]
  const joined = new JoinedErrands(lists.map((_, index) => ({ errands: () => lists[index]! })))
  const first = joined.errands()
  expect(first).toEqual([a, b])
  expect(joined.errands()).toBe(first)
  lists[0] = [a, c]
  expect(joined.errands()).toEqual([a, c, b])
})
