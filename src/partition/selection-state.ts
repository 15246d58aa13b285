/**
 * What a partition knows of selections: the one that runs, and of partition 0 in addition what it
 * leads: schedules, the queue, the tallies that it waits for. Plain data, all of it in the image.
 */

import type { SelectionReport } from '../model/selection.ts'
import { SELECTION_BUCKETS, SELECTION_KEY_WORDS } from '../model/wire.ts'

/** What a partition is at with a selection. */
export type SelectionPhase = 'scoring' | 'counting' | 'waiting' | 'applying' | 'done'

/** A selection as one partition runs it. */
export interface SelectionRun {
  readonly run: number
  readonly segment: string
  readonly version: number
  /** Instant as of which counters and dates are read, ms. */
  readonly startMs: number
  readonly identity: string
  phase: SelectionPhase
  /** Next slot of the pass, and the end of it: who came later is no candidate. */
  cursor: number
  readonly slotCount: number
  /** The round that is counted, or was counted last. */
  round: number
  /** Thresholds of the quotas cut so far, SELECTION_KEY_WORDS words each. */
  thresholds: Uint32Array
  /** Digits of the key that are settled, and their value. */
  digits: number
  prefix: Uint32Array
  /** Keys by their next digit. */
  counts: Uint32Array
  candidates: number
  taken: number
  /** Lowest score that was taken so far; null: none. */
  lowestScore: number | null
  /** Inputs that it took slices of work in. */
  inputs: number
}

/** A selection that is asked for. `atMs`: the instant of its schedule; null: by a person. */
export interface SelectionRequest {
  readonly segment: string
  readonly version: number
  readonly atMs: number | null
}

/** A selection as partition 0 leads it. */
export interface SelectionLead extends SelectionRequest {
  readonly run: number
  readonly generation: number
  readonly startMs: number
  round: number
  /** Partitions whose tally of the round has come, ascending. */
  heard: number[]
  counts: Float64Array
  thresholds: Uint32Array
  digits: number
  prefix: Uint32Array
  /** How many the quota still takes below what is settled; -1: not known before the first round. */
  remaining: number
  /** Whether the last cut is made and the partitions apply it. */
  isCut: boolean
  candidates: number
  taken: number
}

/** What is remembered of each segment, by name. */
export interface SegmentRecord {
  /** Version selected last, or being selected; 0: never. */
  version: number
  /** All instants of the schedule up to this one are dealt with, ms; of partition 0. */
  handledMs: number
  /** Text of the schedule that this is about. */
  schedule: string
  /** Ended selections of this partition, and those that a reload broke off. */
  selectedCount: number
  abortedCount: number
  /** Schedule instants that went by without a selection of their own; of partition 0. */
  missedCount: number
  last: SelectionReport | null
  /** Of partition 0. */
  total: SelectionTotal | null
}

/** A selection that has ended in all partitions, as partition 0 added it up. */
export interface SelectionTotal {
  readonly version: number
  readonly endMs: number
  readonly candidates: number
  readonly taken: number
}

/** Everything of a partition's selections. */
export interface SelectionState {
  run: SelectionRun | null
  /** Highest run that this partition has seen. */
  lastRun: number
  /** An order for a configuration that is not here yet. */
  held: (SelectionRequest & { run: number; generation: number; startMs: number }) | null
  lead: SelectionLead | null
  /** At most one request per segment, oldest first. */
  queue: SelectionRequest[]
  records: Record<string, SegmentRecord>
}

/** A partition that has never heard of a selection. */
export function emptySelections(): SelectionState {
  return { run: null, lastRun: 0, held: null, lead: null, queue: [], records: {} }
}

/** The state as plain data for the manifest, independent of what comes later. */
export function imageOfSelections(state: SelectionState): unknown {
  return structuredClone({
    ...state,
    run: state.run && {
      ...state.run,
      thresholds: [...state.run.thresholds],
      prefix: [...state.run.prefix],
      counts: sparse(state.run.counts),
    },
    lead: state.lead && {
      ...state.lead,
      thresholds: [...state.lead.thresholds],
      prefix: [...state.lead.prefix],
      counts: sparse(state.lead.counts),
    },
  })
}

/** The state of an image that `imageOfSelections` made; absent: none. */
export function restoreSelections(image: unknown): SelectionState {
  if (image === undefined || image === null) return emptySelections()
  const state = structuredClone(image) as SelectionState
  const { run, lead } = state
  if (run !== null) {
    run.thresholds = Uint32Array.from(run.thresholds)
    run.prefix = Uint32Array.from(run.prefix)
    run.counts = fill(new Uint32Array(SELECTION_BUCKETS), run.counts)
  }
  if (lead !== null) {
    lead.thresholds = Uint32Array.from(lead.thresholds)
    lead.prefix = Uint32Array.from(lead.prefix)
    lead.counts = fill(new Float64Array(SELECTION_BUCKETS), lead.counts)
  }
  return state
}

/** A prefix of which nothing is settled. */
export function noPrefix(): Uint32Array {
  return new Uint32Array(SELECTION_KEY_WORDS)
}

/** Positions and values of what is not zero: most digits of most rounds are. */
function sparse(counts: ArrayLike<number>): number[] {
  const entries: number[] = []
  for (let digit = 0; digit < counts.length; digit++) {
    if (counts[digit] !== 0) entries.push(digit, counts[digit]!)
  }
  return entries
}

function fill<Counts extends Uint32Array | Float64Array>(
  counts: Counts,
  entries: ArrayLike<number>,
): Counts {
  for (let i = 0; i < entries.length; i += 2) counts[entries[i]!] = entries[i + 1]!
  return counts
}
