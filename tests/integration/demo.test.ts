/** The demo as people run it, small: what it says, what it leaves, and what it delivered. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { DemoSummary } from '../../src/commands/demo-summary.ts'
import { type DemoTrafficOptions, demoTraffic } from '../../src/commands/demo-traffic.ts'
import { connectToNats } from '../../src/sink/connection.ts'
import { openOutputStream } from '../../src/sink/output-stream.ts'
import { demoInput, demoParameters } from '../support/demo-inputs.ts'
import { readDecisions } from '../support/machine-harness.ts'
import { NaiveModel } from '../support/naive/model.ts'
import { startNatsServer } from '../support/nats-server.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const START = '2026-11-01T00:00+08:00'

// Whole installations start and stop here, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 })

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'highwater-demo-test-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('its deliveries are those of the naive model, each once and none at night', async () => {
  const traffic: DemoTrafficOptions = {
    seed: 20_261_101,
    subscriberCount: 2_000,
    startMs: Date.parse(START),
    days: 19,
    recordsPerDay: 8,
  }
  const args = ['--seed', '20261101', '--subscribers', '2000', '--days', '19', '--keep']
  const { code, summary, said } = await runDemo(args)
  expect(code, said).toBe(0)
  expect(summary.is_whole).toBe(true)
  expectPromisesKept(summary)
  const { deliveries, suppressed, records } = naiveOutcome(traffic)
  expect(await deliveriesKept(summary)).toEqual(deliveries)
  expect(summary.deliveries).toBe(deliveries.length)
  expect(summary.deliveries).toBeGreaterThan(100)
  expect(summary.suppressed).toEqual(suppressed)
  expect(summary.records).toBe(records)
  expect(said).toContain(summary.directory)
})

test('a limit of wall time ends it early, in good order and with nothing left behind', async () => {
  const { code, summary, said } = await runDemo(['--subscribers', '50000', '--for', '6s'])
  expect(code, said).toBe(0)
  expect(summary.is_whole).toBe(false)
  expect(summary.records).toBeGreaterThan(0)
  expectPromisesKept(summary)
  expect(await readdir(folder)).toEqual([])
  const server = /nats:\/\/\S+/.exec(said)![0]
  await expect(connectToNats({ servers: [server], name: 'test' })).rejects.toThrow()
})

test('Ctrl-C ends it in good order, with its summary, and nothing is left behind', async () => {
  const { code, summary } = await runDemo(['--subscribers', '20000'], async (child, heard) => {
    await heard(/\d records|[kM] records/)
    child.kill('SIGINT')
  })
  expect(code).toBe(130)
  expect(summary.is_whole).toBe(false)
  expectPromisesKept(summary)
  expect(await readdir(folder)).toEqual([])
})

function expectPromisesKept(summary: DemoSummary): void {
  const { duplicates, missing, repeated, at_night, deliveries_by_hour: byHour } = summary
  expect({ duplicates, missing, repeated, at_night }).toEqual({
    duplicates: 0,
    missing: 0,
    repeated: 0,
    at_night: 0,
  })
  expect(byHour).toHaveLength(24)
  expect(byHour.reduce((sum, count) => sum + count, 0)).toBe(summary.deliveries)
  expect([...byHour.slice(0, 9), ...byHour.slice(21)].every((count) => count === 0)).toBe(true)
  const suppressed = Object.values(summary.suppressed).reduce((sum, count) => sum + count, 0)
  expect(summary.decisions).toBe(summary.deliveries + suppressed)
}

/** Runs the demo as a child with its temporary files in `folder`; `during` may disturb it. */
async function runDemo(
  args: string[],
  during?: (child: ChildProcess, heard: (text: RegExp) => Promise<void>) => Promise<void>,
): Promise<{ code: number; summary: DemoSummary; said: string }> {
  const child = spawn(process.execPath, [MAIN, 'demo', '--json', ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [printed, said] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const closed = once(child, 'close')
  await during?.(child, async (text) => {
    while (!text.test(said) && child.exitCode === null) await once(child.stderr, 'data')
  })
  const [code] = (await closed) as [number]
  expect(printed.trim().split('\n'), said).toHaveLength(1)
  return { code, summary: JSON.parse(printed) as DemoSummary, said }
}

/** What the same traffic comes to in the naive model. */
function naiveOutcome(traffic: DemoTrafficOptions) {
  const model = new NaiveModel(demoParameters(traffic.startMs))
  const deliveries: string[] = []
  const suppressed: Record<string, number> = {}
  let sequence = 1
  for (const message of demoTraffic(traffic)) {
    for (const decision of model.apply(demoInput(message, ++sequence))) {
      if (decision.kind === 'delivery') deliveries.push(`${decision.id} ${decision.notBeforeMs}`)
      else if (decision.kind === 'suppressed') {
        suppressed[decision.reason] = (suppressed[decision.reason] ?? 0) + 1
      }
    }
  }
  return { deliveries: deliveries.sort(), suppressed, records: model.statistics.records }
}

/** Deliveries in the stream that `--keep` left, read by another server. */
async function deliveriesKept(summary: DemoSummary): Promise<string[]> {
  const server = await startNatsServer({ storeDirectory: join(summary.directory!, 'nats') })
  const connection = await connectToNats({ servers: [server.url], name: 'test' })
  try {
    const output = await openOutputStream(connection, 0)
    const { lastSequence } = await output.state()
    const deliveries: string[] = []
    // The first message is the worker's claim.
    for await (const { data } of output.read(2, lastSequence)) {
      for (const decision of readDecisions(data)) {
        if (decision.kind === 'delivery') deliveries.push(`${decision.id} ${decision.notBeforeMs}`)
      }
    }
    return deliveries.sort()
  } finally {
    await connection.close()
    await server.stop()
  }
}
