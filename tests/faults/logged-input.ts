/**
 * Messages of the log as plain objects for the naive model, read with a MessagePack library alone:
 * nothing of the engine's decoder is trusted here.
 */

import { decode } from '@msgpack/msgpack'
import type { ProfileRow } from '../../src/model/messages.ts'
import type { NaiveInput, NaiveRecord, Receipt } from '../support/naive/input.ts'
import { recordsOfColumns } from '../support/usage-columns.ts'

/** One message of `IN_<p>` as it is stored. */
export interface LoggedMessage {
  readonly sequence: number
  readonly timestampMs: number
  readonly subject: string
  readonly data: Uint8Array
}

/** The message as the naive model takes it; null for genesis and configurations. */
export function readLogged({ sequence, subject, data }: LoggedMessage): NaiveInput | null {
  const [kind] = subject.split('.')
  const wire = decode(data) as Record<string, unknown>
  if (kind === 'control') {
    if (wire.kind === 'erase') {
      const { sub, subs = [sub] } = wire
      return { sequence, kind: 'erase', id: wire.id, subscribers: subs } as NaiveInput
    }
    if (wire.kind !== 'tick') return null
    const { id, writer = null, time = null } = wire
    return { sequence, kind: 'tick', id, writer, timeMs: time } as NaiveInput
  }
  const { epoch, seq } = wire as { epoch: number; seq: number }
  if (kind === 'usage') {
    const stamp = { probe: wire.probe as string, epoch, seq }
    return { sequence, kind, stamp, records: recordsOf(wire) }
  }
  const stamp = { probe: wire.source as string, epoch, seq }
  const rows = wire.rows as Record<string, unknown>[]
  return kind === 'profile'
    ? { sequence, kind, stamp, rows: rows.map(profileRowOf) }
    : { sequence, kind: 'feedback', stamp, rows: rows.map(feedbackRowOf) }
}

function recordsOf(wire: Record<string, unknown>): NaiveRecord[] {
  const { rows } = wire
  return rows === undefined
    ? recordsOfColumns(wire)
    : (rows as (number | null)[][]).map(recordOfRow)
}

function recordOfRow(row: readonly (number | null)[]): NaiveRecord {
  const [subscriber, usageBytes, timeMs, rat, app, cell, kind] = row.map((value) => value ?? 0)
  return {
    subscriber: subscriber!,
    usageBytes: usageBytes!,
    timeMs: timeMs!,
    rat: rat ?? 0,
    app: app ?? 0,
    cell: cell ?? 0,
    kind: kind ?? 0,
  }
}

function profileRowOf(wire: Record<string, unknown>): ProfileRow {
  const { sub, tags = {}, fields = {}, lists = {}, zone, cycle_day: cycleDay } = wire
  return { subscriber: sub, tags, fields, lists, zone, cycleDay } as ProfileRow
}

function feedbackRowOf(wire: Record<string, unknown>): Receipt {
  const { sub, id, kind, time } = wire
  return { subscriber: sub, deliveryId: id, kind, timeMs: time } as Receipt
}
