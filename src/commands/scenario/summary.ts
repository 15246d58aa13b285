/** What a scenario came to, for people and for machines. */

import { REJECT_REASONS } from '../../model/reject.ts'
import type { ReportDocument } from '../../report/document.ts'
import { reportLines } from '../../report/text.ts'
import { localText } from '../demo-summary.ts'
import { fullCount, type Screen } from '../screen.ts'
import type { RunOutcome } from './run.ts'

/** What the summary is made of. */
export interface ScenarioResult {
  readonly scenario: string
  readonly seed: number
  readonly subscriberCount: number
  readonly days: number
  readonly outcome: RunOutcome
  readonly report: ReportDocument
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
  readonly decisions: number
  readonly pending: number
  /** Messages and reports refused, by reason; replies of strangers are `unattributed`. */
  readonly rejected: Readonly<Record<string, number>>
  /** Asked for on request: questions, offers shown, offers taken. */
  readonly requests: RunOutcome['requests']
  /** What the watch said to the operator's people, and published: reports, levels, warnings. */
  readonly said: readonly { readonly at: string; readonly to: string; readonly text: string }[]
  readonly segments: readonly {
    readonly segment: string
    readonly version: number
    readonly candidates: number
    readonly taken: number
  }[]
  /** Funnel and verdict of every trigger, as `highwater report --json` has them. */
  readonly report: ReportDocument
}

/** Messages of the watch that are shown. */
const SAID_MAX = 12

/** Puts a result into the summary's words. */
export function summariseScenario(result: ScenarioResult): ScenarioSummary {
  const { outcome } = result
  const view = outcome.worker.view()
  const rejected = REJECT_REASONS.flatMap((reason, code) => {
    const count = view.statistics.rejects[code] ?? 0
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
    decisions: view.decisionNumber,
    pending: view.pendingTimers,
    rejected: Object.fromEntries(rejected),
    requests: outcome.requests,
    said: outcome.said.map(({ atMs, saying }) => ({
      at: localText(atMs),
      to: saying.kind === 'notice' ? saying.to.join(', ') : saying.subject,
      text: saying.kind === 'notice' ? saying.text : '',
    })),
    segments: view.segments.map(({ segment, version, total }) => ({
      segment,
      version,
      candidates: total?.candidates ?? 0,
      taken: total?.taken ?? 0,
    })),
    report: result.report,
  }
}

/** The summary for people. */
export function printScenario(screen: Screen, summary: ScenarioSummary): void {
  const line = (name: string, text: string): void => screen.say(`  ${name.padEnd(24)}${text}`)
  screen.say('')
  screen.say(summary.is_whole ? 'Summary' : 'Summary (ended before its last day did)')
  line('virtual time', `to ${summary.virtual_to}, ${summary.wall_seconds} s of ours`)
  line('usage records', fullCount(summary.records))
  line('decisions', fullCount(summary.decisions))
  if (summary.pending > 0) line('pending', fullCount(summary.pending))
  const rejected = Object.entries(summary.rejected)
  if (rejected.length > 0) {
    line('refused', rejected.map(([reason, count]) => `${reason} ${fullCount(count)}`).join(', '))
  }
  const { asked, shown, accepted } = summary.requests
  if (asked > 0) {
    line('asked for offers', `${fullCount(asked)}: ${fullCount(shown)} shown, ${accepted} taken`)
  }
  for (const { segment, version, candidates, taken } of summary.segments) {
    const members = `${fullCount(taken)} of ${fullCount(candidates)}`
    line(`segment ${segment}`, version === 0 ? 'never selected' : `${members}, version ${version}`)
  }
  printSaid(screen, summary.said)
  screen.say('')
  for (const text of reportLines(summary.report)) screen.say(text)
}

/** The first and the last messages of the watch; how often it published on which subject. */
function printSaid(screen: Screen, said: ScenarioSummary['said']): void {
  if (said.length === 0) return
  const published = new Map<string, number>()
  const messages = said.filter(({ text }) => text !== '')
  for (const { to, text } of said) {
    if (text === '') published.set(to, (published.get(to) ?? 0) + 1)
  }
  screen.say('')
  screen.say('Watch')
  for (const [subject, count] of published) screen.say(`  ${subject.padEnd(24)}${count}`)
  const shown = messages.length <= SAID_MAX ? messages : messages.slice(-SAID_MAX)
  if (shown.length < messages.length) {
    screen.say(`  the last ${SAID_MAX} of ${messages.length} messages:`)
  }
  for (const { at, to, text } of shown) screen.say(`  ${at} to ${to}: ${text}`)
}
