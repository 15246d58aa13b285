/**
 * Segments: who is selected, when, and into which tag. Made by rules/ from the declarations;
 * frozen.
 */

import type { Expression } from './expression.ts'

/**
 * When a segment is selected: wall-clock time in the zone of genesis. `weekday`: 0 is Monday.
 * A `dayOfMonth` (1 to 31) beyond the month's end means its last day.
 */
export type SelectionSchedule =
  | { readonly kind: 'on-demand' }
  | { readonly kind: 'daily'; readonly minuteOfDay: number }
  | { readonly kind: 'weekly'; readonly weekday: number; readonly minuteOfDay: number }
  | { readonly kind: 'monthly'; readonly dayOfMonth: number; readonly minuteOfDay: number }
  | {
      readonly kind: 'yearly'
      readonly month: number
      readonly dayOfMonth: number
      readonly minuteOfDay: number
    }

/**
 * How many are taken from the top. `share`: parts of TAKE_SHARE_PARTS of the candidates, rounded
 * down, but at least one if there is any.
 */
export type TakeSpec =
  | { readonly kind: 'all' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'share'; readonly parts: number }

/** Parts that make the whole of the candidates: a thousandth of a percent each. */
export const TAKE_SHARE_PARTS = 100_000

/** Takes the first `count` of those that match and were not taken by a quota before it. */
export interface QuotaSpec {
  /** null: everybody. */
  readonly where: Expression | null
  readonly take: TakeSpec
}

/** One segment; its name is that of the versioned tag which holds the result. */
export interface SegmentSpec {
  readonly name: string
  readonly schedule: SelectionSchedule
  /** null: everybody. */
  readonly where: Expression | null
  /** null: all candidates are alike, and all are taken. */
  readonly score: Expression | null
  /** Candidates have at least this score; null: more than 0. */
  readonly minScore: number | null
  /** In order of preference, at least one. A plain `take` is one quota for everybody. */
  readonly quotas: readonly QuotaSpec[]
  /** Whether who was a member before is kept, in the tag that `previousTagOf` names. */
  readonly keepsPrevious: boolean
  /** Stable text of who is selected; differs when an edit changes that. */
  readonly identity: string
}

const PREVIOUS = '.previous'

/**
 * Tag that holds the version of which a subscriber was a member before the running one. No tag of
 * a configuration or a profile message can be called so.
 */
export function previousTagOf(segment: string): string {
  return `${segment}${PREVIOUS}`
}

/** Whether a tag was made by `previousTagOf`. */
export function isPreviousTag(tag: string): boolean {
  return tag.endsWith(PREVIOUS)
}

/** A tag as conditions name it: `tags.seed`; of those that `previousTagOf` made, `wasIn.seed`. */
export function tagInConditions(tag: string): string {
  return isPreviousTag(tag) ? `wasIn.${tag.slice(0, -PREVIOUS.length)}` : `tags.${tag}`
}

/** Whether a selection must note which quotas each candidate is for. */
export function hasQuotaBits({ quotas }: SegmentSpec): boolean {
  return quotas.length > 1 || quotas[0]?.where !== null
}
