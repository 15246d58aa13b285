/**
 * What became of a scenario's candidates, folded over the decisions of OUT: who was suppressed and
 * why, held out, spoken to, and what came of it. Canaries, tests and notices are in no rate.
 */

import type { SaidDecision, SaidOutcome } from '../../model/said.ts'

/** One trigger's way through the funnel. Responders and orderers are distinct subscribers. */
export interface Funnel {
  suppressed: Record<string, number>
  holdouts: number
  delivered: number
  canaries: number
  segments: number
  shown: number
  /** Handed over by the gateway, failed there, received by the phone. */
  handedOver: number
  failed: number
  received: number
  targets: number
  responded: number
  clicked: number
  ordered: number
  optedOut: number
  complained: number
  /** Orders of those who were held out. */
  orderedAnyway: number
  /** First and last delivery, ms since the epoch. */
  firstMs: number
  lastMs: number
}

interface Tally extends Funnel {
  readonly people: Record<'targets' | 'responded' | 'ordered' | 'optedOut', Set<number>>
}

/** Counts decisions; `funnels` says how far they came. */
export class FunnelFold {
  readonly #tallies = new Map<string, Tally>()
  decisions = 0

  add(decision: SaidDecision): void {
    this.decisions += 1
    if (decision.kind === 'unknown') return
    const tally = this.#tallyOf(decision.trigger)
    if (decision.kind === 'suppressed') {
      tally.suppressed[decision.reason] = (tally.suppressed[decision.reason] ?? 0) + 1
    } else if (decision.kind === 'holdout') tally.holdouts += 1
    else if (decision.kind === 'shown') tally.shown += 1
    else if (decision.kind === 'outcome') this.#addOutcome(tally, decision)
    else if (decision.isCanary) tally.canaries += 1
    else if (decision.purpose === null || decision.purpose === 'offer') {
      tally.delivered += 1
      tally.segments += decision.segments ?? 0
      tally.firstMs = Math.min(tally.firstMs, decision.notBeforeMs)
      tally.lastMs = Math.max(tally.lastMs, decision.notBeforeMs)
    }
  }

  /** By trigger, in the order of their names. */
  funnels(): ReadonlyMap<string, Funnel> {
    const names = [...this.#tallies.keys()].sort()
    return new Map(
      names.map((name) => {
        const { people, ...funnel } = this.#tallies.get(name)!
        return [name, funnel]
      }),
    )
  }

  #addOutcome(tally: Tally, outcome: SaidOutcome): void {
    const { what, subscriber } = outcome
    const isAside = outcome.purpose !== null && outcome.purpose !== 'offer'
    if (outcome.isCanary || (isAside && what !== 'ordered' && what !== 'replied')) return
    if (outcome.arm === 'control') {
      if (what === 'ordered') tally.orderedAnyway += 1
      return
    }
    const { people } = tally
    if (what === 'sent') tally.handedOver += 1
    if (what === 'failed') tally.failed += 1
    if (what === 'delivered') tally.received += 1
    if (what === 'sent' || what === 'failed') people.targets.add(subscriber)
    if (what === 'replied' || what === 'clicked') people.responded.add(subscriber)
    if (what === 'clicked') tally.clicked += 1
    if (what === 'ordered') people.ordered.add(subscriber)
    if (what === 'opted-out') people.optedOut.add(subscriber)
    if (what === 'complained') tally.complained += 1
    tally.targets = people.targets.size
    tally.responded = people.responded.size
    tally.ordered = people.ordered.size
    tally.optedOut = people.optedOut.size
  }

  #tallyOf(trigger: string): Tally {
    let tally = this.#tallies.get(trigger)
    if (tally === undefined) {
      tally = {
        suppressed: {},
        holdouts: 0,
        delivered: 0,
        canaries: 0,
        segments: 0,
        shown: 0,
        handedOver: 0,
        failed: 0,
        received: 0,
        targets: 0,
        responded: 0,
        clicked: 0,
        ordered: 0,
        optedOut: 0,
        complained: 0,
        orderedAnyway: 0,
        firstMs: Number.POSITIVE_INFINITY,
        lastMs: 0,
        people: {
          targets: new Set(),
          responded: new Set(),
          ordered: new Set(),
          optedOut: new Set(),
        },
      }
      this.#tallies.set(trigger, tally)
    }
    return tally
  }
}
