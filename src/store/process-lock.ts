/**
 * A lock on a directory that lives exactly as long as its process: the kernel drops it on kill -9,
 * and there is no stale file to clean up. Node has no flock, but its SQLite holds an fcntl lock
 * while a transaction is open, and keeps two openers of one process apart as well.
 */

import { join } from 'node:path'
import { StoreError, StoreLockedError } from '../errors.ts'

/** A held lock; `release` gives it up and may be called twice. */
export interface ProcessLock {
  release(): void
}

const SQLITE_BUSY = 5

/**
 * Takes the exclusive lock of an existing directory (file `lock.db` in it), at once or not at all.
 * @throws {StoreLockedError} when a living process, also this one, holds it
 * @throws {StoreError} when the directory cannot be used
 */
export function lockDirectory(directory: string): ProcessLock {
  const { DatabaseSync } = loadSqlite()
  const database = openOrFail(() => new DatabaseSync(join(directory, 'lock.db')), directory)
  try {
    // Nothing is ever written, so no journal appears: the open transaction is the lock.
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) {
      throw new StoreLockedError(`${directory} is in use by another process`, { cause: error })
    }
    throw new StoreError(`${directory} cannot be locked`, { cause: error })
  }
  let isHeld = true
  return {
    release(): void {
      if (isHeld) database.close()
      isHeld = false
    },
  }
}

function openOrFail<T>(open: () => T, directory: string): T {
  try {
    return open()
  } catch (error) {
    throw new StoreError(`${directory} cannot be locked`, { cause: error })
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

/**
 * Earlier releases of Node 24 warn when SQLite is loaded; that one warning is kept off the
 * terminal.
 */
function loadSqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('SQLite')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }) as typeof process.emitWarning
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
