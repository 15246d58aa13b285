import { UsageDecoder } from '../../src/decode/usage.ts'
import { encodeUsageColumns, encodeUsageRows, type UsageRow } from '../../src/probe/encode.ts'

/** One figure of a bench. */
export interface DecodeBenchResult {
  readonly bench: string
  readonly metric: string
  readonly value: number
  readonly unit: string
}

const BATCH_RECORDS = 1_000
const ROUND_COUNT = 7

/**
 * Decoding of usage batches of 1,000 records with all columns, from memory, one core: records per
 * second.
 */
export function run(): DecodeBenchResult[] {
  const columns = makeColumns()
  const stamp = { probe: 'bench', epoch: 1, seq: 1 }
  const columnar = encodeUsageColumns(stamp, columns, 0, BATCH_RECORDS)
  const rows: UsageRow[] = Array.from(columns.subscribers, (subscriber, i) => [
    subscriber,
    columns.usageBytes[i]!,
    columns.timesMs[i]!,
    columns.rats[i]!,
    columns.apps[i]!,
    columns.cells[i]!,
    columns.kinds[i]!,
  ])
  return [
    result('decode.columnar_records_per_second', measure(columnar, 20_000)),
    result('decode.row_records_per_second', measure(encodeUsageRows(stamp, rows), 2_000)),
  ]
}

/** Median rate over some rounds; the message lies unaligned, as it does in a network buffer. */
function measure(message: Uint8Array, batchCount: number): number {
  const decoder = new UsageDecoder()
  const padded = new Uint8Array(message.length + 3)
  padded.set(message, 3)
  const data = padded.subarray(3)
  const rates: number[] = []
  for (let round = 0; round < ROUND_COUNT; round++) {
    const startMs = performance.now()
    for (let i = 0; i < batchCount; i++) decoder.decode(data, 'bench', 1, 16)
    rates.push((batchCount * BATCH_RECORDS * 1_000) / (performance.now() - startMs))
  }
  return rates.sort((a, b) => a - b)[Math.floor(ROUND_COUNT / 2)]!
}

function makeColumns() {
  const numbers = Array.from({ length: BATCH_RECORDS }, (_, i) => i)
  return {
    subscribers: Float64Array.from(numbers, (i) => 13_800_000_001 + ((i * 7_919) % 1_000_003) * 16),
    usageBytes: Float64Array.from(numbers, (i) => (i * 104_729) % 5_000_000),
    timesMs: Float64Array.from(numbers, (i) => 1_700_000_000_000 + i),
    rats: Uint8Array.from(numbers, (i) => (i % 3 === 0 ? 1 : 6)),
    apps: Uint16Array.from(numbers, (i) => i % 50),
    cells: Uint32Array.from(numbers, (i) => i * 31),
    kinds: new Uint8Array(BATCH_RECORDS),
  }
}

function result(metric: string, value: number): DecodeBenchResult {
  return { bench: 'kernels/decode', metric, value: Math.round(value), unit: 'records/s' }
}
