/**
 * Streams at their limits, under load: OUT that takes nothing more (a reader that is slow or gone,
 * where its operator had limited it) holds the partition back; IN that takes nothing more refuses
 * its producers loudly. With room again all goes on, nothing is missing, and memory was bounded.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { readMetric } from '../support/kill-worker.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { compareAtEnd, untilFlowsAgain } from './scene.ts'
import { untilSettled, workerAt } from './standing.ts'
import { tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage, type Stage } from './worker-life.ts'

const DELIVERIES_PER_FAULT = 3_000
const FEEDING_MS = 300
const FULL_MS = 700
const LOOKS_MAX = 200
const LOOK_MS = 50
/** Decisions that may wait for OUT; one input of the story makes some hundreds more at most. */
const PENDING_MAX = 1_000
const PENDING_OF_ONE_INPUT_MAX = 1_000

/** OUT full. */
export const OUTPUT_FULL: FaultFamily = {
  name: 'output-full',
  summary: 'OUT at its limit under load: the partition is held back, and goes on with room',
  runs: 40,
  runsPerEpisode: 20,
  play: (options) => play(options, 'OUT_0'),
}

/** IN full. */
export const INPUT_FULL: FaultFamily = {
  name: 'input-full',
  summary: 'IN at its limit under load: producers are refused, and lose nothing',
  runs: 40,
  runsPerEpisode: 20,
  play: (options) => play(options, 'IN_0'),
}

async function play(
  { seed, runs, say }: EpisodeOptions,
  stream: 'IN_0' | 'OUT_0',
): Promise<EpisodeResult> {
  const random = new Random(seed)
  const story = tellStory({ seed, deliveries: runs * DELIVERIES_PER_FAULT })
  const stage = await openStage(story)
  try {
    const checkpoint = { every: '200ms', bandwidth: '10 MB per second' }
    const outbox = { pendingDecisionsMax: PENDING_MAX }
    const worker = stage.start(await stage.configure('a', { checkpoint, outbox }))
    const url = await worker.untilListening()
    await stage.untilStreams()
    const asked = workerAt(url)
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    const scene = { story, stage, feeder, flow, tally }
    await feeder.feedUntil(0.5 / (runs + 1))
    for (let index = 0; index < runs; index++) {
      const retries = feeder.retryCount
      // Quiet for a moment: below what it holds, a limit would drop the oldest.
      await untilSettled(stage.manager, asked)
      await fill(stage, stream)
      const feeding = feeder.feedUntil((index + 1) / (runs + 1), FEEDING_MS)
      await sleep(random.whole(FULL_MS / 2, FULL_MS))
      const problem =
        stream === 'IN_0'
          ? await problemOfFullInput(url, feeder.retryCount - retries)
          : await problemOfFullOutput(url)
      if (problem !== null) tally.failures.push(`fault ${index + 1}: ${problem}`)
      await limit(stage, stream, -1)
      const startedAtMs = performance.now()
      await feeding
      const more = { share: (index + 1.5) / (runs + 1) }
      await untilFlowsAgain(scene, more, startedAtMs, `after fault ${index + 1}`)
      tally.runs += 1
      say(`${stream} full, ${index + 1} of ${runs}`)
    }
    const comparison = await compareAtEnd(scene, asked)
    const [code] = await worker.end('SIGTERM')
    if (code !== 0) tally.failures.push(`the worker did not drain: ${worker.log}`)
    return tally.result(comparison)
  } finally {
    await stage.close()
  }
}

/** Limits a stream to what it holds now: not even a short message fits any more. */
async function fill(stage: Stage, stream: string): Promise<void> {
  const { state } = await stage.manager.streams.info(stream)
  await limit(stage, stream, state.bytes)
}

async function limit(stage: Stage, stream: string, size: number): Promise<void> {
  const { config } = await stage.manager.streams.info(stream)
  await stage.manager.streams.update(stream, { ...config, max_bytes: size })
}

/** What does not tell of a full IN: its producer must, and the metric behind the alert. */
async function problemOfFullInput(url: string, refusals: number): Promise<string | null> {
  if (refusals === 0) return 'nobody was refused'
  // The worker looks at IN every two seconds.
  for (let look = 0; look < LOOKS_MAX; look++) {
    const size = await readMetric(url, 'highwater_stream_bytes{')
    const sizeMax = await readMetric(url, 'highwater_stream_max_bytes{')
    if (sizeMax > 0 && size / sizeMax > 0.9) return null
    await sleep(LOOK_MS)
  }
  return 'no metric says that IN is full'
}

async function problemOfFullOutput(url: string): Promise<string | null> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const waiting = await readMetric(url, 'highwater_outbox_decisions{')
    const isBounded = waiting <= PENDING_MAX + PENDING_OF_ONE_INPUT_MAX
    if (waiting > 0) return isBounded ? null : `${waiting} decisions wait for OUT`
    await sleep(LOOK_MS)
  }
  return 'nothing waits for OUT'
}
