/** Configurations for tests: the real files of a scenario, and edits of them. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigFiles } from '../../src/model/catalog.ts'

/** The folder of all scenarios. */
export const SCENARIOS = join(import.meta.dirname, '../../config/scenarios')

/** All texts of `config/scenarios/<name>` that enter the log. */
export function scenarioFiles(name: string): ConfigFiles {
  const directory = join(SCENARIOS, name)
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.yaml') && path !== 'highwater.yaml')
    .filter((path) => !path.startsWith('simulation/'))
    .sort()
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(join(directory, path), 'utf8')]),
  )
}

/**
 * The files with one piece of text replaced. Throws when it is not there exactly once in them all.
 */
export function edited(files: ConfigFiles, from: string, to: string): ConfigFiles {
  const holders = Object.keys(files).filter((path) => files[path]!.includes(from))
  const [path] = holders
  if (path === undefined || holders.length > 1 || files[path]!.split(from).length !== 2) {
    throw new Error(`"${from}" stands in ${holders.length} files, or more than once`)
  }
  return { ...files, [path]: files[path]!.replace(from, to) }
}
