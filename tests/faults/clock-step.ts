/**
 * The worker's clock set back or forward under a log with a real clock. An hour back: the log is
 * ahead of the worker, which must halt as `clock-ahead` and go on once its clock is right. Less
 * than five minutes, or forward and back again: nothing may change, and images must be written.
 */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WaitingClock } from '../../src/model/ports.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import { Random } from '../support/workload/random.ts'
import { compareStory } from './comparison.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { makeStreams, type RealPartition, startPartition } from './real-partition.ts'
import { type AskableWorker, untilHalted, untilSettled, workerHere } from './standing.ts'
import { tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage } from './worker-life.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const FEEDING_MS = 250
const FLOW_TIMEOUT_MS = 60_000
const IMAGE_TIMEOUT_MS = 30_000

/** Steps of the worker's clock. */
export const CLOCK_BACK: FaultFamily = {
  name: 'clock-back',
  summary: "the worker's clock an hour back (must halt), minutes back, an hour forward and back",
  runs: 100,
  runsPerEpisode: 25,
  play,
}

/** In turn. */
const STEPS = ['hour-back-at-start', 'hour-back', 'minutes-back', 'hour-forward-and-back'] as const

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const story = tellStory({ seed, deliveries: runs * 1_000, clock: 'real' })
  const stage = await openStage(story)
  try {
    await makeStreams(story, stage.connection)
    const clock = new SteppedClock()
    const start = (): Promise<RealPartition> =>
      startPartition({
        url: stage.server.url,
        storeDirectory: join(stage.directory, 'store'),
        wrap: (ports) => ({ ...ports, clock }),
      })
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    let partition = await start()
    for (let index = 0; index < runs; index++) {
      const feed = (part: number) => feeder.feedUntil((index + part) / (runs + 1), FEEDING_MS)
      await feed(0.3)
      const step = STEPS[(seed + index) % STEPS.length]!
      const isBackAtStart = step === 'hour-back-at-start'
      if (isBackAtStart) await partition.close()
      const feeding = feed(0.6)
      await sleep(random.whole(0, FEEDING_MS / 2))
      if (step === 'minutes-back') clock.offsetMs = -random.whole(1, 4) * MINUTE_MS
      else clock.offsetMs = step === 'hour-forward-and-back' ? HOUR_MS : -HOUR_MS
      if (isBackAtStart) partition = await start()
      await feeding
      if (isBackAtStart || step === 'hour-back') {
        // Only what comes after the step can show that the log is ahead.
        await feed(0.8)
        const halt = await untilHalted(workerHere(partition.worker))
        if (halt === 'clock-ahead') tally.haltedCleanly += 1
        else tally.failures.push(`${step}: the partition is ${halt}`)
        await partition.close()
        clock.offsetMs = 0
        partition = await start()
      } else {
        await expectImage(workerHere(partition.worker), step, () => feed(0.8), tally)
        clock.offsetMs = 0
      }
      const mendedAtMs = performance.now()
      await feed(1)
      const seconds = await flow.secondsUntilFlow(mendedAtMs, FLOW_TIMEOUT_MS)
      if (seconds === null) tally.failures.push(`nothing flowed after ${step}`)
      tally.noteRecovery(seconds)
      await expectImage(workerHere(partition.worker), `after ${step}`, async () => undefined, tally)
      tally.runs += 1
      say(`step ${index + 1} of ${runs}, ${step}`)
    }
    await feeder.feedUntil(1)
    const asked = workerHere(partition.worker)
    const { halt } = await untilSettled(stage.manager, asked)
    if (halt !== null) tally.failures.push(`halted: ${partition.worker.halt?.message}`)
    const { inspect } = asked
    const comparison = await compareStory(story, stage.manager, { inspect })
    await partition.close()
    return tally.result(comparison)
  } finally {
    await stage.close()
  }
}

/** Wherever the clock stands: images go on, or a later start would have ever more to replay. */
async function expectImage(
  asked: AskableWorker,
  when: string,
  meanwhile: () => Promise<void>,
  tally: Tally,
): Promise<void> {
  const before = await asked.stand()
  if (before?.status !== 'live') return
  const isCovered = before.checkpointSequence >= before.appliedSequence
  const deadlineMs = performance.now() + IMAGE_TIMEOUT_MS
  while (!isCovered) {
    await meanwhile()
    await sleep(20)
    const now = await asked.stand()
    if (now === null || now.status === 'halted' || now.checkpoints > before.checkpoints) return
    if (performance.now() < deadlineMs) continue
    tally.failures.push(`no image was written, ${when}`)
    return
  }
}

/** The system's clock, wrong by an offset. */
class SteppedClock implements WaitingClock {
  offsetMs = 0

  nowMs(): number {
    return SYSTEM_CLOCK.nowMs() + this.offsetMs
  }

  steadyMs(): number {
    return SYSTEM_CLOCK.steadyMs()
  }

  pause(ms: number): Promise<void> {
    return SYSTEM_CLOCK.pause(ms)
  }

  turn(): Promise<void> {
    return SYSTEM_CLOCK.turn()
  }
}
