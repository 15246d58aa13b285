/** Offers on request, as whoever asks for them on an inbound channel sees them. */

import type { ActionSpec } from './action.ts'
import { SUPPRESSION_REASONS, type SuppressionReason } from './decision.ts'
import type { ExplainCheck } from './explanation.ts'

/** One offer of an answer. */
export interface Offer {
  readonly trigger: string
  /** 1 to OFFER_PLACES_MAX, 1 the strongest. Places of control groups stay empty. */
  readonly place: number
  /** For whoever speaks to the customer; empty where there is an action. */
  readonly message: string
  readonly value: number
  /** Name of its layer; null without arbitration. */
  readonly layer: string | null
  /** End of the trigger's validity (exclusive), ms since the epoch; null: none. */
  readonly validUntilMs: number | null
  /** What is done when it is accepted; null: its message is all. */
  readonly action: ActionSpec | null
}

/** Why a trigger of the channel is not among the offers. */
export interface OfferRefusal {
  readonly trigger: string
  /** The first check that it does not pass. */
  readonly check: ExplainCheck
}

/** Who asks for what. `limit`: 1 to OFFER_PLACES_MAX. */
export interface OfferQuestion {
  readonly subscriber: number
  readonly channel: string
  readonly limit: number
  /** Looks only: says why of the others, and nothing counts as shown. */
  readonly isExplaining: boolean
}

/** An answer, or why there is none. */
export type OfferAnswer =
  | {
      readonly kind: 'offers'
      readonly partition: number
      /** Input sequence of the partition that the answer is as of. */
      readonly position: number
      readonly offers: readonly Offer[]
      readonly refusals: readonly OfferRefusal[]
    }
  | NoOfferDesk
  | { readonly kind: 'unknown-subscriber' }
  | { readonly kind: 'unknown-channel'; readonly inbound: readonly string[] }
  /** More was shown than the log has taken so far: what is shown must not be lost. */
  | { readonly kind: 'busy' }

/** The partition is not live in this process. */
export interface NoOfferDesk {
  readonly kind: 'not-live'
  readonly partition: number
}

/** A customer takes an offer. `key`: repeats of one acceptance bear the same; null: it has none. */
export interface AcceptRequest {
  readonly subscriber: number
  readonly trigger: string
  readonly channel: string
  readonly key: string | null
}

/** What became of an acceptance at its position in the log. */
export type AcceptOutcome =
  /** `id`: of the delivery. */
  | { readonly kind: 'accepted'; readonly id: string }
  | { readonly kind: 'held-out'; readonly experiment: string }
  | {
      readonly kind: 'refused'
      readonly reason: SuppressionReason
      /** Of a cap: which one; of `outranked`: the winner. */
      readonly detail: string | null
    }
  /** The subscriber, the trigger or the channel was gone when its turn came. */
  | { readonly kind: 'gone' }

/** Answer to an acceptance. */
export type AcceptAnswer =
  | (AcceptOutcome & { readonly partition: number; readonly position: number })
  /** It stands in the log, or may: asked again with its key, the answer will be there. */
  | { readonly kind: 'pending'; readonly partition: number }
  | NoOfferDesk
  | { readonly kind: 'unknown-subscriber' }
  | { readonly kind: 'unknown-channel'; readonly inbound: readonly string[] }
  | { readonly kind: 'unknown-offer'; readonly offers: readonly string[] }

/** Whatever asks and accepts; implemented beside the partitions of a process. */
export interface OfferDesk {
  /** Answers at once, from memory. */
  readonly ask: (question: OfferQuestion) => OfferAnswer
  /** Resolves when the log's answer is there, or after some seconds. */
  readonly accept: (request: AcceptRequest) => Promise<AcceptAnswer>
  /** Notes how long an answer to a question took, from its arrival on. */
  readonly noteDuration: (durationMs: number) => void
}

/** Upper bounds of the classes of durations, seconds; above the last there is one more class. */
export const OFFER_DURATION_BOUNDS_S: readonly number[] = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5,
]

/** What happened at the desk since the process started. */
export interface OfferStatistics {
  /** Questions that were answered with offers, some or none. */
  asked: number
  /** Of these, those with none. */
  empty: number
  /** Offers answered with, for the log; those of control groups are among them. */
  rowsNoted: number
  /** Questions refused because too much of what was shown waits for the log. */
  refusedBusy: number
  /** Rows that wait for the log now. */
  rowsWaiting: number
  /** Publishes of what was shown, or accepted, that the log refused or did not answer for. */
  publishFailures: number
  accepted: number
  heldOut: number
  /** Acceptances whose answer did not come in time. */
  pending: number
  gone: number
  /** Refused acceptances, by position in SUPPRESSION_REASONS. */
  readonly refused: Float64Array
  /** Answers by class of OFFER_DURATION_BOUNDS_S, one more than bounds; their sum, seconds. */
  readonly durations: Float64Array
  durationSumS: number
}

/** Nothing has happened yet. */
export function emptyOfferStatistics(): OfferStatistics {
  return {
    asked: 0,
    empty: 0,
    rowsNoted: 0,
    refusedBusy: 0,
    rowsWaiting: 0,
    publishFailures: 0,
    accepted: 0,
    heldOut: 0,
    pending: 0,
    gone: 0,
    refused: new Float64Array(SUPPRESSION_REASONS.length),
    durations: new Float64Array(OFFER_DURATION_BOUNDS_S.length + 1),
    durationSumS: 0,
  }
}
