/** Plots as SVG, made here: no script, no font, no colour but those of the page's style. */

import { countText, percentText } from './text.ts'

/** Text that may stand between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** A bar with its label; `isMinor`: not part of the way through, as a suppression's reason. */
export interface Bar {
  readonly label: string
  readonly count: number
  readonly isMinor?: boolean
}

const WIDTH = 640
const LABEL_WIDTH = 170
const COUNT_WIDTH = 150
const BAR_HEIGHT = 18
const BAR_STEP = 24

/** Bars below one another, as long as their share of the longest; each with its count. */
export function barsSvg(title: string, bars: readonly Bar[], base: number): string {
  const room = WIDTH - LABEL_WIDTH - COUNT_WIDTH
  const longest = Math.max(1, ...bars.map(({ count }) => count))
  const rows = bars.map(({ label, count, isMinor = false }, index) => {
    const y = index * BAR_STEP
    const width = Math.max(count > 0 ? 1 : 0, (count / longest) * room)
    const share = base > 0 ? ` · ${percentText(count / base)}` : ''
    return (
      `<text class="label" x="${LABEL_WIDTH - 8}" y="${y + 13}">${escapeHtml(label)}</text>` +
      `<rect class="${isMinor ? 'minor' : 'bar'}" x="${LABEL_WIDTH}" y="${y}" width="${round(width)}" height="${BAR_HEIGHT}" rx="2"/>` +
      `<text class="count" x="${round(LABEL_WIDTH + width + 6)}" y="${y + 13}">${countText(count)}${share}</text>`
    )
  })
  return svg(title, bars.length * BAR_STEP, rows.join(''))
}

/** A share with its interval, on one scale with the others. */
export interface IntervalMark {
  readonly label: string
  readonly share: number
  readonly low: number
  readonly high: number
  /** A line to compare with; null: none. */
  readonly threshold: number | null
}

/** Shares as points with their intervals, all on one scale that begins at 0. */
export function intervalsSvg(title: string, marks: readonly IntervalMark[]): string {
  const room = WIDTH - LABEL_WIDTH - COUNT_WIDTH
  const widest = Math.max(
    0.001,
    ...marks.map(({ high, threshold }) => Math.max(high, threshold ?? 0)),
  )
  const least = Math.min(0, ...marks.map(({ low }) => low))
  const xOf = (share: number) => round(LABEL_WIDTH + ((share - least) / (widest - least)) * room)
  const rows = marks.map(({ label, share, low, high, threshold }, index) => {
    const y = index * BAR_STEP + 9
    const line =
      threshold === null
        ? ''
        : `<line class="threshold" x1="${xOf(threshold)}" x2="${xOf(threshold)}" y1="${y - 9}" y2="${y + 9}"/>`
    return (
      `<text class="label" x="${LABEL_WIDTH - 8}" y="${y + 4}">${escapeHtml(label)}</text>` +
      `<line class="interval" x1="${xOf(low)}" x2="${xOf(high)}" y1="${y}" y2="${y}"/>` +
      `<circle class="bar" cx="${xOf(share)}" cy="${y}" r="4"/>${line}` +
      `<text class="count" x="${xOf(Math.max(high, threshold ?? high)) + 8}" y="${y + 4}">${percentText(share)}</text>`
    )
  })
  const zero = `<line class="axis" x1="${xOf(0)}" x2="${xOf(0)}" y1="0" y2="${marks.length * BAR_STEP}"/>`
  return svg(title, marks.length * BAR_STEP, zero + rows.join(''))
}

/** One line of a plot over days; `style` is one of the page's. */
export interface Series {
  readonly label: string
  readonly style: 'first' | 'second' | 'third'
  readonly values: readonly number[]
}

const PLOT_HEIGHT = 160
const PLOT_TOP = 24
const PLOT_LEFT = 64

/** Lines over days, one scale for all. */
export function linesSvg(
  title: string,
  days: readonly string[],
  series: readonly Series[],
): string {
  const most = niceCeiling(Math.max(1, ...series.flatMap(({ values }) => values)))
  const room = WIDTH - PLOT_LEFT - 16
  const step = days.length > 1 ? room / (days.length - 1) : 0
  const xOf = (index: number) => round(PLOT_LEFT + (days.length > 1 ? index * step : room / 2))
  const yOf = (value: number) => round(PLOT_TOP + PLOT_HEIGHT * (1 - value / most))
  const grid = [0, 0.5, 1].map((part) => {
    const y = yOf(most * part)
    return (
      `<line class="axis" x1="${PLOT_LEFT}" x2="${WIDTH - 16}" y1="${y}" y2="${y}"/>` +
      `<text class="label" x="${PLOT_LEFT - 8}" y="${y + 4}">${countText(most * part)}</text>`
    )
  })
  const every = Math.max(1, Math.ceil(days.length / 8))
  const ticks = days.map((day, index) =>
    index % every === 0
      ? `<text class="tick" x="${xOf(index)}" y="${PLOT_TOP + PLOT_HEIGHT + 18}">${escapeHtml(day.slice(5))}</text>`
      : '',
  )
  const lines = series.map(({ style, values }) => {
    const points = values.map((value, index) => `${xOf(index)},${yOf(value)}`)
    const dots =
      values.length > 60
        ? []
        : values.map((value, index) => {
            return `<circle class="dot-${style}" cx="${xOf(index)}" cy="${yOf(value)}" r="3"/>`
          })
    return `<polyline class="line-${style}" points="${points.join(' ')}"/>${dots.join('')}`
  })
  const names = series.map(({ label, style }, index) => {
    const x = PLOT_LEFT + index * 130
    return `<circle class="dot-${style}" cx="${x + 5}" cy="8" r="4"/><text class="count" x="${x + 14}" y="12">${escapeHtml(label)}</text>`
  })
  const height = PLOT_TOP + PLOT_HEIGHT + 28
  return svg(title, height, [...grid, ...ticks, ...lines, ...names].join(''))
}

function svg(title: string, height: number, content: string): string {
  const name = escapeHtml(title)
  return `<svg role="img" viewBox="0 0 ${WIDTH} ${height}" aria-label="${name}"><title>${name}</title>${content}</svg>`
}

/** The next of 1, 2, 5, 10, 20, …: ends of scales that can be read. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 5].find((factor) => factor * power >= value) ?? 10)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
