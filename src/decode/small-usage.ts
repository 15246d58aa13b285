/**
 * Small usage messages, as encoders really write them, read straight into columns behind those of
 * the messages before: what a decoder does once per message costs more than one record does. It
 * refuses nothing: whatever is in another order or encoding, not whole, or bad in any way is left
 * to the usage decoder, which knows what is wrong and where. Bench: messages.
 */

import {
  createColumns,
  type ProducerStamp,
  SUBSCRIBER_MAX,
  type UsageBatch,
} from '../model/usage.ts'
import { KIND_CODE_MAX, partitionOf, RAT_CODE_MAX, TIME_MAX_MS } from '../model/wire.ts'
import { RowScanner } from './rows.ts'

/*
 * The order is v, probe, epoch, seq, and then n, sub, bytes, time and from rat on any of rat, app,
 * cell, kind; or rows. Keys are compared as the words that they and their heads make.
 */
const MAP = 0x80
const V_PROBE = wordOf('\xa1v\x01\xa5')
const PROB = wordOf('prob')
const LETTER_E = 0x65
const STRING = 0xa0
const STRING_SIZE_MAX = 31
const EPOC = wordOf('\xa5epo')
const POCH = wordOf('poch')
const SEQ = wordOf('\xa3seq')
const N = 0xa16e
const SUB = wordOf('\xa3sub')
const BYTE = wordOf('\xa5byt')
const YTES = wordOf('ytes')
const TIME = wordOf('\xa4tim')
const RAT = wordOf('\xa3rat')
const APP = wordOf('\xa3app')
const CELL = wordOf('\xa4cel')
const KIND = wordOf('\xa4kin')
const ROWS = wordOf('\xa4row')
const LETTER_S = 0x73
const LETTER_L = 0x6c
const LETTER_D = 0x64
const BIN8 = 0xc4
const FIXARRAY = 0x90
const DOUBLE = 0xcb
const UINT8 = 0xcc
const UINT16 = 0xcd
const UINT32 = 0xce
const UINT64 = 0xcf
/** High words of whole numbers up to 2^53-1. */
const SAFE_HIGH_MAX = 0x1f_ffff
const TWO_32 = 4_294_967_296
/** Bytes of v and the key probe, and of the longest numbers and keys of the head. */
const HEAD_SIZE_MIN = 10
/** Doubles that a bin with a size of one byte holds, and rows of an array with a head of one. */
const COLUMN_RECORDS_MAX = 31
const ROWS_MAX = 15

/** Records that one message may add. */
export const SMALL_MESSAGE_RECORDS_MAX = COLUMN_RECORDS_MAX

/** Reads messages one behind the other into one batch. */
export class SmallUsageReader {
  /** All records since it was last emptied; `count` is the caller's to set back. */
  readonly batch: UsageBatch
  /** Who sent the last message read; overwritten by the next one. */
  readonly stamp: ProducerStamp = { probe: '', epoch: 0, seq: 0 }
  readonly #scanner = new RowScanner()
  readonly #room: number
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** Next byte to read, from the start of the view, and the end of the message there. */
  #at = 0
  #end = 0

  /** With room for so many records. */
  constructor(room: number) {
    this.#room = room
    this.batch = { count: 0, ...createColumns(room) }
  }

  /** Whether the largest message still fits. */
  get hasRoom(): boolean {
    return this.batch.count + SMALL_MESSAGE_RECORDS_MAX <= this.#room
  }

  /**
   * Adds the records of one message of `usage.<partition>.<producer>`; its name is one that a
   * subject may have. False: nothing was added, and only the usage decoder can say what this is.
   */
  read(data: Uint8Array, producer: string, partition: number, partitionCount: number): boolean {
    const { buffer, byteOffset } = data
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer)
    this.#at = byteOffset
    this.#end = byteOffset + data.byteLength
    const entries = this.#readHead(producer)
    if (entries === -1) return false
    const count = entries === 1 ? this.#readRows() : this.#readColumns(entries)
    if (count === -1 || this.#at !== this.#end) return false
    if (!this.#isGood(count, partition, partitionCount)) return false
    this.batch.count += count
    return true
  }

  /** Adds records that were decoded otherwise; at most `SMALL_MESSAGE_RECORDS_MAX`. */
  add(records: UsageBatch): void {
    const { batch } = this
    for (let i = 0; i < records.count; i++) {
      const at = batch.count++
      batch.subscribers[at] = records.subscribers[i]!
      batch.usageBytes[at] = records.usageBytes[i]!
      batch.timesMs[at] = records.timesMs[i]!
      batch.rats[at] = records.rats[i]!
      batch.apps[at] = records.apps[i]!
      batch.cells[at] = records.cells[i]!
      batch.kinds[at] = records.kinds[i]!
    }
  }

  /** Reads v, probe, epoch and seq; returns how many entries follow, or -1. */
  #readHead(producer: string): number {
    const view = this.#view
    const end = this.#end
    let at = this.#at
    if (end - at < HEAD_SIZE_MIN) return -1
    const entries = view.getUint8(at) - MAP - 4
    if (entries < 1 || entries > 8) return -1
    if (view.getInt32(at + 1) !== V_PROBE || view.getInt32(at + 5) !== PROB) return -1
    if (view.getUint8(at + 9) !== LETTER_E) return -1
    at += HEAD_SIZE_MIN
    const { length } = producer
    if (length > STRING_SIZE_MAX || end - at < length + 8) return -1
    if (view.getUint8(at) !== STRING + length) return -1
    at += 1
    for (let i = 0; i < length; i++) {
      if (view.getUint8(at + i) !== producer.charCodeAt(i)) return -1
    }
    at += length
    if (view.getInt32(at) !== EPOC || view.getInt32(at + 2) !== POCH) return -1
    this.#at = at + 6
    const epoch = this.#readWhole()
    at = this.#at
    if (epoch === -1 || end - at < 4 || view.getInt32(at) !== SEQ) return -1
    this.#at = at + 4
    const seq = this.#readWhole()
    if (seq === -1) return -1
    const { stamp } = this
    stamp.probe = producer
    stamp.epoch = epoch
    stamp.seq = seq
    return entries
  }

  /** A whole number up to 2^53-1, or -1. */
  #readWhole(): number {
    const view = this.#view
    const at = this.#at
    const left = this.#end - at
    if (left < 1) return -1
    const head = view.getUint8(at)
    if (head < 0x80) {
      this.#at = at + 1
      return head
    }
    if (head === UINT8 && left >= 2) {
      this.#at = at + 2
      return view.getUint8(at + 1)
    }
    if (head === UINT16 && left >= 3) {
      this.#at = at + 3
      return view.getUint16(at + 1)
    }
    if (head === UINT32 && left >= 5) {
      this.#at = at + 5
      return view.getUint32(at + 1)
    }
    if ((head !== UINT64 && head !== DOUBLE) || left < 9) return -1
    this.#at = at + 9
    if (head === DOUBLE) {
      const value = view.getFloat64(at + 1)
      return value >= 0 && Number.isSafeInteger(value) ? value + 0 : -1
    }
    const high = view.getUint32(at + 1)
    return high > SAFE_HIGH_MAX ? -1 : high * TWO_32 + view.getUint32(at + 5)
  }

  /** Reads n and the columns; returns how many records there are, or -1. */
  #readColumns(entries: number): number {
    const view = this.#view
    const end = this.#end
    let at = this.#at
    if (entries < 4 || end - at < 3 || view.getUint16(at) !== N) return -1
    const count = view.getUint8(at + 2)
    if (count > COLUMN_RECORDS_MAX) return -1
    at += 3
    const { subscribers, usageBytes, timesMs, rats, apps, cells, kinds } = this.batch
    const from = this.batch.count
    const size = 8 * count
    // sub, bytes, time with their keys and heads: 6, 8 and 7 bytes besides.
    if (end - at < 21 + 3 * size) return -1
    if (view.getInt32(at) !== SUB || view.getUint16(at + 4) !== (BIN8 << 8) + size) return -1
    at += 6
    for (let i = 0; i < count; i++) subscribers[from + i] = view.getFloat64(at + 8 * i, true)
    at += size
    if (view.getInt32(at) !== BYTE || view.getInt32(at + 2) !== YTES) return -1
    if (view.getUint16(at + 6) !== (BIN8 << 8) + size) return -1
    at += 8
    for (let i = 0; i < count; i++) usageBytes[from + i] = view.getFloat64(at + 8 * i, true)
    at += size
    if (view.getInt32(at) !== TIME || view.getUint8(at + 4) !== LETTER_E) return -1
    if (view.getUint16(at + 5) !== (BIN8 << 8) + size) return -1
    at += 7
    for (let i = 0; i < count; i++) timesMs[from + i] = view.getFloat64(at + 8 * i, true)
    at += size
    let left = entries - 4
    const hasRats = left > 0 && this.#isColumn(at, RAT, -1, count)
    if (hasRats) at += 6
    for (let i = 0; i < count; i++) rats[from + i] = hasRats ? view.getUint8(at + i) : 0
    if (hasRats) {
      at += count
      left -= 1
    }
    const hasApps = left > 0 && this.#isColumn(at, APP, -1, 2 * count)
    if (hasApps) at += 6
    for (let i = 0; i < count; i++) apps[from + i] = hasApps ? view.getUint16(at + 2 * i, true) : 0
    if (hasApps) {
      at += 2 * count
      left -= 1
    }
    const hasCells = left > 0 && this.#isColumn(at, CELL, LETTER_L, 4 * count)
    if (hasCells) at += 7
    for (let i = 0; i < count; i++) {
      cells[from + i] = hasCells ? view.getUint32(at + 4 * i, true) : 0
    }
    if (hasCells) {
      at += 4 * count
      left -= 1
    }
    const hasKinds = left > 0 && this.#isColumn(at, KIND, LETTER_D, count)
    if (hasKinds) at += 7
    for (let i = 0; i < count; i++) kinds[from + i] = hasKinds ? view.getUint8(at + i) : 0
    if (hasKinds) {
      at += count
      left -= 1
    }
    this.#at = at
    return left === 0 ? count : -1
  }

  /**
   * Whether a column of `size` bytes with this key begins at `at`; `fifth`: the key's fifth byte
   * with its head, -1: it has none. The whole of it lies in the message then.
   */
  #isColumn(at: number, key: number, fifth: number, size: number): boolean {
    const view = this.#view
    const keySize = fifth === -1 ? 4 : 5
    if (this.#end - at < keySize + 2 + size || view.getInt32(at) !== key) return false
    if (fifth !== -1 && view.getUint8(at + 4) !== fifth) return false
    return view.getUint16(at + keySize) === (BIN8 << 8) + size
  }

  /** Reads rows; returns how many there are, or -1. */
  #readRows(): number {
    const view = this.#view
    const end = this.#end
    const at = this.#at
    if (end - at < 6 || view.getInt32(at) !== ROWS || view.getUint8(at + 4) !== LETTER_S) return -1
    const count = view.getUint8(at + 5) - FIXARRAY
    if (count < 0 || count > ROWS_MAX) return -1
    const { batch } = this
    const from = batch.count
    const { rats, apps, cells, kinds } = batch
    // A row that has no code leaves its place alone.
    for (let i = from; i < from + count; i++) {
      rats[i] = 0
      apps[i] = 0
      cells[i] = 0
      kinds[i] = 0
    }
    const scanner = this.#scanner
    scanner.offset = at + 6
    const read = scanner.scan(view, end, batch, from, from + count)
    this.#at = scanner.offset
    return read === from + count ? count : -1
  }

  /** Whether all values of the records behind those that count are good; turns -0 into 0. */
  #isGood(count: number, partition: number, partitionCount: number): boolean {
    const { batch } = this
    const { subscribers, usageBytes, timesMs, rats, kinds } = batch
    const from = batch.count
    for (let i = from; i < from + count; i++) {
      const subscriber = subscribers[i]!
      if (!(subscriber >= 1 && subscriber <= SUBSCRIBER_MAX)) return false
      if (Math.floor(subscriber) !== subscriber) return false
      if (partitionCount > 1 && partitionOf(subscriber, partitionCount) !== partition) return false
      const bytes = usageBytes[i]!
      if (!(bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER)) return false
      const timeMs = timesMs[i]!
      if (!(timeMs >= 0 && timeMs <= TIME_MAX_MS)) return false
      if (Math.floor(bytes) !== bytes || Math.floor(timeMs) !== timeMs) return false
      if (rats[i]! > RAT_CODE_MAX || kinds[i]! > KIND_CODE_MAX) return false
      usageBytes[i] = bytes + 0
      timesMs[i] = timeMs + 0
    }
    return true
  }
}

/** Four bytes, one per letter, as a signed word. */
function wordOf(letters: string): number {
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | letters.charCodeAt(i)
  return word
}
