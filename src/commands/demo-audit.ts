/**
 * An independent reader of the demo's output stream: it follows the numbers of the decisions, not
 * what the worker says of itself, and judges every delivery by the wall clock of its subscriber.
 */

import { decode } from '@msgpack/msgpack'
import type { OutputStream } from '../model/ports.ts'

/** The scenario's contact window, hours of the subscriber's day: from inclusive, to exclusive. */
const CONTACT_FROM_HOUR = 9
const CONTACT_TO_HOUR = 21
const MESSAGES_AT_ONCE = 50

/** What the stream holds, as far as it was read. */
export interface DemoFindings {
  readonly decisions: number
  readonly lastNumber: number
  readonly deliveries: number
  /** 24 numbers: deliveries by the hour of the subscriber's day at which they may leave. */
  readonly deliveriesByHour: readonly number[]
  /** Deliveries beyond the first per (trigger, subscriber, calendar month of sending). */
  readonly duplicates: number
  /** Decision numbers that never came, and those that came again. */
  readonly missing: number
  readonly repeated: number
  /** Deliveries that may leave, or may still be sent, outside the contact window. */
  readonly atNight: number
  readonly suppressed: Readonly<Record<string, number>>
}

/** Reads OUT from its beginning. */
export class DemoAudit {
  readonly #output: OutputStream
  readonly #zoneOf: (subscriber: number) => string
  readonly #clocks = new Map<string, Intl.DateTimeFormat>()
  readonly #sent = new Set<string>()
  readonly #byHour = Array<number>(24).fill(0)
  readonly #suppressed: Record<string, number> = {}
  #nextSequence = 1
  #lastNumber = 0
  #deliveries = 0
  #duplicates = 0
  #missing = 0
  #repeated = 0
  #atNight = 0
  #decisions = 0

  constructor(output: OutputStream, zoneOf: (subscriber: number) => string) {
    this.#output = output
    this.#zoneOf = zoneOf
  }

  /** Reads what has come since the last call; at most `messagesMax` messages. */
  async read(messagesMax = MESSAGES_AT_ONCE): Promise<void> {
    const { lastSequence } = await this.#output.state()
    const last = Math.min(lastSequence, this.#nextSequence + messagesMax - 1)
    for await (const { sequence, data } of this.#output.read(this.#nextSequence, last)) {
      const envelope = decode(data) as { kind: string; decisions?: WireDecision[] }
      for (const decision of envelope.decisions ?? []) this.#judge(decision)
      this.#nextSequence = sequence + 1
    }
  }

  /** Reads to the stream's present end. */
  async readAll(): Promise<void> {
    const { lastSequence } = await this.#output.state()
    while (this.#nextSequence <= lastSequence) await this.read()
  }

  findings(): DemoFindings {
    return {
      decisions: this.#decisions,
      lastNumber: this.#lastNumber,
      deliveries: this.#deliveries,
      deliveriesByHour: [...this.#byHour],
      duplicates: this.#duplicates,
      missing: this.#missing,
      repeated: this.#repeated,
      atNight: this.#atNight,
      suppressed: { ...this.#suppressed },
    }
  }

  #judge(decision: WireDecision): void {
    this.#decisions += 1
    if (decision.n <= this.#lastNumber) this.#repeated += 1
    else this.#missing += decision.n - this.#lastNumber - 1
    this.#lastNumber = Math.max(this.#lastNumber, decision.n)
    if (decision.kind === 'delivery') this.#judgeDelivery(decision)
    else if (decision.kind === 'suppressed') {
      this.#suppressed[decision.reason] = (this.#suppressed[decision.reason] ?? 0) + 1
    }
  }

  #judgeDelivery(delivery: WireDelivery): void {
    this.#deliveries += 1
    const zone = this.#zoneOf(delivery.sub)
    const from = this.#wallClock(delivery.not_before, zone)
    const last = this.#wallClock(delivery.not_after - 1, zone)
    this.#byHour[from.hour]! += 1
    const isOpen = from.hour >= CONTACT_FROM_HOUR && last.hour < CONTACT_TO_HOUR
    if (!isOpen || from.date !== last.date) this.#atNight += 1
    const key = `${delivery.trigger} ${delivery.sub} ${from.date.slice(0, 7)}`
    if (this.#sent.has(key)) this.#duplicates += 1
    this.#sent.add(key)
  }

  /** By Intl, which shares nothing with the engine's cached offsets. */
  #wallClock(instantMs: number, zone: string): { date: string; hour: number } {
    let clock = this.#clocks.get(zone)
    if (clock === undefined) {
      clock = new Intl.DateTimeFormat('sv-SE', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'short',
      })
      this.#clocks.set(zone, clock)
    }
    const [date = '', time = ''] = clock.format(instantMs).split(' ')
    return { date, hour: Number(time.slice(0, 2)) }
  }
}

interface WireDelivery {
  readonly kind: 'delivery'
  readonly n: number
  readonly trigger: string
  readonly sub: number
  readonly not_before: number
  readonly not_after: number
}

type WireDecision =
  | WireDelivery
  | { readonly kind: 'holdout'; readonly n: number }
  | { readonly kind: 'suppressed'; readonly n: number; readonly reason: string }
