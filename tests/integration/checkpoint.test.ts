import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { watchedStore } from '../support/port-wrappers.ts'
import {
  type Installation,
  LINE_FILES,
  openInstallation,
  range,
  type TestWorker,
  until,
} from '../support/worker-harness.ts'

const SUBSCRIBERS = 1_500
/** Rows so wide that the subscribers fill a dozen pages. */
const WIDE_FILES = {
  ...LINE_FILES,
  'counters.yaml': `${LINE_FILES['counters.yaml']}${range(1, 12)
    .map((i) => `  more${i}: { sum: bytes, per: [hour, day, week, month] }\n`)
    .join('')}`,
}

let installation: Installation
/** What each subscriber must have used, bytes. */
let expected: Map<number, number>
let round: number

beforeEach(async () => {
  installation = await openInstallation({ files: WIDE_FILES })
  expected = new Map()
  round = 0
})

afterEach(async () => {
  await installation.close()
})

/**
 * A batch over many pages: every third subscriber, one byte more each round; some cross the line.
 */
async function feed(): Promise<void> {
  round += 1
  const now = Date.now()
  const rows = range(1, SUBSCRIBERS)
    .filter((subscriber) => subscriber % 3 === round % 3)
    .map((subscriber) => [subscriber, subscriber % 50 === round % 50 ? 1024 : 1, now] as const)
  for (const [subscriber, bytes] of rows) {
    expected.set(subscriber, (expected.get(subscriber) ?? 0) + bytes)
  }
  await installation.usage(rows)
}

/** Everything that was fed is counted exactly once, and every crossing said exactly once. */
async function verify(started: TestWorker): Promise<void> {
  const { worker } = started
  await until('all input is applied', async () => {
    const { state } = await (await installation.manager()).streams.info('IN_0')
    return worker.view().appliedSequence === state.last_seq
  })
  const counted = new Map<number, number>()
  for (const subscriber of expected.keys()) {
    counted.set(subscriber, counterOf(worker, subscriber))
  }
  expect(counted).toEqual(expected)
  const crossed = [...expected]
    .filter(([, bytes]) => bytes >= 1024)
    .map(([subscriber]) => subscriber)
  await until('all is said', () => worker.view().acknowledgedDecisionNumber === crossed.length)
  const said = (await installation.decisions()).map(({ sub }) => sub)
  expect(said.toSorted((a, b) => a - b)).toEqual(crossed.toSorted((a, b) => a - b))
}

function counterOf(worker: TestWorker['worker'], subscriber: number): number {
  const counters = worker.inspect(subscriber)?.counters ?? []
  return counters.find(({ counter }) => counter === 'data')?.value ?? 0
}

/** A worker that dies at a chosen step of its next checkpoint; resolves when it is dead. */
async function dieAt(step: 'page' | 'manifest' | 'after', count: number): Promise<void> {
  let die: () => void = () => undefined
  const isDead = new Promise<void>((resolve) => {
    die = resolve
  })
  const never = new Promise<void>(() => undefined)
  const started = await installation.startLive({
    wrap: (ports) => ({
      ...ports,
      store: watchedStore(ports.store, async (at, number) => {
        // An attempt with fewer pages than that dies before its manifest.
        const isDue = at === step && number === count
        if (!isDue && (step === 'after' || at !== 'manifest')) return
        die()
        await never
      }),
    }),
  })
  await feed()
  const { worker } = started
  await until('the batch is applied', () => (worker.statistics?.records ?? 0) > 0)
  const checkpoint = worker.checkpoint()
  // While pages are written, the state goes on changing.
  await feed()
  if (step === 'after') await checkpoint
  else await isDead
  await started.crash()
}

describe('a crash during a checkpoint', () => {
  test('at any page, before the manifest and after it leaves an image at one position', async () => {
    const first = await installation.startLive()
    for (const _ of range(1, 3)) await feed()
    await until('all is applied', () => first.worker.statistics?.records === SUBSCRIBERS)
    await first.worker.checkpoint()
    expect(first.worker.view().stateBytes).toBeGreaterThan(12 * 32_768)
    await first.crash()
    const steps = [
      ['page', 1],
      ['page', 3],
      ['after', 0],
      ['page', 2],
      ['manifest', 1],
      ['manifest', 1],
      ['page', 9],
      ['after', 0],
      ['page', 12],
      ['manifest', 1],
    ] as const
    for (const [step, count] of steps) await dieAt(step, count)
    await verify(await installation.startLive())
  })

  test('after one that took long leaves pages as they were at its position, not as they became', async () => {
    const bandwidth = 4e6
    const started = await installation.startLive({
      settings: { checkpoint: { everyMs: 1e9, bandwidth } },
    })
    const { worker } = started
    const subscribers = range(1, 12_000)
    const feedAll = () =>
      installation.usage(subscribers.map((subscriber) => [subscriber, 1, Date.now()]))
    await feedAll()
    await until('all is applied', () => worker.statistics?.records === 12_000)
    expect(worker.view().stateBytes).toBeGreaterThan(3 * 1024 * 1024)
    const checkpoint = worker.checkpoint()
    await feedAll()
    await until('it changes meanwhile', () => worker.statistics?.records === 24_000)
    expect(worker.view().checkpointSequence).toBe(0)
    await checkpoint
    expect(worker.view().checkpointSequence).toBe(2)
    await started.crash()
    const after = await installation.startLive()
    expect(after.worker.statistics?.records).toBe(12_000)
    const values = new Set(subscribers.map((subscriber) => counterOf(after.worker, subscriber)))
    expect([...values]).toEqual([2])
  })

  test('under running checkpoints and traffic, wherever it hits', async () => {
    for (const life of range(1, 6)) {
      const started = await installation.startLive({ checkpointEveryMs: 1 })
      for (const _ of range(1, 4)) await feed()
      await new Promise((resolve) => setTimeout(resolve, life * 11))
      await started.crash()
    }
    const last = await installation.startLive()
    await verify(last)
    await installation.stop(last)
    expect(last.worker.status).toBe('stopped')
    const again = await installation.startLive()
    expect(again.worker.statistics?.records).toBe(0)
    await verify(again)
  })
})

describe('the manifest', () => {
  test('waits for OUT: no image holds decisions that nobody has said', async () => {
    let isOutAnswering = false
    const worker = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        output: Object.assign(Object.create(ports.output), {
          state: () => ports.output.state(),
          read: (first: number, last: number) => ports.output.read(first, last),
          close: () => ports.output.close(),
          publish: async (data: Uint8Array, sequence: number | null) =>
            sequence === null || isOutAnswering
              ? ports.output.publish(data, sequence)
              : { kind: 'full' },
        }),
      }),
    })
    await installation.cross(range(1, 10))
    await until('they are made', () => worker.worker.view().decisionNumber === 10)
    let isWritten = false
    const checkpoint = worker.worker.checkpoint().then(() => {
      isWritten = true
    })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(isWritten).toBe(false)
    expect(worker.worker.view().checkpointSequence).toBe(0)
    isOutAnswering = true
    await checkpoint
    expect(worker.worker.view().checkpointSequence).toBe(2)
    expect(await installation.decisions()).toHaveLength(10)
  })

  test('waits for REJ: no image stands beyond input whose refusal is not recorded', async () => {
    let isRejectAnswering = false
    const worker = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        rejects: {
          publish: async (data, messageId) =>
            isRejectAnswering
              ? ports.rejects.publish(data, messageId)
              : { kind: 'unknown', cause: null },
        },
      }),
    })
    await installation.send('usage.0.probe', new TextEncoder().encode('nonsense'))
    await until('it is refused', () => worker.worker.view().appliedSequence === 2)
    let isWritten = false
    const checkpoint = worker.worker.checkpoint().then(() => {
      isWritten = true
    })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(isWritten).toBe(false)
    isRejectAnswering = true
    await checkpoint
    expect(worker.worker.view().checkpointSequence).toBe(2)
    expect(await installation.rejects()).toHaveLength(1)
  })

  test('a store that fails halts the partition and leaves the last image', async () => {
    const before = await installation.startLive()
    await installation.cross(range(1, 10))
    await until('said', () => before.worker.view().acknowledgedDecisionNumber === 10)
    await installation.stop(before)
    for (const step of ['page', 'manifest'] as const) {
      const failing = await installation.startLive({
        checkpointEveryMs: 1,
        wrap: (ports) => ({
          ...ports,
          store: watchedStore(ports.store, (at) => {
            if (at === step) throw new Error('no space left on device')
          }),
        }),
      })
      await installation.cross([100])
      await failing.done
      expect(failing.worker.status).toBe('halted')
      expect(failing.worker.halt).toMatchObject({ reason: 'store-commit' })
      await failing.crash()
    }
    const after = await installation.startLive()
    await installation.cross(range(11, 20))
    await until('said', () => after.worker.view().acknowledgedDecisionNumber === 21)
    expect(await installation.decisions()).toHaveLength(21)
  })
})
