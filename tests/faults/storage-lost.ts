/**
 * The store's directory gone, or an older copy of it in its place: with IN whole from where it must
 * go on, the same decisions are made and none is said twice; otherwise a halt.
 */

import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { takeBackup } from '../../src/commands/backups.ts'
import { fillStore } from '../../src/commands/restore.ts'
import { SYSTEM_CLOCK } from '../../src/partition/system-clock.ts'
import { openBackupFile } from '../../src/store/backup-file.ts'
import { openStore } from '../../src/store/lmdb-store.ts'
import { dropOldest } from '../support/stream-tampering.ts'
import { until } from '../support/worker-harness.ts'
import { Random } from '../support/workload/random.ts'
import type { EpisodeOptions, EpisodeResult, FaultFamily } from './family.ts'
import { OutputFlow } from './output-flow.ts'
import { openRoom, reasonOf, type StorageRoom } from './storage-room.ts'
import { Tally } from './tally.ts'

const DELIVERIES_PER_RUN = 400
const FLOW_TIMEOUT_MS = 20_000

/** What becomes of the store while nobody is at work. */
const LOSSES = ['removed', 'older copy', 'older backup'] as const

/** Losses in turn, and at the end of an episode one that must halt. */
export const STORE_LOST: FaultFamily = {
  name: 'store-lost',
  summary: 'the store removed, or an older copy or backup put back: replay, or a halt',
  runs: 60,
  runsPerEpisode: 15,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const random = new Random(seed)
  const room = await openRoom(seed, runs * DELIVERIES_PER_RUN)
  const tally = new Tally()
  try {
    const flow = new OutputFlow(room.installation.connection)
    let worker = await room.start()
    await room.feeder.feedUntil(1 / (runs + 1))
    await room.settle(worker)
    for (let run = 1; run < runs; run++) {
      const loss = random.pick(LOSSES)
      // After a loss of everything there is no image to copy before the first of this life.
      const life = worker.worker
      await until('there is an image', () => (life.statistics?.checkpoints ?? 0) > 0)
      await worker.crash()
      await keepCopy(room)
      worker = await room.start()
      await room.feeder.feedUntil((run + random.whole(2, 10) / 10) / (runs + 1))
      // In the middle of what it does, not only when all is said.
      if (random.chance(0.5)) await room.settle(worker)
      await worker.crash()
      await lose(room, loss)
      const startedAtMs = performance.now()
      worker = await room.start()
      const reason = reasonOf(worker.worker.halt)
      if (reason !== null) tally.failures.push(`${loss}: it halted: ${reason}`)
      await room.feeder.feedUntil((run + 1) / (runs + 1))
      tally.noteRecovery(await flow.secondsUntilFlow(startedAtMs, FLOW_TIMEOUT_MS))
      tally.runs += 1
      say(`${loss}, ${run} of ${runs}`)
    }
    await room.feeder.feedUntil(1)
    await room.settle(worker)
    const comparison = await room.compare(worker, true)
    await worker.crash()
    if (await haltsWithoutInput(room)) tally.haltedCleanly += 1
    else tally.failures.push('a store that was lost with the input before it did not halt')
    tally.runs += 1
    flow.close()
    return tally.result(comparison)
  } finally {
    await room.close()
  }
}

/** A copy and a backup of the store as it is; nobody has it open. */
async function keepCopy(room: StorageRoom): Promise<void> {
  await rm(backupsOf(room), { recursive: true, force: true })
  const store = await openStore(room.store)
  try {
    const settings = { directory: backupsOf(room), bandwidth: 1e9, clock: SYSTEM_CLOCK }
    if ((await takeBackup(settings, 0, store)) === null) throw new Error('there is no image yet')
  } finally {
    await store.close()
  }
  const copy = copyOf(room)
  await rm(copy, { recursive: true, force: true })
  await cp(room.store, copy, { recursive: true })
}

async function lose(room: StorageRoom, loss: (typeof LOSSES)[number]): Promise<void> {
  await rm(room.store, { recursive: true })
  if (loss === 'removed') return
  if (loss === 'older copy') {
    await cp(copyOf(room), room.store, { recursive: true })
    return
  }
  const name = (await readdir(backupsOf(room))).find((each) => each.endsWith('.backup'))!
  const backup = openBackupFile(join(backupsOf(room), name))
  try {
    await fillStore(room.store, backup)
  } finally {
    backup.close()
  }
}

/** IN no longer begins with genesis, or with what the older copy needs: nothing can go on. */
async function haltsWithoutInput(room: StorageRoom): Promise<boolean> {
  await dropOldest(room.installation, 'IN_0', 5)
  for (const loss of ['removed', 'older copy'] as const) {
    await lose(room, loss)
    const { worker, crash } = await room.start()
    await crash()
    if (reasonOf(worker.halt) !== 'input-gap') return false
  }
  return true
}

function copyOf(room: StorageRoom): string {
  return join(room.installation.directory, 'older-store')
}

function backupsOf(room: StorageRoom): string {
  return join(room.installation.directory, 'backups')
}
