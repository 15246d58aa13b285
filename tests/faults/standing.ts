/** Where a worker stands, asked over HTTP or of an object in this process; and waiting by that. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamManager } from '@nats-io/jetstream'
import { PartitionHaltedError } from '../../src/errors.ts'
import type { SubscriberView } from '../../src/model/view.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'

/** Where one partition of a worker stands. */
export interface Standing {
  readonly partition: number
  readonly status: string
  /** Reason of a halt, or its code where it has none; null: not halted. */
  readonly halt: string | null
  readonly appliedSequence: number
  readonly decisionNumber: number
  readonly acknowledgedDecisionNumber: number
  readonly checkpoints: number
  readonly checkpointSequence: number
}

/** A worker that can be asked. */
export interface AskableWorker {
  /** Its first partition; null while it cannot answer. */
  stand(): Promise<Standing | null>
  /** All its partitions; none while it cannot answer. */
  standings(): Promise<readonly Standing[]>
  inspect(subscriber: number): Promise<SubscriberView | null>
}

/** A worker process by the address of its HTTP server. */
export function workerAt(url: string): AskableWorker {
  return {
    async stand() {
      return (await this.standings())[0] ?? null
    },
    async standings() {
      const body = await ask(url, '/v1/partitions')
      return (body as { partitions: WirePartition[] } | null)?.partitions.map(standingOf) ?? []
    },
    async inspect(subscriber) {
      return (await ask(url, `/v1/subscribers/${subscriber}`)) as SubscriberView | null
    },
  }
}

/** A worker in this process. */
export function workerHere(worker: PartitionWorker): AskableWorker {
  return {
    async stand() {
      const { status, halt, statistics, ...rest } = worker.view()
      const reason = halt instanceof PartitionHaltedError ? halt.reason : (halt?.code ?? null)
      return { ...rest, status, halt: reason, checkpoints: statistics.checkpoints }
    },
    async standings() {
      return [(await this.stand())!]
    },
    async inspect(subscriber) {
      return worker.inspect(subscriber)
    },
  }
}

/** Some workers as one that owns all their partitions; standbys do not count. */
export function together(workers: readonly AskableWorker[]): AskableWorker {
  return {
    async stand() {
      return (await this.standings())[0] ?? null
    },
    async standings() {
      const all = await Promise.all(workers.map((worker) => worker.standings()))
      const owned = all.flat().filter(({ status }) => status !== 'standby')
      return owned.sort((left, right) => left.partition - right.partition)
    },
    async inspect(subscriber) {
      const views = await Promise.all(workers.map((worker) => worker.inspect(subscriber)))
      return views.find((view) => view !== null) ?? null
    },
  }
}

/**
 * Waits until all of IN is applied and all that was decided acknowledged, or a partition halted. Of
 * several partitions all must stand still for a while: they write into one another's logs. Throws
 * after `timeoutMs`, with the last that was known.
 */
export async function untilSettled(
  manager: JetStreamManager,
  worker: AskableWorker,
  timeoutMs = 120_000,
): Promise<Standing> {
  const deadlineMs = performance.now() + timeoutMs
  let seen: readonly Standing[] = []
  let applied = ''
  let quietSinceMs = 0
  while (performance.now() < deadlineMs) {
    seen = await worker.standings()
    const halted = seen.find(({ status }) => status === 'halted')
    if (halted !== undefined) return halted
    if (seen.length > 0 && (await isSettled(manager, seen))) {
      const now = seen.map(({ appliedSequence }) => appliedSequence).join()
      if (now !== applied) quietSinceMs = performance.now()
      applied = now
      if (seen.length === 1 || performance.now() - quietSinceMs > QUIET_MS) return seen[0]!
    }
    await sleep(40)
  }
  throw new Error(`not settled after ${timeoutMs} ms: ${JSON.stringify(seen)}`)
}

/** Longer than the pause after which an owner repeats what it owes to another partition. */
const QUIET_MS = 1_500

async function isSettled(manager: JetStreamManager, all: readonly Standing[]): Promise<boolean> {
  for (const seen of all) {
    if (seen.status !== 'live' || seen.acknowledgedDecisionNumber !== seen.decisionNumber) {
      return false
    }
    const { state } = await manager.streams.info(`IN_${seen.partition}`)
    if (seen.appliedSequence < state.last_seq) return false
  }
  return true
}

/** Waits until the partition halted, and returns why; what it does instead, when it does not. */
export async function untilHalted(worker: AskableWorker, timeoutMs = 60_000): Promise<string> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const seen = await worker.stand()
    if (seen !== null && seen.halt !== null) return seen.halt
    if (performance.now() > deadlineMs) return seen?.status ?? 'silent'
    await sleep(40)
  }
}

function standingOf({ partition, status, halt, input, output, state }: WirePartition): Standing {
  return {
    partition,
    status,
    halt: halt === null ? null : (halt.reason ?? halt.code),
    appliedSequence: input.appliedSequence,
    decisionNumber: output.decisionNumber,
    acknowledgedDecisionNumber: output.acknowledgedDecisionNumber,
    checkpoints: state.checkpoints,
    checkpointSequence: state.checkpointSequence,
  }
}

interface WirePartition {
  readonly partition: number
  readonly status: string
  readonly halt: { readonly code: string; readonly reason: string | null } | null
  readonly input: { readonly appliedSequence: number }
  readonly output: {
    readonly decisionNumber: number
    readonly acknowledgedDecisionNumber: number
  }
  readonly state: { readonly checkpoints: number; readonly checkpointSequence: number }
}

async function ask(url: string, path: string): Promise<unknown> {
  try {
    const response = await fetch(new URL(path, url))
    return response.ok ? await response.json() : null
  } catch {
    return null
  }
}
