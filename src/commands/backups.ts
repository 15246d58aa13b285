/**
 * Backups of one process: which directory, one at a time per partition, named, noted, on disk or
 * not there at all.
 */

import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HighwaterError, StoreError } from '../errors.ts'
import type { BackupNote, BackupOutcome, ImageReader, StoreSnapshot } from '../model/backup.ts'
import type { WaitingClock } from '../model/ports.ts'
import { committedPages, noteOf } from '../partition/backup.ts'
import { readManifestHead } from '../partition/image.ts'
import { writeBackupFile } from '../store/backup-file.ts'
import { syncDirectory } from '../store/partition-directory.ts'

/** Where and how fast. */
export interface BackupSettings {
  /** Made with rights for its owner alone, unless it is there. */
  readonly directory: string
  /** Bytes per second that a backup may take. */
  readonly bandwidth: number
  readonly clock: WaitingClock
}

/** Takes a backup of one partition; null: of all that are here. Never rejects. */
export type TakeBackups = (partition: number | null) => Promise<BackupOutcome>

/**
 * Backups of the partitions of a running worker. `snapshotOf`: null for a partition whose store is
 * not open here.
 */
export function createBackups(
  settings: BackupSettings | null,
  partitions: () => readonly number[],
  snapshotOf: (partition: number) => StoreSnapshot | null,
): TakeBackups {
  const running = new Set<number>()
  return async (partition) => {
    if (settings === null) return { kind: 'not-configured' }
    const wanted = partition === null ? partitions() : [partition]
    if (wanted.some((each) => running.has(each))) return { kind: 'busy' }
    for (const each of wanted) running.add(each)
    try {
      const backups: BackupNote[] = []
      for (const each of wanted) {
        const snapshot = snapshotOf(each)
        if (snapshot === null) {
          return { kind: 'no-image', error: `partition ${each} is not at work here` }
        }
        try {
          const note = await takeBackup(settings, each, snapshot)
          if (note !== null) backups.push(note)
        } finally {
          snapshot.release()
        }
      }
      if (backups.length > 0) return { kind: 'taken', backups }
      return { kind: 'no-image', error: 'there was no checkpoint yet' }
    } catch (error) {
      return { kind: 'failed', error: sentenceOf(error) }
    } finally {
      for (const each of wanted) running.delete(each)
    }
  }
}

/**
 * Writes one backup and its note; null when the image is none yet. What fails leaves nothing
 * behind. Throws StoreError, PartitionHaltedError for a damaged manifest, or the file system's
 * error.
 */
export async function takeBackup(
  { directory, bandwidth, clock }: BackupSettings,
  partition: number,
  image: ImageReader,
): Promise<BackupNote | null> {
  const head = readManifestHead(image)
  if (head === null) return null
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await removeRemains(directory, partition)
  const takenAt = new Date(clock.nowMs()).toISOString()
  const stamp = takenAt.replaceAll(/[-:.]/g, '')
  const file = `partition-${partition}.${stamp}.generation-${head.generation}.backup`
  const partial = join(directory, `.${file}${PARTIAL_SUFFIX}`)
  const target = join(directory, file)
  const startedAtMs = clock.nowMs()
  const pace = async (writtenSize: number): Promise<void> => {
    const aheadMs = startedAtMs + (writtenSize / bandwidth) * 1000 - clock.nowMs()
    if (aheadMs > 1) await clock.pause(aheadMs)
    else await clock.turn()
  }
  try {
    const pages = committedPages(image.readManifest(), head)
    const written = await writeBackupFile(partial, image, pages, pace)
    const note: BackupNote = { version: 1, file, ...noteOf(head), takenAt, ...written }
    await rename(partial, target)
    await writeWhole(`${target}.json`, `${JSON.stringify(note, null, 2)}\n`)
    await syncDirectory(directory)
    return note
  } catch (error) {
    // A backup that nobody was told of would only take the room of the next.
    for (const path of [partial, target, `${target}.json`]) await rm(path, { force: true })
    throw error
  }
}

const PARTIAL_SUFFIX = '.partial'

/** What a process that was killed left of its last attempt. */
async function removeRemains(directory: string, partition: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`.partition-${partition}.`) || !name.endsWith(PARTIAL_SUFFIX)) continue
    await rm(join(directory, name), { force: true })
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Why it failed, without paths: `No space left on device` is for whoever asked, a path is not. */
function sentenceOf(error: unknown): string {
  if (error instanceof StoreError || error instanceof HighwaterError) return error.message
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : error.name
  return `the backup cannot be written: ${code}`
}
