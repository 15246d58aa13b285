/** Halts that no ruling mends, and what resume asks and refuses. */

import { rename } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runResume } from '../../src/commands/resume.ts'
import type { InputMessage, PageStore } from '../../src/model/ports.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { ruleOn } from '../support/after-ruling.ts'
import { changingSource, Gate, gatedSource, watchedStore } from '../support/port-wrappers.ts'
import { dropOldest, expectHalt, recreateStream } from '../support/stream-tampering.ts'
import {
  type Installation,
  leaveImage,
  LINE_FILES,
  openInstallation,
  range,
  until,
  untilSaid,
  type WorkerChoice,
} from '../support/worker-harness.ts'

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation()
})

afterEach(async () => {
  await installation.close()
})

describe('without a ruling', () => {
  test('page-checksum: the store moved away, all is made again from a log that is whole', async () => {
    await leaveImage(installation)
    const store = await openStore(installation.storeDirectory())
    const slot = store.readManifest().get('slots/0')?.[0] === 1 ? 1 : 0
    const address = { table: 0, page: 0, slot } as const
    const bytes = Uint8Array.from(store.readPage(address)!)
    bytes[200]! ^= 1
    await store.writePage(address, bytes)
    await store.close()
    await expectHalt(installation, 'page-checksum')
    const order = { choose: 'new-baseline', halt: 'page-checksum' } as const
    await expect(ruleOn(installation, order)).rejects.toThrow('no ruling helps')
    await rename(installation.storeDirectory(), `${installation.storeDirectory()}-damaged`)
    const after = await installation.startLive()
    await installation.cross([31])
    await untilSaid(after, 22)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual([
      ...range(1, 20),
      777,
      31,
    ])
  })

  test('store-commit: there is room again, a restart', async () => {
    let isFull = true
    const failing = (store: PageStore): PageStore =>
      watchedStore(store, () => {
        if (isFull) throw new Error('no space left on device')
      })
    const choice: WorkerChoice = {
      wrap: (ports) => ({ ...ports, store: failing(ports.store) }),
    }
    const started = await installation.startLive(choice)
    await installation.cross([1])
    await untilSaid(started, 1)
    await expect(started.worker.checkpoint()).rejects.toThrow('store-commit')
    await started.worker.stop()
    await started.crash()
    isFull = false
    const after = await installation.startLive(choice)
    await after.worker.checkpoint()
    expect(after.worker.view().checkpointSequence).toBe(2)
    expect(await installation.decisions()).toHaveLength(1)
  })

  test('HW_OUTPUT_FENCED: the one that should own the partition is started again', async () => {
    const one = await installation.startLive()
    const other = await installation.startLive({ name: 'other' })
    await installation.cross([1])
    await one.done
    expect(one.worker.halt).toMatchObject({ code: 'HW_OUTPUT_FENCED' })
    await installation.stop(other)
    await one.crash()
    const again = await installation.startLive()
    await installation.cross([2])
    await untilSaid(again, 2)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual([1, 2])
  })
})

describe('resume', () => {
  test('asks the halted worker that is up what is wrong and where', async () => {
    const settings = { http: { port: 0 } }
    const config = await installation.writeConfig('a', LINE_FILES, settings)
    const { supervisor, address } = await installation.serve(config)
    await supervisor.untilLive()
    await installation.cross([1])
    await until('it is said', () => supervisor.partitions()[0]?.acknowledgedDecisionNumber === 1)
    await recreateStream(installation, 'IN_0')
    await installation.cross([2])
    await until('it halts', () => supervisor.partitions()[0]?.status === 'halted')
    const answer = (await (await fetch(`${address.url}/v1/partitions`)).json()) as {
      partitions: { halt: unknown }[]
    }
    expect(answer.partitions[0]?.halt).toMatchObject({
      reason: 'input-recreated',
      input: 3,
      waysOut: { choices: ['new-baseline'] },
    })
    const port = Number(new URL(address.url).port)
    await installation.writeConfig('a', LINE_FILES, { http: { port } })
    const lines: string[] = []
    const options = {
      ...{
        config,
        partition: 0,
        at: null,
        readNumber: null,
        halt: null,
        reason: 'a test',
        by: null,
        isYes: true,
      },
      choice: 'skip-input' as const,
    }
    await expect(runResume(options)).rejects.toThrow('choose new-baseline')
    const baseline = { ...options, choice: 'new-baseline' as const }
    expect(await runResume(baseline, (line) => lines.push(line))).toBe(0)
    const after = await installation.startLive()
    await untilSaid(after, 2)
  })

  test('refuses while a worker has the store, and where nothing is wrong', async () => {
    await leaveImage(installation)
    const order = { choose: 'new-baseline' } as const
    await expect(ruleOn(installation, order)).rejects.toThrow('say --halt')
    const started = await installation.startLive()
    await expect(ruleOn(installation, order)).rejects.toMatchObject({ code: 'HW_STORE_LOCKED' })
    await installation.stop(started)
  })

  test('fences off an owner that still lives with another store', async () => {
    await leaveImage(installation)
    const owner = await installation.startLive({ name: 'other' })
    await installation.cross([21])
    await untilSaid(owner, 21)
    const before = { choose: 'skip-input', halt: 'engine-failure', at: 4 } as const
    await expect(ruleOn(installation, before)).rejects.toThrow('would contradict')
    await dropOldest(installation, 'IN_0', 1)
    await installation.cross([22])
    await untilSaid(owner, 22)
    await dropOldest(installation, 'IN_0', 1)
    await ruleOn(installation, { choose: 'new-baseline' })
    await installation.cross([23])
    await owner.done
    expect(owner.worker.halt).toMatchObject({ code: 'HW_OUTPUT_FENCED' })
  })
})

/** A worker for which one input is stamped an hour ahead. */
function stampedAhead(sequence: number): WorkerChoice {
  const change = (message: InputMessage): InputMessage =>
    message.sequence === sequence
      ? { ...message, timestampMs: message.timestampMs + 3_600_000 }
      : message
  return { wrap: (ports) => ({ ...ports, source: changingSource(ports.source, change) }) }
}

describe('a standby', () => {
  const standby = { settings: { standby: { promoteAfterMs: null } }, name: 'standby' }

  test('that has not come to the input yet follows the ruling that its owner found', async () => {
    const gate = new Gate()
    gate.close()
    const owner = await installation.startLive(stampedAhead(3))
    await installation.cross([1])
    await untilSaid(owner, 1)
    const follower = await installation.startWorker({
      ...standby,
      wrap: (ports) => ({ ...ports, source: gatedSource(ports.source, gate, 3) }),
    })
    await until('it follows', () => follower.worker.view().appliedSequence === 2)
    await installation.cross([2])
    await installation.cross([3])
    await owner.done
    expect(owner.worker.halt).toMatchObject({ reason: 'clock-ahead' })
    await owner.crash()
    await ruleOn(installation, { choose: 'skip-input', halt: 'clock-ahead', at: 3 })
    const again = await installation.startLive()
    await untilSaid(again, 2)
    // It has read of the ruling when it waits for what comes after it.
    await until('it waits', () => follower.worker.view().outputUnreadMessages === 1)
    gate.open()
    await until('it has followed', () => follower.worker.view().acknowledgedDecisionNumber === 2)
    await installation.stop(again)
    await follower.worker.promote()
    await installation.cross([4])
    await untilSaid(follower, 3)
    expect((await installation.decisions()).map(({ sub }) => sub)).toEqual([1, 3, 4])
  })

  test('that has applied what a ruling skips says so, to be loaded again', async () => {
    const owner = await installation.startLive(stampedAhead(3))
    const follower = await installation.startWorker(standby)
    await installation.cross([1])
    await untilSaid(owner, 1)
    await installation.cross([2])
    await owner.done
    await owner.crash()
    await until('it has applied it', () => follower.worker.view().appliedSequence === 3)
    await ruleOn(installation, { choose: 'skip-input', halt: 'clock-ahead', at: 3 })
    await follower.done
    expect(follower.worker.halt).toMatchObject({ code: 'HW_STANDBY_OUTDATED' })
    expect(follower.worker.halt?.message).toContain('ruling')
  })
})
