/** Standbys that become owners, on real streams and stores: told to, or by themselves. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeConfig } from '../../src/probe/encode.ts'
import { Gate, replacing } from '../support/port-wrappers.ts'
import {
  claimCount,
  deafOutput,
  startGatedOwner,
  startStandby,
  subscribersSaid,
} from '../support/standby.ts'
import {
  type Installation,
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

describe('a promoted standby', () => {
  test('sends what the dead owner had decided and not sent, once, and goes on', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(installation, gate)
    const standby = await startStandby(installation, 'standby')
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
    expect(await subscribersSaid(installation)).toEqual(range(1, 40))
    await standby.worker.checkpoint()
    await installation.stop(standby)
  })

  test('does not send again what the owner said with its last breath', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    let isDeaf = false
    const standby = await startStandby(installation, 'standby', {
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
    expect(await subscribersSaid(installation)).toEqual(range(1, 40))
  })

  test('fences an owner that lives, whatever that one does next', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby')
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    await standby.worker.promote()
    await installation.cross(range(11, 20))
    await owner.done
    expect(owner.worker.halt?.code).toBe('HW_OUTPUT_FENCED')
    await untilSaid(standby, 20)
    expect(await subscribersSaid(installation)).toEqual(range(1, 20))
  })

  test('stays the owner when the former one wakes up in the middle of a publish', async () => {
    const gate = new Gate()
    const zombie = await startGatedOwner(installation, gate)
    const standby = await startStandby(installation, 'standby')
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
    expect(await subscribersSaid(installation)).toEqual(range(1, 20))
  })

  test('the former owner returns as its standby, from the image it has, and takes over in turn', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby')
    await installation.cross(range(1, 10))
    await untilSaid(owner, 10)
    await owner.worker.checkpoint()
    await owner.crash()
    await standby.worker.promote()
    await installation.cross(range(11, 20))
    await untilSaid(standby, 20)
    const returned = await startStandby(installation, 'owner')
    await untilSaid(returned, 20)
    expect(returned.worker.machine?.core?.statistics.records).toBe(10)
    await standby.crash()
    await installation.cross(range(21, 30))
    await returned.worker.promote()
    await untilSaid(returned, 30)
    expect(await subscribersSaid(installation)).toEqual(range(1, 30))
    expect(await claimCount(installation)).toBe(3)
  })

  test('while it is far behind: it makes again what OUT holds, then sends the rest', async () => {
    const gate = new Gate()
    const owner = await startGatedOwner(installation, gate)
    for (let round = 0; round < 20; round++) {
      await installation.cross(range(round * 10 + 1, round * 10 + 10))
    }
    await untilSaid(owner, 200)
    gate.close()
    await installation.cross(range(201, 210))
    await until('the owner has decided', () => owner.worker.view().decisionNumber === 210)
    let taken = 0
    let canTake = 3
    const standby = await startStandby(installation, 'standby', {
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
    expect(await subscribersSaid(installation)).toEqual(range(1, 200))
    canTake = Number.POSITIVE_INFINITY
    await standby.worker.untilLive()
    await untilSaid(standby, 210)
    expect(await subscribersSaid(installation)).toEqual(range(1, 210))
  })

  test('decides with the configuration that went through the log while it followed', async () => {
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby')
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
    const owner = await startGatedOwner(installation, gate)
    const standby = await startStandby(installation, 'standby', eager)
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    gate.close()
    await installation.cross(range(11, 20))
    await until('a publish waits', () => gate.waitingCount === 1)
    await owner.crash()
    await untilSaid(standby, 20)
    expect(standby.worker.view()).toMatchObject({ status: 'live', ownerSilentMs: 0 })
    expect(await subscribersSaid(installation)).toEqual(range(1, 20))
  })

  test('takes over when timers are due and nobody asks for the tick that fires them', async () => {
    const line = LINE_FILES['triggers/line.yaml']!.replace(
      'channel: sms',
      'channel: sms, at: after 1s',
    )
    await installation.close()
    installation = await openInstallation({ files: { ...LINE_FILES, 'triggers/line.yaml': line } })
    const owner = await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby', eager)
    await installation.cross(range(1, 5))
    await until('all wait', () => standby.worker.view().pendingTimers === 5)
    await owner.crash()
    await untilSaid(standby, 5)
    expect(standby.worker.status).toBe('live')
    expect(await subscribersSaid(installation)).toEqual(range(1, 5))
  })

  test('leaves an owner alone that has nothing to say', async () => {
    await installation.startLive({ name: 'owner' })
    const standby = await startStandby(installation, 'standby', eager)
    await installation.cross(range(1, 10))
    await untilSaid(standby, 10)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(standby.worker.view()).toMatchObject({ status: 'standby', ownerSilentMs: 0 })
    expect(await claimCount(installation)).toBe(1)
  })
})
