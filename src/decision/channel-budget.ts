/**
 * What one partition may send on one channel: its turn of the running second, and its budgets of
 * the running hour and day. Pure; all of it is in the image. Every channel is counted, limited or
 * not, so that a limit that comes in the middle of a day knows what was sent that day.
 */

import type { CapacitySpec } from '../model/policy.ts'
import { type CapacityPeriod, type PartitionPlace, secondShare } from './capacity.ts'
import { type AlarmLevel, PeriodBudget, type PeriodBudgetImage } from './period-budget.ts'

/** The running periods, and the instants (ms) at which the next ones begin. */
export interface RunningPeriods {
  /** Whole seconds since the epoch. */
  readonly second: number
  /** `2026-11-20T13` and `2026-11-20`, in the default zone. */
  readonly hour: string
  readonly day: string
  readonly nextHourMs: number
  readonly nextDayMs: number
}

/** A channel's budgets as plain values. */
export interface ChannelBudgetImage {
  readonly channel: string
  readonly second: number
  readonly usedInSecond: number
  readonly hour: PeriodBudgetImage
  readonly day: PeriodBudgetImage
}

/** How one period of a channel stands in one partition. */
export interface PeriodStanding {
  readonly period: CapacityPeriod | 'second'
  /** Over all partitions; null: none. */
  readonly limit: number | null
  /** What this partition has sent, and may send in all. */
  readonly used: number
  readonly held: number
  readonly alarm: AlarmLevel
}

const BOTH = ['hour', 'day'] as const

/** The budgets of one channel in one partition. */
export class ChannelBudget {
  readonly channel: string
  readonly hour: PeriodBudget
  readonly day: PeriodBudget
  readonly #place: PartitionPlace
  #perSecond: number | null = null
  #alarmAt = 1
  #isLimited = false
  #second = 0
  #usedInSecond = 0

  constructor(channel: string, place: PartitionPlace) {
    this.channel = channel
    this.#place = place
    this.hour = new PeriodBudget(place)
    this.day = new PeriodBudget(place)
  }

  /** Whether the channel has any limit at all. */
  get isLimited(): boolean {
    return this.#isLimited
  }

  /** Whether the running periods have left nothing in it: a new one is the same. */
  get isBlank(): boolean {
    return this.hour.isBlank && this.day.isBlank
  }

  /** Limits of the configuration in force; null: none. */
  setCapacity(spec: CapacitySpec | null): void {
    this.#isLimited = spec !== null
    this.#perSecond = spec?.perSecond ?? null
    this.#alarmAt = spec?.alarmAt ?? 1
    this.hour.setLimit(spec?.perHour ?? null, spec?.reserved ?? [])
    this.day.setLimit(spec?.perDay ?? null, spec?.reserved ?? [])
  }

  /** Goes on to the running periods. */
  roll({ second, hour, day }: RunningPeriods): void {
    if (second !== this.#second) {
      this.#second = second
      this.#usedInSecond = 0
    }
    this.hour.roll(hour)
    this.day.roll(day)
  }

  /** Whether one more delivery of a class may go out in the running second. */
  hasRoom(className: string): boolean {
    return (
      this.#usedInSecond < this.#secondShare(this.#second) &&
      this.hour.hasRoom(className) &&
      this.day.hasRoom(className)
    )
  }

  /** Whether the hour or the day is over for a class, as far as the partition knows. */
  isOver(className: string): boolean {
    return BOTH.some((period) => this[period].isOver(className))
  }

  /** Earliest instant at which time alone makes room for a class; -Infinity: there is room. */
  nextRoomMs(className: string, { nextHourMs, nextDayMs }: RunningPeriods): number {
    let instantMs = Number.NEGATIVE_INFINITY
    if (this.#usedInSecond >= this.#secondShare(this.#second)) instantMs = this.#nextTurnMs()
    if (!this.hour.hasRoom(className)) instantMs = Math.max(instantMs, nextHourMs)
    if (!this.day.hasRoom(className)) instantMs = Math.max(instantMs, nextDayMs)
    return instantMs
  }

  spend(className: string): void {
    this.#usedInSecond += 1
    this.hour.spend(className)
    this.day.spend(className)
  }

  /** Budgets that may ask for more for a class: none while another one is at its end for good. */
  budgetsToAsk(className: string): readonly CapacityPeriod[] {
    return this.isOver(className) ? [] : BOTH
  }

  standings(): PeriodStanding[] {
    const held = this.#secondShare(this.#second)
    const used = this.#usedInSecond
    const alarm = used < held ? 0 : 2
    return [
      { period: 'second', limit: this.#perSecond, used, held, alarm },
      ...BOTH.map((period) => {
        const budget = this[period]
        const standing = { limit: budget.limit, used: budget.used, held: budget.held }
        return { period, ...standing, alarm: budget.alarm(this.#alarmAt) }
      }),
    ]
  }

  image(): ChannelBudgetImage {
    return {
      channel: this.channel,
      second: this.#second,
      usedInSecond: this.#usedInSecond,
      hour: this.hour.image(),
      day: this.day.image(),
    }
  }

  /** Takes over an image, once; limits follow with the configuration. */
  restore({ second, usedInSecond, hour, day }: ChannelBudgetImage): void {
    this.#second = second
    this.#usedInSecond = usedInSecond
    this.hour.restore(hour)
    this.day.restore(day)
  }

  #secondShare(second: number): number {
    if (this.#perSecond === null) return Number.POSITIVE_INFINITY
    return secondShare(this.#perSecond, this.#place, second)
  }

  /** The next second in which this partition has a turn: one comes in a round of all of them. */
  #nextTurnMs(): number {
    let second = this.#second + 1
    while (this.#secondShare(second) === 0) second += 1
    return second * 1000
  }
}
