import type { UsageBatch } from '../model/usage.ts'
import { KIND_CODE_MAX, RAT_CODE_MAX } from '../model/wire.ts'

/**
 * Rows of usage in the encodings that encoders really write, read without a call or an object per
 * value: array headers of one byte, whole numbers in their shortest form, doubles, nil for a code
 * that is not known. It refuses nothing: at the first row that is anything else, or not whole, or
 * bad, it stops before that row and leaves it to the cursor, which knows what is wrong and where.
 */

/** A row of seven values of nine bytes, and what the last read of a word may look beyond. */
const ROW_ROOM = 1 + 7 * 9 + 4
const WIDTH_MIN = 3
const WIDTH_MAX = 7
const FIXARRAY = 0x90
const NIL = 0xc0
const DOUBLE = 0xcb
const UINT64 = 0xcf
/** High words of whole numbers up to 2^53-1. */
const SAFE_HIGH_MAX = 0x1f_ffff
const TWO_32 = 4_294_967_296

/**
 * What a head byte says of a whole number of up to 32 bits: bit 0, whether it stands before the
 * number; bits 1 to 3, bytes of both; from bit 4, by how much a big-endian word that begins at the
 * number is to be shifted. One load and one shift read four encodings, so that a column of mixed
 * sizes costs no mispredicted branch. Zero: not such a number.
 */
const SHORT_NUMBERS = shortNumbers()

/** Reads rows into columns. */
export class RowScanner {
  /** Where the first row that was not read begins, from the start of the view. */
  offset = 0
  /** Values of the widest row read since it was last set to zero. */
  widthMax = 0

  /**
   * Reads rows from `first` on into `batch`, which has zeros where a row has no code. Returns the
   * first row that was not read. `end`: where the message ends in the view, which may be longer.
   * Written out value by value: a loop over the first three takes a third longer. Numbers may be
   * negative, broken or -0 (only doubles can be): all columns are checked afterwards. A time of
   * less than 2^32 is no time of ours. Bench: kernels/decode.
   */
  scan(view: DataView, end: number, batch: UsageBatch, first: number, rowCount: number): number {
    const { subscribers, usageBytes, timesMs, rats, apps, cells, kinds } = batch
    const last = view.byteLength - ROW_ROOM
    let { widthMax } = this
    let row = first
    let at = this.offset
    for (; row < rowCount && at <= last; row++) {
      let next = at + 1
      const width = view.getUint8(at) - FIXARRAY
      if (width < WIDTH_MIN || width > WIDTH_MAX) break
      let value = 0

      let head = view.getUint8(next)
      if (head === UINT64) {
        const high = view.getUint32(next + 1)
        if (high > SAFE_HIGH_MAX) break
        value = high * TWO_32 + view.getUint32(next + 5)
        next += 9
      } else if (head === DOUBLE) {
        value = view.getFloat64(next + 1)
        next += 9
      } else {
        const short = SHORT_NUMBERS[head]!
        if (short === 0) break
        value = view.getUint32(next + (short & 1)) >>> (short >>> 4)
        next += (short >>> 1) & 7
      }
      subscribers[row] = value

      head = view.getUint8(next)
      const short = SHORT_NUMBERS[head]!
      if (short !== 0) {
        value = view.getUint32(next + (short & 1)) >>> (short >>> 4)
        next += (short >>> 1) & 7
      } else if (head === DOUBLE) {
        value = view.getFloat64(next + 1)
        next += 9
      } else if (head === UINT64) {
        const high = view.getUint32(next + 1)
        if (high > SAFE_HIGH_MAX) break
        value = high * TWO_32 + view.getUint32(next + 5)
        next += 9
      } else break
      usageBytes[row] = value

      head = view.getUint8(next)
      if (head === UINT64) {
        const high = view.getUint32(next + 1)
        if (high > SAFE_HIGH_MAX) break
        value = high * TWO_32 + view.getUint32(next + 5)
      } else if (head === DOUBLE) {
        value = view.getFloat64(next + 1)
      } else break
      next += 9
      timesMs[row] = value

      if (width > 3) {
        head = view.getUint8(next)
        if (head <= RAT_CODE_MAX) rats[row] = head
        else if (head !== NIL) break
        next += 1
      }
      if (width > 4) {
        head = view.getUint8(next)
        const short = SHORT_NUMBERS[head]!
        if (short !== 0) {
          const app = view.getUint32(next + (short & 1)) >>> (short >>> 4)
          if (app > 0xffff) break
          apps[row] = app
          next += (short >>> 1) & 7
        } else if (head === NIL) next += 1
        else break
      }
      if (width > 5) {
        head = view.getUint8(next)
        const short = SHORT_NUMBERS[head]!
        if (short !== 0) {
          cells[row] = view.getUint32(next + (short & 1)) >>> (short >>> 4)
          next += (short >>> 1) & 7
        } else if (head === NIL) next += 1
        else break
      }
      if (width > 6) {
        head = view.getUint8(next)
        if (head <= KIND_CODE_MAX) kinds[row] = head
        else if (head !== NIL) break
        next += 1
      }
      if (next > end) break
      if (width > widthMax) widthMax = width
      at = next
    }
    this.offset = at
    this.widthMax = widthMax
    return row
  }
}

function shortNumbers(): Uint16Array {
  const entries = new Uint16Array(256)
  for (let head = 0; head < 0x80; head++) entries[head] = (24 << 4) | (1 << 1)
  entries[0xcc] = (24 << 4) | (2 << 1) | 1
  entries[0xcd] = (16 << 4) | (3 << 1) | 1
  entries[0xce] = (5 << 1) | 1
  return entries
}
