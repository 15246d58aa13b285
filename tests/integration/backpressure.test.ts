import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { BrokerRefusedError } from '../../src/errors.ts'
import { openInputWriter } from '../../src/sink/input-writer.ts'
import {
  type Installation,
  openInstallation,
  range,
  until,
  untilSaid,
} from '../support/worker-harness.ts'

let installation: Installation

afterEach(async () => {
  await installation.close()
})

async function resize(stream: string, maxSize: number): Promise<void> {
  const manager = await installation.manager()
  const { config } = await manager.streams.info(stream)
  await manager.streams.update(stream, { ...config, max_bytes: maxSize })
}

test('a full OUT holds the partition back; with room again nothing is missing', async () => {
  installation = await openInstallation({ limits: { outputMaxSize: 64 * 1024 } })
  const pendingDecisionsMax = 200
  const { worker } = await installation.startLive({ settings: { pendingDecisionsMax } })
  // Too large for a run of messages: what is held back is looked at behind each of them.
  for (const i of range(0, 49)) await installation.cross(range(i * 40 + 1, i * 40 + 40))
  await until('OUT is full', () => worker.view().outboxDecisions > pendingDecisionsMax)
  await sleep(300)
  const held = worker.view()
  expect(held.status).toBe('live')
  expect(held.appliedSequence).toBeLessThan(51)
  expect(held.outboxDecisions).toBeLessThanOrEqual(pendingDecisionsMax + 40)
  expect(held.decisionNumber).toBeLessThan(2000)
  await resize('OUT_0', 16 * 1024 * 1024)
  await until('all is said', () => worker.view().acknowledgedDecisionNumber === 2000)
  expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 2000))
})

test('a worker that starts or stops while OUT is full waits for room and loses nothing', async () => {
  installation = await openInstallation({ limits: { outputMaxSize: 16 * 1024 } })
  const first = await installation.startLive()
  for (const i of range(0, 19)) await installation.cross(range(i * 20 + 1, i * 20 + 20))
  await until('all is made', () => first.worker.view().decisionNumber === 400)
  expect(first.worker.view().acknowledgedDecisionNumber).toBeLessThan(400)
  let isStopped = false
  const stopping = first.worker.stop().then(() => {
    isStopped = true
  })
  await sleep(300)
  expect(isStopped).toBe(false)
  await first.crash()
  void stopping
  // Not even a claim fits any more.
  const { state } = await (await installation.manager()).streams.info('OUT_0')
  await resize('OUT_0', state.bytes)
  const second = await installation.startWorker()
  await sleep(300)
  expect(second.worker.view().status).toBe('recovering')
  await resize('OUT_0', 16 * 1024 * 1024)
  await until('all is said', () => second.worker.view().acknowledgedDecisionNumber === 400)
  await second.worker.stop()
  expect(second.worker.status).toBe('stopped')
  expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 400))
})

test('a stop waits for a full OUT no longer than it may; the next start sends the rest', async () => {
  installation = await openInstallation({ limits: { outputMaxSize: 16 * 1024 } })
  const settings = { drainTimeoutMs: 300 }
  const first = await installation.startLive({ settings, checkpointEveryMs: 20 })
  for (const i of range(0, 19)) await installation.cross(range(i * 20 + 1, i * 20 + 20))
  await until('all is made', () => first.worker.view().decisionNumber === 400)
  await first.worker.stop()
  expect(first.worker.status).toBe('stopped')
  expect(first.worker.view().outboxDecisions).toBeGreaterThan(0)
  await first.crash()
  await resize('OUT_0', 16 * 1024 * 1024)
  const second = await installation.startLive()
  await untilSaid(second, 400)
  await second.worker.stop()
  expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 400))
})

test('a REJ that does not answer holds large bad input back before it fills the memory', async () => {
  installation = await openInstallation()
  let isAnswering = false
  const { worker } = await installation.startLive({
    wrap: (ports) => ({
      ...ports,
      rejects: {
        publish: async (data, messageId) =>
          isAnswering ? ports.rejects.publish(data, messageId) : { kind: 'unknown', cause: null },
      },
    }),
  })
  const bad = new Uint8Array(1000 * 1024)
  const count = 80
  for (const _ of range(1, count)) await installation.send('usage.0.probe', bad)
  await installation.cross([1])
  await until('it is held back', () => worker.view().appliedSequence > 60)
  await sleep(300)
  expect(worker.view()).toMatchObject({ status: 'live', decisionNumber: 0 })
  expect(worker.view().appliedSequence).toBeLessThan(count)
  isAnswering = true
  await until('the rest goes on', () => worker.view().acknowledgedDecisionNumber === 1)
  await worker.checkpoint()
  const rejects = await installation.rejects()
  const inputs = rejects.filter(({ part }) => part === 0).map((reject) => reject.in)
  expect(inputs.toSorted((a, b) => a - b)).toEqual(range(2, count + 1))
  expect(rejects).toHaveLength(2 * count)
})

test('a REJ that refuses us (no rights) neither ends the process nor loses what it refused', async () => {
  installation = await openInstallation()
  let isAllowed = false
  const { worker } = await installation.startLive({
    wrap: (ports) => ({
      ...ports,
      rejects: {
        publish: (data, messageId) =>
          isAllowed
            ? ports.rejects.publish(data, messageId)
            : Promise.reject(new BrokerRefusedError('permissions violation')),
      },
    }),
  })
  await installation.send('usage.0.probe', new Uint8Array(3))
  await installation.cross([1])
  await until('good input goes on', () => worker.view().acknowledgedDecisionNumber === 1)
  expect(await installation.rejects()).toEqual([])
  isAllowed = true
  await worker.checkpoint()
  expect(await installation.rejects()).toHaveLength(1)
})

test('a full IN refuses the producer loudly and keeps what it accepted', async () => {
  installation = await openInstallation({ limits: { inputMaxSize: 64 * 1024 } })
  const { worker } = await installation.startLive()
  let accepted = 0
  const refusal = await (async () => {
    for (;;) {
      try {
        await installation.cross([accepted + 1])
        accepted += 1
      } catch (error) {
        return error
      }
    }
  })()
  expect(refusal).toMatchObject({ code: 'HW_STREAM_FULL', retryable: true })
  expect(accepted).toBeGreaterThan(100)
  const writer = openInputWriter(installation.connection, 0)
  await expect(writer.publish('usage.0.probe', new Uint8Array(9))).rejects.toMatchObject({
    code: 'HW_STREAM_FULL',
  })
  await until('all is said', () => worker.view().acknowledgedDecisionNumber === accepted)
  expect(worker.status).toBe('live')
  await resize('IN_0', 1024 * 1024)
  await installation.cross([accepted + 1])
  await until('it goes on', () => worker.view().acknowledgedDecisionNumber === accepted + 1)
})

test('more decisions at once than one message of the server holds go out in several', async () => {
  installation = await openInstallation()
  const outbox = { batchDecisionsMax: 10_000, batchSizeMax: '8 MiB' }
  const config = await installation.writeConfig('worker', undefined, { outbox })
  const { supervisor } = await installation.serve(config)
  await supervisor.untilLive()
  await installation.cross(range(1, 10_000))
  const view = () => supervisor.partitions()[0]!
  await until('all is said', () => view().acknowledgedDecisionNumber === 10_000, 5_000)
  const messages = (await installation.readOut()).filter(({ kind }) => kind === 'decisions')
  expect(messages.length).toBeGreaterThan(1)
  expect(await installation.decisions()).toHaveLength(10_000)
})
