/**
 * A gateway as it behaves on a bad day: some deliveries come too late, some answers come twice or
 * make no sense.
 */

import type { FeedbackKind } from '../../../src/model/messages.ts'
import type { NaiveDecision, Receipt } from '../naive/input.ts'
import type { Arrival } from './people.ts'
import type { Random } from './random.ts'

const HOUR_MS = 3_600_000

/** Turns deliveries into the feedback they get, each row in its own time. */
export class Gateway {
  readonly #random: Random
  #waiting: Arrival<Receipt>[] = []

  constructor(random: Random) {
    this.#random = random
  }

  /** Plans the answers to fresh decisions. */
  take(decisions: readonly NaiveDecision[]): void {
    for (const decision of decisions) if (decision.kind === 'delivery') this.#answer(decision)
  }

  /** Rows whose time has come, in order; each is handed out once. */
  due(nowMs: number): Receipt[] {
    const due = this.#waiting.filter((answer) => answer.arrivalMs <= nowMs)
    this.#waiting = this.#waiting.filter((answer) => answer.arrivalMs > nowMs)
    due.sort((left, right) => left.arrivalMs - right.arrivalMs)
    return due.map((answer) => ({ ...answer.value, timeMs: answer.arrivalMs }))
  }

  #answer(delivery: Extract<NaiveDecision, { kind: 'delivery' }>): void {
    const random = this.#random
    const [trigger, subscriber, period, , ...incarnation] = delivery.id.split(':')
    const next = [trigger, subscriber, period, delivery.attempt + 1, ...incarnation].join(':')
    const plan = (kind: FeedbackKind, arrivalMs: number, deliveryId = delivery.id) => {
      const value = { subscriber: delivery.subscriber, kind, deliveryId, timeMs: 0 }
      this.#waiting.push({ arrivalMs, value })
    }
    if (random.chance(0.05)) plan('expired', delivery.notBeforeMs, next)
    if (random.chance(delivery.attempt === 1 ? 0.25 : 0.55)) {
      // Mostly right after its last moment; sometimes before noon or in the night or days later.
      const lateMs = random.pick([0, 60_000, 60_000, 14 * HOUR_MS, 15 * HOUR_MS, 40 * HOUR_MS])
      plan('expired', delivery.notAfterMs + lateMs)
      if (random.chance(0.4))
        plan('expired', delivery.notAfterMs + lateMs + random.pick([0, HOUR_MS]))
    } else if (random.chance(0.9)) {
      plan(random.pick(['sent', 'delivered', 'failed']), delivery.notBeforeMs + 60_000)
    }
  }
}
