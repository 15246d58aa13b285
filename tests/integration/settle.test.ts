import { afterEach, beforeEach, expect, test } from 'vitest'
import { runSettle } from '../../src/commands/settle.ts'
import { readManifestHead } from '../../src/partition/image.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { gatedOutput, Gate } from '../support/port-wrappers.ts'
import { expectHalt } from '../support/stream-tampering.ts'
import {
  type Installation,
  leaveImage,
  openInstallation,
  range,
  until,
  untilSaid,
} from '../support/worker-harness.ts'

let installation: Installation
const lines: string[] = []

beforeEach(async () => {
  installation = await openInstallation()
  lines.length = 0
})

afterEach(async () => {
  await installation.close()
})

async function settle(name = 'a'): Promise<number> {
  const config = await installation.writeConfig(name)
  return runSettle({ config, partition: 0 }, (line) => lines.push(line))
}

async function positionOf(name = 'a'): Promise<number | undefined> {
  const store = await openStore(installation.storeDirectory(name))
  const head = readManifestHead(store)
  await store.close()
  return head?.sequence
}

test('after a crash it makes again what OUT holds and no more; then another engine starts', async () => {
  await leaveImage(installation)
  const started = await installation.startLive()
  await installation.cross(range(21, 25))
  await untilSaid(started, 25)
  await started.crash()
  await installation.cross([31])
  const newer = { engine: { version: '99.0.0' } }
  await expectHalt(installation, 'engine-version', newer)
  expect(await settle()).toBe(0)
  expect(lines.join()).toContain('settled at input 4, 25 decisions said')
  expect(await positionOf()).toBe(4)
  const after = await installation.startLive(newer)
  await untilSaid(after, 27)
  expect((await installation.decisions()).map(({ sub }) => sub)).toEqual([...range(1, 25), 31, 777])
})

test('what the last input decided and OUT lacks is said', async () => {
  const gate = new Gate()
  const started = await installation.startLive({
    wrap: (ports) => ({ ...ports, output: gatedOutput(ports.output, gate) }),
    settings: { outbox: { latencyMs: 0, batchDecisionsMax: 4, batchSizeMax: 65_536 } },
  })
  await installation.cross([1])
  await untilSaid(started, 1)
  gate.close()
  await installation.cross(range(2, 11))
  await until('a message waits', () => gate.waitingCount > 0)
  gate.open()
  gate.close()
  await until('the next waits', () => gate.waitingCount > 1)
  await started.crash()
  const said = (await installation.decisions()).length
  expect(said).toBeLessThan(11)
  expect(await settle()).toBe(0)
  expect(await installation.decisions()).toHaveLength(11)
})

test('an image with nothing after it is settled already, and no input is taken', async () => {
  await leaveImage(installation)
  await installation.cross([31])
  expect(await settle()).toBe(0)
  expect(await positionOf()).toBe(3)
  expect(lines.join()).toContain('settled at input 3')
})

test('decisions of another engine are for that one to settle', async () => {
  const older = await installation.startLive({ engine: { version: '0.0.1' } })
  await installation.cross([1])
  await untilSaid(older, 1)
  await older.crash()
  expect(await settle()).toBe(1)
  expect(lines.join()).toContain('made by 0.0.1')
})
