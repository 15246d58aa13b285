/** Owner and standby as an operator runs them: two processes, kill -9, `highwater promote`. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readMetric } from '../support/kill-worker.ts'
import {
  type ChildWorker,
  type Installation,
  openInstallation,
  range,
  until,
} from '../support/worker-harness.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')

let installation: Installation

beforeEach(async () => {
  installation = await openInstallation()
})

afterEach(async () => {
  await installation.close()
})

async function saidBy({ url }: ChildWorker): Promise<number> {
  return readMetric(url(), 'highwater_acknowledged_decision_number{')
}

async function untilStatus({ url }: ChildWorker, status: string): Promise<void> {
  const name = `highwater_partition_status{partition="0",status="${status}"}`
  await until(`it is ${status}`, async () => (await readMetric(url(), name)) === 1)
}

test('kill -9, promote, and the dead one returns as a standby: each decision once', async () => {
  const ownerConfig = await installation.writeConfig('owner')
  const standbyConfig = await installation.writeConfig('standby', undefined, {
    partitions: { standby: 'all' },
  })
  const owner = await installation.spawn(ownerConfig)
  await untilStatus(owner, 'live')
  const standby = await installation.spawn(standbyConfig)
  await untilStatus(standby, 'standby')
  await installation.cross(range(1, 100))
  await until('both know', async () => (await saidBy(owner)) === 100)
  await until('both know', async () => (await saidBy(standby)) === 100)
  expect((await fetch(new URL('/-/ready', standby.url()))).status).toBe(503)
  expect((await fetch(new URL('/-/healthy', standby.url()))).status).toBe(200)
  const reload = await fetch(new URL('/-/reload', standby.url()), { method: 'POST' })
  expect(((await reload.json()) as { error: { message: string } }).error.message).toContain(
    'followed here',
  )

  owner.child.kill('SIGKILL')
  const killedAtMs = performance.now()
  await owner.exited
  await installation.cross(range(101, 200))
  const args = [MAIN, 'promote', '--config', standbyConfig, '--url', standby.url()]
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--partition', '0'])
  expect(stdout).toMatch(/^partition 0 is owned here now, epoch \d+\n$/)
  await until('it said the rest', async () => (await saidBy(standby)) === 200)
  const tookMs = Math.round(performance.now() - killedAtMs)
  const said = standby.output.find((line) => line.includes('standby promoted'))
  console.log(`kill -9 to all said: ${tookMs} ms; claim and tail: ${/"tookMs":\d+/.exec(said!)}`)
  expect((await fetch(new URL('/-/ready', standby.url()))).status).toBe(200)
  const again = await fetch(new URL('/-/promote', standby.url()), { method: 'POST' })
  expect(again.status).toBe(409)

  const returned = await installation.spawn(ownerConfig, ['--standby'])
  await untilStatus(returned, 'standby')
  await installation.cross(range(201, 300))
  await until('it follows', async () => (await saidBy(returned)) === 300)
  returned.child.kill('SIGTERM')
  await returned.exited
  expect(returned.child.exitCode).toBe(0)
  expect((await installation.decisions()).map(({ sub }) => sub)).toEqual(range(1, 300))
  const claims = (await installation.readOut()).filter(({ kind }) => kind === 'claim')
  expect(claims).toHaveLength(2)
}, 60_000)
