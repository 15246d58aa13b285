import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerUnavailableError } from '../../src/errors.ts'
import type { OutputStream, Source } from '../../src/model/ports.ts'
import { freezeNatsServer } from '../support/nats-server.ts'
import { Gate, gatedOutput, replacing } from '../support/port-wrappers.ts'
import { type Installation, openInstallation, range, until } from '../support/worker-harness.ts'

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation()
})

afterEach(async () => {
  await installation.close()
})

/** Publishes until stopped; returns how many subscribers crossed. */
function publishSteadily(): { stop: () => Promise<number> } {
  let isPublishing = true
  let published = 0
  const publishing = (async () => {
    while (isPublishing) {
      await installation.cross(range(published + 1, published + 10))
      published += 10
      await sleep(2)
    }
  })()
  return {
    async stop() {
      isPublishing = false
      await publishing
      return published
    },
  }
}

describe('a broker that goes away under traffic', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    '(%s) and comes back: nothing is lost, nothing is said twice',
    async (signal) => {
      const { worker } = await installation.startLive({ checkpointEveryMs: 50 })
      const traffic = publishSteadily()
      for (const _ of range(1, 3)) {
        await sleep(150)
        await installation.server.kill(signal)
        await sleep(50)
        await installation.server.restart()
      }
      await sleep(150)
      const published = await traffic.stop()
      await until('all is said', () => worker.view().acknowledgedDecisionNumber === published)
      expect(worker.status).toBe('live')
      expect(worker.view().epoch).toBe(1)
      const said = (await installation.decisions()).map(({ sub }) => sub)
      expect(said).toEqual(range(1, published))
      expect(worker.statistics?.checkpoints).toBeGreaterThan(0)
    },
  )

  test('while both sides stand still in the middle of publishes (frozen, then killed)', async () => {
    const { worker } = await installation.startLive()
    const traffic = publishSteadily()
    for (const _ of range(1, 3)) {
      await sleep(100)
      await freezeNatsServer(installation.server)
      await sleep(20)
      await installation.server.kill('SIGKILL')
      await installation.server.restart()
    }
    const published = await traffic.stop()
    await until('all is said', () => worker.view().acknowledgedDecisionNumber === published)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, published))
  })

  test('and the worker dies with it: the next one finds everything', async () => {
    const traffic = publishSteadilyAfterStreams()
    for (const life of range(1, 3)) {
      const { crash } = await installation.startWorker({ checkpointEveryMs: 20 })
      await sleep(60 * life)
      await Promise.all([installation.server.kill('SIGKILL'), crash()])
      await installation.server.restart()
      await installation.untilConnected()
    }
    const published = await (await traffic).stop()
    const { worker } = await installation.startLive()
    await until('all is said', () => worker.view().acknowledgedDecisionNumber === published)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, published))
  })

  async function publishSteadilyAfterStreams() {
    await installation.makeStreams()
    return publishSteadily()
  }

  test('during a drain: it ends when the broker is back, with everything said', async () => {
    const gate = new Gate()
    gate.close()
    const { worker } = await installation.startLive({
      wrap: (ports) => ({ ...ports, output: gatedOutput(ports.output, gate) }),
    })
    await installation.cross(range(1, 60))
    await until('they are made', () => worker.view().decisionNumber === 60)
    await installation.server.kill('SIGKILL')
    const stopping = worker.stop()
    gate.open()
    await sleep(50)
    await installation.server.restart()
    await stopping
    expect(worker.status).toBe('stopped')
    expect(await installation.decisions()).toHaveLength(60)
    const after = await installation.startLive({ name: 'another-store' })
    expect(after.worker.view().decisionNumber).toBe(60)
  })
})

describe('a broker that is unavailable for a while during recovery', () => {
  /** Fails the first `times` calls, as a broker does that cannot be reached. */
  function failing<A extends unknown[], R>(times: number, call: (...args: A) => Promise<R>) {
    let left = times
    return (...args: A): Promise<R> =>
      left-- > 0 ? Promise.reject(new BrokerUnavailableError('not now')) : call(...args)
  }

  test('is waited for at every step', async () => {
    const before = await installation.startLive()
    await installation.cross(range(1, 10))
    await until('said', () => before.worker.view().acknowledgedDecisionNumber === 10)
    await before.worker.checkpoint()
    await installation.cross(range(11, 20))
    await until('said', () => before.worker.view().acknowledgedDecisionNumber === 20)
    await before.crash()
    let claims = 0
    const after = await installation.startLive({
      wrap: ({ source, output, ...ports }) => ({
        ...ports,
        source: replacing<Source>(source, {
          state: failing(2, () => source.state()),
          read: failing(1, (sequence) => source.read(sequence)),
          open: failing(2, (sequence) => source.open(sequence)),
        }),
        output: replacing<OutputStream>(output, {
          state: failing(1, () => output.state()),
          publish: async (data, expected) =>
            expected === null && claims++ < 2
              ? { kind: 'unknown', cause: null }
              : output.publish(data, expected),
        }),
      }),
    })
    await installation.cross(range(21, 30))
    await until('said', () => after.worker.view().acknowledgedDecisionNumber === 30)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 30))
  })

  test('a stop ends the waiting', async () => {
    const started = await installation.startWorker({
      wrap: (ports) => ({
        ...ports,
        source: replacing<Source>(ports.source, {
          state: () => Promise.reject(new BrokerUnavailableError('not now')),
        }),
      }),
    })
    await sleep(50)
    await started.worker.stop()
    expect(started.worker.halt).toBeNull()
    expect((await installation.readOut()).length).toBe(0)
  })
})

describe('one store, one process', () => {
  test('a second opener in this process is refused, and the first goes on', async () => {
    const first = await installation.startLive()
    await expect(installation.startWorker()).rejects.toMatchObject({ code: 'HW_STORE_LOCKED' })
    await installation.cross([1])
    await until('said', () => first.worker.view().acknowledgedDecisionNumber === 1)
  })

  test('a second process says so and ends; SIGHUP reloads and SIGTERM drains the first', async () => {
    const config = await installation.writeConfig('worker')
    const first = await installation.spawn(config)
    const ready = async () => (await fetch(`${first.url()}/-/ready`)).status === 200
    await until('the first is ready', ready)
    const second = await installation.spawn(config)
    await second.exited
    expect(second.child.exitCode).toBe(1)
    expect(second.output.join('\n')).toContain('HW_STORE_LOCKED')
    expect(await ready()).toBe(true)
    first.child.kill('SIGHUP')
    await until('it reloads', () => first.output.some((line) => line.includes('"cause":"SIGHUP"')))
    await installation.cross([1])
    first.child.kill('SIGTERM')
    await first.exited
    expect(first.child.exitCode).toBe(0)
  })
})
