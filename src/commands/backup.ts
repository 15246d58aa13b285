/**
 * `highwater backup --config DIR`: a copy of each partition's last checkpoint, by the running
 * worker or, where none runs, by this process.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfigDirectory } from '../config/load.ts'
import { ownedPartitions, type Settings } from '../config/settings.ts'
import { BackupFailedError, StoreLockedError, UsageError } from '../errors.ts'
import type { BackupNote } from '../model/backup.ts'
import { SYSTEM_CLOCK } from '../partition/system-clock.ts'
import { openStore } from '../store/lmdb-store.ts'
import { partitionDirectory } from '../store/partition-directory.ts'
import { type BackupSettings, takeBackup } from './backups.ts'
import { askRunningWorker } from './running-worker.ts'

/** Options of `backup`. */
export interface BackupOptions {
  readonly config: string
  /** Null: all that the configuration owns. */
  readonly partition: number | null
  /** The worker's address; null: as configured, if a worker holds the stores. */
  readonly url: string | null
  readonly isJson: boolean
}

/** Prints a line per backup; throws when one could not be taken. */
export async function runBackup(options: BackupOptions): Promise<number> {
  const { settings } = await loadConfigDirectory(options.config)
  const backups = backupSettings(settings)
  if (backups === null) throw new UsageError('backup.directory is not set in highwater.yaml')
  const partitions = options.partition === null ? ownedPartitions(settings) : [options.partition]
  let taken = 0
  for (const partition of partitions) {
    const note = await backUp(settings, backups, partition, options.url)
    if (note === null) {
      if (!options.isJson) console.log(`partition ${partition}: no checkpoint yet`)
      continue
    }
    taken += 1
    if (options.isJson) console.log(JSON.stringify(note))
    else {
      const { file, generation, inputSequence, sizeBytes } = note
      const place = `generation ${generation}, input ${inputSequence}, ${sizeBytes} bytes`
      console.log(`partition ${partition}: ${join(backups.directory, file)} (${place})`)
    }
  }
  return taken > 0 ? 0 : 1
}

/** Where and how fast a process takes backups; null: no directory is configured. */
export function backupSettings(settings: Settings): BackupSettings | null {
  const { directory } = settings.backup
  const bandwidth = settings.checkpoint.bandwidthBytesPerSecond
  return directory === null ? null : { directory, bandwidth, clock: SYSTEM_CLOCK }
}

async function backUp(
  settings: Settings,
  backups: BackupSettings,
  partition: number,
  url: string | null,
): Promise<BackupNote | null> {
  if (url !== null) return askWorker(settings, url, partition)
  const directory = partitionDirectory(settings.store.directory, partition)
  // Opening would make it.
  if (!existsSync(join(directory, 'state.mdb'))) return null
  try {
    const store = await openStore(directory)
    try {
      return await takeBackup(backups, partition, store)
    } finally {
      await store.close()
    }
  } catch (error) {
    if (!(error instanceof StoreLockedError)) throw error
    return askWorker(settings, null, partition)
  }
}

async function askWorker(
  settings: Settings,
  url: string | null,
  partition: number,
): Promise<BackupNote | null> {
  const path = `/-/backup?partition=${partition}`
  const answer = await askRunningWorker<{ backups: BackupNote[] }>(settings, url, path, 'POST')
  const { body, error } = answer
  if (error === null) return body?.backups[0] ?? null
  if (error.code === 'HW_BACKUP_NO_IMAGE') return null
  throw new BackupFailedError(`${error.code} ${error.message}`)
}
