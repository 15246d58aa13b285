/**
 * A cluster of three loses the server that leads IN or OUT, again and again, under load: killed
 * with -9 and started again, frozen, or cut off from the two others while it and its clients live
 * on. The worker is never restarted; what was acknowledged is there in the end.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsCluster } from '../support/nats-cluster.ts'
import { findNewerNatsServer } from '../support/newer-nats-server.ts'
import { Random } from '../support/workload/random.ts'
import { openClusterStage } from './cluster-stage.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { compareAtEnd, untilFlowsAgain } from './scene.ts'
import { workerAt } from './standing.ts'
import { tellStory } from './story.ts'
import { Tally } from './tally.ts'

const DELIVERIES_PER_FAULT = 1_500
const FEEDING_MS = 1_500
const FAULT_MS_MAX = 2_500
/** Two of three are kills. */
const KINDS = ['kill', 'freeze', 'kill', 'kill', 'cut', 'kill'] as const

/** Faults of a stream's leader. */
export const LEADER_KILL: FaultFamily = {
  name: 'leader-kill',
  summary: 'the leader of IN or OUT in a cluster of three killed with -9, frozen or cut off',
  runs: 48,
  runsPerEpisode: 12,
  findObstacle: async () => (await findNewerNatsServer('build')).obstacle,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const story = tellStory({ seed, deliveries: runs * DELIVERIES_PER_FAULT })
  const { stage, cluster, settings, untilInSync, close } = await openClusterStage(story)
  try {
    const checkpoint = { every: '500ms', bandwidth: '10 MB per second' }
    const worker = stage.start(await stage.configure('a', { ...settings, checkpoint }))
    const url = await worker.untilListening()
    await stage.untilStreams()
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    const scene = { story, stage, feeder, flow, tally }
    await feeder.feedUntil(0.5 / (runs + 1))
    for (let index = 0; index < runs; index++) {
      await untilInSync()
      const kind = KINDS[index % KINDS.length]!
      const stream = random.pick(['IN_0', 'OUT_0'])
      const leader = await cluster.leaderOf(stage.manager, stream)
      const feeding = feeder.feedUntil((index + 1) / (runs + 1), FEEDING_MS)
      await sleep(random.whole(0, FEEDING_MS / 2))
      // Much under way at once, so that some of it is stored and not answered.
      feeder.hurry()
      await sleep(random.whole(0, 6))
      await harm(cluster, leader, kind, random.pick([0, random.whole(0, FAULT_MS_MAX)]))
      const startedAtMs = performance.now()
      await feeding
      const more = { share: (index + 1.5) / (runs + 1), durationMs: FEEDING_MS / 3 }
      const after = `after ${kind} ${index + 1}`
      const seconds = await untilFlowsAgain(scene, more, startedAtMs, after)
      tally.runs += 1
      say(`${kind} of ${stream}'s leader, ${index + 1} of ${runs}: ${seconds?.toFixed(1)} s`)
      if (worker.isGone || seconds === null) break
    }
    await feeder.feedUntil(1)
    await stage.untilConnected()
    await untilInSync()
    const comparison = await compareAtEnd(scene, workerAt(url))
    const [code] = await worker.end('SIGTERM')
    if (code !== 0) tally.failures.push(`the worker did not drain: ${worker.log}`)
    return tally.result(comparison)
  } finally {
    await close()
  }
}

async function harm(
  cluster: NatsCluster,
  index: number,
  kind: (typeof KINDS)[number],
  durationMs: number,
): Promise<void> {
  const server = cluster.servers[index]!
  if (kind === 'kill') {
    await server.kill('SIGKILL')
    await sleep(durationMs)
    await server.restart()
  } else if (kind === 'freeze') {
    await server.kill('SIGSTOP')
    await sleep(durationMs)
    await server.kill('SIGCONT')
  } else {
    cluster.isolate(index)
    await sleep(durationMs)
    cluster.heal()
  }
}
