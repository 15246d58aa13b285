/**
 * The network between worker and broker, broken through a proxy: connections cut in all ways, and
 * links on which nothing passes or everything takes its time, each direction by itself.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Direction } from '../support/tcp-proxy.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { type ProxiedPartition, playLinkFaults } from './proxied-partition.ts'

/** Black holes spend their time waiting: several installations wait at once. */
const LANES = 4
/** Two unanswered pings of 5 s: the client gives the connection up after 10 to 15 s. */
const BEYOND_PINGS_MS = 16_000

/** Connections cut. */
export const LINK_CUT: FaultFamily = {
  name: 'link-cut',
  summary: 'connection reset or half-closed in either direction, and refused for a while',
  runs: 100,
  runsPerEpisode: 25,
  play: async ({ seed, runs, say }) => {
    const random = new Random(seed)
    const inject = (on: ProxiedPartition) => cut(on, random)
    return playLinkFaults({ seed, runs, deliveriesPerRun: 1_000, inject, say })
  },
}

/** Links on which nothing passes for a while. */
export const LINK_BLACKHOLE: FaultFamily = {
  name: 'link-blackhole',
  summary: 'nothing passes, in one or both directions, beyond the ping time-out; slow links',
  runs: 48,
  runsPerEpisode: 24,
  play: playBlackHoles,
}

async function cut({ proxy, feed, mended }: ProxiedPartition, random: Random): Promise<void> {
  const feeding = feed(0.6)
  await sleep(random.whole(0, 250))
  proxy.refuse(random.chance(0.5))
  const ways = [
    () => proxy.reset('both'),
    () => proxy.reset('up'),
    () => proxy.reset('down'),
    () => proxy.halfClose('up'),
    () => proxy.halfClose('down'),
  ]
  random.pick(ways)()
  await sleep(random.pick([0, random.whole(0, 700)]))
  proxy.refuse(false)
  mended()
  await feeding
}

async function playBlackHoles({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const lanes = Array.from({ length: Math.min(LANES, runs) }, (_, lane) => {
    const laneRuns = Math.floor(runs / LANES) + (lane < runs % LANES ? 1 : 0)
    const random = new Random(seed * LANES + lane)
    const inject = (on: ProxiedPartition, index: number) => hold(on, random, index + lane + 1)
    const laneSay = (text: string) => say(`lane ${lane + 1}: ${text}`)
    return playLinkFaults({
      seed: seed * LANES + lane,
      runs: laneRuns,
      deliveriesPerRun: 1_000,
      inject,
      say: laneSay,
    })
  })
  return (await Promise.all(lanes)).reduce(added)
}

/** Long and short ones in turn, and slow links. */
async function hold(
  { proxy, feed, mended }: ProxiedPartition,
  random: Random,
  index: number,
): Promise<void> {
  const feeding = feed(0.6)
  await sleep(random.whole(0, 250))
  if (index % 3 === 2) {
    proxy.slowDown({ delayMs: random.whole(5, 120), bytesPerSecond: 200_000 })
    await sleep(2_500)
    proxy.slowDown(null)
  } else {
    const directions: Direction[][] = [['up'], ['down'], ['up', 'down']]
    proxy.hold(random.pick(directions))
    await sleep(index % 3 === 0 ? BEYOND_PINGS_MS : random.whole(300, 6_000))
    proxy.release()
  }
  mended()
  await feeding
}

function added(a: EpisodeResult, b: EpisodeResult): EpisodeResult {
  return {
    runs: a.runs + b.runs,
    deliveriesCompared: a.deliveriesCompared + b.deliveriesCompared,
    lost: a.lost + b.lost,
    duplicated: a.duplicated + b.duplicated,
    haltedCleanly: a.haltedCleanly + b.haltedCleanly,
    recoverySeconds: [...a.recoverySeconds, ...b.recoverySeconds],
    failures: [...a.failures, ...b.failures],
  }
}
