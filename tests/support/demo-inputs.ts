/**
 * The demo's messages as plain objects for the naive model, read back from their bytes with a
 * MessagePack library alone: nothing of the engine's decoder is trusted here.
 */

import { decode } from '@msgpack/msgpack'
import type { DemoMessage } from '../../src/commands/demo-traffic.ts'
import type { ProfileRow } from '../../src/model/messages.ts'
import { type NaiveInput, type NaiveParameters, S1_PARAMETERS } from './naive/input.ts'
import { recordsOfColumns } from './usage-columns.ts'

/** S1 with the values of config/scenarios/data-pack, on the demo's clock. */
export function demoParameters(startMs: number): NaiveParameters {
  return {
    ...S1_PARAMETERS,
    startMs,
    tickWriter: 'demo',
    keep: 1,
    contactWindow: { ...S1_PARAMETERS.contactWindow, expiresMs: 36 * 3_600_000 },
  }
}

/** A message of the demo as the naive model takes it. */
export function demoInput(message: DemoMessage, sequence: number): NaiveInput {
  const [kind] = message.subject.split('.')
  const wire = decode(message.data) as Record<string, unknown>
  if (kind === 'control') {
    const { id, writer = null, time = null } = wire
    return { sequence, kind: 'tick', id, writer, timeMs: time } as NaiveInput
  }
  const { epoch, seq } = wire as { epoch: number; seq: number }
  if (kind === 'usage') {
    const stamp = { probe: wire.probe as string, epoch, seq }
    return { sequence, kind, stamp, records: recordsOfColumns(wire) }
  }
  const stamp = { probe: wire.source as string, epoch, seq }
  const rows = (wire.rows as Record<string, unknown>[]).map(rowOf)
  return { sequence, kind: 'profile', stamp, rows }
}

function rowOf(wire: Record<string, unknown>): ProfileRow {
  const { sub, tags = {}, fields = {}, lists = {}, zone, cycle_day: cycleDay } = wire
  return { subscriber: sub, tags, fields, lists, zone, cycleDay } as ProfileRow
}
