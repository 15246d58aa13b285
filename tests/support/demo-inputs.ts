/**
 * The demo's messages as plain objects for the naive model, read back from their bytes with a
 * MessagePack library alone: nothing of the engine's decoder is trusted here.
 */

import { decode } from '@msgpack/msgpack'
import type { DemoMessage } from '../../src/commands/demo-traffic.ts'
import type { ProfileRow } from '../../src/model/messages.ts'
import { type NaiveInput, type NaiveParameters, S1_PARAMETERS } from './naive/input.ts'
import type { NaiveRecord } from './naive/input.ts'

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
    return { sequence, kind, stamp, records: recordsOf(wire) }
  }
  const stamp = { probe: wire.source as string, epoch, seq }
  const rows = (wire.rows as Record<string, unknown>[]).map(rowOf)
  return { sequence, kind: 'profile', stamp, rows }
}

function recordsOf(wire: Record<string, unknown>): NaiveRecord[] {
  const view = (key: string): DataView | null => {
    const column = wire[key] as Uint8Array | undefined
    if (column === undefined) return null
    return new DataView(column.buffer, column.byteOffset, column.byteLength)
  }
  const [sub, bytes, time] = [view('sub')!, view('bytes')!, view('time')!]
  const [rat, app, cell, kind] = [view('rat'), view('app'), view('cell'), view('kind')]
  return Array.from({ length: wire.n as number }, (_, index) => ({
    subscriber: sub.getFloat64(index * 8, true),
    usageBytes: bytes.getFloat64(index * 8, true),
    timeMs: time.getFloat64(index * 8, true),
    rat: rat?.getUint8(index) ?? 0,
    app: app?.getUint16(index * 2, true) ?? 0,
    cell: cell?.getUint32(index * 4, true) ?? 0,
    kind: kind?.getUint8(index) ?? 0,
  }))
}

function rowOf(wire: Record<string, unknown>): ProfileRow {
  const { sub, tags = {}, fields = {}, lists = {}, zone, cycle_day: cycleDay } = wire
  return { subscriber: sub, tags, fields, lists, zone, cycleDay } as ProfileRow
}
