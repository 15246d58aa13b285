/**
 * One channel of a gateway, shared by its lanes (one per partition): one rate, one number of places
 * at the target, one book of receipts. Events that come back go to the lane that they concern.
 */

import type { WaitingClock } from '../model/ports.ts'
import type { SaidDelivery } from '../model/said.ts'
import type { ChannelEvent, ChannelPort, SendJob, SendResult } from '../model/sending.ts'
import { ReceiptBook } from './receipt-book.ts'
import type { GateEvent } from './records.ts'
import { TokenBucket } from './token-bucket.ts'

/** How a channel is shared out. */
export interface ChannelShareSettings {
  readonly name: string
  /** Null: no rate of our own. */
  readonly perSecond: number | null
  readonly receiptsMax: number
}

/** Where events of one partition are stored. */
export interface EventOwner {
  readonly partition: number
  /** Resolves when the event is stored for good; rejects when it cannot be. */
  store(event: GateEvent): Promise<void>
  /** There may be room again. */
  wake(): void
}

/** A receipt may come before the answer that names it: it is held for that long. */
const RECEIPT_HOLD_MS = 5_000
const HELD_MAX = 10_000
/**
 * The same words from the same number within this time are one reply that was handed over twice:
 * SMPP has no name for what a customer writes.
 */
const REPLY_REPEAT_MS = 10_000
const REPLIES_KEPT_MAX = 10_000

/** Made once per channel; lanes join before it starts. */
export class ChannelShare {
  readonly name: string
  readonly port: ChannelPort
  readonly #clock: WaitingClock
  readonly #bucket: TokenBucket | null
  readonly #book: ReceiptBook
  readonly #owners = new Map<number, EventOwner>()
  readonly #partitionCount: number
  readonly #held = new Map<string, (() => void)[]>()
  /** When each reply was stored, by number and text. */
  readonly #replies = new Map<string, number>()
  #reserved = 0
  /** Events that nothing here knows. */
  strayCount = 0

  constructor(
    settings: ChannelShareSettings,
    port: ChannelPort,
    clock: WaitingClock,
    partitionCount: number,
  ) {
    this.name = settings.name
    this.port = port
    this.#clock = clock
    this.#partitionCount = partitionCount
    const { perSecond } = settings
    this.#bucket = perSecond === null ? null : new TokenBucket(perSecond, clock.steadyMs())
    this.#book = new ReceiptBook(settings.receiptsMax)
  }

  join(owner: EventOwner): void {
    this.#owners.set(owner.partition, owner)
  }

  start(): void {
    this.port.start(
      (event) => this.#take(event),
      () => this.#wake(),
    )
  }

  /** Reserves a place and the rate for one delivery; `submit` or `giveBack` must follow. */
  reserve(delivery: SaidDelivery): boolean {
    if (this.port.room() <= this.#reserved) return false
    const isPaced = this.#bucket !== null
    if (isPaced && !this.#bucket.take(this.port.costOf(delivery), this.#clock.steadyMs())) {
      return false
    }
    this.#reserved += 1
    return true
  }

  giveBack(): void {
    this.#reserved -= 1
  }

  /** Milliseconds until the rate lets another delivery through. */
  waitMs(): number {
    return this.#bucket?.waitMs(this.#clock.steadyMs()) ?? 0
  }

  /** Sends what was reserved for. */
  async submit(job: SendJob): Promise<SendResult> {
    this.#reserved -= 1
    const result = await this.port.submit(job)
    this.#wake()
    return result
  }

  /** Receipts of these names are about this delivery. */
  expect(receipts: readonly string[], id: string, partition: number): void {
    this.#book.add(receipts, id, partition)
    for (const receipt of receipts) {
      const waiting = this.#held.get(receipt)
      if (waiting === undefined) continue
      this.#held.delete(receipt)
      for (const resume of waiting) resume()
    }
  }

  /** What came back in a former life. */
  replay(event: GateEvent): void {
    if (event.kind !== 'replied') this.#book.replay(event.kind, event.text)
    else this.#replies.set(`${event.subscriber} ${event.text}`, event.timeMs)
  }

  async #take(event: ChannelEvent): Promise<boolean> {
    return event.kind === 'reply' ? this.#takeReply(event) : this.#takeReceipt(event)
  }

  async #takeReceipt({
    receipt,
    state,
    timeMs,
  }: ChannelEvent & { kind: 'receipt' }): Promise<boolean> {
    if (!this.#book.has(receipt)) await this.#hold(receipt)
    const meaning = this.#book.take(receipt, state)
    const owner = meaning === null ? undefined : this.#owners.get(meaning.owner)
    if (meaning === null || owner === undefined) {
      this.strayCount += 1
      return false
    }
    const { id, kind } = meaning
    if (kind === 'repeat') return true
    await owner.store({ kind, subscriber: subscriberOf(id), id, timeMs, text: receipt })
    return true
  }

  async #takeReply({
    subscriber,
    text,
    timeMs,
  }: ChannelEvent & { kind: 'reply' }): Promise<boolean> {
    const key = `${subscriber} ${text}`
    const storedAtMs = this.#replies.get(key)
    if (storedAtMs !== undefined && Math.abs(timeMs - storedAtMs) < REPLY_REPEAT_MS) return true
    const partition = subscriber % this.#partitionCount
    // What concerns a partition of another process is told to it all the same.
    const owner = this.#owners.get(partition) ?? [...this.#owners.values()][0]
    if (owner === undefined) {
      this.strayCount += 1
      return false
    }
    await owner.store({ kind: 'replied', subscriber, id: null, timeMs, text })
    this.#replies.delete(key)
    this.#replies.set(key, timeMs)
    for (const old of this.#replies.keys()) {
      if (this.#replies.size <= REPLIES_KEPT_MAX) break
      this.#replies.delete(old)
    }
    return true
  }

  async #hold(receipt: string): Promise<void> {
    if (this.#held.size >= HELD_MAX) return
    const known = new Promise<void>((resolve) => {
      this.#held.set(receipt, [...(this.#held.get(receipt) ?? []), resolve])
    })
    await Promise.race([known, this.#clock.pause(RECEIPT_HOLD_MS)])
    this.#held.delete(receipt)
  }

  #wake(): void {
    for (const owner of this.#owners.values()) owner.wake()
  }
}

/** The subscriber in a delivery's id, `<trigger>:<subscriber>:…`. */
export function subscriberOf(deliveryId: string): number {
  return Number(deliveryId.split(':')[1])
}
