/**
 * What the worker shows to HTTP, metrics and the command line: plain numbers and words, read on
 * demand.
 */

import type { HighwaterError } from '../errors.ts'
import type { Explanation } from './explanation.ts'
import type { PlannedPartition } from './planned.ts'
import type { JourneyView, MembershipView } from './journey.ts'
import type { SegmentView } from './selection.ts'

/**
 * Counts since the process started (or since genesis where said), kept as plain numbers on the main
 * path.
 */
export interface PartitionStatistics {
  /** Messages applied, by kind of subject. */
  inputMessages: { usage: number; profile: number; feedback: number; control: number }
  inputBytes: number
  /** Usage records applied. */
  records: number
  /** Usage records refused one by one. */
  recordsTooLate: number
  recordsTooEarly: number
  /** Records whose own period was no longer kept by some counter. */
  recordsLateForWindow: number
  /** Batches recognised as repeats. */
  duplicateBatches: number
  /** Sequence numbers of producers that were passed over and can no longer come. */
  producerGaps: number
  profileRows: number
  /** Subscribers forgotten by erasures that knew them. */
  subscribersErased: number
  /** Whole messages refused, by code in REJECT_REASONS. */
  readonly rejects: Float64Array
  /** Rows of feedback that changed nothing: the same was reported of the attempt before. */
  feedbackRepeats: number
  /** Outcomes said, by position in FEEDBACK_KINDS. */
  readonly outcomes: Float64Array
  /** Questions that ask customers to confirm an order; no deliveries. */
  questions: number
  candidates: number
  /** To canaries not counted. */
  deliveries: number
  /** What would have been deliveries: the subscriber is in a control group. */
  holdouts: number
  /** Deliveries to an operator's own testers. */
  canaries: number
  /** Test sends, and messages to the operator's own people: of no candidate, in no rate. */
  testSends: number
  notices: number
  /** Offers shown on request. */
  shown: number
  /** By position in SUPPRESSION_REASONS. */
  readonly suppressed: Float64Array
  timersFired: number
  /** Ticks that the input refused, or did not answer for. */
  ticksRefused: number
  decisions: number
  outputMessages: number
  outputBytes: number
  /** Publishes that the output refused for being full, or did not answer for. */
  outputRefusals: number
  checkpoints: number
  checkpointFailures: number
  /** Times that the store's file could not be rid of erased subscribers; tried again. */
  compactionFailures: number
}

/** A partition as it stands now. */
export interface PartitionView {
  readonly partition: number
  readonly status: 'recovering' | 'standby' | 'live' | 'draining' | 'halted' | 'stopped'
  readonly halt: HighwaterError | null
  readonly statistics: PartitionStatistics
  /** Last input sequence applied, and the stream's last as far as known. */
  readonly appliedSequence: number
  readonly streamLastSequence: number
  /** Oldest input sequence that the stream still holds; undefined while not known. */
  readonly streamFirstSequence?: number | undefined
  /** Bytes that the input stream holds and may hold; undefined while not known or not limited. */
  readonly streamSize?: number | undefined
  readonly streamSizeMax?: number | undefined
  /** The partition's clock, ms; and the worker's clock minus it. */
  readonly clockMs: number
  readonly lagMs: number
  readonly decisionNumber: number
  readonly acknowledgedDecisionNumber: number
  readonly epoch: number
  readonly subscriberCount: number
  readonly pendingTimers: number
  readonly stateBytes: number
  readonly storeBytes: number
  readonly checkpointSequence: number
  /** Worker's clock at the last committed checkpoint, ms; null before the first. */
  readonly checkpointAtMs: number | null
  readonly checkpointDurationMs: number
  /** Whether the store's file may still hold bytes of erased subscribers. */
  readonly hasErasureResidue: boolean
  readonly configGeneration: number
  readonly outboxDecisions: number
  /** Channels with a capacity, in the order of their declaration. */
  readonly channels: readonly ChannelView[]
  /** Segments, in the order of their declaration. */
  readonly segments: readonly SegmentView[]
  /** Journeys, in the order of the configuration. */
  readonly journeys: readonly JourneyView[]
  /** Of a standby: messages of OUT not compared yet; 0 for others. */
  readonly outputUnreadMessages: number
  /** Of a standby: how long its owner has owed something and stayed silent; 0 for others. */
  readonly ownerSilentMs: number
  /** Candidates and what became of them, per trigger. */
  readonly triggers: readonly TriggerStatistics[]
}

/** A channel with a capacity, as one partition has it. */
export interface ChannelView {
  readonly channel: string
  /** Deliveries that are due and wait for room. */
  readonly waiting: number
  /** By period with a limit, the shortest first. */
  readonly periods: readonly {
    readonly period: 'second' | 'hour' | 'day'
    /** Over all partitions; null: none. */
    readonly limit: number | null
    /** Deliveries in the running period, and how many this partition may send in all so far. */
    readonly used: number
    readonly held: number
    /** 0: none; 1: near the limit; 2: at the limit; as far as this partition knows. */
    readonly alarm: 0 | 1 | 2
  }[]
}

/** Counts of one trigger, since the process started. */
export interface TriggerStatistics {
  readonly id: string
  readonly candidates: number
  readonly deliveries: number
  readonly holdouts: number
  readonly canaries: number
  readonly suppressed: number
  /** Offers shown on request. */
  readonly shown: number
}

/** Everything known of one subscriber; for `/v1/subscribers/:id`. Values as in conditions. */
export interface SubscriberView {
  readonly subscriber: number
  readonly partition: number
  readonly zone: string
  readonly cycleDay: number
  readonly tags: Readonly<Record<string, boolean | number>>
  readonly fields: Readonly<Record<string, number | string | boolean>>
  readonly lists: readonly string[]
  readonly counters: readonly CounterView[]
  /** Deliveries pending, sent or resolved that the partition still remembers, newest first. */
  readonly deliveries: readonly DeliveryView[]
  /** Journeys that the subscriber is in, the newest membership first. */
  readonly journeys: readonly MembershipView[]
  /** Sends that count against caps: trigger, calendar period, how many of how many. */
  readonly caps: readonly {
    readonly trigger: string
    readonly period: string
    readonly used: number
    readonly limit: number
  }[]
}

/** One counter in one counter window: the running period and the past ones kept, newest first. */
export interface CounterView {
  readonly counter: string
  readonly counterWindow: string
  readonly period: string
  readonly value: number
  readonly previous: readonly number[]
}

/** One delivery as the partition remembers it; times are ms since the epoch. */
export interface DeliveryView {
  readonly trigger: string
  readonly period: string
  readonly attempt: number
  readonly status: 'pending' | 'emitted' | 'resolved' | 'suppressed'
  readonly dueMs: number
  readonly expiresMs: number
  readonly firedAtMs: number
}

/** A trigger as configured; for `/v1/triggers`. */
export interface TriggerView {
  readonly id: string
  readonly file: string
  readonly once: string
  readonly channel: string
  readonly priority: number
  readonly message: string
  readonly statistics: TriggerStatistics
}

/** Outcome of a reload request. */
export type ReloadOutcome =
  | {
      readonly kind: 'applied'
      readonly generation: number
      /** What the change does to counters, a sentence each. */
      readonly notes: readonly string[]
    }
  | { readonly kind: 'unchanged'; readonly generation: number }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  | { readonly kind: 'failed'; readonly error: string }

/** The worker as HTTP and metrics see it; implemented by the supervisor. */
export interface WorkerView {
  readonly version: string
  readonly partitions: () => readonly PartitionView[]
  readonly subscriber: (subscriber: number) => SubscriberView | null
  /** Null: this subscriber or trigger is not known here. */
  readonly explain: (subscriber: number, trigger: string) => Explanation | null
  readonly triggers: () => readonly TriggerView[]
  /** What live partitions have planned for the running day; absent: nobody knows. */
  readonly planned?: () => Promise<readonly PlannedPartition[]>
  readonly reload: (cause: string) => Promise<ReloadOutcome>
  readonly reloadStatus: () => {
    readonly isLastSuccessful: boolean
    readonly lastSuccessAtMs: number
  }
}
