/**
 * The lives of the workload's subscribers: what they use and what becomes of their profiles, and
 * when it is heard of.
 */

import type { ProfileRow } from '../../../src/model/messages.ts'
import type { NaiveParameters, NaiveRecord } from '../naive/input.ts'
import { dayText, instantOf, localTime } from '../naive/zone.ts'
import type { Random } from './random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Something that reaches the partition at `arrivalMs` or soon after. */
export interface Arrival<T> {
  readonly arrivalMs: number
  readonly value: T
}

/** Everything that happens, unsorted. */
export interface Lives {
  readonly records: Arrival<NaiveRecord>[]
  readonly rows: Arrival<ProfileRow>[]
}

/** Who lives, where and for how long. */
export interface LivesOptions {
  readonly subscribers: readonly number[]
  /** null: the default zone. One that stands there twice is twice as frequent. */
  readonly zones: readonly (string | null)[]
  readonly days: number
  /** App codes for records that do not count as OTT; must be in the config's dictionary. */
  readonly otherApps: readonly number[]
  /** Probability that a subscriber moves to another zone once. */
  readonly movingShare: number
  readonly parameters: NaiveParameters
}

/** Lives of all subscribers from `parameters.startMs` on. Draws from `random` in a fixed order. */
export function planLives(options: LivesOptions, random: Random): Lives {
  const lives: Lives = { records: [], rows: [] }
  for (const subscriber of options.subscribers) new Life(subscriber, options, random, lives).plan()
  return lives
}

/** A profile row that changes nothing but what `change` says. */
export function profileRow(subscriber: number, change: Partial<ProfileRow>): ProfileRow {
  const none = { tags: {}, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
  return { subscriber, ...none, ...change }
}

class Life {
  readonly #subscriber: number
  readonly #options: LivesOptions
  readonly #random: Random
  readonly #lives: Lives
  readonly #zone: string
  /**
   * Mostly silent except at the end of a month and the 10th, so that their first crossing lies
   * there.
   */
  readonly #isEdgeOnly: boolean

  constructor(subscriber: number, options: LivesOptions, random: Random, lives: Lives) {
    this.#subscriber = subscriber
    this.#options = options
    this.#random = random
    this.#lives = lives
    const zone = random.pick(options.zones)
    this.#zone = zone ?? options.parameters.zone
    this.#isEdgeOnly = random.chance(0.4)
    // The zone is known before the first record, so that only `movingShare` moves anybody.
    if (zone !== null) this.#row(options.parameters.startMs, { zone })
  }

  plan(): void {
    const { startMs } = this.#options.parameters
    const random = this.#random
    if (random.chance(0.6)) this.#tagAt(startMs + random.whole(0, 24 * HOUR_MS))
    if (random.chance(this.#options.movingShare)) {
      const zone = random.pick(this.#options.zones)
      this.#row(startMs + random.whole(1, this.#options.days * 24) * HOUR_MS, { zone })
    }
    const firstDay = localTime(startMs, this.#zone).dayNumber
    for (let day = firstDay; day < firstDay + this.#options.days; day++) this.#liveDay(day)
  }

  #liveDay(day: number): void {
    const random = this.#random
    const dayOfMonth = Number(dayText(day).slice(8))
    const isLast = dayText(day + 1).endsWith('-01')
    const isEdge = isLast || (dayOfMonth >= 10 && dayOfMonth <= 13)
    const share = isEdge ? 0.7 : this.#isEdgeOnly ? 0.02 : 0.35
    if (dayOfMonth === 10) this.#reselect(day)
    if (random.chance(0.3)) this.#distract(day)
    if (!random.chance(share)) return
    const line = this.#options.parameters.thresholdBytes
    const total = random.pick([
      line - 1,
      line,
      line,
      line + 1,
      line * 3,
      90_000,
      200_000,
      line >> 1,
    ])
    const lastMs = this.#use(day, total)
    if (total >= line) this.#react(day, lastMs)
  }

  /** The monthly selection of seeds on the 10th. */
  #reselect(day: number): void {
    const random = this.#random
    const time = instantOf(day, random.whole(0, 10 * 60), this.#options.parameters.zone)
    if (random.chance(0.65)) this.#tagAt(time)
    else if (random.chance(0.4)) this.#row(time, { tags: { seed: null } })
  }

  /**
   * Spreads `total` over one to four records that data_4g counts. Returns the time of the last
   * one.
   */
  #use(day: number, total: number): number {
    const random = this.#random
    const count = random.whole(1, 4)
    let left = total
    let lastMs = 0
    for (let index = 1; index <= count; index++) {
      const usageBytes = index === count ? left : random.whole(0, left)
      left -= usageBytes
      const apps = random.chance(0.5) ? this.#options.parameters.ottApps : this.#options.otherApps
      const rat = random.pick(this.#options.parameters.rats)
      const timeMs = this.#momentOf(day)
      lastMs = Math.max(lastMs, timeMs)
      this.#record({ usageBytes, timeMs, rat, app: random.pick(apps), kind: 0 })
    }
    return lastMs
  }

  /** Much traffic that data_4g must not count. */
  #distract(day: number): void {
    const random = this.#random
    const isVoice = random.chance(0.3)
    this.#record({
      usageBytes: random.whole(500_000, 5_000_000),
      timeMs: this.#momentOf(day),
      rat: isVoice ? random.pick(this.#options.parameters.rats) : random.pick([2, 3, 10]),
      app: random.pick(this.#options.otherApps),
      kind: isVoice ? random.pick([1, 2]) : 0,
    })
  }

  /** What may follow on a day that reached the line, mostly before the next noon. */
  #react(day: number, lastMs: number): void {
    const random = this.#random
    const beforeNoon = instantOf(day + 1, random.whole(8 * 60, 12 * 60), this.#zone)
    const action = random.pick([
      'pack',
      'opt-out',
      'black',
      'deselect',
      'tag',
      'tag',
      '',
      '',
      '',
      '',
    ])
    if (action === 'tag') this.#tagAt(lastMs + random.whole(1, 240) * MINUTE_MS)
    if (action === 'deselect') this.#row(beforeNoon, { tags: { seed: null } })
    if (action === 'pack') {
      this.#row(beforeNoon, { tags: { has_pack: true } })
      const untilMs = random.pick([HOUR_MS, 5 * 24 * HOUR_MS, 12 * 24 * HOUR_MS])
      this.#row(beforeNoon + untilMs, { tags: { has_pack: random.pick([false, null]) } })
    }
    if (action !== 'opt-out' && action !== 'black') return
    const list = action === 'black' ? 'black' : 'optOut'
    this.#row(beforeNoon, { lists: { [list]: true } })
    this.#row(beforeNoon + random.pick([HOUR_MS, 240 * HOUR_MS]), { lists: { [list]: false } })
  }

  /** A moment of the local day; its edges and 02:00 more often than others. */
  #momentOf(day: number): number {
    const random = this.#random
    const minute = random.pick([0, 120, 12 * 60, 21 * 60, -1, -1, -1, -1, -1, -1, -1, -1])
    if (minute >= 0) return instantOf(day, minute, this.#zone)
    if (random.chance(0.1)) return instantOf(day + 1, 0, this.#zone) - 1
    return instantOf(day, random.whole(0, 1439), this.#zone) + random.whole(0, 59_999)
  }

  /**
   * Most records are heard of at once, some hours later, a few too late, a few before their time.
   */
  #record(record: Omit<NaiveRecord, 'subscriber' | 'cell'>): void {
    const random = this.#random
    const span = random.next()
    let delayMs = random.whole(0, 10 * MINUTE_MS)
    if (span < 0.12) delayMs = random.whole(0, 47 * HOUR_MS)
    else if (span < 0.14) delayMs = random.whole(46 * HOUR_MS, 52 * HOUR_MS)
    else if (span < 0.17) delayMs = -random.whole(0, 7 * MINUTE_MS)
    const value = { ...record, subscriber: this.#subscriber, cell: random.whole(0, 9) }
    this.#lives.records.push({ arrivalMs: record.timeMs + delayMs, value })
  }

  /** Versions are months (202611) and begin on the 10th, so that they only grow. */
  #tagAt(arrivalMs: number): void {
    const { dayNumber } = localTime(arrivalMs, this.#options.parameters.zone)
    const month = dayText(dayNumber - 9)
      .slice(0, 7)
      .replace('-', '')
    this.#row(arrivalMs, { tags: { seed: Number(month) } })
  }

  #row(arrivalMs: number, change: Partial<ProfileRow>): void {
    this.#lives.rows.push({ arrivalMs, value: profileRow(this.#subscriber, change) })
  }
}
