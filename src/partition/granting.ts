/**
 * The authority over the pools of all channels: partition 0's machine gives of them what other
 * partitions ask for, never more than the pool in all, and remembers what it gave for as long as
 * anybody may ask for that period. A repeated ask gets the answer that it had, once more: the log
 * that held it may have been made anew.
 */

import { GENERAL_PURSE, grantSize, poolSize, purseShare } from '../decision/capacity.ts'
import type { CapacityAnswer } from '../decision/period-budget.ts'
import type { CapacitySpec } from '../model/policy.ts'
import type { ControlMessage } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import { parsePeriod } from '../state/periods.ts'
import { type Errand, type ErrandSource, NO_ERRANDS } from './errands.ts'

/** A partition's wish to have more of a channel's pool. */
export type AskMessage = Extract<ControlMessage, { kind: 'ask' }>

/** Periods ahead of partition 0's clock that it gives for: clocks of partitions differ. */
const PERIODS_AHEAD_MAX = 48

/** What one partition was given of one purse; plain data, part of the image. */
export interface Grant {
  readonly channel: string
  readonly period: string
  readonly purse: string
  readonly partition: number
  total: number
  /** The ask that was answered last, and what was left then. */
  asked: number
  left: number
  /** How often the answer was asked for again. */
  again: number
}

/** Gives from the pools. Of partition 0 only. */
export class Granting implements ErrandSource {
  readonly #partitionCount: number
  #grants = new Map<string, Grant>()
  /** Sums over partitions, by channel and period and by channel, period and purse. */
  #sums = new Map<string, number>()
  #errands: readonly Errand[] | null = null

  constructor(partitionCount: number) {
    this.#partitionCount = partitionCount
  }

  /**
   * Takes an ask; null where there is nothing to answer, since no limit or no such share is in
   * force or the period is past. `hour` and `day` are the running ones. Throws RejectError for an
   * ask that no partition would send.
   */
  decide(ask: AskMessage, spec: CapacitySpec | null, running: RunningTexts): CapacityAnswer | null {
    const { partition, channel, period, class: className, total: asked } = ask
    if (partition >= this.#partitionCount) {
      throw new RejectError('out-of-range', 'partition', 'there is no such partition')
    }
    const { unit, key } = parsePeriod(period)
    const now = parsePeriod(unit === 'hour' ? running.hour : running.day).key
    if (key > now + PERIODS_AHEAD_MAX) {
      throw new RejectError('out-of-range', 'period', 'lies too far ahead')
    }
    const limit = (unit === 'hour' ? spec?.perHour : spec?.perDay) ?? null
    if (limit === null || key < now - 1) return null
    const purse = className ?? GENERAL_PURSE
    const name = nameOf(channel, period, purse, partition)
    let grant = this.#grants.get(name)
    if (grant === undefined) {
      // A class without a share of its own has nothing to be given, and nothing to be remembered.
      const isPurse = purse === GENERAL_PURSE || spec!.reserved.some((each) => each.class === purse)
      if (!isPurse) return null
      grant = { channel, period, purse, partition, total: 0, asked: 0, left: 0, again: 0 }
      this.#grants.set(name, grant)
    }
    if (asked > grant.asked) {
      const left = this.#left(limit, spec!.reserved, grant)
      const wanted = Math.max(0, asked - grant.total)
      const given = grantSize(wanted, left, this.#partitionCount)
      grant.total += given
      grant.asked = asked
      grant.left = Math.max(0, left - given)
      grant.again = 0
      this.#add(grant, given)
    } else {
      grant.again += 1
    }
    this.#errands = null
    return { purse, total: grant.total, asked: grant.asked, left: grant.left }
  }

  /** Forgets periods that nobody asks for any more. */
  forget(running: RunningTexts): void {
    const hour = parsePeriod(running.hour).key
    const day = parsePeriod(running.day).key
    for (const [name, { period }] of this.#grants) {
      const { unit, key } = parsePeriod(period)
      if (key < (unit === 'hour' ? hour : day) - 1) this.#grants.delete(name)
    }
    this.#sumUp()
  }

  /** The last answer to every partition: whoever has it already takes it for a repeat. */
  errands(): readonly Errand[] {
    if (this.#grants.size === 0) return NO_ERRANDS
    this.#errands ??= this.image()
      .filter(({ partition }) => partition !== 0)
      .map(({ channel, period, purse, partition, total, asked, left, again }) => ({
        partition,
        message: {
          kind: 'grant',
          id: `grant:${nameOf(channel, period, purse, partition)}:${asked}${again === 0 ? '' : `:${again}`}`,
          channel,
          period,
          class: purse === GENERAL_PURSE ? null : purse,
          total,
          asked,
          left,
        },
      }))
    return this.#errands
  }

  /** Everything it gave, in one order. */
  image(): Grant[] {
    return [...this.#grants.keys()].sort().map((name) => ({ ...this.#grants.get(name)! }))
  }

  restore(grants: readonly Grant[]): void {
    for (const grant of grants) {
      const { channel, period, purse, partition } = grant
      // Images from before grants were said again do not count it.
      const { again = 0 } = grant as Partial<Grant>
      this.#grants.set(nameOf(channel, period, purse, partition), { ...grant, again })
    }
    this.#sumUp()
  }

  /** What the pool still holds for a purse: reserves may have been others when some was given. */
  #left(limit: number, reserved: CapacitySpec['reserved'], grant: Grant): number {
    const pool = poolSize(limit, this.#partitionCount)
    const [all, own] = sumNamesOf(grant).map((name) => this.#sums.get(name) ?? 0)
    return Math.min(purseShare(pool, reserved, grant.purse) - own!, pool - all!)
  }

  #add(grant: Grant, given: number): void {
    for (const name of sumNamesOf(grant)) this.#sums.set(name, (this.#sums.get(name) ?? 0) + given)
  }

  #sumUp(): void {
    this.#sums = new Map()
    for (const grant of this.#grants.values()) this.#add(grant, grant.total)
    this.#errands = null
  }
}

/** The running hour and day of a partition's clock, as texts of periods. */
export interface RunningTexts {
  readonly hour: string
  readonly day: string
}

function nameOf(channel: string, period: string, purse: string, partition: number): string {
  return `${channel}:${period}:${purse}:${partition}`
}

function sumNamesOf({ channel, period, purse }: Grant): readonly string[] {
  return [`${channel}:${period}`, `${channel}:${period}:${purse}`]
}
