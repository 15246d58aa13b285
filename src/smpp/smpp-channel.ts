/**
 * Deliveries as short messages. SMPP 3.4 knows no idempotency: a part that was submitted and not
 * answered is never submitted again, since nobody can know whether it arrived. What was surely
 * refused (the SMSC is busy) or never left may be submitted again, and only that.
 */

import type { WaitingClock } from '../model/ports.ts'
import type { SaidDelivery } from '../model/said.ts'
import { smsLength } from '../model/sms.ts'
import type {
  ChannelPort,
  ChannelPortView,
  EventSink,
  SendJob,
  SendResult,
} from '../model/sending.ts'
import { encodeText, encodeWhole, type MessagePart, type ShortMessage } from './short-message.ts'
import { readDelivered, replyText, subscriberFrom } from './incoming.ts'
import { isReceipt, normaliseId, type ReceiptIds, readReceipt } from './receipts.ts'
import { SmppLink, type SmppLinkSettings, statusWord, TEMPORARY_ERROR } from './smpp-link.ts'

/** How an SMSC is used. */
export interface SmppSettings {
  readonly link: SmppLinkSettings
  /** Requests that wait for an answer at most. */
  readonly windowMax: number
  /** Our own address, and those that customers may reply to besides. */
  readonly from: string
  readonly replyAddresses: readonly string[]
  readonly fromTon: number
  readonly fromNpi: number
  readonly toTon: number
  readonly toNpi: number
  /** Written before a subscriber's number. */
  readonly prefix: string
  /** How a text that needs more than one message is sent. */
  readonly longMessages: 'parts' | 'payload'
  readonly receiptIds: ReceiptIds
  /** How long to pause when the SMSC asks for less; doubles up to the most. */
  readonly throttleMinMs: number
  readonly throttleMaxMs: number
}

const OK = 0
const SYSTEM_ERROR = 0x08
const QUEUE_FULL = 0x14
const THROTTLED = 0x58
/** The SMSC did not take the message, and may take it later. */
const BUSY: ReadonlySet<number> = new Set([QUEUE_FULL, THROTTLED, TEMPORARY_ERROR, SYSTEM_ERROR])
/** A message that meets a system error each time is at fault itself. */
const SYSTEM_ERRORS_MAX = 5
const REGISTERED_DELIVERY = 1
const UDH_INDICATOR = 0x40
const WAIT_MS = 250
const DAY_S = 86_400

/** What is known of a job from its parts so far. */
interface Progress {
  readonly receipts: string[]
  isUnanswered: boolean
  systemErrors: number
}

/** One SMSC. */
export class SmppChannel implements ChannelPort {
  readonly isIdempotent = false
  readonly #settings: SmppSettings
  readonly #clock: WaitingClock
  readonly #link: SmppLink
  #sink: EventSink = async () => false
  #onChange: () => void = () => undefined
  #active = 0
  #reference = 0
  #isClosed = false
  #pausedUntilMs = 0
  #throttleMs = 0
  /** Jobs that wait for a change. */
  readonly #wakeUps = new Set<() => void>()
  #retries = 0
  #throttles = 0
  #strays = 0

  constructor(
    settings: SmppSettings,
    clock: WaitingClock,
    onTrouble: (what: string) => void = () => undefined,
  ) {
    this.#settings = settings
    this.#clock = clock
    this.#link = new SmppLink(settings.link, clock, {
      onChange: () => this.#wake(),
      onDeliver: (pdu) => this.#take(pdu),
      onTrouble,
    })
  }

  start(sink: EventSink, onChange: () => void): void {
    this.#sink = sink
    this.#onChange = onChange
    this.#link.start()
  }

  room(): number {
    if (!this.#canSubmit()) return 0
    return Math.max(0, this.#settings.windowMax - this.#active)
  }

  costOf({ message }: SaidDelivery): number {
    if (message === null || this.#settings.longMessages === 'payload') return 1
    return smsLength(message).segments
  }

  async submit({ delivery }: SendJob): Promise<SendResult> {
    const { message, notAfterMs } = delivery
    if (message === null) return { kind: 'failed', reason: 'no-message' }
    this.#active += 1
    this.#reference = (this.#reference + 1) & 255
    const { dataCoding, parts } = this.#encode(message)
    const progress: Progress = { receipts: [], isUnanswered: false, systemErrors: 0 }
    try {
      for (const part of parts) {
        const end = await this.#submitPart(delivery, dataCoding, part, progress)
        if (end !== null) return this.#endOf(end, progress, notAfterMs)
      }
    } finally {
      this.#active -= 1
      this.#onChange()
    }
    return progress.isUnanswered
      ? { kind: 'unknown' }
      : { kind: 'sent', receipts: progress.receipts }
  }

  view(): ChannelPortView {
    return {
      isUp: this.#canSubmit(),
      connects: this.#link.bindCount,
      retries: this.#retries,
      throttles: this.#throttles,
      strays: this.#strays,
    }
  }

  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true
    this.#wake()
    const endMs = this.#clock.steadyMs() + timeoutMs
    while (this.#active > 0 && this.#clock.steadyMs() < endMs) await this.#clock.pause(20)
    await this.#link.close()
  }

  #canSubmit(): boolean {
    return this.#link.isBound && !this.#isClosed && this.#clock.steadyMs() >= this.#pausedUntilMs
  }

  #encode(text: string): ShortMessage {
    const isWhole = this.#settings.longMessages === 'payload'
    return isWhole ? encodeWhole(text) : encodeText(text, this.#reference)
  }

  /** Until the part was answered or lost; a word: the job ends here. */
  async #submitPart(
    delivery: SaidDelivery,
    dataCoding: number,
    part: MessagePart,
    progress: Progress,
  ): Promise<string | null> {
    for (;;) {
      while (!this.#canSubmit()) {
        if (this.#isClosed) return 'closed'
        if (this.#clock.nowMs() >= delivery.notAfterMs) return 'late'
        await this.#untilChange()
      }
      const leftMs = delivery.notAfterMs - this.#clock.nowMs()
      if (leftMs <= 0) return 'late'
      const outcome = await this.#link.submit(this.#request(delivery, dataCoding, part, leftMs))
      if (outcome.kind === 'unanswered') {
        progress.isUnanswered = true
        return null
      }
      if (outcome.kind === 'unsent') {
        // The connection is gone and nobody has said so yet: not before others had their turn.
        await this.#untilChange()
        continue
      }
      const { status, pdu } = outcome
      if (status === OK) {
        this.#throttleMs = 0
        const id = String(pdu.message_id ?? '')
        if (id !== '') progress.receipts.push(normaliseId(id, 'answer', this.#settings.receiptIds))
        return null
      }
      if (!BUSY.has(status)) return `smpp-${statusWord(status)}`
      if (status === SYSTEM_ERROR && ++progress.systemErrors >= SYSTEM_ERRORS_MAX) {
        return `smpp-${statusWord(status)}`
      }
      this.#retries += 1
      this.#slowDown()
    }
  }

  /** A job that ends before its last part was submitted. */
  #endOf(end: string, { receipts, isUnanswered }: Progress, notAfterMs: number): SendResult {
    // A part of it is out, or may be: it is not to be sent again, and it is not whole.
    if (isUnanswered) return { kind: 'unknown' }
    if (receipts.length > 0) return { kind: 'failed', reason: 'in-part' }
    if (end === 'late' || (end === 'closed' && this.#clock.nowMs() >= notAfterMs)) {
      return { kind: 'expired' }
    }
    return end === 'closed' ? { kind: 'withdrawn' } : { kind: 'failed', reason: end }
  }

  #request(
    { subscriber }: SaidDelivery,
    dataCoding: number,
    { udh, body }: MessagePart,
    leftMs: number,
  ): Record<string, unknown> {
    const { from, fromTon, fromNpi, toTon, toNpi, prefix, longMessages } = this.#settings
    const isPayload = longMessages === 'payload' && body.byteLength > 254
    return {
      source_addr_ton: fromTon,
      source_addr_npi: fromNpi,
      source_addr: from,
      dest_addr_ton: toTon,
      dest_addr_npi: toNpi,
      destination_addr: `${prefix}${subscriber}`,
      esm_class: udh === null ? 0 : UDH_INDICATOR,
      validity_period: validityOf(leftMs),
      registered_delivery: REGISTERED_DELIVERY,
      data_coding: dataCoding,
      ...(isPayload
        ? { short_message: Buffer.alloc(0), message_payload: body }
        : { short_message: udh === null ? body : Buffer.concat([udh, body]) }),
    }
  }

  /** The SMSC is busy: nobody submits anything for a while, longer each time. */
  #slowDown(): void {
    const { throttleMinMs, throttleMaxMs } = this.#settings
    const nowMs = this.#clock.steadyMs()
    // Those that were in flight together are told together, and count once.
    if (nowMs < this.#pausedUntilMs) return
    this.#throttles += 1
    this.#throttleMs = Math.min(throttleMaxMs, Math.max(throttleMinMs, this.#throttleMs * 2))
    this.#pausedUntilMs = nowMs + this.#throttleMs
  }

  /** A message from the SMSC: a receipt, or a customer. Returns the status of the answer. */
  async #take(pdu: Parameters<typeof readDelivered>[0]): Promise<number> {
    const delivered = readDelivered(pdu)
    const timeMs = this.#clock.nowMs()
    if (isReceipt(delivered)) {
      const receipt = readReceipt(delivered)
      if (receipt === null) this.#strays += 1
      if (receipt === null || receipt.state === null) return OK
      const id = normaliseId(receipt.id, 'receipt', this.#settings.receiptIds)
      await this.#sink({ kind: 'receipt', receipt: id, state: receipt.state, timeMs })
      return OK
    }
    const { from, replyAddresses, prefix } = this.#settings
    const isOurs = [from, ...replyAddresses].some((address) => {
      return address.replace(/^\+/, '') === delivered.to.replace(/^\+/, '')
    })
    const subscriber = subscriberFrom(delivered.from, prefix)
    if (!isOurs || subscriber === null) {
      this.#strays += 1
      return OK
    }
    // A keyword stands in the first part; the others of a long text say nothing more.
    if (delivered.part !== null && delivered.part.number > 1) return OK
    await this.#sink({ kind: 'reply', subscriber, text: replyText(delivered.text), timeMs })
    return OK
  }

  async #untilChange(): Promise<void> {
    let wakeUp: () => void = () => undefined
    const changed = new Promise<void>((resolve) => {
      wakeUp = resolve
    })
    this.#wakeUps.add(wakeUp)
    await Promise.race([changed, this.#clock.pause(WAIT_MS)])
    this.#wakeUps.delete(wakeUp)
  }

  #wake(): void {
    for (const wakeUp of this.#wakeUps) wakeUp()
    this.#onChange()
  }
}

/** How long a message stays valid, as SMPP writes a length of time (7.1.1): YYMMDDhhmmss000R. */
export function validityOf(leftMs: number): string {
  const seconds = Math.min(Math.max(1, Math.floor(leftMs / 1000)), 99 * DAY_S)
  // Days beyond a month's are written as months of 30 days, which SMSCs take them for.
  const days = Math.floor(seconds / DAY_S)
  const fields = [
    0,
    Math.floor(days / 30),
    days % 30,
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ]
  return `${fields.map((field) => String(field).padStart(2, '0')).join('')}000R`
}
