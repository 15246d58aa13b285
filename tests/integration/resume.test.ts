/**
 * Halts over an input or a replay, ruled on: the partition goes on, and every replay does the same.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { InputMessage } from '../../src/model/ports.ts'
import { expectToGoOn, Heard, ruleOn } from '../support/after-ruling.ts'
import { failOverPoison } from '../support/poison.ts'
import { changingSource } from '../support/port-wrappers.ts'
import { expectHalt, expectHalted, rollBackStream } from '../support/stream-tampering.ts'
import {
  type Installation,
  leaveImage,
  openInstallation,
  range,
  untilSaid,
  type WorkerChoice,
} from '../support/worker-harness.ts'

let installation: Installation
let heard: Heard

beforeEach(async () => {
  installation = await openInstallation()
  heard = new Heard()
})

afterEach(async () => {
  vi.restoreAllMocks()
  await installation.close()
})

/** What the source of a worker does to its messages. */
function changing(change: (message: InputMessage) => InputMessage | null): WorkerChoice {
  return { wrap: (ports) => ({ ...ports, source: changingSource(ports.source, change) }) }
}

describe('an input', () => {
  test('that the engine fails over is skipped, by this worker and by every replay', async () => {
    // Small messages are read without the decoder, unless they end with what has arrived.
    failOverPoison()
    await leaveImage(installation)
    const started = await installation.startLive()
    await installation.cross([21])
    await untilSaid(started, 21)
    await installation.usage([[22, 1024, Date.now()]], { probe: 'poison', seq: 1 })
    await installation.cross([23])
    await expectHalted(installation, started, 'engine-failure')
    await started.crash()
    await ruleOn(installation, { choose: 'skip-input', halt: 'engine-failure', at: 5 })
    await expectToGoOn(installation, heard, [...range(1, 21), 23, 777])
    // From genesis as well.
    const decisions = await installation.decisions()
    const other = await installation.startLive({ name: 'other' })
    expect(other.worker.view().decisionNumber).toBe(decisions.length)
    const [reject] = await installation.rejects()
    expect(reject).toMatchObject({ in: 5, reason: 'skipped-by-ruling', subject: 'usage.0.poison' })
  })

  test('stamped ahead of the clock, and those behind it, count as of the ruling', async () => {
    await leaveImage(installation)
    const aheadMs = 3_600_000
    const choice = changing((message) => {
      const isAhead = message.sequence === 4 || message.sequence === 5
      return isAhead ? { ...message, timestampMs: message.timestampMs + aheadMs } : message
    })
    const started = await installation.startLive(choice)
    await installation.cross([21])
    await installation.cross([22])
    await started.done
    expect(started.worker.halt).toMatchObject({ reason: 'clock-ahead' })
    await ruleOn(installation, { choose: 'ignore-timestamp', halt: 'clock-ahead', at: 4 })
    await expectToGoOn(installation, heard, range(1, 22), choice)
    const { clockMs } = (await installation.startLive(choice)).worker.view()
    expect(clockMs).toBeLessThan(Date.now() + aheadMs / 2)
  })

  test('that OUT already has an answer to is not ruled away', async () => {
    await leaveImage(installation)
    const started = await installation.startLive()
    await installation.cross([21])
    await untilSaid(started, 21)
    await started.crash()
    const order = { choose: 'skip-input', halt: 'engine-failure', at: 4 } as const
    await expect(ruleOn(installation, order)).rejects.toThrow('would contradict')
    await expect(ruleOn(installation, { ...order, at: 3 })).rejects.toThrow('already holds input 3')
    await expect(ruleOn(installation, { ...order, at: 5 })).rejects.toThrow('does not hold input 5')
  })

  test('that is missing in the middle is left out', async () => {
    await leaveImage(installation)
    const choice = changing((message) => (message.sequence === 4 ? null : message))
    const started = await installation.startLive(choice)
    for (const subscribers of [[26], [31]]) await installation.cross(subscribers)
    await expectHalted(installation, started, 'sequence-jump')
    await ruleOn(installation, { choose: 'new-baseline', halt: 'sequence-jump', at: 5 })
    await expectToGoOn(installation, heard, [...range(1, 20), 31, 777], choice)
  })
})

describe('a replay', () => {
  /** From the image at input 3: decisions 21 to 25 that no image knows, and a crash. */
  async function leaveTail(): Promise<void> {
    const started = await installation.startLive()
    await installation.cross(range(21, 25))
    await untilSaid(started, 25)
    await started.crash()
    await heard.listen(installation)
  }

  test('that decides otherwise than OUT, since IN is another: OUT stands, IN goes on', async () => {
    await leaveImage(installation)
    await rollBackStream(installation, 'IN_0', leaveTail)
    await installation.cross([21, ...range(31, 34)])
    await expectHalt(installation, 'digest-mismatch')
    await ruleOn(installation, { choose: 'new-baseline', halt: 'digest-mismatch' })
    await expectToGoOn(installation, heard, [...range(1, 25), ...range(31, 34), 777])
  })

  test('that makes less than OUT holds: OUT stands, IN goes on', async () => {
    await leaveImage(installation)
    await rollBackStream(installation, 'IN_0', leaveTail)
    await expectHalt(installation, 'replay-short')
    await installation.cross([21, 31])
    await ruleOn(installation, { choose: 'new-baseline', halt: 'replay-short' })
    await expectToGoOn(installation, heard, [...range(1, 25), 31, 777])
  })

  const newer: WorkerChoice = { engine: { version: '99.0.0' } }

  test('by another engine: OUT stands, and the new engine goes on from its own state', async () => {
    await leaveImage(installation)
    await leaveTail()
    await expectHalt(installation, 'engine-version', newer)
    await ruleOn(installation, { choose: 'new-baseline', halt: 'engine-version' })
    await expectToGoOn(installation, heard, [...range(1, 25), 777], newer)
  })

  test('by another engine without an image: the same, as the claims in OUT tell', async () => {
    const started = await installation.startLive()
    await installation.cross(range(1, 5))
    await untilSaid(started, 5)
    await started.crash()
    await expectHalt(installation, 'engine-version', newer)
    await ruleOn(installation, { choose: 'new-baseline', halt: 'engine-version' })
    await expectToGoOn(installation, heard, [...range(1, 5), 777], newer)
  })

  test('of what the same new engine has said since is none by another engine', async () => {
    await leaveImage(installation)
    const started = await installation.startLive(newer)
    await installation.cross([21])
    await untilSaid(started, 21)
    await started.crash()
    const again = await installation.startLive(newer)
    expect(again.worker.view().decisionNumber).toBe(21)
  })
})
