/** `highwater import FILE.csv`: anybody's CSV as profiles, checked against the configuration. */

import type { ParseArgsOptionsConfig } from 'node:util'
import { loadConfigDirectory } from '../config/load.ts'
import { UsageError } from '../errors.ts'
import { maskDigits } from '../model/masking.ts'
import type { ProfileDeclarations } from '../probe/profile-columns.ts'
import {
  type ImportFileOptions,
  type ImportProgress,
  type ImportSummary,
  importProfiles,
} from '../probe/profile-import.ts'
import { DATE_FORMATS, type ImportProblem } from '../probe/profile-row.ts'
import { systemHooks } from '../probe/publisher.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import { INTERRUPTED, untilInterrupted } from './interrupt.ts'
import {
  numberOption,
  type OptionValues,
  switchOption,
  textOption,
  wholeOption,
  wordOption,
} from './option-values.ts'
import { createScreen, fullCount, type Screen, shortCount } from './screen.ts'
import { type OpenStreams, openStreams, type StreamTarget } from './stream-writer.ts'

/** What the command line says of an import. */
export interface ImportCommand {
  readonly target: StreamTarget
  readonly options: Omit<ImportFileOptions, 'declarations' | 'partitionCount'>
  /** Read and judge everything, publish nothing. */
  readonly isDryRun: boolean
  readonly isJson: boolean
}

/** Options of the command, and how they are written. */
export const IMPORT_OPTIONS: ParseArgsOptionsConfig = {
  ...Object.fromEntries(
    [
      ...['map', 'delimiter', 'empty', 'date-format', 'rejects', 'stop-after', 'rate'],
      ...['source', 'epoch', 'servers', 'config', 'partitions'],
    ].map((name) => [name, { type: 'string' as const }]),
  ),
  delete: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
}
/** The same for people. */
export const IMPORT_USAGE =
  'FILE.csv --config DIR [--map sub=COLUMN,tags.NAME=COLUMN,fields.NAME=…,lists.NAME=…,zone=…]\n' +
  '[--delete] [--empty keep|clear] [--date-format auto|DD.MM.YYYY|…] [--delimiter C] [--dry-run]\n' +
  '[--rejects FILE] [--stop-after N] [--rate ROWS_PER_SECOND|max] [--source NAME] [--epoch N]\n' +
  '[--servers …] [--partitions P] [--json]'

/**
 * Rows per second unless told otherwise: about a third of what one partition applies on one core,
 * so that usage does not queue up behind them (bench import).
 */
const RATE_DEFAULT = 30_000
/** Lines refused that are named on the screen; the file has them all. */
const SHOWN_MAX = 20

/** Reads the command line. @throws UsageError */
export function importCommand(
  values: OptionValues,
  files: readonly string[],
  target: StreamTarget,
): ImportCommand {
  const [path, ...others] = files
  if (path === undefined || others.length > 0) {
    throw new UsageError('one file, or - for standard input')
  }
  const delimiter = textOption(values, 'delimiter', null)
  if (delimiter !== null && delimiter !== 'tab' && delimiter.length !== 1) {
    throw new UsageError('--delimiter is one character; for a tab write --delimiter tab')
  }
  const most = Number.MAX_SAFE_INTEGER
  const given = <T>(name: string, value: () => T): T | null =>
    values[name] === undefined ? null : value()
  return {
    target,
    options: {
      path,
      map: textOption(values, 'map', null),
      isDeleting: switchOption(values, 'delete'),
      empty: wordOption(values, 'empty', ['keep', 'clear']),
      dateFormat: wordOption(values, 'date-format', DATE_FORMATS),
      delimiter: delimiter === 'tab' ? '\t' : delimiter,
      rejectsPath: textOption(values, 'rejects', null),
      stopAfter: given('stop-after', () => wholeOption(values, 'stop-after', 1, [1, most])),
      rowsPerSecond:
        values.rate === 'max' ? null : numberOption(values, 'rate', RATE_DEFAULT, [1, 10_000_000]),
      source: textOption(values, 'source', 'import'),
      epoch: given('epoch', () => wholeOption(values, 'epoch', 0, [0, most])),
    },
    isDryRun: switchOption(values, 'dry-run'),
    isJson: switchOption(values, 'json'),
  }
}

/** Imports the file. Resolves with 0, or 1 when lines were refused. */
export async function runImport(command: ImportCommand): Promise<number> {
  const { target, isDryRun, isJson } = command
  const declarations = await readDeclarations(target.configDirectory)
  const screen = createScreen(isJson ? process.stderr : process.stdout)
  const streams = isDryRun
    ? pretendedStreams(target.partitionCount ?? 1)
    : await openStreams(target, 'highwater-import')
  let isInterrupted = false
  try {
    const summary = await untilInterrupted((signal) => {
      signal.addEventListener('abort', () => {
        isInterrupted = true
      })
      const { partitionCount, writer } = streams
      const options = { ...command.options, declarations, partitionCount, signal }
      return importProfiles(options, writer, { ...systemHooks, ...reportOn(screen) })
    })
    screen.settle()
    if (isJson) process.stdout.write(`${JSON.stringify(summary)}\n`)
    else printSummary(screen, summary, command)
    return summary.rejected > 0 ? 1 : 0
  } catch (error) {
    if (!isInterrupted) throw error
    screen.say('Interrupted. The same command again imports the rest and changes nothing twice.')
    return INTERRUPTED
  } finally {
    await streams.close()
  }
}

async function readDeclarations(configDirectory: string | null): Promise<ProfileDeclarations> {
  if (configDirectory === null) {
    throw new UsageError('--config DIR says what is declared: tags, fields and their types')
  }
  return parseCatalog((await loadConfigDirectory(configDirectory)).files).catalog
}

function pretendedStreams(partitionCount: number): OpenStreams {
  return { writer: { publish: async () => {} }, partitionCount, close: async () => {} }
}

function reportOn(screen: Screen) {
  let shown = 0
  return {
    onProgress: (progress: ImportProgress): void => {
      const { lines, rows, rowsPerSecond, rejected, retries } = progress
      screen.progress(
        `${shortCount(lines)} lines  ${shortCount(rows)} rows  ${shortCount(rowsPerSecond)}/s  ` +
          `${fullCount(rejected)} refused  ${fullCount(retries)} retries`,
      )
    },
    onRejected: (lineNumber: number, { column, reason, detail }: ImportProblem): void => {
      shown += 1
      if (shown > SHOWN_MAX) return
      const where = column === null ? '' : `, ${maskDigits(column.title)}`
      screen.say(`line ${lineNumber}${where}: ${reason}: ${detail}`)
      if (shown === SHOWN_MAX) screen.say('… and so on: --rejects FILE takes them all')
    },
  }
}

function printSummary(screen: Screen, summary: ImportSummary, command: ImportCommand): void {
  const { lines, rows, silent, rejected, elapsedMs, batches, source, epoch } = summary
  const { isDryRun, options } = command
  const verb = options.isDeleting ? 'deletions' : 'rows'
  const done = isDryRun ? 'would be imported' : 'imported'
  const rate = shortCount((rows * 1_000) / Math.max(1, elapsedMs))
  screen.say(
    `${fullCount(lines)} lines in ${(elapsedMs / 1_000).toFixed(1)} s: ${fullCount(rows)} ${verb} ` +
      `${done} (${rate}/s) in ${fullCount(batches)} batches of source ${source}, epoch ${epoch}`,
  )
  if (silent > 0) screen.say(`${fullCount(silent)} lines have empty cells only and change nothing`)
  if (summary.ignoredColumns.length > 0) {
    screen.say(`columns not imported: ${summary.ignoredColumns.map(maskDigits).join(', ')}`)
  }
  if (rejected > 0) screen.say(`${fullCount(rejected)} lines refused:`)
  for (const [reason, count] of Object.entries(summary.reasons)) {
    screen.say(`  ${reason.padEnd(20)} ${fullCount(count).padStart(9)}`)
  }
  if (summary.isStopped) {
    screen.say('Stopped there: what follows was not read. Mend the file, or raise --stop-after.')
  } else if (!isDryRun) {
    screen.say('The same file imported again changes nothing: its batches are recognised.')
  }
}
