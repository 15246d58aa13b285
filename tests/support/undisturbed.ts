/**
 * What a log must have come to: its messages through a machine in memory that nothing disturbs, and
 * its decisions and refusals as the wire holds them.
 */

import { decode } from '@msgpack/msgpack'
import type { InputMessage } from '../../src/model/ports.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'

/** A decision as OUT holds it, every key of the wire. */
export type WireDecision = Readonly<Record<string, unknown>> & {
  /** Number, and input. */
  readonly n: number
  readonly in: number
  readonly kind: string
}

/** A refusal as REJ holds it, as far as it is compared. */
export interface WireReject {
  readonly in: number
  readonly ordinal: number
  readonly reason: string
}

const LIMITS = { batchDecisionsMax: 10_000, batchSizeMax: 64 * 1024 * 1024 }

/** Decisions in the bytes of one message of OUT of kind `decisions`. */
export function wireDecisions(data: Uint8Array): WireDecision[] {
  return (decode(data) as { decisions: WireDecision[] }).decisions
}

/** A machine that applies a log from its genesis on, one message after the other. */
export class Undisturbed {
  readonly machine: PartitionMachine
  /** All decisions so far; number n is at n - 1. */
  readonly decisions: WireDecision[] = []
  /** All refusals so far. */
  readonly rejects: WireReject[] = []

  constructor(partition: number) {
    this.machine = new PartitionMachine(partition)
  }

  /** Throws what the machine throws, that is where a partition would halt. */
  apply(message: InputMessage): void {
    const { machine } = this
    machine.apply(message)
    for (const { bytes } of machine.rejects.takeAll()) {
      this.rejects.push(decode(bytes) as WireReject)
    }
    for (;;) {
      const batch = machine.outbox.take(1, LIMITS)
      if (batch === null) return
      for (const decision of wireDecisions(batch.bytes)) this.decisions.push(decision)
    }
  }
}
