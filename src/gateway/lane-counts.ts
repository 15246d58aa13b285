/** What a lane counts, since its start. */

import type { LaneView } from '../model/gateway-view.ts'
import type { GateEvent, GateResult } from './records.ts'

/** Plain numbers; the metrics read them at a scrape. */
export class LaneCounts {
  readonly #results = { sent: 0, failed: 0, expired: 0, unknown: 0 }
  readonly #events = { delivered: 0, failed: 0, replied: 0 }
  readonly #reasons = new Map<string, number>()
  repeats = 0
  passedOver = 0

  add({ kind }: GateResult): void {
    if (kind !== 'withdrawn') this.#results[kind] += 1
  }

  addEvent({ kind }: GateEvent): void {
    if (kind !== 'part') this.#events[kind] += 1
  }

  /** Why the target refused: one of few words. */
  addReason(reason: string): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }

  view(): Pick<LaneView, 'results' | 'events' | 'reasons' | 'repeats' | 'passedOver'> {
    return {
      results: { ...this.#results },
      events: { ...this.#events },
      reasons: Object.fromEntries(this.#reasons),
      repeats: this.repeats,
      passedOver: this.passedOver,
    }
  }
}
