/**
 * A nats-server of 2.12.3 or later, which Debian does not have: for `sync_interval: always` (2.10)
 * and for clusters. (2.12.2 and some before it forget, when they are killed and restarted, a stream
 * whose subjects were changed since the cluster's last snapshot, and delete their copy half a
 * minute later: two such restarts lost IN here.) In this order: the program that
 * HIGHWATER_NATS_SERVER_NEWER names, the project's cache, the server that all other tests use and
 * what `go install` left behind, if they are new enough; and, where that is allowed, one built
 * with Go into the cache, once.
 */

import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findNatsServer } from '../../src/sink/nats-server.ts'

/** The version that is built where there is none. */
const BUILT_VERSION = 'v2.12.15'
const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'bin')
const CACHED = join(CACHE, 'nats-server-2.12')
const VERSION_MIN = [2, 12, 3] as const
const VERSION_TEXT = VERSION_MIN.join('.')

const run = promisify(execFile)

/** A program, or why there is none. */
export type FoundServer =
  | { readonly program: string; readonly obstacle: null }
  | { readonly program: null; readonly obstacle: string }

/**
 * Looks for a newer server, and builds one if `may` says so (a minute or so, and it needs the Go
 * module proxy).
 */
export async function findNewerNatsServer(may: 'look' | 'build'): Promise<FoundServer> {
  const named = process.env.HIGHWATER_NATS_SERVER_NEWER
  if (named !== undefined && named !== '') {
    if (await isNewEnough(named)) return { program: named, obstacle: null }
    const obstacle = `HIGHWATER_NATS_SERVER_NEWER names no nats-server of ${VERSION_TEXT} or later`
    return { program: null, obstacle }
  }
  for (const program of [CACHED, ...(await usualPlaces())]) {
    if (await isNewEnough(program)) return { program, obstacle: null }
  }
  const wanted = `no nats-server of ${VERSION_TEXT} or later is at hand: name one in HIGHWATER_NATS_SERVER_NEWER`
  if (may === 'look') return { program: null, obstacle: wanted }
  try {
    await build()
    return { program: CACHED, obstacle: null }
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    return { program: null, obstacle: `${wanted}; Go could not build it: ${why}` }
  }
}

async function usualPlaces(): Promise<string[]> {
  const places: string[] = []
  try {
    places.push(findNatsServer())
  } catch {
    // There may be none at all.
  }
  try {
    const { stdout } = await run('go', ['env', 'GOBIN', 'GOPATH'])
    const [bin = '', path = ''] = stdout.split('\n')
    if (bin !== '') places.push(join(bin, 'nats-server'))
    if (path !== '') places.push(join(path, 'bin', 'nats-server'))
  } catch {
    // No Go.
  }
  return places
}

async function isNewEnough(program: string): Promise<boolean> {
  try {
    await access(program, constants.X_OK)
    const { stdout } = await run(program, ['--version'])
    const version = /v(\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number)
    if (version === undefined) return false
    const differing = VERSION_MIN.findIndex((wanted, index) => version[index] !== wanted)
    return differing === -1 || version[differing]! > VERSION_MIN[differing]!
  } catch {
    return false
  }
}

async function build(): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const folder = await mkdtemp(join(CACHE, 'go-'))
  try {
    const env = { ...process.env, GOBIN: folder }
    await run('go', ['install', `github.com/nats-io/nats-server/v2@${BUILT_VERSION}`], { env })
    await rename(join(folder, 'nats-server'), CACHED)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
