/**
 * `npm run bench -- peers-jvm [PEER…]`: Apache Flink, its state on the heap (flink-heap) and in
 * RocksDB (flink-rocksdb), Esper (esper), and in any case Highwater, one after another in one run;
 * `highwater` as a name: no peer. For machines with a JVM and Maven. Each takes the log of input.ts
 * from its first record on: the fill, then warm-up (a minute since its start, or WARM_UP_SHARE of
 * the records, whichever is first), then what is measured: the peers for `--seconds` at most,
 * Highwater to the log's end. Flink and Highwater write a checkpoint every 10 s. All answers are
 * compared, as sets.
 *
 * **The log** is in the IN of two partitions of a JetStream, subscribers by their number modulo
 * 2, as Highwater's probes write it; all read these two streams, each engine with its own
 * client, and share the two cores with the broker. Highwater has a process for each, Flink two
 * readers and two tasks with its keyBy between them, Esper two threads, each with a runtime of
 * its own. With `--from files` the peers read columns in files mapped into memory instead,
 * without broker, client, decoding, or exchange between tasks: what an engine alone can do at
 * best.
 *
 * In favour of the peers in either case: they look seeds up in a bit set and keep what fires in
 * memory; Highwater holds seeds as tags, has delivered when JetStream says so, and is measured
 * until then. Esper keeps nothing over a crash.
 */

import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Measured, measurePartitions } from '../pipeline/partition-processes.ts'
import { type BenchOptions, type BenchResult, comparedWith, figure, say } from '../report.ts'
import { checkAnswers, writeExpected, writeInput, writeSetup } from './files.ts'
import { deliveriesOf } from './highwater.ts'
import { InputLog } from './input.ts'
import { PEERS, type Peer, type PeerRun } from './jvm-peers.ts'
import { buildJava, missingForJava, runJava } from './maven.ts'
import { SEED } from './peers.ts'
import { StoredLog } from './stored-log.ts'

const WARM_UP_SECONDS_MAX = 60
/** A short try (`--seconds 2`) is not worth a minute of warm-up. */
const WARM_UP_PER_MEASURED = 4
/** Of the records after the fill; the rest is measured. */
const WARM_UP_SHARE = 0.65
/** Flink's, too. */
const CHECKPOINT_EVERY_MS = 10_000
/** One for each core, as everybody has it: partitions and processes, tasks, runtimes. */
const PARTITIONS = 2
const BENCH = 'peers-jvm'

/** Runs the bench; `write` names a folder to keep the input in, and to take it from. */
export async function runPeersJvm(options: BenchOptions): Promise<BenchResult[]> {
  const missing = missingForJava()
  if (missing !== null) {
    console.error(missing)
    process.exitCode = 2
    return []
  }
  const { parts, from } = options
  const names = ['highwater', ...PEERS.map(({ name }) => name)]
  const unknown = parts.filter((part) => !names.includes(part))
  if (unknown.length > 0) throw new Error(`no such peer: ${unknown.join(', ')}`)
  if (from !== 'jetstream' && from !== 'files') throw new Error(`no log from ${from}`)
  const temporary = await mkdtemp(join(tmpdir(), 'highwater-peers-jvm-'))
  const folder = options.write ?? join(temporary, 'input')
  const log = new InputLog({ ...options, seed: SEED })
  const stored = await StoredLog.start(log, PARTITIONS)
  try {
    return await measure(options, stored, folder, join(temporary, 'work'))
  } finally {
    await stored.stop()
    await rm(temporary, { recursive: true, force: true })
  }
}

async function measure(
  options: BenchOptions,
  stored: StoredLog,
  folder: string,
  work: string,
): Promise<BenchResult[]> {
  const { subscribers, seconds, parts } = options
  const { log, rig } = stored
  const run: PeerRun = {
    folder,
    brokerUrl: options.from === 'files' ? null : rig.server.url,
    work,
    subscribers,
    warmUpSeconds: Math.min(WARM_UP_SECONDS_MAX, seconds * WARM_UP_PER_MEASURED),
    warmUpRecords: Math.floor((log.total - log.fill) * WARM_UP_SHARE),
    seconds,
  }
  await store(stored, run)
  const peers = PEERS.filter(({ name }) => parts.length === 0 || parts.includes(name))
  for (const { name } of [...PEERS, { name: 'highwater' }]) {
    await rm(join(folder, `${name}.answer`), { force: true })
  }
  const results: BenchResult[] = []
  const add = (figures: readonly BenchResult[]): void => {
    for (const { metric, value, unit } of figures) say(`${metric} ${value} ${unit}`)
    results.push(...figures)
  }
  // The machine's speed changes: the two that are closest run right before and after.
  const [first, ...others] = peers
  if (first !== undefined) add(await runPeer(first, run))
  add(ofHighwater(await runHighwater(stored, run)))
  for (const peer of others) add(await runPeer(peer, run))
  const ofWhom = (name: string) =>
    results.find(({ metric }) => metric === `${name}.records_per_second`)!
  const own = ofWhom('highwater')
  for (const { name, ratioWanted } of peers) {
    const peer = ofWhom(name)
    const compared = comparedWith(own.value, peer.metric, peer.value)
    say(`highwater to ${name}: ${compared.ratio}, wanted ${ratioWanted}`)
    results.push({ ...own, ...compared })
  }
  say('answers, as sets')
  if (!(await checkAnswers(folder, say))) {
    console.error('an answer differs from what is expected: the figures say nothing')
    process.exitCode = 1
  }
  return results
}

/** Puts the log into the broker, and what the peers need beside it into the folder. */
async function store(stored: StoredLog, run: PeerRun): Promise<void> {
  const { log } = stored
  const { warmUpSeconds, warmUpRecords, seconds, folder } = run
  say(
    `${log.shape.subscribers} subscribers, seed ${log.shape.seed}; ${log.fill} records of fill, ` +
      `${log.total - log.fill} behind them, of which at most ${warmUpRecords} or ` +
      `${warmUpSeconds} s since an engine's start are warm-up; then at most ${seconds} s measured`,
  )
  if (run.brokerUrl === null) await ensureFiles(folder, log)
  say('storing the log in JetStream')
  const startedAtMs = performance.now()
  await stored.append(log.total)
  say(`stored in ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`)
  if (run.brokerUrl === null) return
  await writeSetup(folder, log, stored.partitionRecords)
  await writeExpected(folder, stored.firings)
}

async function runPeer(peer: Peer, run: PeerRun): Promise<BenchResult[]> {
  const { name, program, mainClass, machineArgs, args } = peer
  say(`building ${program}`)
  const built = await buildJava(program, mainClass)
  say(name)
  const figures = await runJava(built, machineArgs(run.subscribers), args(run))
  await rm(run.work, { recursive: true, force: true })
  return figures
}

/** Highwater on the whole log; writes its answer. */
async function runHighwater(stored: StoredLog, run: PeerRun): Promise<Measured> {
  const { log, rig } = stored
  say(`highwater, nats-server ${rig.connection.info?.version}, Node ${process.version}`)
  say(
    `${PARTITIONS} partitions, a process each, a checkpoint every ${CHECKPOINT_EVERY_MS / 1_000} s, ` +
      'decisions numbered and fenced',
  )
  const { warmUpSeconds, warmUpRecords } = run
  const warmUp = { fill: log.fill, seconds: warmUpSeconds, records: warmUpRecords }
  const measured = await measurePartitions(rig, PARTITIONS, CHECKPOINT_EVERY_MS, warmUp)
  const deliveries = await deliveriesOf(rig, PARTITIONS)
  // From files, expected.txt counts through all partitions: the whole log is the same in both.
  const seen = run.brokerUrl === null ? [log.total] : stored.partitionRecords
  const lines = [`# records ${seen.join(' ')}`, ...deliveries]
  await writeFile(join(run.folder, 'highwater.answer'), `${lines.join('\n')}\n`)
  return measured
}

function ofHighwater({ records, seconds, checkpoints, residentBytes }: Measured): BenchResult[] {
  return [
    figure(BENCH, 'highwater.records_per_second', records / seconds, 'records/s'),
    figure(BENCH, 'highwater.records_measured', records, 'records'),
    figure(BENCH, 'highwater.seconds', seconds, 's'),
    figure(BENCH, 'highwater.checkpoints', checkpoints, 'checkpoints'),
    figure(BENCH, 'highwater.resident_megabytes', residentBytes / 1e6, 'MB'),
  ]
}

/** Writes the columns, unless the folder holds just these. */
async function ensureFiles(folder: string, { total, shape }: InputLog): Promise<void> {
  const properties = join(folder, 'input.properties')
  const wanted = [`records=${total}`, `subscribers=${shape.subscribers}`, `seed=${shape.seed}`]
  const files = ['expected.txt', 'subscribers.f64']
  if ([properties, ...files.map((name) => join(folder, name))].every((path) => existsSync(path))) {
    const lines = new Set((await readFile(properties, 'utf8')).split('\n'))
    if (wanted.every((line) => lines.has(line))) return
  }
  say(`writing ${total} records`)
  await writeInput(folder, shape)
}
