/** Where a worker stands, asked over HTTP or of an object in this process; and waiting by that. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { JetStreamManager } from '@nats-io/jetstream'
import { PartitionHaltedError } from '../../src/errors.ts'
import type { SubscriberView } from '../../src/model/view.ts'
import type { PartitionWorker } from '../../src/partition/worker.ts'

/** Where partition 0 of a worker stands. */
export interface Standing {
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
  /** Null while it cannot answer. */
  stand(): Promise<Standing | null>
  inspect(subscriber: number): Promise<SubscriberView | null>
}

/** A worker process by the address of its HTTP server. */
export function workerAt(url: string): AskableWorker {
  return {
    async stand() {
      const body = await ask(url, '/v1/partitions')
      const partition = (body as { partitions: WirePartition[] } | null)?.partitions[0]
      if (partition === undefined) return null
      const { status, halt, input, output, state } = partition
      return {
        status,
        halt: halt === null ? null : (halt.reason ?? halt.code),
        appliedSequence: input.appliedSequence,
        decisionNumber: output.decisionNumber,
        acknowledgedDecisionNumber: output.acknowledgedDecisionNumber,
        checkpoints: state.checkpoints,
        checkpointSequence: state.checkpointSequence,
      }
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
    async inspect(subscriber) {
      return worker.inspect(subscriber)
    },
  }
}

/**
 * Waits until all of IN is applied and all that was decided acknowledged, or the partition halted.
 * Throws after `timeoutMs`, with the last that was known.
 */
export async function untilSettled(
  manager: JetStreamManager,
  worker: AskableWorker,
  timeoutMs = 120_000,
): Promise<Standing> {
  const deadlineMs = performance.now() + timeoutMs
  let seen: Standing | null = null
  while (performance.now() < deadlineMs) {
    seen = await worker.stand()
    if (seen?.status === 'halted') return seen
    const isSaid = seen !== null && seen.acknowledgedDecisionNumber === seen.decisionNumber
    if (seen?.status === 'live' && isSaid) {
      const { state } = await manager.streams.info('IN_0')
      if (seen.appliedSequence >= state.last_seq) return seen
    }
    await sleep(40)
  }
  throw new Error(`not settled after ${timeoutMs} ms: ${JSON.stringify(seen)}`)
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

interface WirePartition {
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
