/**
 * Messages that enter a partition's log beside usage, as the decoder hands them over: validated for
 * shape, not yet against the config in force (names are still words).
 */

import type { ConfigFiles } from './catalog.ts'
import type { ListName } from './expression.ts'
import type { ProducerStamp } from './usage.ts'

/** `profile.<p>.<source>`: upserts, applied all or none. */
export interface ProfileMessage {
  readonly stamp: ProducerStamp
  readonly rows: readonly ProfileRow[]
}

/** One subscriber's changes; what is absent stays as it is, null removes. */
export interface ProfileRow {
  readonly subscriber: number
  /** true, false or, for a versioned tag, its version (1 to 2^31-1). */
  readonly tags: Readonly<Record<string, boolean | number | null>>
  /** Numbers, words of an enum, `YYYY-MM-DD` dates, booleans. */
  readonly fields: Readonly<Record<string, number | string | boolean | null>>
  readonly lists: Readonly<Partial<Record<ListName, boolean>>>
  /** IANA zone; null: back to the default zone; undefined: unchanged. */
  readonly zone: string | null | undefined
  /** Day of the month on which the billing cycle starts, 1 to 31; undefined: unchanged. */
  readonly cycleDay: number | undefined
  /** The whole profile goes, but for `optOut`; such a row says nothing else. */
  readonly isDeletion?: boolean
}

/**
 * What gateways report of sending, and of what customers do then; the position is the code in
 * ledger rows: append only, 9 at most.
 */
export const FEEDBACK_KINDS = [
  'sent',
  'delivered',
  'failed',
  'expired',
  'replied',
  'clicked',
  'ordered',
  'opted-out',
  'complained',
] as const

/** What is reported of a delivery; `expired`: no gateway can have submitted this attempt. */
export type FeedbackKind = (typeof FEEDBACK_KINDS)[number]

/** What gateways report of sending: the first of `FEEDBACK_KINDS`. The others are reactions. */
export const RECEIPT_KINDS = ['sent', 'delivered', 'failed', 'expired'] as const

/** Whether a report is about sending, and not about what a customer did. */
export function isReceipt(kind: FeedbackKind): boolean {
  return RECEIPT_KINDS.some((receipt) => receipt === kind)
}

/** `feedback.<p>.<source>`: what became of deliveries. */
export interface FeedbackMessage {
  readonly stamp: ProducerStamp
  readonly rows: readonly FeedbackRow[]
}

/** One report; `timeMs` is when it happened by the reporter's clock, ms since the epoch. */
export interface FeedbackRow {
  readonly subscriber: number
  readonly kind: FeedbackKind
  /** Delivery id as in the output, see `deliveryIdOf`; absent: whatever was sent last. */
  readonly deliveryId?: string
  /** Only a delivery of this trigger, on this channel. */
  readonly trigger?: string
  readonly channel?: string
  readonly timeMs: number
  /** What a customer replied, at most FEEDBACK_TEXT_LENGTH_MAX characters. */
  readonly text?: string
  /** The keyword, where the gateway has read it out of the reply itself. */
  readonly word?: string
}

/** Characters of a reply. */
export const FEEDBACK_TEXT_LENGTH_MAX = 160

/** How the partition's clock runs, fixed at genesis. */
export type ClockMode =
  | { readonly mode: 'real' }
  | { readonly mode: 'virtual'; readonly writer: string; readonly startMs: number }

/** `control.<p>`. Each carries an id; a repeated id changes nothing. */
export type ControlMessage =
  | {
      readonly kind: 'genesis'
      readonly id: string
      readonly partitionCount: number
      readonly partition: number
      readonly zone: string
      readonly clock: ClockMode
      readonly generation: number
      readonly files: ConfigFiles
    }
  | {
      readonly kind: 'config'
      readonly id: string
      readonly generation: number
      readonly files: ConfigFiles
    }
  /**
   * `timeMs` and `writer` count in virtual mode only; without them it fires the next slice of due
   * timers.
   */
  | {
      readonly kind: 'tick'
      readonly id: string
      readonly writer: string | null
      readonly timeMs: number | null
    }
  /**
   * Selects the members of a segment anew, as a new version of its tag. On the log of partition 0
   * from its owner, when the schedule has come (`atMs`, the instant of the schedule), or from a
   * person (null); `order` is null there. Partition 0 numbers it and copies it to the others, with
   * the order to run it.
   */
  | {
      readonly kind: 'select'
      readonly id: string
      readonly segment: string
      readonly version: number
      readonly atMs: number | null
      readonly order: SelectionOrder | null
    }
  /**
   * What partition `partition` counted in a round of a selection; or, at its end, how many it took.
   */
  | {
      readonly kind: 'tally'
      readonly id: string
      readonly run: number
      readonly round: number
      readonly partition: number
      readonly tally: SelectionTally
    }
  /** Where the cut lies as far as known, and what to count next; the last one has no next. */
  | {
      readonly kind: 'cut'
      readonly id: string
      readonly run: number
      readonly round: number
      readonly cut: SelectionCut
    }
  /**
   * Take back what is pending of a trigger, a channel or a subscriber: what meets all that is not
   * null, and one at least is not.
   */
  | {
      readonly kind: 'cancel'
      readonly id: string
      readonly trigger: string | null
      readonly channel: string | null
      readonly subscriber: number | null
    }
  /**
   * Partition `partition` would like what it was granted of a channel's limit for one hour or day
   * to come to `total`: of everybody's share, or of a class's. On the log of partition 0.
   */
  | {
      readonly kind: 'ask'
      readonly id: string
      readonly partition: number
      readonly channel: string
      /** `2026-11-20T13` or `2026-11-20`. */
      readonly period: string
      readonly class: string | null
      readonly total: number
    }
  /**
   * Partition 0's answer to the ask for `asked`: all that it granted so far, and what the pool
   * still held then; on the asking partition's log. Repeats change nothing.
   */
  | {
      readonly kind: 'grant'
      readonly id: string
      readonly channel: string
      readonly period: string
      readonly class: string | null
      readonly total: number
      readonly asked: number
      readonly left: number
    }
  /**
   * Offers that a worker answered with on an inbound channel, 1 to SHOWN_ROWS_MAX of them: those
   * that were shown, and those that were not because their subscriber is held out.
   */
  | {
      readonly kind: 'shown'
      readonly id: string
      readonly rows: readonly ShownRow[]
    }
  /** A customer takes an offer of an inbound channel; everything is checked once more. */
  | {
      readonly kind: 'accept'
      readonly id: string
      readonly subscriber: number
      readonly trigger: string
      readonly channel: string
    }
  /**
   * A person tries out what a trigger says: a delivery to a subscriber on the list `canary`, past
   * latches, caps and windows.
   */
  | {
      readonly kind: 'test'
      readonly id: string
      readonly trigger: string
      readonly subscriber: number
    }
  /** A message to one of the operator's people, whose number need not be a subscriber's. */
  | {
      readonly kind: 'notice'
      readonly id: string
      readonly subscriber: number
      readonly channel: string
      readonly message: string
      /** Message class. */
      readonly class: string
    }
  /** Forget these subscribers: their numbers, 1 to ERASE_SUBSCRIBERS_MAX of them. */
  | {
      readonly kind: 'erase'
      readonly id: string
      readonly subscribers: readonly number[]
    }

/** One offer that was answered with. `place`: 1 to OFFER_PLACES_MAX, 1 the strongest. */
export interface ShownRow {
  readonly subscriber: number
  readonly trigger: string
  readonly channel: string
  readonly place: number
}

/** How a partition is to run a selection: all of them see the same counters and the same clock. */
export interface SelectionOrder {
  /** Number of the selection, from 1, over all segments. */
  readonly run: number
  /** Generation of the configuration that partition 0 selects under. */
  readonly generation: number
  /** Instant as of which counters and dates are read, ms. */
  readonly startMs: number
}

/** Candidates of one partition by the next digit of their keys; or what it took in the end. */
export type SelectionTally =
  | { readonly kind: 'counts'; readonly counts: Uint32Array }
  | { readonly kind: 'taken'; readonly candidates: number; readonly taken: number }

/**
 * Thresholds of the quotas cut so far, SELECTION_KEY_WORDS words each, and the digits of the key
 * that are settled for the next one; null: there is no next one, and what is at or above a
 * threshold is taken.
 */
export interface SelectionCut {
  readonly thresholds: Uint32Array
  readonly next: { readonly digits: number; readonly prefix: Uint32Array } | null
}
