/** What channels carry in the naive policy model: every delivery ever sent, counted when asked. */

import { periodNumber } from './calendar.ts'
import type { PlainPolicy } from './plain.ts'

/** All that went out, by channel. Hours and days are those of the default zone. */
export class ChannelBook {
  readonly #calendar: { readonly zone: string; readonly cycleDay: number }
  readonly #sent: { readonly channel: string; readonly atMs: number }[] = []

  constructor(zone: string) {
    this.#calendar = { zone, cycleDay: 1 }
  }

  note(channel: string, atMs: number): void {
    this.#sent.push({ channel, atMs })
  }

  isLimited({ channels }: PlainPolicy, channel: string): boolean {
    return (channels.find(({ name }) => name === channel)?.capacity ?? null) !== null
  }

  /** Whether one more may go out at an instant. */
  hasRoom({ channels }: PlainPolicy, channel: string, atMs: number): boolean {
    const capacity = channels.find(({ name }) => name === channel)?.capacity
    const limits = [
      ['hour', capacity?.perHour ?? Number.POSITIVE_INFINITY],
      ['day', capacity?.perDay ?? Number.POSITIVE_INFINITY],
    ] as const
    return limits.every(([unit, limit]) => {
      const period = periodNumber(unit, atMs, this.#calendar)
      const isOfPeriod = (each: { channel: string; atMs: number }): boolean =>
        each.channel === channel && periodNumber(unit, each.atMs, this.#calendar) === period
      return this.#sent.filter(isOfPeriod).length < limit
    })
  }
}
