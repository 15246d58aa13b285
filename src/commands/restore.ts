/**
 * `highwater restore --config DIR --partition P --from FILE`: a backup becomes the store of a
 * partition, on this machine or another. Checked before; never over something that is there.
 */

import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfigDirectory } from '../config/load.ts'
import { BackupFailedError } from '../errors.ts'
import { type BackupFile, openBackupFile } from '../store/backup-file.ts'
import { openStore } from '../store/lmdb-store.ts'
import { partitionDirectory, syncDirectory } from '../store/partition-directory.ts'
import { lockDirectory } from '../store/process-lock.ts'
import { printVerdict, verifyBackup } from './verify.ts'

/** Options of `restore`. */
export interface RestoreOptions {
  readonly config: string
  readonly partition: number
  readonly from: string
  /** Moves a store that is there aside. */
  readonly isForced: boolean
  /** Leaves the streams out of the checks. */
  readonly isOffline: boolean
}

/** Bytes of pages under way to the store at most. */
const IN_FLIGHT_SIZE_MAX = 8 * 1024 * 1024

/** Prints the checks and what was done; exit code 1, and nothing done, when a check failed. */
export async function runRestore(options: RestoreOptions): Promise<number> {
  const { settings } = await loadConfigDirectory(options.config)
  const { partition, from, isForced } = options
  const target = partitionDirectory(settings.store.directory, partition)
  if (!isForced && existsSync(join(target, 'state.mdb'))) {
    throw new BackupFailedError(`${target} holds a store: --force moves it aside`)
  }
  const verdict = await verifyBackup(settings, partition, from, options.isOffline)
  printVerdict(verdict)
  if (verdict.checks.some(({ outcome }) => outcome === 'failed')) {
    console.error(`${from} was not restored`)
    return 1
  }
  const backup = openBackupFile(from)
  try {
    const aside = await putInPlace(backup, target)
    if (aside !== null) console.log(`the store that was there is ${aside} now`)
  } finally {
    backup.close()
  }
  console.log(`partition ${partition}: restored into ${target}`)
  return 0
}

/**
 * Builds the store beside its place and moves it there whole: a crash leaves the old one or the new
 * one. Returns where the old one went, null when there was none. Throws StoreLockedError while a
 * worker has it.
 */
async function putInPlace(backup: BackupFile, target: string): Promise<string | null> {
  const parent = join(target, '..')
  await mkdir(parent, { recursive: true })
  const fresh = `${target}.restoring`
  await rm(fresh, { recursive: true, force: true })
  if (!existsSync(target)) {
    await fillStore(fresh, backup)
    await rename(fresh, target)
    await syncDirectory(parent)
    return null
  }
  const lock = lockDirectory(target)
  try {
    await fillStore(fresh, backup)
    const aside = findFree(`${target}.before-restore`)
    await rename(target, aside)
    await rename(fresh, target)
    await syncDirectory(parent)
    if (existsSync(join(aside, 'state.mdb'))) return aside
    // Nothing but our lock file.
    await rm(aside, { recursive: true, force: true })
    return null
  } finally {
    lock.release()
  }
}

/** Makes a store of a backup in a directory that does not exist yet. */
export async function fillStore(directory: string, backup: BackupFile): Promise<void> {
  await mkdir(directory, { mode: 0o700 })
  const store = await openStore(directory)
  try {
    let writes: Promise<unknown>[] = []
    let inFlightSize = 0
    for (const address of backup.pages) {
      const bytes = backup.readPage(address)
      if (bytes === null) throw new BackupFailedError('the backup changed while it was read')
      writes.push(store.writePage(address, bytes))
      inFlightSize += bytes.byteLength
      if (inFlightSize < IN_FLIGHT_SIZE_MAX) continue
      await Promise.all(writes)
      writes = []
      inFlightSize = 0
    }
    await Promise.all(writes)
    await store.commitManifest(backup.readManifest())
  } finally {
    await store.close()
  }
}

function findFree(path: string): string {
  for (let number = 1; ; number++) {
    if (!existsSync(`${path}-${number}`)) return `${path}-${number}`
  }
}
