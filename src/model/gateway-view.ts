/** What a gateway says of itself: to HTTP, to the metrics. Counts are since its start. */

import type { ChannelPortView } from './sending.ts'

/** One channel of one partition. */
export interface LaneView {
  readonly channel: string
  readonly partition: number
  readonly status: 'starting' | 'running' | 'halted' | 'stopped'
  /** Code of the error that halted it, or stands in the way of its start; null: none. */
  readonly halt: string | null
  /** Last decision of OUT that was read, and the one up to which everything has its end. */
  readonly readNumber: number
  readonly cursorNumber: number
  /** Deliveries that were read and have no intent yet; those of them that are too early. */
  readonly waiting: number
  readonly early: number
  /** Deliveries under way. */
  readonly inFlight: number
  /** Ends, by kind. */
  readonly results: Readonly<Record<'sent' | 'failed' | 'expired' | 'unknown', number>>
  /** Why targets refused, by reason: few words. */
  readonly reasons: Readonly<Record<string, number>>
  /** What came back, by kind. */
  readonly events: Readonly<Record<'delivered' | 'failed' | 'replied', number>>
  /** Deliveries that an earlier life may have sent and that were sent again. */
  readonly repeats: number
  /** Deliveries that no gateway sends: offers, tags, actions that it does not know. */
  readonly passedOver: number
  /** Age of the oldest delivery without an end that is not too early, ms. */
  readonly lagMs: number
  /** Steps whose feedback is not in IN yet. */
  readonly untold: number
  /** How long a step has been waiting for GATE, ms. */
  readonly stepWaitMs: number
}

/** One channel. */
export interface ChannelView extends ChannelPortView {
  readonly channel: string
  readonly kind: 'nats' | 'webhook' | 'smpp'
}

/** The whole process. */
export interface GatewayView {
  readonly version: string
  lanes(): readonly LaneView[]
  channels(): readonly ChannelView[]
}
