/**
 * A report as one page: everything is in it, nothing is fetched, no script runs. Readable on dark
 * and on light, on a phone and on paper.
 */

import type { ReportDocument, TriggerFigures } from './document.ts'
import { barsSvg, escapeHtml, type IntervalMark, intervalsSvg, linesSvg } from './plots.ts'
import { APART, countText, FUNNEL, percentText, verdictText } from './text.ts'
import type { VerdictSpec } from '../model/reporting.ts'

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d5dae1;--page:#fff;--card:#f6f7f9;
--first:#2166ac;--second:#b2591a;--third:#3b7d3f;--minor:#9aa5b4;--good:#22712a;--bad:#a3281f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#a0abba;--line:#3a4452;--page:#12161c;
--card:#1b212a;--first:#6cb0ee;--second:#e8a05c;--third:#7fc583;--minor:#5d6877;--good:#7fd089;--bad:#f19288}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:60rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.6rem}h2{margin:0 0 .5rem;font-size:1.25rem}
h3{margin:1.25rem 0 .5rem;font-size:1rem;color:var(--soft);font-weight:600}
p{margin:.25rem 0}.soft{color:var(--soft)}
section{overflow-x:auto;margin:1.5rem 0;padding:1rem 1.25rem;background:var(--card);border-radius:.5rem}
.warning{border-left:.3rem solid var(--bad);padding:.5rem .75rem;background:var(--card)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--soft);font-weight:600}th:first-child,td:first-child{text-align:left}
th:last-child,td:last-child{text-align:left;white-space:normal;min-width:9rem}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
svg{display:block;width:100%;min-width:30rem;max-width:44rem;height:auto}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
.label{text-anchor:end;fill:var(--soft)!important}.tick{text-anchor:middle;fill:var(--soft)!important}
.bar{fill:var(--first)}.minor{fill:var(--minor)}.axis{stroke:var(--line)}
.interval{stroke:var(--first);stroke-width:2}.threshold{stroke:var(--second);stroke-width:2}
.line-first,.line-second,.line-third{fill:none;stroke-width:2}
.line-first{stroke:var(--first)}.line-second{stroke:var(--second)}.line-third{stroke:var(--third)}
.dot-first{fill:var(--first)}.dot-second{fill:var(--second)}.dot-third{fill:var(--third)}
@media print{body{max-width:none}section{break-inside:avoid}}
`

/** The page. `verdictOf`: what a trigger is judged by, for the lines in the plots. */
export function reportPage(
  report: ReportDocument,
  verdictOf: (trigger: string) => VerdictSpec | null,
): string {
  const title = escapeHtml(`${report.name}: ${report.from} to ${report.to}`)
  const sections = report.triggers.map((figures) => {
    return triggerSection(figures, verdictOf(figures.trigger))
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline'">
<style>${STYLE}</style></head><body>
<h1>${escapeHtml(report.name)}</h1>
<p class="soft">${escapeHtml(`${report.from} to ${report.to}, ${report.zone}; made ${report.madeAt}`)}</p>
${missingText(report)}${report.triggers.length === 0 ? '<p>No trigger, no decisions.</p>' : summaryTable(report)}
${daysSection(report)}${sections.join('\n')}
<p class="soft">Rates are of distinct numbers handed over to the gateway; canaries, tests, notices and confirmations are in none. Intervals are of 95 % (Wilson, Newcombe).</p>
</body></html>
`
}

function missingText({ missingDecisions }: ReportDocument): string {
  if (missingDecisions === 0) return ''
  const missing = countText(missingDecisions)
  return `<p class="warning">Incomplete: OUT no longer held ${missing} decisions when it was read.</p>`
}

function summaryTable({ triggers }: ReportDocument): string {
  const head = [
    'Trigger',
    'Decided',
    'Delivered',
    'Targets',
    'Responses',
    'Orders',
    'Complaints',
    'Verdict',
  ]
  const rows = triggers.map((figures) => {
    const { counts, evaluation } = figures
    const { treated, response, order, complaintsPer100000 } = evaluation
    const complaints =
      complaintsPer100000 === null ? '-' : `${complaintsPer100000.toFixed(1)} per 100,000`
    const cells = [
      escapeHtml(figures.trigger),
      countText(counts.decided),
      countText(counts.delivered),
      countText(treated.targets),
      percentText(response?.share),
      percentText(order?.share),
      complaints,
      verdictCell(figures),
    ]
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  })
  const heading = head.map((cell) => `<th scope="col">${cell}</th>`).join('')
  return `<section><h2>Summary</h2><div class="scroll"><table><thead><tr>${heading}</tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`
}

function verdictCell(figures: TriggerFigures): string {
  const isGood = figures.evaluation.verdict?.isGood
  const style = isGood === true ? 'good' : isGood === false ? 'bad' : 'soft'
  return `<span class="${style}">${escapeHtml(verdictText(figures))}</span>`
}

function daysSection({ days }: ReportDocument): string {
  if (days.length < 2) return ''
  const series = (
    label: string,
    style: 'first' | 'second' | 'third',
    name: 'delivered' | 'responded' | 'ordered',
  ) => ({
    label,
    style,
    values: days.map(({ counts }) => counts[name]),
  })
  const plot = linesSvg(
    'Deliveries, responses and orders by day',
    days.map(({ day }) => day),
    [
      series('delivered', 'first', 'delivered'),
      series('responded', 'third', 'responded'),
      series('ordered', 'second', 'ordered'),
    ],
  )
  return `<section><h2>By day</h2>${plot}</section>\n`
}

function triggerSection(figures: TriggerFigures, verdict: VerdictSpec | null): string {
  const { trigger, channels, counts, suppressedBy, evaluation } = figures
  const { treated, control, uplift } = evaluation
  const bars = FUNNEL.map(([name, label]) => ({ label, count: counts[name] }))
  const reasons = Object.entries(suppressedBy).map(([label, count]) => ({
    label,
    count,
    isMinor: true,
  }))
  const apart = APART.filter(([name]) => counts[name] > 0)
  const marks = intervalMarks(figures, verdict)
  const parts = [
    `<h2>${escapeHtml(trigger)} ${verdictCell(figures)}</h2>`,
    `<p class="soft">${escapeHtml(channels.join(', '))}; ${countText(treated.targets)} distinct numbers handed over</p>`,
    '<h3>Funnel</h3>',
    barsSvg(`Funnel of ${trigger}`, bars, counts.decided),
  ]
  if (reasons.length > 0) {
    parts.push(
      '<h3>Suppressed, by reason</h3>',
      barsSvg(`Suppressions of ${trigger}`, reasons, counts.decided),
    )
  }
  if (marks.length > 0) parts.push('<h3>Rates</h3>', intervalsSvg(`Rates of ${trigger}`, marks))
  if (uplift !== null) {
    const { difference, low, high } = uplift
    parts.push(
      `<p>Uplift ${percentText(difference)}, 95 %: ${percentText(low)} to ${percentText(high)}; ` +
        `${countText(treated.members)} treated, ${countText(control.members)} held out.</p>`,
    )
  }
  if (apart.length > 0) {
    const texts = apart.map(([name, label]) => `${countText(counts[name])} ${label}`)
    parts.push(`<p class="soft">In no rate: ${escapeHtml(texts.join(', '))}.</p>`)
  }
  return `<section>${parts.join('\n')}</section>`
}

function intervalMarks(
  { evaluation }: TriggerFigures,
  verdict: VerdictSpec | null,
): readonly IntervalMark[] {
  const marks: IntervalMark[] = []
  const { response, order, uplift } = evaluation
  if (response !== null) {
    marks.push({ label: 'response', ...response, threshold: verdict?.responseAbove ?? null })
  }
  if (order !== null) {
    marks.push({ label: 'order', ...order, threshold: verdict?.orderAbove ?? null })
  }
  if (uplift !== null) {
    marks.push({ label: 'orders of treated', ...uplift.treated, threshold: null })
    marks.push({ label: 'orders of control', ...uplift.control, threshold: null })
  }
  return marks
}
