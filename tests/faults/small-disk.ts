/**
 * A file system of a few megabytes that can be filled to the last byte and emptied again. It takes
 * the right to mount: root, for a tmpfs also everything under `unshare -Urm`.
 *
 * LMDB needs a real one (ext4 on a loop device): a tmpfs gives a page to whoever reads a hole of a
 * mapped file, and sends SIGBUS where it has none left, which no disk does.
 */

import { execFile, spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm, truncate } from 'node:fs/promises'
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
export async function mountSmallDisk(
  directory: string,
  sizeBytes: number,
  kind: 'tmpfs' | 'ext4',
): Promise<SmallDisk> {
  await mkdir(directory, { recursive: true })
  const image = `${directory}.img`
  if (kind === 'tmpfs') {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0755`, 'none', directory])
  } else {
    await (await open(image, 'w')).close()
    await truncate(image, sizeBytes)
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', image])
    await run('mount', ['-o', 'loop', image, directory])
  }
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
      await rm(image, { force: true })
    },
  }
}

/** Why there can be no such disk here; null: there can. */
export async function findMountObstacle(kind: 'tmpfs' | 'ext4'): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'highwater-mount-'))
  try {
    const disk = await mountSmallDisk(directory, 2 * 1024 * 1024, kind)
    await disk.unmount()
    return null
  } catch {
    return kind === 'tmpfs'
      ? 'a tmpfs cannot be mounted: run it as root, or under `unshare -Urm`'
      : 'a small ext4 cannot be mounted: it takes root, mkfs.ext4 and a loop device'
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
