/**
 * The machine of the broker and the worker loses its power, again and again, under load: whatever
 * neither of them had synced is gone. One family per setting of the broker, since what survives is
 * the setting's; whatever it is, a partition says it exactly once or halts.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { findDiskObstacle } from '../support/block-device.ts'
import { findNewerNatsServer } from '../support/newer-nats-server.ts'
import { Random } from '../support/workload/random.ts'
import { type Comparison, compareStory, readLog } from './comparison.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { openPowerStage, type PowerSetting, type PowerStage } from './power-stage.ts'
import { type AskableWorker, untilSettled, workerAt } from './standing.ts'
import { type Story, tellStory } from './story.ts'
import { Tally } from './tally.ts'

const DELIVERIES_PER_CUT = 1_200
const FEEDING_MS = 700
const DARKNESS_MS_MAX = 1_000
const FLOW_TIMEOUT_MS = 60_000

/** What a partition may say when its streams have lost messages that it knows of. */
const LOSS_REASONS: ReadonlySet<string> = new Set([
  'input-truncated',
  'input-recreated',
  'input-fingerprint',
  'output-truncated',
  'output-recreated',
  'output-fingerprint',
  'output-gap',
  'digest-mismatch',
  'replay-short',
  'HW_BROKER_REFUSED',
])

interface PowerFamily extends PowerSetting {
  readonly name: string
  readonly summary: string
  readonly runs: number
  readonly runsPerEpisode: number
  /** Whether everything that was acknowledged must be there after each cut. */
  readonly isLossless: boolean
}

/** One broker that syncs before it acknowledges: nothing may be lost. */
export const POWER_LOSS: FaultFamily = familyOf({
  name: 'power-loss',
  summary: 'power cut of broker and worker; one server, sync_interval: always',
  runs: 50,
  runsPerEpisode: 25,
  machineCount: 1,
  program: 'newer',
  syncInterval: 'always',
  isLossless: true,
})

/** One broker as Debian has it: acknowledged messages go, and the partition must notice. */
export const POWER_LOSS_UNSYNCED: FaultFamily = familyOf({
  name: 'power-loss-unsynced',
  summary: 'power cut of broker and worker; one server that does not sync: halts, never invents',
  runs: 20,
  runsPerEpisode: 10,
  machineCount: 1,
  program: 'usual',
  syncInterval: null,
  isLossless: false,
})

/** Three copies, each synced; one machine goes dark at a time. */
export const POWER_LOSS_OF_ONE: FaultFamily = familyOf({
  name: 'power-loss-of-one',
  summary: 'power cut of one machine of three; three replicas, sync_interval: always',
  runs: 20,
  runsPerEpisode: 10,
  machineCount: 3,
  program: 'newer',
  syncInterval: 'always',
  isLossless: true,
})

/** A family of cuts under one setting of the broker. */
export function familyOf(setting: PowerFamily): FaultFamily {
  const { name, summary, runs, runsPerEpisode } = setting
  return {
    name,
    summary,
    runs,
    runsPerEpisode,
    findObstacle: async () => {
      if (setting.program === 'newer') {
        const { obstacle } = await findNewerNatsServer('build')
        if (obstacle !== null) return obstacle
      }
      return findDiskObstacle()
    },
    play: (options) => play(setting, options),
  }
}

/** A partition that halted is not mended here: the rest is played in a new installation. */
async function play(setting: PowerFamily, options: EpisodeOptions): Promise<EpisodeResult> {
  const tally = new Tally()
  const sum = { deliveriesCompared: 0, lost: 0, duplicated: 0 }
  const failures: string[] = []
  for (let history = 0; tally.runs < options.runs; history++) {
    const seed = options.seed + history * 1_000_003
    const runs = options.runs - tally.runs
    const before = tally.runs
    const compared = await playHistory(setting, { ...options, seed, runs }, tally)
    sum.deliveriesCompared += compared?.deliveriesCompared ?? 0
    sum.lost += compared?.lost ?? 0
    sum.duplicated += compared?.duplicated ?? 0
    failures.push(...(compared?.failures ?? []))
    if (tally.runs === before) break
  }
  return tally.result({ ...sum, failures })
}

/** Null: the partition halted. */
async function playHistory(
  setting: PowerFamily,
  { seed, runs, say }: EpisodeOptions,
  tally: Tally,
): Promise<Comparison | null> {
  const random = new Random(seed)
  const story = tellStory({ seed, deliveries: runs * DELIVERIES_PER_CUT })
  const power = await openPowerStage(story, setting)
  const { stage } = power
  const feeder = new Feeder(story, stage.connection)
  try {
    const flow = new OutputFlow(stage.connection)
    let worker = power.startWorker()
    let asked = workerAt(await worker.untilListening())
    await stage.untilStreams()
    await feeder.feedUntil(0.5 / (runs + 1))
    // Or the unsynced ones would lose their streams, and not messages.
    await power.growOlder()
    for (let cut = 0; cut < runs; cut++) {
      await power.untilInSync()
      const feeding = feeder.feedUntil((cut + 1) / (runs + 1), FEEDING_MS)
      await sleep(random.whole(0, FEEDING_MS))
      feeder.hurry()
      await sleep(random.whole(0, 6))
      const reported = (await asked.stand())?.checkpointSequence ?? 0
      const machine = random.whole(0, power.machineCount - 1)
      await power.cutPower(machine, worker)
      await sleep(random.pick([0, random.whole(0, DARKNESS_MS_MAX)]))
      await power.powerUp(machine)
      const startedAtMs = performance.now()
      if (worker.isGone) {
        worker = power.startWorker()
        asked = workerAt(await worker.untilListening())
        await checkImage(asked, reported, tally)
      }
      await feeding
      const extra = feeder.feedUntil((cut + 1.5) / (runs + 1), FEEDING_MS / 3)
      const outcome = await untilFlowOrHalt(flow, asked, startedAtMs)
      await extra
      tally.runs += 1
      say(`cut ${tally.runs}, machine ${machine}: ${outcome}`)
      if (typeof outcome === 'number') {
        tally.noteRecovery(outcome)
        continue
      }
      const isClean = LOSS_REASONS.has(outcome) && !setting.isLossless
      if (isClean) tally.haltedCleanly += 1
      else tally.failures.push(`cut ${tally.runs}: ${outcome}`)
      await sayLost(power, story, feeder, say)
      return null
    }
    await feeder.feedUntil(1)
    await power.untilInSync()
    await untilSettled(stage.manager, asked)
    await sayLost(power, story, feeder, say)
    const { inspect } = asked
    const { isLossless: isAllStored } = setting
    const comparison = await compareStory(story, stage.manager, { inspect, isAllStored })
    const [code] = await worker.end('SIGTERM')
    if (code !== 0) tally.failures.push(`the worker did not drain: ${worker.log}`)
    if (isAllStored) return comparison
    // Nothing counts the messages of REJ: what it lost is noticed by nobody.
    const failures = comparison.failures.filter((text) => !text.includes('lacks its reject'))
    return { ...comparison, failures }
  } finally {
    feeder.close()
    await power.close()
  }
}

/** The next life starts from the checkpoint that was last reported as written, or a later one. */
async function checkImage(asked: AskableWorker, reported: number, tally: Tally): Promise<void> {
  const deadlineMs = performance.now() + FLOW_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    const standing = await asked.stand()
    if (standing === null || standing.status === 'recovering') {
      await sleep(20)
      continue
    }
    if (standing.halt !== null || standing.checkpointSequence >= reported) return
    const { checkpointSequence } = standing
    tally.failures.push(`the checkpoint at ${reported} is gone: it starts at ${checkpointSequence}`)
    return
  }
}

/** Seconds until decisions flow, or why the partition halted. */
async function untilFlowOrHalt(
  flow: OutputFlow,
  asked: AskableWorker,
  sinceMs: number,
): Promise<number | string> {
  while (performance.now() - sinceMs < FLOW_TIMEOUT_MS) {
    const seconds = await flow.secondsUntilFlow(sinceMs, 200)
    if (seconds !== null) return seconds
    const standing = await asked.stand()
    if (standing !== null && standing.halt !== null) return standing.halt
  }
  return 'nothing flowed and nothing halted'
}

/** Messages that the broker had acknowledged and does not hold. */
async function sayLost(
  { stage }: PowerStage,
  story: Story,
  feeder: Feeder,
  say: (text: string) => void,
): Promise<void> {
  const key = (data: Uint8Array): string => Buffer.from(data).toString('latin1')
  const stored = new Set((await readLog(stage.manager)).map(({ data }) => key(data)))
  const acknowledged = Math.round(feeder.progress * story.messages.length)
  const lost = story.messages.slice(0, acknowledged).filter(({ data }) => !stored.has(key(data)))
  say(`${lost.length} of ${acknowledged} acknowledged messages are not in IN`)
}
