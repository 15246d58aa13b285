/** A journey walked on a real worker that dies on the way: nobody is lost, nothing said twice. */

import { afterEach, expect, it } from 'vitest'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { encodeProfile, encodeTick } from '../../src/probe/encode.ts'
import { type Installation, openInstallation, range, until } from '../support/worker-harness.ts'

const START_MS = Date.parse('2026-11-20T12:00:00+08:00')
const DAY_MS = 86_400_000
const WRITER = 'test'
const FILES: ConfigFiles = {
  'a.yaml': 'tags: { fresh: {}, done: {}, met: {} }',
  'journeys/walk.yaml': `
journey: walk
enter: tags.fresh
goal: tags.done
stay: 1h
steps:
  - { step: hello, deliver: { channel: sms }, message: Hello }
  - { step: meet, wait: next day 10:00, deliver: { channel: internal }, action: { tag: { set: met } } }
  - step: gift
    wait: 1d
    when: tags.met
    deliver: { channel: accounts }
    action: { credit: { amount: 2, unit: yuan } }
`,
}
const PEOPLE = range(1, 300)
const [QUICK, SLOW] = [0, 1].map((rest) => PEOPLE.filter((subscriber) => subscriber % 2 === rest))

let installation: Installation
let seq = 0

afterEach(async () => {
  await installation.close()
})

async function tag(subscribers: readonly number[], name: string): Promise<void> {
  const none = { fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
  const rows = subscribers.map((subscriber) => ({ subscriber, tags: { [name]: true }, ...none }))
  const stamp = { probe: 'bi', epoch: 1, seq: ++seq }
  await installation.send('profile.0.bi', encodeProfile({ stamp, rows }))
}

async function tick(timeMs: number): Promise<void> {
  const id = `tick-${timeMs}`
  await installation.send('control.0', encodeTick({ id, writer: WRITER, timeMs }))
}

/** Decisions of a kind: how often each of `what` or `trigger`. */
async function countOf(kind: string, key: 'what' | 'trigger'): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const decision of await installation.decisions()) {
    if (decision.kind !== kind) continue
    const word = String((decision as unknown as Record<string, unknown>)[key])
    counts[word] = (counts[word] ?? 0) + 1
  }
  return counts
}

async function untilCount(
  kind: string,
  key: 'what' | 'trigger',
  word: string,
  count: number,
): Promise<void> {
  await until(`${count} ${word}`, async () => (await countOf(kind, key))[word] === count)
}

it('goes on where it stood after a worker died, and after one that had no image', async () => {
  const clock = { mode: 'virtual', writer: WRITER, startMs: START_MS } as const
  installation = await openInstallation({ files: FILES, clock })
  const first = await installation.startLive({ checkpointEveryMs: 50 })
  await tag(PEOPLE, 'fresh')
  await untilCount('delivery', 'trigger', 'walk--hello', 300)
  await until('there is an image', () => first.worker.view().checkpointSequence > 1)
  await first.crash()

  await tag(QUICK!, 'done')
  await tick(START_MS + DAY_MS)
  const second = await installation.startLive()
  await untilCount('delivery', 'trigger', 'walk--meet', 150)
  await second.crash()

  const third = await installation.startLive({ name: 'b' })
  await tick(START_MS + 3 * DAY_MS)
  await untilCount('journey', 'what', 'completed', 150)
  await installation.stop(third)

  expect(await countOf('journey', 'what')).toEqual({ entered: 300, goal: 150, completed: 150 })
  expect(await countOf('delivery', 'trigger')).toEqual({
    'walk--hello': 300,
    'walk--meet': 150,
    'walk--gift': 150,
  })
  const decisions = await installation.decisions()
  const ids = decisions.flatMap(({ kind, id }) => (kind === 'delivery' ? [id] : []))
  expect(new Set(ids).size).toBe(600)
  const gifted = decisions.filter(({ trigger }) => trigger === 'walk--gift').map(({ sub }) => sub)
  expect(gifted.toSorted((a, b) => a - b)).toEqual(SLOW)
})
