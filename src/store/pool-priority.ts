/**
 * Threads of libuv's pool give way to the loop where processors are short. LMDB writes there and
 * waits for the disk, which is a third of a core while a checkpoint goes on, and a loop that woke
 * up for inputs waited until such a thread's slice was over, some milliseconds.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** A third of the loop's share, where both have work: less made checkpoints long. */
const NICENESS = 5
const POOL_THREAD_NAME = 'libuv-worker'

/**
 * Call once the pool has done something: its threads begin with its first task. Where the system
 * names no threads (all but Linux), or forbids it, all stays as it is. Never throws.
 */
export function letPoolGiveWay(): void {
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'utf8')
      if (name.startsWith(POOL_THREAD_NAME)) setPriority(Number(thread), NICENESS)
    }
  } catch {
    // A thread that has ended, or a system without them: nothing depends on it.
  }
}
