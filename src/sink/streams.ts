/**
 * The streams of a partition: made, checked, and opened to producers only after genesis.
 *
 * IN starts with its control subject alone; genesis is published expecting sequence 0, so of any
 * number of racing creators exactly one wins; then the other subjects are added. Each step looks at
 * what is there, so a crash between two steps, or two creators at once, ends in the same place.
 */

import { JetStreamApiError, type StreamInfo } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { BrokerRefusedError, BrokerUnavailableError, StreamFullError } from '../errors.ts'
import type { StreamState } from '../model/ports.ts'
import { isMissingRight, isStreamMissing } from './broker-errors.ts'
import { openControlWriter } from './control-writer.ts'
import { PUBLISH_TIMEOUT_MS } from './publish.ts'
import { createManager, type Manager, streamStateOf } from './stream-reader.ts'
import {
  beforeGenesis,
  limitsThatDiffer,
  type PartitionPlan,
  planPartition,
  problemsOf,
  retentionProblemsOf,
  type StreamLimits,
  type StreamPlan,
} from './stream-settings.ts'

/** What an operator should hear at the start; nothing here stops the worker. */
export interface StreamWarning {
  readonly code: 'one-replica' | 'server-cannot-sync' | 'server-forgets' | 'limits-differ'
  /** Empty when it concerns the server. */
  readonly stream: string
  readonly message: string
}

/** One stream as it stands. Ages in ms (0: for ever), sizes in bytes (-1: unlimited). */
export interface StreamReport extends StreamState {
  readonly name: string
  readonly replicas: number
  readonly maxAgeMs: number
  readonly maxSize: number
}

/** Outcome of `ensureStreams`. */
export interface PartitionStreams {
  readonly input: StreamReport
  readonly output: StreamReport
  readonly reject: StreamReport
  /**
   * `published`: our genesis is sequence 1. `present`: IN had messages before; read sequence 1 to
   * compare.
   */
  readonly genesis: 'published' | 'present'
  readonly warnings: readonly StreamWarning[]
}

/**
 * Makes the streams that are missing, checks those that exist, publishes genesis into an empty IN,
 * and opens IN to producers. May be repeated and may race with others.
 *
 * `genesis` null says that the partition has lived before (there is an image): then nothing is made
 * anew, since an empty stream in the place of a lost one would look like a beginning. `isRuled`: a
 * person has said that it may be one (`highwater resume`), also beside an OUT that holds decisions.
 * @throws {BrokerRefusedError} when a stream exists with settings that would break our promises, or
 *   when one is missing that cannot be: with `genesis` null, or IN empty beside an OUT that holds
 *   decisions
 * @throws {BrokerUnavailableError} when the server does not answer; call again
 */
export async function ensureStreams(
  connection: NatsConnection,
  partition: number,
  limits: StreamLimits,
  genesis: Uint8Array | null,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
  isRuled = false,
): Promise<PartitionStreams> {
  const manager = await createManager(connection, timeoutMs)
  const plan = planPartition(partition, limits)
  const first = beforeGenesis(plan.input, partition)
  const output = await ensureStream(manager, plan.output, genesis === null ? null : plan.output)
  await ensureStream(manager, plan.reject, plan.reject)
  const created = await ensureStream(manager, plan.input, genesis === null ? null : first)
  let outcome: 'published' | 'present' = 'present'
  if (created.state.last_seq === 0) {
    const { name } = plan.input
    if (genesis === null) throw new BrokerRefusedError(`${name} is empty: it lost its genesis`)
    if (output.state.last_seq > 0 && !isRuled) {
      // Read again: a racing creator may have published genesis and decided since.
      const again = await ensureStream(manager, plan.input, null)
      if (again.state.last_seq === 0) {
        throw new BrokerRefusedError(`${name} is empty, but ${plan.output.name} holds decisions`)
      }
    } else {
      outcome = await publishGenesis(connection, partition, genesis, timeoutMs)
    }
  }
  if (plan.input.subjects.some((subject) => !created.config.subjects.includes(subject))) {
    await manager.ask(`opening ${plan.input.name}`, (m) =>
      m.streams.update(plan.input.name, { subjects: plan.input.subjects }),
    )
  }
  return report(manager, plan, connection.info?.version ?? '', outcome)
}

/**
 * Publishes genesis if IN is still empty. `present`: somebody else's message is sequence 1.
 * @throws {BrokerUnavailableError} when its fate is not known; call again
 */
export async function publishGenesis(
  connection: NatsConnection,
  partition: number,
  genesis: Uint8Array,
  timeoutMs: number = PUBLISH_TIMEOUT_MS,
): Promise<'published' | 'present'> {
  const outcome = await openControlWriter(connection, partition, timeoutMs).publish(genesis, 0)
  switch (outcome.kind) {
    case 'stored':
      return 'published'
    case 'refused':
      return 'present'
    case 'full':
      throw new StreamFullError(`no room for genesis of partition ${partition}`)
    case 'unknown':
      throw new BrokerUnavailableError(`genesis of partition ${partition} was not acknowledged`, {
        cause: outcome.cause,
      })
  }
}

const STREAM_NAME_IN_USE_CODE = 10058

/**
 * The stream as it is, made from `first` when missing (null: it must exist); what exists must fit
 * `plan`.
 */
export async function ensureStream(
  manager: Manager,
  plan: StreamPlan,
  first: StreamPlan | null,
): Promise<StreamInfo> {
  let info = await findStream(manager, plan.name)
  if (info === null) {
    if (first === null) throw new BrokerRefusedError(`${plan.name} is missing`)
    try {
      info = await manager.ask(`creating ${plan.name}`, (m) => m.streams.add({ ...first }))
    } catch (error) {
      if (isMissingRight(error)) {
        const advice = 'somebody who may runs: highwater init'
        throw new BrokerRefusedError(
          `${plan.name} is missing, and this user may not make it; ${advice}`,
          { cause: error },
        )
      }
      // Another creator was faster and may be further on already.
      if (!hasApiCode(error, STREAM_NAME_IN_USE_CODE)) throw error
      info = await findStream(manager, plan.name)
      if (info === null) throw error
    }
  }
  const problems = problemsOf(info.config, plan)
  if (problems.length > 0) throw new BrokerRefusedError(problems.join('; '))
  return info
}

async function findStream(manager: Manager, name: string): Promise<StreamInfo | null> {
  try {
    return await manager.ask(`looking for ${name}`, (m) => m.streams.info(name))
  } catch (error) {
    if (isStreamMissing(error)) return null
    throw error
  }
}

function hasApiCode(error: unknown, code: number): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof JetStreamApiError && cause.code === code
}

async function report(
  manager: Manager,
  plan: PartitionPlan,
  serverVersion: string,
  genesis: 'published' | 'present',
): Promise<PartitionStreams> {
  const infoOf = (name: string): Promise<StreamInfo> =>
    manager.ask(`state of ${name}`, (m) => m.streams.info(name))
  const input = await infoOf(plan.input.name)
  const output = await infoOf(plan.output.name)
  const reject = await infoOf(plan.reject.name)
  const problems = retentionProblemsOf(input.config, output.config)
  if (problems.length > 0) throw new BrokerRefusedError(problems.join('; '))
  const warnings: StreamWarning[] = [...serverWarnings(serverVersion, input.config.num_replicas)]
  warnings.push(...warningsOf(input, plan.input))
  warnings.push(...warningsOf(output, plan.output))
  warnings.push(...warningsOf(reject, plan.reject))
  return {
    input: reportOf(input),
    output: reportOf(output),
    reject: reportOf(reject),
    genesis,
    warnings,
  }
}

/**
 * nats-server versions that, killed and started again, forget a stream which was changed since the
 * cluster's last snapshot, and delete their copy (`recoveryUpdates.updateStream` there; found with
 * 2.12.2 by our own fault tests, read in 2.11.15, gone in 2.12.3). IN is changed right after it was
 * made.
 */
const FORGETFUL_VERSIONS: ReadonlySet<string> = new Set(['2.11.15', '2.12.2'])

/** What an operator should hear of the server itself. */
export function serverWarnings(version: string, replicas: number): readonly StreamWarning[] {
  const warnings: StreamWarning[] = []
  if (isOlderThan(version, 2, 10)) {
    const message = `nats-server ${version} cannot sync each write: an acknowledged message can die with the power`
    warnings.push({ code: 'server-cannot-sync', stream: '', message })
  }
  if (replicas > 1 && FORGETFUL_VERSIONS.has(version)) {
    const message = `nats-server ${version} may delete copies of streams after a crash: use 2.12.3 or later`
    warnings.push({ code: 'server-forgets', stream: '', message })
  }
  return warnings
}

function warningsOf(info: StreamInfo, plan: StreamPlan): readonly StreamWarning[] {
  const warnings: StreamWarning[] = []
  const stream = plan.name
  if (info.config.num_replicas === 1) {
    const message = `${stream} has one replica: it is gone with its server's disk`
    warnings.push({ code: 'one-replica', stream, message })
  }
  const names = limitsThatDiffer(info.config, plan)
  if (names.length > 0) {
    const message = `${stream} was made with another ${names.join(', ')}; the stream's own counts`
    warnings.push({ code: 'limits-differ', stream, message })
  }
  return warnings
}

function reportOf(info: StreamInfo): StreamReport {
  return {
    ...streamStateOf(info),
    name: info.config.name,
    replicas: info.config.num_replicas,
    maxAgeMs: Math.floor(info.config.max_age / 1_000_000),
    maxSize: info.config.max_bytes,
  }
}

/** An unknown version counts as new enough: a warning must not cry wolf. */
function isOlderThan(version: string, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)\./.exec(version)
  if (match === null) return false
  const actualMajor = Number(match[1])
  return actualMajor < major || (actualMajor === major && Number(match[2]) < minor)
}
