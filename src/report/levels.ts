/** Levels of measures: the value of now, and where it stands among the bounds. */

import type { Level, LevelBound, MeasureSpec } from '../model/reporting.ts'
import type { ReportFold } from './fold.ts'
import { isAbove, isBelow } from './intervals.ts'
import { type GroupCounts, totalOf } from './statistics.ts'
import { percentText } from './text.ts'

const HOUR_MS = 3_600_000

/** A value as count of total, so that bounds are compared exactly. */
export type MeasuredValue = readonly [count: number, total: number]

/** What a look knows beside the counts. */
export interface Capacity {
  /** Segments sent today and planned for today. */
  readonly segments: number
  readonly maximum: number
}

/** The value of a measure at an instant; null: there is too little to judge. */
export function measure(
  fold: ReportFold,
  spec: MeasureSpec,
  atMs: number,
  capacity: Capacity | null,
): MeasuredValue | null {
  if (spec.kind === 'capacity') {
    return capacity === null ? null : [capacity.segments, capacity.maximum]
  }
  const { clock } = fold
  const day = clock.dayAt(atMs)
  const hourMs = clock.instantOf(day, Math.floor(clock.minuteAt(atMs) / 60) * 60)
  const hour = Math.floor(clock.minuteAt(atMs) / 60)
  // Compared with last week, the hour that has just begun would look like a slump.
  const untilMs = spec.isComparedWithLastWeek || spec.over === 'hour' ? hourMs : atMs
  const startDay = spec.over === 'week' ? day - 6 : day
  const fromMs = spec.over === 'hour' ? hourMs - HOUR_MS : clock.instantOf(startDay, 0)
  const now = takenOf(spec, countsOf(fold, spec, fromMs, untilMs))
  if (!spec.isComparedWithLastWeek) return now.base < spec.least ? null : now.value
  const beforeFromMs =
    spec.over === 'hour'
      ? clock.instantOf(day - 7, hour * 60) - HOUR_MS
      : clock.instantOf(startDay - 7, 0)
  const beforeUntilMs = clock.instantOf(day - 7, hour * 60)
  const before = takenOf(spec, countsOf(fold, spec, beforeFromMs, beforeUntilMs))
  if (before.base < spec.least || before.value[0] === 0) return null
  if (now.value[1] === 0) return null
  return [now.value[0] * before.value[1], now.value[1] * before.value[0]]
}

/** Where a value stands; the worst bound that it is beyond. */
export function levelOf(spec: MeasureSpec, value: MeasuredValue): Level {
  for (const level of ['alarm', 'warning', 'good'] as const) {
    const { bound } = spec.levels[level]
    if (bound !== null && isBeyond(bound, value)) return level
  }
  return 'normal'
}

/** A value in words, as its bounds are written. */
export function valueText(spec: MeasureSpec, [count, total]: MeasuredValue): string {
  if (spec.isComparedWithLastWeek) return `${percentText(count / total)} of last week`
  if (spec.kind === 'deliveries') return String(count)
  if (spec.kind === 'complaint') return `${((count / total) * 100_000).toFixed(1)} per 100,000`
  return percentText(count / total)
}

function isBeyond({ direction, value }: LevelBound, [count, total]: MeasuredValue): boolean {
  return direction === 'above' ? isAbove(count, total, value) : isBelow(count, total, value)
}

function countsOf(
  fold: ReportFold,
  { trigger }: MeasureSpec,
  fromMs: number,
  toMs: number,
): GroupCounts {
  return totalOf(fold, trigger === null ? null : new Set([trigger]), fromMs, toMs).counts
}

/** `base`: how many it is taken of, to be compared with `least`. */
function takenOf(
  { kind, isComparedWithLastWeek }: MeasureSpec,
  counts: GroupCounts,
): { readonly value: MeasuredValue; readonly base: number } {
  const { delivered, handedOver } = counts
  if (kind === 'deliveries') {
    // Their number is judged on days without any, too.
    return { value: [delivered, 1], base: isComparedWithLastWeek ? delivered : Infinity }
  }
  const of = {
    response: counts.responded,
    order: counts.orderedDirectly,
    complaint: counts.complained,
    'opt-out': counts.optedOut,
    failure: counts.failed,
    capacity: 0,
  }[kind]
  return { value: [of, handedOver], base: handedOver }
}
