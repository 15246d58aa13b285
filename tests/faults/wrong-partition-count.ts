/**
 * A configuration that counts partitions otherwise than the streams were made for, or streams of
 * another partition: a subscriber would be looked for in the wrong one. Refused, and nothing said.
 */

import { HighwaterError } from '../../src/errors.ts'
import { encodeGenesis } from '../../src/probe/encode.ts'
import { DEFAULT_STREAM_LIMITS } from '../../src/sink/stream-settings.ts'
import { ensureStreams } from '../../src/sink/streams.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { openRoom, reasonOf, type StorageRoom } from './storage-room.ts'
import { genesisSettings } from './story.ts'
import { Tally } from './tally.ts'

const DELIVERIES_PER_RUN = 150

/** Counts of 2 to 64 over streams of one partition, and streams that are another partition's. */
export const WRONG_PARTITION_COUNT: FaultFamily = {
  name: 'wrong-partition-count',
  summary: 'settings or genesis of another partition count: refused, nothing said, then it goes on',
  runs: 40,
  runsPerEpisode: 20,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const room = await openRoom(seed, (runs + 1) * DELIVERIES_PER_RUN)
  const tally = new Tally()
  try {
    for (let run = 0; run < runs; run++) {
      const worker = await room.start()
      await room.feeder.feedUntil((run + 1) / (runs + 1))
      await room.settle(worker)
      await room.installation.stop(worker)
      const isForeign = run % 4 === 3
      const said = await lastOfOut(room)
      const reason = isForeign
        ? await startOnForeign(room, 1 + run)
        : await startCounting(room, random.whole(2, 64))
      const expected = isForeign ? 'genesis-mismatch' : 'HW_BROKER_REFUSED'
      if (reason === expected) tally.haltedCleanly += 1
      else tally.failures.push(`run ${run + 1}: ${reason}, not ${expected}`)
      if ((await lastOfOut(room)) !== said) tally.failures.push(`run ${run + 1}: it said something`)
      tally.runs += 1
      say(`${run + 1} of ${runs}: ${reason}`)
    }
    const last = await room.start()
    await room.feeder.feedUntil(1)
    await room.settle(last)
    const comparison = await room.compare(last, true)
    await last.crash()
    return tally.result(comparison)
  } finally {
    await room.close()
  }
}

/** The whole worker with other settings over the same store and streams. */
async function startCounting(room: StorageRoom, count: number): Promise<string | null> {
  const config = await room.installation.writeConfig('a', room.story.files, {
    genesis: genesisSettings(room.story),
    partitions: { count, owned: [0] },
  })
  const running = await room.installation.serve(config)
  try {
    await running.supervisor.untilLive()
    return null
  } catch (error) {
    return error instanceof HighwaterError ? reasonOf(error) : String(error)
  } finally {
    await running.stop()
  }
}

/** A partition whose log begins with the genesis of another one. */
async function startOnForeign(room: StorageRoom, partition: number): Promise<string | null> {
  const { files, clock } = room.story
  const genesis = encodeGenesis({
    id: 'genesis-0',
    partitionCount: 1,
    partition: 0,
    zone: 'Asia/Shanghai',
    clock,
    generation: 1,
    files,
  })
  await ensureStreams(room.installation.connection, partition, DEFAULT_STREAM_LIMITS, genesis)
  const started = await room.installation.startWorker({ name: 'foreign', partition })
  await started.worker.untilLive().catch(() => undefined)
  const reason = reasonOf(started.worker.halt)
  await started.crash()
  return reason
}

async function lastOfOut(room: StorageRoom): Promise<number> {
  const manager = await room.installation.manager()
  return (await manager.streams.info('OUT_0')).state.last_seq
}
