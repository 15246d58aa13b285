/**
 * A bulk import of profiles beside usage at a fixed rate (open loop, see latency.ts), and the same
 * without an import, in turn. The import is `highwater import` as people run it, a process of its
 * own; broker, worker, probe and importer share the machine.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PartitionWorker } from '../../src/partition/worker.ts'
import type { ImportSummary } from '../../src/probe/profile-import.ts'
import { PROFILE_FILES, ProfileTraffic } from '../kernels/profiles.ts'
import {
  type BenchOptions,
  type BenchResult,
  comparedWith,
  median,
  quantile,
  say,
} from '../report.ts'
import { forkForReport } from './fork.ts'
import { type LatencyReport, tagSeeds } from './latency.ts'
import { Rig } from './rig.ts'
import { SUBSCRIBER_FIRST } from './traffic.ts'

const SEED = 20261122
const ROUNDS = 3
const CHECKPOINT_EVERY_MS = 10_000
/** After the probe's own warm-up. */
const START_AFTER_MS = 10_000
/** The window without an import ends so long before the probe does. */
const END_BEFORE_MS = 1_000
const MAIN = join(import.meta.dirname, '../../src/main.ts')

/** What one run came to. */
interface Figures {
  readonly recordsPerSecond: number
  readonly latencyP50Ms: number
  readonly latencyP99Ms: number
  /** The importer's own word: from the first line until the log had all of it. */
  readonly importSeconds: number
  /** From the first rows that the partition applied to the last. */
  readonly appliedSeconds: number
}

/** Runs the bench; `records` are the rows of the import. Prints its seed. */
export async function runImportBeside(options: BenchOptions): Promise<BenchResult[]> {
  const { subscribers, records: rows, rate, seconds } = options
  say(`seed ${SEED}: ${rows} rows beside ${rate} records/s over ${subscribers} subscribers`)
  const directory = await mkdtemp(join(tmpdir(), 'highwater-bench-import-'))
  try {
    const file = join(directory, 'profiles.csv')
    await writeProfiles(file, rows, subscribers)
    const alone: Figures[] = []
    const beside: Figures[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      say(`round ${round} of ${ROUNDS}: ${seconds} s without an import`)
      alone.push(await measure(options, directory, null))
      say(`round ${round} of ${ROUNDS}: with the import`)
      beside.push(await measure(options, directory, file))
    }
    return results(rows, alone, beside)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function results(
  rows: number,
  alone: readonly Figures[],
  beside: readonly Figures[],
): BenchResult[] {
  const middle = (of: readonly Figures[], key: keyof Figures) =>
    Number(median(of.map((figures) => figures[key])).toPrecision(4))
  const result = (metric: string, value: number, unit: string): BenchResult => ({
    bench: 'import',
    metric: `import.${metric}`,
    value,
    unit,
  })
  const compared = (metric: string, key: keyof Figures, unit: string): BenchResult[] => {
    const [without, during] = [middle(alone, key), middle(beside, key)]
    const against = `import.${metric}_without`
    return [
      result(`${metric}_without`, without, unit),
      { ...result(`${metric}_during`, during, unit), ...comparedWith(during, against, without) },
    ]
  }
  const appliedSeconds = middle(beside, 'appliedSeconds')
  return [
    result('rows', rows, 'rows'),
    result('import_seconds', middle(beside, 'importSeconds'), 's'),
    result('applied_seconds', appliedSeconds, 's'),
    result('rows_per_second', Number((rows / appliedSeconds).toPrecision(4)), 'rows/s'),
    ...compared('records_per_second', 'recordsPerSecond', 'records/s'),
    ...compared('latency_p50_ms', 'latencyP50Ms', 'ms'),
    ...compared('latency_p99_ms', 'latencyP99Ms', 'ms'),
  ]
}

/** One run on an installation of its own. `file`: what is imported; null: nothing. */
async function measure(
  options: BenchOptions,
  directory: string,
  file: string | null,
): Promise<Figures> {
  const { subscribers, records: rows, rate, seconds } = options
  const rig = await Rig.start(PROFILE_FILES)
  try {
    const worker = await rig.worker(CHECKPOINT_EVERY_MS)
    void worker.start()
    await worker.untilLive()
    await tagSeeds(rig, subscribers)
    const probing = forkForReport<LatencyReport>(
      'latency-probe.ts',
      [rig.server.url, subscribers, rate, seconds].map(String),
    )
    let hasProbeEnded = false
    void probing.then(() => {
      hasProbeEnded = true
    })
    await sleep(START_AFTER_MS)
    const rowsBefore = worker.view().statistics.profileRows
    const importing = file === null ? null : runImporter(await writeConfig(directory, rig), file)
    // A process takes its time to start: what counts begins with the first rows.
    const untilRows = (count: number) =>
      untilApplied(worker, rowsBefore + count, () => hasProbeEnded)
    if (importing !== null) await Promise.race([untilRows(1), importing])
    const startedAtMs = Date.now()
    const recordsBefore = worker.view().statistics.records
    if (importing === null) await sleep(seconds * 1_000 - END_BEFORE_MS)
    else await Promise.all([untilRows(rows), importing])
    const endedAtMs = Date.now()
    const { records } = worker.view().statistics
    const importSeconds = (await importing) ?? Number.NaN
    const report = await probing
    await worker.stop()
    if (worker.halt !== null) throw worker.halt
    const windowMs = endedAtMs - startedAtMs
    const latenciesMs = report.latenciesMs.filter((_, index) => {
      const atMs = report.intendedAtMs[index]!
      return atMs >= startedAtMs && atMs < endedAtMs
    })
    return {
      recordsPerSecond: ((records - recordsBefore) * 1_000) / windowMs,
      latencyP50Ms: quantile(latenciesMs, 0.5),
      latencyP99Ms: quantile(latenciesMs, 0.99),
      importSeconds,
      appliedSeconds: windowMs / 1_000,
    }
  } finally {
    await rig.stop()
  }
}

/** Throws when the usage beside it has ended: then the figures would say nothing. */
async function untilApplied(
  worker: PartitionWorker,
  rows: number,
  isAlone: () => boolean,
): Promise<void> {
  while (worker.view().statistics.profileRows < rows) {
    if (worker.halt !== null) throw worker.halt
    if (isAlone()) throw new Error('the import outlasted the probe: give more --seconds')
    await sleep(5)
  }
}

async function runImporter(config: string, file: string): Promise<number> {
  const args = ['import', file, '--config', config, '--json']
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the import ended with ${code}`)
  return (JSON.parse(printed) as ImportSummary).elapsedMs / 1_000
}

async function writeConfig(directory: string, rig: Rig): Promise<string> {
  const config = join(directory, 'config')
  const settings = JSON.stringify({ nats: { servers: [rig.server.url] } })
  for (const [path, text] of Object.entries({ ...PROFILE_FILES, 'highwater.yaml': settings })) {
    await mkdir(dirname(join(config, path)), { recursive: true })
    await writeFile(join(config, path), text)
  }
  return config
}

/** A line per subscriber, in turn when there are more lines than subscribers. */
async function writeProfiles(path: string, rows: number, subscribers: number): Promise<void> {
  const traffic = new ProfileTraffic(SEED, subscribers)
  const file = createWriteStream(path)
  file.write('sub,tags.has_pack,plan,spend,joined,roaming,lists.red,cycleDay\n')
  for (let i = 0; i < rows; i++) {
    const row = traffic.row(SUBSCRIBER_FIRST + (i % subscribers))
    const { plan, spend, joined, roaming } = row.fields
    const cells = [row.subscriber, !row.tags.seed, plan, spend, joined, roaming, row.lists.red]
    if (!file.write(`${[...cells, row.cycleDay].join(',')}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}
