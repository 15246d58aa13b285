/** Runs once before all tests: what they stand on must be there, or none of them means anything. */

import { ensureDebianProgram, NODE_MAJOR_MIN } from '../../src/launch.mjs'

/** Asserts the version of Node and finds nats-server for all workers (HIGHWATER_NATS_SERVER). */
export async function setup(): Promise<void> {
  const major = Number.parseInt(process.versions.node, 10)
  if (major < NODE_MAJOR_MIN) {
    throw new Error(`tests need Node ${NODE_MAJOR_MIN}, this is ${process.version}: use npm test`)
  }
  process.env.HIGHWATER_NATS_SERVER = await ensureDebianProgram('nats-server')
}
