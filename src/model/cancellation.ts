/** Cancellations by an operator, as whoever asks for one sees them. */

/** What to take back: what is pending and meets all that is not null; one at least is not. */
export interface CancelRequest {
  readonly trigger: string | null
  readonly channel: string | null
  readonly subscriber: number | null
}

/** It stands in a partition's log, where nothing can take it back. */
export interface CancelReceipt {
  /** Names the cancellation in logs and audits; the same in all partitions. */
  readonly id: string
  readonly partition: number
  /** Where it stands in `IN_<partition>`: what was pending before is gone once that is applied. */
  readonly sequence: number
}

/**
 * Asks for a cancellation in every partition that it may concern: a receipt for each. Rejects with
 * StreamFullError or BrokerUnavailableError; then it may stand in some of the logs, and asking
 * again does no harm.
 */
export type CancelDeliveries = (request: CancelRequest) => Promise<readonly CancelReceipt[]>
