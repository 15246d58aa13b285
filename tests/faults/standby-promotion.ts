/**
 * Owner and hot standby as two processes. The owner is killed, stopped or simply replaced under
 * load, the standby is told to take over, and the former owner returns as its standby: in turn, for
 * as long as the episode lasts. Now and then the standby dies, too, and is promoted while it
 * catches up.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkerProcess } from '../support/kill-worker.ts'
import { Random } from '../support/workload/random.ts'
import { compareStory } from './comparison.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { together, untilHalted, untilSettled, workerAt } from './standing.ts'
import { type Story, tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage, type Stage } from './worker-life.ts'

const DELIVERIES_PER_RUN = 1_200
const FEEDING_MS = 700
const WAIT_TIMEOUT_MS = 60_000

/** What becomes of the owner, in turn; `replaced`: nothing, it goes on until it finds out. */
const FATES = ['killed', 'stopped', 'killed', 'replaced', 'killed'] as const

/** Promotions of a standby, one after the other. */
export const STANDBY_PROMOTION: FaultFamily = {
  name: 'standby-promotion',
  summary: 'owner killed, stopped or alive while its standby is told to take over, in turn',
  runs: 100,
  runsPerEpisode: 20,
  play: (options) => {
    const { seed, runs } = options
    const story = tellStory({ seed, deliveries: runs * DELIVERIES_PER_RUN })
    return handOver(options, story, { owned: 'all', neighbour: null })
  },
}

/** Who owns what of a story's partitions. */
export interface Assignment {
  /** Handed over from one to the other; partition 0 is one of them. */
  readonly owned: 'all' | readonly number[]
  /** Owned by a worker that nothing is done to; null: there is none. */
  readonly neighbour: readonly number[] | null
}

/** Hands the partitions of a story from owner to standby and back. */
export async function handOver(
  { seed, runs, say }: EpisodeOptions,
  story: Story,
  { owned, neighbour }: Assignment,
): Promise<EpisodeResult> {
  const random = new Random(seed)
  const stage = await openStage(story)
  try {
    const checkpoint = { every: '100ms', bandwidth: '5 MB per second' }
    const settings = { checkpoint, partitions: { owned, standby: owned } }
    const configs = [await stage.configure('a', settings), await stage.configure('b', settings)]
    const feeder = new Feeder(story, stage.connection)
    const tally = new Tally()
    let owner = stage.start(configs[0]!)
    const others = await startNeighbour(stage, neighbour)
    await stage.untilStreams()
    await promote(owner)
    let standby = stage.start(configs[1]!)
    for (let index = 0; index < runs; index++) {
      const fate = FATES[index % FATES.length]!
      const shareAt = (part: number): number => (index + part) / (runs + 1)
      const feeding = feeder.feedUntil(shareAt(1), FEEDING_MS)
      const isFresh = random.chance(0.25)
      if (isFresh) {
        await standby.end('SIGKILL')
        standby = stage.start(configs[(index + 1) % 2]!)
      }
      await standby.untilListening()
      if (!isFresh) await untilHot(stage, standby)
      await sleep(random.whole(0, FEEDING_MS / 2))
      const doneAtMs = Date.now()
      if (fate === 'killed') await owner.end('SIGKILL')
      if (fate === 'stopped') owner.signal('SIGSTOP')
      const epoch = await promote(standby)
      await feeding
      const flowedAtMs = await firstDecisionsAfter(stage, epoch, feeder)
      // One that is behind takes its start and what it has to catch up with, which is no figure.
      tally.noteRecovery(isFresh ? null : (flowedAtMs - doneAtMs) / 1000)
      if (fate === 'stopped') owner.signal('SIGCONT')
      if (fate !== 'killed') await expectFenced(owner, feeder, tally)
      await owner.end('SIGKILL')
      owner = standby
      standby = stage.start(configs[index % 2]!)
      tally.runs += 1
      say(`promotion ${index + 1} of ${runs}, owner ${fate}${isFresh ? ', standby behind' : ''}`)
    }
    await feeder.feedUntil(1)
    const urls = await Promise.all([owner, ...others].map((worker) => worker.untilListening()))
    const asked = together(urls.map(workerAt))
    const { decisionNumber } = await untilSettled(stage.manager, asked)
    const { inspect } = asked
    const comparison = await (story.compare ?? compareStory)(story, stage.manager, { inspect })
    await expectSame(standby, decisionNumber, tally)
    const ending: Record<string, WorkerProcess> = { owner, standby }
    if (others.length > 0) ending.neighbour = others[0]!
    for (const [name, worker] of Object.entries(ending)) {
      const [code] = await worker.end('SIGTERM')
      if (code !== 0) tally.failures.push(`the last ${name} did not drain: ${worker.log}`)
    }
    return tally.result(comparison)
  } finally {
    await stage.close()
  }
}

async function startNeighbour(
  stage: Stage,
  owned: Assignment['neighbour'],
): Promise<WorkerProcess[]> {
  if (owned === null) return []
  const checkpoint = { every: '300ms', bandwidth: '5 MB per second' }
  return [stage.start(await stage.configure('c', { checkpoint, partitions: { owned } }))]
}

/** Resolves once a standby has applied what IN holds now. */
async function untilHot({ manager }: Stage, standby: WorkerProcess): Promise<void> {
  const asked = workerAt(await standby.untilListening())
  const { state } = await manager.streams.info('IN_0')
  const deadlineMs = performance.now() + WAIT_TIMEOUT_MS
  for (;;) {
    const seen = await asked.stand()
    if (seen?.status === 'standby' && seen.appliedSequence >= state.last_seq) return
    if (performance.now() > deadlineMs) throw new Error(`no standby: ${standby.log}`)
    await sleep(20)
  }
}

/** Tells a worker to take over; resolves with its epoch. */
async function promote(worker: WorkerProcess): Promise<number> {
  const url = new URL('/-/promote', await worker.untilListening())
  const deadlineMs = performance.now() + WAIT_TIMEOUT_MS
  for (;;) {
    // 409 while the partition is not there yet; no answer before it listens.
    const response = await fetch(url, { method: 'POST' }).catch(() => null)
    if (response?.ok) {
      const body = (await response.json()) as { promoted: { epoch: number }[] }
      return body.promoted[0]!.epoch
    }
    if (performance.now() > deadlineMs) throw new Error(`not promoted: ${worker.log}`)
    await sleep(5)
  }
}

/** When the new owner first said something, by the stream's clock; there is always more to say. */
async function firstDecisionsAfter(stage: Stage, epoch: number, feeder: Feeder): Promise<number> {
  const deadlineMs = performance.now() + WAIT_TIMEOUT_MS
  for (;;) {
    const stored = await stage.manager.streams.getMessage('OUT_0', { seq: epoch + 1 })
    if (stored !== null) return stored.time.getTime()
    if (performance.now() > deadlineMs) throw new Error('nothing flows after a promotion')
    await feeder.feedUntil(feeder.progress + 0.0001)
    await sleep(5)
  }
}

/** What it would say next tells it that it has been replaced, so there is always something. */
async function expectFenced(former: WorkerProcess, feeder: Feeder, tally: Tally): Promise<void> {
  const halting = untilHalted(workerAt(await former.untilListening()), WAIT_TIMEOUT_MS)
  let isOver = false
  void halting.finally(() => {
    isOver = true
  })
  while (!isOver) {
    await feeder.feedUntil(feeder.progress + 0.0001)
    await sleep(20)
  }
  const halt = await halting
  if (halt === 'HW_OUTPUT_FENCED') tally.haltedCleanly += 1
  else tally.failures.push(`a former owner ended as ${halt}: ${former.log}`)
}

/** The standby has compared all that the owner said, and is still one. */
async function expectSame(standby: WorkerProcess, number: number, tally: Tally): Promise<void> {
  const asked = workerAt(await standby.untilListening())
  const deadlineMs = performance.now() + WAIT_TIMEOUT_MS
  for (;;) {
    const seen = await asked.stand()
    if (seen?.status === 'standby' && seen.acknowledgedDecisionNumber === number) return
    if (seen?.status === 'halted' || performance.now() > deadlineMs) {
      tally.failures.push(`the standby did not follow: ${JSON.stringify(seen)}\n${standby.log}`)
      return
    }
    await sleep(20)
  }
}
