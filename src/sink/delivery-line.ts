/**
 * The line of a JetStream delivery in its usual form, read in one pass:
 *
 *   MSG <subject> <sid> <prefix><stream seq>.<consumer seq>.<ns>.<pending> <size>␍␊
 *
 * The prefix is what all replies of one consumer begin with. Whatever looks otherwise in any way is
 * left to who reads lines token by token.
 */

import type { MutableFrame } from '../model/frame.ts'

/** `MSG ` and `HMSG` as words. */
const MSG = 0x4d53_4720
const HMSG = 0x484d_5347
/** Lines are read in the usual way where so many bytes follow: no place needs to be looked at. */
export const LINE_SIZE_MAX = 512
const SUBJECT_SIZE_MAX = 255
const CARRIAGE_RETURN = 13
const LINE_FEED = 10
const SPACE = 32
const DOT = 46
const DIGIT_0 = 48
/** So that all that is read as words lies in `LINE_SIZE_MAX`. */
const ID_SIZE_MAX = 10
const PREFIX_SIZE_MAX = 128
const SEQUENCES_END_MAX = 200
const NANOSECOND_DIGITS = 19
const SECOND_DIGITS = 10
const SIZE_MAX = 0x0fff_ffff

/** What the replies of one consumer begin with; see `makeReplyPrefix`. */
export class ReplyPrefix {
  readonly size: number
  /** As words of four bytes; the last one may lie over the one before. */
  readonly words: Int32Array
  readonly places: Int32Array

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.size = end - start
    const count = (this.size + 3) >> 2
    this.words = new Int32Array(count)
    this.places = new Int32Array(count)
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, this.size)
    for (let i = 0; i < count; i++) {
      const place = Math.min(4 * i, this.size - 4)
      this.places[i] = place
      this.words[i] = view.getInt32(place)
    }
  }

  /** Whether the bytes from `start` on begin with it. */
  isAt(bytes: Uint8Array, start: number): boolean {
    if (bytes.length - start < this.size) return false
    const view = new DataView(bytes.buffer, bytes.byteOffset + start)
    return this.words.every((word, i) => view.getInt32(this.places[i]!) === word)
  }
}

/** From the beginning of a reply, of which nothing is kept; null: it is not of a usual size. */
export function makeReplyPrefix(bytes: Uint8Array, start: number, end: number): ReplyPrefix | null {
  const size = end - start
  return size >= 4 && size <= PREFIX_SIZE_MAX ? new ReplyPrefix(bytes, start, end) : null
}

/** Reads lines of deliveries into one frame. */
export class DeliveryLine {
  readonly #frame: MutableFrame
  /** The second of the last stamp: its digits as words, and as milliseconds. */
  #secondWord1 = 0
  #secondWord2 = 0
  #secondWord3 = 0
  #secondMs = 0
  #hasHeaders = false

  constructor(frame: MutableFrame) {
    this.#frame = frame
  }

  /**
   * Reads the line at `at` up to the id of its subscription, which it returns; 0: it is not in the
   * usual form. At least `LINE_SIZE_MAX` bytes lie behind `at`.
   */
  readSubscription(bytes: Uint8Array, view: DataView, at: number): number {
    const word = view.getInt32(at)
    if (word !== MSG && (word !== HMSG || bytes[at + 4] !== SPACE)) return 0
    const frame = this.#frame
    const subjectStart = at + (word === MSG ? 4 : 5)
    this.#hasHeaders = word !== MSG
    const limit = subjectStart + SUBJECT_SIZE_MAX
    let end = subjectStart
    while (bytes[end]! > SPACE) if (++end === limit) return 0
    if (end === subjectStart || bytes[end] !== SPACE) return 0
    frame.subjectStart = subjectStart
    frame.subjectEnd = end
    let subscription = 0
    for (;;) {
      const byte = bytes[++end]!
      const digit = byte - DIGIT_0
      if (digit >= 0 && digit <= 9) subscription = subscription * 10 + digit
      else if (byte === SPACE) break
      else return 0
    }
    if (end - frame.subjectEnd > ID_SIZE_MAX) return 0
    frame.replyStart = end + 1
    return subscription
  }

  /** Reads the rest of the line into the frame, but for its bytes; false: not the usual form. */
  readReply(bytes: Uint8Array, view: DataView, prefix: ReplyPrefix): boolean {
    const frame = this.#frame
    let at = frame.replyStart
    const { words, places } = prefix
    for (let i = 0; i < words.length; i++) {
      if (view.getInt32(at + places[i]!) !== words[i]) return false
    }
    at += prefix.size
    let sequence = 0
    let digit = bytes[at]! - DIGIT_0
    while (digit >= 0 && digit <= 9) {
      sequence = sequence * 10 + digit
      digit = bytes[++at]! - DIGIT_0
    }
    if (digit !== DOT - DIGIT_0) return false
    let consumerSequence = 0
    digit = bytes[++at]! - DIGIT_0
    while (digit >= 0 && digit <= 9) {
      consumerSequence = consumerSequence * 10 + digit
      digit = bytes[++at]! - DIGIT_0
    }
    if (digit !== DOT - DIGIT_0) return false
    at += 1
    if (at > frame.replyStart + SEQUENCES_END_MAX) return false
    if (!this.#readSecond(bytes, view, at)) return false
    const digit1 = bytes[at + 10]! - DIGIT_0
    const digit2 = bytes[at + 11]! - DIGIT_0
    const digit3 = bytes[at + 12]! - DIGIT_0
    if (!(digit1 >= 0 && digit1 <= 9 && digit2 >= 0 && digit2 <= 9)) return false
    if (!(digit3 >= 0 && digit3 <= 9)) return false
    const timestampMs = this.#secondMs + digit1 * 100 + digit2 * 10 + digit3
    at += NANOSECOND_DIGITS
    if (bytes[at] !== DOT) return false
    let pendingMessages = 0
    digit = bytes[++at]! - DIGIT_0
    while (digit >= 0 && digit <= 9) {
      pendingMessages = pendingMessages * 10 + digit
      digit = bytes[++at]! - DIGIT_0
    }
    if (digit !== SPACE - DIGIT_0) return false
    frame.replyEnd = at
    let headerSize = 0
    if (this.#hasHeaders) {
      digit = bytes[++at]! - DIGIT_0
      while (digit >= 0 && digit <= 9) {
        headerSize = headerSize * 10 + digit
        digit = bytes[++at]! - DIGIT_0
      }
      if (digit !== SPACE - DIGIT_0) return false
    }
    let size = 0
    digit = bytes[++at]! - DIGIT_0
    while (digit >= 0 && digit <= 9) {
      size = size * 10 + digit
      digit = bytes[++at]! - DIGIT_0
    }
    if (bytes[at] !== CARRIAGE_RETURN || bytes[at + 1] !== LINE_FEED) return false
    if (size > SIZE_MAX || headerSize > size) return false
    if (sequence === 0 || !(sequence <= Number.MAX_SAFE_INTEGER)) return false
    if (!(consumerSequence <= Number.MAX_SAFE_INTEGER)) return false
    frame.streamSequence = sequence
    frame.consumerSequence = consumerSequence
    frame.timestampMs = timestampMs
    frame.pendingMessages = pendingMessages
    frame.headerStart = at + 2
    frame.dataStart = at + 2 + headerSize
    frame.dataEnd = at + 2 + size
    return true
  }

  /** Ten digits, mostly those of the line before. */
  #readSecond(bytes: Uint8Array, view: DataView, at: number): boolean {
    const word1 = view.getInt32(at)
    const word2 = view.getInt32(at + 4)
    const word3 = view.getUint16(at + 8)
    if (word1 === this.#secondWord1 && word2 === this.#secondWord2 && word3 === this.#secondWord3) {
      return true
    }
    let second = 0
    for (let i = 0; i < SECOND_DIGITS; i++) {
      const digit = bytes[at + i]! - DIGIT_0
      if (digit < 0 || digit > 9) return false
      second = second * 10 + digit
    }
    this.#secondWord1 = word1
    this.#secondWord2 = word2
    this.#secondWord3 = word3
    this.#secondMs = second * 1000
    return true
  }
}
