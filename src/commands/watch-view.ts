/** What the watch shows: its fold, its machine and its voice, for HTTP and metrics. */

import type { StatisticsAnswer, StatisticsQuestion, WatchView } from '../model/watch-view.ts'
import { statisticsCsv } from '../report/csv.ts'
import { parseLocal } from '../report/dates.ts'
import { reportOf } from '../report/document.ts'
import type { ReportFold } from '../report/fold.ts'
import { DIMENSIONS, type Dimension, statisticsOf } from '../report/statistics.ts'
import type { WatchConfiguration, WatchMachine } from '../report/watch-machine.ts'
import type { WatchLoop } from './watch-loop.ts'
import type { WatchVoice } from './watch-voice.ts'

/** How long totals are shown before they are added up again. */
const TOTALS_AGE_MAX_MS = 5_000

/** What is shown. `loop` and `voice`: null before they run. */
export interface Watched {
  readonly version: string
  readonly partitionCount: number
  readonly fold: ReportFold
  readonly machine: WatchMachine
  readonly configuration: () => WatchConfiguration
  readonly loop: () => WatchLoop | null
  readonly voice: () => WatchVoice | null
}

/** The view of a watch. */
export function createWatchView(watched: Watched): WatchView {
  const { fold, machine } = watched
  let totals = { atMs: 0, rows: [] as { trigger: string; counts: Record<string, number> }[] }
  const instant = (text: string | undefined, fallback: number): number | null =>
    text === undefined ? fallback : parseLocal(text, fold.clock)
  const channelOf = (trigger: string): string =>
    watched.configuration().triggers.find(({ id }) => id === trigger)?.channel ?? ''
  return {
    version: watched.version,
    isReady: () => watched.loop()?.isReady ?? false,
    failure: () => watched.loop()?.failure ?? null,
    statistics: (question) => answer(fold, question, instant, channelOf),
    verdicts: (from, to) => {
      const [fromMs, toMs] = [instant(from, 0), instant(to, Number.MAX_SAFE_INTEGER)]
      if (fromMs === null || toMs === null) return { kind: 'unclear', message: INSTANT_ADVICE }
      const { zone, triggers } = watched.configuration()
      const days = fold.counts.days()
      const first = fold.clock.instantOf(days[0] ?? 0, 0)
      const last = fold.clock.instantOf((days.at(-1) ?? 0) + 1, 0)
      const span = { fromMs: Math.max(fromMs, first), toMs: Math.min(toMs, last) }
      const madeAtMs = machine.state.lookedAtMs ?? span.toMs
      const words = { name: 'verdicts', kind: 'asked', zone, planned: null, asked: null }
      return { kind: 'report', report: reportOf(fold, { ...words, ...span, madeAtMs, triggers }) }
    },
    measures: () =>
      Object.entries(machine.state.measures).map(([name, { level, sinceMs, value }]) => ({
        name,
        level,
        sinceMs,
        value: value === null || value[1] === 0 ? null : value[0] / value[1],
      })),
    partitions: () =>
      Array.from({ length: watched.partitionCount }, (_, partition) => {
        const { number, atMs, missing } = fold.positionOf(partition)
        return { partition, number, atMs, missing }
      }),
    totals: () => {
      if (Date.now() - totals.atMs > TOTALS_AGE_MAX_MS) {
        const span = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }
        const rows = statisticsOf(fold, { by: ['trigger'], ...span, triggers: null, channelOf })
        totals = {
          atMs: Date.now(),
          rows: rows.map(({ words, counts }) => ({ trigger: words.trigger!, counts })),
        }
      }
      return totals.rows
    },
    figures: () => {
      const { rows, size } = fold.cohorts.extent
      const { capacity } = machine
      return {
        rows: fold.counts.rowCount,
        cohortRows: rows,
        cohortBytes: size,
        unsaid: machine.state.unsaid.length,
        published: watched.voice()?.published ?? 0,
        notices: watched.voice()?.noticesSent ?? 0,
        looks: watched.loop()?.lookCount ?? 0,
        lookedAtMs: machine.state.lookedAtMs,
        capacitySegments: capacity?.segments ?? null,
        capacityMaximum: capacity?.maximum ?? null,
      }
    },
  }
}

const INSTANT_ADVICE = 'from and to are local days or minutes: 2026-11-20 or 2026-11-20T12:00.'

function answer(
  fold: ReportFold,
  { by, from, to, trigger }: StatisticsQuestion,
  instant: (text: string | undefined, fallback: number) => number | null,
  channelOf: (trigger: string) => string,
): StatisticsAnswer {
  const dimensions = by === '' ? [] : by.split(',')
  const unknown = dimensions.find((each) => !DIMENSIONS.includes(each as Dimension))
  if (unknown !== undefined || new Set(dimensions).size < dimensions.length) {
    const message = `by is some of ${DIMENSIONS.join(', ')}, each once, with commas between.`
    return { kind: 'unclear', message }
  }
  const [fromMs, toMs] = [instant(from, 0), instant(to, Number.MAX_SAFE_INTEGER)]
  if (fromMs === null || toMs === null) return { kind: 'unclear', message: INSTANT_ADVICE }
  const grouped = dimensions as readonly Dimension[]
  const triggers = trigger === undefined ? null : new Set([trigger])
  const groups = statisticsOf(fold, { by: grouped, fromMs, toMs, triggers, channelOf })
  return {
    kind: 'groups',
    groups: groups.map((group) => ({ ...group, words: group.words as Record<string, string> })),
    csv: () => statisticsCsv(grouped, groups),
  }
}
