/**
 * Customers who come to a channel by themselves and are asked what they would like: they ask the
 * running worker over HTTP, as a hotline's desk does, and take an offer or do not.
 */

import { Random } from '../../probe/random.ts'
import type { PeoplePlan } from './people-plan.ts'

const DAY_MS = 86_400_000

/** What came of asking. */
export interface RequestCounts {
  asked: number
  shown: number
  accepted: number
}

/** The callers of one run. */
export class Callers {
  readonly counts: RequestCounts = { asked: 0, shown: 0, accepted: 0 }
  readonly #plan: PeoplePlan
  readonly #random: Random
  readonly #url: string
  /** Parts of callers that were due and did not come, by place in the plan. */
  readonly #fractions: number[]

  /** @param url the worker's, on this machine */
  constructor(plan: PeoplePlan, seed: number, url: string) {
    this.#plan = plan
    this.#random = new Random(seed + 1)
    this.#url = url
    this.#fractions = plan.requests.map(() => 0)
  }

  /** Those who come within a tick; `subscriberAt` draws one of all by a share from 0 to 1. */
  async call(
    lengthMs: number,
    subscriberCount: number,
    subscriberAt: (share: number) => number,
  ): Promise<void> {
    for (const [index, { channel, perDay, accepted }] of this.#plan.requests.entries()) {
      const due = (subscriberCount * perDay * lengthMs) / DAY_MS + this.#fractions[index]!
      const count = Math.floor(due)
      this.#fractions[index] = due - count
      for (let i = 0; i < count; i++) {
        const subscriber = subscriberAt(this.#random.fraction())
        await this.#ask(subscriber, channel, this.#random.fraction() < accepted)
      }
    }
  }

  async #ask(subscriber: number, channel: string, isTaking: boolean): Promise<void> {
    const path = `/v1/subscribers/${subscriber}/offers`
    const answer = await fetch(new URL(`${path}?channel=${channel}`, this.#url))
    this.counts.asked += 1
    // Somebody of whom nothing is known is offered nothing.
    if (!answer.ok) return
    const { offers } = (await answer.json()) as { offers: readonly { trigger: string }[] }
    this.counts.shown += offers.length
    const first = offers[0]
    if (!isTaking || first === undefined) return
    const taking = new URL(`${path}/${first.trigger}/accept?channel=${channel}`, this.#url)
    const { status } = await fetch(taking, { method: 'POST' })
    if (status === 200) this.counts.accepted += 1
  }
}
