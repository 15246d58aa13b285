/** S1 as a whole virtual month on real parts, beside a naive model that hears the same messages. */

import { decode } from '@msgpack/msgpack'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { PrivateStage, SCENARIOS_DIRECTORY } from '../../src/commands/private-stage.ts'
import { readPeople } from '../../src/commands/scenario.ts'
import { SCENARIO_ZONE, SCENARIO_ZONE_OFFSET_MS } from '../../src/commands/scenario/people.ts'
import { type RunOutcome, runScenario } from '../../src/commands/scenario/run.ts'
import { SCENARIO_TICK_WRITER, type StoryMessage } from '../../src/commands/scenario/story.ts'
import type { Screen } from '../../src/commands/screen.ts'
import { loadConfigDirectory } from '../../src/config/load.ts'
import { REJECT_REASONS } from '../../src/model/reject.ts'
import type { SaidDecision } from '../../src/model/said.ts'
import { reportOf, type ReportDocument } from '../../src/report/document.ts'
import { FOLD_BOUNDS, ReportFold } from '../../src/report/fold.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { ZoneClock } from '../../src/state/zone.ts'
import {
  DataPackMonth,
  type MonthOutcome,
  type MonthTrigger,
} from '../support/naive/data-pack-month.ts'
import { recordsOfColumns } from '../support/usage-columns.ts'

const SCENARIO = 'S1-data-pack'
const TRIGGERS: readonly MonthTrigger[] = ['data-pack', 'data-pack-later']
/** Differences of a list that are named. */
const NAMED_MAX = 5

/** What is played. */
export interface MonthOptions {
  readonly subscriberCount: number
  readonly days: number | null
  readonly seed: number
  /** Segments of a day above which the administrator is warned; null: as configured. */
  readonly maximumSegments: number | null
}

/** How it ended. */
export interface MonthResult {
  readonly outcome: RunOutcome
  readonly report: ReportDocument
  readonly seeds: { readonly candidates: number; readonly taken: number }
  readonly warnedDays: readonly string[]
  /** What is not as the naive model has it; empty: all is equal. */
  readonly differences: readonly string[]
}

type Said = Pick<MonthOutcome, 'delivered' | 'refused'>

/** Plays the month; the folder and the servers of its own are gone when it ends. */
export async function playMonth(options: MonthOptions, screen: Screen): Promise<MonthResult> {
  const { subscriberCount, seed } = options
  const plan = await readPeople(SCENARIO)
  const days = options.days ?? plan.days
  const startMs = Date.parse(`${plan.startDay}T00:00:00Z`) - SCENARIO_ZONE_OFFSET_MS
  const { files } = await loadConfigDirectory(join(SCENARIOS_DIRECTORY, SCENARIO))
  const { catalog } = parseCatalog(files)
  const maximum = catalog.reporting.watch!.dailyMaximum!
  const segments = options.maximumSegments ?? maximum.segments
  const watch = { ...catalog.reporting.watch!, dailyMaximum: { ...maximum, segments } }
  const watched = { ...catalog, reporting: { ...catalog.reporting, watch } }
  const fold = new ReportFold(new ZoneClock(SCENARIO_ZONE), {
    ...FOLD_BOUNDS,
    cohortDays: days + 1,
  })
  const model = new DataPackMonth(startMs, segments)
  const said = new Map<MonthTrigger, Said>(
    TRIGGERS.map((trigger) => [trigger, { delivered: [], refused: [] }]),
  )
  const stage = await PrivateStage.create({
    ...{ name: 'month', scenario: SCENARIO, tickWriter: SCENARIO_TICK_WRITER, startMs },
    recordsExpected: subscriberCount * days * 2,
    settings: ['rules: { exclude: [simulation] }'],
  })
  try {
    const outcome = await runScenario(
      {
        ...{ plan, catalog: watched, seed, subscriberCount, days, fold },
        recipients: { manager: [13_700_000_001], administrator: [13_700_000_009] },
        isImporting: false,
        onMessage: (message) => tell(model, message),
        onDecision: (decision) => note(said, decision),
      },
      stage,
      screen,
      new AbortController().signal,
    )
    const report = reportOf(fold, {
      ...{ name: SCENARIO, kind: 'asked', zone: SCENARIO_ZONE, planned: null },
      ...{ fromMs: startMs, toMs: outcome.endMs + 1, madeAtMs: outcome.endMs },
      ...{ triggers: catalog.triggers, asked: TRIGGERS },
    })
    const segment = outcome.worker.view().segments.find((each) => each.segment === 'seed')!
    return {
      outcome,
      report,
      seeds: { candidates: segment.total?.candidates ?? 0, taken: segment.total?.taken ?? 0 },
      warnedDays: warnedDays(outcome),
      differences: differencesOf(model, report, said, outcome),
    }
  } finally {
    await stage.strike(false)
  }
}

/** A published message as plain objects, read with a MessagePack library alone. */
function tell(model: DataPackMonth, { subject, data }: StoryMessage): void {
  const wire = decode(data) as Record<string, unknown>
  const [kind] = subject.split('.')
  if (kind === 'control') model.tick(wire.time as number)
  else if (kind === 'usage') for (const record of recordsOfColumns(wire)) model.usage(record)
  else {
    for (const row of wire.rows as Parameters<DataPackMonth['profile' | 'feedback']>[0][]) {
      if (kind === 'profile') model.profile(row)
      else model.feedback(row as Parameters<DataPackMonth['feedback']>[0])
    }
  }
}

function note(said: ReadonlyMap<MonthTrigger, Said>, decision: SaidDecision): void {
  if (decision.kind === 'suppressed') {
    const { subscriber, reason, trigger } = decision
    said.get(trigger as MonthTrigger)?.refused.push(`${subscriber} ${reason}`)
  }
  if (decision.kind !== 'delivery' || decision.isCanary || decision.purpose !== null) return
  const { subscriber, notBeforeMs, trigger } = decision
  said.get(trigger as MonthTrigger)?.delivered.push(`${subscriber} ${notBeforeMs}`)
}

function differencesOf(
  model: DataPackMonth,
  report: ReportDocument,
  said: ReadonlyMap<MonthTrigger, Said>,
  outcome: RunOutcome,
): string[] {
  const found: string[] = []
  const compare = (what: string, ours: unknown, naive: unknown): void => {
    if (isDeepStrictEqual(ours, naive)) return
    found.push(`${what}: ${JSON.stringify(ours)}, naively ${JSON.stringify(naive)}`)
  }
  const view = outcome.worker.view()
  for (const [segment, members] of [
    ['seed', model.seeds],
    ['later', model.later],
  ] as const) {
    const taken = view.segments.find((each) => each.segment === segment)!.total?.taken ?? 0
    compare(`members of ${segment}`, taken, members.size)
  }
  for (const trigger of TRIGGERS) {
    const naive = model.outcomes[trigger]
    for (const what of ['delivered', 'refused'] as const) {
      const [only, lacking] = unlike(said.get(trigger)![what], naive[what])
      compare(`${trigger}: ${what}, not naively`, only, [])
      compare(`${trigger}: ${what} naively only`, lacking, [])
    }
    const figures = report.triggers.find((each) => each.trigger === trigger)!
    const { treated } = figures.evaluation
    compare(`${trigger}: suppressed`, figures.counts.suppressed, naive.refused.length)
    compare(`${trigger}: canaries`, figures.counts.canaries, naive.canaries)
    compare(`${trigger}: targets`, treated.targets, naive.targets.size)
    compare(`${trigger}: responders`, treated.responders, naive.responders.size)
    compare(`${trigger}: orderers`, treated.byReply, naive.orderers.size)
    compare(`${trigger}: opted out`, treated.optedOut, naive.optedOut.size)
    const { verdict } = figures.evaluation
    compare(`${trigger}: verdict`, verdict?.isGood ?? null, isGoodNaively(naive))
    if (trigger !== 'data-pack') continue
    const later = model.outcomes['data-pack-later']
    const isAccurate = rate(naive.orderers, naive.targets) > rate(later.orderers, later.targets)
    compare('choice of seeds', verdict?.against?.isAccurate ?? null, isAccurate)
  }
  const { unattributed = 0 } = rejectsOf(outcome)
  compare('replies of strangers', unattributed, model.unattributed)
  compare('warnings of the daily maximum', warnedDays(outcome), model.warnedDays)
  compare('reports to the manager', reportedDays(outcome), naiveReports(model, outcome))
  return found
}

function isGoodNaively({ targets, responders, orderers }: DataPackMonth['outcomes'][MonthTrigger]) {
  if (targets.size === 0) return null
  return responders.size * 20 > targets.size || orderers.size * 50 > targets.size
}

function rate(part: ReadonlySet<number>, whole: ReadonlySet<number>): number {
  return part.size / whole.size
}

/** Up to NAMED_MAX of each that the other lacks. */
function unlike(ours: readonly string[], naive: readonly string[]): [string[], string[]] {
  const [a, b] = [new Set(ours), new Set(naive)]
  const only = ours.filter((each) => !b.has(each)).slice(0, NAMED_MAX)
  return [only, naive.filter((each) => !a.has(each)).slice(0, NAMED_MAX)]
}

function rejectsOf(outcome: RunOutcome): { unattributed?: number } {
  const { rejects } = outcome.worker.view().statistics
  return { unattributed: rejects[REJECT_REASONS.indexOf('unattributed')] ?? 0 }
}

/** Local days of warnings, from their text. */
function warnedDays({ said }: RunOutcome): string[] {
  return said.flatMap(({ saying }) =>
    saying.kind === 'notice' && saying.to.includes('administrator')
      ? [saying.text.slice(0, 10)]
      : [],
  )
}

/** `2026-11-11 25`: how many the report of a day says were sent to. */
function reportedDays({ said }: RunOutcome): string[] {
  return said.flatMap(({ saying }) => {
    if (saying.kind !== 'notice' || !saying.to.includes('manager')) return []
    const match = /^(\S+): ([\d,]+) sent/.exec(saying.text)
    return match === null ? [] : [`${match[1]} ${match[2]!.replaceAll(',', '')}`]
  })
}

function naiveReports(model: DataPackMonth, outcome: RunOutcome): string[] {
  const days: string[] = []
  for (let atMs = outcome.startMs; atMs < outcome.endMs; atMs += 86_400_000) {
    const day = new Date(atMs + SCENARIO_ZONE_OFFSET_MS).toISOString().slice(0, 10)
    days.push(`${day} ${model.sentByDay.get(day) ?? 0}`)
  }
  return days
}
