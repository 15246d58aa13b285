/** `npm run bench -- NAME [--json]`: runs one bench and prints its figures. */

import { parseArgs } from 'node:util'
import { runDecode } from './kernels/decode.ts'
import { runKernels } from './kernels/kernels.ts'
import { run as runProbe } from './kernels/probe.ts'
import { runProfiles } from './kernels/profiles.ts'
import { runUpdate } from './kernels/update.ts'
import { endEverythingWithUs } from './ending.ts'
import { describeMachine } from './machine-description.ts'
import { runPeersJvm } from './peers/jvm.ts'
import { runPeers } from './peers/peers.ts'
import { runHttp } from './pipeline/http.ts'
import { runImportBeside } from './pipeline/import.ts'
import { runLatency } from './pipeline/latency.ts'
import { runMessages } from './pipeline/messages.ts'
import { runOffers } from './pipeline/offers.ts'
import { runPartitions } from './pipeline/partitions.ts'
import { runPipeline } from './pipeline/pipeline.ts'
import { runPolicy } from './pipeline/policy.ts'
import { runRecovery } from './pipeline/recovery.ts'
import { runScale } from './pipeline/scale.ts'
import { runRows } from './pipeline/rows.ts'
import { runSegments } from './pipeline/segments.ts'
import { PLOT_FILE, plotFiles } from './plot.ts'
import { type BenchOptions, type BenchResult, printResults } from './report.ts'

const BENCHES: Readonly<
  Record<
    string,
    { summary: string; run: (options: BenchOptions) => Promise<BenchResult[]> | BenchResult[] }
  >
> = {
  kernels: {
    summary: 'each pass alone beside a reference, one core (kernel: beside the same loop in C)',
    run: runKernels,
  },
  decode: { summary: 'usage batches to columns, from memory', run: runDecode },
  probe: { summary: 'simulated usage and batches of it, from memory', run: runProbe },
  update: { summary: 'the machine alone: batches from memory to decisions', run: runUpdate },
  profiles: { summary: 'the machine alone: profile messages, by triggers', run: runProfiles },
  pipeline: {
    summary: 'JetStream to deliveries with checkpoints; transport and kernel alone beside it',
    run: runPipeline,
  },
  partitions: {
    summary: 'the pipeline as several partitions, a process each (--partitions N)',
    run: runPartitions,
  },
  messages: {
    summary: 'one record per message, JetStream to deliveries (rows or columns: one form only)',
    run: runMessages,
  },
  rows: {
    summary: 'row batches, JetStream to deliveries, and the same records as columns',
    run: runRows,
  },
  policy: {
    summary: 'the pipeline with 10 and 200 triggers, without and with a whole policy',
    run: runPolicy,
  },
  latency: {
    summary: 'publish to delivery at half load, with checkpoints, reloads and scrapes',
    run: runLatency,
  },
  offers: {
    summary: 'offers on request at 1,000 a second, usage at half of the full load beside them',
    run: runOffers,
  },
  import: {
    summary: 'a bulk import of profiles beside usage at a fixed rate, and the same without',
    run: runImportBeside,
  },
  segment: {
    summary: 'a segment over all subscribers beside usage at a fixed rate, and a sort of them',
    run: runSegments,
  },
  peers: {
    summary: 'the obvious alternatives on the same input, answers compared (--write, --check DIR)',
    run: runPeers,
  },
  'peers-jvm': {
    summary: 'Apache Flink and Esper on the same stream, answers compared; needs Java and Maven',
    run: runPeersJvm,
  },
  scale: {
    summary: 'the machine by subscribers, triggers, counters, skew (--axis NAME: one of them)',
    run: runScale,
  },
  recovery: {
    summary: 'an image loaded until ready, and the replay of a backlog after kill -9',
    run: runRecovery,
  },
  http: { summary: 'HTTP answers at a fixed rate of requests', run: runHttp },
}

const USUAL_SIZES = { subscribers: 12e6, records: 60e6, rate: 200_000, seconds: 40 }

/** Where a bench's own differ. A rate of 0: the bench finds out itself. */
const SIZES: Readonly<Record<string, Partial<typeof USUAL_SIZES>>> = {
  rows: { records: 20e6 },
  messages: { subscribers: 1e6, records: 1e6 },
  latency: { rate: 0 },
  offers: { subscribers: 1e6, rate: 0, seconds: 20 },
  import: { subscribers: 1e6, records: 1e6, rate: 500_000, seconds: 60 },
  peers: { subscribers: 1e6, records: 20e6 },
  'peers-jvm': { records: 150e6, seconds: 30 },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    subscribers: { type: 'string' },
    records: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    'checkpoint-every': { type: 'string', default: '10' },
    partitions: { type: 'string', default: '2' },
    axis: { type: 'string' },
    write: { type: 'string' },
    check: { type: 'string' },
    from: { type: 'string', default: 'jetstream' },
    out: { type: 'string' },
  },
})
const name = positionals[0] ?? ''
const bench = BENCHES[name]
if (name === 'plot') {
  plotFiles(positionals.slice(1), values.out ?? PLOT_FILE)
} else if (bench === undefined) {
  console.error('usage: npm run bench -- NAME [--json] [--subscribers N] [--records N]')
  console.error('       npm run bench -- plot FILE… [--out FILE]')
  for (const [key, { summary }] of Object.entries(BENCHES)) {
    console.error(`  ${key.padEnd(10)} ${summary}`)
  }
  process.exitCode = 2
} else {
  endEverythingWithUs()
  const sizes = { ...USUAL_SIZES, ...SIZES[name] }
  const results = await bench.run({
    axis: values.axis,
    subscribers: Number(values.subscribers ?? sizes.subscribers),
    records: Number(values.records ?? sizes.records),
    rate: Number(values.rate ?? sizes.rate),
    parts: positionals.slice(1),
    seconds: Number(values.seconds ?? sizes.seconds),
    checkpointEveryMs: Number(values['checkpoint-every']) * 1000,
    partitions: Number(values.partitions),
    write: values.write,
    check: values.check,
    from: values.from,
  })
  printResults(results, values.json, describeMachine())
}
