/**
 * The traffic of the fault families, without any fault: what the comparison must find in order, and
 * what it must not overlook.
 */

import { encode } from '@msgpack/msgpack'
import { jetstream } from '@nats-io/jetstream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Comparison, compareStory } from '../faults/comparison.ts'
import { Feeder } from '../faults/feeder.ts'
import { untilSettled, workerHere } from '../faults/standing.ts'
import { type Story, tellStory } from '../faults/story.ts'
import { readDecisions } from '../support/machine-harness.ts'
import { type Installation, openInstallation, type TestWorker } from '../support/worker-harness.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 31)

let story: Story
let installation: Installation
let worker: TestWorker

beforeEach(async () => {
  story = tellStory({ seed: SEED, deliveries: 3_000, subscribers: 20 })
  installation = await openInstallation({ files: story.files, clock: story.clock })
  worker = await installation.startLive()
  await new Feeder(story, installation.connection).feedUntil(1)
  await untilSettled(await installation.manager(), workerHere(worker.worker))
})

afterEach(() => installation.close())

test('a story without faults compares equal, and what OUT says beside it is noticed', async () => {
  console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
  const whole = await compare()
  expect(whole).toMatchObject({ lost: 0, duplicated: 0, failures: [] })
  expect(whole.deliveriesCompared).toBeGreaterThan(2_500)

  const { id, last } = await lastDelivery()
  await say(last + 1, { kind: 'delivery', id, trigger: 'step-01' })
  expect(await compare()).toMatchObject({ lost: 0, duplicated: 1 })
  await say(last + 3, { kind: 'delivery', id: 'step-99:1:ever:1', trigger: 'step-99' })
  const { duplicated, failures } = await compare()
  expect(duplicated).toBe(2)
  expect(failures.join('\n')).toMatch(/holds decisions \d+ to \d+ after/)
})

test('deliveries that OUT lacks are counted as lost', async () => {
  const { clockMs } = worker.worker.view()
  await worker.crash()
  const rows = [[460_000_999_999, 7 * 1024, clockMs, 0, 0, 0, 3]]
  const batch = encode({ v: 1, probe: 'ladder', epoch: 1, seq: 998, rows })
  await installation.send('usage.0.ladder', batch)
  expect(await compare(false)).toMatchObject({ lost: 7, duplicated: 0 })
  // Known by its stamp, whatever it holds.
  await installation.send('usage.0.ladder', batch)
  expect(await compare(false)).toMatchObject({ lost: 7, duplicated: 0 })
})

async function compare(isAsked = true): Promise<Comparison> {
  const { inspect } = workerHere(worker.worker)
  const manager = await installation.manager()
  return compareStory(story, manager, isAsked ? { inspect } : {})
}

async function lastDelivery(): Promise<{ id: string; last: number }> {
  const manager = await installation.manager()
  const { state } = await manager.streams.info('OUT_0')
  const stored = await manager.streams.getMessage('OUT_0', { seq: state.last_seq })
  const decisions = readDecisions(stored!.data)
  const delivery = decisions.findLast((each) => each.kind === 'delivery')!
  return { id: delivery.id, last: decisions.at(-1)!.number }
}

async function say(number: number, decision: Record<string, unknown>): Promise<void> {
  const decisions = [{ n: number, in: 1, ...decision }]
  const message = { v: 1, kind: 'decisions', epoch: 1, first: number, last: number, decisions }
  await jetstream(installation.connection).publish('out.0', encode(message))
}
