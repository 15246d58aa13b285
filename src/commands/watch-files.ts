/**
 * What the watch keeps on disk: its state, replaced before anything is said, and snapshots of the
 * fold, the last two of them. For the owner's eyes only: the fold holds numbers.
 */

import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { WallClock } from '../model/wall-clock.ts'
import { ReportFold } from '../report/fold.ts'
import { decodeFold, encodeFold, type FoldIdentity } from '../report/snapshot.ts'
import { NO_STATE, parseWatchState, type WatchState } from '../report/watch-state.ts'

/** Newest snapshot in the directory; the one before has `.old` behind. */
export const SNAPSHOT_FILE = 'fold.snapshot'
const OLD = '.old'
const STATE_FILE = 'watch.json'
const OWNER_ONLY = 0o600

/** Files of one watch. */
export class WatchFiles {
  readonly #directory: string
  readonly #identity: FoldIdentity
  readonly #logger: Logger

  constructor(directory: string, identity: FoldIdentity, logger: Logger) {
    this.#directory = directory
    this.#identity = identity
    this.#logger = logger
  }

  /** The newest fold that can be used; a new one where there is none. */
  async readFold(clock: WallClock): Promise<ReportFold> {
    for (const name of [SNAPSHOT_FILE, `${SNAPSHOT_FILE}${OLD}`]) {
      const bytes = await this.#read(name)
      if (bytes === null) continue
      const reading = decodeFold(bytes, this.#identity, clock)
      if (reading.kind === 'fold') return reading.fold
      this.#logger.warn({ file: name, why: reading.why }, 'snapshot refused: folded anew')
    }
    return new ReportFold(clock)
  }

  async writeFold(fold: ReportFold): Promise<void> {
    const bytes = encodeFold(fold, this.#identity)
    const path = join(this.#directory, SNAPSHOT_FILE)
    await this.#writeBeside(path, bytes)
    await rename(path, `${path}${OLD}`).catch(ignoreMissing)
    await rename(`${path}.new`, path)
    await syncDirectory(this.#directory)
  }

  /** @throws Error when the file is there and is none of ours: guessing could say things twice */
  async readState(): Promise<WatchState> {
    const bytes = await this.#read(STATE_FILE)
    if (bytes === null) return NO_STATE
    const state = parseWatchState(JSON.parse(new TextDecoder().decode(bytes)))
    if (state !== null) return state
    throw new Error(`${STATE_FILE} in watch.directory is not one of this version`)
  }

  async writeState(state: WatchState): Promise<void> {
    const path = join(this.#directory, STATE_FILE)
    await this.#writeBeside(path, new TextEncoder().encode(JSON.stringify(state)))
    await rename(`${path}.new`, path)
    await syncDirectory(this.#directory)
  }

  async #read(name: string): Promise<Uint8Array | null> {
    try {
      return await readFile(join(this.#directory, name))
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async #writeBeside(path: string, bytes: Uint8Array): Promise<void> {
    const file = await open(`${path}.new`, 'w', OWNER_ONLY)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}
