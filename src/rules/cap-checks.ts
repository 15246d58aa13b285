/** Caps that contradict one another or say nothing, within one scope and against wider scopes. */

import type { CalendarUnit } from '../model/expression.ts'
import { capPeriodText, capText } from '../model/cap-text.ts'
import type { CapSpec } from '../model/policy.ts'
import type { CapsReading } from './policy-shapes.ts'
import type { YamlSource } from './yaml-source.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Longest that a calendar period can be, clock changes included. */
const LONGEST_MS: Readonly<Record<CalendarUnit, number>> = {
  hour: 2 * HOUR_MS,
  day: 25 * HOUR_MS,
  week: 7 * DAY_MS + HOUR_MS,
  month: 31 * DAY_MS + HOUR_MS,
  cycle: 31 * DAY_MS + HOUR_MS,
}

/** Calendar periods that never straddle two of the longer one. */
const INSIDE: Readonly<Record<CalendarUnit, readonly string[]>> = {
  hour: ['day', 'week', 'month', 'cycle'],
  day: ['week', 'month', 'cycle'],
  week: [],
  month: [],
  cycle: [],
}

/**
 * The caps of one scope, after reporting two of the same period and one that another makes
 * pointless: what is allowed per day can never be reached where a month allows less.
 */
export function checkCaps(reading: CapsReading, source: YamlSource): readonly CapSpec[] {
  const { caps, nodes } = reading
  for (const [position, cap] of caps.entries()) {
    const before = caps.slice(0, position)
    if (before.some((other) => isSamePeriod(other, cap))) {
      source.report(
        nodes[position]!,
        'duplicate',
        `two caps ${capPeriodText(cap)}`,
        'keep one of them',
      )
      continue
    }
    const stricter = caps.find((other) => !isSamePeriod(cap, other) && isPointless(cap, other))
    if (stricter === undefined) continue
    const message = `"${capText(cap)}" can never be reached: "${capText(stricter)}" is stricter`
    const hint = 'leave it out, or let it allow fewer'
    source.report(nodes[position]!, 'contradiction', message, hint)
  }
  return caps
}

/** Whether `cap` can never be reached because `other` allows fewer in a period that covers it. */
export function isPointless(cap: CapSpec, other: CapSpec): boolean {
  return cap.count > other.count && isCovered(cap, other)
}

function isSamePeriod(a: CapSpec, b: CapSpec): boolean {
  return a.per === b.per && a.lengthMs === b.lengthMs
}

/** Whether every period of `cap` lies within some period of `other`. */
function isCovered(cap: CapSpec, other: CapSpec): boolean {
  if (other.per === 'ever' || isSamePeriod(cap, other)) return true
  if (cap.per === 'ever') return false
  if (other.per === 'sliding') {
    const longestMs = cap.per === 'sliding' ? cap.lengthMs : LONGEST_MS[cap.per]
    return longestMs <= other.lengthMs
  }
  return cap.per !== 'sliding' && INSIDE[cap.per].includes(other.per)
}
