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
 * How many of these lie in the fullest stretch of `lengthMs` (start inclusive, end exclusive)
 * around `dueMs`.
 */
export function slidingUse(instantsMs: readonly number[], dueMs: number, lengthMs: number): number {
  const near = instantsMs.filter((each) => Math.abs(each - dueMs) < lengthMs)
  let most = 0
  for (const startMs of [dueMs, ...near]) {
    if (startMs > dueMs) continue
    const used = near.filter((each) => each >= startMs && each < startMs + lengthMs).length
    most = Math.max(most, used)
  }
  return most
}
