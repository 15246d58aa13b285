/** What a worker that is up says of a halted partition, asked over HTTP; it need not be up. */

import type { Settings } from '../config/settings.ts'
import { workerAddress } from './running-worker.ts'

const ANSWER_TIMEOUT_MS = 2_000

/** A halt as the worker names it. `input`: the first input that is not applied. */
export interface ReportedHalt {
  readonly reason: string
  readonly input: number
}

/** The halt of a partition; null when nobody answers there, or says otherwise. */
export async function askWorker(
  http: Settings['http'],
  partition: number,
): Promise<ReportedHalt | null> {
  const url = `${workerAddress(http)}/v1/partitions`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    const body = (await answer.json()) as { partitions?: readonly PartitionAnswer[] }
    const found = body.partitions?.find((each) => each.partition === partition)
    if (!found?.halt || found.status !== 'halted') return null
    const { code, reason } = found.halt
    return { reason: reason ?? code, input: (found.input?.appliedSequence ?? 0) + 1 }
  } catch {
    return null
  }
}

interface PartitionAnswer {
  readonly partition: number
  readonly status: string
  readonly halt: { readonly code: string; readonly reason: string | null } | null
  readonly input?: { readonly appliedSequence: number }
}
