/** A hot standby beside its owner, on real streams and stores. */

import { decode, encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type {
  InputMessage,
  OutputMessage,
  OutputStream,
  StreamState,
} from '../../src/model/ports.ts'
import { encodeConfig } from '../../src/probe/encode.ts'
import { changingSource, Gate, gatedOutput, replacing } from '../support/port-wrappers.ts'
import {
  type Installation,
  LINE_FILES,
  openInstallation,
  range,
  type TestWorker,
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

/** Starts a standby and waits until it follows. */
function startStandby(name: string, choice: WorkerChoice = {}): Promise<TestWorker> {
  const settings = { standby: { promoteAfterMs: null }, ...choice.settings }
  return installation.startLive({ ...choice, name, settings })
}

/** An owner whose decisions wait at the gate while it is closed. */
function startGatedOwner(gate: Gate): Promise<TestWorker> {
  const wrap: WorkerChoice['wrap'] = (ports) => ({
    ...ports,
    output: gatedOutput(ports.output, gate),
  })
  return installation.startLive({ name: 'owner', wrap })
}

async function subscribersSaid(): Promise<number[]> {
  return (await installation.decisions()).map(({ sub }) => sub)
}

async function claimCount(): Promise<number> {
  return (await installation.readOut()).filter(({ kind }) => kind === 'claim').length
}

describe('a standby that follows', () => {
  test('decides everything itself, publishes nothing into OUT and lets go of what the owner said', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby('standby')
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
    expect(await claimCount()).toBe(1)
    expect(await subscribersSaid()).toEqual(range(1, 500))
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
    const standby = await startStandby('standby', {
      wrap: (ports) => ({ ...ports, source: changingSource(ports.source, other) }),
    })
    await installation.cross([1])
    await installation.cross([2])
    await untilSaid(standby, 2)
    await installation.cross([3])
    await standby.done
    expect(standby.worker.halt).toMatchObject({ reason: 'digest-mismatch' })
    expect(await claimCount()).toBe(1)
  })

  test('compares every message: one digest that differs in the middle is enough', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    for (let number = 1; number <= 5; number++) {
      await installation.cross([number])
      await untilSaid(owner, number)
    }
    const standby = await startStandby('standby', {
      wrap: (ports) => ({ ...ports, output: withOtherDigest(ports.output, 4) }),
    })
    await standby.done
    expect(standby.worker.halt).toMatchObject({ reason: 'digest-mismatch' })
    expect(standby.worker.view().acknowledgedDecisionNumber).toBe(2)
  })

  test('commits an image only when OUT holds what was decided up to it', async () => {
    const gate = new Gate()
    await startGatedOwner(gate)
    const standby = await startStandby('standby')
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
    const first = await startStandby('standby')
    await installation.cross(range(1, 10))
    await untilSaid(first, 10)
    await first.worker.checkpoint()
    await installation.cross(range(11, 20))
    await untilSaid(first, 20)
    await first.crash()
    await installation.cross(range(21, 30))
    await untilSaid(owner, 30)
    const second = await startStandby('standby')
    await untilSaid(second, 30)
    expect(second.worker.machine?.core?.statistics.records).toBe(20)
    // Told to stop, it leaves an image of all that OUT holds.
    await second.worker.stop()
    expect(second.worker.view()).toMatchObject({ status: 'stopped', checkpointSequence: 4 })
  })

  test('told to stop while its owner is dead, it stops and leaves its image as it was', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(gate)
    const standby = await startStandby('standby')
    gate.close()
    await installation.cross(range(1, 5))
    await until('it has decided', () => standby.worker.view().decisionNumber === 5)
    await owner.crash()
    await standby.worker.stop()
    expect(standby.worker.view()).toMatchObject({ status: 'stopped', checkpointSequence: 0 })
  })

  test('takes no more input than it may hold decisions for, and goes on when the owner does', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(gate)
    const standby = await startStandby('standby', { settings: { pendingDecisionsMax: 20 } })
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
    await startStandby('standby')
    await installation.send('usage.0.probe', new Uint8Array([0xc1]))
    await until('it is in REJ', async () => (await installation.rejects()).length === 1)
    expect(await installation.rejects()).toMatchObject([{ in: 2, ordinal: 0, part: 0 }])
  })
})

describe('a promoted standby', () => {
  test('sends what the dead owner had decided and not sent, once, and goes on', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(gate)
    const standby = await startStandby('standby')
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    gate.close()
    await installation.cross(range(11, 30))
    await until('the owner has decided', () => owner.worker.view().decisionNumber === 30)
    await owner.crash()
    await standby.worker.promote()
    await untilSaid(standby, 30)
    await installation.cross(range(31, 40))
    await untilSaid(standby, 40)
    expect(standby.worker.view()).toMatchObject({ status: 'live', outboxDecisions: 0 })
    expect(await subscribersSaid()).toEqual(range(1, 40))
    await standby.worker.checkpoint()
    await installation.stop(standby)
  })

  test('does not send again what the owner said with its last breath', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    let isDeaf = false
    const standby = await startStandby('standby', {
      // It looks, and is answered what was true before.
      wrap: (ports) => ({ ...ports, output: deafOutput(ports.output, () => isDeaf) }),
    })
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    isDeaf = true
    await installation.cross(range(11, 20))
    await installation.cross(range(21, 30))
    await untilSaid(owner, 30)
    await until('it has decided', () => standby.worker.view().outboxDecisions === 20)
    await owner.crash()
    await standby.worker.promote()
    await installation.cross(range(31, 40))
    await untilSaid(standby, 40)
    expect(await subscribersSaid()).toEqual(range(1, 40))
  })

  test('fences an owner that lives, whatever that one does next', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby('standby')
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    await standby.worker.promote()
    await installation.cross(range(11, 20))
    await owner.done
    expect(owner.worker.halt?.code).toBe('HW_OUTPUT_FENCED')
    await untilSaid(standby, 20)
    expect(await subscribersSaid()).toEqual(range(1, 20))
  })

  test('stays the owner when the former one wakes up in the middle of a publish', async () => {
    const gate = new Gate()
    const zombie = await startGatedOwner(gate)
    const standby = await startStandby('standby')
    gate.close()
    await installation.cross(range(1, 10))
    await until('a publish waits', () => gate.waitingCount === 1)
    await standby.worker.promote()
    await untilSaid(standby, 10)
    gate.open()
    await zombie.done
    expect(zombie.worker.halt?.code).toBe('HW_OUTPUT_FENCED')
    await installation.cross(range(11, 20))
    await untilSaid(standby, 20)
    expect(await subscribersSaid()).toEqual(range(1, 20))
  })

  test('the former owner returns as its standby, from the image it has, and takes over in turn', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby('standby')
    await installation.cross(range(1, 10))
    await untilSaid(owner, 10)
    await owner.worker.checkpoint()
    await owner.crash()
    await standby.worker.promote()
    await installation.cross(range(11, 20))
    await untilSaid(standby, 20)
    const returned = await startStandby('owner')
    await untilSaid(returned, 20)
    expect(returned.worker.machine?.core?.statistics.records).toBe(10)
    await standby.crash()
    await installation.cross(range(21, 30))
    await returned.worker.promote()
    await untilSaid(returned, 30)
    expect(await subscribersSaid()).toEqual(range(1, 30))
    expect(await claimCount()).toBe(3)
  })

  test('while it is far behind: it makes again what OUT holds, then sends the rest', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(gate)
    for (let round = 0; round < 20; round++) {
      await installation.cross(range(round * 10 + 1, round * 10 + 10))
    }
    await untilSaid(owner, 200)
    gate.close()
    await installation.cross(range(201, 210))
    await until('the owner has decided', () => owner.worker.view().decisionNumber === 210)
    let taken = 0
    let canTake = 3
    const standby = await startStandby('standby', {
      wrap: (ports) => ({
        ...ports,
        source: replacing(ports.source, {
          take: (max) => {
            const messages = ports.source.take(Math.min(max, canTake - taken))
            taken += messages.length
            return messages
          },
          wait: (timeoutMs) =>
            taken < canTake ? ports.source.wait(timeoutMs) : ports.clock.pause(timeoutMs),
        }),
      }),
    })
    await until('it has begun', () => standby.worker.view().decisionNumber === 20)
    await owner.crash()
    await standby.worker.promote()
    expect(standby.worker.view().status).toBe('recovering')
    expect(await subscribersSaid()).toEqual(range(1, 200))
    canTake = Number.POSITIVE_INFINITY
    await standby.worker.untilLive()
    await untilSaid(standby, 210)
    expect(await subscribersSaid()).toEqual(range(1, 210))
  })

  test('decides with the configuration that went through the log while it followed', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby('standby')
    await installation.cross(range(1, 10))
    const line = LINE_FILES['triggers/line.yaml']!.replace('Hello', 'Good day')
    const files = { ...LINE_FILES, 'triggers/line.yaml': line }
    await installation.send('control.0', encodeConfig({ id: 'second', generation: 2, files }))
    await installation.cross(range(11, 20))
    await untilSaid(standby, 20)
    await owner.crash()
    await standby.worker.promote()
    await installation.cross(range(21, 30))
    await untilSaid(standby, 30)
    const generations = (await installation.decisions()).map(({ gen }) => gen)
    expect(generations).toEqual([...Array(10).fill(1), ...Array(20).fill(2)])
  })
})

describe('a standby that may promote itself', () => {
  const eager: WorkerChoice = { settings: { standby: { promoteAfterMs: 1_500 } } }

  test('takes over when decisions stay unsaid', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(gate)
    const standby = await startStandby('standby', eager)
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    gate.close()
    await installation.cross(range(11, 20))
    await until('a publish waits', () => gate.waitingCount === 1)
    await owner.crash()
    await untilSaid(standby, 20)
    expect(standby.worker.view()).toMatchObject({ status: 'live', ownerSilentMs: 0 })
    expect(await subscribersSaid()).toEqual(range(1, 20))
  })

  test('leaves an owner alone that has nothing to say', async () => {
    await installation.startLive({ name: 'owner' })
    const standby = await startStandby('standby', eager)
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(standby.worker.view()).toMatchObject({ status: 'standby', ownerSilentMs: 0 })
    expect(await claimCount()).toBe(1)
  })
})

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

/** An output whose state stays what it was while `isDeaf`. */
function deafOutput(output: OutputStream, isDeaf: () => boolean): OutputStream {
  let known: StreamState | null = null
  return replacing<OutputStream>(output, {
    async state() {
      if (known === null || !isDeaf()) known = await output.state()
      return known
    },
  })
}
