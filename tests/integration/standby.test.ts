/** A hot standby beside its owner, on real streams and stores. */

import { decode, encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { InputMessage, OutputMessage, OutputStream } from '../../src/model/ports.ts'
import { encodeRuling } from '../../src/partition/rulings.ts'
import { changingSource, Gate, replacing } from '../support/port-wrappers.ts'
import {
  claimCount,
  deafOutput,
  startGatedOwner,
  startStandby,
  subscribersSaid,
} from '../support/standby.ts'
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

describe('a standby that follows', () => {
  test('decides everything itself, publishes nothing into OUT and lets go of what the owner said', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby')
    for (let round = 0; round < 10; round++) {
      await installation.cross(range(round * 50 + 1, round * 50 + 50))
    }
    await untilSaid(owner, 500)
    await untilSaid(standby, 500)
    expect(standby.worker.view()).toMatchObject({
      status: 'standby',
      decisionNumber: 500,
      outboxDecisions: 0,
      epoch: 1,
    })
    expect(await claimCount(installation)).toBe(1)
    expect(await subscribersSaid(installation)).toEqual(range(1, 500))
    expect(standby.worker.machine?.outbox.digest.text()).toBe(
      owner.worker.machine?.outbox.digest.text(),
    )
  })

  test('halts when its own decisions differ from those of the owner', async () => {
    await installation.startLive({ name: 'owner' })
    const other = (message: InputMessage): InputMessage => {
      if (message.sequence !== 4) return message
      // As if memory had flipped a bit: the last byte of a time stamp.
      const data = Uint8Array.from(message.data)
      data[data.length - 1]! ^= 1
      return { ...message, data }
    }
    const standby = await startStandby(installation, 'standby', {
      wrap: (ports) => ({ ...ports, source: changingSource(ports.source, other) }),
    })
    await installation.cross([1])
    await installation.cross([2])
    await untilSaid(standby, 2)
    await installation.cross([3])
    await standby.done
    expect(standby.worker.halt).toMatchObject({ reason: 'digest-mismatch' })
    expect(await claimCount(installation)).toBe(1)
  })

  test('compares every message: one digest that differs in the middle is enough', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    for (let number = 1; number <= 5; number++) {
      await installation.cross([number])
      await untilSaid(owner, number)
    }
    const standby = await startStandby(installation, 'standby', {
      wrap: (ports) => ({ ...ports, output: withOtherDigest(ports.output, 4) }),
    })
    await standby.done
    expect(standby.worker.halt).toMatchObject({ reason: 'digest-mismatch' })
    expect(standby.worker.view().acknowledgedDecisionNumber).toBe(2)
  })

  test('commits an image only when OUT holds what was decided up to it', async () => {
    const gate = new Gate()
    await startGatedOwner(installation, gate)
    const standby = await startStandby(installation, 'standby')
    await installation.cross(range(1, 5))
    await untilSaid(standby, 5)
    gate.close()
    await installation.cross(range(6, 10))
    await until('it has decided', () => standby.worker.view().decisionNumber === 10)
    const checkpoint = standby.worker.checkpoint()
    await until('the owner waits', () => gate.waitingCount === 1)
    expect(standby.worker.view()).toMatchObject({ checkpointSequence: 0, outboxDecisions: 5 })
    gate.open()
    await checkpoint
    expect(standby.worker.view()).toMatchObject({ checkpointSequence: 3, outboxDecisions: 0 })
  })

  test('killed and started again, it goes on from its own image', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const first = await startStandby(installation, 'standby')
    await installation.cross(range(1, 10))
    await untilSaid(first, 10)
    await first.worker.checkpoint()
    await installation.cross(range(11, 20))
    await untilSaid(first, 20)
    await first.crash()
    await installation.cross(range(21, 30))
    await untilSaid(owner, 30)
    const second = await startStandby(installation, 'standby')
    await untilSaid(second, 30)
    expect(second.worker.machine?.core?.statistics.records).toBe(20)
    // Told to stop, it leaves an image of all that OUT holds.
    await second.worker.stop()
    expect(second.worker.view()).toMatchObject({ status: 'stopped', checkpointSequence: 4 })
  })

  test('told to stop while its owner is dead, it stops and leaves its image as it was', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(installation, gate)
    const standby = await startStandby(installation, 'standby')
    gate.close()
    await installation.cross(range(1, 5))
    await until('it has decided', () => standby.worker.view().decisionNumber === 5)
    await owner.crash()
    await standby.worker.stop()
    expect(standby.worker.view()).toMatchObject({ status: 'stopped', checkpointSequence: 0 })
  })

  test('takes no more input than it may hold decisions for, and goes on when the owner does', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(installation, gate)
    const standby = await startStandby(installation, 'standby', {
      settings: { pendingDecisionsMax: 20 },
    })
    gate.close()
    for (let round = 0; round < 10; round++) {
      await installation.cross(range(round * 10 + 1, round * 10 + 10))
    }
    await until('the owner decided all', () => owner.worker.view().decisionNumber === 100)
    await until('it is held back', () => standby.worker.view().outboxDecisions > 20)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(standby.worker.view().decisionNumber).toBe(30)
    gate.open()
    // The owner's next message holds more decisions than the standby may keep.
    await untilSaid(standby, 100)
    const sizes = (await installation.readOut()).map(({ first, last }) => last - first + 1)
    expect(Math.max(...sizes.filter((size) => size > 0))).toBeGreaterThan(30)
  })

  test("publishes what it refuses under the owner's keys, so that a dead owner's rejects are there", async () => {
    const never = new Promise<never>(() => undefined)
    await installation.startLive({
      name: 'owner',
      wrap: (ports) => ({ ...ports, rejects: { publish: () => never } }),
    })
    await startStandby(installation, 'standby')
    await installation.send('usage.0.probe', new Uint8Array([0xc1]))
    await until('it is in REJ', async () => (await installation.rejects()).length === 1)
    expect(await installation.rejects()).toMatchObject([{ in: 2, ordinal: 0, part: 0 }])
  })
})

describe('a ruling in OUT', () => {
  const skip = (input: number): Uint8Array =>
    encodeRuling({
      v: 1,
      kind: 'ruling',
      halt: 'engine-failure',
      era: 0,
      input,
      choice: 'skip-input',
      by: 'a test',
      reason: 'poison',
      time: 0,
    })

  test('about an input that it has applied: it is loaded again and obeys, as the owner does', async () => {
    const ownerConfig = await installation.writeConfig('owner')
    const standbyConfig = await installation.writeConfig('standby', undefined, {
      partitions: { standby: 'all' },
    })
    const owner = await installation.serve(ownerConfig)
    const { supervisor } = await installation.serve(standbyConfig)
    const said = (): number => supervisor.partitions()[0]!.acknowledgedDecisionNumber
    await installation.cross([1])
    await until('it follows', () => said() === 1)
    await owner.stop()
    await installation.cross([2])
    const before = supervisor.worker(0)
    await until('it has decided', () => before!.view().decisionNumber === 2)
    await say(skip(3))
    await until('it is loaded again', () => supervisor.worker(0) !== before)
    await installation.cross([3])
    const again = await installation.serve(ownerConfig)
    await again.supervisor.untilLive()
    await until('it follows', () => said() === 2)
    expect(await subscribersSaid(installation)).toEqual([1, 3])
    expect(supervisor.partitions()[0]).toMatchObject({ status: 'standby', decisionNumber: 2 })
  })

  test('that it was loaded with is not learnt again, however far it has come meanwhile', async () => {
    const first = await installation.startLive({ name: 'owner' })
    await installation.cross([1])
    await untilSaid(first, 1)
    await installation.stop(first)
    await say(skip(3))
    await installation.cross([2])
    const owner = await installation.startLive({ name: 'owner' })
    await installation.cross(range(3, 10))
    await untilSaid(owner, 9)
    const gate = new Gate()
    gate.close()
    const standby = await startStandby(installation, 'standby', {
      wrap: (ports) => ({ ...ports, output: readAfter(ports.output, gate) }),
    })
    await until('it has applied all', () => standby.worker.view().decisionNumber === 9)
    gate.open()
    await untilSaid(standby, 9)
    expect(standby.worker.status).toBe('standby')
  })

  test('about an input that its image went past: it halts', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby')
    await installation.cross([1])
    await installation.cross([2])
    await untilSaid(standby, 2)
    await installation.stop(owner)
    await installation.stop(standby)
    await say(skip(3))
    const { worker, done } = await installation.startWorker({
      name: 'standby',
      settings: { standby: { promoteAfterMs: null } },
    })
    await done
    expect(worker.halt).toMatchObject({ reason: 'digest-mismatch' })
    expect(worker.halt?.message).toContain('past input 3')
    expect(await claimCount(installation)).toBe(1)
  })

  test('that comes at the last moment: a promotion finds it before the claim', async () => {
    let isDeaf = false
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby', {
      wrap: (ports) => ({ ...ports, output: deafOutput(ports.output, () => isDeaf) }),
    })
    await installation.cross([1])
    await untilSaid(standby, 1)
    isDeaf = true
    await owner.crash()
    await say(skip(4))
    // What it reads before the claim is what was true before.
    await standby.worker.promote()
    await installation.cross([2])
    await installation.cross([3])
    await untilSaid(standby, 2)
    expect(await subscribersSaid(installation)).toEqual([1, 2])
  })
})

/** Puts a message into OUT as somebody else would. */
async function say(data: Uint8Array): Promise<void> {
  installation.connection.publish('out.0', data)
  await installation.connection.flush()
}

/** Digest of one message of OUT changed, as if the owner had decided otherwise. */
function withOtherDigest(output: OutputStream, sequence: number): OutputStream {
  async function* changed(first: number, last: number): AsyncGenerator<OutputMessage> {
    for await (const message of output.read(first, last)) {
      if (message.sequence !== sequence) {
        yield message
        continue
      }
      const envelope = decode(message.data) as Record<string, unknown>
      yield { sequence, data: encode({ ...envelope, digest: '0123456789abcdef' }) }
    }
  }
  return replacing<OutputStream>(output, { read: changed })
}

/** An output whose state is not told while the gate is closed, but once: to whoever loads. */
function readAfter(output: OutputStream, gate: Gate): OutputStream {
  let isLoaded = false
  return replacing<OutputStream>(output, {
    async state() {
      if (isLoaded) await gate.pass()
      isLoaded = true
      return output.state()
    },
  })
}
