/**
 * Decoding of usage batches of 1,000 records with all columns, from memory, one core. References:
 * for columns a plain copy of the message, for rows a general MessagePack decoder.
 */

import { decode as decodeGenerally } from '@msgpack/msgpack'
import { UsageDecoder } from '../../src/decode/usage.ts'
import { encodeUsageColumns, encodeUsageRows, type UsageRow } from '../../src/probe/encode.ts'
import { type BenchResult, comparedWith, figure } from '../report.ts'

const BATCH_RECORDS = 1_000
const ROUNDS = 7
const COLUMNAR_BATCHES = 20_000
const ROW_BATCHES = 2_000
const GENERAL_BATCHES = 200

/** Records per second of both forms, each beside its reference, which takes turns with it. */
export function runDecode(): BenchResult[] {
  const columns = makeColumns()
  const stamp = { probe: 'bench', epoch: 1, seq: 1 }
  const columnar = unaligned(encodeUsageColumns(stamp, columns, 0, BATCH_RECORDS))
  const rows = unaligned(encodeUsageRows(stamp, makeRows(columns)))
  const target = new Uint8Array(columnar.length)
  return [
    ...compare(
      { metric: 'decode.columnar_records_per_second', count: COLUMNAR_BATCHES },
      decoderOf(columnar),
      { metric: 'reference.copied_records_per_second', count: COLUMNAR_BATCHES },
      () => target.set(columnar),
    ),
    ...compare(
      { metric: 'decode.row_records_per_second', count: ROW_BATCHES },
      decoderOf(rows),
      { metric: 'reference.msgpack_row_records_per_second', count: GENERAL_BATCHES },
      () => decodeGenerally(rows),
    ),
  ]
}

interface Side {
  readonly metric: string
  /** Batches of a round. */
  readonly count: number
}

function compare(side: Side, work: () => void, other: Side, otherWork: () => void): BenchResult[] {
  const rates: number[] = []
  const otherRates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    rates.push(rateOf(work, side.count))
    otherRates.push(rateOf(otherWork, other.count))
  }
  const result = figure('kernels', side.metric, rates, 'records/s')
  const reference = figure('kernels', other.metric, otherRates, 'records/s')
  return [
    { ...result, ...comparedWith(result.value, reference.metric, reference.value) },
    reference,
  ]
}

function rateOf(work: () => void, batches: number): number {
  const startedAtMs = performance.now()
  for (let i = 0; i < batches; i++) work()
  return (batches * BATCH_RECORDS * 1_000) / (performance.now() - startedAtMs)
}

function decoderOf(message: Uint8Array): () => void {
  const decoder = new UsageDecoder()
  return () => decoder.decode(message, 'bench', 1, 16)
}

/** The message as it lies in a network buffer. */
function unaligned(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(message.length + 3)
  padded.set(message, 3)
  return padded.subarray(3)
}

function makeRows(columns: ReturnType<typeof makeColumns>): UsageRow[] {
  return Array.from(columns.subscribers, (subscriber, i) => [
    subscriber,
    columns.usageBytes[i]!,
    columns.timesMs[i]!,
    columns.rats[i]!,
    columns.apps[i]!,
    columns.cells[i]!,
    columns.kinds[i]!,
  ])
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
