/**
 * `npm run bench -- plot FILE… [--out FILE]`: figures of earlier runs (`--json`, one object per
 * line) as one SVG. Figures that several files share are runs of the same: their median is drawn,
 * and how far they lie apart.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { type MachineDescription, machineLine } from './machine-description.ts'
import { drawBars, drawHead, drawLine, drawSheet, type Piece } from './plot-drawing.ts'
import { type BenchResult, formatValue, medianOf } from './report.ts'

/** Where the plot goes unless `--out` says otherwise. */
export const PLOT_FILE = 'bench/figures.svg'

/** What the lines of a bench's JSON say. */
export interface Figures {
  readonly machine: MachineDescription | null
  readonly results: readonly BenchResult[]
}

/** Draws the figures of some files into another. Throws RangeError when there are none. */
export function plotFiles(paths: readonly string[], outFile: string): void {
  const figures = readFigures(paths.map((path) => readFileSync(path, 'utf8')))
  if (figures.results.length === 0) throw new RangeError('no figures: plot FILE… (bench … --json)')
  writeFileSync(outFile, plotSvg(figures))
}

/**
 * Reads JSON lines, each text those of one run; other lines (npm's own) are passed over. The last
 * machine counts.
 */
export function readFigures(texts: readonly string[]): Figures {
  let machine: MachineDescription | null = null
  const byKey = new Map<string, BenchResult[]>()
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (!line.startsWith('{')) continue
    const value = JSON.parse(line) as BenchResult | { machine: MachineDescription }
    if ('machine' in value) {
      machine = value.machine
      continue
    }
    const key = JSON.stringify([value.bench, value.metric, value.against, value.at])
    byKey.set(key, [...(byKey.get(key) ?? []), value])
  }
  return { machine, results: [...byKey.values()].map(merge) }
}

function merge(runs: readonly BenchResult[]): BenchResult {
  const [first] = runs
  if (runs.length === 1) return first!
  const low = Math.min(...runs.map((run) => run.low ?? run.value))
  const high = Math.max(...runs.map((run) => run.high ?? run.value))
  const ratios = runs.flatMap(({ ratio }) => (ratio === undefined ? [] : [ratio]))
  const merged = { ...first!, value: medianOf(runs.map(({ value }) => value)).value, low, high }
  const count = runs.reduce((sum, run) => sum + (run.runs ?? 1), 0)
  const ratio = ratios.length === 0 ? {} : { ratio: medianOf(ratios).value }
  return { ...merged, runs: count, ...ratio }
}

/**
 * The figures as an SVG of fixed width, readable on light and on dark: per bench and unit bars from
 * zero, in groups of what is compared with one another, each group to its own scale; what was
 * varied (`at`) as lines. Figures that are neither rates nor times nor compared are left out.
 */
export function plotSvg({ machine, results }: Figures): string {
  const pieces: Piece[] = []
  for (const bench of new Set(results.map((result) => result.bench))) {
    const own = results.filter((result) => result.bench === bench)
    const bars = own.filter((result) => result.at === undefined && isWorthABar(result, own))
    for (const unit of new Set(bars.map((result) => result.unit))) {
      pieces.push(drawHead(`${bench}, ${unit}`))
      const groups = groupsOf(bars.filter((result) => result.unit === unit))
      pieces.push(...groups.map((group) => drawBars(group.map(barOf))))
    }
    const lines = own.filter(({ at }) => at !== undefined)
    for (const metric of new Set(lines.map((result) => `${result.metric} by ${result.at!.name}`))) {
      const points = lines.filter((result) => `${result.metric} by ${result.at!.name}` === metric)
      pieces.push(drawHead(`${bench}: ${metric}, ${points[0]!.unit}`))
      pieces.push(drawLine(points.map(({ at, value }) => ({ x: at!.value, y: value }))))
    }
  }
  return drawSheet(pieces, machine === null ? '' : machineLine(machine))
}

function isWorthABar(result: BenchResult, all: readonly BenchResult[]): boolean {
  if (result.ratio !== undefined || /\/s$|^m?s$/.test(result.unit)) return true
  return all.some(({ against }) => against === result.metric)
}

/** Figures that one comparison or a chain of them joins, in their order; then all others. */
function groupsOf(results: readonly BenchResult[]): BenchResult[][] {
  const groups: BenchResult[][] = []
  const alone: BenchResult[] = []
  const isJoined = (one: BenchResult, other: BenchResult): boolean =>
    one.metric === other.metric || one.against === other.metric || other.against === one.metric
  const left = [...results]
  for (let first = left.shift(); first !== undefined; first = left.shift()) {
    const group = [first]
    for (const each of group) {
      for (const other of left.filter((result) => isJoined(each, result))) {
        group.push(other)
        left.splice(left.indexOf(other), 1)
      }
    }
    if (group.length === 1) alone.push(first)
    else groups.push(group)
  }
  return alone.length === 0 ? groups : [...groups, alone]
}

function barOf(result: BenchResult): Parameters<typeof drawBars>[0][number] {
  const { metric, value, low = value, high = value, ratio, against } = result
  const compared = ratio === undefined ? '' : ` = ${ratio.toFixed(2)} × ${against}`
  const isReference = metric.startsWith('reference.')
  return { label: metric, value, low, high, text: formatValue(value) + compared, isReference }
}
