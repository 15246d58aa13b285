/** Shapes of a plot: pieces of SVG stacked from top to bottom, their colours by style. */

/** A piece of a sheet: its height in pixels and its elements, drawn from 0 down. */
export interface Piece {
  readonly height: number
  readonly elements: readonly string[]
}

/** A bar from zero; `low` and `high` are the ends of its spread. */
export interface Bar {
  readonly label: string
  readonly value: number
  readonly low: number
  readonly high: number
  readonly text: string
  /** What others are compared with is drawn paler. */
  readonly isReference: boolean
}

/** A point of a line; `x` above 0, since its axis is logarithmic. */
export interface Point {
  readonly x: number
  readonly y: number
}

const WIDTH = 960
const LABEL_WIDTH = 330
const BAR_WIDTH = 250
const ROW_HEIGHT = 20
const LINE_HEIGHT = 150
const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #24292f }
.head { font-weight: 600; font-size: 13px }
.dim { fill: #57606a }
.bar, .dot { fill: #0969da }
.reference { fill: #afb8c1 }
.line { fill: none; stroke: #0969da; stroke-width: 2 }
.spread, .axis { stroke: #57606a; stroke-width: 1 }
.sheet { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .dim { fill: #9198a1 }
  .bar, .dot { fill: #4493f8 }
  .reference { fill: #59636e }
  .line { stroke: #4493f8 }
  .spread, .axis { stroke: #9198a1 }
  .sheet { fill: #0d1117 }
}
`

/** A title. */
export function drawHead(title: string): Piece {
  return { height: 30, elements: [textAt(12, 22, title, 'head')] }
}

/** Bars one below the other, all of one unit. */
export function drawBars(bars: readonly Bar[]): Piece {
  const longest = Math.max(...bars.map(({ value, high }) => Math.max(value, high)))
  const scaled = (value: number): number =>
    longest > 0 ? Math.round((Math.max(value, 0) / longest) * BAR_WIDTH * 10) / 10 : 0
  const elements = bars.flatMap(({ label, value, low, high, text, isReference }, row) => {
    const top = row * ROW_HEIGHT + 3
    const middle = top + 7
    const [from, to] = [LABEL_WIDTH + scaled(low), LABEL_WIDTH + scaled(high)]
    const kind = isReference ? 'reference' : 'bar'
    return [
      textAt(LABEL_WIDTH - 8, top + 11, label, isReference ? 'dim' : '', 'end'),
      `<rect class="${kind}" x="${LABEL_WIDTH}" y="${top}" width="${scaled(value)}" height="14"/>`,
      ...(low < high
        ? [
            `<path class="spread" d="M${from} ${middle}H${to}M${from} ${top + 4}v6M${to} ${top + 4}v6"/>`,
          ]
        : []),
      textAt(Math.max(to, LABEL_WIDTH + scaled(value)) + 8, top + 11, text),
    ]
  })
  return { height: bars.length * ROW_HEIGHT + 6, elements }
}

/** A line through points over a logarithmic axis, its height from zero. */
export function drawLine(points: readonly Point[]): Piece {
  const sorted = [...points].sort((a, b) => a.x - b.x)
  const highest = Math.max(...sorted.map(({ y }) => y))
  const [first, last] = [Math.log(sorted[0]!.x), Math.log(sorted.at(-1)!.x)]
  const bottom = LINE_HEIGHT - 28
  const width = WIDTH - 160
  const placed = sorted.map(({ x, y }) => ({
    left: Math.round(60 + (last > first ? (Math.log(x) - first) / (last - first) : 0.5) * width),
    top: Math.round(bottom - (highest > 0 ? y / highest : 0) * (bottom - 20)),
  }))
  const elements = [
    `<path class="axis" d="M40 ${bottom}H${WIDTH - 80}"/>`,
    `<polyline class="line" points="${placed.map(({ left, top }) => `${left},${top}`).join(' ')}"/>`,
    ...placed.flatMap(({ left, top }, index) => [
      `<circle class="dot" cx="${left}" cy="${top}" r="3.5"/>`,
      textAt(left, top - 8, shortened(sorted[index]!.y), '', 'middle'),
      textAt(left, bottom + 16, shortened(sorted[index]!.x), 'dim', 'middle'),
    ]),
  ]
  return { height: LINE_HEIGHT, elements }
}

/** The whole picture, with a line at its foot. */
export function drawSheet(pieces: readonly Piece[], foot: string): string {
  let top = 4
  const groups = pieces.map(({ height, elements }) => {
    const group = `<g transform="translate(0 ${top})">\n${elements.join('\n')}\n</g>`
    top += height
    return group
  })
  const height = top + 30
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>Figures of the benches</title>
<style>${STYLE}</style>
<rect class="sheet" width="${WIDTH}" height="${height}"/>
${groups.join('\n')}
${textAt(12, height - 12, foot, 'dim')}
</svg>
`
}

function textAt(x: number, y: number, text: string, kind = '', anchor = 'start'): string {
  const style = kind === '' ? '' : ` class="${kind}"`
  const placed = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text x="${x}" y="${y}"${style}${placed}>${escapeXml(text)}</text>`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** 12000000 as 12M, 1500 as 1.5k. */
function shortened(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`
  return `${Number(value.toPrecision(3))}`
}
