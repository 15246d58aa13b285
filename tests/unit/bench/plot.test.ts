import { describe, expect, test } from 'vitest'
import { describeMachine } from '../../../bench/machine-description.ts'
import { plotSvg, readFigures } from '../../../bench/plot.ts'
import type { BenchResult } from '../../../bench/report.ts'

const fast: BenchResult = { bench: 'k', metric: 'fast', value: 200, unit: 'records/s' }
const slow: BenchResult = { ...fast, metric: 'slow', value: 50 }

describe('reading figures', () => {
  test('lines that are no figures are passed over, the last machine counts', () => {
    const machine = describeMachine()
    const texts = [
      `> highwater@1.0.0 bench\n${linesOf({ machine: { ...machine, cpu: 'old' } }, fast)}`,
      linesOf({ machine }, slow),
    ]
    expect(readFigures(texts)).toEqual({ machine, results: [fast, slow] })
  })

  test('the same figure in several files becomes its median with the widest spread', () => {
    const runs = [
      { ...fast, value: 3, low: 1, high: 4, runs: 5, ratio: 0.5, against: 'c' },
      { ...fast, value: 9, low: 8, high: 10, runs: 5, ratio: 0.7, against: 'c' },
      { ...fast, value: 4, ratio: 0.6, against: 'c' },
    ]
    const { results } = readFigures(runs.map((run) => linesOf(run)))
    const merged = { value: 4, low: 1, high: 10, runs: 11, ratio: 0.6, against: 'c' }
    expect(results).toEqual([{ ...fast, ...merged }])
  })

  test('points of a line are figures of their own', () => {
    const points = [1, 12].map((value) => ({ ...fast, at: { name: 'subscribers', value } }))
    expect(readFigures([linesOf(...points)]).results).toEqual(points)
  })
})

describe('the plot', () => {
  test('bars are as long as their share of the longest of their unit', () => {
    const other: BenchResult = { ...fast, metric: 'time', value: 7, unit: 'ms' }
    const svg = plotSvg({ machine: null, results: [fast, slow, other] })
    const widths = [...svg.matchAll(/class="bar".* width="([\d.]+)"/g)].map(([, width]) => width)
    expect(widths).toEqual(['250', '62.5', '250'])
  })

  test('what is compared with one another stands together, to its own scale', () => {
    const results = [
      { ...fast, metric: 'alone', value: 8_000 },
      { ...fast, ratio: 4, against: 'slow' },
      { ...fast, metric: 'other', value: 1 },
      slow,
    ]
    const svg = plotSvg({ machine: null, results })
    const widths = [...svg.matchAll(/class="bar".* width="([\d.]+)"/g)].map(([, width]) => width)
    expect(widths).toEqual(['250', '62.5', '250', '0'])
    expect(svg).toContain('>200.0 = 4.00 × slow</text>')
  })

  test('sizes and counts have no bar unless they are compared', () => {
    const size: BenchResult = { ...fast, metric: 'size', unit: 'bytes' }
    const compared: BenchResult = { ...size, metric: 'own', ratio: 2, against: 'size' }
    expect(plotSvg({ machine: null, results: [fast, size] })).not.toContain('bytes')
    const svg = plotSvg({ machine: null, results: [compared, size] })
    expect(svg.match(/class="bar"/g)).toHaveLength(2)
  })

  test('a spread goes from the lowest to the highest run', () => {
    const svg = plotSvg({ machine: null, results: [{ ...fast, low: 100, high: 250 }] })
    expect(svg).toContain('d="M430 10H580')
  })

  test('what was varied becomes one line, its points in order', () => {
    const results = [100, 1, 10].map((value) => ({
      ...{ ...fast, value: value === 1 ? 200 : 100 },
      at: { name: 'triggers', value },
    }))
    const svg = plotSvg({ machine: null, results })
    expect(svg).toContain('k: fast by triggers, records/s')
    expect(svg).toContain('points="60,20 460,71 860,71"')
  })

  test('texts are escaped, and the machine stands below', () => {
    const machine = { ...describeMachine(), cpu: 'A & B' }
    const svg = plotSvg({ machine, results: [{ ...fast, metric: 'a<b' }] })
    expect(svg).toContain('>a&lt;b</text>')
    expect(svg).toContain('x A &amp; B, ')
  })

  test('nothing measured is a bar of no length', () => {
    const svg = plotSvg({ machine: null, results: [{ ...fast, value: 0 }] })
    expect(svg).toMatch(/class="bar".* width="0"/)
  })
})

function linesOf(...objects: readonly object[]): string {
  return objects.map((each) => JSON.stringify(each)).join('\n')
}
