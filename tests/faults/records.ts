/**
 * Finished episodes, kept in `.cache/faults/<family>.jsonl` so that an interrupted run resumes.
 * Each line names the engine that it was played with: what another engine did counts for nothing.
 */

import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import type { EpisodeResult } from './family.ts'

/** One finished episode. */
export interface EpisodeRecord {
  /** `engineHash()` when it was played. */
  readonly engine: string
  readonly seed: number
  readonly seconds: number
  readonly result: EpisodeResult
}

const FOLDER = join(PROJECT_ROOT, '.cache', 'faults')

/** Names the engine by all of its sources and the lock file, 16 hex digits. */
export function engineHash(): string {
  const hash = createHash('sha256')
  const source = join(PROJECT_ROOT, 'src')
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:ts|mjs)$/.test(path))
    .sort()
  for (const path of files) hash.update(path).update(readFileSync(join(source, path)))
  hash.update(readFileSync(join(PROJECT_ROOT, 'package-lock.json')))
  return hash.digest('hex').slice(0, 16)
}

/** Episodes of a family that were played with this engine, one per seed, oldest first. */
export function readRecords(family: string, engine: string): EpisodeRecord[] {
  const file = fileOf(family)
  if (!existsSync(file)) return []
  const bySeed = new Map<number, EpisodeRecord>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    // An interrupted write leaves half a line.
    if (!line.endsWith('}')) continue
    const record = JSON.parse(line) as EpisodeRecord
    if (record.engine === engine && !bySeed.has(record.seed)) bySeed.set(record.seed, record)
  }
  return [...bySeed.values()]
}

/** Adds a finished episode. */
export function appendRecord(family: string, record: EpisodeRecord): void {
  mkdirSync(FOLDER, { recursive: true })
  // The line break in front ends what an interrupted write may have left.
  appendFileSync(fileOf(family), `\n${JSON.stringify(record)}`)
}

/** Forgets all episodes of a family. */
export function forgetRecords(family: string): void {
  rmSync(fileOf(family), { force: true })
}

function fileOf(family: string): string {
  return join(FOLDER, `${family}.jsonl`)
}
