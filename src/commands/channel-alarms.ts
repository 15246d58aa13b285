/** Says in the log when a channel comes near its limit, reaches it, or has room again. */

import type { Logger } from 'pino'
import type { PartitionView } from '../model/view.ts'

/** How often partitions are looked at. */
const LOOK_EVERY_MS = 1_000

/** What was said last of each channel's hour and day: one line per change. */
export class ChannelAlarms {
  readonly #logger: Logger
  readonly #said = new Map<string, number>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /**
   * Looks at all partitions of the process; the highest alarm of them is the channel's. A standby's
   * owner says it.
   */
  look(partitions: readonly PartitionView[]): void {
    const levels = new Map<string, number>()
    for (const { status, channels } of partitions) {
      if (status !== 'live') continue
      for (const { channel, periods } of channels) {
        for (const { period, alarm } of periods) {
          if (period === 'second') continue
          const name = `${channel} ${period}`
          levels.set(name, Math.max(levels.get(name) ?? 0, alarm))
        }
      }
    }
    for (const [name, level] of levels) {
      if (level === (this.#said.get(name) ?? 0)) continue
      this.#said.set(name, level)
      const [channel, period] = name.split(' ')
      if (level === 0) this.#logger.info({ channel, period }, 'channel has room again')
      else if (level === 1) this.#logger.warn({ channel, period }, 'channel is near its limit')
      else this.#logger.warn({ channel, period }, 'channel has reached its limit')
    }
  }

  /** Looks every second until the signal comes. */
  watch(partitions: () => readonly PartitionView[], signal: AbortSignal): void {
    const timer = setInterval(() => this.look(partitions()), LOOK_EVERY_MS)
    timer.unref()
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }
}
