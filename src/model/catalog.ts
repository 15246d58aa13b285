/**
 * What one generation of the configuration says, after validation: names resolved, units in one
 * base (milliseconds, bytes, minutes of the day). Made by rules/ from the YAML texts in the log;
 * frozen.
 */

import type { ActionSpec } from './action.ts'
import type { CalendarUnit, Expression } from './expression.ts'
import type { JourneySpec, StepOfJourney } from './journey.ts'
import type { MessageSpec } from './message.ts'
import type { FeedbackKind } from './messages.ts'
import type { PlaceTable } from './place-table.ts'
import type { CapSpec, ContactWindowSpec, ControlGroupSpec, PolicySpec } from './policy.ts'
import type { LoopSpec } from './reply.ts'
import type { ReportingSpec, VerdictSpec } from './reporting.ts'
import type { SegmentSpec } from './segment.ts'

/**
 * What a counter makes of its records. `dwell`: ms between neighbouring records that both match;
 * `interest`: a score that fades with time.
 */
export type Aggregate =
  | 'sum'
  | 'count'
  | 'max'
  | 'last-time'
  | 'distinct-days'
  | 'distinct-apps'
  | 'dwell'
  | 'interest'

/** How an interest moves. Tuning it keeps the scores. */
export interface InterestSpec {
  /** Time in which a score fades to one half, ms. */
  readonly halfLifeMs: number
  /** What each matching record adds. */
  readonly weight: number
  /** Number field of the profile that it starts from; null: from 0. */
  readonly startField: string | null
  readonly feedback: readonly InterestFeedbackSpec[]
}

/** What reports on deliveries of one trigger add to an interest. */
export interface InterestFeedbackSpec {
  readonly trigger: string
  readonly weights: Readonly<Partial<Record<FeedbackKind, number>>>
}

/** One aggregate over usage records. Which subscribers' values exist is the state's business. */
export interface CounterSpec {
  readonly name: string
  readonly aggregate: Aggregate
  /** Column that `sum` and `max` read. */
  readonly column: 'bytes'
  /** Which records count; null: all. Reads columns only. */
  readonly where: Expression | null
  readonly counterWindows: readonly CounterWindowSpec[]
  /** Past calendar periods kept, 0 to 12. `previous` in a condition needs 1. */
  readonly keep: number
  /** `distinct-apps`: the codes told apart; the position is the bit. Empty for others. */
  readonly apps: readonly number[]
  /** `dwell`: the longest time between two records that still stand for one stay, ms. */
  readonly gapMs: number
  /** `dwell`: records without a cell say nothing about where the subscriber is. */
  readonly isCellNeeded: boolean
  readonly interest: InterestSpec | null
  /**
   * Stable text of what is counted (aggregate, column, where); differs when an edit makes a new
   * counter. So does, for `distinct-apps`, any edit of `apps` but additions at its end.
   */
  readonly identity: string
}

/** Whether a counter goes on with the values of the one that had its name before. */
export function isContinuation(before: CounterSpec, after: CounterSpec): boolean {
  return before.identity === after.identity && isPrefix(before.apps, after.apps)
}

/** Whether `longer` begins with all of `shorter`. */
export function isPrefix(shorter: readonly number[], longer: readonly number[]): boolean {
  return shorter.every((value, position) => longer[position] === value)
}

/** Key is the name a condition uses: `day`, `month`, `last_7_days`, `lifetime`. */
export interface CounterWindowSpec {
  readonly key: string
  readonly kind: 'calendar' | 'sliding' | 'lifetime'
  /** Calendar: the period. Sliding: the bucket, `hour` or `day`. Lifetime: `day`, unused. */
  readonly unit: CalendarUnit
  /** Buckets of a sliding window, including the running one; 1 otherwise. */
  readonly bucketCount: number
}

/**
 * A tag is true or false; a versioned one carries a positive integer that tells one tagging from
 * the next.
 */
export interface TagSpec {
  readonly name: string
  readonly versioned: boolean
}

/** A typed field of a subscriber, set by profile messages and read in conditions. */
export interface FieldSpec {
  readonly name: string
  readonly type: 'number' | 'enum' | 'date' | 'bool'
  /** Enum words; the code of a word is its position. Empty for other types. */
  readonly words: readonly string[]
}

/**
 * When a delivery is planned. `at`: wall-clock minute of the day, `days` after the day of the
 * event.
 */
export type ScheduleSpec =
  | { readonly kind: 'now' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'at'; readonly days: number; readonly minuteOfDay: number }

/**
 * What makes a trigger's candidates: its condition, judged with each input that touches it; the
 * journey that it is a step of; or somebody who asks for it.
 */
export type FiredBy = 'condition' | 'journey' | 'request'

/** One trigger: what fires it, how often, and how its delivery is made. */
export interface TriggerSpec {
  readonly id: string
  readonly file: string
  /** The condition is judged by itself only where this says `condition`. */
  readonly firedBy: FiredBy
  readonly when: Expression
  /** Latch period: at most one candidate per (trigger, subscriber, period of the event). */
  readonly once: CalendarUnit | 'ever'
  /** A further latch: once per version of this versioned tag; null: none. */
  readonly oncePerTag: string | null
  /** Whether late records fire edges of their own, past period. */
  readonly isLateFiring: boolean
  /** Whether a trigger that is new or edited by a reload fires for those already above the line. */
  readonly isFiringExisting: boolean
  /** Whether a drop reopens the latch at the next contact window opening. */
  readonly isRetrying: boolean
  /** Name of a class of the policy. */
  readonly class: string
  /** Position in the policy's arbitration layers, 0 the strongest; 0 without arbitration. */
  readonly layer: number
  /** Smaller goes first among due deliveries: 0 to 999. */
  readonly priority: number
  /** What a contact is worth, judged when it fires: larger wins. null: 0. */
  readonly value: Expression | null
  /** Who may get it at all, judged when it fires and when it is due; null: everybody. */
  readonly audience: Expression | null
  readonly controlGroup: ControlGroupSpec | null
  /** Passes over the caps of channel, class and all; its own hold. */
  readonly isIgnoringCaps: boolean
  /** Its deliveries count in the caps of channel, class and all. */
  readonly isCounted: boolean
  readonly channel: string
  readonly schedule: ScheduleSpec
  readonly contactWindow: ContactWindowSpec | null
  /** The trigger's own caps. */
  readonly caps: readonly CapSpec[]
  /** What happens when the channel's capacity for the hour or the day is spent. */
  readonly overCapacity: 'defer' | 'drop'
  /**
   * Judged at emission: true cancels (for instance the pack was ordered meanwhile). Reads tags,
   * lists, fields.
   */
  readonly cancelWhen: Expression | null
  /** Real-time instants, ms; null: unbounded. From inclusive, to exclusive. */
  readonly validFromMs: number | null
  readonly validToMs: number | null
  /** What to do when a gateway reports that an attempt came too late. */
  readonly onExpired: 'reschedule' | 'drop'
  readonly attemptsMax: number
  /** Empty where there is an action. */
  readonly message: MessageSpec
  /** What it does instead of saying something. */
  readonly action?: ActionSpec
  /** The step of a journey that it delivers: then `firedBy` is `journey`. */
  readonly journey?: StepOfJourney
  /** What comes back of its deliveries. */
  readonly loop: LoopSpec
  /** When it did well; left out: it is not judged. */
  readonly verdict?: VerdictSpec
  /** Stable text of what makes it fire (when, once, late); differs when an edit moves the line. */
  readonly identity: string
}

/**
 * Everything that one generation declares, in the order of the files; after the tags that are
 * declared, those that segments bring along.
 */
export interface Catalog {
  readonly counters: readonly CounterSpec[]
  readonly tags: readonly TagSpec[]
  readonly fields: readonly FieldSpec[]
  /** Steps of journeys stand behind the others. */
  readonly triggers: readonly TriggerSpec[]
  readonly journeys: readonly JourneySpec[]
  readonly segments: readonly SegmentSpec[]
  readonly policy: PolicySpec
  readonly reporting: ReportingSpec
  /** Enum field whose word deliveries, holdouts and outcomes carry; null: none. */
  readonly regionField: string | null
  /** Whether receipts of all triggers are told as outcomes. */
  readonly isTellingReceipts: boolean
  /** App dictionary: word → code, for display; conditions already hold codes. */
  readonly apps: ReadonlyMap<string, number>
  /** Which place a cell belongs to; conditions hold the places' codes. */
  readonly places: PlaceTable
  /**
   * Codes that usage batches may carry; a code outside is a reject. Empty app set: every code
   * passes.
   */
  readonly latenessMs: number
  readonly earlinessMs: number
}

/**
 * A whole configuration as it enters the log: path below the config directory → text, sorted by
 * path.
 */
export type ConfigFiles = Readonly<Record<string, string>>

/** Whether two configurations hold the same texts under the same paths. */
export function isSameText(a: ConfigFiles, b: ConfigFiles): boolean {
  const paths = Object.keys(a)
  return paths.length === Object.keys(b).length && paths.every((path) => a[path] === b[path])
}
