/** Caps and arbitration in the naive policy model: whether there is a place, and who yields. */

import { periodNumber } from './calendar.ts'
import type { PlainPolicy, PlainTrigger } from './plain.ts'
import { compareRows, findCapFault, isLive, isPending, type ModelRow } from './rows.ts'

/** Why somebody gets nothing, and what more there is to say. */
export interface Objection {
  readonly reason: string
  readonly winner?: string
  readonly detail?: string
}

/** What stands against a row at its due time; nothing: who must go for it, if anybody. */
export interface Place {
  readonly objection: Objection | null
  readonly yielding: ModelRow | null
}

/** Looks for the place of a row among all rows ever made. */
export function findPlace(
  policy: PlainPolicy,
  rows: readonly ModelRow[],
  row: ModelRow,
  trigger: PlainTrigger,
): Place {
  const { subscriber } = row.candidate
  const live = rows.filter(
    (each) =>
      each.number !== row.number && isLive(each) && each.candidate.subscriber === subscriber,
  )
  const contact = contactOf(policy, row)
  const rivals =
    contact === null
      ? []
      : live.filter((each) => contactOf(policy, each) === contact).sort(compareRows)
  const offers = policy.arbitration?.offersPerContact ?? Infinity
  const isFull = rivals.length >= offers
  const waiting = rivals.filter(isPending)
  const isFullOfSent = rivals.length - waiting.length >= offers
  const weakest = isFullOfSent ? undefined : waiting.at(-1)
  const isStronger = weakest !== undefined && compareRows(row, weakest) < 0
  const yielding = isFull && isStronger ? weakest : null
  const capFault = findCapFault({
    policy,
    trigger,
    subscriber,
    instantMs: row.dueMs,
    rows: live.filter((each) => each !== yielding),
  })
  if (capFault !== null) return { objection: capFault, yielding: null }
  if (isFull && yielding === null) {
    const winner = rivals[0]!.candidate.trigger
    return { objection: { reason: 'outranked', winner }, yielding: null }
  }
  return { objection: null, yielding }
}

/** The contact that a row occupies; null: it neither competes nor occupies. */
function contactOf({ arbitration }: PlainPolicy, row: ModelRow): number | null {
  if (arbitration === null || row.isCanary || row.standing.isIgnoringCaps) return null
  return periodNumber(arbitration.contact, row.dueMs, row)
}
