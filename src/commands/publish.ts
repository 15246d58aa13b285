/** `highwater publish FILE.csv`: anybody's CSV as usage batches that are safe to publish again. */

import { UsageError } from '../errors.ts'
import { type CsvSummary, publishCsvFile } from '../probe/csv.ts'
import { parseCsvMapping } from '../probe/csv-map.ts'
import { systemHooks } from '../probe/publisher.ts'
import { INTERRUPTED, untilInterrupted } from './interrupt.ts'
import { createScreen, fullCount, type Screen, shortCount } from './screen.ts'
import { type OpenStreams, openStreams, readAppWords, type StreamTarget } from './stream-writer.ts'

/** Options of `publish`. */
export interface PublishOptions {
  readonly target: StreamTarget
  /** Path of the file, or `-` for standard input. */
  readonly file: string
  /** `sub=…,bytes=…,time=…`, see `parseCsvMapping`. */
  readonly map: string
  /** IANA zone of times without offset; null: such lines are refused. */
  readonly zone: string | null
  /** See `createTimeParser`. */
  readonly timeFormat: string
  readonly delimiter: string | null
  readonly probe: string | null
  readonly epoch: number | null
  /** File that takes refused lines; null: they are counted only. */
  readonly refusedPath: string | null
  /** Read and judge everything, publish nothing. */
  readonly isDryRun: boolean
  readonly isJson: boolean
}

/** Publishes the file. Resolves with 0, or 1 when there were lines and every one was refused. */
export async function runPublish(options: PublishOptions): Promise<number> {
  const mapping = parseCsvMapping(options.map)
  const screen = createScreen(options.isJson ? process.stderr : process.stdout)
  const appWords = await readAppWords(options.target.configDirectory)
  const streams = options.isDryRun
    ? pretendedStreams(options.target.partitionCount ?? 1)
    : await openStreams(options.target, 'highwater-publish')
  let isInterrupted = false
  try {
    const summary = await untilInterrupted((signal) => {
      signal.addEventListener('abort', () => {
        isInterrupted = true
      })
      const csv = { ...csvOptions(options), appWords, signal }
      return publishCsvFile(
        mapping,
        { ...csv, partitionCount: streams.partitionCount },
        streams.writer,
        {
          ...systemHooks,
          onProgress: ({ lines, linesPerSecond, records, refused, batches, retries }) =>
            screen.progress(
              `${shortCount(lines)} lines  ${shortCount(linesPerSecond)}/s  ` +
                `${shortCount(records)} records in ${fullCount(batches)} batches  ` +
                `${fullCount(refused)} refused  ${fullCount(retries)} retries`,
            ),
        },
      )
    })
    screen.settle()
    if (options.isJson) process.stdout.write(`${JSON.stringify(summary)}\n`)
    else printSummary(screen, summary, options)
    return summary.lines > 0 && summary.records === 0 ? 1 : 0
  } catch (error) {
    if (!isInterrupted) throw error
    screen.say('Interrupted. The same command again publishes the rest and counts nothing twice.')
    return INTERRUPTED
  } finally {
    await streams.close()
  }
}

function csvOptions(options: PublishOptions) {
  const { delimiter, timeFormat, zone, file, refusedPath, probe, epoch } = options
  if (delimiter !== null && delimiter.length !== 1) {
    throw new UsageError('--delimiter is one character; for a tab write --delimiter tab')
  }
  return {
    path: file,
    zone,
    timeFormat,
    delimiter,
    refusedPath,
    epoch,
    ...(probe === null ? {} : { probe }),
  }
}

function pretendedStreams(partitionCount: number): OpenStreams {
  return { writer: { publish: async () => {} }, partitionCount, close: async () => {} }
}

function printSummary(screen: Screen, summary: CsvSummary, options: PublishOptions): void {
  const { lines, records, batches, refused, elapsedMs, probe, epoch } = summary
  const verb = options.isDryRun ? 'would be published' : 'published'
  screen.say(
    `${fullCount(lines)} lines in ${(elapsedMs / 1_000).toFixed(1)} s: ` +
      `${fullCount(records)} records ${verb} in ${fullCount(batches)} batches ` +
      `of probe ${probe}, epoch ${epoch}`,
  )
  if (refused > 0) screen.say(`${fullCount(refused)} lines refused:`)
  for (const { reason, count, firstLines } of summary.refusals) {
    const more = count > firstLines.length ? ', …' : ''
    const places = `line ${firstLines.join(', ')}${more}`
    screen.say(`  ${reason.padEnd(20)} ${fullCount(count).padStart(9)}  ${places}`)
  }
  if (!options.isDryRun) {
    screen.say('The same file published again changes nothing: its batches are recognised.')
  }
}
