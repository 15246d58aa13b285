/** Reports as text: lines for a terminal, one short line for a phone. */

import type { ReportDocument, TriggerFigures } from './document.ts'
import type { Rate } from './evaluate.ts'
import type { GroupCounts } from './statistics.ts'

/** `5.12 %`; a dash where there is nobody to take it of. */
export function percentText(share: number | null | undefined): string {
  return share === null || share === undefined ? '-' : `${(share * 100).toFixed(2)} %`
}

/** `12,345` */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** A verdict in a word or two. */
export function verdictText({ evaluation }: TriggerFigures): string {
  const { verdict } = evaluation
  if (verdict === null) return 'not judged'
  const words: string[] = []
  if (verdict.isGood !== null) words.push(verdict.isGood ? 'good' : 'not good')
  else words.push('no verdict: nobody was reached')
  const { against } = verdict
  if (against?.isAccurate === true) words.push(`better chosen than ${against.trigger}`)
  if (against?.isAccurate === false) words.push(`no better chosen than ${against.trigger}`)
  return words.join(', ')
}

/** The report for a terminal. */
export function reportLines(report: ReportDocument): string[] {
  const lines = [`${report.name}: ${report.from} to ${report.to}, ${report.zone}`]
  if (report.missingDecisions > 0) {
    const missing = countText(report.missingDecisions)
    lines.push(`  incomplete: OUT no longer held ${missing} decisions when it was read`)
  }
  if (report.triggers.length === 0) lines.push('  no trigger, no decisions')
  for (const figures of report.triggers) lines.push('', ...triggerLines(figures))
  return lines
}

function triggerLines(figures: TriggerFigures): string[] {
  const { trigger, channels, counts, suppressedBy, evaluation } = figures
  const { treated, control, uplift } = evaluation
  const over = channels.length === 0 ? '' : ` (${channels.join(', ')})`
  const lines = [`${trigger}${over}: ${verdictText(figures)}`]
  const say = (name: string, text: string) => lines.push(`  ${name.padEnd(16)}${text}`)
  for (const [name, label] of FUNNEL) say(label, countText(counts[name]).padStart(12))
  for (const [reason, count] of Object.entries(suppressedBy)) {
    say(`  ${reason}`, countText(count).padStart(12))
  }
  for (const [name, label] of APART) {
    if (counts[name] > 0) say(label, `${countText(counts[name]).padStart(12)}  in no rate`)
  }
  say('targets', `${countText(treated.targets)} distinct numbers handed over`)
  say('response rate', rateText(evaluation.response))
  say('order rate', rateText(evaluation.order))
  if (evaluation.complaintsPer100000 !== null) {
    say('complaint rate', `${evaluation.complaintsPer100000.toFixed(2)} per 100,000`)
  }
  if (uplift !== null) {
    const { low, high, difference } = uplift
    const interval = `95 %: ${percentText(low)} to ${percentText(high)}`
    const arms = `${percentText(uplift.treated.share)} of ${countText(treated.members)} against ${percentText(uplift.control.share)} of ${countText(control.members)} held out`
    say('uplift', `${percentText(difference)} (${interval}); ${arms}`)
  }
  return lines
}

function rateText(rate: Rate | null): string {
  if (rate === null) return '-'
  const { share, low, high, count } = rate
  return `${percentText(share)} (${countText(count)}; 95 %: ${percentText(low)} to ${percentText(high)})`
}

/** From candidates to complaints, with the words for people. */
export const FUNNEL: readonly (readonly [keyof GroupCounts, string])[] = [
  ['decided', 'decided'],
  ['suppressed', 'suppressed'],
  ['holdouts', 'held out'],
  ['delivered', 'delivered'],
  ['handedOver', 'handed over'],
  ['failed', 'failed'],
  ['expired', 'too late'],
  ['received', 'received'],
  ['responded', 'responded'],
  ['clicked', 'clicked'],
  ['ordered', 'ordered'],
  ['optedOut', 'opted out'],
  ['complained', 'complained'],
]

/** What is counted apart. */
export const APART: readonly (readonly [keyof GroupCounts, string])[] = [
  ['canaries', 'canaries'],
  ['tests', 'tests'],
  ['notices', 'notices'],
  ['confirmations', 'confirmations'],
  ['shown', 'shown'],
]
