/**
 * The reply subject of a JetStream delivery says which message it is, without headers:
 *
 *   $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<ns>.<pending>   9 tokens
 *   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>. … .<pending>[.<random>]  11 or 12
 *
 * (nats.go, `parser.GetMetadataFields`; the long form comes with JetStream domains and accounts.)
 */

/** Position of one delivered message. */
export interface DeliveryPosition {
  readonly streamSequence: number
  /** 1, 2, 3 … per consumer: a jump means that the server sent something that did not arrive. */
  readonly consumerSequence: number
  /** JetStream's timestamp, ms since the Unix epoch, rounded down. */
  readonly timestampMs: number
  /** Messages that the consumer had still to deliver. */
  readonly pendingMessages: number
}

const PREFIX = '$JS.ACK.'
const SHORT_TOKENS = 9
const LONG_TOKENS_MIN = 11
/** Where the tokens from the delivery count on begin, in the short and in the long form. */
const SHORT_OFFSET = 4
const LONG_OFFSET = 6
const NANOSECOND_DIGITS_BELOW_MS = 6

/** As a delivery's bytes say it; see `readAckSubject`. */
export type MutablePosition = { -readonly [Key in keyof DeliveryPosition]: DeliveryPosition[Key] }

const ENCODER = new TextEncoder()
const PREFIX_BYTES = ENCODER.encode(PREFIX)
const DOT = 46
const DIGIT_0 = 48
/** More dots than the long form with a random end has are not told apart. */
const DOTS_MAX = 12
const dots = new Int32Array(DOTS_MAX)

/** Whether the bytes from `start` to `end` are the reply subject of a delivery. */
export function isAckSubjectAt(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < PREFIX_BYTES.length) return false
  for (let i = 0; i < PREFIX_BYTES.length; i++) {
    if (bytes[start + i] !== PREFIX_BYTES[i]) return false
  }
  return true
}

/**
 * Parses a reply subject from bytes into `position`. Returns where the stream's sequence begins:
 * what stands before is the same for all first deliveries of a consumer. 0: it has neither form.
 */
export function readAckSubject(
  bytes: Uint8Array,
  start: number,
  end: number,
  position: MutablePosition,
): number {
  let count = 0
  for (let at = start; at < end && count < DOTS_MAX; at++) {
    if (bytes[at] === DOT) dots[count++] = at
  }
  let before = SHORT_OFFSET
  if (count + 1 >= LONG_TOKENS_MIN) before = LONG_OFFSET
  else if (count + 1 !== SHORT_TOKENS) return 0
  const sequence = numberBetween(bytes, dots[before]!, dots[before + 1]!)
  const consumerSequence = numberBetween(bytes, dots[before + 1]!, dots[before + 2]!)
  // Nanoseconds since 1970 exceed 2^53: the last digits are not read.
  const stampEnd = dots[before + 3]! - NANOSECOND_DIGITS_BELOW_MS
  const timestampMs = numberBetween(bytes, dots[before + 2]!, stampEnd)
  position.streamSequence = sequence
  position.consumerSequence = consumerSequence
  position.timestampMs = timestampMs
  const pendingEnd = count > before + 4 ? dots[before + 4]! : end
  position.pendingMessages = Math.max(0, numberBetween(bytes, dots[before + 3]!, pendingEnd))
  return sequence > 0 && consumerSequence >= 0 && timestampMs >= 0 ? dots[before]! + 1 : 0
}

/** The number behind the dot at `dot`; -1 where there is none that is exact. */
function numberBetween(bytes: Uint8Array, dot: number, end: number): number {
  if (dot + 1 >= end) return -1
  let value = 0
  for (let at = dot + 1; at < end; at++) {
    const digit = bytes[at]! - DIGIT_0
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1
}

/**
 * Whether a message with this reply subject is a delivery; anything else is a status of the server.
 */
export function isAckSubject(reply: string | undefined): reply is string {
  return reply?.startsWith(PREFIX) === true
}

/** Parses the reply subject; null when it has neither form. */
export function parseAckSubject(reply: string): DeliveryPosition | null {
  const bytes = ENCODER.encode(reply)
  const position = { streamSequence: 0, consumerSequence: 0, timestampMs: 0, pendingMessages: 0 }
  return readAckSubject(bytes, 0, bytes.length, position) > 0 ? position : null
}
