/** What a cap says in words, and whether a sliding one has room. */

import type { CapSpec } from '../model/policy.ts'

const MS_PER_MINUTE = 60_000
const MS_PER_HOUR = 3_600_000
const MS_PER_DAY = 86_400_000

/** `1 per day`, `1 ever`, `8 per 30 days`, `3 per 12 hours`. */
export function capText({ count, per, lengthMs }: CapSpec): string {
  if (per === 'ever') return `${count} ever`
  if (per !== 'sliding') return `${count} per ${per}`
  if (lengthMs % MS_PER_DAY === 0) return `${count} per ${quantity(lengthMs / MS_PER_DAY, 'day')}`
  if (lengthMs % MS_PER_HOUR === 0)
    return `${count} per ${quantity(lengthMs / MS_PER_HOUR, 'hour')}`
  return `${count} per ${quantity(lengthMs / MS_PER_MINUTE, 'minute')}`
}

function quantity(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}

/**
 * Whether one more at `dueMs` leaves no stretch of `lengthMs` (start inclusive, end exclusive) with
 * more than `count`. `instantsMs`: all others, in any order; sorted in place.
 */
export function hasSlidingRoom(instantsMs: number[], dueMs: number, cap: CapSpec): boolean {
  instantsMs.push(dueMs)
  instantsMs.sort((left, right) => left - right)
  // The newcomer is in every stretch that it could overfill: those that begin up to lengthMs
  // before.
  for (let first = 0; first + cap.count < instantsMs.length; first++) {
    const firstMs = instantsMs[first]!
    if (firstMs > dueMs) return true
    const lastMs = instantsMs[first + cap.count]!
    if (lastMs >= dueMs && lastMs - firstMs < cap.lengthMs) return false
  }
  return true
}
