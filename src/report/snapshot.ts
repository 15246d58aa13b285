/**
 * A fold as bytes and back, so that a process goes on where it was.
 *
 * `HWREPORT` | u32 version | u32 CRC-32 of the rest | MessagePack of the fold. What is torn, of
 * another version or of another installation is refused: the decisions are folded again then, as
 * far as OUT still holds them.
 */

import { crc32 } from 'node:zlib'
import { decode, Encoder } from '@msgpack/msgpack'
import type { WallClock } from '../model/wall-clock.ts'
import { CohortTable } from './cohort-table.ts'
import { ARMS, type Arm } from './cohorts.ts'
import { COUNTS, type CountRow } from './day-counts.ts'
import { type FoldBounds, type FoldPosition, ReportFold } from './fold.ts'

const MAGIC = 'HWREPORT'
/** Goes up with each change of what is kept: a snapshot of another version is folded anew. */
export const SNAPSHOT_VERSION = 1
const HEAD_SIZE = MAGIC.length + 8
/** Room for what stands beside the tables, so that the buffer need not grow; bytes. */
const HEAD_ROOM = 1_048_576

/** Whose fold it is. */
export interface FoldIdentity {
  readonly zone: string
  readonly partitionCount: number
}

/** Why a snapshot cannot be used. */
export type SnapshotRefusal = 'torn' | 'other-version' | 'other-installation'

/** What a snapshot gave. */
export type SnapshotReading =
  | { readonly kind: 'fold'; readonly fold: ReportFold }
  | { readonly kind: 'refused'; readonly why: SnapshotRefusal }

interface Stored {
  readonly identity: FoldIdentity
  readonly countNames: readonly string[]
  readonly positions: readonly (FoldPosition & { readonly partition: number })[]
  readonly days: readonly { readonly day: number; readonly rows: readonly StoredRow[] }[]
  readonly periods: readonly { readonly trigger: string; readonly names: readonly string[] }[]
  readonly tables: readonly {
    readonly trigger: string
    readonly arm: Arm
    readonly day: number
    readonly parts: readonly Uint8Array[]
  }[]
}

/** trigger, channel, region, hour, counts, reasons */
type StoredRow = readonly [
  string,
  string,
  string,
  number,
  readonly number[],
  Readonly<Record<string, number>>,
]

/** The fold as it is now. */
export function encodeFold(fold: ReportFold, identity: FoldIdentity): Uint8Array {
  const triggers = new Set([...fold.cohorts.tables()].map(({ trigger }) => trigger))
  const stored: Stored = {
    identity: { zone: identity.zone, partitionCount: identity.partitionCount },
    countNames: COUNTS,
    positions: [...fold.positions].map(([partition, position]) => ({ partition, ...position })),
    days: fold.counts.days().map((day) => ({
      day,
      rows: [...fold.counts.rowsOf(day)].map(storedRow),
    })),
    periods: [...triggers].map((trigger) => ({
      trigger,
      names: [...fold.cohorts.periodsOf(trigger).keys()],
    })),
    tables: [...fold.cohorts.tables()].map(({ table, ...place }) => ({
      ...place,
      parts: table.toBytes(),
    })),
  }
  const initialBufferSize = fold.cohorts.extent.size + HEAD_ROOM
  const body = new Encoder({ initialBufferSize }).encodeSharedRef(stored)
  const bytes = new Uint8Array(HEAD_SIZE + body.byteLength)
  bytes.set(new TextEncoder().encode(MAGIC))
  const view = new DataView(bytes.buffer)
  view.setUint32(MAGIC.length, SNAPSHOT_VERSION)
  view.setUint32(MAGIC.length + 4, crc32(body))
  bytes.set(body, HEAD_SIZE)
  return bytes
}

/** The fold from its bytes. */
export function decodeFold(
  bytes: Uint8Array,
  identity: FoldIdentity,
  clock: WallClock,
  bounds?: FoldBounds,
): SnapshotReading {
  const refused = (why: SnapshotRefusal): SnapshotReading => ({ kind: 'refused', why })
  if (bytes.byteLength < HEAD_SIZE) return refused('torn')
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC.length))
  if (magic !== MAGIC) return refused('torn')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(MAGIC.length) !== SNAPSHOT_VERSION) return refused('other-version')
  const body = bytes.subarray(HEAD_SIZE)
  if (view.getUint32(MAGIC.length + 4) !== crc32(body)) return refused('torn')
  // The checksum holds, so it is what we wrote, as we wrote it.
  const stored = decode(body) as Stored
  const { zone, partitionCount } = stored.identity
  if (zone !== identity.zone || partitionCount !== identity.partitionCount) {
    return refused('other-installation')
  }
  if (stored.countNames.join() !== COUNTS.join()) return refused('other-version')
  const fold = new ReportFold(clock, bounds)
  for (const { partition, ...position } of stored.positions) fold.setPosition(partition, position)
  for (const { day, rows } of stored.days) {
    for (const row of rows) fold.counts.restore(day, rowOf(row))
  }
  for (const { trigger, names } of stored.periods) {
    // Names are kept in the order of their codes.
    fold.cohorts.restore(
      trigger,
      names.map((name, code) => [name, code] as const),
    )
  }
  for (const { trigger, arm, day, parts } of stored.tables) {
    const table = CohortTable.fromBytes(parts)
    if (table === null || !ARMS.includes(arm)) return refused('torn')
    fold.cohorts.restoreTable(trigger, arm, day, table)
  }
  return { kind: 'fold', fold }
}

function storedRow({ trigger, channel, region, hour, counts, reasons }: CountRow): StoredRow {
  return [trigger, channel, region, hour, [...counts], Object.fromEntries(reasons ?? [])]
}

function rowOf([trigger, channel, region, hour, counts, reasons]: StoredRow): CountRow {
  const entries = Object.entries(reasons)
  return {
    trigger,
    channel,
    region,
    hour,
    counts: Float64Array.from(counts),
    reasons: entries.length === 0 ? null : new Map(entries),
  }
}
