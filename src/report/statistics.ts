/** Counts asked for: grouped by what is asked, over a stretch of hours. The funnel closes. */

import { dayText, hourText } from './dates.ts'
import { COUNTS, type CountName, HOUR_NONE } from './day-counts.ts'
import type { ReportFold } from './fold.ts'

/** What counts can be grouped by. */
export const DIMENSIONS = ['trigger', 'channel', 'region', 'day', 'hour'] as const

export type Dimension = (typeof DIMENSIONS)[number]

/** Which counts, and how they are grouped. */
export interface StatisticsQuery {
  readonly by: readonly Dimension[]
  /** From the hour that holds it, inclusive. */
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  /** null: all. */
  readonly triggers: ReadonlySet<string> | null
  /** Channel of what a suppression would have been: that of its trigger; empty: not known. */
  readonly channelOf: (trigger: string) => string
}

/** Counts of a group; every candidate decided is delivered, a canary's, held out or suppressed. */
export type GroupCounts = Readonly<Record<CountName | 'decided', number>>

/** One group; what was not asked for is left out. */
export interface StatisticsRow {
  readonly words: Readonly<Partial<Record<Dimension, string>>>
  readonly counts: GroupCounts
  readonly suppressedBy: Readonly<Record<string, number>>
}

interface Group {
  readonly words: Partial<Record<Dimension, string>>
  readonly counts: Float64Array
  readonly reasons: Map<string, number>
}

/**
 * Groups counts. A day that lost its hours (see day-counts.ts) is taken whole, if its beginning
 * lies within the stretch.
 */
export function statisticsOf(fold: ReportFold, query: StatisticsQuery): readonly StatisticsRow[] {
  const { clock, counts } = fold
  const groups = new Map<string, Group>()
  for (const day of counts.days()) {
    const dayStartMs = clock.instantOf(day, 0)
    if (dayStartMs >= query.toMs || clock.instantOf(day + 1, 0) <= query.fromMs) continue
    for (const row of counts.rowsOf(day)) {
      if (query.triggers !== null && !query.triggers.has(row.trigger)) continue
      const hourMs = row.hour === HOUR_NONE ? dayStartMs : clock.instantOf(day, row.hour * 60)
      const hourEndMs = row.hour === HOUR_NONE ? dayStartMs + 1 : hourMs + 3_600_000
      if (hourMs >= query.toMs || hourEndMs <= query.fromMs) continue
      const words = {
        trigger: row.trigger,
        channel: row.channel || query.channelOf(row.trigger),
        region: row.region,
        day: dayText(day),
        hour: hourText(day, row.hour),
      }
      const group = groupOf(groups, query.by, words)
      for (let at = 0; at < COUNTS.length; at++) group.counts[at]! += row.counts[at]!
      for (const [reason, count] of row.reasons ?? []) {
        group.reasons.set(reason, (group.reasons.get(reason) ?? 0) + count)
      }
    }
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => rowOf(group))
}

/** All counts of some triggers (null: of all) in one group. */
export function totalOf(
  fold: ReportFold,
  triggers: ReadonlySet<string> | null,
  fromMs: number,
  toMs: number,
): StatisticsRow {
  const query = { by: [], fromMs, toMs, triggers, channelOf: () => '' }
  return statisticsOf(fold, query)[0] ?? NO_COUNTS
}

/** Of whom nothing was decided. */
export const NO_COUNTS: StatisticsRow = rowOf(emptyGroup({}))

function groupOf(
  groups: Map<string, Group>,
  by: readonly Dimension[],
  all: Readonly<Record<Dimension, string>>,
): Group {
  const key = by.map((dimension) => all[dimension]).join('\n')
  let group = groups.get(key)
  if (group === undefined) {
    group = emptyGroup(Object.fromEntries(by.map((dimension) => [dimension, all[dimension]])))
    groups.set(key, group)
  }
  return group
}

function emptyGroup(words: Partial<Record<Dimension, string>>): Group {
  return { words, counts: new Float64Array(COUNTS.length), reasons: new Map() }
}

function rowOf({ words, counts, reasons }: Group): StatisticsRow {
  const named = Object.fromEntries(COUNTS.map((name, at) => [name, counts[at]!])) as Record<
    CountName,
    number
  >
  const decided = named.delivered + named.canaries + named.holdouts + named.suppressed
  const byCount = [...reasons].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return { words, counts: { decided, ...named }, suppressedBy: Object.fromEntries(byCount) }
}
