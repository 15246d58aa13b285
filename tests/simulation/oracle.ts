/** Who says what must come of a log: the judge asks one, and compares. */

import type { PartitionMachine } from '../../src/partition/machine.ts'
import type { StoredMessage } from './broker.ts'
import type { Meaning } from './workload.ts'

/** Reasons that refuse rows of a message, not the message: they are counted elsewhere. */
export const ROW_REASONS = new Set(['too-late', 'too-early', 'unknown-delivery'])

/** A decision as far as its oracle compares it. */
export interface SaidDecision {
  readonly kind: string
  /** Of a delivery. */
  readonly id?: string
}

/** Knows what a partition must decide, and know in the end. */
export interface Oracle {
  /** What decides; null: no machine of the engine. */
  readonly machine: PartitionMachine | null
  /** All decisions of what was applied; number n is at n - 1. */
  readonly decisions: readonly SaidDecision[]
  /** What is wrong for other reasons than a difference. */
  readonly failures: string[]
  /** Whether it is one of those that the table counts. */
  isCounted(decision: SaidDecision): boolean
  /** The decisions of a message of OUT, to be compared with `decisions`. */
  read(data: Uint8Array): SaidDecision[]
  /** The next message of IN, genesis first; `meaning` undefined: of the workers' own. */
  apply(message: StoredMessage, meaning: Meaning | undefined): void
  /** Messages that are refused whole, `sequence reason` each. */
  rejects(): string[]
  /** Compares a machine that has applied the same, and is not null inside. */
  checkState(machine: PartitionMachine): void
}
