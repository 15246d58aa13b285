/**
 * Finds the messages of some subscriptions in what a NATS server sends, and leaves everything else
 * to the client, byte for byte and in order. The server's side of the protocol is
 *
 *   MSG <subject> <sid> [reply] <size>␍␊<payload>␍␊
 *   HMSG <subject> <sid> [reply] <header size> <size>␍␊<headers><payload>␍␊
 *
 * and lines without a payload: INFO, PING, PONG, +OK, -ERR (docs.nats.io, "Client Protocol"). The
 * client makes several objects and texts of each message: about two thirds of the cost of reading a
 * stream of small ones (bench messages).
 */

import { isAckSubjectAt, readAckSubject } from '../model/ack-subject.ts'
import type { FrameReceiver, MutableFrame } from '../model/frame.ts'
import { DeliveryLine, LINE_SIZE_MAX, makeReplyPrefix, type ReplyPrefix } from './delivery-line.ts'

/** Receivers by the id of their subscription; one per connection. */
export type Receivers = ReadonlyMap<number, FrameReceiver>

const LINE_FEED = 10
const SPACE = 32
const DIGIT_0 = 48
const LOWER_CASE = 0x20
const LETTER_M = 0x6d
const LETTER_H = 0x68
/** ␍␊ behind the payload. */
const LINE_END_SIZE = 2
/** HMSG, subject, id, reply, two sizes. */
const TOKENS_MAX = 6
/** Longer is no size and no id. */
const DIGITS_MAX = 10
const HELD_SIZE_MIN = 512
/** Consumers whose deliveries are known by what their replies begin with. */
const PREFIXES_MAX = 64

/** Scans what comes over one transport, from its first byte on. */
export class FrameScanner {
  readonly #receivers: Receivers
  readonly #frame: MutableFrame = {
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    subjectStart: 0,
    subjectEnd: 0,
    replyStart: 0,
    replyEnd: 0,
    headerStart: 0,
    dataStart: 0,
    dataEnd: 0,
    streamSequence: 0,
    consumerSequence: 0,
    timestampMs: 0,
    pendingMessages: 0,
  }
  readonly #line = new DeliveryLine(this.#frame)
  readonly #prefixes = new Map<number, ReplyPrefix>()
  /** End of the message that a receiver has just left to the client; 0: there is none. */
  #leftEnd = 0
  /** Tokens of the line that was read last, and where they end. */
  readonly #starts = new Int32Array(TOKENS_MAX)
  readonly #ends = new Int32Array(TOKENS_MAX)
  /** Of the line that was read last: bytes of headers and payload (-1: it has none), and whose. */
  #size = -1
  #headerSize = 0
  #hasReply = false
  #subscription = 0
  /** Bytes of the message under way that are still to be left to the client. */
  #passSize = 0
  /** The beginning of what has not come whole: a line, or a message that is to be received. */
  #held = new Uint8Array(0)
  #heldSize = 0
  /** Bytes of the message that is held; 0: the end of its line has not come. */
  #wantedSize = 0
  /** The server speaks in a way that is not known here: the client reads on alone. */
  #isLost = false

  constructor(receivers: Receivers) {
    this.#receivers = receivers
  }

  /**
   * Yields the client's part of a chunk, in pieces; a message between two of them is received when
   * the second is asked for. Nobody may write to the chunk any more.
   */
  *scan(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let at = 0
    if (this.#heldSize > 0) {
      at = this.#complete(chunk)
      if (at === -1) return
      const held = this.#held.subarray(0, this.#heldSize)
      const isMessage = this.#wantedSize > 0
      this.#heldSize = 0
      this.#wantedSize = 0
      if (!isMessage || !this.#receive(held, this.#readLine(held, 0))) yield held
    }
    let from = at
    let view: DataView | null = null
    while (at < chunk.length) {
      if (this.#isLost) break
      if (from === at && this.#passSize === 0) {
        from = this.#receiveDeliveries(chunk, (view ??= viewOf(chunk)), at)
        at = this.#leftEnd || from
        if (at === chunk.length) break
      }
      if (this.#passSize > 0) {
        const size = Math.min(this.#passSize, chunk.length - at)
        this.#passSize -= size
        at += size
        continue
      }
      const dataAt = this.#readLine(chunk, at)
      const isOurs = this.#size !== -1 && this.#receivers.has(this.#subscription)
      const end = dataAt + this.#size + LINE_END_SIZE
      if (dataAt === 0 || (isOurs && end > chunk.length)) {
        if (from < at) yield chunk.subarray(from, at)
        this.#hold(chunk, at, isOurs ? end - at : 0)
        return
      }
      if (!isOurs) {
        at = dataAt
        this.#passSize = this.#size === -1 ? 0 : this.#size + LINE_END_SIZE
        continue
      }
      // The client may end a subscription with what it is given here.
      if (from < at) yield chunk.subarray(from, at)
      from = this.#receive(chunk, dataAt) ? end : at
      at = end
    }
    if (from < chunk.length) yield from === 0 ? chunk : chunk.subarray(from)
  }

  /**
   * Receives deliveries in their usual form, one behind the other. Returns where something else
   * begins, or one that its receiver leaves to the client.
   */
  #receiveDeliveries(chunk: Uint8Array, view: DataView, start: number): number {
    const line = this.#line
    const frame = this.#frame
    const { length } = chunk
    this.#leftEnd = 0
    let subscription = 0
    let prefix: ReplyPrefix | undefined
    for (let at = start; ; ) {
      if (length - at < LINE_SIZE_MAX) return at
      const id = line.readSubscription(chunk, view, at)
      if (id !== subscription) {
        prefix = this.#prefixes.get(id)
        subscription = id
      }
      if (prefix === undefined || !line.readReply(chunk, view, prefix)) return at
      const end = frame.dataEnd + LINE_END_SIZE
      const receiver = this.#receivers.get(id)
      if (end > length || receiver === undefined) return at
      frame.bytes = chunk
      frame.view = view
      if (!receiver(frame)) {
        this.#leftEnd = end
        return at
      }
      at = end
    }
  }

  /** Keeps the rest of a chunk; `wantedSize`: of the message that begins there, 0: not known. */
  #hold(chunk: Uint8Array, at: number, wantedSize: number): void {
    const size = chunk.length - at
    // A new one each time: what was received may be kept as a view.
    this.#held = new Uint8Array(Math.max(wantedSize, size * 2, HELD_SIZE_MIN))
    this.#held.set(at === 0 ? chunk : chunk.subarray(at))
    this.#heldSize = size
    this.#wantedSize = wantedSize
  }

  /** Goes on with what is held; returns where the chunk goes on, or -1: it is used up. */
  #complete(chunk: Uint8Array): number {
    let at = 0
    if (this.#wantedSize === 0) {
      const end = chunk.indexOf(LINE_FEED) + 1
      at = end === 0 ? chunk.length : end
      this.#append(chunk.subarray(0, at))
      if (end === 0) return -1
      this.#readLine(this.#held.subarray(0, this.#heldSize), 0)
      const isOurs = this.#size !== -1 && this.#receivers.has(this.#subscription)
      const restSize = this.#size === -1 ? 0 : this.#size + LINE_END_SIZE
      if (!isOurs) {
        this.#passSize = restSize
        return at
      }
      this.#wantedSize = this.#heldSize + restSize
    }
    const end = Math.min(at + this.#wantedSize - this.#heldSize, chunk.length)
    this.#append(chunk.subarray(at, end))
    return this.#heldSize < this.#wantedSize ? -1 : end
  }

  #append(bytes: Uint8Array): void {
    const size = this.#heldSize + bytes.length
    if (size > this.#held.length) {
      const grown = new Uint8Array(Math.max(size, this.#wantedSize, this.#held.length * 2))
      grown.set(this.#held.subarray(0, this.#heldSize))
      this.#held = grown
    }
    this.#held.set(bytes, this.#heldSize)
    this.#heldSize = size
  }

  /** Reads the line at `start`; returns where the next byte stands, 0: the line is not whole. */
  #readLine(bytes: Uint8Array, start: number): number {
    this.#size = -1
    const first = bytes[start]! | LOWER_CASE
    if (first !== LETTER_M && first !== LETTER_H) return bytes.indexOf(LINE_FEED, start) + 1
    const starts = this.#starts
    const ends = this.#ends
    const { length } = bytes
    let count = 0
    let at = start
    let byte = 0
    while (byte !== LINE_FEED) {
      while (at < length && bytes[at]! <= SPACE && bytes[at] !== LINE_FEED) at += 1
      if (at === length) return 0
      if (bytes[at] === LINE_FEED) break
      const tokenStart = at
      for (byte = bytes[at]!; byte > SPACE; byte = bytes[++at]!) {
        // Typed arrays have nothing behind their end, and that is not above a space.
      }
      if (at >= length) return 0
      if (count < TOKENS_MAX) {
        starts[count] = tokenStart
        ends[count] = at
      }
      count += 1
    }
    this.#takeTokens(bytes, count, first === LETTER_H)
    return at + 1
  }

  /** What the tokens of a MSG or HMSG say. */
  #takeTokens(bytes: Uint8Array, count: number, hasHeaders: boolean): void {
    const countMin = hasHeaders ? 5 : 4
    this.#hasReply = count === countMin + 1
    this.#subscription = this.#number(bytes, 2)
    this.#size = this.#number(bytes, count - 1)
    this.#headerSize = hasHeaders ? this.#number(bytes, count - 2) : 0
    const isSound =
      (count === countMin || this.#hasReply) &&
      this.#subscription >= 0 &&
      this.#headerSize >= 0 &&
      this.#size >= this.#headerSize
    if (isSound) return
    this.#isLost = true
    this.#size = -1
  }

  /** The token as a number; -1: it is none. */
  #number(bytes: Uint8Array, token: number): number {
    const start = this.#starts[token]!
    const end = this.#ends[token]!
    if (end - start > DIGITS_MAX || token >= TOKENS_MAX) return -1
    let value = 0
    for (let at = start; at < end; at++) {
      const digit = bytes[at]! - DIGIT_0
      if (digit < 0 || digit > 9) return -1
      value = value * 10 + digit
    }
    return value
  }

  /** Hands over the message whose line was read last; false: it is for the client. */
  #receive(bytes: Uint8Array, dataAt: number): boolean {
    const receiver = this.#receivers.get(this.#subscription)
    if (receiver === undefined) return false
    const frame = this.#frame
    frame.bytes = bytes
    frame.view = viewOf(bytes)
    frame.subjectStart = this.#starts[1]!
    frame.subjectEnd = this.#ends[1]!
    frame.replyStart = this.#starts[3]!
    frame.replyEnd = this.#hasReply ? this.#ends[3]! : frame.replyStart
    frame.headerStart = dataAt
    frame.dataStart = dataAt + this.#headerSize
    frame.dataEnd = dataAt + this.#size
    frame.streamSequence = 0
    if (isAckSubjectAt(bytes, frame.replyStart, frame.replyEnd)) this.#readPosition(frame)
    return receiver(frame)
  }

  /** Reads what a delivery's reply says, and keeps what those of the next begin with. */
  #readPosition(frame: MutableFrame): void {
    const { bytes, replyStart, replyEnd } = frame
    const end = readAckSubject(bytes, replyStart, replyEnd, frame)
    if (end === 0) frame.streamSequence = 0
    const known = this.#prefixes.get(this.#subscription)
    if (end === 0 || known?.isAt(bytes, replyStart)) return
    const prefix = makeReplyPrefix(bytes, replyStart, end)
    if (this.#prefixes.size === PREFIXES_MAX) this.#prefixes.clear()
    if (prefix !== null) this.#prefixes.set(this.#subscription, prefix)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
