/** What this engine is, as images and claims name it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineIdentity } from '../partition/image.ts'

/** Version of the package, from its own package.json (beside src/ and beside dist/). */
export function packageVersion(): string {
  const path = join(import.meta.dirname, '..', '..', 'package.json')
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return version
}

/**
 * Engine, runtime, time zone data and architecture: what a replay must share to decide the same.
 */
export function engineIdentity(): EngineIdentity {
  return {
    version: packageVersion(),
    runtime: process.version,
    tzdata: process.versions.tz ?? 'unknown',
    architecture: process.arch,
  }
}
