/**
 * `highwater start` killed with SIGKILL at random moments of its life (start, recovery, work,
 * checkpoint), while its input goes on; each next life goes on from what is there.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from '../support/kill-worker.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { compareAtEnd } from './scene.ts'
import { workerAt } from './standing.ts'
import { type Story, tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage } from './worker-life.ts'

const DELIVERIES_PER_KILL = 1_200
/** Spread over about a life, so that there is work in every moment of it. */
const FEEDING_MS = 700
const FLOW_TIMEOUT_MS = 20_000

/** Random kills of the worker. */
export const WORKER_KILL: FaultFamily = {
  name: 'worker-kill',
  summary: 'kill -9 of the worker at random moments of its life; the next life goes on',
  runs: 500,
  runsPerEpisode: 35,
  play: (options) => {
    const { seed, runs } = options
    return killWorkers(options, tellStory({ seed, deliveries: runs * DELIVERIES_PER_KILL }))
  },
}

/** Kills the worker of a story at random moments. */
export async function killWorkers(
  { seed, runs, say }: EpisodeOptions,
  story: Story,
): Promise<EpisodeResult> {
  const random = new Random(seed)
  const stage = await openStage(story)
  try {
    // Slow and often: an image is under way at nearly every moment.
    const checkpoint = { every: '100ms', bandwidth: '2 MB per second' }
    const config = await stage.configure('a', { checkpoint })
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    for (let life = 0; life < runs; life++) {
      const startedAtMs = performance.now()
      const worker = stage.start(config)
      if (life === 0) await stage.untilStreams()
      const share = (life + 1) / (runs + 1)
      const feeding = feeder.feedUntil(share, FEEDING_MS)
      const moment = await untilSomeMoment(worker, flow, startedAtMs, random)
      tally.noteRecovery(flow.secondsSince(startedAtMs))
      const [, signal] = await worker.end('SIGKILL')
      if (signal !== 'SIGKILL') tally.failures.push(`life ${life} ended by itself: ${worker.log}`)
      await feeding
      tally.runs += 1
      say(`kill ${life + 1} of ${runs}, ${moment}`)
    }
    const last = stage.start(config)
    const asked = workerAt(await last.untilListening())
    const comparison = await compareAtEnd({ story, stage, feeder, tally }, asked)
    const [code] = await last.end('SIGTERM')
    if (code !== 0) tally.failures.push(`the last life did not drain: ${last.log}`)
    return tally.result(comparison)
  } finally {
    await stage.close()
  }
}

/** Lets a life come to some moment, and names it. */
async function untilSomeMoment(
  worker: WorkerProcess,
  flow: OutputFlow,
  startedAtMs: number,
  random: Random,
): Promise<string> {
  const moment = random.pick(['starting', 'recovering', 'recovering', 'working', 'working'])
  if (moment === 'starting') {
    await sleep(random.whole(100, 500))
    return moment
  }
  await worker.untilListening()
  if (moment === 'recovering') {
    await sleep(random.whole(0, 150))
    return moment
  }
  await flow.secondsUntilFlow(startedAtMs, FLOW_TIMEOUT_MS)
  await sleep(random.whole(0, 500))
  return moment
}
