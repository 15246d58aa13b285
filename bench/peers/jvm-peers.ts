/** The peers on the JVM: which programs, with which settings, from which log. */

import { totalmem } from 'node:os'

/** What a run of a peer is told; seconds and records. */
export interface PeerRun {
  /** Holds input.properties, seeds.f64 and, if the log lies in files, its columns. */
  readonly folder: string
  /** URL of the broker whose IN_* are the log; null: the log lies in files of `folder`. */
  readonly brokerUrl: string | null
  /** A folder of its own, made by the peer and left behind. */
  readonly work: string
  readonly subscribers: number
  readonly warmUpSeconds: number
  /** Of a log in JetStream: records after the fill that are warm-up at most. */
  readonly warmUpRecords: number
  /** Measured at most. */
  readonly seconds: number
}

/** One peer: which program, with which arguments. */
export interface Peer {
  readonly name: string
  /** Folder of its sources, built with Maven. */
  readonly program: 'flink' | 'esper'
  readonly mainClass: string
  /** Of Highwater's rate to this one's. */
  readonly ratioWanted: number
  /** Arguments of the virtual machine, and of the program. */
  readonly machineArgs: (subscribers: number) => readonly string[]
  readonly args: (run: PeerRun) => readonly string[]
}

/** Flink and Esper with a state on the heap: live objects and as much again for the collector. */
const HEAP_BYTES_PER_SUBSCRIBER = 600
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
const FLINK_MAIN = 'bench.peers.flink.FlinkPeer'

/**
 * Each in the form that was fastest of those tried, see the arguments of its main class; single
 * runs on two cores, which choose the form and are no result. In million records/s, from one
 * stream of a JetStream, 4 million subscribers, windows of 12 s: Flink on the heap 2.1 (a
 * reader, keyBy into two tasks), 1.8 (one task that reads and applies the rule, no exchange),
 * 1.7 (the same with an ordered push consumer instead of a pull consumer); Esper 2.4 (two
 * runtimes) and 1.5 (one). From files, 12 million subscribers: Flink on the heap 1.12 (two
 * tasks, no exchange, parallel collector with a heap of fixed size), 0.18 (a heap that grows),
 * 0.56 (an exchange, G1); with RocksDB 0.066 (no compression, 6 GB of managed memory) and 0.061
 * (Flink's compression, 3 GB); Esper 1.43 (an aggregation function, two runtimes) and 0.35 (EPL
 * alone: a table and a merge).
 */
export const PEERS: readonly Peer[] = [
  {
    name: 'flink-heap',
    program: 'flink',
    mainClass: FLINK_MAIN,
    ratioWanted: 3,
    machineArgs: (subscribers) => [...OPENS, ...COLLECTOR, ...heapFor(subscribers)],
    args: (run) => flinkArgs(run, 'hashmap', 'flink-heap'),
  },
  {
    name: 'esper',
    program: 'esper',
    mainClass: 'bench.peers.esper.EsperPeer',
    ratioWanted: 1.3,
    machineArgs: (subscribers) => [...COLLECTOR, ...heapFor(subscribers)],
    args: (run) => [
      run.folder,
      logOf(run),
      'aggregation',
      ESPER_THREADS,
      `${run.warmUpSeconds}`,
      `${run.warmUpRecords}`,
      `${run.seconds}`,
      'esper',
    ],
  },
  {
    name: 'flink-rocksdb',
    program: 'flink',
    mainClass: FLINK_MAIN,
    ratioWanted: 10,
    machineArgs: () => [...OPENS, ...COLLECTOR, ...heapOf(HEAP_BYTES_ROCKSDB)],
    args: (run) => flinkArgs(run, 'rocksdb', 'flink-rocksdb'),
  },
]

const ESPER_THREADS = '2'

/** Parallelism, and whether an exchange lies between reading and the rule. */
const FLINK_FORM = { files: ['2', 'chained'], jetstream: ['2', 'network'] }

function flinkArgs(run: PeerRun, backend: 'hashmap' | 'rocksdb', name: string): readonly string[] {
  return [
    run.folder,
    logOf(run),
    backend,
    ...FLINK_FORM[run.brokerUrl === null ? 'files' : 'jetstream'],
    `${run.warmUpSeconds}`,
    `${run.warmUpRecords}`,
    `${run.seconds}`,
    run.work,
    name,
  ]
}

function logOf({ brokerUrl }: PeerRun): string {
  return brokerUrl === null ? 'files' : `pull:${brokerUrl}`
}

function heapFor(subscribers: number): readonly string[] {
  return heapOf(Math.max(HEAP_BYTES_MIN, subscribers * HEAP_BYTES_PER_SUBSCRIBER))
}

/** All of it from the start, so that the collector need not make it larger bit by bit. */
function heapOf(sizeBytes: number): readonly string[] {
  const megabytes = Math.floor(Math.min(sizeBytes, totalmem() * HEAP_SHARE_MAX) / 2 ** 20)
  return [`-Xms${megabytes}m`, `-Xmx${megabytes}m`, `-Xmn${Math.floor(megabytes * YOUNG_SHARE)}m`]
}
