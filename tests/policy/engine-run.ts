/** A case through the real machine: YAML and bytes in, decisions from the bytes of OUT. */

import { decode } from '@msgpack/msgpack'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { SUPPRESSION_REASONS } from '../../src/model/decision.ts'
import type { InputMessage } from '../../src/model/ports.ts'
import { RejectError } from '../../src/model/reject.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { encodeCancel, encodeConfig } from '../../src/probe/encode.ts'
import { isPending } from '../../src/state/ledger.ts'
import { ImageWriter, loadMachine } from '../support/machine-image.ts'
import { encodeInput, startMachine } from '../support/machine-harness.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { type NaiveParameters, S1_PARAMETERS } from '../support/naive/input.ts'
import type { PlainInput, PlainPolicy, PolicyCase, PolicyDecision } from './plain.ts'
import { filesOf } from './yaml-text.ts'

const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 512 * 1024 }

/** How a run differs from the plain one. */
export interface RunOptions {
  /** Position in the inputs before which the machine is written to an image and loaded again. */
  readonly reloadImageAt?: number
  /** What becomes of each policy before it is written down. */
  readonly alter?: (policy: PlainPolicy) => PlainPolicy
}

/** What the machine said. */
export interface EngineAnswer {
  /** Decisions by input, in order. */
  readonly decisions: readonly PolicyDecision[]
  readonly candidates: number
  readonly pending: number
  readonly erased: number
}

/** Validation took one of the case's policies for a mistake; the message says which mistake. */
export class PolicyRefused extends Error {}

/** Runs a case. Throws PolicyRefused, and Error when the machine refuses another input whole. */
export function runEngine(policyCase: PolicyCase, options: RunOptions = {}): EngineAnswer {
  const { policy, zone, startMs, inputs } = policyCase
  const alter = options.alter ?? ((unchanged: PlainPolicy) => unchanged)
  let machine = begin({ ...S1_PARAMETERS, startMs, zone }, filesOf(alter(policy)))
  let generation = 1
  const decisions: PolicyDecision[] = []
  for (const [index, input] of inputs.entries()) {
    if (index === options.reloadImageAt) {
      expectNothingRefused(machine)
      machine = throughImage(machine)
    }
    if (input.kind === 'config') generation++
    machine.apply(messageOf(input, generation, alter))
    if (input.kind === 'config') expectNothingRefused(machine)
    decisions.push(...drain(machine))
  }
  expectNothingRefused(machine)
  const { candidates, suppressed } = machine.core!.statistics
  const erased = suppressed[SUPPRESSION_REASONS.indexOf('erased')]!
  return { decisions, candidates, pending: pendingCount(machine), erased }
}

function begin(parameters: NaiveParameters, files: ConfigFiles): PartitionMachine {
  try {
    return startMachine(parameters, files)
  } catch (error) {
    const { cause } = error as { cause?: unknown }
    if (cause instanceof RejectError && cause.reject.reason === 'config-invalid') {
      throw new PolicyRefused(cause.reject.detail)
    }
    throw error
  }
}

/** Deliveries that wait in the ledger. */
function pendingCount(machine: PartitionMachine): number {
  const { ledger } = machine.core!
  const rows = Array.from({ length: ledger.table.rowCount }, (_, number) => ledger.status(number))
  return rows.filter((status) => isPending(status)).length
}

function messageOf(
  input: PlainInput,
  generation: number,
  alter: (policy: PlainPolicy) => PlainPolicy,
): InputMessage {
  if (input.kind === 'cancel') {
    const { sequence, trigger, channel, subscriber } = input
    const data = encodeCancel({ id: `x${sequence}`, trigger, channel, subscriber })
    return { sequence, timestampMs: 0, subject: 'control.0', data }
  }
  if (input.kind !== 'config') return encodeInput(input, 0)
  const { sequence, policy } = input
  const files = filesOf(alter(policy))
  const data = encodeConfig({ id: `c${sequence}`, generation, files })
  return { sequence, timestampMs: 0, subject: 'control.0', data }
}

function throughImage(machine: PartitionMachine): PartitionMachine {
  const store = new MemoryStore()
  const writer = new ImageWriter(store)
  writer.begin(machine)
  while (!writer.write(64));
  writer.commit()
  return loadMachine(store)!.machine
}

function expectNothingRefused(machine: PartitionMachine): void {
  for (const { bytes } of machine.rejects.takeAll()) {
    const { reason, detail } = decode(bytes) as { reason: string; detail: string }
    if (['too-late', 'too-early', 'unknown-delivery'].includes(reason)) continue
    if (reason === 'config-invalid') throw new PolicyRefused(detail)
    throw new Error(`the machine refused an input: ${reason}, ${detail}`)
  }
}

function drain(machine: PartitionMachine): PolicyDecision[] {
  const decisions: PolicyDecision[] = []
  for (;;) {
    const batch = machine.outbox.take(1, LIMITS)
    if (batch === null) return decisions
    const envelope = decode(batch.bytes) as { decisions: Record<string, unknown>[] }
    decisions.push(...envelope.decisions.map(decisionOf))
  }
}

/** Wire names to ours; number, generation and message are left out. */
function decisionOf(wire: Record<string, unknown>): PolicyDecision {
  const named = {
    kind: wire.kind,
    inputSequence: wire.in,
    trigger: wire.trigger,
    subscriber: wire.sub,
    period: wire.period,
    attempt: wire.attempt,
    decidedAtMs: wire.at,
    firedAtMs: wire.fired,
    values: wire.values,
    id: wire.id,
    channel: wire.channel,
    experiment: wire.experiment,
    class: wire.class,
    canary: wire.canary,
    notBeforeMs: wire.not_before,
    notAfterMs: wire.not_after,
    reason: wire.reason,
    winner: wire.winner,
    detail: wire.detail,
  }
  const said = Object.entries(named).filter(([, value]) => value !== undefined)
  return Object.fromEntries(said) as unknown as PolicyDecision
}
