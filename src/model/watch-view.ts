/** What `highwater watch` shows over HTTP and in its metrics. */

import type { Level } from './reporting.ts'

/** One group of counts, as asked for. */
export interface StatisticsGroup {
  readonly words: Readonly<Record<string, string>>
  readonly counts: Readonly<Record<string, number>>
  readonly suppressedBy: Readonly<Record<string, number>>
}

/** Counts that were asked for; a sentence where the question makes no sense. */
export type StatisticsAnswer =
  | {
      readonly kind: 'groups'
      readonly groups: readonly StatisticsGroup[]
      readonly csv: () => string
    }
  | { readonly kind: 'unclear'; readonly message: string }

/** A question about counts, as it came. */
export interface StatisticsQuestion {
  readonly by: string
  readonly from: string | undefined
  readonly to: string | undefined
  readonly trigger: string | undefined
}

/** A measure as it stands. */
export interface MeasureView {
  readonly name: string
  readonly level: Level
  readonly sinceMs: number
  /** null: not judged yet. */
  readonly value: number | null
}

/** How far the fold is in a partition. */
export interface FoldedPartition {
  readonly partition: number
  readonly number: number
  readonly atMs: number
  readonly missing: number
}

/** Totals of a trigger over all that is kept. */
export interface TriggerTotals {
  readonly trigger: string
  readonly counts: Readonly<Record<string, number>>
}

/** The watch as HTTP and metrics see it. */
export interface WatchView {
  readonly version: string
  readonly isReady: () => boolean
  /** Code of what stands in the way; null: nothing does. */
  readonly failure: () => string | null
  readonly statistics: (question: StatisticsQuestion) => StatisticsAnswer
  /** Evaluations of all triggers, as in a report. */
  readonly verdicts: (from: string | undefined, to: string | undefined) => VerdictsAnswer
  readonly measures: () => readonly MeasureView[]
  readonly partitions: () => readonly FoldedPartition[]
  readonly totals: () => readonly TriggerTotals[]
  readonly figures: () => {
    readonly rows: number
    readonly cohortRows: number
    readonly cohortBytes: number
    readonly unsaid: number
    readonly published: number
    readonly notices: number
    readonly looks: number
    readonly lookedAtMs: number | null
    readonly capacitySegments: number | null
    readonly capacityMaximum: number | null
  }
}

/** Evaluations, or a sentence where the question makes no sense. */
export type VerdictsAnswer =
  | { readonly kind: 'report'; readonly report: unknown }
  | { readonly kind: 'unclear'; readonly message: string }
