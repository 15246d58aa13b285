/** Rates and verdicts of triggers, from the distinct numbers that they reached. */

import type { OrderSource, VerdictSpec } from '../model/reporting.ts'
import type { DistinctCounts } from './cohorts.ts'
import type { ReportFold } from './fold.ts'
import {
  type Difference,
  differenceInterval,
  type Interval,
  isAbove,
  isShareAbove,
  wilsonInterval,
} from './intervals.ts'

/** A share with its interval of 95 %; null where there is nobody to take it of. */
export interface Rate extends Interval {
  readonly count: number
  readonly total: number
  readonly share: number
}

/** What a verdict says; `accuracy` compares with the trigger `against`. */
export interface Verdict {
  /** null: nobody was reached. */
  readonly isGood: boolean | null
  readonly isResponseGood: boolean | null
  readonly isOrderGood: boolean | null
  readonly against: {
    readonly trigger: string
    readonly rate: Rate | null
    /** The choice was better than that of the other; a tie is not. null: no targets. */
    readonly isAccurate: boolean | null
  } | null
}

/** What became of those whom a trigger reached in a stretch of time. */
export interface Evaluation {
  readonly trigger: string
  readonly fromMs: number
  readonly toMs: number
  readonly treated: DistinctCounts
  readonly control: DistinctCounts
  readonly response: Rate | null
  /** By the orders that the verdict counts. */
  readonly order: Rate | null
  /** Complaints per 100,000 targets. */
  readonly complaintsPer100000: number | null
  /** Orders however they came, of all delivered against all held out. */
  readonly uplift: (Difference & { readonly treated: Rate; readonly control: Rate }) | null
  readonly verdict: Verdict | null
}

/** Evaluates deliveries from `fromMs` on and before `toMs`. */
export function evaluate(
  fold: ReportFold,
  trigger: string,
  spec: VerdictSpec | null,
  fromMs: number,
  toMs: number,
): Evaluation {
  const withinMs = spec?.withinMs ?? null
  const orders = spec?.orders ?? 'direct'
  const { cohorts } = fold
  const treated = cohorts.count(trigger, 'treated', fromMs, toMs, withinMs)
  const control = cohorts.count(trigger, 'control', fromMs, toMs, withinMs)
  const response = rateOf(treated.responders, treated.targets)
  const order = rateOf(orderersOf(treated, orders), treated.targets)
  const others =
    spec === null || spec.against === null
      ? null
      : cohorts.count(spec.against, 'treated', fromMs, toMs, withinMs)
  return {
    trigger,
    fromMs,
    toMs,
    treated,
    control,
    response,
    order,
    complaintsPer100000:
      treated.targets === 0 ? null : (treated.complained / treated.targets) * 100_000,
    uplift: upliftOf(treated, control),
    verdict: spec === null ? null : verdictOf(spec, response, order, others),
  }
}

/** A share of `total`; null: of nobody. A count may not be above its total (an order without a
 *  report of its sending is of nobody who was reached). */
export function rateOf(count: number, total: number): Rate | null {
  if (total === 0) return null
  const held = Math.min(count, total)
  return { count: held, total, share: held / total, ...wilsonInterval(held, total) }
}

function orderersOf(counts: DistinctCounts, orders: OrderSource): number {
  if (orders === 'any') return counts.orderers
  return orders === 'reply' ? counts.byReply : counts.direct
}

/**
 * Who was held out was not handed over, so both arms are taken from the decision on: all who were
 * to get it against all who would have got it.
 */
function upliftOf(treated: DistinctCounts, control: DistinctCounts): Evaluation['uplift'] {
  const mine = rateOf(treated.orderers, treated.members)
  const theirs = rateOf(control.orderers, control.members)
  if (mine === null || theirs === null) return null
  const difference = differenceInterval(mine.count, mine.total, theirs.count, theirs.total)
  return difference === null ? null : { ...difference, treated: mine, control: theirs }
}

function verdictOf(
  spec: VerdictSpec,
  response: Rate | null,
  order: Rate | null,
  others: DistinctCounts | null,
): Verdict {
  const beats = (rate: Rate | null, share: number | null): boolean | null =>
    rate === null || share === null ? null : isAbove(rate.count, rate.total, share)
  const isResponseGood = beats(response, spec.responseAbove)
  const isOrderGood = beats(order, spec.orderAbove)
  const asked = [isResponseGood, isOrderGood].filter((each) => each !== null)
  const isGood = asked.length === 0 ? null : asked.some((each) => each)
  if (others === null) return { isGood, isResponseGood, isOrderGood, against: null }
  const rate = rateOf(orderersOf(others, spec.orders), others.targets)
  const isAccurate =
    order === null || rate === null
      ? null
      : isShareAbove(order.count, order.total, rate.count, rate.total)
  const against = { trigger: spec.against!, rate, isAccurate }
  return { isGood, isResponseGood, isOrderGood, against }
}
