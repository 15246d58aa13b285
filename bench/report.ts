/** How benches report: one figure at a time, a table for people or one JSON object per line. */

import { type MachineDescription, machineLine } from './machine-description.ts'

/** One figure. `ratio`: value divided by that of `against`, another metric of the same run. */
export interface BenchResult {
  readonly bench: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly ratio?: number
  readonly against?: string
  /** Of repeated runs: the lowest and highest, and how many; `value` is their median. */
  readonly low?: number
  readonly high?: number
  readonly runs?: number
  /** Where a metric is a line: what was varied (`subscribers`) and its value here. */
  readonly at?: { readonly name: string; readonly value: number }
}

/** Options common to all benches. */
export interface BenchOptions {
  readonly subscribers: number
  readonly records: number
  readonly rate: number
  readonly seconds: number
  /** Of the pipeline. */
  readonly checkpointEveryMs: number
  /** Of the pipeline as several partitions. */
  readonly partitions: number
  /** Of a bench with several: the one to measure; undefined: all. */
  readonly axis?: string | undefined
  /** What follows the bench's name: the parts of it to run; none: all. */
  readonly parts: readonly string[]
  /** Folder that peers writes its input into, or whose answers it checks, and does nothing else. */
  readonly write?: string | undefined
  readonly check?: string | undefined
  /** Where peers-jvm has its peers read the log: `jetstream` or `files`. */
  readonly from: string
}

/** Prints the machine and the figures on standard output. */
export function printResults(
  results: readonly BenchResult[],
  isJson: boolean,
  machine: MachineDescription,
): void {
  if (isJson) {
    console.log(JSON.stringify({ machine }))
    for (const result of results) console.log(JSON.stringify(result))
    return
  }
  console.log(machineLine(machine))
  for (const result of results) console.log(formatResult(result))
}

function formatResult({ metric, at, value, low, high, unit, ratio, against }: BenchResult): string {
  const name =
    at === undefined ? metric : `${metric} at ${at.value.toLocaleString('en-US')} ${at.name}`
  const spread =
    low === undefined || high === undefined ? '' : ` (${formatValue(low)} to ${formatValue(high)})`
  const compared = ratio === undefined ? '' : `   ${ratio.toFixed(2)} x ${against}`
  return `${name.padEnd(48)} ${formatValue(value).padStart(14)} ${unit}${spread}${compared}`
}

/** The value's ratio to another metric's, as part of a result. */
export function comparedWith(
  value: number,
  against: string,
  other: number,
): { ratio: number; against: string } {
  return { ratio: Number((value / other).toFixed(3)), against }
}

/** A figure, rounded to five digits; of repeated runs the median with its spread. */
export function figure(
  bench: string,
  metric: string,
  values: number | readonly number[],
  unit: string,
): BenchResult {
  if (typeof values === 'number') return { bench, metric, value: rounded(values), unit }
  const { value, low, high, runs } = medianOf(values)
  const spread = { low: rounded(low), high: rounded(high), runs }
  return { bench, metric, value: rounded(value), unit, ...spread }
}

/** Median of repeated runs and how far they lie apart. */
export function medianOf(values: readonly number[]): {
  value: number
  low: number
  high: number
  runs: number
} {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return { value: median(values), low, high, runs: values.length }
}

function rounded(value: number): number {
  return Number(value.toPrecision(5))
}

/** Middle value; of an even number, the higher of the two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Value below which `share` of the values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** What a long bench is doing, on standard error. */
export function say(text: string): void {
  console.error(`… ${text}`)
}

/** A number for people: whole with commas from 1,000 on, else four digits. */
export function formatValue(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(4)
}
