/**
 * How busy a network is by hour of the day: quiet before dawn, busy at noon, busiest in the
 * evening. Relative, one entry per local hour; normalised below so that a day's mean is 1.
 */
const HOURLY_LOAD = [
  0.55, 0.35, 0.22, 0.16, 0.15, 0.22, 0.45, 0.8, 1.0, 1.1, 1.15, 1.25, 1.45, 1.25, 1.1, 1.1, 1.15,
  1.3, 1.5, 1.65, 1.75, 1.7, 1.35, 0.9,
] as const

const MS_PER_MINUTE = 60_000
const MS_PER_HOUR = 3_600_000
const MS_PER_DAY = 86_400_000

/**
 * Load of a network as a function of time, the same every day, mean 1. `flat` is 1 at all times.
 * Times are ms since the Unix epoch; the zone is a fixed offset, since the picture matters, not the
 * hour of a clock change.
 */
export class Rhythm {
  readonly #offsetMs: number
  /** Load-weighted ms from local midnight to each hour; the last entry is the whole day. */
  readonly #loadMs = new Float64Array(25)

  constructor(kind: 'daily' | 'flat', zoneOffsetMinutes: number) {
    this.#offsetMs = zoneOffsetMinutes * MS_PER_MINUTE
    const total = HOURLY_LOAD.reduce((sum, load) => sum + load, 0)
    HOURLY_LOAD.forEach((load, hour) => {
      const share = kind === 'flat' ? 1 / 24 : load / total
      this.#loadMs[hour + 1] = this.#loadMs[hour]! + share * MS_PER_DAY
    })
    this.#loadMs[24] = MS_PER_DAY
  }

  /**
   * Load-weighted ms since the epoch: grows by 86,400,000 a day, faster when the network is busy.
   */
  loadAt(timeMs: number): number {
    const localMs = timeMs + this.#offsetMs
    const day = Math.floor(localMs / MS_PER_DAY)
    const inDayMs = localMs - day * MS_PER_DAY
    const hour = Math.floor(inDayMs / MS_PER_HOUR)
    const from = this.#loadMs[hour]!
    const share = (inDayMs - hour * MS_PER_HOUR) / MS_PER_HOUR
    return day * MS_PER_DAY + from + share * (this.#loadMs[hour + 1]! - from)
  }

  /** The instant at which the load reaches a value: the inverse of `loadAt`. */
  timeAt(load: number): number {
    const day = Math.floor(load / MS_PER_DAY)
    const inDay = load - day * MS_PER_DAY
    let hour = 0
    while (hour < 23 && this.#loadMs[hour + 1]! <= inDay) hour += 1
    const from = this.#loadMs[hour]!
    const share = (inDay - from) / (this.#loadMs[hour + 1]! - from)
    return day * MS_PER_DAY + (hour + share) * MS_PER_HOUR - this.#offsetMs
  }
}
