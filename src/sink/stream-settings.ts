/** What the three streams of a partition must look like, and whether one that exists does. */

import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream'
import {
  controlSubject,
  inputStreamName,
  inputSubjects,
  outputStreamName,
  outputSubject,
  rejectStreamName,
  rejectSubject,
} from './stream-names.ts'

/** Limits of a partition's streams. Sizes in bytes, -1: only the server's own limit. */
export interface StreamLimits {
  /** Copies of each message in the cluster: 1, 3 or 5. */
  readonly replicas: number
  /** How long IN keeps a message: at least 1 minute, so that it can never fill for good. */
  readonly inputMaxAgeMs: number
  readonly inputMaxSize: number
  /** How long OUT keeps a message: at least as long as IN; 0: for ever. */
  readonly outputMaxAgeMs: number
  readonly outputMaxSize: number
  /** REJ drops its oldest when it is full: bad input must not stop a partition. */
  readonly rejectMaxAgeMs: number
  readonly rejectMaxSize: number
  /** Largest message of IN and OUT; at most the server's max_payload. */
  readonly messageMaxSize: number
}

const DAY_MS = 86_400_000

/** Three days of input, seven of output, one copy: as the settings have it. */
export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  replicas: 1,
  inputMaxAgeMs: 3 * DAY_MS,
  inputMaxSize: -1,
  outputMaxAgeMs: 7 * DAY_MS,
  outputMaxSize: -1,
  rejectMaxAgeMs: 7 * DAY_MS,
  rejectMaxSize: 1024 ** 3,
  messageMaxSize: 1024 ** 2,
}

/** The fields that we set; the server fills in the rest. */
export type StreamPlan = Pick<
  StreamConfig,
  | 'name'
  | 'subjects'
  | 'storage'
  | 'retention'
  | 'discard'
  | 'max_age'
  | 'max_bytes'
  | 'max_msg_size'
  | 'num_replicas'
  | 'duplicate_window'
  | 'deny_delete'
  | 'deny_purge'
>

/** The plans of IN, OUT and REJ. */
export interface PartitionPlan {
  readonly input: StreamPlan
  readonly output: StreamPlan
  readonly reject: StreamPlan
}

const NANOSECONDS_PER_MS = 1_000_000
/** We dedupe by (probe, epoch, seq), the server need not; it wants a window at least this long. */
const SHORTEST_DUPLICATE_WINDOW_MS = 1_000
const REJECT_DUPLICATE_WINDOW_MS = 120_000

/**
 * Plans a partition's streams; IN with all its subjects (it is created with the first of them
 * alone).
 */
export function planPartition(partition: number, limits: StreamLimits): PartitionPlan {
  const base = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    num_replicas: limits.replicas,
    deny_delete: true,
    deny_purge: true,
  }
  return {
    input: {
      ...base,
      name: inputStreamName(partition),
      subjects: [...inputSubjects(partition)],
      discard: DiscardPolicy.New,
      max_age: limits.inputMaxAgeMs * NANOSECONDS_PER_MS,
      max_bytes: limits.inputMaxSize,
      max_msg_size: limits.messageMaxSize,
      duplicate_window: SHORTEST_DUPLICATE_WINDOW_MS * NANOSECONDS_PER_MS,
    },
    output: {
      ...base,
      name: outputStreamName(partition),
      subjects: [outputSubject(partition)],
      discard: DiscardPolicy.New,
      max_age: limits.outputMaxAgeMs * NANOSECONDS_PER_MS,
      max_bytes: limits.outputMaxSize,
      max_msg_size: limits.messageMaxSize,
      duplicate_window: SHORTEST_DUPLICATE_WINDOW_MS * NANOSECONDS_PER_MS,
    },
    reject: {
      ...base,
      name: rejectStreamName(partition),
      subjects: [rejectSubject(partition)],
      discard: DiscardPolicy.Old,
      max_age: limits.rejectMaxAgeMs * NANOSECONDS_PER_MS,
      max_bytes: limits.rejectMaxSize,
      max_msg_size: -1,
      duplicate_window: REJECT_DUPLICATE_WINDOW_MS * NANOSECONDS_PER_MS,
    },
  }
}

/**
 * Why a stream that exists cannot serve: each a sentence, empty when it can. Limits (age, size,
 * copies) may differ from the plan, since operators tune them; what would lose or reorder messages
 * may not.
 */
export function problemsOf(actual: StreamConfig, plan: StreamPlan): readonly string[] {
  const problems: string[] = []
  const demand = (isMet: boolean, sentence: string): void => {
    if (!isMet) problems.push(`${plan.name} ${sentence}`)
  }
  demand(actual.storage === plan.storage, 'must use file storage')
  demand(actual.retention === plan.retention, 'must keep messages by limits')
  demand(actual.discard === plan.discard, `must discard ${plan.discard} messages when full`)
  demand(actual.deny_delete === true, 'must deny deletes')
  demand(actual.deny_purge === true, 'must deny purges')
  demand(actual.no_ack !== true, 'must acknowledge publishes')
  demand(actual.sealed !== true, 'must not be sealed')
  demand((actual.max_msgs_per_subject ?? -1) <= 0, 'must not limit messages per subject')
  demand(actual.mirror === undefined, 'must not be a mirror')
  demand((actual.sources ?? []).length === 0, 'must not have sources')
  const foreign = actual.subjects.filter((subject) => !plan.subjects.includes(subject))
  demand(foreign.length === 0, `must not accept ${foreign.join(', ')}`)
  return problems
}

/** Whether IN and OUT together keep what recovery needs; sentences as in `problemsOf`. */
export function retentionProblemsOf(input: StreamConfig, output: StreamConfig): readonly string[] {
  const problems: string[] = []
  if (input.max_age === 0) problems.push(`${input.name} must have a max_age, or it fills for good`)
  if (output.max_age !== 0 && output.max_age < input.max_age) {
    problems.push(`${output.name} must keep messages at least as long as ${input.name}`)
  }
  return problems
}

/** Names of the limits in which a stream differs from its plan. */
export function limitsThatDiffer(actual: StreamConfig, plan: StreamPlan): readonly string[] {
  const names = [
    'max_age',
    'max_bytes',
    'max_msg_size',
    'num_replicas',
    'duplicate_window',
  ] as const
  return names.filter((name) => actual[name] !== plan[name])
}

/** The plan of IN before genesis: control alone, so that nothing can come before it. */
export function beforeGenesis(input: StreamPlan, partition: number): StreamPlan {
  return { ...input, subjects: [controlSubject(partition)] }
}
