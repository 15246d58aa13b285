/** How a partition ends: drained within its time, or halted. */

import { HighwaterError, PartitionHaltedError } from '../errors.ts'
import type { WaitingClock } from '../model/ports.ts'

const POLL_MS = 10

/** How long a drain may take. */
export interface DrainLimits {
  /**
   * Milliseconds that a stop may wait for OUT, REJ and a last checkpoint; absent: for ever. What
   * has not left by then is made again and sent by the next start.
   */
  readonly drainTimeoutMs?: number
  /** Stops by itself once everything that OUT holds is made again and the rest is said. */
  readonly isSettling?: boolean
}

/**
 * Waits for a drain. Resolves when it ended or its time is over, and rejects as it does; what it
 * does after its time fails in silence. To settle is to wait for as long as it takes.
 */
export async function endsInTime(
  clock: WaitingClock,
  { drainTimeoutMs = Number.POSITIVE_INFINITY, isSettling = false }: DrainLimits,
  drain: Promise<void>,
): Promise<void> {
  let hasEnded = false
  const note = (): void => {
    hasEnded = true
  }
  drain.then(note, note)
  const deadlineMs = clock.steadyMs() + drainTimeoutMs
  // In small steps: one long pause would keep the process from its end.
  while (!hasEnded && (isSettling || clock.steadyMs() < deadlineMs)) await clock.pause(POLL_MS)
  if (hasEnded) await drain
}

/** What a partition halts with when this was thrown. */
export function haltOf(error: unknown): HighwaterError {
  if (error instanceof HighwaterError) return error
  return new PartitionHaltedError('engine-failure', 'an unexpected error', { cause: error })
}
