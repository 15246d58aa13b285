/**
 * No room left on a disk. Under the store: the partition halts with `store-commit`, the image of
 * before is whole, and with room it goes on. Under the broker: everybody waits, nothing that was
 * acknowledged is lost, and with room (and, where the server gave up, a restart of it) all goes on.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { dirname } from 'node:path'
import { HighwaterError } from '../../src/errors.ts'
import { verifyImage } from '../../src/partition/verify.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { OutputFlow } from './output-flow.ts'
import { findMountObstacle, mountSmallDisk } from './small-disk.ts'
import { openRoom, reasonOf, type StorageRoom } from './storage-room.ts'
import { Tally } from './tally.ts'

const MIB = 1024 * 1024
const STORE_DELIVERIES = 700
const NATS_DELIVERIES = 300
/** A stream's limit is set aside by the server, which has less than the defaults ask for. */
const UNRESERVED = { inputMaxSize: -1, outputMaxSize: -1, rejectMaxSize: -1 }
const ATTEMPTS = 2
const FEEDING_MS = 300
const FLOW_TIMEOUT_MS = 20_000
/** A server that has not taken anything for so long after it got room has given up. */
const GIVEN_UP_MS = 3_000

/** A full disk under LMDB. */
export const DISK_FULL_STORE: FaultFamily = {
  name: 'disk-full-lmdb',
  summary:
    'no room under the store in the middle of checkpoints: store-commit, the old image whole',
  runs: 30,
  runsPerEpisode: 10,
  findObstacle: () => findMountObstacle('ext4'),
  play: playStore,
}

/** A full disk under nats-server. */
export const DISK_FULL_NATS: FaultFamily = {
  name: 'disk-full-nats',
  summary: 'no room under the broker: everybody waits, nothing acknowledged is lost',
  runs: 30,
  runsPerEpisode: 10,
  findObstacle: () => findMountObstacle('tmpfs'),
  play: playNats,
}

async function playStore({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const room = await openRoom(seed, (ATTEMPTS * runs + 1) * STORE_DELIVERIES)
  const disk = await mountSmallDisk(dirname(room.store), 64 * MIB, 'ext4')
  const tally = new Tally()
  try {
    const flow = new OutputFlow(room.installation.connection)
    let worker = await room.start()
    await room.feeder.feedUntil(0.5 / (ATTEMPTS * runs + 1))
    await room.settle(worker)
    // LMDB may find all the room that it needs among its own free pages: then nothing happened.
    for (let attempt = 0; tally.runs < runs && attempt < ATTEMPTS * runs; attempt++) {
      const share = (each: number): number => (attempt + each) / (ATTEMPTS * runs + 1)
      disk.fill(random.pick([0, random.whole(0, 64 * 1024)]))
      await room.feeder.feedUntil(share(1), FEEDING_MS)
      await room.settle(worker)
      await worker.worker.checkpoint().catch(() => undefined)
      const reason = reasonOf(worker.worker.halt)
      await worker.crash()
      if (reason !== null) tally.runs += 1
      if (reason === 'store-commit') tally.haltedCleanly += 1
      else if (reason !== null) tally.failures.push(`attempt ${attempt + 1}: ${reason}`)
      // A start without room must do no harm either.
      if (random.chance(0.3)) await startInVain(room, tally)
      disk.empty()
      tally.failures.push(...(await findDamage(room)))
      const startedAtMs = performance.now()
      worker = await room.start()
      const extra = room.feeder.feedUntil(share(1.5))
      tally.noteRecovery(await flow.secondsUntilFlow(startedAtMs, FLOW_TIMEOUT_MS))
      await extra
      await room.settle(worker)
      say(`${tally.runs} of ${runs}: ${reason ?? 'no room was needed'}`)
    }
    if (tally.runs < runs) tally.failures.push(`only ${tally.runs} of ${runs} needed room`)
    await room.feeder.feedUntil(1)
    await room.settle(worker)
    const comparison = await room.compare(worker, true)
    await worker.crash()
    flow.close()
    return tally.result(comparison)
  } finally {
    await disk.unmount()
    await room.close()
  }
}

async function startInVain(room: StorageRoom, tally: Tally): Promise<void> {
  try {
    const worker = await room.start()
    await worker.crash()
  } catch (error) {
    if (!(error instanceof HighwaterError)) throw error
    if (error.code !== 'HW_STORE') tally.failures.push(`a start without room: ${error.code}`)
  }
}

async function findDamage(room: StorageRoom): Promise<string[]> {
  const store = await openStore(room.store)
  try {
    const { checks } = verifyImage(store, { partition: 0, partitionCount: 1 })
    return checks
      .filter(({ outcome }) => outcome !== 'ok')
      .map(({ name, detail }) => `${name} after a full disk: ${detail}`)
  } finally {
    await store.close()
  }
}

async function playNats({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const room = await openRoom(seed, (runs + 1) * NATS_DELIVERIES, UNRESERVED)
  const { server } = room.installation
  await server.kill('SIGTERM')
  const disk = await mountSmallDisk(server.storeDirectory, 64 * MIB, 'tmpfs')
  const tally = new Tally()
  try {
    await server.restart()
    await room.installation.untilConnected()
    const flow = new OutputFlow(room.installation.connection)
    const worker = await room.start()
    for (let run = 0; run < runs; run++) {
      const feeding = room.feeder.feedUntil((run + 1) / (runs + 1), 700)
      await sleep(random.whole(0, 400))
      disk.fill(random.pick([0, random.whole(0, 64 * 1024)]))
      await sleep(random.whole(300, 1_500))
      disk.empty()
      const emptiedAtMs = performance.now()
      // The input may all have been in before the disk was full, and the output not out.
      const settled = feeding.then(() => room.settle(worker))
      const isRestarted = await untilTaken(room, settled)
      await settled
      const reason = reasonOf(worker.worker.halt)
      if (reason !== null) {
        tally.failures.push(`run ${run + 1}: the partition halted: ${reason}`)
        break
      }
      tally.noteRecovery(await flow.secondsUntilFlow(emptiedAtMs, FLOW_TIMEOUT_MS))
      tally.runs += 1
      say(`${run + 1} of ${runs}${isRestarted ? ', the server had given up' : ''}`)
    }
    await room.feeder.feedUntil(1)
    await room.settle(worker)
    const comparison = await room.compare(worker, true)
    await worker.crash()
    flow.close()
    return tally.result(comparison)
  } finally {
    await disk.unmount()
    await room.close()
  }
}

/** Resolves when all is in and out; the server is started again where it takes nothing. */
async function untilTaken(room: StorageRoom, settled: Promise<unknown>): Promise<boolean> {
  const isSettled = await Promise.race([settled.then(() => true), sleep(GIVEN_UP_MS, false)])
  if (isSettled) return false
  // nats-server 2.9 hangs in this state, its orderly end too.
  await room.installation.server.kill('SIGKILL')
  await room.installation.server.restart()
  await room.installation.untilConnected()
  return true
}
