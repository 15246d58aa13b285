/**
 * Schemas of every answer. Fastify writes answers by them (a field that is not here does not go
 * out) and /openapi.json is generated from them, so the description cannot drift from the
 * behaviour.
 */

import Type from 'typebox'

const Count = (description: string) => Type.Number({ minimum: 0, description })
/** Schema of an instant. */
export const TimeMs = (description: string) =>
  Type.Number({ description: `${description}; milliseconds since the Unix epoch` })
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** Body of every error. `code` is stable; `message` is for people. */
export const ErrorBody = Type.Object({
  error: Type.Object({
    code: Type.String({ examples: ['HW_SUBSCRIBER_UNKNOWN'] }),
    message: Type.String(),
    problems: Type.Optional(
      Type.Array(Type.String(), { description: 'all mistakes of a configuration, with places' }),
    ),
  }),
})

/** Answer of `/-/healthy`. */
export const HealthyBody = Type.Object({ status: Type.Literal('healthy') })

const PartitionState = Type.Object({
  partition: Type.Integer(),
  status: Type.String({ description: 'recovering, standby, live, draining, halted or stopped' }),
  halt: Nullable(
    Type.Object({
      code: Type.String({ examples: ['HW_PARTITION_HALTED'] }),
      reason: Nullable(Type.String({ examples: ['output-gap'] })),
      message: Type.String(),
      input: Nullable(Type.Number({ description: 'the first input that is not applied' })),
      waysOut: Type.Object({
        first: Type.String({ description: 'what to try before any ruling' }),
        choices: Type.Array(Type.String(), {
          description: 'what highwater resume --choose takes; empty: no ruling helps',
        }),
      }),
    }),
  ),
})

/** Answer of `/-/ready` when all partitions are live. */
export const ReadyBody = Type.Object({
  status: Type.Literal('ready'),
  partitions: Type.Array(PartitionState),
})

/** Answer 503 of `/-/ready`. */
export const NotReadyBody = Type.Object({
  error: ErrorBody.properties.error,
  partitions: Type.Array(PartitionState, { description: 'those that are not live' }),
})

/** Answer of `/-/reload` when it succeeded. */
export const ReloadBody = Type.Object({
  outcome: Type.Union([Type.Literal('applied'), Type.Literal('unchanged')]),
  generation: Type.Integer({ description: 'generation of the configuration now in force' }),
  notes: Type.Array(Type.String(), { description: 'what the change does to counters' }),
})

/** Path of `/v1/subscribers/:id`. */
export const SubscriberParams = Type.Object({
  id: Type.String({ pattern: '^[0-9]{1,15}$', description: 'subscriber number, 1 to 15 digits' }),
})

/** Answer of `DELETE /v1/subscribers/:id`: an ErasureReceipt. */
export const ErasureBody = Type.Object({
  id: Type.String({ description: 'names the erasure in the log and the audit' }),
  partition: Type.Integer(),
  sequence: Type.Number({ description: 'where it stands in the input of the partition' }),
  count: Type.Integer({ description: 'subscribers that it names' }),
})

/** Answer of `/v1/subscribers/:id`: a SubscriberView, whole. */
export const SubscriberBody = Type.Object({
  subscriber: Type.Number(),
  partition: Type.Integer(),
  zone: Type.String({ description: 'IANA time zone' }),
  cycleDay: Type.Integer({ description: 'day of the month on which the billing cycle starts' }),
  tags: Type.Record(Type.String(), Type.Union([Type.Boolean(), Type.Number()])),
  fields: Type.Record(Type.String(), Type.Union([Type.Boolean(), Type.Number(), Type.String()])),
  lists: Type.Array(Type.String()),
  counters: Type.Array(
    Type.Object({
      counter: Type.String(),
      counterWindow: Type.String(),
      period: Type.String(),
      value: Type.Number(),
      previous: Type.Array(Type.Number(), { description: 'past periods, newest first' }),
    }),
  ),
  deliveries: Type.Array(
    Type.Object({
      trigger: Type.String(),
      period: Type.String(),
      attempt: Type.Integer(),
      status: Type.String({ description: 'pending, emitted, resolved or suppressed' }),
      dueMs: TimeMs('planned instant'),
      expiresMs: TimeMs('not sent after'),
      firedAtMs: TimeMs('event time of what made it fire'),
    }),
  ),
  journeys: Type.Array(
    Type.Object({
      journey: Type.String(),
      period: Type.String({ description: 'of the entering' }),
      step: Type.Union([Type.String(), Type.Null()], { description: 'null: behind the last' }),
      dueMs: TimeMs('when the step is due, or the stay behind the last one ends'),
      enteredAtMs: TimeMs('clock of the partition when it was entered'),
      isControl: Type.Boolean({ description: 'walks the steps in a control group' }),
    }),
  ),
  caps: Type.Array(
    Type.Object({
      trigger: Type.String(),
      period: Type.String(),
      used: Type.Number(),
      limit: Type.Number(),
    }),
  ),
})

const TriggerCounts = Type.Object({
  candidates: Count('fired, since the process started'),
  deliveries: Count('decided to be sent'),
  holdouts: Count('would have been sent, but for a control group'),
  canaries: Count('sent to testers, and no deliveries'),
  suppressed: Count('decided not to be sent'),
  shown: Count('offers shown on request'),
})

/** Answer of `/v1/triggers`: a TriggerView each. */
export const TriggersBody = Type.Object({
  triggers: Type.Array(
    Type.Object({
      id: Type.String(),
      file: Type.String(),
      once: Type.String({ description: 'at most one candidate per subscriber and this period' }),
      channel: Type.String(),
      priority: Type.Integer({ description: 'smaller goes first' }),
      message: Type.String(),
      statistics: TriggerCounts,
    }),
  ),
})

/** Answer of `/v1/partitions`. */
export const PartitionsBody = Type.Object({
  partitions: Type.Array(
    Type.Object({
      ...PartitionState.properties,
      epoch: Type.Number({ description: 'sequence of the claim in the output stream' }),
      configGeneration: Type.Integer(),
      clockMs: TimeMs("the partition's clock, which is the log's"),
      lagMs: Type.Number({ description: "worker's clock minus the partition's" }),
      input: Type.Object({
        appliedSequence: Type.Number(),
        streamLastSequence: Type.Number(),
        lagSequences: Count('in the stream and not applied'),
        messages: Type.Record(Type.String(), Type.Number()),
        bytes: Count('bytes applied'),
        records: Count('usage records applied'),
        recordsTooLate: Count('refused one by one'),
        recordsTooEarly: Count('refused one by one'),
        recordsLateForWindow: Count('counted in longer windows only'),
        duplicateBatches: Count('repeats, which changed nothing'),
        producerGaps: Count('sequence numbers passed over that can no longer come'),
        profileRows: Count('applied'),
        subscribersErased: Count('forgotten by erasures that knew them'),
        rejects: Type.Record(Type.String(), Type.Number(), { description: 'by reason, not zero' }),
        feedbackRepeats: Count('rows of feedback that said nothing new'),
      }),
      output: Type.Object({
        decisionNumber: Type.Number(),
        acknowledgedDecisionNumber: Type.Number(),
        outboxDecisions: Count('made and not acknowledged'),
        unreadMessages: Count('of a standby: in the output stream and not compared yet'),
        ownerSilentMs: Count('of a standby: how long its owner has owed something and is silent'),
        candidates: Count('fired'),
        deliveries: Count('decided to be sent'),
        holdouts: Count('would have been sent, but for a control group'),
        canaries: Count('sent to testers, and no deliveries'),
        testSends: Count('asked for by a person, and no deliveries'),
        notices: Count("to the operator's own people, and no deliveries"),
        shown: Count('offers shown on request'),
        suppressed: Type.Record(Type.String(), Type.Number(), {
          description: 'by reason, not zero',
        }),
        outcomes: Type.Record(Type.String(), Type.Number(), {
          description: 'said of deliveries, by what became of them, not zero',
        }),
        questions: Count('that ask to confirm an order, and no deliveries'),
        pendingTimers: Count('scheduled and deferred deliveries'),
        timersFired: Count('came due'),
        ticksRefused: Count('asked for, and refused or not answered'),
        messages: Count('acknowledged by the output stream'),
        bytes: Count('of those messages'),
        refusals: Count('publishes refused or not answered'),
      }),
      state: Type.Object({
        subscribers: Count('known'),
        stateBytes: Count('in memory'),
        storeBytes: Count('on disk'),
        checkpointSequence: Type.Number(),
        checkpointAtMs: Nullable(TimeMs('last committed checkpoint')),
        checkpointDurationMs: Count('of the last checkpoint'),
        checkpoints: Count('committed'),
        checkpointFailures: Count('begun and not committed'),
        erasureResidue: Type.Boolean({
          description: 'whether the file on disk may still hold erased subscribers',
        }),
      }),
    }),
  ),
})
