/**
 * A file system of a few megabytes that can be filled to the last byte and emptied again: a tmpfs,
 * which takes the right to mount (root, or everything under `unshare -Urm`).
 */

import { execFile, spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const FILLER = 'filler'
const CHUNK_SIZE = 64 * 1024

/** A mounted small disk; `unmount` it. */
export interface SmallDisk {
  /** Takes all room but about `leftSize` bytes. */
  fill(leftSize: number): void
  /** Gives the room back. */
  empty(): void
  unmount(): Promise<void>
}

/** Mounts a new, empty file system over a directory, which is made. */
export async function mountSmallDisk(directory: string, sizeBytes: number): Promise<SmallDisk> {
  await mkdir(directory, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0755`, 'none', directory])
  const filler = join(directory, FILLER)
  // Whatever becomes of this process: nobody can remove a directory that is mounted over.
  const leave = (): void => void spawnSync('umount', ['--lazy', directory])
  process.once('exit', leave)
  return {
    fill: (leftSize) => {
      const descriptor = openSync(filler, 'a')
      try {
        for (let size = CHUNK_SIZE; size >= 512; size /= 2) writeUntilFull(descriptor, size)
      } finally {
        closeSync(descriptor)
      }
      truncateSync(filler, Math.max(0, statSync(filler).size - leftSize))
    },
    empty: () => rmSync(filler, { force: true }),
    unmount: async () => {
      process.removeListener('exit', leave)
      await run('umount', ['--lazy', directory])
    },
  }
}

/** Why there can be no small disk here; null: there can. */
export async function findMountObstacle(): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-mount-'))
  try {
    const disk = await mountSmallDisk(directory, 1024 * 1024)
    await disk.unmount()
    return null
  } catch {
    return 'a tmpfs cannot be mounted: run it as root, or under `unshare -Urm`'
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function writeUntilFull(descriptor: number, size: number): void {
  const bytes = Buffer.alloc(size, 1)
  for (;;) {
    try {
      if (writeSync(descriptor, bytes) < size) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
      throw error
    }
  }
}
