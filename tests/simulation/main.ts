/**
 * `npm run vopr`: whole installations in one thread on virtual time, one per seed, with faults of
 * all kinds, compared with the naive model. Options: see USAGE. Exit code 1 if a seed failed.
 *
 * What has been run is kept in `.cache/vopr.jsonl` by the engine's and the simulation's own text,
 * so that an interrupted run goes on where it stopped.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROJECT_ROOT } from '../../src/launch.mjs'
import { engineHash } from '../faults/records.ts'
import { runSeed } from './run-seed.ts'
import {
  addReport,
  addTotals,
  emptyTotals,
  renderTotals,
  type Totals,
  totalsJson,
} from './totals.ts'

const USAGE = `usage: npm run vopr [-- options]

  --seeds N   how many seeds (default 1000)
  --from S    the first seed (default 1)
  --jobs N    processes at once, 1 to 8 (default 1)
  --trace     prints everything that happens, in this process; meant for one seed
  --fresh     forgets what earlier runs have done
  --json      the sums as one object`

const RECORDS = join(PROJECT_ROOT, '.cache', 'vopr.jsonl')
/** Seeds that are run and recorded at once; ranges begin at multiples of it. */
const RANGE_SEEDS = 50
const PROGRESS_EVERY_MS = 5_000

/** Seeds [from, to). */
interface Range {
  readonly from: number
  readonly to: number
}

interface RangeRecord extends Range {
  readonly key: string
  readonly totals: Totals
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    child: { type: 'boolean', default: false },
  },
})

async function main(): Promise<number> {
  const [seeds, from, jobs] = [values.seeds, values.from, values.jobs].map(Number)
  const isFine = [seeds, from, jobs].every((value) => Number.isInteger(value) && value! > 0)
  if (values.help || !isFine || jobs! > 8) {
    console.error(USAGE)
    return 2
  }
  const totals = values.trace
    ? await traceSeeds(from!, from! + seeds!)
    : await runSeeds({ from: from!, to: from! + seeds! }, jobs!)
  console.log(values.json ? totalsJson(totals) : renderTotals(totals))
  return totals.failures.length === 0 ? 0 : 1
}

async function traceSeeds(from: number, to: number): Promise<Totals> {
  const totals = emptyTotals()
  for (let seed = from; seed < to; seed++) {
    const report = await runSeed(seed, { trace: (line) => console.log(line) })
    console.log(`seed ${seed}: ${report.tasks} events, hash ${report.hash}`)
    for (const failure of report.failures) console.log(`FAILED ${failure}`)
    addReport(totals, report)
  }
  return totals
}

async function runSeeds(whole: Range, jobs: number): Promise<Totals> {
  if (values.fresh) rmSync(RECORDS, { force: true })
  const key = textHash()
  const known = readRecords(key)
  const totals = emptyTotals()
  const ranges: Range[] = []
  for (let from = whole.from; from < whole.to; ) {
    const to = Math.min(whole.to, from - (from % RANGE_SEEDS) + RANGE_SEEDS)
    const record = known.find((each) => each.from === from && each.to === to)
    if (record === undefined) ranges.push({ from, to })
    else addTotals(totals, record.totals)
    from = to
  }
  say(`engine and simulation ${key}; ${totals.seeds} seeds are known already`)
  let shownAtMs = Date.now()
  const finish = (range: Range, done: Totals): void => {
    addTotals(totals, done)
    appendRecord({ key, ...range, totals: done })
    if (Date.now() - shownAtMs < PROGRESS_EVERY_MS) return
    shownAtMs = Date.now()
    const { seeds, counts, failures } = totals
    const share = `${seeds} of ${whole.to - whole.from} seeds`
    say(`${share}, ${counts.deliveriesCompared} deliveries, ${failures.length} failures`)
  }
  const workers = Array.from({ length: Math.min(jobs, ranges.length) }, () =>
    new RangeProcess().work(ranges, finish),
  )
  await Promise.all(workers)
  return totals
}

/** A process that runs ranges of seeds, one after the other. */
class RangeProcess {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(import.meta.filename, ['--child'], {
      execArgv: ['--max-semi-space-size=32', '--single-threaded-gc'],
    })
  }

  async work(ranges: Range[], finish: (range: Range, totals: Totals) => void): Promise<void> {
    for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
      finish(range, await this.#run(range))
    }
    this.#child.disconnect()
  }

  #run(range: Range): Promise<Totals> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => {
        reject(new Error(`seeds ${range.from} to ${range.to - 1}: the process ended with ${code}`))
      }
      this.#child.once('exit', onExit)
      this.#child.once('message', (totals: Totals) => {
        this.#child.off('exit', onExit)
        resolve(totals)
      })
      this.#child.send(range)
    })
  }
}

/** The other side of RangeProcess. */
function serveRanges(): void {
  process.on('message', async ({ from, to }: Range) => {
    const totals = emptyTotals()
    for (let seed = from; seed < to; seed++) addReport(totals, await runSeed(seed))
    process.send!(totals)
  })
}

/** Names the engine and everything that says what a seed means. */
function textHash(): string {
  const hash = createHash('sha256').update(engineHash())
  for (const folder of ['tests/simulation', 'tests/support', 'config/scenarios/data-pack']) {
    const files = readdirSync(join(PROJECT_ROOT, folder), { recursive: true, encoding: 'utf8' })
    for (const path of files.filter((each) => /\.(?:ts|yaml)$/.test(each)).sort()) {
      hash.update(path).update(readFileSync(join(PROJECT_ROOT, folder, path)))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

function readRecords(key: string): RangeRecord[] {
  if (!existsSync(RECORDS)) return []
  const lines = readFileSync(RECORDS, 'utf8').split('\n')
  // An interrupted write leaves half a line.
  const whole = lines.filter((line) => line.endsWith('}'))
  return whole.map((line) => JSON.parse(line) as RangeRecord).filter((each) => each.key === key)
}

function appendRecord(record: RangeRecord): void {
  mkdirSync(dirname(RECORDS), { recursive: true })
  // The line break in front ends what an interrupted write may have left.
  appendFileSync(RECORDS, `\n${JSON.stringify(record)}`)
}

function say(text: string): void {
  if (!values.json) console.error(text)
}

if (values.child) serveRanges()
else process.exitCode = await main()
