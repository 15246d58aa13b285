/** What a demo came to, for people and for machines. */

import { REJECT_REASONS } from '../model/reject.ts'
import type { PartitionView } from '../model/view.ts'
import type { DemoFindings } from './demo-audit.ts'
import { DEMO_ZONE } from './demo-people.ts'
import type { DemoTrafficOptions } from './demo-traffic.ts'
import { fullCount, type Screen, shortCount } from './screen.ts'

const MS_PER_HOUR = 3_600_000
const BAR_LENGTH = 30

/** What the summary is made of. */
export interface DemoResult {
  readonly traffic: DemoTrafficOptions
  readonly view: PartitionView
  readonly findings: DemoFindings
  /** From the first message to the last one applied. */
  readonly wallMs: number
  readonly lagMaxMs: number
  readonly memoryPeakBytes: number
  readonly metricsUrl: string
  /** Whether the virtual month was told to its end. */
  readonly isWhole: boolean
  /** Where everything is kept; null: nowhere. */
  readonly directory: string | null
}

/** The summary as one object; names are promised to whoever reads `--json`. */
export interface DemoSummary {
  readonly scenario: 'data-pack'
  readonly seed: number
  readonly subscribers: number
  readonly virtual_from: string
  readonly virtual_to: string
  readonly is_whole: boolean
  readonly records: number
  readonly records_per_second: number
  readonly wall_seconds: number
  readonly records_refused: number
  readonly rejected: Readonly<Record<string, number>>
  readonly duplicate_batches: number
  readonly profile_rows: number
  readonly candidates: number
  readonly suppressed: Readonly<Record<string, number>>
  readonly deliveries: number
  readonly deliveries_by_hour: readonly number[]
  readonly pending: number
  readonly duplicates: number
  readonly missing: number
  readonly repeated: number
  readonly at_night: number
  readonly decisions: number
  readonly lag_max_ms: number
  readonly checkpoints: number
  readonly memory_peak_bytes: number
  readonly metrics_url: string
  readonly directory: string | null
}

/** Puts a result into the summary's words. */
export function summarise(result: DemoResult): DemoSummary {
  const { traffic, view, findings, wallMs } = result
  const { statistics } = view
  const rejected = REJECT_REASONS.flatMap((reason, code) => {
    const count = statistics.rejects[code] ?? 0
    return count === 0 ? [] : [[reason, count] as const]
  })
  return {
    scenario: 'data-pack',
    seed: traffic.seed,
    subscribers: traffic.subscriberCount,
    virtual_from: localText(traffic.startMs),
    virtual_to: localText(view.clockMs),
    is_whole: result.isWhole,
    records: statistics.records,
    records_per_second: Math.round((statistics.records * 1_000) / Math.max(1, wallMs)),
    wall_seconds: Math.round(wallMs / 100) / 10,
    records_refused: statistics.recordsTooLate + statistics.recordsTooEarly,
    rejected: Object.fromEntries(rejected),
    duplicate_batches: statistics.duplicateBatches,
    profile_rows: statistics.profileRows,
    candidates: statistics.candidates,
    suppressed: findings.suppressed,
    deliveries: findings.deliveries,
    deliveries_by_hour: findings.deliveriesByHour,
    pending: view.pendingTimers,
    duplicates: findings.duplicates,
    // What the worker counted and the stream does not hold would be missing at its end.
    missing: findings.missing + Math.max(0, view.decisionNumber - findings.lastNumber),
    repeated: findings.repeated,
    at_night: findings.atNight,
    decisions: findings.decisions,
    lag_max_ms: Math.round(result.lagMaxMs),
    checkpoints: statistics.checkpoints,
    memory_peak_bytes: result.memoryPeakBytes,
    metrics_url: result.metricsUrl,
    directory: result.directory,
  }
}

/** Whether the promises were kept: nothing twice, nothing missing, nobody woken. */
export function isAsPromised(summary: DemoSummary): boolean {
  const { duplicates, missing, repeated, at_night: atNight } = summary
  return duplicates + missing + repeated + atNight === 0
}

/** The summary for people. */
export function printSummary(screen: Screen, summary: DemoSummary): void {
  const line = (name: string, text: string): void => screen.say(`  ${name.padEnd(22)}${text}`)
  const counts = (map: Readonly<Record<string, number>>): string =>
    Object.entries(map)
      .sort(([, left], [, right]) => right - left)
      .map(([name, count]) => `${name} ${fullCount(count)}`)
      .join(', ') || 'none'
  const { virtual_from: from, virtual_to: to, deliveries_by_hour: byHour } = summary
  screen.say('')
  screen.say(summary.is_whole ? 'Summary' : 'Summary (ended before the virtual month did)')
  line('virtual time', `${from} to ${to} (${DEMO_ZONE})`)
  line(
    'usage records',
    `${fullCount(summary.records)} in ${summary.wall_seconds} s: ` +
      `${fullCount(summary.records_per_second)} a second`,
  )
  line('repeated batches', `${fullCount(summary.duplicate_batches)}, recognised and not counted`)
  line('refused batches', counts(summary.rejected))
  if (summary.records_refused > 0) line('refused records', fullCount(summary.records_refused))
  line('candidates', fullCount(summary.candidates))
  line('suppressed', counts(summary.suppressed))
  line('deliveries', `${fullCount(summary.deliveries)} (${fullCount(summary.pending)} pending)`)
  screen.say("  by hour of the subscriber's day (contact window 9:00 to 21:00):")
  const most = Math.max(1, ...byHour)
  byHour.forEach((count, hour) => {
    if (count === 0) return
    const bar = '#'.repeat(Math.max(1, Math.round((count / most) * BAR_LENGTH)))
    screen.say(`    ${String(hour).padStart(2, '0')}:00  ${fullCount(count).padStart(9)}  ${bar}`)
  })
  line('outside the window', fullCount(summary.at_night))
  line('duplicates', `${fullCount(summary.duplicates)} (trigger, subscriber, month of sending)`)
  line('decision numbers', `${fullCount(summary.missing)} missing, ${summary.repeated} repeated`)
  line('lag at most', `${fullCount(summary.lag_max_ms)} ms from publishing to counted`)
  line('checkpoints', fullCount(summary.checkpoints))
  line('memory at most', `${shortCount(summary.memory_peak_bytes)}B, worker and producers together`)
  screen.say('')
  screen.say(
    isAsPromised(summary)
      ? 'Nothing lost, nothing twice, nobody woken.'
      : 'A PROMISE WAS BROKEN: see duplicates, decision numbers and the contact window above.',
  )
}

/** `2026-11-10 12:15` on the operator's wall clock. */
export function localText(instantMs: number): string {
  return new Date(instantMs + 8 * MS_PER_HOUR).toISOString().slice(0, 16).replace('T', ' ')
}
