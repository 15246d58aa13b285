/**
 * `npm run bench -- peers-jvm [flink-heap] [flink-rocksdb] [esper]`: Apache Flink, its state on the
 * heap and in RocksDB, and Esper, one after another on the input of input.ts, then Highwater on the
 * same records in the same run. For machines with a JVM and Maven. All answers are compared, as
 * sets.
 *
 * In favour of the peers: they read the records from files mapped into memory, without a broker and
 * without decoding, and keep what fires in memory; Highwater, broker included, reads JetStream and
 * is measured until JetStream holds all deliveries. They are warmed up for a minute, Highwater is
 * not. Esper keeps nothing over a crash.
 */

import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { totalmem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchOptions, type BenchResult, comparedWith, say } from '../report.ts'
import { checkAnswers, writeInput } from './files.ts'
import { HighwaterEngine } from './highwater.ts'
import { InputLog, type InputShape } from './input.ts'
import { buildJava, missingForJava, runJava } from './maven.ts'
import { SEED } from './peers.ts'
import { StoredLog } from './stored-log.ts'

const WARM_UP_SECONDS_MAX = 60
/** A short try (`--seconds 2`) is not worth a minute of warm-up. */
const WARM_UP_PER_MEASURED = 4
/** Flink and Esper with a state on the heap: live objects and as much again for the collector. */
const HEAP_BYTES_PER_SUBSCRIBER = 900
const HEAP_BYTES_MIN = 3e9
/** RocksDB's memory lies outside. */
const HEAP_BYTES_ROCKSDB = 4e9
const HEAP_SHARE_MAX = 0.55
/** Of the heap, for what is new: records that live for a moment, in Esper's case. */
const YOUNG_SHARE = 0.3
const COLLECTOR = ['-XX:+UseParallelGC', '-XX:+UseTransparentHugePages']
/** Flink's serializers look into these packages. */
const OPENS = ['java.util', 'java.lang', 'java.util.concurrent'].map(
  (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
)

/** One peer: which program, with which arguments. */
interface Peer {
  readonly name: string
  readonly program: 'flink' | 'esper'
  /** Of Highwater's rate to this one's. */
  readonly ratioWanted: number
  readonly machineArgs: (subscribers: number) => readonly string[]
  readonly args: (folder: string, seconds: number) => readonly string[]
}

const MAIN_CLASSES = {
  flink: 'bench.peers.flink.FlinkPeer',
  esper: 'bench.peers.esper.EsperPeer',
} as const

/**
 * Each in the form that was fastest of those tried, see the arguments of its main class. Tried
 * with 12 million subscribers on two cores, in records/s: Flink on the heap 1.12 million (two
 * tasks, no exchange, parallel collector with a heap of fixed size), 0.18 (a heap that grows),
 * 0.56 (two and two tasks with an exchange, G1); with RocksDB 66,000 (no compression, 6 GB of
 * managed memory) and 61,000 (Flink's compression, 3 GB); Esper 1.43 million (an aggregation
 * function, two runtimes) and 0.35 (EPL alone: a table and a merge). Single runs of 15 to 40 s,
 * whose warm-up took the records in the order of the log: they choose the form and are no
 * result.
 */
const PEERS: readonly Peer[] = [
  {
    name: 'flink-heap',
    program: 'flink',
    ratioWanted: 3,
    machineArgs: (subscribers) => [...OPENS, ...COLLECTOR, ...heapFor(subscribers)],
    args: (folder, seconds) => flinkArgs('hashmap', folder, seconds, 'flink-heap'),
  },
  {
    name: 'flink-rocksdb',
    program: 'flink',
    ratioWanted: 10,
    machineArgs: () => [...OPENS, ...COLLECTOR, ...heapOf(HEAP_BYTES_ROCKSDB)],
    args: (folder, seconds) => flinkArgs('rocksdb', folder, seconds, 'flink-rocksdb'),
  },
  {
    name: 'esper',
    program: 'esper',
    ratioWanted: 1.3,
    machineArgs: (subscribers) => [...COLLECTOR, ...heapFor(subscribers)],
    args: (folder, seconds) => [
      folder,
      'aggregation',
      '2',
      `${warmUpSeconds(seconds)}`,
      `${seconds}`,
      'esper',
    ],
  },
]

/** Runs the bench; `write` names a folder to keep the input in, and to take it from. */
export async function runPeersJvm(options: BenchOptions): Promise<BenchResult[]> {
  const missing = missingForJava()
  if (missing !== null) {
    console.error(missing)
    process.exitCode = 2
    return []
  }
  const unknown = options.parts.filter((part) => !PEERS.some(({ name }) => name === part))
  if (unknown.length > 0) throw new Error(`no such peer: ${unknown.join(', ')}`)
  const temporary = await mkdtemp(join(tmpdir(), 'highwater-peers-jvm-'))
  const folder = options.write ?? join(temporary, 'input')
  try {
    return await measure(options, folder, join(temporary, 'work'))
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function measure(
  options: BenchOptions,
  folder: string,
  work: string,
): Promise<BenchResult[]> {
  const { subscribers, records, seconds, parts } = options
  const shape: InputShape = { seed: SEED, subscribers, records }
  await ensureInput(folder, shape)
  const peers = PEERS.filter(({ name }) => parts.length === 0 || parts.includes(name))
  for (const { name } of [...PEERS, { name: 'highwater' }]) {
    await rm(join(folder, `${name}.answer`), { force: true })
  }
  const results: BenchResult[] = []
  for (const peer of peers) {
    say(`building ${peer.program}`)
    const program = await buildJava(peer.program, MAIN_CLASSES[peer.program])
    const args = peer.args(folder, seconds).map((arg) => (arg === WORK ? work : arg))
    say(`${peer.name}: ${warmUpSeconds(seconds)} s of warm-up, then at most ${seconds} s`)
    const figures = await runJava(program, peer.machineArgs(subscribers), args)
    for (const { metric, value, unit } of figures) say(`${metric} ${value} ${unit}`)
    results.push(...figures)
    await rm(work, { recursive: true, force: true })
  }
  const rate = await runHighwater(shape, folder)
  for (const { name, ratioWanted } of peers) {
    const metric = `${name}.records_per_second`
    const peerRate = results.find((result) => result.metric === metric)?.value ?? Number.NaN
    const compared = comparedWith(rate, metric, peerRate)
    say(`highwater to ${name}: ${compared.ratio}, wanted ${ratioWanted}`)
    results.push(figure('highwater.records_per_second', rate, 'records/s', compared))
  }
  say('answers, as sets')
  if (!(await checkAnswers(folder, say))) {
    console.error('an answer differs from what is expected: the figures say nothing')
    process.exitCode = 1
  }
  return results
}

/** Highwater on the records after the fill, in records/s. */
async function runHighwater(shape: InputShape, folder: string): Promise<number> {
  say('highwater: storing the fill and taking it')
  const stored = await StoredLog.start(new InputLog(shape))
  try {
    const engine = new HighwaterEngine(stored.rig)
    await stored.append(stored.log.fill)
    await engine.advance()
    say('highwater: storing the records')
    await stored.append(stored.log.total)
    say(`highwater: measuring, ${engine.settings}`)
    const tookMs = await engine.advance()
    const lines = [`# records ${stored.log.total}`, ...(await engine.firings())]
    await writeFile(join(folder, 'highwater.answer'), `${lines.join('\n')}\n`)
    return ((stored.log.total - stored.log.fill) * 1_000) / tookMs
  } finally {
    await stored.stop()
  }
}

/** Writes the input, unless the folder holds just this one. */
async function ensureInput(folder: string, shape: InputShape): Promise<void> {
  const log = new InputLog(shape)
  const properties = join(folder, 'input.properties')
  const wanted = [`records=${log.total}`, `subscribers=${shape.subscribers}`, `seed=${shape.seed}`]
  if (existsSync(properties) && existsSync(join(folder, 'expected.txt'))) {
    const lines = new Set((await readFile(properties, 'utf8')).split('\n'))
    if (wanted.every((line) => lines.has(line))) return
  }
  say(`writing ${log.total} records`)
  await writeInput(folder, shape)
}

/** Stands for the working folder, which is made for each run. */
const WORK = '{work}'

function flinkArgs(
  backend: 'hashmap' | 'rocksdb',
  folder: string,
  seconds: number,
  name: string,
): readonly string[] {
  return [folder, backend, '2', 'chained', `${warmUpSeconds(seconds)}`, `${seconds}`, WORK, name]
}

function warmUpSeconds(seconds: number): number {
  return Math.min(WARM_UP_SECONDS_MAX, seconds * WARM_UP_PER_MEASURED)
}

function heapFor(subscribers: number): readonly string[] {
  return heapOf(Math.max(HEAP_BYTES_MIN, subscribers * HEAP_BYTES_PER_SUBSCRIBER))
}

/** All of it from the start, so that the collector need not make it larger bit by bit. */
function heapOf(sizeBytes: number): readonly string[] {
  const megabytes = Math.floor(Math.min(sizeBytes, totalmem() * HEAP_SHARE_MAX) / 2 ** 20)
  return [`-Xms${megabytes}m`, `-Xmx${megabytes}m`, `-Xmn${Math.floor(megabytes * YOUNG_SHARE)}m`]
}

function figure(
  metric: string,
  value: number,
  unit: string,
  compared: Pick<BenchResult, 'ratio' | 'against'>,
): BenchResult {
  return { bench: 'peers-jvm', metric, value: Number(value.toPrecision(5)), unit, ...compared }
}
