/** What came of all episodes, a row per fault: for people, for programs and for the README. */

import type { EpisodeResult } from './family.ts'

/** One fault's row. */
export interface FaultRow {
  readonly fault: string
  readonly runs: number
  /** Of how many; more than `runs` when some are still to be played. */
  readonly runsPlanned: number
  readonly deliveriesCompared: number
  readonly lost: number
  readonly duplicated: number
  readonly haltedCleanly: number
  readonly recoverySeconds: readonly number[]
  readonly failures: number
  /** Why it could not be played here; null: it could. */
  readonly obstacle: string | null
}

/** Adds up the episodes of a fault. */
export function sumUp(
  fault: string,
  runsPlanned: number,
  results: readonly EpisodeResult[],
  obstacle: string | null,
): FaultRow {
  const sum = (value: (result: EpisodeResult) => number): number =>
    results.reduce((total, result) => total + value(result), 0)
  return {
    fault,
    runs: sum(({ runs }) => runs),
    runsPlanned,
    deliveriesCompared: sum(({ deliveriesCompared }) => deliveriesCompared),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    haltedCleanly: sum(({ haltedCleanly }) => haltedCleanly),
    recoverySeconds: results.flatMap(({ recoverySeconds }) => recoverySeconds),
    failures: sum(({ failures }) => failures.length),
    obstacle,
  }
}

/** Whether anything of a row is not as promised. */
export function isRed({ lost, duplicated, failures }: FaultRow): boolean {
  return lost + duplicated + failures > 0
}

/** One line of JSON per fault. */
export function jsonLines(rows: readonly FaultRow[]): string[] {
  return rows.map((row) =>
    JSON.stringify({
      fault: row.fault,
      runs: row.runs,
      deliveries_compared: row.deliveriesCompared,
      lost: row.lost,
      duplicated: row.duplicated,
      halted_cleanly: row.haltedCleanly,
      recovery_seconds_p99: quantile(row.recoverySeconds, 0.99),
      failures: row.failures,
    }),
  )
}

/** The table as Markdown, aligned so that it reads well on a terminal, too. */
export function markdownTable(rows: readonly FaultRow[]): string {
  const head = [
    'fault',
    'runs',
    'deliveries compared',
    'lost',
    'duplicated',
    'halted cleanly',
    'recovery p50, s',
    'recovery p99, s',
  ]
  const played = rows.filter(({ obstacle }) => obstacle === null)
  const cells = [head, ...played.map(cellsOf), cellsOf(total(played))]
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => pad(cell, widths[column]!, column === 0)).join(' | ')} |`
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  const [first, ...rest] = cells.map(line)
  const notes = rows.flatMap(({ fault, obstacle }) =>
    obstacle === null ? [] : [`Not played here: ${fault}: ${obstacle}`],
  )
  const table = [first!, `| ${rule.join(' | ')} |`, ...rest]
  return [...table, ...notes.flatMap((note) => ['', note])].join('\n')
}

/** Value below which `share` of the values lie, in thousandths; null when there is none. */
export function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!
  return Math.round(value * 1000) / 1000
}

const MARK = '<!-- faults-table -->'

/** The text with what stands between the two marks replaced. */
export function withTable(text: string, table: string): string {
  const parts = text.split(MARK)
  if (parts.length !== 3) throw new Error(`the text must hold ${MARK} twice`)
  return [parts[0], `\n\n${table}\n\n`, parts[2]].join(MARK)
}

function cellsOf(row: FaultRow): string[] {
  const isPart = row.runs < row.runsPlanned
  const whole = (value: number): string => value.toLocaleString('en-US')
  return [
    row.failures > 0 ? `${row.fault} (${row.failures} failures)` : row.fault,
    isPart ? `${whole(row.runs)} of ${whole(row.runsPlanned)}` : whole(row.runs),
    whole(row.deliveriesCompared),
    whole(row.lost),
    whole(row.duplicated),
    whole(row.haltedCleanly),
    quantile(row.recoverySeconds, 0.5)?.toFixed(2) ?? '',
    quantile(row.recoverySeconds, 0.99)?.toFixed(2) ?? '',
  ]
}

function total(rows: readonly FaultRow[]): FaultRow {
  const sum = (value: (row: FaultRow) => number): number =>
    rows.reduce((all, row) => all + value(row), 0)
  return {
    fault: 'all',
    runs: sum(({ runs }) => runs),
    runsPlanned: sum(({ runsPlanned }) => runsPlanned),
    deliveriesCompared: sum(({ deliveriesCompared }) => deliveriesCompared),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    haltedCleanly: sum(({ haltedCleanly }) => haltedCleanly),
    recoverySeconds: [],
    failures: sum(({ failures }) => failures),
    obstacle: null,
  }
}

function pad(text: string, width: number, isLeft: boolean): string {
  return isLeft ? text.padEnd(width) : text.padStart(width)
}
