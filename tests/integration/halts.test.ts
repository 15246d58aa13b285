import { encode } from '@msgpack/msgpack'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_STREAM_LIMITS } from '../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../src/sink/streams.ts'
import { Gate, gatedOutput, outputWithOtherDigests } from '../support/port-wrappers.ts'
import {
  dropOldest,
  expectHalt,
  recreateStream,
  rollBackStream,
} from '../support/stream-tampering.ts'
import {
  type Installation,
  leaveImage,
  openInstallation,
  range,
  type TestWorker,
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

describe('at the start', () => {
  test('IN made anew: input-recreated', async () => {
    await leaveImage(installation)
    await recreateStream(installation, 'IN_0')
    for (const subscribers of [[1], [2], [3], [4]]) await installation.cross(subscribers)
    await expectHalt(installation, 'input-recreated')
  })

  test('IN shorter than where we stand: input-truncated', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'IN_0', () => leaveImage(installation))
    await expectHalt(installation, 'input-truncated')
  })

  test('IN with another message where we stand: input-fingerprint', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'IN_0', () => leaveImage(installation))
    for (const subscribers of [[1], [2], [3]]) await installation.cross(subscribers)
    await expectHalt(installation, 'input-fingerprint')
  })

  test('IN that dropped what we have not read: input-gap', async () => {
    await leaveImage(installation)
    for (const subscriber of range(21, 25)) await installation.cross([subscriber])
    await dropOldest(installation, 'IN_0', 2)
    await expectHalt(installation, 'input-gap')
  })

  test('IN that dropped only what we have read is no gap', async () => {
    await leaveImage(installation)
    for (const subscriber of range(21, 25)) await installation.cross([subscriber])
    await dropOldest(installation, 'IN_0', 5)
    const after = await installation.startLive()
    await untilSaid(after, 25)
    expect(await installation.decisions()).toHaveLength(25)
  })

  test('no image and IN not complete from genesis: input-gap', async () => {
    await leaveImage(installation)
    await dropOldest(installation, 'IN_0', 2)
    await expectHalt(installation, 'input-gap', { name: 'without-image' })
  })

  test('OUT made anew: output-recreated', async () => {
    await leaveImage(installation)
    await recreateStream(installation, 'OUT_0')
    await expectHalt(installation, 'output-recreated')
  })

  test('OUT shorter than where we stand: output-truncated', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'OUT_0', () => leaveImage(installation))
    await expectHalt(installation, 'output-truncated')
  })

  test('OUT with another message where we stand: output-fingerprint', async () => {
    await installation.makeStreams()
    await rollBackStream(installation, 'OUT_0', () => leaveImage(installation))
    for (const _ of range(1, 5)) installation.connection.publish('out.0', encode({ kind: 'other' }))
    await installation.connection.flush()
    await expectHalt(installation, 'output-fingerprint')
  })

  test('OUT that dropped what came after the image: output-gap', async () => {
    const before = await installation.startLive()
    await installation.cross(range(1, 10))
    await untilSaid(before, 10)
    await before.worker.checkpoint()
    for (const subscriber of range(11, 15)) {
      await installation.cross([subscriber])
      await untilSaid(before, subscriber)
    }
    await before.crash()
    await dropOldest(installation, 'OUT_0', 2)
    await expectHalt(installation, 'output-gap')
  })

  /** An image whose place in OUT was taken before its last decisions were acknowledged. */
  async function makeImageAheadOfItsPlace(before: TestWorker, gate: Gate): Promise<void> {
    gate.close()
    await installation.cross(range(2, 10))
    await until('they are made', () => before.worker.view().decisionNumber === 10)
    const checkpoint = before.worker.checkpoint()
    gate.open()
    await checkpoint
    expect(before.worker.view().acknowledgedDecisionNumber).toBe(10)
    await before.crash()
  }

  async function startGated(gate: Gate): Promise<TestWorker> {
    const before = await installation.startLive({
      wrap: (ports) => ({ ...ports, output: gatedOutput(ports.output, gate) }),
    })
    await installation.cross([1])
    await untilSaid(before, 1)
    return before
  }

  test('OUT that lost decisions which the image counts as said: output-truncated', async () => {
    const gate = new Gate()
    const before = await startGated(gate)
    await rollBackStream(installation, 'OUT_0', () => makeImageAheadOfItsPlace(before, gate))
    await expectHalt(installation, 'output-truncated')
  })

  test('an image and an OUT that disagree on the last decision of both: digest-mismatch', async () => {
    const gate = new Gate()
    await makeImageAheadOfItsPlace(await startGated(gate), gate)
    await expectHalt(installation, 'digest-mismatch', {
      wrap: (ports) => ({ ...ports, output: outputWithOtherDigests(ports.output) }),
    })
  })

  test('a first input that is no genesis: genesis-mismatch', async () => {
    const nonsense = new TextEncoder().encode('nonsense')
    await ensureStreams(installation.connection, 0, DEFAULT_STREAM_LIMITS, nonsense)
    await expectHalt(installation, 'genesis-mismatch')
  })
})
