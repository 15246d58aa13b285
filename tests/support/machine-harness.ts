/**
 * Runs a partition's machine in memory on inputs of the naive model, and reads its decisions back
 * from the very bytes that would go to OUT.
 */

import { decode } from '@msgpack/msgpack'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import type { InputMessage } from '../../src/model/ports.ts'
import { PartitionMachine } from '../../src/partition/machine.ts'
import {
  encodeErase,
  encodeFeedback,
  encodeGenesis,
  encodeProfile,
  encodeTick,
  encodeUsageColumns,
} from '../../src/probe/encode.ts'
import type { NaiveDecision, NaiveInput, NaiveParameters, NaiveRecord } from './naive/input.ts'

const LIMITS = { batchDecisionsMax: 1000, batchSizeMax: 512 * 1024 }

/** The first input of a log: genesis on a virtual clock. */
export function genesisMessage(parameters: NaiveParameters, files: ConfigFiles): InputMessage {
  const { partition, partitionCount, zone, tickWriter, startMs } = parameters
  const data = encodeGenesis({
    id: 'genesis',
    partition,
    partitionCount,
    zone,
    clock: { mode: 'virtual', writer: tickWriter, startMs },
    generation: 1,
    files,
  })
  return { sequence: 1, timestampMs: 0, subject: `control.${partition}`, data }
}

/** A naive input as the message that carries it. Usage goes columnar. */
export function encodeInput(input: NaiveInput, partition: number): InputMessage {
  const { sequence } = input
  const message = (subject: string, data: Uint8Array): InputMessage => ({
    sequence,
    timestampMs: 0,
    subject,
    data,
  })
  switch (input.kind) {
    case 'tick':
      return message(`control.${partition}`, encodeTick(input))
    case 'erase':
      return message(`control.${partition}`, encodeErase(input))
    case 'usage':
      return message(
        `usage.${partition}.${input.stamp.probe}`,
        encodeUsageColumns(input.stamp, columnsOf(input.records), 0, input.records.length),
      )
    case 'profile':
      return message(`profile.${partition}.${input.stamp.probe}`, encodeProfile(input))
    case 'feedback':
      return message(`feedback.${partition}.${input.stamp.probe}`, encodeFeedback(input))
  }
}

/** Records as columns. */
export function columnsOf(records: readonly NaiveRecord[]) {
  return {
    subscribers: Float64Array.from(records, (record) => record.subscriber),
    usageBytes: Float64Array.from(records, (record) => record.usageBytes),
    timesMs: Float64Array.from(records, (record) => record.timeMs),
    rats: Uint8Array.from(records, (record) => record.rat),
    apps: Uint16Array.from(records, (record) => record.app),
    cells: Uint32Array.from(records, (record) => record.cell),
    kinds: Uint8Array.from(records, (record) => record.kind),
  }
}

/** A decision as the naive model states it, with its number. */
export type ReadDecision = NaiveDecision & { readonly generation: number }

/** All decisions that wait in the machine's outbox, in order. */
export function drainDecisions(machine: PartitionMachine): ReadDecision[] {
  const decisions: ReadDecision[] = []
  for (;;) {
    const batch = machine.outbox.take(1, LIMITS)
    if (batch === null) return decisions
    decisions.push(...readDecisions(batch.bytes))
  }
}

/** Decisions in the bytes of one OUT message. */
export function readDecisions(bytes: Uint8Array): ReadDecision[] {
  const envelope = decode(bytes) as { decisions: Record<string, unknown>[] }
  return envelope.decisions.map((wire) => {
    const head = {
      number: wire.n,
      inputSequence: wire.in,
      trigger: wire.trigger,
      subscriber: wire.sub,
      period: wire.period,
      attempt: wire.attempt,
      generation: wire.gen,
      decidedAtMs: wire.at,
      firedAtMs: wire.fired,
      values: wire.values,
      kind: wire.kind,
    }
    const rest =
      wire.kind === 'suppressed'
        ? { reason: wire.reason, ...present(wire, 'winner'), ...present(wire, 'detail') }
        : wire.kind === 'journey'
          ? {
              what: wire.what,
              ...present(wire, 'step'),
              ...present(wire, 'why'),
              ...present(wire, 'arm'),
            }
          : wire.kind === 'shown'
            ? { channel: wire.channel, place: wire.place, ...present(wire, 'canary') }
            : wire.kind === 'outcome'
              ? outcomeOf(wire)
              : {
                  id: wire.id,
                  notBeforeMs: wire.not_before,
                  notAfterMs: wire.not_after,
                  ...present(wire, 'experiment'),
                  ...present(wire, 'action'),
                  ...present(wire, 'lang'),
                  ...present(wire, 'segments'),
                  ...present(wire, 'purpose'),
                  ...present(wire, 'region'),
                }
    return { ...head, ...rest } as ReadDecision
  })
}

function outcomeOf(wire: Record<string, unknown>): Record<string, unknown> {
  return {
    id: wire.id,
    channel: wire.channel,
    what: wire.what,
    timeMs: wire.time,
    by: wire.by,
    isFirst: wire.first ?? false,
    isControl: wire.arm === 'control',
    isCanary: wire.canary ?? false,
    ...present(wire, 'word'),
    ...present(wire, 'purpose'),
    ...present(wire, 'region'),
  }
}

function present(wire: Record<string, unknown>, key: string): Record<string, unknown> {
  return wire[key] === undefined ? {} : { [key]: wire[key] }
}

/** A machine with genesis applied. */
export function startMachine(parameters: NaiveParameters, files: ConfigFiles): PartitionMachine {
  const machine = new PartitionMachine(parameters.partition)
  machine.apply(genesisMessage(parameters, files))
  return machine
}
