/** Columnar usage batches as plain records, without the engine's decoder. */

import type { NaiveRecord } from './naive/input.ts'

/** Records of a decoded batch; columns that it lacks are 0. */
export function recordsOfColumns(wire: Record<string, unknown>): NaiveRecord[] {
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
