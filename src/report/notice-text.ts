/** Texts to people: ours, or the configuration's with its words filled in. */

import type { LevelSpec, NoticeWord, ReportSpec } from '../model/reporting.ts'
import type { ReportDocument } from './document.ts'
import { percentText, verdictText } from './text.ts'

/** Words with their values; a word without one is a dash. */
export type NoticeValues = Readonly<Partial<Record<NoticeWord, string>>>

/** Longest text that a notice may be. */
const LENGTH_MAX = 700

/** Fills in a text: `{date}`; a brace of its own is written twice. */
export function fillNotice(text: string, values: NoticeValues): string {
  const filled = text.replaceAll(/\{\{|\}\}|\{([^{}]*)\}/g, (whole, word?: NoticeWord) => {
    if (word === undefined) return whole[0]!
    return values[word] ?? '-'
  })
  return filled.length <= LENGTH_MAX ? filled : `${filled.slice(0, LENGTH_MAX - 1)}…`
}

/** The text of a report that says none. */
export function reportText({ about }: ReportSpec): string {
  if (about === 'complaints') {
    return '{name} {date}: {complained} complaints of {targets} reached ({complaintRate})'
  }
  return (
    '{name} {date}: {targets} sent, {failed} failed, {responded} responded ({responseRate}), ' +
    '{ordered} ordered ({orderRate}), {optedOut} opted out, {complained} complained; {verdict}'
  )
}

/** The text of a level that says none: with what is to be done, as far as it is configured. */
export function levelText({ learn, mend, by }: LevelSpec): string {
  const parts = ['{level}: {name} is {value}']
  if (learn !== null) parts.push('Learn: {learn}')
  if (mend !== null) parts.push('Mend: {mend}')
  if (by !== null) parts.push('By: {by}')
  return parts.join('. ')
}

/** The text of the warning of the daily maximum. */
export const MAXIMUM_TEXT =
  'warning: {segments} segments sent and planned on {date}, the platform takes {maximum} a day'

/** What the words say of a report, over all its triggers; `date`: the day or days that it is of. */
export function reportValues(report: ReportDocument, date: string): NoticeValues {
  const { triggers } = report
  const sum = (of: (figures: (typeof triggers)[number]) => number): number =>
    triggers.reduce((total, figures) => total + of(figures), 0)
  const targets = sum(({ evaluation }) => evaluation.treated.targets)
  const responders = sum(({ evaluation }) => evaluation.response?.count ?? 0)
  const orderers = sum(({ evaluation }) => evaluation.order?.count ?? 0)
  const complained = sum(({ evaluation }) => evaluation.treated.complained)
  const share = (count: number) => percentText(targets === 0 ? null : count / targets)
  const judged = triggers.filter(({ evaluation }) => evaluation.verdict !== null)
  const verdicts = judged.map((figures) => {
    return judged.length === 1 ? verdictText(figures) : `${figures.trigger} ${verdictText(figures)}`
  })
  const count = (name: keyof (typeof triggers)[number]['counts']) =>
    String(sum(({ counts }) => counts[name]))
  return {
    name: report.name,
    date,
    from: report.from,
    to: report.to,
    triggers: triggers.map(({ trigger }) => trigger).join(', '),
    decided: count('decided'),
    delivered: count('delivered'),
    suppressed: count('suppressed'),
    planned: report.planned === null ? '-' : String(report.planned),
    targets: String(targets),
    failed: count('failed'),
    received: count('received'),
    responded: String(responders),
    clicked: count('clicked'),
    ordered: String(orderers),
    optedOut: count('optedOut'),
    complained: String(complained),
    responseRate: share(responders),
    orderRate: share(orderers),
    complaintRate:
      targets === 0 ? '-' : `${((complained / targets) * 100_000).toFixed(1)} per 100,000`,
    verdict: verdicts.length === 0 ? 'not judged' : verdicts.join('; '),
    segments: count('segments'),
  }
}
