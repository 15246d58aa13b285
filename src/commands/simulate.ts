/**
 * `highwater simulate`: a probe with a simulated population, publishing into a running
 * installation.
 */

import { simulate, type SimulateSummary } from '../probe/simulate.ts'
import { systemHooks } from '../probe/publisher.ts'
import { untilInterrupted } from './interrupt.ts'
import { createScreen, fullCount, type Screen, shortCount } from './screen.ts'
import { openStreams, type StreamTarget } from './stream-writer.ts'

/** Options of `simulate`. */
export interface SimulateCommandOptions {
  readonly target: StreamTarget
  readonly probe: string
  readonly subscriberCount: number
  readonly recordsPerSecond: number
  /** Wall time, ms; null: until it is interrupted. */
  readonly forMs: number | null
  readonly seed: number
  /** Records in one batch at most. */
  readonly rows: number
  readonly rhythm: 'daily' | 'flat'
  /**
   * Shares from 0 to 1 of records that bear an older time, and of batches that come late or twice.
   */
  readonly lateShare: number
  readonly lateBatchShare: number
  readonly duplicateShare: number
  /** File that remembers the probe's sequence numbers; null: each start takes a higher epoch. */
  readonly statePath: string | null
  readonly isJson: boolean
}

const LATE_BY_MAX_MS = 6 * 3_600_000

/** Runs the probe; resolves with 0 when everything it made is stored. */
export async function runSimulate(options: SimulateCommandOptions): Promise<number> {
  const screen = createScreen(options.isJson ? process.stderr : process.stdout)
  const streams = await openStreams(options.target, 'highwater-simulate')
  try {
    const { partitionCount } = streams
    const end = options.forMs === null ? 'until Ctrl-C' : `for ${options.forMs / 1_000} s`
    screen.say(
      `${fullCount(options.subscriberCount)} subscribers, ${fullCount(options.recordsPerSecond)} ` +
        `records a second averaged over a day, ${partitionCount} partitions, ` +
        `probe ${options.probe}, seed ${options.seed}; ${end}`,
    )
    const summary = await untilInterrupted((signal) =>
      simulate({ ...probeOptions(options), partitionCount, signal }, streams.writer, {
        ...systemHooks,
        onProgress: ({ records, recordsPerSecond, batches, storedBatches, retries }) =>
          screen.progress(
            `${shortCount(records)} records  ${shortCount(recordsPerSecond)}/s  ` +
              `${fullCount(storedBatches)} of ${fullCount(batches)} batches stored  ` +
              `${fullCount(retries)} retries`,
          ),
      }),
    )
    screen.settle()
    if (options.isJson) process.stdout.write(`${JSON.stringify(summary)}\n`)
    else printSummary(screen, summary)
    return 0
  } finally {
    await streams.close()
  }
}

function probeOptions(options: SimulateCommandOptions) {
  return {
    seed: options.seed,
    subscriberCount: options.subscriberCount,
    rhythm: options.rhythm,
    lateShare: options.lateShare,
    lateByMaxMs: LATE_BY_MAX_MS,
    probe: options.probe,
    recordsPerSecond: options.recordsPerSecond,
    durationMs: options.forMs,
    batchRecordsMax: options.rows,
    lateBatchShare: options.lateBatchShare,
    duplicateBatchShare: options.duplicateShare,
    statePath: options.statePath,
  }
}

function printSummary(screen: Screen, summary: SimulateSummary): void {
  const { records, batches, elapsedMs, retries, recordsSkipped, probe, epoch } = summary
  const rate = (records * 1_000) / Math.max(1, elapsedMs)
  screen.say(
    `${fullCount(records)} records in ${fullCount(batches)} batches stored in ` +
      `${(elapsedMs / 1_000).toFixed(1)} s (${fullCount(rate)}/s), ${fullCount(retries)} retries; ` +
      `probe ${probe}, epoch ${epoch}`,
  )
  if (summary.lateBatches + summary.duplicateBatches > 0) {
    screen.say(`${summary.lateBatches} batches came late, ${summary.duplicateBatches} came twice`)
  }
  if (recordsSkipped > 0) {
    screen.say(
      `${fullCount(recordsSkipped)} records were given up: the chosen rate was not reached`,
    )
  }
}
