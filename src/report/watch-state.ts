/** What the watch must remember across a crash, as plain data; and what it says. */

import type { Level } from '../model/reporting.ts'

/** Something to be said, decided and frozen: it is said until it is known to be. */
export type Saying =
  | {
      readonly kind: 'publish'
      /** Letters, digits, `_` and `-`: the message's id, so that it is published once. */
      readonly id: string
      /** `report.<name>` or `alarm.<level>`. */
      readonly subject: string
      readonly body: unknown
    }
  | {
      readonly kind: 'notice'
      readonly id: string
      /** Roles; their numbers are the settings'. */
      readonly to: readonly string[]
      readonly channel: string
      readonly class: string
      readonly text: string
      /** When it was due, ms: one that is told much later would mislead. */
      readonly atMs: number
    }

/** The level of a measure, and since when. */
export interface MeasureState {
  readonly level: Level
  readonly sinceMs: number
  /** Count and total of its last value; null: it was not judged yet. */
  readonly value: readonly [number, number] | null
}

/** An alarm that has not ended, or whose end is not on record. */
export interface Incident {
  readonly startedAtMs: number
  /** Values at each look: ms, count, total; the first and the last ones of many. */
  readonly values: readonly (readonly [number, number, number])[]
  /** Its record was made because it lasted so long. */
  readonly isRecorded: boolean
}

/** Kept in a file, replaced as a whole. */
export interface WatchState {
  readonly v: 1
  /** All looks up to this instant have been taken, ms; null: it has not begun. */
  readonly lookedAtMs: number | null
  /** Last report of each name: the day or stretch that it was of. */
  readonly reported: Readonly<Record<string, string>>
  /** Local day of the last warning of the daily maximum. */
  readonly warnedDay: string | null
  readonly measures: Readonly<Record<string, MeasureState>>
  readonly incidents: Readonly<Record<string, Incident>>
  /** Not known to have been said, in order. */
  readonly unsaid: readonly Saying[]
}

/** Nothing was looked at yet. */
export const NO_STATE: WatchState = {
  v: 1,
  lookedAtMs: null,
  reported: {},
  warnedDay: null,
  measures: {},
  incidents: {},
  unsaid: [],
}

/** A state from what was read; null: it is none of ours. */
export function parseWatchState(value: unknown): WatchState | null {
  const state = value as Partial<WatchState> | null
  if (typeof state !== 'object' || state === null || state.v !== 1) return null
  if (!Array.isArray(state.unsaid)) return null
  return { ...NO_STATE, ...state }
}
