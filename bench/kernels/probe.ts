import { createColumns } from '../../src/model/usage.ts'
import { Batcher } from '../../src/probe/batcher.ts'
import { Population } from '../../src/probe/population.ts'

/** One figure of a bench. */
export interface ProbeBenchResult {
  readonly bench: string
  readonly metric: string
  readonly value: number
  readonly unit: string
}

const RECORDS = 10_000
const ROUND_COUNT = 7
const REPEATS = 50

/**
 * What the feeding side costs, one core: making records of 12 million subscribers, and batching
 * them.
 */
export function run(): ProbeBenchResult[] {
  const columns = createColumns(RECORDS)
  const population = new Population({ seed: 1, subscriberCount: 12_000_000 })
  const fromMs = 1_795_000_000_000
  let messageSize = 0
  const batcher = new Batcher(
    { probe: 'bench', epoch: 1, partitionCount: 16, batchRecordsMax: 1_000 },
    (batch) => (messageSize += batch.data.byteLength),
  )
  return [
    result(
      'probe.generate_records_per_second',
      measure(() => population.generate(columns, 0, RECORDS, fromMs, fromMs + 10_000)),
    ),
    result(
      'probe.batch_records_per_second',
      measure(() => batcher.add(columns, 0, RECORDS)),
    ),
  ]
}

/** Median rate over some rounds. */
function measure(action: () => void): number {
  const rates: number[] = []
  for (let round = 0; round < ROUND_COUNT; round++) {
    const startMs = performance.now()
    for (let i = 0; i < REPEATS; i++) action()
    rates.push((REPEATS * RECORDS * 1_000) / (performance.now() - startMs))
  }
  return rates.sort((a, b) => a - b)[Math.floor(ROUND_COUNT / 2)]!
}

function result(metric: string, value: number): ProbeBenchResult {
  return { bench: 'kernels/probe', metric, value: Math.round(value), unit: 'records/s' }
}
