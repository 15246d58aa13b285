/** Caps in words, as configurations write them. */

import type { CapSpec } from './policy.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** A cap as it is written: `1 per day`, `8 per 30 days`, `3 per 12 hours`, `1 ever`. */
export function capText(cap: CapSpec): string {
  return `${cap.count} ${capPeriodText(cap)}`
}

/** The period of a cap as it is written: `per day`, `per 30 days`, `ever`. */
export function capPeriodText({ per, lengthMs }: Omit<CapSpec, 'count'>): string {
  if (per === 'ever') return 'ever'
  if (per !== 'sliding') return `per ${per}`
  const [length, unit] =
    lengthMs % DAY_MS === 0 ? [lengthMs / DAY_MS, 'day'] : [lengthMs / HOUR_MS, 'hour']
  return `per ${length} ${unit}${length === 1 ? '' : 's'}`
}
