/**
 * How long a subscriber stays: the time between neighbouring records (in event time) that both
 * match. One double per counter remembers the latest record: its time, negative when it did not
 * match, 0 when there was none.
 */

import type { PagedTable } from './paged-table.ts'
import type { Place } from './layout.ts'

/**
 * Takes a record in and returns the ms that it adds, 0 or more. What is older than the latest
 * record adds and changes nothing: the time around it was judged already.
 */
export function stayOf(
  tables: readonly PagedTable[],
  row: number,
  { table, offset }: Place,
  timeMs: number,
  isMatching: boolean,
  gapMs: number,
): number {
  const owner = tables[table]!
  const latest = owner.getF64(row, offset)
  if (timeMs < Math.abs(latest)) return 0
  owner.setF64(row, offset, isMatching ? timeMs : -timeMs)
  return isMatching && latest > 0 && timeMs - latest <= gapMs ? timeMs - latest : 0
}
