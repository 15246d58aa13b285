/**
 * What a report says, told from all decisions at once: no positions, no tables, no bits. Written
 * from the definitions in the README ("Reports and verdicts"), and knows nothing of src/report.
 */

import type { SaidDecision, SaidDelivery, SaidHoldout } from '../../../src/model/said.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const APART = ['test', 'notice', 'confirm']

/** Counts by `day trigger channel region hour count`, and `… suppressed:reason`. */
export function naiveCounts(
  partitions: readonly (readonly SaidDecision[])[],
  offsetMs: number,
): Map<string, number> {
  const counts = new Map<string, number>()
  const add = (key: string, count = 1) => counts.set(key, (counts.get(key) ?? 0) + count)
  for (const decisions of partitions) {
    const seen = new Set<string>()
    for (const [index, decision] of decisions.entries()) {
      if (decision.kind === 'unknown' || decision.kind === 'journey') continue
      const { trigger } = decision
      const channel = decision.kind === 'suppressed' ? '' : decision.channel
      const region = decision.kind === 'suppressed' ? '' : (decision.region ?? '')
      const atMs = decision.kind === 'outcome' ? decision.timeMs : decision.decidedAtMs
      const local = new Date(atMs + offsetMs)
      const day = Math.floor((atMs + offsetMs) / DAY_MS)
      const key = `${day} ${trigger} ${channel} ${region} ${local.getUTCHours()}`
      if (decision.kind === 'suppressed') {
        add(`${key} suppressed`)
        add(`${key} suppressed:${decision.reason}`)
      } else if (decision.kind === 'holdout') {
        add(`${key} holdouts`)
      } else if (decision.kind === 'shown') {
        add(`${key} shown`)
      } else if (decision.kind === 'delivery') {
        if (decision.segments) add(`${key} segments`, decision.segments)
        add(`${key} ${deliveryCount(decision)}`)
      } else if (!decision.isCanary && !APART.includes(decision.purpose ?? '')) {
        const { what, by, subscriber, period, arm } = decision
        const row = decisions
          .slice(0, index)
          .findLast((one) => isRow(one, trigger, subscriber, period, arm === 'control'))
        const place = `${trigger} ${subscriber} ${period} ${arm} ${rowDay(row as SaidDelivery, offsetMs)}`
        const first = (name: string) => {
          if (seen.has(`${place} ${name}`)) return
          seen.add(`${place} ${name}`)
          add(`${key} ${name}`)
        }
        if (arm === 'control') {
          if (what === 'ordered') first('holdoutsOrdered')
          continue
        }
        if (['sent', 'failed', 'delivered'].includes(what)) first('handedOver')
        if (what === 'failed') first('failed')
        if (what === 'delivered') first('received')
        if (what === 'expired') add(`${key} expired`)
        if (what === 'replied' || what === 'clicked') {
          first(what)
          first('responded')
        }
        if (what === 'ordered') first('ordered')
        if (what === 'ordered' && by !== 'subscriber') first('orderedDirectly')
        if (what === 'opted-out') first('optedOut')
        if (what === 'complained') first('complained')
      }
    }
  }
  return counts
}

/** Distinct numbers by kind, of deliveries from `fromMs` on and before `toMs`. */
export function naiveDistinct(
  partitions: readonly (readonly SaidDecision[])[],
  trigger: string,
  isControl: boolean,
  [fromMs, toMs]: readonly [number, number],
  withinMs: number,
  offsetMs: number,
): Record<string, number> {
  const sets = new Map<string, Set<number>>()
  const add = (kind: string, subscriber: number) =>
    sets.set(kind, (sets.get(kind) ?? new Set()).add(subscriber))
  for (const decisions of partitions) {
    for (const [index, decision] of decisions.entries()) {
      if (decision.kind === 'unknown' || decision.kind === 'suppressed') continue
      if (decision.kind === 'shown' || decision.kind === 'journey' || decision.trigger !== trigger)
        continue
      const { subscriber, period } = decision
      const isSame = (one: SaidDecision) => isRow(one, trigger, subscriber, period, isControl)
      const firstOfItsDay = (row: SaidDelivery | SaidHoldout) =>
        decisions.find((one): one is SaidDelivery | SaidHoldout => {
          return isSame(one) && rowDay(one as SaidDelivery, offsetMs) === rowDay(row, offsetMs)
        })!
      if (decision.kind !== 'outcome') {
        if (!isSame(decision)) continue
        const { decidedAtMs } = firstOfItsDay(decision)
        if (decidedAtMs >= fromMs && decidedAtMs < toMs) add('members', subscriber)
        continue
      }
      const { what, by } = decision
      if (decision.isCanary || APART.includes(decision.purpose ?? '')) continue
      if ((decision.arm === 'control') !== isControl) continue
      if (isControl && what !== 'ordered') continue
      const row = decisions.slice(0, index).findLast(isSame) as SaidDelivery
      const { decidedAtMs } = firstOfItsDay(row)
      if (decidedAtMs < fromMs || decidedAtMs >= toMs) continue
      const isInTime =
        Math.ceil((decision.timeMs - decidedAtMs) / MINUTE_MS) * MINUTE_MS <= withinMs
      if (['sent', 'failed', 'delivered'].includes(what)) add('targets', subscriber)
      if (what === 'failed') add('failed', subscriber)
      if (what === 'delivered') add('received', subscriber)
      if (what === 'opted-out') add('optedOut', subscriber)
      if (what === 'complained') add('complained', subscriber)
      if (!isInTime) continue
      if (what === 'replied' || what === 'clicked') add('responders', subscriber)
      if (what === 'ordered') add('orderers', subscriber)
      if (what === 'ordered' && by !== 'subscriber' && !isControl) add('direct', subscriber)
    }
  }
  return Object.fromEntries([...sets].map(([kind, numbers]) => [kind, numbers.size]))
}

function deliveryCount({ purpose, isCanary }: SaidDelivery): string {
  const apart = { test: 'tests', notice: 'notices', confirm: 'confirmations' }[purpose ?? '']
  return apart ?? (isCanary ? 'canaries' : 'delivered')
}

/** Whether it is the delivery (or holdout) of that number and period that outcomes belong to. */
function isRow(
  decision: SaidDecision,
  trigger: string,
  subscriber: number,
  period: string,
  isControl: boolean,
): boolean {
  if (decision.kind !== (isControl ? 'holdout' : 'delivery')) return false
  if (decision.trigger !== trigger || decision.subscriber !== subscriber) return false
  if (decision.period !== period) return false
  return decision.kind === 'holdout' || deliveryCount(decision) === 'delivered'
}

function rowDay({ decidedAtMs }: SaidDelivery | SaidHoldout, offsetMs: number): number {
  return Math.floor((decidedAtMs + offsetMs) / DAY_MS)
}
