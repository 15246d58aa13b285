/**
 * Journeys: steps with waits that a subscriber goes through, from entering until a goal is met, an
 * exit opens, or the last step lies behind. Made by rules/build-journeys.ts; frozen.
 */

import type { CalendarUnit, Expression } from './expression.ts'
import type { ControlGroupSpec } from './policy.ts'

/**
 * How long a step waits after the one before was due. `calendar`: so many months and days later in
 * the subscriber's zone, clamped to the end of the month; at `minuteOfDay`, null: at the same time
 * of day.
 */
export type WaitSpec =
  | { readonly kind: 'duration'; readonly lengthMs: number }
  | {
      readonly kind: 'calendar'
      readonly months: number
      readonly days: number
      readonly minuteOfDay: number | null
    }

/** What follows when a step is due and its condition is false. */
export type OtherwiseSpec =
  | { readonly kind: 'skip' | 'leave' }
  | {
      /** Judged again after `everyMs`, while that is no later than `upToMs` after it was due. */
      readonly kind: 'wait'
      readonly everyMs: number
      readonly upToMs: number
      readonly afterwards: 'skip' | 'leave'
    }

/** One step. Its name is unique within the journey, and its customers stand at it by name. */
export interface StepSpec {
  readonly name: string
  readonly wait: WaitSpec
  /** Judged when the step is due, as of the periods running then; null: always true. */
  readonly when: Expression | null
  readonly otherwise: OtherwiseSpec
  /** Id of the trigger that makes its delivery; null: it only waits, or asks. */
  readonly trigger: string | null
}

/** What a reload that moves steps means for the customers inside. */
export type OnEdit = 'continue' | 'restart' | 'leave'

/** One journey. A subscriber is in it once at a time. */
export interface JourneySpec {
  readonly id: string
  readonly file: string
  /** Who enters: judged like the condition of a trigger, with its latch. */
  readonly enter: Expression
  readonly once: CalendarUnit | 'ever'
  readonly isLateFiring: boolean
  readonly isFiringExisting: boolean
  /** Reached: the journey ends as a success; null: there is none. */
  readonly goal: Expression | null
  /** No longer meant: the journey ends; null: there is none. */
  readonly exit: Expression | null
  readonly onEdit: OnEdit
  /** How long after the last step the goal is still waited for. */
  readonly stayMs: number
  readonly controlGroup: ControlGroupSpec | null
  /** Instants, ms, in which it is entered; null: unbounded. From inclusive, to exclusive. */
  readonly validFromMs: number | null
  readonly validToMs: number | null
  /** In their order; at least one. */
  readonly steps: readonly StepSpec[]
  /** Stable text of who enters; differs when an edit moves that line. */
  readonly identity: string
  /** Stable text of the steps' names, waits and conditions: another one is an edit (`onEdit`). */
  readonly shape: string
}

/** A step as the trigger knows it that delivers it. */
export interface StepOfJourney {
  readonly journey: string
  readonly step: string
}

/** What may happen to a subscriber in a journey. */
export const JOURNEY_EVENTS = ['entered', 'goal', 'exit', 'completed', 'left'] as const

export type JourneyEvent = (typeof JOURNEY_EVENTS)[number]

/**
 * Why somebody left: a step's condition was false and it says so; the journey was edited and says
 * so; it is no longer configured.
 */
export type LeaveCause = 'condition' | 'edited' | 'removed'

/** Counts of a journey since the process started; `control`: of those, the held-out ones. */
export interface JourneyCounts {
  readonly all: Record<JourneyEvent, number>
  readonly control: Record<JourneyEvent, number>
}

/** Id of the trigger that delivers a step. */
export function stepTriggerId(journey: string, step: string): string {
  return `${journey}--${step}`
}

/** Name under which latches and codes of a journey are kept; no trigger's id can be like it. */
export function journeyKey(journey: string): string {
  return `${KEY_START}${journey}`
}

/** The journey that bears a name which `journeyKey` made. */
export function journeyOfKey(key: string): string {
  return key.slice(KEY_START.length)
}

const KEY_START = 'journey/'

/** A journey as one partition has it. */
export interface JourneyView {
  readonly journey: string
  readonly file: string
  readonly onEdit: OnEdit
  /** Who is inside now, held-out ones among them. */
  readonly members: number
  /** In their order; who waits for the step. */
  readonly steps: readonly { readonly step: string; readonly members: number }[]
  /** Who has the last step behind and may still meet the goal. */
  readonly staying: number
  readonly counts: JourneyCounts
}

/** Where one subscriber stands in a journey. Times in ms since the epoch. */
export interface MembershipView {
  readonly journey: string
  readonly period: string
  /** null: behind the last. */
  readonly step: string | null
  readonly dueMs: number
  readonly enteredAtMs: number
  /** Whether the subscriber walks the steps in a control group. */
  readonly isControl: boolean
}
