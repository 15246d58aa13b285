/**
 * A disk that can lose its power: an ext4 file system of its own on a loop device. The cut is
 * ext4's own shutdown (EXT4_IOC_SHUTDOWN without a flush of the journal, which the kernel's own
 * file system tests use): from that instant on nothing reaches the device any more, and whatever
 * was written but not synced is gone with the page cache when the file system is mounted again and
 * replays its journal.
 *
 * The processes are stopped first, by the same program and in the same breath: none of them can
 * acknowledge anything after the cut. A sync that is under way is cut in the middle.
 *
 * What this is not: a device that breaks its word. Everything that the device had accepted is
 * there afterwards, also what was not yet flushed in its own cache; and it writes whole sectors.
 */

import { execFile, spawnSync } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A disk in memory syncs at once; what is tested is what reached it. */
const MEMORY = '/dev/shm'
const SIZE = 192 * 1024 * 1024
const BUSY_RETRIES = 100
const BUSY_RETRY_MS = 50

/** _IOR('X', 125, __u32) of linux/fs/ext4/ext4.h; 2: without flushing the journal. */
const CUT = `
my ($place, @pids) = @ARGV;
open(my $folder, '<', $place) or die "open: $!";
my $flags = pack('L', 2);
kill 'STOP', @pids;
ioctl($folder, 0x8004587D, $flags) or die "ioctl: $!";
kill 'KILL', @pids;
`

/** Why this machine cannot cut the power of a disk, in one sentence; null: it can. */
export async function findDiskObstacle(): Promise<string | null> {
  if (process.platform !== 'linux') return 'power loss is tried on Linux only'
  if (process.getuid?.() !== 0) return 'power loss needs root, to mount a file system of its own'
  let disk: BlockDevice | null = null
  try {
    disk = await BlockDevice.open()
    await disk.cut([])
    await disk.mount()
    return null
  } catch (error) {
    const why = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    return `power loss needs mkfs.ext4, mount with loop devices and perl: ${why}`
  } finally {
    await disk?.close()
  }
}

/** One disk; `folder` is where it is mounted. */
export class BlockDevice {
  readonly folder: string
  readonly #image: string
  readonly #directory: string
  readonly #onExit = (): void => {
    // Whatever ends this process: no mount is left behind.
    spawnSync('umount', ['-l', this.folder])
    spawnSync('rm', ['-rf', this.#directory])
  }
  #isMounted = false

  private constructor(directory: string) {
    this.#directory = directory
    this.#image = join(directory, 'disk.img')
    this.folder = join(directory, 'disk')
    process.once('exit', this.#onExit)
  }

  /** Makes an empty disk and mounts it. Whoever opens it closes it. */
  static async open(): Promise<BlockDevice> {
    const place = await access(MEMORY, constants.W_OK).then(
      () => MEMORY,
      () => tmpdir(),
    )
    const device = new BlockDevice(await mkdtemp(join(place, 'highwater-disk-')))
    try {
      await mkdir(device.folder)
      const image = await open(device.#image, 'w')
      await image.truncate(SIZE)
      await image.close()
      await run('mkfs.ext4', ['-q', '-F', device.#image])
      await device.mount()
      return device
    } catch (error) {
      await device.close()
      throw error
    }
  }

  /** All that is written so far reaches the device, as it does by itself after half a minute. */
  async sync(): Promise<void> {
    await run('sync', ['-f', this.folder])
  }

  /** Stops these processes, cuts the power, and ends them. Mount it again to see what is left. */
  async cut(pids: readonly number[]): Promise<void> {
    await run('perl', ['-e', CUT, this.folder, ...pids.map(String)])
    await this.#unmount()
  }

  /** The power is back: the journal is replayed. */
  async mount(): Promise<void> {
    await run('mount', ['-o', 'loop', this.#image, this.folder])
    this.#isMounted = true
  }

  async close(): Promise<void> {
    await this.#unmount()
    await rm(this.#directory, { recursive: true, force: true })
    process.removeListener('exit', this.#onExit)
  }

  async #unmount(): Promise<void> {
    for (let retries = 0; this.#isMounted; retries++) {
      try {
        await run('umount', [this.folder])
        this.#isMounted = false
      } catch (error) {
        // A process that was killed a moment ago still holds its files.
        if (retries === BUSY_RETRIES) throw error
        await sleep(BUSY_RETRY_MS)
      }
    }
  }
}
