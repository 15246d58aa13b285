/** A partition in the words of the HTTP interface. */

import { PartitionHaltedError } from '../errors.ts'
import { SUPPRESSION_REASONS } from '../model/decision.ts'
import { FEEDBACK_KINDS } from '../model/messages.ts'
import { REJECT_REASONS } from '../model/reject.ts'
import { waysOutOf } from '../model/ways-out.ts'
import type { PartitionView } from '../model/view.ts'

/** Status and, for a halted one, why and what leads on; as in `/-/ready`. */
export function describePartition({ partition, status, halt, appliedSequence }: PartitionView) {
  const reason = halt instanceof PartitionHaltedError ? halt.reason : null
  return {
    partition,
    status,
    halt:
      halt === null
        ? null
        : {
            code: halt.code,
            reason,
            message: halt.message,
            input: appliedSequence === 0 ? null : appliedSequence + 1,
            waysOut: waysOutOf(reason ?? halt.code),
          },
  }
}

/** Everything that is known of a partition; as in `/v1/partitions`. */
export function detailPartition(view: PartitionView) {
  const { statistics } = view
  return {
    ...describePartition(view),
    epoch: view.epoch,
    configGeneration: view.configGeneration,
    clockMs: view.clockMs,
    lagMs: view.lagMs,
    input: {
      appliedSequence: view.appliedSequence,
      streamLastSequence: view.streamLastSequence,
      lagSequences: Math.max(0, view.streamLastSequence - view.appliedSequence),
      messages: { ...statistics.inputMessages },
      bytes: statistics.inputBytes,
      records: statistics.records,
      recordsTooLate: statistics.recordsTooLate,
      recordsTooEarly: statistics.recordsTooEarly,
      recordsLateForWindow: statistics.recordsLateForWindow,
      duplicateBatches: statistics.duplicateBatches,
      producerGaps: statistics.producerGaps,
      profileRows: statistics.profileRows,
      subscribersErased: statistics.subscribersErased,
      rejects: nonzero(REJECT_REASONS, statistics.rejects),
      feedbackRepeats: statistics.feedbackRepeats,
    },
    output: {
      decisionNumber: view.decisionNumber,
      acknowledgedDecisionNumber: view.acknowledgedDecisionNumber,
      outboxDecisions: view.outboxDecisions,
      unreadMessages: view.outputUnreadMessages,
      ownerSilentMs: view.ownerSilentMs,
      candidates: statistics.candidates,
      deliveries: statistics.deliveries,
      holdouts: statistics.holdouts,
      canaries: statistics.canaries,
      testSends: statistics.testSends,
      notices: statistics.notices,
      shown: statistics.shown,
      suppressed: nonzero(SUPPRESSION_REASONS, statistics.suppressed),
      outcomes: nonzero(FEEDBACK_KINDS, statistics.outcomes),
      questions: statistics.questions,
      pendingTimers: view.pendingTimers,
      timersFired: statistics.timersFired,
      ticksRefused: statistics.ticksRefused,
      messages: statistics.outputMessages,
      bytes: statistics.outputBytes,
      refusals: statistics.outputRefusals,
    },
    state: {
      subscribers: view.subscriberCount,
      stateBytes: view.stateBytes,
      storeBytes: view.storeBytes,
      checkpointSequence: view.checkpointSequence,
      checkpointAtMs: view.checkpointAtMs,
      checkpointDurationMs: view.checkpointDurationMs,
      checkpoints: statistics.checkpoints,
      checkpointFailures: statistics.checkpointFailures,
      erasureResidue: view.hasErasureResidue,
    },
  }
}

function nonzero(reasons: readonly string[], counts: Float64Array): Record<string, number> {
  const result: Record<string, number> = {}
  for (let code = 0; code < reasons.length; code++) {
    const count = counts[code] ?? 0
    if (count > 0) result[reasons[code]!] = count
  }
  return result
}
