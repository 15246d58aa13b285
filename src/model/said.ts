/**
 * Decisions as a reader of OUT gets them: gateways, reports, whoever follows what was decided.
 * Kinds and keys that came later than the reader are passed over, so all that is new is optional
 * here.
 */

import type { DecisionHead } from './decision.ts'

/**
 * What a delivery does that says nothing: a credit to the account, or a tag on the profile; `other`
 * came later than this reader.
 */
export type SaidAction =
  | { readonly kind: 'credit'; readonly amount: number; readonly unit: string }
  | { readonly kind: 'tag'; readonly tag: string; readonly value: unknown }
  | { readonly kind: 'other' }

/** A delivery; null where it has none of it. Exactly one of `message` and `action` is there. */
export interface SaidDelivery extends DecisionHead {
  readonly kind: 'delivery'
  readonly id: string
  readonly channel: string
  /** Message class; `marketing` where OUT says nothing. */
  readonly class: string
  readonly isCanary: boolean
  readonly message: string | null
  readonly action: SaidAction | null
  readonly notBeforeMs: number
  readonly notAfterMs: number
  /** SMS segments of the message. */
  readonly segments: number | null
  readonly lang: string | null
  readonly region: string | null
  /** `test`, `notice`, `confirm`, `offer`, or a later one; null: an ordinary delivery. */
  readonly purpose: string | null
}

/** What would have been a delivery, of a subscriber in a control group. */
export interface SaidHoldout extends DecisionHead {
  readonly kind: 'holdout'
  readonly id: string
  readonly channel: string
  readonly experiment: string
  readonly region: string | null
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** A candidate that became no delivery. */
export interface SaidSuppression extends DecisionHead {
  readonly kind: 'suppressed'
  readonly reason: string
  readonly winner: string | null
  readonly detail: string | null
}

/** What became of a delivery. */
export interface SaidOutcome extends DecisionHead {
  readonly kind: 'outcome'
  /** Of the delivery. */
  readonly id: string
  readonly channel: string
  /** sent, delivered, failed, expired, replied, clicked, ordered, opted-out, complained, … */
  readonly what: string
  /** Event time as reported, ms since the epoch. */
  readonly timeMs: number
  /** How the delivery was found: `id`, `reply`, `subscriber`. */
  readonly by: string
  /** The keyword that a reply matched. */
  readonly word: string | null
  /** The first of this `what` for this (trigger, subscriber, period). */
  readonly isFirst: boolean
  readonly arm: string | null
  readonly isCanary: boolean
  readonly purpose: string | null
  readonly region: string | null
}

/** An offer was shown on request. */
export interface SaidShown extends DecisionHead {
  readonly kind: 'shown'
  readonly channel: string
  /** 1 is the first offer. */
  readonly place: number
  readonly isCanary: boolean
  readonly region: string | null
}

/** Something happened to a subscriber in a journey; `trigger` is the journey's id. */
export interface SaidJourney extends DecisionHead {
  readonly kind: 'journey'
  /** entered, goal, exit, completed, left, … */
  readonly what: string
  /** Step that the subscriber stood at; null: before the first, or behind the last. */
  readonly step: string | null
  /** Of `left`. */
  readonly why: string | null
  /** `control`: held out. */
  readonly arm: string | null
  readonly isCanary: boolean
  readonly region: string | null
}

/** A decision of a kind that this reader does not know: it has its number, and that is all. */
export interface SaidUnknown {
  readonly kind: 'unknown'
  readonly number: number
}

/** One decision, as read. */
export type SaidDecision =
  | SaidDelivery
  | SaidHoldout
  | SaidSuppression
  | SaidOutcome
  | SaidShown
  | SaidJourney
  | SaidUnknown

/** One message of OUT, as read. */
export type SaidMessage =
  | { readonly kind: 'claim' }
  | {
      readonly kind: 'decisions'
      readonly first: number
      readonly last: number
      readonly decisions: readonly SaidDecision[]
    }
  /** A ruling; `baselineNumber`: decisions up to it count as said, whatever OUT holds. */
  | { readonly kind: 'ruling'; readonly baselineNumber: number | null }
  | { readonly kind: 'unknown' }

/** How far a reader of OUT has come; all zero and empty: it begins. Kept by the reader. */
export interface FeedPlace {
  /** Last decision that was read. */
  readonly number: number
  /** Message of OUT that holds it; 0: not known, it is searched for. */
  readonly sequence: number
  /** Incarnation of OUT in which `sequence` counts; empty: not known. */
  readonly created: string
}

/** Decisions of one partition in the order of their numbers, each once, from a place on. */
export interface DecisionFeed {
  /** Where the last decision that `take` gave stands. */
  readonly place: FeedPlace
  /**
   * Those that have arrived, without waiting; empty: none. At most about `max`, by whole messages
   * of OUT.
   * @throws {FeedBrokenError} OUT is not what was read before
   */
  take(max: number): readonly SaidDecision[]
  /** Resolves when `take` may have something, or after `timeoutMs`. */
  wait(timeoutMs: number): Promise<void>
  /**
   * Whether OUT still is the stream that was read, as far as can be seen; ask now and then, and
   * after each reconnect. @throws {FeedBrokenError} if not
   */
  check(): Promise<void>
  close(): Promise<void>
}
