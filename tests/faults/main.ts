/**
 * `npm run faults [-- NAMES…]`: injects faults into installations under load and compares what came
 * out. Options: see USAGE. Exit code 1 if anything was lost, doubled or failed.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import { endEpisodes, playEpisode } from './episode-process.ts'
import { FAMILIES } from './families.ts'
import type { FaultFamily } from './family.ts'
import { Progress } from './progress.ts'
import {
  appendRecord,
  engineHash,
  type EpisodeRecord,
  forgetRecords,
  readRecords,
} from './records.ts'
import { type FaultRow, isRed, jsonLines, markdownTable, sumUp, withTable } from './table.ts'

const USAGE = `usage: npm run faults [-- NAMES…] [options]

  NAMES…         families of faults; default: all (--list names them)
  --runs N       faults per family instead of a full run's
  --seed S       first episode's seed; the others follow (default 20261121, or HIGHWATER_SEED)
  --jobs N       episodes at once, 1 or 2 (default 1)
  --minutes M    begins no episode after that many minutes
  --fresh        forgets what earlier runs of these families have done
  --episode S    plays one episode with this seed and keeps no record: to see a failure again
  --json         one object per fault
  --readme       writes the table of what was played with this engine into README.md
  --list         names the families and plays nothing`

const README = join(PROJECT_ROOT, 'README.md')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    seed: { type: 'string', default: process.env.HIGHWATER_SEED ?? '20261121' },
    jobs: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    episode: { type: 'string' },
    fresh: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    readme: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** A family with its part of the run. */
interface Share {
  readonly family: FaultFamily
  readonly obstacle: string | null
  readonly runs: number
  /** Episodes that count, by seed; of earlier runs, too. */
  readonly records: Map<number, EpisodeRecord>
}

/** One episode to be played. */
interface Order {
  readonly share: Share
  readonly seed: number
  readonly runs: number
}

process.exitCode = await main()

async function main(): Promise<number> {
  const unknown = positionals.filter((name) => !FAMILIES.some((each) => each.name === name))
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `no such family: ${unknown.join(', ')}\n${USAGE}` : USAGE)
    return 2
  }
  const isChosen = ({ name }: FaultFamily) => positionals.length === 0 || positionals.includes(name)
  const families = FAMILIES.filter(isChosen)
  if (values.list) return list(families)
  if (values.episode !== undefined) return playOne(families, Number(values.episode))
  const engine = engineHash()
  if (values.fresh) for (const { name } of families) forgetRecords(name)
  const shares: Share[] = []
  for (const family of families) shares.push(await shareOf(family, engine))
  if (!values.readme) await playAll(shares, engine)
  const rows = shares.map(rowOf)
  if (values.readme)
    writeFileSync(README, withTable(readFileSync(README, 'utf8'), markdownTable(rows)))
  console.log(values.json ? jsonLines(rows).join('\n') : markdownTable(rows))
  return rows.some(isRed) ? 1 : 0
}

async function list(families: readonly FaultFamily[]): Promise<number> {
  for (const { name, runs, summary, findObstacle } of families) {
    const obstacle = (await findObstacle?.()) ?? null
    console.log(`${name.padEnd(20)} ${String(runs).padStart(6)}  ${summary}`)
    if (obstacle !== null) console.log(`${''.padEnd(28)}not here: ${obstacle}`)
  }
  return 0
}

/** One episode, with everything that it says. */
async function playOne(families: readonly FaultFamily[], seed: number): Promise<number> {
  const [family] = families
  if (family === undefined || families.length > 1) {
    console.error(`--episode takes the name of one family\n${USAGE}`)
    return 2
  }
  const runs = Number(values.runs ?? family.runsPerEpisode)
  const say = (text: string) => console.error(`seed ${seed}: ${text}`)
  const result = await playEpisode({ family: family.name, seed, runs, say })
  for (const failure of result.failures) console.error(`${family.name}: ${failure}`)
  const row = sumUp(family.name, runs, [result], null)
  console.log(values.json ? jsonLines([row]).join('\n') : markdownTable([row]))
  return isRed(row) ? 1 : 0
}

async function shareOf(family: FaultFamily, engine: string): Promise<Share> {
  const obstacle = (await family.findObstacle?.()) ?? null
  const runs = Number(values.runs ?? family.runs)
  const records = new Map<number, EpisodeRecord>()
  const wanted = new Set(seedsOf(family, runs))
  for (const record of readRecords(family.name, engine)) {
    if (wanted.has(record.seed)) records.set(record.seed, record)
  }
  return { family, obstacle, runs, records }
}

function seedsOf({ runsPerEpisode }: FaultFamily, runs: number): number[] {
  const first = Number(values.seed)
  return Array.from({ length: Math.ceil(runs / runsPerEpisode) }, (_, index) => first + index)
}

function ordersOf(share: Share): Order[] {
  const { family, obstacle, runs, records } = share
  if (obstacle !== null) return []
  return seedsOf(family, runs).flatMap((seed, index) => {
    const left = Math.min(family.runsPerEpisode, runs - index * family.runsPerEpisode)
    // A shorter run before may have cut its last episode short.
    const isDone = (records.get(seed)?.result.runs ?? 0) >= left
    return isDone ? [] : [{ share, seed, runs: left }]
  })
}

async function playAll(shares: readonly Share[], engine: string): Promise<void> {
  const jobs = Math.max(1, Math.min(2, Number(values.jobs)))
  const progress = new Progress(jobs)
  const orders = shares.flatMap(ordersOf)
  for (const { family, obstacle, runs, records } of shares) {
    if (obstacle !== null) progress.note(`${family.name} is not played here: ${obstacle}`)
    const done = [...records.values()]
    const runsDone = done.reduce((sum, { result }) => sum + result.runs, 0)
    const secondsSpent = done.reduce((sum, { seconds }) => sum + seconds, 0)
    const runsLeft = obstacle === null ? Math.max(0, runs - runsDone) : 0
    progress.plan(family.name, { runsLeft, runsDone, secondsSpent })
  }
  const endMs = performance.now() + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  let isInterrupted = false
  const interrupt = (): void => {
    isInterrupted = true
    endEpisodes()
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const work = async (): Promise<void> => {
    for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
      if (isInterrupted || performance.now() > endMs) return
      const record = await play(order, engine, progress)
      if (isInterrupted) return
      order.share.records.set(order.seed, record)
      // Without any fault played there is nothing to resume from: it is tried again.
      if (record.result.runs > 0) appendRecord(order.share.family.name, record)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt)
  progress.end()
}

async function play({ share, seed, runs }: Order, engine: string, progress: Progress) {
  const { name } = share.family
  const say = (text: string): void => progress.say(name, seed, text)
  const startedAtMs = performance.now()
  const result = await playEpisode({ family: name, seed, runs, say })
  const seconds = (performance.now() - startedAtMs) / 1000
  progress.finish(name, result.runs, seconds)
  const { lost, duplicated, failures } = result
  if (lost + duplicated + failures.length > 0) {
    progress.note(`${name}, seed ${seed}: ${lost} lost, ${duplicated} duplicated`)
    for (const failure of failures) progress.note(`  ${failure}`)
    progress.note(`  again: npm run faults -- ${name} --episode ${seed} --runs ${runs}`)
  }
  return { engine, seed, seconds, result }
}

function rowOf({ family, obstacle, runs, records }: Share): FaultRow {
  const results = [...records.values()].map(({ result }) => result)
  return sumUp(family.name, runs, results, obstacle)
}
