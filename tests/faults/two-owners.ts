/**
 * Two workers started at once on one partition. With stores of their own, exactly one may go on and
 * the other must stop as fenced; on one store, the second process must refuse to start and leave
 * the first alone.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from '../support/kill-worker.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { compareAtEnd, untilFlowsAgain } from './scene.ts'
import { type AskableWorker, workerAt } from './standing.ts'
import { tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage } from './worker-life.ts'

const DELIVERIES_PER_RUN = 1_200
const FEEDING_MS = 300
const ENDING_TIMEOUT_MS = 60_000

/** Two at once, on two stores and on one in turn. */
export const TWO_OWNERS: FaultFamily = {
  name: 'two-owners',
  summary: 'two workers at once: on two stores one is fenced, on one store the second refuses',
  runs: 40,
  runsPerEpisode: 10,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const story = tellStory({ seed, deliveries: runs * DELIVERIES_PER_RUN })
  const stage = await openStage(story)
  try {
    const checkpoint = { every: '100ms', bandwidth: '5 MB per second' }
    const configs = [
      await stage.configure('a', { checkpoint }),
      await stage.configure('b', { checkpoint }),
    ]
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    const scene = { story, stage, feeder, flow, tally }
    for (let index = 0; index < runs; index++) {
      const isOneStore = index % 2 === 1
      const startedAtMs = performance.now()
      const first = stage.start(configs[0]!)
      await sleep(random.pick([0, 0, random.whole(0, 300)]))
      const second = stage.start(configs[isOneStore ? 0 : 1]!)
      if (index === 0) await stage.untilStreams()
      const feeding = feeder.feedUntil((index + 0.5) / (runs + 1), FEEDING_MS)
      const isClean = isOneStore
        ? await untilOneRefused(first, second)
        : await untilOneFenced(first, second, async () => {
            const { progress } = feeder
            await feeding
            await feeder.feedUntil(progress + 0.001, FEEDING_MS / 4)
          })
      if (isClean) tally.haltedCleanly += 1
      else tally.failures.push(`both went on, or none:\n${first.log}\n${second.log}`)
      await feeding
      const more = { share: (index + 1) / (runs + 1), durationMs: FEEDING_MS }
      await untilFlowsAgain(scene, more, startedAtMs, `in run ${index + 1}`)
      await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')])
      tally.runs += 1
      say(`run ${index + 1} of ${runs}, ${isOneStore ? 'one store' : 'two stores'}`)
    }
    const last = stage.start(configs[0]!)
    return tally.result(await compareAtEnd(scene, workerAt(await last.untilListening())))
  } finally {
    await stage.close()
  }
}

/** True when exactly one ended by itself, because the other holds the store. */
async function untilOneRefused(first: WorkerProcess, second: WorkerProcess): Promise<boolean> {
  const both = [first, second]
  const ended = Promise.race(both.map((worker) => worker.untilEnded()))
  await Promise.race([ended, sleep(ENDING_TIMEOUT_MS, null, { ref: false })])
  const gone = both.filter(({ isGone }) => isGone)
  const [refused] = gone
  if (gone.length !== 1 || !/locked|HW_STORE_LOCKED/.test(refused!.log)) return false
  const winner = workerAt(await both.find(({ isGone }) => !isGone)!.untilListening())
  return untilStatuses([winner], (statuses) => statuses[0] === 'live')
}

/** True when one is live and the other halted as fenced; with traffic, or nobody would find out. */
async function untilOneFenced(
  first: WorkerProcess,
  second: WorkerProcess,
  feed: () => Promise<void>,
): Promise<boolean> {
  const asked = await Promise.all(
    [first, second].map(async (worker) => {
      return workerAt(await worker.untilListening())
    }),
  )
  return untilStatuses(
    asked,
    (statuses) => [...statuses].sort().join() === 'HW_OUTPUT_FENCED,live',
    feed,
  )
}

async function untilStatuses(
  workers: readonly AskableWorker[],
  isReached: (statuses: readonly string[]) => boolean,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<boolean> {
  const deadlineMs = performance.now() + ENDING_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    const standings = await Promise.all(workers.map((worker) => worker.stand()))
    if (isReached(standings.map((each) => each?.halt ?? each?.status ?? 'silent'))) return true
    await meanwhile()
    await sleep(40)
  }
  return false
}
