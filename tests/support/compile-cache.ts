/**
 * What Node makes of the sources, kept for the hundreds of processes that tests start: each would
 * read and strip all of them anew, which is more than half of its time to start.
 */

import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PROJECT_ROOT } from '../../src/launch.mjs'

/** Folder of what is kept, by the text of each source and Node's version; of all runs. */
export const COMPILE_CACHE = join(tmpdir(), 'highwater-compile-cache')

/** Fills the cache: a process that is killed leaves nothing in it. */
export async function fillCompileCache(): Promise<void> {
  await mkdir(COMPILE_CACHE, { recursive: true })
  const main = join(PROJECT_ROOT, 'src', 'main.ts')
  await promisify(execFile)(process.execPath, [main, '--version'], {
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
  })
}
