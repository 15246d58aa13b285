import { assert } from '../errors.ts'
import type { ProfileRow } from '../model/messages.ts'
import { partitionOf, producerSubject, UPSERT_ROWS_MAX } from '../model/wire.ts'
import { encodeProfile } from './encode.ts'

/** One message, ready to publish. Publishing it again, bytes unchanged, changes nothing. */
export interface ProfileBatch {
  readonly subject: string
  readonly partition: number
  readonly rowCount: number
  readonly data: Uint8Array
}

/** Who sends, and how rows are cut into batches. */
export interface ProfileBatcherOptions {
  /** Name of the source: the last token of its subjects, or with `isOwn` their beginning. */
  readonly source: string
  readonly epoch: number
  /**
   * Whether the name is nobody else's: then names `source`, `source-1` … take turns, each for as
   * many batches as a partition remembers, so that a repeat of any length is recognised.
   */
  readonly isOwn: boolean
  readonly partitionCount: number
  readonly batchRowsMax: number
}

/** Batches under one name: a partition remembers the last 1,024 of a producer. */
const NAME_BATCHES = 1_000

/**
 * Splits rows by partition into messages, each with the next seq of its partition. Rows of a
 * partition keep their order. The same rows give the same bytes.
 */
export class ProfileBatcher {
  readonly #options: ProfileBatcherOptions
  readonly #emit: (batch: ProfileBatch) => void
  readonly #pending: ProfileRow[][]
  readonly #counts: number[]

  /** @param emit called for each batch when it is full or flushed; owns the batch */
  constructor(options: ProfileBatcherOptions, emit: (batch: ProfileBatch) => void) {
    const { partitionCount, batchRowsMax } = options
    assert(batchRowsMax >= 1 && batchRowsMax <= UPSERT_ROWS_MAX, 'batchRowsMax')
    this.#options = options
    this.#emit = emit
    this.#pending = Array.from({ length: partitionCount }, () => [])
    this.#counts = Array.from({ length: partitionCount }, () => 0)
  }

  /** Adds a row; emits its partition's batch when that becomes full. */
  add(row: ProfileRow): void {
    const { partitionCount, batchRowsMax } = this.#options
    const partition = partitionOf(row.subscriber, partitionCount)
    const rows = this.#pending[partition]!
    if (rows.push(row) === batchRowsMax) this.#emitPartition(partition)
  }

  /** Emits what is left, partition by partition. */
  flush(): void {
    for (const [partition, rows] of this.#pending.entries()) {
      if (rows.length > 0) this.#emitPartition(partition)
    }
  }

  #emitPartition(partition: number): void {
    const { source, epoch, isOwn } = this.#options
    const rows = this.#pending[partition]!
    const count = this.#counts[partition]!
    const turn = isOwn ? Math.floor(count / NAME_BATCHES) : 0
    const name = turn === 0 ? source : `${source}-${turn}`
    const stamp = { probe: name, epoch, seq: count - turn * NAME_BATCHES }
    const data = encodeProfile({ stamp, rows })
    this.#pending[partition] = []
    this.#counts[partition] = count + 1
    const subject = producerSubject('profile', partition, name)
    this.#emit({ subject, partition, rowCount: rows.length, data })
  }
}
