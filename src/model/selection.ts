/** Selections of segments as people and other programs see them. */

/** What one partition knows of a segment; times are ms since the epoch. */
export interface SegmentView {
  readonly segment: string
  /** `idle`, or what the partition is at with the selection that runs. */
  readonly phase: 'idle' | 'held' | 'scoring' | 'counting' | 'waiting' | 'applying' | 'done'
  /** Share of the rows that the pass under way has looked at, 0 to 1. */
  readonly progress: number
  /** Version that runs or was selected last; 0: never. */
  readonly version: number
  /** When the schedule comes next; null: on demand, or another partition knows. */
  readonly nextDueMs: number | null
  /** Selections that ended here; that a reload broke off; instants that went by without one. */
  readonly selectedCount: number
  readonly abortedCount: number
  readonly missedCount: number
  /** The one that ended last, as far as this partition had a part in it. */
  readonly last: SelectionReport | null
  /** The same over all partitions; null but at partition 0. */
  readonly total: {
    readonly version: number
    readonly candidates: number
    readonly taken: number
  } | null
  /** Partitions that partition 0 waits for; empty elsewhere. */
  readonly awaited: readonly number[]
}

/** A selection that has ended. */
export interface SelectionReport {
  readonly version: number
  readonly startMs: number
  readonly endMs: number
  /** How late it began after its schedule. */
  readonly lateMs: number
  readonly candidates: number
  readonly taken: number
  /** Lowest score that was taken; null: nobody was. */
  readonly lowestScore: number | null
  /** Inputs that it was a part of. */
  readonly inputs: number
}

/** Something about selections that the log of the worker says once. */
export type SelectionNotice =
  | ({ readonly kind: 'selected'; readonly segment: string } & SelectionReport)
  | { readonly kind: 'aborted'; readonly segment: string; readonly version: number }

/** What became of a request: it stands in the log of partition 0. */
export interface SelectionReceipt {
  readonly id: string
  readonly segment: string
  readonly version: number
  /** Where it stands in `IN_0`. */
  readonly sequence: number
}

/**
 * Asks partition 0 to select a segment under a version. Rejects with StreamFullError or
 * BrokerUnavailableError; asking again under the same version does no harm.
 */
export type SelectSegment = (segment: string, version: number) => Promise<SelectionReceipt>
