/**
 * A worker stopped with SIGSTOP until another, with a store of its own, has claimed the partition
 * and works; then SIGCONT: the zombie must stop by itself as fenced, and nothing may come twice.
 * Every second one is stopped while it writes a checkpoint. Its store serves the one after next.
 */

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from '../support/kill-worker.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { compareAtEnd } from './scene.ts'
import { untilHalted, workerAt } from './standing.ts'
import { tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage, type Stage } from './worker-life.ts'

const DELIVERIES_PER_WAKING = 1_200
const FEEDING_MS = 300
const FLOW_TIMEOUT_MS = 60_000
const LIVE_POLL_MS = 20
const WRITE_TIMEOUT_MS = 2_000

/** Wakings of workers that have been replaced. */
export const ZOMBIE: FaultFamily = {
  name: 'zombie',
  summary: 'SIGSTOP until another worker has taken over, then SIGCONT: the zombie must be fenced',
  runs: 100,
  runsPerEpisode: 20,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const story = tellStory({ seed, deliveries: runs * DELIVERIES_PER_WAKING })
  const stage = await openStage(story)
  try {
    const checkpoint = { every: '100ms', bandwidth: '2 MB per second' }
    const names = ['a', 'b']
    const configs = [
      await stage.configure('a', { checkpoint }),
      await stage.configure('b', { checkpoint }),
    ]
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    let owner = stage.start(configs[0]!)
    await owner.untilListening()
    await stage.untilStreams()
    for (let index = 0; index < runs; index++) {
      const shareAt = (part: number): number => (index + part) / (runs + 1)
      const isWriting = index % 2 === 1
      const feeding = feeder.feedUntil(shareAt(0.3), FEEDING_MS)
      await flow.secondsUntilFlow(performance.now(), FEEDING_MS)
      if (isWriting) await untilWriting(stage, names[index % 2]!)
      else await sleep(random.whole(0, FEEDING_MS))
      owner.signal('SIGSTOP')
      const startedAtMs = performance.now()
      const next = stage.start(configs[(index + 1) % 2]!)
      await feeding
      await feeder.feedUntil(shareAt(0.6))
      // What the zombie had under way when it was stopped is not yet the other's.
      await untilLive(next)
      const seconds = await flow.secondsUntilFlow(startedAtMs, FLOW_TIMEOUT_MS)
      if (seconds === null) throw new Error(`no take-over: ${next.log}`)
      tally.noteRecovery(seconds)
      owner.signal('SIGCONT')
      await feeder.feedUntil(shareAt(1), FEEDING_MS)
      await expectFenced(owner, feeder, shareAt(1.1), tally)
      await owner.end('SIGKILL')
      owner = next
      tally.runs += 1
      say(`waking ${index + 1} of ${runs}${isWriting ? ', stopped while it wrote an image' : ''}`)
    }
    const scene = { story, stage, feeder, tally }
    return tally.result(await compareAtEnd(scene, workerAt(await owner.untilListening())))
  } finally {
    await stage.close()
  }
}

async function untilLive(worker: WorkerProcess): Promise<void> {
  const asked = workerAt(await worker.untilListening())
  while ((await asked.stand())?.status !== 'live') await sleep(LIVE_POLL_MS)
}

/** What it would decide next tells it that it has been replaced, so there is always something. */
async function expectFenced(
  zombie: WorkerProcess,
  feeder: Feeder,
  share: number,
  tally: Tally,
): Promise<void> {
  const feeding = feeder.feedUntil(share, FEEDING_MS)
  const halt = await untilHalted(workerAt(await zombie.untilListening()))
  await feeding
  if (halt === 'HW_OUTPUT_FENCED') tally.haltedCleanly += 1
  else tally.failures.push(`a zombie ended as ${halt}: ${zombie.log}`)
}

/** Resolves in the moment in which the store of a worker changes. */
async function untilWriting(stage: Stage, name: string): Promise<void> {
  const folder = join(stage.directory, `store-${name}`, 'partition-0')
  const lastChangeMs = (): number =>
    Math.max(...readdirSync(folder).map((file) => statSync(join(folder, file)).mtimeMs))
  const before = lastChangeMs()
  const deadlineMs = performance.now() + WRITE_TIMEOUT_MS
  while (lastChangeMs() === before && performance.now() < deadlineMs) await sleep(2)
}
