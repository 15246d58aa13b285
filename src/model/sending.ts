/**
 * What lies between the gateway and a way of sending: a channel takes deliveries, says what became
 * of each, and hands over what comes back later. Adapters live in sink/ (NATS), webhook/, smpp/.
 */

import type { SaidDelivery } from './said.ts'

/** A delivery to be sent. */
export interface SendJob {
  readonly delivery: SaidDelivery
  /** A gateway before this one had the intent to send it: it may have been submitted. */
  readonly isRepeat: boolean
}

/**
 * What became of a job, as far as is known for sure.
 *
 * - `sent`: the target took it over; `receipts`: the names it gave to the parts, if it names them
 * - `failed`: the target refused it for good; `reason`: one word for counting
 * - `expired`: its time was over before any of it can have been submitted
 * - `unknown`: it may have been submitted or not, and will not be sent again
 * - `withdrawn`: the channel was closed before any of it can have been submitted
 * - `left`: the channel was closed, and nothing is known; the intent stays open
 */
export type SendResult =
  | { readonly kind: 'sent'; readonly receipts: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'left' }

/** What comes back through a channel some time after. */
export type ChannelEvent =
  /** The target says what became of a part that it named. */
  | {
      readonly kind: 'receipt'
      readonly receipt: string
      readonly state: 'delivered' | 'failed'
      readonly timeMs: number
    }
  /** A customer wrote. */
  | {
      readonly kind: 'reply'
      readonly subscriber: number
      readonly text: string
      readonly timeMs: number
    }

/**
 * Takes an event over. Resolves with true when it is stored for good, with false when it belongs to
 * nothing that the gateway knows; rejects when it could not be stored, and the target should say it
 * again.
 */
export type EventSink = (event: ChannelEvent) => Promise<boolean>

/** One way of sending, over one or more connections to one target. */
export interface ChannelPort {
  /**
   * Whether the target recognises what it got before, by the delivery's id: what a gateway may have
   * sent before it died is sent again then, and never otherwise.
   */
  readonly isIdempotent: boolean
  /** Connects and goes on connecting; `onChange` is called when there may be room again. */
  start(sink: EventSink, onChange: () => void): void
  /** Jobs that may be submitted now; 0 while the target is away. */
  room(): number
  /** How much of the rate a delivery uses: SMS parts, or 1. */
  costOf(delivery: SaidDelivery): number
  /** Sends; never rejects. */
  submit(job: SendJob): Promise<SendResult>
  /** What is measured of it. */
  view(): ChannelPortView
  /**
   * Ends: jobs that wait for another try are `left`, those under way end within `timeoutMs`.
   */
  close(timeoutMs: number): Promise<void>
}

/** What is measured of a channel's connection; counts since the start. */
export interface ChannelPortView {
  /** Whether the target takes jobs. */
  readonly isUp: boolean
  readonly connects: number
  /** Jobs, or parts of them, that were tried again. */
  readonly retries: number
  /** Times that the target asked for less. */
  readonly throttles: number
  /** Events that belong to nothing known. */
  readonly strays: number
}
