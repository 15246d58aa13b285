import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BrokerUnavailableError } from '../../src/errors.ts'
import type { Source } from '../../src/model/ports.ts'
import { DEFAULT_STREAM_LIMITS } from '../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../src/sink/streams.ts'
import { changingSource, replacing } from '../support/port-wrappers.ts'
import { expectHalted, recreateStream, rollBackStream } from '../support/stream-tampering.ts'
import {
  type Installation,
  LINE_FILES,
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

describe('under way', () => {
  test('a sequence that jumps: sequence-jump', async () => {
    let isSkipping = false
    const started = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        source: changingSource(ports.source, (message) =>
          isSkipping && message.sequence === 4 ? null : message,
        ),
      }),
    })
    await installation.cross([1])
    await installation.cross([2])
    await untilSaid(started, 2)
    isSkipping = true
    await installation.cross([3])
    await installation.cross([4])
    await expectHalted(installation, started, 'sequence-jump')
    expect(await installation.decisions()).toHaveLength(2)
  })

  test('a log whose time runs ahead of our clock: clock-ahead, before the message counts', async () => {
    let aheadMs = 4 * 60_000
    const started = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        source: changingSource(ports.source, (message) => ({
          ...message,
          timestampMs: message.timestampMs + aheadMs,
        })),
      }),
    })
    await installation.cross([1])
    await untilSaid(started, 1)
    aheadMs = 6 * 60_000
    await installation.cross([2])
    await expectHalted(installation, started, 'clock-ahead')
    expect(started.worker.view().appliedSequence).toBe(2)
    expect(await installation.decisions()).toHaveLength(1)
  })

  test('IN made anew: input-recreated, and nothing of it is applied', async () => {
    const started = await installation.startLive()
    await installation.cross([1])
    await untilSaid(started, 1)
    await recreateStream(installation, 'IN_0')
    for (const subscriber of range(5, 12)) await installation.cross([subscriber])
    await expectHalted(installation, started, 'input-recreated')
    expect(await installation.decisions()).toHaveLength(1)
  })

  test('IN made anew, and the broker slow to say so: still nothing of it is applied', async () => {
    let isSilent = false
    let askedCount = 0
    const started = await installation.startLive({
      wrap: (ports) => ({
        ...ports,
        source: replacing<Source>(ports.source, {
          state: () => {
            if (!isSilent) return ports.source.state()
            askedCount += 1
            return Promise.reject(new BrokerUnavailableError('silent'))
          },
        }),
      }),
    })
    await installation.cross([1])
    await untilSaid(started, 1)
    isSilent = true
    await recreateStream(installation, 'IN_0')
    for (const subscriber of range(5, 12)) await installation.cross([subscriber])
    await until('it has asked in vain', () => askedCount > 3)
    expect(started.worker.view().appliedSequence).toBe(2)
    isSilent = false
    await expectHalted(installation, started, 'input-recreated')
    expect(await installation.decisions()).toHaveLength(1)
  })

  test('a broker that comes back with less of IN: input-truncated', async () => {
    const started = await installation.startLive()
    await installation.cross([1])
    await untilSaid(started, 1)
    await rollBackStream(installation, 'IN_0', async () => {
      await installation.cross([2])
      await untilSaid(started, 2)
    })
    await expectHalted(installation, started, 'input-truncated')
  })

  test('a broker that comes back with less of OUT: output-truncated', async () => {
    const started = await installation.startLive()
    await installation.cross([1])
    await untilSaid(started, 1)
    await rollBackStream(installation, 'OUT_0', async () => {
      await installation.cross([2])
      await untilSaid(started, 2)
    })
    await expectHalted(installation, started, 'output-truncated')
  })

  test('OUT that shrank while the connection held: output-truncated at the next decision', async () => {
    const started = await installation.startLive()
    await installation.cross([1])
    await untilSaid(started, 1)
    await recreateStream(installation, 'OUT_0')
    await installation.cross([2])
    await expectHalted(installation, started, 'output-truncated')
    expect(await installation.readOut()).toEqual([])
  })
})

describe('what the outside sees of a halt', () => {
  test('not ready with the reason, healthy and measured, and the process lives on', async () => {
    const config = await installation.writeConfig('worker', LINE_FILES)
    const { supervisor, address } = await installation.serve(config)
    await supervisor.untilLive()
    expect((await fetch(`${address.url}/-/ready`)).status).toBe(200)
    await installation.cross([1])
    await until('it is said', () => supervisor.partitions()[0]?.acknowledgedDecisionNumber === 1)
    await recreateStream(installation, 'IN_0')
    await until('it halts', () => supervisor.partitions()[0]?.status === 'halted')
    const ready = await fetch(`${address.url}/-/ready`)
    expect(ready.status).toBe(503)
    const body = (await ready.json()) as { error: { message: string } }
    expect(body.error.message).toContain('input-recreated')
    expect((await fetch(`${address.url}/-/healthy`)).status).toBe(200)
    const metrics = await (await fetch(`${address.url}/metrics`)).text()
    expect(metrics).toMatch(/halt[^\n]*input-recreated[^\n]* 1/)
    expect((await fetch(`${address.url}/v1/subscribers/1`)).status).toBe(200)
  })

  test('one halted partition leaves the other alone', async () => {
    const settings = { partitions: { count: 2 } }
    const config = await installation.writeConfig('worker', LINE_FILES, settings)
    const { supervisor } = await installation.serve(config)
    await supervisor.untilLive()
    await installation.cross([2], 0)
    await until('it is said', () => supervisor.partitions()[0]?.acknowledgedDecisionNumber === 1)
    await recreateStream(installation, 'IN_0')
    await until('one halts', () => supervisor.partitions()[0]?.status === 'halted')
    await installation.cross([1, 3], 1)
    await until(
      'the other says',
      () => supervisor.partitions()[1]?.acknowledgedDecisionNumber === 2,
    )
  })

  test('a log that begins with something else than genesis halts instead of ending the process', async () => {
    const nonsense = new TextEncoder().encode('nonsense')
    await ensureStreams(installation.connection, 0, DEFAULT_STREAM_LIMITS, nonsense)
    const config = await installation.writeConfig('worker', LINE_FILES)
    const { supervisor, address } = await installation.serve(config)
    await until('it halts', () => supervisor.partitions()[0]?.status === 'halted')
    const ready = await fetch(`${address.url}/-/ready`)
    expect(await ready.text()).toContain('genesis-mismatch')
  })
})
