/** Erasures as whoever asks for one sees them. */

/** What became of a request: it stands in a partition's log, where nothing can take it back. */
export interface ErasureReceipt {
  /** Names the erasure in logs and audits; holds no subscriber number. */
  readonly id: string
  readonly partition: number
  /** Where it stands in `IN_<partition>`: done once that input is applied. */
  readonly sequence: number
  /** Subscribers that it names. */
  readonly count: number
}

/**
 * Asks for the erasure of subscribers of any partitions: a receipt per message that this took.
 * Rejects with StreamFullError or BrokerUnavailableError; then some messages may stand in the log,
 * and asking again does no harm.
 */
export type EraseSubscribers = (
  subscribers: readonly number[],
) => Promise<readonly ErasureReceipt[]>
