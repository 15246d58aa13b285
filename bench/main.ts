/** `npm run bench -- NAME [--json]`: runs one bench and prints its figures. */

import { parseArgs } from 'node:util'
import { run as runDecode } from './kernels/decode.ts'
import { run as runProbe } from './kernels/probe.ts'
import { runUpdate } from './kernels/update.ts'
import { runHttp } from './pipeline/http.ts'
import { runLatency } from './pipeline/latency.ts'
import { runPipeline } from './pipeline/pipeline.ts'
import { type BenchOptions, type BenchResult, printResults } from './report.ts'

const BENCHES: Readonly<
  Record<
    string,
    { summary: string; run: (options: BenchOptions) => Promise<BenchResult[]> | BenchResult[] }
  >
> = {
  decode: { summary: 'usage batches to columns, from memory', run: runDecode },
  probe: { summary: 'simulated usage and batches of it, from memory', run: runProbe },
  update: { summary: 'the machine alone: batches from memory to decisions', run: runUpdate },
  pipeline: {
    summary: 'JetStream to deliveries with checkpoints; transport and kernel alone beside it',
    run: runPipeline,
  },
  latency: {
    summary: 'publish to delivery at a fixed rate, checkpoints included',
    run: runLatency,
  },
  http: { summary: 'HTTP answers at a fixed rate of requests', run: runHttp },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    subscribers: { type: 'string' },
    records: { type: 'string' },
    rate: { type: 'string', default: '200000' },
    seconds: { type: 'string', default: '40' },
  },
})
const name = positionals[0] ?? ''
const bench = BENCHES[name]
if (bench === undefined) {
  console.error('usage: npm run bench -- NAME [--json] [--subscribers N] [--records N]')
  for (const [key, { summary }] of Object.entries(BENCHES)) {
    console.error(`  ${key.padEnd(10)} ${summary}`)
  }
  process.exitCode = 2
} else {
  const results = await bench.run({
    subscribers: Number(values.subscribers ?? (name === 'latency' ? 1e6 : 12e6)),
    records: Number(values.records ?? 60e6),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
  })
  printResults(results, values.json)
}
