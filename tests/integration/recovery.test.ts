import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { OutputStream } from '../../src/model/ports.ts'
import { outputWithOtherDigests, replacing } from '../support/port-wrappers.ts'
import {
  type Installation,
  openInstallation,
  range,
  until,
  untilSaid,
} from '../support/worker-harness.ts'

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation()
})

afterEach(async () => {
  await installation.close()
})

describe('an orderly stop', () => {
  test('leaves a checkpoint of everything: the next worker replays nothing', async () => {
    const before = await installation.startLive()
    await installation.cross(range(1, 300))
    await untilSaid(before, 300)
    await installation.stop(before)
    expect(before.worker.status).toBe('stopped')
    const after = await installation.startLive()
    expect(after.worker.statistics?.records).toBe(0)
    expect(after.worker.view().subscriberCount).toBe(300)
    await installation.cross(range(200, 310))
    await untilSaid(after, 310)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 310))
  })

  test('in the middle of a stream loses nothing and says nothing twice', async () => {
    const numbers = range(1, 40)
    for (const round of range(0, 3)) {
      const started = await installation.startWorker()
      for (const i of numbers) {
        const publishing = installation.cross(
          range(i * 10 + round * 1000, i * 10 + round * 1000 + 4),
        )
        if (i === 20) await started.worker.stop()
        await publishing
      }
      await started.crash()
    }
    const last = await installation.startLive()
    await untilSaid(last, 4 * 40 * 5)
    const said = (await installation.decisions()).map(({ sub }) => sub)
    expect(new Set(said).size).toBe(said.length)
  })
})

describe('a crash', () => {
  test('without any checkpoint: all is made again from genesis, compared and not sent again', async () => {
    const before = await installation.startLive()
    await installation.cross(range(1, 250))
    await untilSaid(before, 250)
    await before.crash()
    await installation.cross(range(251, 260))
    const after = await installation.startLive()
    await untilSaid(after, 260)
    expect(after.worker.statistics?.records).toBe(260)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 260))
    expect((await installation.readOut()).at(-1)?.digest).toBe(
      after.worker.machine?.outbox.digest.text(),
    )
  })

  test('after a checkpoint: only what came later is made again', async () => {
    const before = await installation.startLive()
    await installation.cross(range(1, 100))
    await untilSaid(before, 100)
    await before.worker.checkpoint()
    await installation.cross(range(101, 150))
    await untilSaid(before, 150)
    await before.crash()
    const after = await installation.startLive()
    expect(after.worker.statistics?.records).toBe(50)
    await installation.cross(range(151, 160))
    await untilSaid(after, 160)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 160))
  })

  test('with decisions that OUT never got: they are made and said by the next', async () => {
    const before = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        output: replacing<OutputStream>(ports.output, {
          publish: async (data, expected) =>
            expected === null
              ? ports.output.publish(data, expected)
              : { kind: 'unknown', cause: null },
        }),
      }),
    })
    await installation.cross(range(1, 30))
    await until('they are made', () => before.worker.view().decisionNumber === 30)
    await before.crash()
    expect(await installation.decisions()).toEqual([])
    const after = await installation.startLive()
    await untilSaid(after, 30)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 30))
  })

  test('right after the claim, several times: claims are skipped and the chain goes on', async () => {
    const first = await installation.startLive()
    await installation.cross(range(1, 10))
    await untilSaid(first, 10)
    await first.crash()
    for (const _ of range(1, 3)) {
      const claimant = await installation.startWorker()
      await until('it has claimed', () => claimant.worker.view().epoch > 0)
      await claimant.crash()
    }
    const last = await installation.startLive()
    await installation.cross(range(11, 20))
    await untilSaid(last, 20)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 20))
    expect((await installation.readOut()).filter(({ kind }) => kind === 'claim')).toHaveLength(5)
  })

  test('while replaying: the next one replays again', async () => {
    const before = await installation.startLive()
    for (const i of range(0, 60)) await installation.cross(range(i * 10 + 1, i * 10 + 10))
    await untilSaid(before, 610)
    await before.crash()
    for (const _ of range(1, 3)) {
      const replaying = await installation.startWorker()
      await until('it replays', () => replaying.worker.view().decisionNumber > 0)
      await replaying.crash()
    }
    const after = await installation.startLive()
    expect(after.worker.view().decisionNumber).toBe(610)
    await installation.cross([9999])
    await untilSaid(after, 611)
    expect(await installation.decisions()).toHaveLength(611)
  })
})

describe('what OUT holds', () => {
  /** Two messages of decisions past the image, and a crash. */
  async function leaveTail(): Promise<void> {
    const before = await installation.startLive()
    await installation.cross(range(1, 10))
    await untilSaid(before, 10)
    await before.worker.checkpoint()
    await installation.cross(range(11, 20))
    await untilSaid(before, 20)
    await before.crash()
  }

  test('a replay that decides otherwise halts, and nothing more is said', async () => {
    await leaveTail()
    const after = await installation.startWorker({
      wrap: (ports) => ({
        ...ports,
        output: outputWithOtherDigests(ports.output),
      }),
    })
    await after.done
    expect(after.worker.halt).toMatchObject({ reason: 'digest-mismatch' })
    await installation.cross(range(21, 30))
    expect(await installation.decisions()).toHaveLength(20)
  })

  test('decisions that IN cannot make halt as replay-short', async () => {
    await leaveTail()
    const [claim] = await installation.readOut()
    const more = { v: 1, kind: 'decisions', epoch: claim!.sequence, first: 21, last: 25 }
    installation.connection.publish(
      'out.0',
      encode({ ...more, digest: '0'.repeat(16), decisions: [] }),
    )
    await installation.connection.flush()
    const after = await installation.startWorker()
    await after.done
    expect(after.worker.halt).toMatchObject({ reason: 'replay-short' })
    await installation.cross(range(21, 22))
    const messages = await installation.readOut()
    expect(messages.at(-1)).toMatchObject({ kind: 'claim' })
  })

  test('numbers with a hole between them halt as output-gap', async () => {
    await leaveTail()
    const more = { v: 1, kind: 'decisions', epoch: 1, first: 22, last: 25 }
    installation.connection.publish(
      'out.0',
      encode({ ...more, digest: '0'.repeat(16), decisions: [] }),
    )
    await installation.connection.flush()
    const after = await installation.startWorker()
    await after.done
    expect(after.worker.halt).toMatchObject({ reason: 'output-gap' })
  })

  test('a new engine refuses to make decisions again that an old one has said', async () => {
    await leaveTail()
    const newer = await installation.startWorker({ engine: { version: '99.0.0' } })
    await newer.done
    expect(newer.worker.halt).toMatchObject({ reason: 'engine-version' })
    await newer.crash()
    const older = await installation.startLive()
    await installation.stop(older)
    const again = await installation.startLive({ engine: { version: '99.0.0' } })
    await installation.cross([21])
    await untilSaid(again, 21)
  })
})

describe('a process of its own, killed with -9', () => {
  test('again and again under traffic: all is said, each once', async () => {
    const settings = { checkpoint: { every: '1s' } }
    const config = await installation.writeConfig('child', undefined, settings)
    let published = 0
    let isPublishing = true
    const publishing = (async () => {
      await installation.makeStreams()
      while (isPublishing) {
        await installation.cross(range(published + 1, published + 20))
        published += 20
        await sleep(10)
      }
    })()
    for (const afterMs of [300, 700, 1200]) {
      const { child, exited, output } = await installation.spawn(config)
      await until('it says something', async () => output.length > 0)
      await sleep(afterMs)
      child.kill('SIGKILL')
      await exited
    }
    isPublishing = false
    await publishing
    const running = await installation.serve(config)
    await running.supervisor.untilLive()
    await until(
      'everything is said',
      () => running.supervisor.partitions()[0]?.acknowledgedDecisionNumber === published,
    )
    const said = (await installation.decisions()).map(({ sub }) => sub)
    expect(said).toEqual(range(1, published))
  }, 120_000)
})
