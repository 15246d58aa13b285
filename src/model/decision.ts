/** What a partition decides: the numbered entries of the output chain. */

import type { ActionSpec } from './action.ts'
import type { JourneyEvent, LeaveCause } from './journey.ts'
import type { FeedbackKind } from './messages.ts'

/**
 * Why a candidate did not become a delivery: a bounded list, each counted and answerable. `erased`
 * is counted and never written: a decision would name the subscriber again.
 */
export const SUPPRESSION_REASONS = [
  'list-black',
  'list-red',
  'list-sensitive',
  'opted-out',
  'not-in-audience',
  'not-valid-yet',
  'no-longer-valid',
  'already-this-tagging',
  'cap-trigger',
  'cap-channel',
  'cap-class',
  'cap-sensitive',
  'cap-global',
  'outranked',
  'capacity',
  'outside-contact-window',
  'zone-unknown',
  'cancelled',
  'cancelled-by-operator',
  'expired',
  'attempts-exhausted',
  'trigger-removed',
  'erased',
  'message-incomplete',
  'condition-unmet',
  'already-this-period',
  'journey-left',
] as const

export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number]

/** Common to all decisions. Times are ms since the epoch on the partition's clock. */
export interface DecisionHead {
  /** 1, 2, 3 … for ever within a partition. */
  readonly number: number
  /** Sequence of the input that caused it. */
  readonly inputSequence: number
  readonly trigger: string
  readonly subscriber: number
  /** `2026-11`, `2026-11-20`, `2026-W47`, `2026-11-20T13`, `2026-11c` (billing cycle) or `ever`. */
  readonly period: string
  readonly attempt: number
  /** Config generation in force when it was decided. */
  readonly generation: number
  readonly decidedAtMs: number
  /** Event time of the record (or clock at the profile change) that made it fire. */
  readonly firedAtMs: number
  /** Counter values that made it fire, by `counter.counterWindow`. */
  readonly values: Readonly<Record<string, number>>
}

/**
 * What a delivery is for that no candidate became. `test`: an operator tries a trigger's text out;
 * `notice`: Highwater tells one of the operator's people something; `confirm`: a question back
 * before an order counts; `offer`: accepted on request. Tests and notices are in no rate.
 */
export type DeliveryPurpose = 'test' | 'notice' | 'confirm' | 'offer'

/**
 * A message to one subscriber: whoever sends it keeps to `notBeforeMs` and `notAfterMs` of real
 * time.
 */
export interface Delivery extends DecisionHead {
  readonly kind: 'delivery'
  /** See `deliveryIdOf`. */
  readonly id: string
  readonly channel: string
  /** Message class; on the wire only where it is not `marketing`. */
  readonly class: string
  /** To an operator's own tester: counted apart, in no rate. On the wire only where true. */
  readonly isCanary: boolean
  /** Empty where there is an action. */
  readonly message: string
  /** What is done instead of saying something. */
  readonly action?: ActionSpec
  /** SMS segments of the message; of channels that carry SMS only. */
  readonly segments?: number
  /** Language of the message, where the trigger has several. */
  readonly lang?: string
  /** Left out for an ordinary one. */
  readonly purpose?: DeliveryPurpose
  /** Where a region is declared, the subscriber's. */
  readonly region?: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/**
 * What would have been a delivery: its subscriber is in the control group of an experiment. It went
 * through every check like the others, and took its place in caps and contacts.
 */
export interface Holdout extends DecisionHead {
  readonly kind: 'holdout'
  /** As the delivery's would have been. */
  readonly id: string
  readonly channel: string
  readonly experiment: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
  readonly region?: string
}

/** How an outcome found its delivery: by id, by subscriber, or in the words of a reply. */
export type OutcomeSource = 'id' | 'subscriber' | 'reply'

/** What became of a delivery, or of what a holdout would have got. */
export interface Outcome extends DecisionHead {
  readonly kind: 'outcome'
  /** Of the delivery or holdout. */
  readonly id: string
  readonly channel: string
  readonly what: FeedbackKind
  /** When it happened, as reported. */
  readonly timeMs: number
  readonly by: OutcomeSource
  /** The keyword of the trigger that a reply matched, as the configuration spells it. */
  readonly word?: string
  /** The first of its kind for this trigger, subscriber and period. */
  readonly isFirst: boolean
  /** Of a holdout: the subscriber is in the control group. */
  readonly isControl: boolean
  readonly isCanary: boolean
  /** As the delivery's. */
  readonly purpose?: DeliveryPurpose
  readonly region?: string
}

/**
 * A delivery's id: `<trigger>:<subscriber>:<period>:<attempt>`, and `:<incarnation>` where that is
 * not 0: a number that comes back after an erasure must not repeat an id.
 */
export function deliveryIdOf(
  trigger: string,
  subscriber: number,
  period: string,
  attempt: number,
  incarnation: number,
): string {
  const id = `${trigger}:${subscriber}:${period}:${attempt}`
  return incarnation === 0 ? id : `${id}:${incarnation}`
}

/** Id of the question that asks for the confirmation of an order by reply; no period has a dot. */
export function confirmIdOf(
  trigger: string,
  subscriber: number,
  period: string,
  attempt: number,
  incarnation: number,
): string {
  return deliveryIdOf(trigger, subscriber, `confirm.${period}`, attempt, incarnation)
}

/** The incarnation in a delivery's id. */
export function incarnationOf(deliveryId: string): number {
  return Number(deliveryId.split(':')[4] ?? 0)
}

/** Id of no trigger: notices bear it. */
export const NOTICE_TRIGGER = 'notice'

/**
 * A test send's id: `<trigger>:<subscriber>:test.<control id>:1`. No period has a dot, so it is no
 * other delivery's; the control id is never used twice.
 */
export function testIdOf(trigger: string, subscriber: number, controlId: string): string {
  return deliveryIdOf(trigger, subscriber, `${TEST_MARK}${controlId}`, 1, 0)
}

/** A notice's id: `notice:<number>:<control id>:1`. */
export function noticeIdOf(subscriber: number, controlId: string): string {
  return deliveryIdOf(NOTICE_TRIGGER, subscriber, controlId, 1, 0)
}

/**
 * Whether a delivery's id is that of a test send or a notice: nothing is kept of them, so feedback
 * about them is taken and moves nothing.
 */
export function isOutsideRates(deliveryId: string): boolean {
  const [trigger, , period = ''] = deliveryId.split(':')
  return trigger === NOTICE_TRIGGER || period.startsWith(TEST_MARK)
}

const TEST_MARK = 'test.'

/** A candidate that did not become a delivery, and why. */
export interface Suppression extends DecisionHead {
  readonly kind: 'suppressed'
  readonly reason: SuppressionReason
  /** Of `outranked`: the trigger that won. */
  readonly winner?: string
  /**
   * Of a cap: which one, as in `channel sms: 1 per day`. Of `message-incomplete`: the value that
   * the message lacks, as in `fields.plan`.
   */
  readonly detail?: string
}

/** An offer that was answered with on request. The period is the running one, `values` are none. */
export interface Shown extends DecisionHead {
  readonly kind: 'shown'
  readonly channel: string
  /** 1 to OFFER_PLACES_MAX, 1 the strongest of the answer. */
  readonly place: number
  readonly isCanary: boolean
  readonly region?: string
}

/**
 * Something happened to a subscriber in a journey. `trigger` is the journey's id, `period` that of
 * the entering, `firedAtMs` the event time of the entering; `values` are none.
 */
export interface JourneyDecision extends DecisionHead {
  readonly kind: 'journey'
  readonly what: JourneyEvent
  /** Step that the subscriber stood at; left out on entering and behind the last. */
  readonly step?: string
  /** Of `left`: why. */
  readonly why?: LeaveCause
  /** Walks the steps without getting anything: the subscriber is in a control group. */
  readonly isControl: boolean
  readonly isCanary: boolean
  readonly region?: string
}

/** One numbered entry of the output chain. */
export type Decision = JourneyDecision | Shown | Delivery | Holdout | Suppression | Outcome
