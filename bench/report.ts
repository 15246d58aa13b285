/** How benches report: one figure at a time, a table for people or one JSON object per line. */

/** One figure. `ratio`: value divided by that of `against`, another metric of the same run. */
export interface BenchResult {
  readonly bench: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly ratio?: number
  readonly against?: string
}

/** Options common to all benches. */
export interface BenchOptions {
  readonly subscribers: number
  readonly records: number
  readonly rate: number
  readonly seconds: number
}

/** Prints figures on standard output. */
export function printResults(results: readonly BenchResult[], isJson: boolean): void {
  if (isJson) {
    for (const result of results) console.log(JSON.stringify(result))
    return
  }
  for (const { metric, value, unit, ratio, against } of results) {
    const compared = ratio === undefined ? '' : `   ${ratio.toFixed(2)} x ${against}`
    console.log(`${metric.padEnd(44)} ${formatValue(value).padStart(14)} ${unit}${compared}`)
  }
}

/** The value's ratio to another metric's, as part of a result. */
export function comparedWith(
  value: number,
  against: string,
  other: number,
): { ratio: number; against: string } {
  return { ratio: Number((value / other).toFixed(3)), against }
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

function formatValue(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(4)
}
