/**
 * A worker that is not there: a `WorkerView` of numbers that a test sets, or that move by
 * themselves with `advance`. Deterministic; holds no state that the engine would have.
 */

import type { HaltReason, HighwaterError } from '../../src/errors.ts'
import { OutputFencedError, PartitionHaltedError } from '../../src/errors.ts'
import type {
  PartitionView,
  ReloadOutcome,
  SubscriberView,
  TriggerStatistics,
  WorkerView,
} from '../../src/model/view.ts'
import { emptyStatistics } from '../../src/partition/core.ts'
import { createFakeExplanation } from './fake-explanation.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A partition whose every number a test may set. */
export type FakePartition = Omit<Writable<PartitionView>, 'triggers'> & {
  triggers: Writable<TriggerStatistics>[]
}

export interface FakeWorker {
  readonly view: WorkerView
  /** The partitions as the view shows them; to be changed by the test. */
  readonly partitions: FakePartition[]
  /** Subscribers that `view.subscriber` knows. */
  readonly subscribers: Map<number, SubscriberView>
  /** Causes of the reloads asked for so far. */
  readonly reloadCauses: string[]
  /** What the next reloads answer; a function may throw. */
  reloadOutcome: () => ReloadOutcome
  reloadStatus: { isLastSuccessful: boolean; lastSuccessAtMs: number }
  /** One step of life: every counter grows, sequences move, the lag stays. */
  advance(): void
  /** Halts a partition as the engine would. */
  halt(partition: number, reason: HaltReason | 'fenced'): void
}

export const FAKE_TRIGGER_IDS: readonly string[] = ['data-pack', 'welcome-abroad']

/** Half past one in the afternoon of 20 November 2026, in Shanghai. */
export const FAKE_START_MS = Date.UTC(2026, 10, 20, 5, 30)

/**
 * `partitionCount` live partitions with nonzero numbers everywhere. `startMs`: their clock at
 * first.
 */
export function createFakeWorker(partitionCount = 2, startMs = FAKE_START_MS): FakeWorker {
  const partitions = Array.from({ length: partitionCount }, (_, index) =>
    createFakePartition(index, startMs),
  )
  const worker: FakeWorker = {
    partitions,
    subscribers: new Map(),
    reloadCauses: [],
    reloadOutcome: () => ({ kind: 'applied', generation: 2, notes: ['data_4g keeps its values'] }),
    reloadStatus: { isLastSuccessful: true, lastSuccessAtMs: startMs },
    advance: () => {
      for (const partition of partitions) advancePartition(partition)
    },
    halt: (number, reason) => {
      const partition = partitions[number]
      if (partition === undefined) throw new Error(`no partition ${number}`)
      partition.status = 'halted'
      partition.halt = haltError(reason)
    },
    view: {
      version: '0.1.0-test',
      partitions: () => partitions,
      subscriber: (subscriber) => worker.subscribers.get(subscriber) ?? null,
      explain: (subscriber, trigger) =>
        worker.subscribers.has(subscriber)
          ? createFakeExplanation(subscriber, trigger, FAKE_START_MS)
          : null,
      triggers: () => FAKE_TRIGGER_IDS.map((id) => fakeTrigger(id, partitions)),
      reload: async (cause) => {
        worker.reloadCauses.push(cause)
        return worker.reloadOutcome()
      },
      reloadStatus: () => worker.reloadStatus,
    },
  }
  return worker
}

/** A subscriber with something in every field. */
export function createFakeSubscriber(subscriber: number): SubscriberView {
  return {
    subscriber,
    partition: 0,
    zone: 'Asia/Shanghai',
    cycleDay: 1,
    tags: { seed: true, has_pack: false, wave: 3 },
    fields: { plan: 'gold', age: 41, roaming: false },
    lists: ['canary'],
    counters: [
      {
        counter: 'data_4g',
        counterWindow: 'month',
        period: '2026-11',
        value: 2 ** 40 + 1,
        previous: [17, 0],
      },
    ],
    deliveries: [
      {
        trigger: 'data-pack',
        period: '2026-11',
        attempt: 1,
        status: 'pending',
        dueMs: FAKE_START_MS + 80_000_000,
        expiresMs: FAKE_START_MS + 160_000_000,
        firedAtMs: FAKE_START_MS,
      },
    ],
    journeys: [
      {
        journey: 'newcomer',
        period: 'ever',
        step: 'gift',
        dueMs: FAKE_START_MS + 80_000_000,
        enteredAtMs: FAKE_START_MS,
        isControl: false,
      },
    ],
    caps: [{ trigger: 'data-pack', period: '2026-11', used: 1, limit: 1 }],
  }
}

function createFakePartition(partition: number, startMs: number): FakePartition {
  const fake: FakePartition = {
    partition,
    status: 'live',
    halt: null,
    statistics: emptyStatistics(),
    appliedSequence: 5_000,
    streamLastSequence: 5_007,
    streamFirstSequence: 101,
    clockMs: startMs,
    lagMs: 250,
    decisionNumber: 300,
    acknowledgedDecisionNumber: 290,
    epoch: 4,
    subscriberCount: 50_000,
    hasErasureResidue: false,
    pendingTimers: 1_200,
    stateBytes: 4_500_000,
    storeBytes: 9_000_000,
    checkpointSequence: 4_000,
    checkpointAtMs: startMs - 20_000,
    checkpointDurationMs: 1_500,
    configGeneration: 1,
    outputUnreadMessages: 0,
    ownerSilentMs: 0,
    outboxDecisions: 10,
    channels: [
      {
        channel: 'sms',
        waiting: 12,
        periods: [
          { period: 'second', limit: 500, used: 250, held: 250, alarm: 2 },
          { period: 'day', limit: 5_000_000, used: 90_000, held: 1_250_000, alarm: 0 },
        ],
      },
    ],
    journeys: [
      {
        journey: 'newcomer',
        file: 'journeys/newcomer.yaml',
        onEdit: 'continue',
        members: 30,
        steps: [
          { step: 'welcome', members: 4 },
          { step: 'gift', members: 20 },
        ],
        staying: 6,
        counts: {
          all: { entered: 50, goal: 9, exit: 5, completed: 6, left: 0 },
          control: { entered: 5, goal: 1, exit: 0, completed: 0, left: 0 },
        },
      },
    ],
    segments: [
      {
        segment: 'seed',
        phase: 'idle',
        progress: 0,
        version: 20_261_110,
        nextDueMs: startMs + 86_400_000,
        selectedCount: 2,
        abortedCount: 1,
        missedCount: 0,
        last: {
          version: 20_261_110,
          startMs: startMs - 60_000,
          endMs: startMs - 30_000,
          lateMs: 0,
          candidates: 40_000,
          taken: 8_000,
          lowestScore: 2.5,
          inputs: 60,
        },
        total: { version: 20_261_110, candidates: 80_000, taken: 16_000 },
        awaited: [],
      },
    ],
    triggers: FAKE_TRIGGER_IDS.map((id) => ({ id, ...NO_COUNTS })),
  }
  advancePartition(fake)
  return fake
}

/** Twelve input messages of 100 usage records each, and what comes of them. */
function advancePartition(fake: FakePartition): void {
  const { statistics } = fake
  statistics.inputMessages.usage += 9
  statistics.inputMessages.profile += 1
  statistics.inputMessages.feedback += 1
  statistics.inputMessages.control += 1
  statistics.inputBytes += 24_000
  statistics.records += 900
  statistics.recordsTooLate += 2
  statistics.recordsTooEarly += 1
  statistics.recordsLateForWindow += 3
  statistics.duplicateBatches += 1
  statistics.profileRows += 10
  for (let code = 0; code < statistics.rejects.length; code++) statistics.rejects[code]! += code + 1
  for (let code = 0; code < statistics.suppressed.length; code++) statistics.suppressed[code]! += 1
  statistics.candidates += statistics.suppressed.length + 8
  statistics.deliveries += 8
  statistics.timersFired += 5
  statistics.ticksRefused += 1
  statistics.decisions += statistics.suppressed.length + 8
  statistics.outputMessages += 2
  statistics.outputBytes += 3_000
  statistics.outputRefusals += 1
  statistics.checkpoints += 1
  statistics.checkpointFailures += 1
  for (const trigger of fake.triggers) {
    trigger.candidates += 10
    trigger.deliveries += 4
    trigger.suppressed += 6
  }
  fake.appliedSequence += 12
  fake.streamLastSequence += 12
  fake.checkpointSequence += 12
  fake.clockMs += 1_000
  fake.decisionNumber += statistics.suppressed.length + 8
  fake.acknowledgedDecisionNumber += statistics.suppressed.length + 8
}

const NO_COUNTS = {
  candidates: 0,
  deliveries: 0,
  holdouts: 0,
  canaries: 0,
  suppressed: 0,
  shown: 0,
}

function fakeTrigger(id: string, partitions: readonly FakePartition[]) {
  const statistics = { id, ...NO_COUNTS }
  for (const { triggers } of partitions) {
    for (const trigger of triggers) {
      if (trigger.id !== id) continue
      statistics.candidates += trigger.candidates
      statistics.deliveries += trigger.deliveries
      statistics.holdouts += trigger.holdouts
      statistics.canaries += trigger.canaries
      statistics.suppressed += trigger.suppressed
      statistics.shown += trigger.shown
    }
  }
  return {
    id,
    file: `triggers/${id}.yaml`,
    once: 'month',
    channel: 'sms',
    priority: 100,
    message: 'Reply VIP: 5 yuan a month.',
    statistics,
  }
}

function haltError(reason: HaltReason | 'fenced'): HighwaterError {
  if (reason === 'fenced') return new OutputFencedError('another owner has claimed the output')
  return new PartitionHaltedError(reason, 'the stream does not hold what the manifest says')
}
