/** What a worker says, and how it ends, while it is still starting its partitions. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { WorkerProcess } from '../support/kill-worker.ts'
import { type Installation, openInstallation } from '../support/worker-harness.ts'

/** So many that the first is live long before the last has its streams. */
const PARTITION_COUNT = 8

let installation: Installation

beforeAll(async () => {
  installation = await openInstallation()
})

afterAll(async () => {
  await installation.close()
})

function writeConfig(name: string): Promise<string> {
  return installation.writeConfig(name, undefined, { partitions: { count: PARTITION_COUNT } })
}

test('a signal while partitions are being started drains those that run', async () => {
  const worker = new WorkerProcess(await writeConfig('ended'))
  await worker.untilListening()
  expect(await worker.end('SIGTERM')).toEqual([0, null])
  expect(worker.log).toContain('draining')
})

test('a worker is ready when all its partitions are, not those begun so far', async () => {
  const worker = new WorkerProcess(await writeConfig('asked'))
  try {
    const url = await worker.untilListening()
    let answer = await fetch(`${url}/-/ready`)
    while (answer.status !== 200) {
      expect(await answer.json()).toMatchObject({ error: { code: 'HW_NOT_READY' } })
      answer = await fetch(`${url}/-/ready`)
    }
    const { partitions } = (await answer.json()) as { partitions: unknown[] }
    expect(partitions).toHaveLength(PARTITION_COUNT)
  } finally {
    expect(await worker.end('SIGTERM')).toEqual([0, null])
  }
})
