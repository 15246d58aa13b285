/** Runs once before all tests: what they stand on must be there, or none of them means anything. */

import { ensureDebianProgram, NODE_MAJOR_MIN } from '../../src/launch.mjs'
import { COMPILE_CACHE, fillCompileCache } from './compile-cache.ts'

/**
 * Asserts the version of Node, finds nats-server for all workers (HIGHWATER_NATS_SERVER), and lets
 * the processes that they start begin sooner.
 */
export async function setup(): Promise<void> {
  const major = Number.parseInt(process.versions.node, 10)
  if (major < NODE_MAJOR_MIN) {
    throw new Error(`tests need Node ${NODE_MAJOR_MIN}, this is ${process.version}: use npm test`)
  }
  process.env.HIGHWATER_NATS_SERVER = await ensureDebianProgram('nats-server')
  // Somebody's own, or this is the second of two projects.
  if (process.env.NODE_COMPILE_CACHE !== undefined) return
  process.env.NODE_COMPILE_CACHE = COMPILE_CACHE
  // Beside the first tests: they do without it.
  fillCompileCache().catch((error: unknown) => console.log('no compile cache:', error))
}
