/**
 * A policy and a history as plain data: what the generator makes, what is written as YAML for the
 * engine, and what the naive model reads. No type of it comes from the engine's policy.
 */

import type { NaiveInput } from '../support/naive/input.ts'

/** Lists that profile messages put subscribers on. */
export type PlainList = 'black' | 'white' | 'red' | 'sensitive' | 'optOut' | 'canary'

/** Calendar units that latches and caps go by. */
export type PlainUnit = 'hour' | 'day' | 'week' | 'month' | 'cycle'

/** Whose calendar periods are of. */
export interface PlainCalendar {
  readonly zone: string
  /** First day of the billing cycle, 1 to 31. */
  readonly cycleDay: number
}

/** Periods that counters are read of in conditions. */
export type PlainCounterUnit = 'day' | 'month' | 'cycle'

/** `2 per week`, `1 ever`, or `3 per 30 days` (sliding). */
export interface PlainCap {
  readonly count: number
  readonly per: PlainUnit | 'ever' | { readonly length: number; readonly of: 'hours' | 'days' }
}

/** Minutes of the local day, start inclusive, end exclusive. */
export interface PlainOpening {
  readonly fromMinute: number
  readonly toMinute: number
}

/** One declared contact window. */
export interface PlainWindow extends PlainOpening {
  /** null: not said. */
  readonly outside: 'defer' | 'drop' | null
  /** Weekdays on which it opens, Monday 0 to Sunday 6; null: not said, all. */
  readonly on: readonly number[] | null
  /** null: not said, holidays are like other days. */
  readonly holidays: 'closed' | 'open' | 'like-other-days' | PlainOpening | null
  /** null: not said. */
  readonly spreadMinutes: number | null
  readonly expiresHours: number | null
}

/** `now`, `after Nh`, or `same day`/`next day` at a wall-clock time. */
export type PlainSchedule =
  | { readonly kind: 'now' }
  | { readonly kind: 'after'; readonly minutes: number }
  | { readonly kind: 'at'; readonly days: 0 | 1; readonly minuteOfDay: number }

/** A number that candidates compete by. */
export type PlainValue =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'fee' }
  | { readonly kind: 'bytes-of-day' }
  | { readonly kind: 'vip'; readonly yes: number; readonly no: number }

/** Who may get it: a tag that is there or not, or a fee of at least so much. */
export type PlainAudience =
  | { readonly kind: 'tag'; readonly tag: 'vip' | 'has_pack'; readonly isWanted: boolean }
  | { readonly kind: 'fee'; readonly atLeast: number }

/** What fires a trigger: a line of one counter, and perhaps a tag. */
export interface PlainCondition {
  readonly counter: 'data' | 'calls'
  readonly per: PlainCounterUnit
  readonly atLeast: number
  readonly tag: 'vip' | 'seed' | null
  /** A tag that must not be there. */
  readonly without: 'has_pack' | null
}

/** A share of the subscribers, by a stable hash of the experiment. */
export interface PlainControl {
  /** Percent, whole. */
  readonly percent: number
  /** null: not said; the trigger's id, or `global`. */
  readonly experiment: string | null
}

/** One trigger file. null: not said. */
export interface PlainTrigger {
  readonly id: string
  /** Path below the config directory; triggers are judged in the order of the paths. */
  readonly path: string
  readonly condition: PlainCondition
  readonly once: PlainUnit | 'ever'
  readonly oncePerTag: boolean
  readonly isLateFiring: boolean
  readonly isRetrying: boolean
  readonly class: string | null
  readonly layer: string | null
  readonly priority: number | null
  readonly value: PlainValue | null
  readonly audience: PlainAudience | null
  readonly control: PlainControl | null
  readonly ignoresCaps: boolean | null
  readonly countsTowardCaps: boolean | null
  readonly channel: string
  readonly at: PlainSchedule
  readonly window: PlainWindow | null
  /** null: not said, defer. */
  readonly overCapacity: 'defer' | 'drop' | null
  readonly caps: readonly PlainCap[]
  readonly cancelWhen: 'has_pack' | 'vip' | null
  readonly validFromMs: number | null
  readonly validToMs: number | null
  readonly onExpired: 'reschedule' | 'drop'
  readonly attempts: number
}

/** A channel as declared. */
export interface PlainChannel {
  readonly name: string
  readonly window: PlainWindow | null
  readonly caps: readonly PlainCap[]
  readonly capacity: PlainCapacity | null
}

/** What a channel carries; null: not said. */
export interface PlainCapacity {
  readonly perHour: number | null
  readonly perDay: number | null
}

/** A message class as declared: what is null stays as the class has it undeclared. */
export interface PlainClass {
  readonly name: string
  readonly window: PlainWindow | null
  readonly caps: readonly PlainCap[]
  readonly sensitiveCaps: readonly PlainCap[]
  readonly refusedBy: readonly ('red' | 'optOut' | 'sensitive')[] | null
  readonly ignoresCaps: boolean | null
  readonly countsTowardCaps: boolean | null
  readonly heldOut: boolean | null
}

/** Everything that one generation of a configuration declares. */
export interface PlainPolicy {
  readonly channels: readonly PlainChannel[]
  readonly classes: readonly PlainClass[]
  readonly caps: readonly PlainCap[]
  /** Local days since 1970-01-01. */
  readonly holidays: readonly number[]
  readonly globalControl: PlainControl | null
  readonly arbitration: {
    readonly layers: readonly string[]
    readonly offersPerContact: number
    readonly contact: 'hour' | 'day'
  } | null
  readonly triggers: readonly PlainTrigger[]
}

/** A reload in the middle of a history. */
export interface PlainReload {
  readonly sequence: number
  readonly kind: 'config'
  readonly policy: PlainPolicy
}

/** An operator takes back what waits and meets everything that is named; null: any. */
export interface PlainCancellation {
  readonly sequence: number
  readonly kind: 'cancel'
  readonly trigger: string | null
  readonly channel: string | null
  readonly subscriber: number | null
}

/** One message of the log. */
export type PlainInput = NaiveInput | PlainReload | PlainCancellation

/** One case: all of it follows from the seed and the switched-off features. */
export interface PolicyCase {
  readonly seed: number
  readonly zone: string
  readonly startMs: number
  readonly policy: PlainPolicy
  readonly inputs: readonly PlainInput[]
}

/** How late a record may come, as declared in every generated configuration, ms. */
export const LATENESS_MS = 24 * 3_600_000
/** How far ahead of the clock a record may be, ms. */
export const EARLINESS_MS = 5 * 60_000
/** Past periods that the counters keep. */
export const KEPT_PERIODS = 1
/** Whose ticks move the virtual clock. */
export const TICK_WRITER = 'workload'

/**
 * A decision as OUT has it, less its number, generation and texts: of the model or of the engine.
 */
export interface PolicyDecision {
  readonly kind: 'delivery' | 'holdout' | 'suppressed'
  readonly inputSequence: number
  readonly trigger: string
  readonly subscriber: number
  readonly period: string
  readonly attempt: number
  readonly decidedAtMs: number
  readonly firedAtMs: number
  readonly values: Readonly<Record<string, number>>
  readonly id?: string
  readonly channel?: string
  readonly experiment?: string
  readonly class?: string
  readonly canary?: boolean
  readonly notBeforeMs?: number
  readonly notAfterMs?: number
  readonly reason?: string
  readonly winner?: string
  readonly detail?: string
}
