/**
 * Row batches through a real file-backed JetStream into deliveries, checkpoints on: the pipeline's
 * traffic, record for record, encoded as rows of five values. In the same run the transport alone
 * on the same bytes, and afterwards as many records of the same traffic as columns.
 */

import { UsageDecoder } from '../../src/decode/usage.ts'
import { encodeUsageRows, type UsageRow } from '../../src/probe/encode.ts'
import { type BenchOptions, type BenchResult, comparedWith, say } from '../report.ts'
import { consume, drainTransport, populate, prefill, SEED } from './pipeline.ts'
import { Rig } from './rig.ts'
import { Traffic } from './traffic.ts'

/** Runs the bench; prints its seed. */
export async function runRows(options: BenchOptions): Promise<BenchResult[]> {
  say(`seed ${SEED}, ${options.subscribers} subscribers, ${options.records} records`)
  const rig = await Rig.start()
  try {
    return await measure(rig, options)
  } finally {
    await rig.stop()
  }
}

async function measure(rig: Rig, { subscribers, records }: BenchOptions): Promise<BenchResult[]> {
  const traffic = new RowTraffic(SEED, subscribers)
  await populate(rig, traffic, subscribers)
  traffic.isRows = true
  const rowsFrom = await prefill(rig, traffic, records)
  const rows = await consume(rig, rowsFrom)
  say('transport alone')
  const transport = await drainTransport(rig, rowsFrom)
  traffic.isRows = false
  const columns = await consume(rig, await prefill(rig, traffic, records))
  const result = (metric: string, value: number, unit: string): BenchResult => ({
    bench: 'rows',
    metric,
    value: Number(value.toPrecision(5)),
    unit,
  })
  const rate = rows.recordsPerSecond
  return [
    {
      ...result('rows.records_per_second', rate, 'records/s'),
      ...comparedWith(rate, 'columns.records_per_second', columns.recordsPerSecond),
    },
    {
      ...result('rows.records_per_second', rate, 'records/s'),
      ...comparedWith(rate, 'transport.records_per_second', transport),
    },
    result('columns.records_per_second', columns.recordsPerSecond, 'records/s'),
    result('transport.records_per_second', transport, 'records/s'),
    result('rows.checkpoints', rows.checkpoints, 'checkpoints'),
  ]
}

/** The same records in either encoding. */
class RowTraffic extends Traffic {
  isRows = false
  readonly #decoder = new UsageDecoder()

  override random(count: number, timeMs: number, probe: string, epoch: number): Uint8Array {
    const data = super.random(count, timeMs, probe, epoch)
    if (!this.isRows) return data
    this.#decoder.decode(data, probe, 0, 1)
    const { batch, stamp } = this.#decoder
    const rows = Array.from(
      { length: count },
      (_, i): UsageRow => [
        batch.subscribers[i]!,
        batch.usageBytes[i]!,
        batch.timesMs[i]!,
        batch.rats[i]!,
        batch.apps[i]!,
      ],
    )
    return encodeUsageRows(stamp, rows)
  }
}
