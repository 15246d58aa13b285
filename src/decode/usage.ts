import { assert } from '../errors.ts'
import { RejectError } from '../model/reject.ts'
import {
  createColumns,
  type ProducerStamp,
  USAGE_BATCH_RECORDS_MAX,
  type UsageBatch,
} from '../model/usage.ts'
import {
  KIND_CODE_MAX,
  MESSAGE_SIZE_MAX,
  PRODUCER_NAME,
  RAT_CODE_MAX,
  WIRE_VERSION,
} from '../model/wire.ts'
import { ColumnChecks, codeReject, USAGE_COLUMNS } from './columns.ts'
import { Cursor } from './cursor.ts'
import { wholeProblem } from './number.ts'
import { RowScanner } from './rows.ts'

/*
 * A usage batch is one MessagePack map. Columnar: {v, probe, epoch, seq, n, sub, bytes, time, rat?,
 * app?, cell?, kind?}, columns as bin, little-endian. Rows: {v, probe, epoch, seq, rows: [[sub,
 * bytes, time, rat?, app?, cell?, kind?], …]}. Keys in any order, each once, no others.
 */

/** Keys by number: the seven columns first, in the order of a row. */
const KEYS = [...USAGE_COLUMNS, 'v', 'probe', 'epoch', 'seq', 'n', 'rows'] as const
const COLUMN_COUNT = USAGE_COLUMNS.length
/** A row has at least subscriber, bytes and time. */
const WIDTH_MIN = 3
const KEY_V = 7
const KEY_PROBE = 8
const KEY_EPOCH = 9
const KEY_SEQ = 10
const KEY_N = 11
const KEY_ROWS = 12
const HEAD_MASK = (1 << KEY_V) | (1 << KEY_PROBE) | (1 << KEY_EPOCH) | (1 << KEY_SEQ)
const COLUMNS_MASK = (1 << COLUMN_COUNT) - 1
const REQUIRED_COLUMNS_MASK = 0b111

/** First four bytes of each key, and its size: what tells keys apart, but for a fifth letter. */
const KEY_WORDS = Int32Array.from(KEYS, wordOf)
const KEY_SIZES = Uint8Array.from(KEYS, (key) => key.length)
const KEY_SIZE_MAX = 5
const PROBE_SIZE_MAX = 64
/** Columns up to this many bytes are copied word by word: a call costs more. */
const SMALL_COLUMN_SIZE = 64
const IS_NAME_LETTER = Uint8Array.from({ length: 256 }, (_, code) =>
  PRODUCER_NAME.test(String.fromCharCode(code)) ? 1 : 0,
)

/**
 * Decodes usage batches into one set of columns that is reused from call to call. Pure: the same
 * bytes give the same columns. Bench: kernels/decode.
 */
export class UsageDecoder {
  /** The last batch decoded; valid until the next call. After a RejectError it is empty. */
  readonly batch: UsageBatch
  /** Who sent the last batch decoded; overwritten by the next call. */
  readonly stamp: ProducerStamp = { probe: '', epoch: 0, seq: 0 }

  readonly #cursor = new Cursor()
  readonly #scanner = new RowScanner()
  readonly #checks: ColumnChecks
  /** The columns' bytes, in the order of USAGE_COLUMNS: what arrives lies at any offset. */
  readonly #columnBytes: readonly Uint8Array[]
  readonly #columnViews: readonly DataView[]
  readonly #columnElementSizes: readonly number[]
  /** Where each column lies in the message. */
  readonly #offsets = new Uint32Array(COLUMN_COUNT)
  readonly #sizes = new Uint32Array(COLUMN_COUNT)
  /** Leading entries of each optional column that may not be zero; the rest is. */
  readonly #dirtyCounts = new Uint32Array(COLUMN_COUNT)
  #count = 0

  constructor() {
    assert(isLittleEndian(), 'columns are little-endian, this machine is not')
    const room = USAGE_BATCH_RECORDS_MAX
    const named = createColumns(room)
    this.batch = { count: 0, ...named }
    this.#checks = new ColumnChecks(this.batch)
    const { subscribers, usageBytes, timesMs, rats, apps, cells, kinds } = named
    const columns = [subscribers, usageBytes, timesMs, rats, apps, cells, kinds]
    this.#columnBytes = columns.map((column) => new Uint8Array(column.buffer))
    this.#columnViews = columns.map((column) => new DataView(column.buffer))
    this.#columnElementSizes = columns.map((column) => column.BYTES_PER_ELEMENT)
  }

  /**
   * Decodes one message of `usage.<partition>.<producerToken>` into `batch` and `stamp`.
   * @throws RejectError, and nothing else, when anything at all is wrong with the message
   */
  decode(data: Uint8Array, producerToken: string, partition: number, partitionCount: number): void {
    this.batch.count = 0
    if (data.byteLength > MESSAGE_SIZE_MAX) {
      const detail = `${data.byteLength} bytes, at most ${MESSAGE_SIZE_MAX}`
      throw new RejectError('oversized', 'offset 0', detail)
    }
    const cursor = this.#cursor
    cursor.reset(data)
    const seen = this.#readMap(producerToken)
    cursor.expectEnd()
    this.#requireKeys(seen)
    const isRows = (seen & (1 << KEY_ROWS)) !== 0
    if (!isRows) this.#copyColumns(seen)
    this.batch.count = this.#count
    try {
      this.#checks.validate(partition, partitionCount, isRows ? rowPosition : columnPosition)
    } catch (error) {
      this.batch.count = 0
      throw error
    }
  }

  /** Reads all entries; returns the keys seen as bits. */
  #readMap(producerToken: string): number {
    const cursor = this.#cursor
    const entryCount = cursor.readMapSize()
    let seen = 0
    let key = KEY_V - 1
    for (let i = 0; i < entryCount; i++) {
      cursor.root = ''
      key = this.#readKey(key + 1)
      const bit = 1 << key
      if ((seen & bit) !== 0) throw cursor.reject('malformed', `key ${KEYS[key]!} twice`)
      seen |= bit
      cursor.root = KEYS[key]!
      if (key < COLUMN_COUNT) {
        cursor.readBinSpan()
        this.#offsets[key] = cursor.spanOffset
        this.#sizes[key] = cursor.spanSize
      } else this.#readHeadField(key, producerToken)
    }
    cursor.root = ''
    return seen
  }

  /** Looked for from `first` on, round the circle: keys mostly come in the same order. */
  #readKey(first: number): number {
    const cursor = this.#cursor
    const at = cursor.offset
    cursor.readStringSpan()
    const { bytes, spanOffset, spanSize } = cursor
    let word = 0
    for (let i = 0; i < spanSize && i < 4; i++) word = (word << 8) | bytes[spanOffset + i]!
    let key = first
    for (let i = 0; i < KEYS.length && spanSize <= KEY_SIZE_MAX; i++, key++) {
      if (key >= KEYS.length) key = 0
      if (KEY_WORDS[key] !== word || KEY_SIZES[key] !== spanSize) continue
      if (spanSize < 5 || KEYS[key]!.charCodeAt(4) === bytes[spanOffset + 4]) return key
    }
    throw new RejectError('unknown-name', `offset ${at}`, 'a key that a usage batch does not have')
  }

  #readHeadField(key: number, producerToken: string): void {
    const cursor = this.#cursor
    switch (key) {
      case KEY_V: {
        const version = cursor.readNumber()
        if (version === WIRE_VERSION) return
        throw cursor.reject('unsupported-version', `version ${version}, known is ${WIRE_VERSION}`)
      }
      case KEY_PROBE:
        this.#readProbe(producerToken)
        return
      case KEY_EPOCH:
        this.stamp.epoch = this.#readWhole()
        return
      case KEY_SEQ:
        this.stamp.seq = this.#readWhole()
        return
      case KEY_N:
        this.#count = this.#readCount()
        return
      default:
        this.#readRows()
    }
  }

  /** Compares bytes with the subject's token, so that the name costs no string. */
  #readProbe(producerToken: string): void {
    const cursor = this.#cursor
    cursor.readStringSpan()
    const { spanOffset, spanSize, bytes } = cursor
    let isName = spanSize >= 1 && spanSize <= PROBE_SIZE_MAX
    let isEqual = spanSize === producerToken.length
    for (let i = 0; isName && i < spanSize; i++) {
      const letter = bytes[spanOffset + i]!
      isName = IS_NAME_LETTER[letter] === 1
      isEqual &&= producerToken.charCodeAt(i) === letter
    }
    if (!isName) throw cursor.reject('malformed', 'a name is 1 to 64 of A-Z a-z 0-9 _ -')
    if (!isEqual) throw cursor.reject('foreign-producer', 'the name differs from the subject')
    this.stamp.probe = producerToken
  }

  #readWhole(): number {
    const value = this.#cursor.readNumber()
    const problem = wholeProblem(value, 0, Number.MAX_SAFE_INTEGER)
    if (problem === null) return value
    throw this.#cursor.reject(problem, 'must be whole, 0 to 2^53-1')
  }

  #readCount(): number {
    const count = this.#readWhole()
    if (count <= USAGE_BATCH_RECORDS_MAX) return count
    throw this.#cursor.reject('oversized', `${count} records, at most ${USAGE_BATCH_RECORDS_MAX}`)
  }

  #requireKeys(seen: number): void {
    let missing = HEAD_MASK & ~seen
    const hasRows = (seen & (1 << KEY_ROWS)) !== 0
    if (!hasRows) missing |= (REQUIRED_COLUMNS_MASK | (1 << KEY_N)) & ~seen
    if (missing !== 0) {
      const key = KEYS[31 - Math.clz32(missing & -missing)]!
      throw new RejectError('missing-field', key, 'a usage batch needs it')
    }
    if (hasRows && (seen & (COLUMNS_MASK | (1 << KEY_N))) !== 0) {
      throw new RejectError('malformed', 'rows', 'a batch has rows or columns, not both')
    }
  }

  #copyColumns(seen: number): void {
    const count = this.#count
    for (let column = 0; column < COLUMN_COUNT; column++) {
      if ((seen & (1 << column)) === 0) {
        this.#clearColumn(column)
        continue
      }
      const size = count * this.#columnElementSizes[column]!
      if (this.#sizes[column] !== size) {
        const detail = `${this.#sizes[column]} bytes, ${count} records need ${size}`
        throw new RejectError('bad-length', USAGE_COLUMNS[column]!, detail)
      }
      this.#copyColumn(column, size)
      if (this.#dirtyCounts[column]! < count) this.#dirtyCounts[column] = count
    }
  }

  /** The one copy that alignment asks for; neither way makes a view. */
  #copyColumn(column: number, size: number): void {
    const { bytes, view, base } = this.#cursor
    const offset = this.#offsets[column]!
    if (size > SMALL_COLUMN_SIZE) {
      const target = this.#columnBytes[column]!
      Buffer.prototype.copy.call(bytes, target, 0, offset, offset + size)
      return
    }
    const target = this.#columnViews[column]!
    const wordsSize = size & ~3
    for (let i = 0; i < wordsSize; i += 4) target.setInt32(i, view.getInt32(base + offset + i))
    for (let i = wordsSize; i < size; i++) target.setUint8(i, bytes[offset + i]!)
  }

  /** Absent optional columns read as zeros; they mostly are zeros already. */
  #clearColumn(column: number): void {
    const dirtyCount = this.#dirtyCounts[column]!
    if (dirtyCount === 0) return
    this.#columnBytes[column]!.fill(0, 0, dirtyCount * this.#columnElementSizes[column]!)
    this.#dirtyCounts[column] = 0
  }

  /**
   * Rows go straight into the columns; codes are checked here, since a narrow column would wrap
   * them.
   */
  #readRows(): void {
    const cursor = this.#cursor
    const rowCount = cursor.readArraySize()
    if (rowCount > USAGE_BATCH_RECORDS_MAX) {
      throw cursor.reject('oversized', `${rowCount} rows, at most ${USAGE_BATCH_RECORDS_MAX}`)
    }
    // Cleared first: then a row that has no code leaves its place alone.
    for (let column = WIDTH_MIN; column < COLUMN_COUNT; column++) {
      this.#clearColumn(column)
      this.#dirtyCounts[column] = rowCount
    }
    const scanner = this.#scanner
    scanner.offset = cursor.base + cursor.offset
    scanner.widthMax = 0
    const end = cursor.base + cursor.bytes.byteLength
    for (let row = 0; row < rowCount; row++) {
      row = scanner.scan(cursor.view, end, this.batch, row, rowCount)
      cursor.offset = scanner.offset - cursor.base
      if (row === rowCount) break
      this.#readRow(row)
      scanner.offset = cursor.base + cursor.offset
    }
    for (let column = scanner.widthMax; column < COLUMN_COUNT; column++) {
      this.#dirtyCounts[column] = 0
    }
    this.#count = rowCount
  }

  /** Reads one row whatever its encoding; what is wrong with it is found out here. */
  #readRow(row: number): void {
    const cursor = this.#cursor
    const { subscribers, usageBytes, timesMs, rats, apps, cells, kinds } = this.batch
    cursor.row = row
    const width = cursor.readArraySize()
    if (width < WIDTH_MIN || width > COLUMN_COUNT) {
      throw cursor.reject('bad-length', `${width} values, a row has 3 to ${COLUMN_COUNT}`)
    }
    if (width > this.#scanner.widthMax) this.#scanner.widthMax = width
    cursor.column = 0
    subscribers[row] = cursor.readNumber()
    cursor.column = 1
    usageBytes[row] = cursor.readNumber()
    cursor.column = 2
    timesMs[row] = cursor.readNumber()
    rats[row] = width > 3 ? this.#readCode(3, RAT_CODE_MAX) : 0
    apps[row] = width > 4 ? this.#readOptionalWhole(4, 0xffff) : 0
    cells[row] = width > 5 ? this.#readOptionalWhole(5, 0xffff_ffff) : 0
    kinds[row] = width > 6 ? this.#readCode(6, KIND_CODE_MAX) : 0
    cursor.column = -1
    cursor.row = -1
  }

  #readCode(column: number, codeMax: number): number {
    const code = this.#readOptionalWhole(column, Number.MAX_SAFE_INTEGER)
    if (code <= codeMax) return code
    throw codeReject(code, codeMax, this.#cursor.position())
  }

  #readOptionalWhole(column: number, max: number): number {
    const cursor = this.#cursor
    cursor.column = column
    if (cursor.takeNil()) return 0
    const value = cursor.readNumber()
    const problem = wholeProblem(value, 0, max)
    if (problem === null) return value
    throw cursor.reject(problem, `must be whole, 0 to ${max}`)
  }
}

function columnPosition(column: number, record: number): string {
  return `${USAGE_COLUMNS[column]!}[${record}]`
}

function rowPosition(column: number, record: number): string {
  return `rows[${record}][${column}]`
}

function wordOf(key: string): number {
  let word = 0
  for (let i = 0; i < key.length && i < 4; i++) word = (word << 8) | key.charCodeAt(i)
  return word
}

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
}
