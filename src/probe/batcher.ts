import { assert } from '../errors.ts'
import { createColumns } from '../model/usage.ts'
import { partitionOf, producerSubject } from '../model/wire.ts'
import { COLUMNAR_RECORDS_MAX, encodeUsageColumns } from './encode.ts'
import type { RecordColumns } from './population.ts'

/** One message, ready to publish. Publishing it again, bytes unchanged, changes nothing. */
export interface EncodedBatch {
  readonly subject: string
  readonly partition: number
  readonly seq: number
  readonly recordCount: number
  readonly data: Uint8Array
}

/** Who sends, and how records are cut into batches. */
export interface BatcherOptions {
  /** Name of the probe: the last token of its subjects. */
  readonly probe: string
  readonly epoch: number
  readonly partitionCount: number
  /** Records of a batch at most: 1 to 32,760, which fills 1 MiB. */
  readonly batchRecordsMax: number
  /** Next seq per partition; absent: from 0. */
  readonly nextSeqs?: readonly number[]
}

/**
 * Splits records by partition into columnar batches, each with the next seq of its partition.
 * Records of a partition keep their order. The same records in the same calls give the same bytes.
 */
export class Batcher {
  readonly #options: BatcherOptions
  readonly #pending: readonly RecordColumns[]
  readonly #counts: Uint32Array
  readonly #nextSeqs: Float64Array
  readonly #emit: (batch: EncodedBatch) => void

  /** @param emit called for each batch when it is full or flushed; owns the batch */
  constructor(options: BatcherOptions, emit: (batch: EncodedBatch) => void) {
    const { partitionCount, batchRecordsMax } = options
    assert(partitionCount >= 1, 'partitionCount')
    assert(batchRecordsMax >= 1 && batchRecordsMax <= COLUMNAR_RECORDS_MAX, 'batchRecordsMax')
    this.#options = options
    this.#emit = emit
    this.#pending = Array.from({ length: partitionCount }, () => createColumns(batchRecordsMax))
    this.#counts = new Uint32Array(partitionCount)
    this.#nextSeqs = new Float64Array(partitionCount)
    options.nextSeqs?.forEach((seq, partition) => {
      this.#nextSeqs[partition] = seq
    })
  }

  /** Next seq of each partition. */
  nextSeqs(): readonly number[] {
    return [...this.#nextSeqs]
  }

  /** Adds records [start, end); emits each batch that becomes full. */
  add(columns: RecordColumns, start: number, end: number): void {
    const { partitionCount, batchRecordsMax } = this.#options
    for (let i = start; i < end; i++) {
      const partition = partitionOf(columns.subscribers[i]!, partitionCount)
      const target = this.#pending[partition]!
      const at = this.#counts[partition]!
      target.subscribers[at] = columns.subscribers[i]!
      target.usageBytes[at] = columns.usageBytes[i]!
      target.timesMs[at] = columns.timesMs[i]!
      target.rats[at] = columns.rats[i]!
      target.apps[at] = columns.apps[i]!
      target.cells[at] = columns.cells[i]!
      target.kinds[at] = columns.kinds[i]!
      this.#counts[partition] = at + 1
      if (at + 1 === batchRecordsMax) this.#emitPartition(partition)
    }
  }

  /** Emits what is left, partition by partition. */
  flush(): void {
    for (let partition = 0; partition < this.#counts.length; partition++) {
      if (this.#counts[partition]! > 0) this.#emitPartition(partition)
    }
  }

  #emitPartition(partition: number): void {
    const { probe, epoch } = this.#options
    const seq = this.#nextSeqs[partition]!
    const recordCount = this.#counts[partition]!
    const data = encodeUsageColumns(
      { probe, epoch, seq },
      this.#pending[partition]!,
      0,
      recordCount,
    )
    this.#nextSeqs[partition] = seq + 1
    this.#counts[partition] = 0
    const subject = producerSubject('usage', partition, probe)
    this.#emit({ subject, partition, seq, recordCount, data })
  }
}
