/**
 * kill -9 of the nats-server while a worker runs and its input goes on, at random moments; started
 * again on its files, at once or after a while. The worker is never restarted.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { compareAtEnd, untilFlowsAgain } from './scene.ts'
import { workerAt } from './standing.ts'
import { type Story, tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage } from './worker-life.ts'

const DELIVERIES_PER_KILL = 1_500
const FEEDING_MS = 500

/** Kills of the broker. */
export const BROKER_KILL: FaultFamily = {
  name: 'broker-kill',
  summary: 'kill -9 and restart of the nats-server under load; the worker goes on by itself',
  runs: 200,
  runsPerEpisode: 25,
  play: (options) => {
    const { seed, runs } = options
    return killBrokers(options, tellStory({ seed, deliveries: runs * DELIVERIES_PER_KILL }))
  },
}

/** Kills the broker under a story. */
export async function killBrokers(
  { seed, runs, say }: EpisodeOptions,
  story: Story,
): Promise<EpisodeResult> {
  const random = new Random(seed)
  const stage = await openStage(story)
  try {
    const checkpoint = { every: '200ms', bandwidth: '5 MB per second' }
    const worker = stage.start(await stage.configure('a', { checkpoint }))
    const url = await worker.untilListening()
    await stage.untilStreams()
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    const scene = { story, stage, feeder, flow, tally }
    await feeder.feedUntil(0.5 / (runs + 1))
    for (let index = 0; index < runs; index++) {
      const feeding = feeder.feedUntil((index + 1) / (runs + 1), FEEDING_MS)
      await sleep(random.whole(0, FEEDING_MS / 2))
      // Much under way at once, so that some of it is stored and not answered.
      feeder.hurry()
      await sleep(random.whole(0, 6))
      await stage.server.kill('SIGKILL')
      await sleep(random.pick([0, 0, random.whole(0, 800)]))
      await stage.server.restart()
      const startedAtMs = performance.now()
      await feeding
      const more = { share: (index + 1.5) / (runs + 1), durationMs: FEEDING_MS }
      const seconds = await untilFlowsAgain(scene, more, startedAtMs, `after kill ${index + 1}`)
      tally.runs += 1
      say(`kill ${index + 1} of ${runs}, ${feeder.retryCount} publishes repeated`)
      if (worker.isGone) throw new Error(`the worker ended by itself:\n${worker.log}`)
      if (seconds === null) break
    }
    const comparison = await compareAtEnd(scene, workerAt(url))
    const [code] = await worker.end('SIGTERM')
    if (code !== 0) tally.failures.push(`the worker did not drain: ${worker.log}`)
    return tally.result(comparison)
  } finally {
    await stage.close()
  }
}
