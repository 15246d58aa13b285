/**
 * Room on the disk for what LMDB needs to open an environment, made sure of before it is opened.
 * The library (lmdb 3.5.6) survives a full disk while it writes, but not while it opens:
 *
 * - its lock file (the table of readers) gets its length first and is written through a shared
 *   mapping: where there is no room for the page behind, the kernel ends the process with SIGBUS;
 * - a new environment whose first pages cannot be written is freed twice (EnvWrap::openEnv), which
 *   is a segmentation fault.
 *
 * A compaction on a full disk met both.
 */

import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'

/** LMDB wants 8,272 bytes for its default of 126 readers; more is for more readers. */
const LOCK_FILE_SIZE = 12 * 1024
/** More than the first pages of a new environment and of the trees in it. */
const NEW_FILE_SIZE = 256 * 1024
/** Unit of `blocks` in a stat, bytes. */
const BLOCK_SIZE = 512
const PROBE_SUFFIX = '-room'

/**
 * Makes sure of the room for an environment's files. Nobody may have it open.
 * @throws the file system's error, e.g. ENOSPC
 */
export function reserveEnvironment(dataFile: string, lockFile: string): void {
  if ((statSync(dataFile, { throwIfNoEntry: false })?.size ?? 0) === 0) probe(dataFile)
  const lock = statSync(lockFile, { throwIfNoEntry: false })
  const isWhole = lock !== undefined && lock.blocks * BLOCK_SIZE >= lock.size
  // Whoever opens an environment alone begins the table anew: what stood there counts for nothing.
  if (!isWhole || lock.size < LOCK_FILE_SIZE) writeZeros(lockFile, LOCK_FILE_SIZE)
}

/** Whether so much could be written just now; nothing of it stays. */
function probe(dataFile: string): void {
  const file = dataFile + PROBE_SUFFIX
  try {
    writeZeros(file, NEW_FILE_SIZE)
  } finally {
    rmSync(file, { force: true })
  }
}

function writeZeros(path: string, size: number): void {
  const descriptor = openSync(path, 'w', 0o664)
  try {
    const zeros = new Uint8Array(size)
    for (let at = 0; at < size; ) at += writeSync(descriptor, zeros, at)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
