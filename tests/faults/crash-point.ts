/**
 * kill -9 exactly at named points of a life: before and after the claim, each publish, each page,
 * the manifest, rejects; while the image is loaded, in replay, in a drain, around a reload.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeConfig } from '../../src/probe/encode.ts'
import { openControlWriter } from '../../src/sink/control-writer.ts'
import { edited } from '../support/scenario-files.ts'
import { Random } from '../support/workload/random.ts'
import { CRASH_POINTS, type CrashPlan, type CrashPoint } from './crash-ports.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder, feedGarbage } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { makeStreams, startPartition } from './real-partition.ts'
import { compareAtEnd } from './scene.ts'
import { workerHere } from './standing.ts'
import { type Story, tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { lifeEnvironment, openStage, type Stage } from './worker-life.ts'

const DELIVERIES_PER_KILL = 1_100
/** Drains that are tried again. */
const DRAINS_MAX = 3
/** A life that has not come to its point by then never will. */
const LIFE_MAX_MS = 60_000
const FEED_STEP_MS = 40
/** Share of the story: a message or two. */
const STEP_MIN = 0.0005
const PROGRAM = join(import.meta.dirname, 'crash-process.ts')

/** Kills at all points in turn. */
export const CRASH_POINT: FaultFamily = {
  name: 'crash-point',
  summary: `kill -9 at ${CRASH_POINTS.length} named points of claim, publish, checkpoint, drain`,
  runs: 500,
  runsPerEpisode: 50,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const story = tellStory({ seed, deliveries: runs * DELIVERIES_PER_KILL })
  const stage = await openStage(story)
  try {
    await makeStreams(story, stage.connection)
    const life = new CrashLife(stage, story)
    const tally = new Tally()
    for (let index = 0; index < runs; index++) {
      const plan = planOf(seed * runs + index, index, random)
      const startedAtMs = performance.now()
      const share = (index + 1) / (runs + 1)
      let failure = await life.crash(plan, share)
      // An image may have been written just before a drain, which then has nothing left to write.
      for (let again = 0; again < DRAINS_MAX && failure !== null && isDrain(plan); again++) {
        failure = await life.crash(plan, share)
      }
      tally.noteRecovery(life.flow.secondsSince(startedAtMs))
      if (failure !== null) tally.failures.push(`${plan.point} ${plan.occurrence}: ${failure}`)
      tally.runs += 1
      say(`kill ${index + 1} of ${runs}, ${plan.point} ${plan.occurrence}`)
    }
    const { url } = stage.server
    const last = await startPartition({ url, storeDirectory: life.storeDirectory })
    const { feeder } = life
    const asked = workerHere(last.worker)
    const comparison = await compareAtEnd({ story, stage, feeder, tally }, asked)
    await last.close()
    return tally.result(comparison)
  } finally {
    await stage.close()
  }
}

function isDrain({ point }: CrashPlan): boolean {
  return point.startsWith('drain')
}

/** All points in turn, but for the first life of an episode, which leaves an image. */
function planOf(turn: number, index: number, random: Random): CrashPlan {
  if (index === 0) return { point: 'after-manifest', occurrence: 1 }
  const point = CRASH_POINTS[turn % CRASH_POINTS.length]!
  const isOnce = /claim|reload|drain/.test(point)
  return { point, occurrence: isOnce ? 1 : random.whole(1, 4) }
}

/** Lives that end at a plan, one after the other, on one store. */
class CrashLife {
  readonly storeDirectory: string
  readonly feeder: Feeder
  readonly flow: OutputFlow
  readonly #stage: Stage
  readonly #story: Story
  #generation = 1

  constructor(stage: Stage, story: Story) {
    this.#stage = stage
    this.#story = story
    this.storeDirectory = join(stage.directory, 'store')
    this.feeder = new Feeder(story, stage.connection)
    this.flow = new OutputFlow(stage.connection)
  }

  /** Runs one life to its planned end; what went otherwise, in words. */
  async crash({ point, occurrence }: CrashPlan, share: number): Promise<string | null> {
    // Something to replay, and for the live ones something still to come.
    const before = this.feeder.progress
    await this.feeder.feedUntil(before + (share - before) / 2)
    const args = [PROGRAM, this.#stage.server.url, this.storeDirectory, point, String(occurrence)]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: lifeEnvironment(),
    })
    const exited = once(child, 'close')
    let output = ''
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4_000)
      })
    }
    const timer = setTimeout(() => child.kill('SIGABRT'), LIFE_MAX_MS)
    await this.#lead(child, point, share, () => output.includes('live'))
    await exited
    clearTimeout(timer)
    if (child.signalCode === 'SIGKILL') return null
    return `ended with ${child.signalCode ?? child.exitCode}: ${output}`
  }

  /** Gives a life what it needs to come to its point. */
  async #lead(
    child: ChildProcess,
    point: CrashPoint | 'none',
    share: number,
    isLive: () => boolean,
  ): Promise<void> {
    const isGone = () => child.exitCode !== null || child.signalCode !== null
    let isLed = false
    while (!isGone()) {
      if (isLive() && !isLed) {
        isLed = true
        await this.#nudge(child, point)
      }
      // Beyond its share only when it lives and has not come to its point all the same.
      const { progress } = this.feeder
      const step = Math.max((share - progress) / 8, isLive() ? STEP_MIN : 0)
      await this.feeder.feedUntil(progress + step, FEED_STEP_MS)
      await sleep(FEED_STEP_MS / 4)
    }
    await this.feeder.feedUntil(share)
  }

  async #nudge(child: ChildProcess, point: CrashPoint | 'none'): Promise<void> {
    if (point.startsWith('drain')) {
      const { progress } = this.feeder
      await this.feeder.feedUntil(progress + 10 * STEP_MIN)
      child.kill('SIGTERM')
    }
    if (point.endsWith('reload')) await this.#reload()
    if (point.endsWith('reject'))
      for (let i = 0; i < 4; i++) await feedGarbage(this.#stage.connection)
  }

  /** Another text of a message: a new generation, the same deliveries. */
  async #reload(): Promise<void> {
    const generation = ++this.#generation
    const files = edited(
      this.#story.files,
      'doubled in the first month',
      `generation ${generation}`,
    )
    const data = encodeConfig({ id: `config-${generation}`, generation, files })
    await openControlWriter(this.#stage.connection, 0).publish(data, null)
  }
}
