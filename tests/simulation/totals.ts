/** Sums of many seeds, and the table that shows them. */

import type { SeedReport } from './run-seed.ts'

/** What is added up, with its words in the table. */
const COUNTS = {
  tasks: 'events',
  crashes: 'crashes',
  zombies: 'zombies',
  rivals: 'rival owners',
  standbys: 'standbys',
  brokerRestarts: 'broker restarts',
  ambiguousAcks: 'ambiguous acks',
  failedCommits: 'failed commits',
  tornPages: 'torn or lost pages',
  tamperings: 'streams tampered with',
  reloads: 'config reloads',
  towns: 'seeds with a policy',
  deliveriesCompared: 'deliveries compared',
  lost: 'lost',
  duplicated: 'duplicated',
} as const

type CountName = keyof typeof COUNTS

/** A seed that failed. */
export interface SeedFailure {
  readonly seed: number
  readonly failures: readonly string[]
}

/** Sums over seeds. */
export interface Totals {
  seeds: number
  readonly counts: Record<CountName, number>
  readonly halts: Record<string, number>
  readonly failures: SeedFailure[]
  /** Virtual seconds, one per life that got as far as being live. */
  readonly recoverySeconds: number[]
}

/** Nothing yet. */
export function emptyTotals(): Totals {
  const names = Object.keys(COUNTS) as CountName[]
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<CountName, number>
  return { seeds: 0, counts, halts: {}, failures: [], recoverySeconds: [] }
}

/** Adds one seed. */
export function addReport(totals: Totals, report: SeedReport): void {
  totals.seeds += 1
  for (const name of Object.keys(COUNTS) as CountName[]) totals.counts[name] += report[name]
  addHalts(totals, report.halts)
  totals.recoverySeconds.push(...report.recoverySeconds)
  const { seed, failures } = report
  if (failures.length > 0) totals.failures.push({ seed, failures: failures.slice(0, 5) })
}

/** Adds other sums. */
export function addTotals(totals: Totals, more: Totals): void {
  totals.seeds += more.seeds
  for (const name of Object.keys(COUNTS) as CountName[]) totals.counts[name] += more.counts[name]
  addHalts(totals, more.halts)
  totals.recoverySeconds.push(...more.recoverySeconds)
  totals.failures.push(...more.failures)
}

/** How to see a seed again. */
export function replayCommand(seed: number): string {
  return `npm run vopr -- --from ${seed} --seeds 1 --trace`
}

/** The sums for programs. */
export function totalsJson(totals: Totals): string {
  const { seeds, counts, halts, failures, recoverySeconds } = totals
  const recoverySecondsP99 = percentile(recoverySeconds, 0.99)
  return JSON.stringify({ seeds, ...counts, halts, recoverySecondsP99, failures })
}

/** The sums for people. */
export function renderTotals(totals: Totals): string {
  const rows: (readonly [string, string])[] = [['seeds', count(totals.seeds)]]
  for (const name of Object.keys(COUNTS) as CountName[]) {
    rows.push([COUNTS[name], count(totals.counts[name])])
  }
  const seconds = percentile(totals.recoverySeconds, 0.99)
  rows.push(['recovery, 99th percentile', `${seconds.toFixed(2)} virtual seconds`])
  const halts = Object.entries(totals.halts).toSorted(([left], [right]) => (left < right ? -1 : 1))
  for (const [reason, times] of halts) rows.push([`halted: ${reason}`, count(times)])
  rows.push(['failures', count(totals.failures.length)])
  const lines = rows.map(([name, value]) => `  ${name.padEnd(30)} ${value}`)
  for (const { seed, failures } of totals.failures.slice(0, 20)) {
    lines.push(`seed ${seed}: ${failures[0]}`, `  ${replayCommand(seed)}`)
  }
  return lines.join('\n')
}

function addHalts(totals: Totals, halts: Readonly<Record<string, number>>): void {
  for (const [reason, times] of Object.entries(halts)) {
    totals.halts[reason] = (totals.halts[reason] ?? 0) + times
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
