/** A partition whose worker reaches its broker through a proxy, while its producer does not. */

import { join } from 'node:path'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { compareStory } from './comparison.ts'
import type { EpisodeResult } from './family.ts'
import { Feeder } from './feeder.ts'
import { OutputFlow } from './output-flow.ts'
import { makeStreams, type RealPartition, startPartition } from './real-partition.ts'
import { untilSettled, workerHere } from './standing.ts'
import { tellStory } from './story.ts'
import { Tally } from './tally.ts'
import { openStage } from './worker-life.ts'

const FEEDING_MS = 300
const FLOW_TIMEOUT_MS = 60_000

/** What one fault of the link has to work with. */
export interface ProxiedPartition {
  readonly proxy: TcpProxy
  readonly partition: RealPartition
  readonly feeder: Feeder
  /** To be called when the link is whole again. */
  mended(): void
  /** Feeds until this share of the current run's part (0 to 1), over a while. */
  feed(part: number): Promise<void>
}

/** How many, and how one is done: breaks the link and mends it again before it resolves. */
export interface LinkFaults {
  readonly seed: number
  readonly runs: number
  readonly deliveriesPerRun: number
  readonly inject: (on: ProxiedPartition, index: number) => Promise<void>
  readonly say: (text: string) => void
}

/** Injects faults of the link into one installation, and compares in the end. */
export async function playLinkFaults(faults: LinkFaults): Promise<EpisodeResult> {
  const { seed, runs, deliveriesPerRun, inject, say } = faults
  const story = tellStory({ seed, deliveries: runs * deliveriesPerRun })
  const stage = await openStage(story)
  const proxy = await TcpProxy.open(stage.server.port)
  try {
    await makeStreams(story, stage.connection)
    const partition = await startPartition({
      url: `nats://127.0.0.1:${proxy.port}`,
      storeDirectory: join(stage.directory, 'store'),
    })
    await partition.worker.untilLive()
    const feeder = new Feeder(story, stage.connection)
    const flow = new OutputFlow(stage.connection)
    const tally = new Tally()
    for (let index = 0; index < runs; index++) {
      const feed = (part: number) => feeder.feedUntil((index + part) / (runs + 1), FEEDING_MS)
      await feed(0.2)
      let mendedAtMs = Number.POSITIVE_INFINITY
      const mended = (): void => {
        mendedAtMs = performance.now()
      }
      await inject({ proxy, partition, feeder, feed, mended }, index)
      const feeding = feed(1)
      const seconds = await flow.secondsUntilFlow(mendedAtMs, FLOW_TIMEOUT_MS)
      await feeding
      tally.noteRecovery(seconds)
      tally.runs += 1
      say(`fault ${index + 1} of ${runs}`)
      if (seconds !== null) continue
      const { status, halt } = partition.worker
      tally.failures.push(`nothing flowed after fault ${index + 1}: ${status} ${halt?.message}`)
      break
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
    await proxy.close()
    await stage.close()
  }
}
