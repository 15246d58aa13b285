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
}

const PREFIX = '$JS.ACK.'
const SHORT_TOKENS = 9
const LONG_TOKENS_MIN = 11
/** Where the tokens from the delivery count on begin, in the short and in the long form. */
const SHORT_OFFSET = 4
const LONG_OFFSET = 6
const NANOSECOND_DIGITS_BELOW_MS = 6

/**
 * Whether a message with this reply subject is a delivery; anything else is a status of the server.
 */
export function isAckSubject(reply: string | undefined): reply is string {
  return reply?.startsWith(PREFIX) === true
}

/** Parses the reply subject; null when it has neither form. */
export function parseAckSubject(reply: string): DeliveryPosition | null {
  const tokens = reply.split('.')
  let offset = SHORT_OFFSET
  if (tokens.length >= LONG_TOKENS_MIN) offset = LONG_OFFSET
  else if (tokens.length !== SHORT_TOKENS) return null
  const streamSequence = Number(tokens[offset + 1])
  const consumerSequence = Number(tokens[offset + 2])
  // Nanoseconds since 1970 exceed 2^53: cut before converting.
  const timestampMs = Number(tokens[offset + 3]!.slice(0, -NANOSECOND_DIGITS_BELOW_MS))
  const isSound =
    Number.isSafeInteger(streamSequence) &&
    Number.isSafeInteger(consumerSequence) &&
    Number.isSafeInteger(timestampMs) &&
    streamSequence > 0
  return isSound ? { streamSequence, consumerSequence, timestampMs } : null
}
