/**
 * A partition's numbers as the worker's views show them; read at scrape time, never on the main
 * path.
 */

import type { HighwaterError } from '../errors.ts'
import type { StreamState } from '../model/ports.ts'
import type { PartitionStatistics, PartitionView } from '../model/view.ts'
import type { Checkpointer } from './checkpointer.ts'
import { emptyStatistics, type PartitionCore } from './core.ts'
import type { OutputFollower } from './output-follower.ts'
import type { OutputWriter } from './output-writer.ts'
import { viewOfJourneys } from './journey-views.ts'
import { viewOfSegments } from './segment-views.ts'
import type { Ticker } from './ticker.ts'

/** Where the numbers come from; null before recovery is that far. */
export interface ViewSources {
  readonly partition: number
  readonly status: PartitionView['status']
  readonly halt: HighwaterError | null
  readonly core: PartitionCore | null
  readonly writer: OutputWriter | null
  readonly follower: OutputFollower | null
  readonly checkpointer: Checkpointer | null
  readonly ticker: Ticker | null
  readonly streams: StreamState
  readonly nowMs: number
  readonly storeBytes: number
}

/** Assembles the view. */
export function viewOfPartition(from: ViewSources): PartitionView {
  const { core, writer, follower, checkpointer, streams, nowMs } = from
  const progress = writer ?? follower
  const statistics: PartitionStatistics = core?.statistics ?? emptyStatistics()
  statistics.outputMessages = writer?.messageCount ?? 0
  statistics.outputBytes = writer?.size ?? 0
  statistics.outputRefusals = writer?.refusalCount ?? 0
  statistics.ticksRefused = from.ticker?.failureCount ?? 0
  statistics.compactionFailures = checkpointer?.compactionFailures ?? 0
  const isReal = core?.genesis.clock.mode === 'real'
  const appliedSequence = core?.sequence ?? 0
  const isCaughtUp = appliedSequence >= streams.lastSequence
  return {
    partition: from.partition,
    status: from.status,
    halt: from.halt,
    statistics,
    appliedSequence,
    streamLastSequence: Math.max(streams.lastSequence, appliedSequence),
    streamFirstSequence: streams.firstSequence,
    streamSize: streams.size,
    streamSizeMax: (streams.sizeMax ?? -1) > 0 ? streams.sizeMax : undefined,
    clockMs: core?.clockMs ?? 0,
    // A log without news is not late; a virtual one has no relation to ours.
    lagMs: core === null || !isReal || isCaughtUp ? 0 : Math.max(0, nowMs - core.clockMs),
    decisionNumber: core?.outbox.decisionNumber ?? 0,
    acknowledgedDecisionNumber: progress?.acknowledgedNumber ?? 0,
    epoch: progress?.epoch ?? 0,
    subscriberCount: core?.subscriberCount ?? 0,
    pendingTimers: core?.heap.count ?? 0,
    stateBytes: core?.stateSize() ?? 0,
    storeBytes: from.storeBytes,
    checkpointSequence: checkpointer?.sequence ?? 0,
    checkpointAtMs: checkpointer?.committedAtMs ?? null,
    checkpointDurationMs: checkpointer?.durationMs ?? 0,
    hasErasureResidue: core !== null && checkpointer?.hasResidue(core) === true,
    configGeneration: core?.generation ?? 0,
    outputUnreadMessages: follower?.unreadCount ?? 0,
    ownerSilentMs: follower?.silentMs ?? 0,
    outboxDecisions: core?.outbox.waitingCount ?? 0,
    channels: core?.capacity.view() ?? [],
    segments: core === null ? [] : viewOfSegments(core),
    journeys: core === null ? [] : viewOfJourneys(core),
    triggers:
      core?.compiled.triggers.map(({ spec }) => ({ id: spec.id, ...core.countsOf(spec.id) })) ?? [],
  }
}

/**
 * The view of a partition without a worker: one that is yet to be started, or, with `halt`, one
 * that could not even start.
 */
export function viewOfAbsent(
  partition: number,
  halt: HighwaterError | null,
  nowMs: number,
): PartitionView {
  return viewOfPartition({
    partition,
    status: halt === null ? 'recovering' : 'halted',
    halt,
    core: null,
    writer: null,
    follower: null,
    checkpointer: null,
    ticker: null,
    streams: { created: '', firstSequence: 0, lastSequence: 0 },
    nowMs,
    storeBytes: 0,
  })
}
