/**
 * A report: figures of triggers over a stretch of time, as plain data. It is printed, published and
 * drawn from here, and holds no subscriber number.
 */

import type { TriggerSpec } from '../model/catalog.ts'
import { dayText, minuteText } from './dates.ts'
import { type Evaluation, evaluate } from './evaluate.ts'
import type { ReportFold } from './fold.ts'
import { type GroupCounts, NO_COUNTS, statisticsOf } from './statistics.ts'

const DAY_MS = 86_400_000

/** What a report knows of a trigger's configuration. */
export type ReportedTrigger = Pick<TriggerSpec, 'id' | 'channel' | 'verdict'> &
  Partial<Pick<TriggerSpec, 'loop' | 'action'>>

/** What a report is made of. */
export interface ReportRequest {
  readonly name: string
  readonly kind: string
  readonly zone: string
  readonly fromMs: number
  readonly toMs: number
  readonly madeAtMs: number
  /** Triggers in force; those that only the decisions know are added. */
  readonly triggers: readonly ReportedTrigger[]
  /** Ids that are told of; null: all. */
  readonly asked: readonly string[] | null
  /** Deliveries that workers still have planned for this stretch; null: not known. */
  readonly planned: number | null
}

/** Figures of one trigger. */
export interface TriggerFigures {
  readonly trigger: string
  readonly channels: readonly string[]
  readonly counts: GroupCounts
  readonly suppressedBy: Readonly<Record<string, number>>
  readonly evaluation: Evaluation
}

/** Counts of one local day. */
export interface DayFigures {
  readonly day: string
  readonly counts: GroupCounts
}

/** A report as published, as JSON. Instants are ms since the epoch; days and minutes are local. */
export interface ReportDocument {
  readonly v: 1
  readonly name: string
  readonly kind: string
  readonly zone: string
  readonly from: string
  readonly to: string
  readonly fromMs: number
  readonly toMs: number
  readonly madeAtMs: number
  readonly madeAt: string
  readonly planned: number | null
  /** Decisions that OUT no longer held when they were to be read: the figures lack them. */
  readonly missingDecisions: number
  readonly triggers: readonly TriggerFigures[]
  readonly days: readonly DayFigures[]
}

/** Makes a report of what was folded so far. */
export function reportOf(fold: ReportFold, request: ReportRequest): ReportDocument {
  const { fromMs, toMs, asked } = request
  const { clock } = fold
  const configured = new Map(request.triggers.map((trigger) => [trigger.id, trigger]))
  const only = asked === null ? null : new Set(asked)
  const channelOf = (trigger: string) => configured.get(trigger)?.channel ?? ''
  const query = { fromMs, toMs, triggers: only, channelOf }
  const byTrigger = statisticsOf(fold, { ...query, by: ['trigger'] })
  const byChannel = statisticsOf(fold, { ...query, by: ['trigger', 'channel'] })
  const rows = new Map(byTrigger.map((row) => [row.words.trigger!, row]))
  const ids = asked ?? [...new Set([...configured.keys(), ...rows.keys()])].sort()
  let missingDecisions = 0
  for (const { missing } of fold.positions.values()) missingDecisions += missing
  return {
    v: 1,
    name: request.name,
    kind: request.kind,
    zone: request.zone,
    from: minuteText(clock, fromMs),
    to: minuteText(clock, toMs),
    fromMs,
    toMs,
    madeAtMs: request.madeAtMs,
    madeAt: minuteText(clock, request.madeAtMs),
    planned: request.planned,
    missingDecisions,
    triggers: ids.map((trigger) => {
      const row = rows.get(trigger) ?? NO_COUNTS
      const verdict = configured.get(trigger)?.verdict ?? null
      const channels = byChannel.filter(({ words }) => words.trigger === trigger)
      return {
        trigger,
        channels: channels.map(({ words }) => words.channel!).filter((name) => name !== ''),
        counts: row.counts,
        suppressedBy: row.suppressedBy,
        evaluation: evaluate(fold, trigger, verdict, fromMs, toMs),
      }
    }),
    days: daysOf(fold, query),
  }
}

function daysOf(
  fold: ReportFold,
  query: Omit<Parameters<typeof statisticsOf>[1], 'by'>,
): readonly DayFigures[] {
  const rows = new Map(
    statisticsOf(fold, { ...query, by: ['day'] }).map((row) => [row.words.day!, row]),
  )
  const known = [...rows.keys()]
  const [first, last] = [known[0], known.at(-1)]
  if (first === undefined || last === undefined) return []
  const days: DayFigures[] = []
  // Days on which nothing happened belong into a plot, too.
  for (let day = Date.parse(first) / DAY_MS; day <= Date.parse(last) / DAY_MS; day++) {
    const text = dayText(day)
    days.push({ day: text, counts: (rows.get(text) ?? NO_COUNTS).counts })
  }
  return days
}
