/** Room in the rows of one table, as a layout gives it away. */

/** Size of a row in a table that still grows. */
export const ROW_SIZE_MAX = 16_384

/** How a table's rows are used, as the checkpoint keeps it. */
export interface TableImage {
  /** Bytes of a row; ROW_SIZE_MAX while it grows. */
  strideSize: number
  /** First unused byte; `hole` is an unused 4-byte cell before it, or -1. */
  cursor: number
  hole: number
}

/**
 * Takes 4 bytes or a multiple of 8, which begin at a multiple of 8; their offset. Throws RangeError
 * when a row gets too long.
 */
export function takeRoom(table: TableImage, size: number): number {
  if (size === 4 && table.hole !== -1) {
    const offset = table.hole
    table.hole = -1
    return offset
  }
  if (size !== 4 && table.cursor % 8 !== 0) {
    table.hole = table.cursor
    table.cursor += 4
  }
  const offset = table.cursor
  table.cursor += size
  const limit = table.strideSize
  if (table.cursor > limit) {
    throw new RangeError(`a subscriber's row is longer than ${limit} bytes`)
  }
  return offset
}
