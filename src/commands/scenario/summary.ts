/** What a scenario came to, for people and for machines. */

import type { Catalog } from '../../model/catalog.ts'
import { REJECT_REASONS } from '../../model/reject.ts'
import { localText } from '../demo-summary.ts'
import { fullCount, type Screen } from '../screen.ts'
import type { Funnel, FunnelFold } from './funnel.ts'
import type { RunOutcome } from './run.ts'

/** What the summary is made of. */
export interface ScenarioResult {
  readonly scenario: string
  readonly seed: number
  readonly subscriberCount: number
  readonly days: number
  readonly catalog: Catalog
  readonly outcome: RunOutcome
  readonly fold: FunnelFold
}

/** The summary as one object; names are promised to whoever reads `--json`. */
export interface ScenarioSummary {
  readonly scenario: string
  readonly seed: number
  readonly subscribers: number
  readonly days: number
  readonly is_whole: boolean
  readonly virtual_to: string
  readonly wall_seconds: number
  readonly records: number
  readonly rejected: Readonly<Record<string, number>>
  readonly decisions: number
  readonly pending: number
  readonly segments: readonly {
    readonly segment: string
    readonly version: number
    readonly candidates: number
    readonly taken: number
  }[]
  /** By trigger; candidates as the worker counted them. */
  readonly triggers: Readonly<Record<string, Funnel & { readonly candidates: number }>>
}

/** Puts a result into the summary's words. */
export function summariseScenario(result: ScenarioResult): ScenarioSummary {
  const { outcome, fold } = result
  const view = outcome.worker.view()
  const { statistics } = view
  const funnels = fold.funnels()
  const triggers = view.triggers.flatMap(({ id, candidates }) => {
    const funnel = funnels.get(id)
    return funnel === undefined ? [] : [[id, { candidates, ...funnel }] as const]
  })
  const rejected = REJECT_REASONS.flatMap((reason, code) => {
    const count = statistics.rejects[code] ?? 0
    return count === 0 ? [] : [[reason, count] as const]
  })
  return {
    scenario: result.scenario,
    seed: result.seed,
    subscribers: result.subscriberCount,
    days: result.days,
    is_whole: outcome.isWhole,
    virtual_to: localText(view.clockMs),
    wall_seconds: Math.round(outcome.wallMs / 100) / 10,
    records: outcome.records,
    rejected: Object.fromEntries(rejected),
    decisions: fold.decisions,
    pending: view.pendingTimers,
    segments: view.segments.map(({ segment, version, total }) => ({
      segment,
      version,
      candidates: total?.candidates ?? 0,
      taken: total?.taken ?? 0,
    })),
    triggers: Object.fromEntries(triggers),
  }
}

/** The summary for people. */
export function printScenario(screen: Screen, summary: ScenarioSummary): void {
  const line = (name: string, text: string): void => screen.say(`  ${name.padEnd(20)}${text}`)
  screen.say('')
  screen.say(summary.is_whole ? 'Summary' : 'Summary (ended before its last day did)')
  line('virtual time', `to ${summary.virtual_to}, ${summary.wall_seconds} s of ours`)
  line('usage records', fullCount(summary.records))
  line('decisions', fullCount(summary.decisions))
  if (summary.pending > 0) line('pending', fullCount(summary.pending))
  const rejected = countsText(summary.rejected)
  if (rejected !== '') line('refused', rejected)
  for (const { segment, version, candidates, taken } of summary.segments) {
    line(
      `segment ${segment}`,
      `${fullCount(taken)} of ${fullCount(candidates)}, version ${version}`,
    )
  }
  for (const [id, funnel] of Object.entries(summary.triggers)) printFunnel(screen, id, funnel)
}

function printFunnel(screen: Screen, id: string, funnel: Funnel & { candidates: number }): void {
  const line = (name: string, text: string): void => screen.say(`    ${name.padEnd(18)}${text}`)
  screen.say('')
  screen.say(`  ${id}`)
  line('candidates', fullCount(funnel.candidates))
  const suppressed = countsText(funnel.suppressed)
  if (suppressed !== '') line('suppressed', suppressed)
  if (funnel.holdouts > 0)
    line('held out', `${fullCount(funnel.holdouts)} (${fullCount(funnel.orderedAnyway)} ordered)`)
  if (funnel.shown > 0) line('shown', fullCount(funnel.shown))
  const span =
    funnel.delivered === 0 ? '' : `, ${localText(funnel.firstMs)} to ${localText(funnel.lastMs)}`
  line('delivered', `${fullCount(funnel.delivered)}${span}`)
  if (funnel.canaries > 0) line('canaries', fullCount(funnel.canaries))
  if (funnel.segments > 0) line('segments of SMS', fullCount(funnel.segments))
  line('handed over', `${fullCount(funnel.handedOver)}, failed ${fullCount(funnel.failed)}`)
  line('received', fullCount(funnel.received))
  const rate = (count: number): string =>
    funnel.targets === 0
      ? fullCount(count)
      : `${fullCount(count)} (${((100 * count) / funnel.targets).toFixed(2)} %)`
  line('responded', rate(funnel.responded))
  if (funnel.clicked > 0) line('clicked', rate(funnel.clicked))
  line('ordered', rate(funnel.ordered))
  line('opted out', rate(funnel.optedOut))
  const perHundredThousand = funnel.targets === 0 ? 0 : (funnel.complained * 1e5) / funnel.targets
  line(
    'complained',
    `${fullCount(funnel.complained)} (${Math.round(perHundredThousand)} per 100,000)`,
  )
}

function countsText(map: Readonly<Record<string, number>>): string {
  return Object.entries(map)
    .sort(([, left], [, right]) => right - left)
    .map(([name, count]) => `${name} ${fullCount(count)}`)
    .join(', ')
}
