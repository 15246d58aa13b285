/**
 * One ephemeral pull consumer, from its creation until the first sign that something was lost. It
 * asks for a bounded number of bytes and messages at a time (CONSUMER.MSG.NEXT), so a slow reader
 * never has more than it asked for. The client library's `consume` has no such bound and a promise
 * per message.
 */

import { AckPolicy, DeliverPolicy, type JetStreamManager, ReplayPolicy } from '@nats-io/jetstream'
import type { Msg, NatsConnection, Subscription } from 'nats'
import { isAckSubject, parseAckSubject } from '../model/ack-subject.ts'
import type { FrameReceiver, MessageFrame } from '../model/frame.ts'
import { SubjectTexts } from './subject-texts.ts'

/**
 * What a consumer reports to its owner; called from the socket's callback, so they must not throw.
 */
export interface PullEvents {
  /** The next message; its data are `bytes` from `start` to `end`, never written again. */
  readonly onMessage: (
    sequence: number,
    timestampMs: number,
    subject: string,
    bytes: Uint8Array,
    start: number,
    end: number,
  ) => void
  /** The last pull is used up or has expired: ask for more when there is room. */
  readonly onPullEnd: () => void
  /** Deliveries may have been lost: make a new consumer. Called once. */
  readonly onLost: (why: string) => void
}

/** What a consumer needs of the connection's link. */
export interface DivertingLink {
  divert(subscription: number, receiver: FrameReceiver): () => void
}

const NANOSECONDS_PER_MS = 1_000_000
/**
 * The server forgets a consumer that nobody pulls from; a held-back partition may be silent for a
 * while.
 */
const INACTIVE_THRESHOLD_MS = 600_000
const PULL_EXPIRES_MS = 30_000
const HEARTBEAT_MS = 1_000
/**
 * Heartbeats missed in a row before the consumer counts as lost (2.9.10 does not answer for one it
 * deleted).
 */
const SILENT_TICKS_MAX = 3

/** Status codes of a pull (nats-server, server/consumer.go). */
const STATUS_HEARTBEAT = 100
const STATUS_NO_MESSAGES = 404
const STATUS_EXPIRED = 408
const STATUS_CONFLICT = 409
const SIZE_EXCEEDED = /message size exceeds maxbytes/i
/** How many messages of its batch the server did not send. */
const PENDING_HEADER = 'Nats-Pending-Messages'

/** Creates the consumer on the server and returns its name. Errors are the client's own. */
export async function createPullConsumer(
  manager: JetStreamManager,
  stream: string,
  firstSequence: number,
): Promise<string> {
  const info = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: firstSequence,
    replay_policy: ReplayPolicy.Instant,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: INACTIVE_THRESHOLD_MS * NANOSECONDS_PER_MS,
  })
  return info.name
}

/** The client's side of one consumer. At most one pull is outstanding. */
export class PullConsumer {
  readonly name: string
  readonly #connection: NatsConnection
  readonly #subject: string
  readonly #inbox: string
  readonly #events: PullEvents
  readonly #subscription: Subscription
  readonly #stopDiverting: () => void
  readonly #subjects = new SubjectTexts()
  readonly #timer: NodeJS.Timeout
  #consumerSequence = 0
  #pullNumber = 0
  #isPulling = false
  #isDone = false
  #messagesLeft = 0
  /** Messages that the stream held behind the last one that arrived. */
  #pendingMessages = 0
  #bytesLeft = 0
  /** Messages of this pull that have arrived. */
  #arrivedMessages = 0
  /** The next message is larger than a whole pull: fetch it alone, without a limit on bytes. */
  #isNextOversize = false
  #silentTicks = 0

  constructor(
    connection: NatsConnection,
    link: DivertingLink,
    nextSubject: string,
    name: string,
    inbox: string,
    events: PullEvents,
  ) {
    this.name = name
    this.#connection = connection
    this.#subject = nextSubject
    this.#inbox = inbox
    this.#events = events
    this.#subscription = connection.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (this.#isDone) return
        if (error !== null) this.#lose(error.message)
        else this.#receive(message)
      },
    })
    const receiver: FrameReceiver = (frame) => this.#receiveFrame(frame)
    this.#stopDiverting = link.divert(this.#subscription.getID(), receiver)
    this.#timer = setInterval(() => this.#tick(), HEARTBEAT_MS).unref()
  }

  get isPulling(): boolean {
    return this.#isPulling
  }

  /**
   * Asks for up to `messagesMax` messages of together `sizeMax` bytes (one message may exceed it).
   */
  pull(messagesMax: number, sizeMax: number): void {
    if (this.#isPulling || this.#isDone) return
    this.#isPulling = true
    this.#arrivedMessages = 0
    this.#silentTicks = 0
    this.#messagesLeft = this.#isNextOversize ? 1 : messagesMax
    this.#bytesLeft = this.#isNextOversize ? Number.POSITIVE_INFINITY : sizeMax
    const request: Record<string, number> = { batch: this.#messagesLeft }
    // What the stream holds comes at once, and silence means that it was lost. The server looks at
    // its clock twice for each message of a pull that may expire: 7 % of what one costs it.
    if (this.#pendingMessages < this.#messagesLeft) {
      request.expires = PULL_EXPIRES_MS * NANOSECONDS_PER_MS
      request.idle_heartbeat = HEARTBEAT_MS * NANOSECONDS_PER_MS
    }
    if (!this.#isNextOversize) request.max_bytes = sizeMax
    this.#isNextOversize = false
    this.#connection.publish(this.#subject, JSON.stringify(request), {
      reply: `${this.#inbox}.${++this.#pullNumber}`,
    })
  }

  /** Stops listening; no event comes after it. The consumer on the server is not deleted. */
  stop(): void {
    this.#isDone = true
    this.#stopDiverting()
    clearInterval(this.#timer)
    if (!this.#connection.isClosed()) this.#subscription.unsubscribe()
  }

  /** Deliveries, from the bytes of the socket; statuses are left to the client. */
  #receiveFrame(frame: MessageFrame): boolean {
    const { streamSequence, subjectStart, subjectEnd, dataStart, dataEnd } = frame
    if (this.#isDone || streamSequence === 0) return false
    const subjectsSize = subjectEnd - subjectStart + frame.replyEnd - frame.replyStart
    const size = subjectsSize + dataEnd - frame.headerStart
    if (!this.#take(frame.consumerSequence, size)) return true
    this.#pendingMessages = frame.pendingMessages
    const { bytes, timestampMs } = frame
    const subject = this.#subjects.textOf(frame.view, subjectStart, subjectEnd)
    this.#events.onMessage(streamSequence, timestampMs, subject, bytes, dataStart, dataEnd)
    this.#endPullWhenUsed()
    return true
  }

  /** What the client hands over: statuses, and deliveries that were not diverted. */
  #receive(message: Msg): void {
    const reply = message.reply
    if (!isAckSubject(reply)) {
      this.#receiveStatus(message)
      return
    }
    const position = parseAckSubject(reply)
    if (position === null) {
      this.#lose(`a delivery without position: ${reply}`)
      return
    }
    if (!this.#take(position.consumerSequence, deliveredSize(message, reply))) return
    this.#pendingMessages = position.pendingMessages
    const { subject, data } = message
    const { streamSequence, timestampMs } = position
    this.#events.onMessage(streamSequence, timestampMs, subject, data, 0, data.length)
    this.#endPullWhenUsed()
  }

  /** Counts a delivery; false: one before it is missing, and the consumer is lost. */
  #take(consumerSequence: number, size: number): boolean {
    this.#silentTicks = 0
    if (consumerSequence !== this.#consumerSequence + 1) {
      this.#lose(`delivery ${consumerSequence} after ${this.#consumerSequence}`)
      return false
    }
    this.#consumerSequence = consumerSequence
    this.#arrivedMessages++
    this.#messagesLeft--
    this.#bytesLeft -= size
    return true
  }

  /** The server ends a pull without a word when its last message or its last byte was used. */
  #endPullWhenUsed(): void {
    if (this.#messagesLeft <= 0 || this.#bytesLeft <= 0) this.#endPull()
  }

  #receiveStatus(message: Msg): void {
    this.#silentTicks = 0
    const code = message.headers?.code ?? 0
    if (code === STATUS_HEARTBEAT) return
    // What an earlier pull still says is of no interest.
    if (message.subject !== `${this.#inbox}.${this.#pullNumber}`) return
    const description = message.headers?.description ?? ''
    const isSizeExceeded = code === STATUS_CONFLICT && SIZE_EXCEEDED.test(description)
    if (!isSizeExceeded && code !== STATUS_EXPIRED && code !== STATUS_NO_MESSAGES) {
      this.#lose(`${code} ${description}`)
      return
    }
    // The status overtakes messages (seen on 2.9.10): the pull ends when the last of them is here,
    // or they would be taken for messages of the next pull and the bound on the buffer would leak.
    const pendingMessages = Number(message.headers?.get(PENDING_HEADER) || this.#messagesLeft)
    this.#messagesLeft -= pendingMessages
    this.#isNextOversize = isSizeExceeded && this.#arrivedMessages + this.#messagesLeft === 0
    if (!(this.#messagesLeft > 0)) this.#endPull()
  }

  #endPull(): void {
    if (!this.#isPulling) return
    this.#isPulling = false
    this.#events.onPullEnd()
  }

  /**
   * Counts ticks, not time: after a long turn of the event loop the timer fires before the socket
   * is read.
   */
  #tick(): void {
    if (!this.#isPulling) return
    if (++this.#silentTicks > SILENT_TICKS_MAX) this.#lose('no heartbeat')
  }

  #lose(why: string): void {
    if (this.#isDone) return
    this.stop()
    this.#events.onLost(why)
  }
}

/** Bytes that the server counts against `max_bytes`: subject, reply, headers and payload. */
function deliveredSize(message: Msg, reply: string): number {
  // The client's message knows; its public type does not say so.
  if ('size' in message && typeof message.size === 'function') return Number(message.size())
  return message.subject.length + reply.length + message.data.length
}
