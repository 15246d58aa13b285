/**
 * What becomes of a scenario's deliveries: a gateway that hands them over, and customers who reply,
 * click, order, complain. They read decisions of OUT and answer with feedback, each at its time.
 * Everything follows from plan and seed.
 */

import type { FeedbackRow } from '../../model/messages.ts'
import type { SaidDecision, SaidDelivery, SaidHoldout } from '../../model/said.ts'
import { seededShare } from '../../probe/random.ts'
import type { Choice, PeoplePlan, ReactionPlan } from './people-plan.ts'

const SECOND_MS = 1_000
/** From handing over to the receipt of the phone, at most. */
const RECEIPT_MAX_MS = 60 * SECOND_MS
/** Reactions of triggers that people.yaml does not name. */
const FALLBACK = 'default'
/** Messages to the operator's own people arrive, and nobody answers. */
const ASIDE: ReadonlySet<string> = new Set(['test', 'notice'])

/** Gateway and customers of one run. */
export class Customers {
  readonly #plan: PeoplePlan
  readonly #seed: number
  /** Reports by the tick of the clock in which they fall due. */
  readonly #due = new Map<number, FeedbackRow[]>()

  constructor(plan: PeoplePlan, seed: number) {
    this.#plan = plan
    this.#seed = seed
  }

  /** Takes note of a decision; `clockMs` is when it was read: nothing happens before. */
  meet(decision: SaidDecision, clockMs: number): void {
    if (decision.kind === 'delivery') this.#receive(decision, clockMs)
    else if (decision.kind === 'holdout') this.#goOn(decision, clockMs)
  }

  /** Reports that fall due in the tick that ends at `untilMs`, in the order of time. */
  take(untilMs: number): FeedbackRow[] {
    const bucket = this.#bucket(untilMs)
    const rows: FeedbackRow[] = []
    for (const [key, due] of this.#due) {
      if (key > bucket) continue
      // One by one: a noon of a large population is more than a call takes as arguments.
      const later: FeedbackRow[] = []
      for (const row of due) (row.timeMs <= untilMs ? rows : later).push(row)
      if (later.length === 0) this.#due.delete(key)
      else this.#due.set(key, later)
    }
    return rows.sort((a, b) => a.timeMs - b.timeMs || a.subscriber - b.subscriber)
  }

  /** Replies of people to whom nothing was sent: they heard of the offer from a friend. */
  strangers(subscriberAt: (share: number) => number, fromMs: number, untilMs: number): void {
    for (const [text, count] of Object.entries(this.#plan.strangers)) {
      for (let i = 0; i < count; i++) {
        const draw = (what: string): number => seededShare(this.#seed, `${what} ${text}`, i)
        const timeMs = Math.floor(fromMs + draw('stranger when') * (untilMs - fromMs))
        const subscriber = subscriberAt(draw('stranger who'))
        this.#report({ subscriber, kind: 'replied', timeMs, text })
      }
    }
  }

  #receive(delivery: SaidDelivery, clockMs: number): void {
    const { subscriber, id: deliveryId, trigger } = delivery
    const plan = this.#reactionTo(trigger)
    if (plan === null) return
    const draw = (question: string): number => this.#draw(question, delivery)
    const fromMs = Math.max(delivery.notBeforeMs, clockMs)
    const sentMs = Math.floor(fromMs + (1 + draw('sent') * 30) * SECOND_MS)
    // Who took an offer was there, and has it: no message goes out.
    if (delivery.purpose === 'offer') {
      for (const kind of ['sent', 'delivered', 'ordered'] as const) {
        this.#report({ subscriber, deliveryId, kind, timeMs: sentMs })
      }
      return
    }
    if (draw('failed') < plan.failed) {
      this.#report({ subscriber, deliveryId, kind: 'failed', timeMs: sentMs })
      return
    }
    this.#report({ subscriber, deliveryId, kind: 'sent', timeMs: sentMs })
    if (draw('received') >= plan.received) return
    const receivedMs = Math.floor(sentMs + SECOND_MS + draw('receipt') * RECEIPT_MAX_MS)
    this.#report({ subscriber, deliveryId, kind: 'delivered', timeMs: receivedMs })
    if (ASIDE.has(delivery.purpose ?? '') || delivery.isCanary || delivery.action !== null) return
    this.#react(delivery, plan, receivedMs)
  }

  #react(delivery: SaidDelivery, plan: ReactionPlan, receivedMs: number): void {
    const { subscriber, id: deliveryId, trigger, channel } = delivery
    const draw = (question: string): number => this.#draw(question, delivery)
    const { from, to } = plan.after
    const after = (question: string): number =>
      Math.floor(receivedMs + from * (to / from) ** draw(`when ${question}`))
    if (delivery.purpose === 'confirm') {
      if (draw('confirmed') >= plan.confirmed) return
      const timeMs = after('confirmed')
      this.#report({ subscriber, kind: 'replied', channel, timeMs, text: plan.confirmWord })
      return
    }
    const text = pickOrNone(plan.replies, draw('reply'))
    if (text !== null) {
      this.#report({ subscriber, kind: 'replied', channel, timeMs: after('reply'), text })
    }
    if (draw('clicked') < plan.clicked) {
      this.#report({ subscriber, kind: 'clicked', deliveryId, timeMs: after('clicked') })
    }
    if (draw('ordered') < plan.ordered) {
      this.#report({ subscriber, kind: 'ordered', trigger, timeMs: after('ordered') })
    }
    if (draw('complained') < plan.complained) {
      this.#report({ subscriber, kind: 'complained', deliveryId, timeMs: after('complained') })
    }
  }

  /** Nobody spoke to them; some take the offer anyway. */
  #goOn(holdout: SaidHoldout, clockMs: number): void {
    const { subscriber, trigger } = holdout
    const plan = this.#reactionTo(trigger)
    if (plan === null || this.#draw('anyway', holdout) >= plan.orderedAnyway) return
    const { from, to } = plan.after
    const waitMs = from * (to / from) ** this.#draw('when anyway', holdout)
    const timeMs = Math.floor(Math.max(holdout.notBeforeMs, clockMs) + waitMs)
    this.#report({ subscriber, kind: 'ordered', trigger, timeMs })
  }

  #reactionTo(trigger: string): ReactionPlan | null {
    const { reactions } = this.#plan
    return reactions[trigger] ?? reactions[FALLBACK] ?? null
  }

  #draw(
    question: string,
    { trigger, subscriber, period, attempt }: SaidDelivery | SaidHoldout,
  ): number {
    return seededShare(this.#seed, `${question} ${trigger} ${period} ${attempt}`, subscriber)
  }

  #report(row: FeedbackRow): void {
    const bucket = this.#bucket(row.timeMs)
    const rows = this.#due.get(bucket)
    if (rows === undefined) this.#due.set(bucket, [row])
    else rows.push(row)
  }

  #bucket(instantMs: number): number {
    return Math.ceil(instantMs / this.#plan.tickMs)
  }
}

/** One of the values, whose shares may add up to less than 1; null: none of them. */
function pickOrNone<T>(choice: Choice<T>, share: number): T | null {
  let left = share
  for (const [value, part] of choice) {
    left -= part
    if (left < 0) return value
  }
  return null
}
