/** Records outside the accepted time range: the only ones that are refused one by one. */

import type { InputMessage } from '../model/ports.ts'
import type { UsageBatch } from '../model/usage.ts'
import { Packer } from '../outbox/packer.ts'
import type { PartitionCore } from './core.ts'

/**
 * Takes records that are too late or too early out of the batch, each into the reject stream. Their
 * form there is MessagePack rows: [position, sub, bytes, time, rat, app, cell, kind].
 */
export function refuseOutOfTime(
  core: PartitionCore,
  message: InputMessage,
  batch: UsageBatch,
): void {
  const { timesMs, count } = batch
  const firstMs = core.clockMs - core.compiled.catalog.latenessMs
  const lastMs = core.clockMs + core.compiled.catalog.earlinessMs
  let refused = 0
  for (let i = 0; i < count; i++) {
    if (timesMs[i]! < firstMs || timesMs[i]! > lastMs) refused += 1
  }
  if (refused === 0) return
  for (const reason of ['too-late', 'too-early'] as const) {
    const isRefused = (timeMs: number): boolean =>
      reason === 'too-late' ? timeMs < firstMs : timeMs > lastMs
    const rows: number[] = []
    for (let i = 0; i < count; i++) if (isRefused(timesMs[i]!)) rows.push(i)
    if (rows.length === 0) continue
    if (reason === 'too-late') core.statistics.recordsTooLate += rows.length
    else core.statistics.recordsTooEarly += rows.length
    const detail = `${rows.length} of ${count} records, clock ${core.clockMs}`
    const body = encodeRecords(batch, rows)
    const position = `record ${rows[0]}`
    core.rejects.add(message.sequence, message.subject, { reason, position, detail }, body)
  }
  let kept = 0
  for (let i = 0; i < count; i++) {
    if (timesMs[i]! < firstMs || timesMs[i]! > lastMs) continue
    if (kept !== i) moveRecord(batch, i, kept)
    kept += 1
  }
  batch.count = kept
}

function encodeRecords(batch: UsageBatch, rows: readonly number[]): Uint8Array {
  const packer = new Packer(4096)
  packer.array(rows.length)
  for (const i of rows) {
    packer.array(8)
    packer.number(i)
    packer.number(batch.subscribers[i]!)
    packer.number(batch.usageBytes[i]!)
    packer.number(batch.timesMs[i]!)
    packer.number(batch.rats[i]!)
    packer.number(batch.apps[i]!)
    packer.number(batch.cells[i]!)
    packer.number(batch.kinds[i]!)
  }
  return packer.bytes.subarray(0, packer.size)
}

function moveRecord(batch: UsageBatch, from: number, to: number): void {
  batch.subscribers[to] = batch.subscribers[from]!
  batch.usageBytes[to] = batch.usageBytes[from]!
  batch.timesMs[to] = batch.timesMs[from]!
  batch.rats[to] = batch.rats[from]!
  batch.apps[to] = batch.apps[from]!
  batch.cells[to] = batch.cells[from]!
  batch.kinds[to] = batch.kinds[from]!
}
