/**
 * A message of NATS as it lies in the bytes that came from the socket: positions instead of
 * objects, so that a message costs no text and no view before somebody takes it.
 */

/** One message; the object is the reader's and is overwritten by the next one. */
export interface MessageFrame {
  /** Never written again by anybody: a view of them may be kept. */
  readonly bytes: Uint8Array
  /** The same bytes, to read words of them. */
  readonly view: DataView
  readonly subjectStart: number
  readonly subjectEnd: number
  /** Equal where there is no reply subject. */
  readonly replyStart: number
  readonly replyEnd: number
  /** Headers stand from here to `dataStart`; equal where there are none. */
  readonly headerStart: number
  readonly dataStart: number
  readonly dataEnd: number
  /** Of a JetStream delivery, as its reply says them; a stream sequence of 0: it is none. */
  readonly streamSequence: number
  readonly consumerSequence: number
  readonly timestampMs: number
  /** Messages that the consumer has still to deliver. */
  readonly pendingMessages: number
}

/** As its reader writes it. */
export type MutableFrame = { -readonly [Key in keyof MessageFrame]: MessageFrame[Key] }

/**
 * Takes a message of one subscription; false: it is for the client after all. Called from the
 * socket's callback, so it must not throw.
 */
export type FrameReceiver = (frame: MessageFrame) => boolean
