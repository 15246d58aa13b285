/** `highwater report`: what triggers did and what came of it, from all that OUT holds. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfigDirectory } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { UsageError } from '../errors.ts'
import { statisticsCsv } from '../report/csv.ts'
import { parseLocal } from '../report/dates.ts'
import { type ReportDocument, reportOf } from '../report/document.ts'
import { ReportFold } from '../report/fold.ts'
import { reportPage } from '../report/html.ts'
import { decodeFold } from '../report/snapshot.ts'
import { type Dimension, statisticsOf } from '../report/statistics.ts'
import { reportLines } from '../report/text.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import { connectToNats } from '../sink/connection.ts'
import { ZoneClock } from '../state/zone.ts'
import { natsSettings } from './nats-settings.ts'
import { foldToEnd, openOutputFeed } from './output-feeds.ts'
import { SNAPSHOT_FILE } from './watch-files.ts'

/** Options of `report`. */
export interface ReportOptions {
  readonly config: string
  readonly trigger: string | null
  /** Local days or minutes, `2026-11-01` or `2026-11-01T12:00`; null: all that is known. */
  readonly from: string | null
  readonly to: string | null
  readonly isJson: boolean
  readonly csvPath: string | null
  readonly htmlPath: string | null
}

const CSV_BY: readonly Dimension[] = ['day', 'trigger', 'channel', 'region']

/** Reads OUT of all partitions to its end, prints, and writes the files asked for. */
export async function runReport(options: ReportOptions): Promise<number> {
  const { settings, files } = await loadConfigDirectory(options.config)
  const { catalog } = parseCatalog(files)
  const clock = new ZoneClock(settings.genesis.zone)
  const fromMs = instantOf(options.from, '--from', clock) ?? 0
  const toMs = instantOf(options.to, '--to', clock)
  if (toMs !== null && toMs <= fromMs) throw new UsageError('--to is not after --from')
  const fold = await foldOf(settings, clock)
  const triggers = catalog.triggers
  if (options.trigger !== null) checkTrigger(options.trigger, triggers, fold)
  const span = spanOf(fold, fromMs, toMs)
  const asked = options.trigger === null ? null : [options.trigger]
  const report = reportOf(fold, {
    name: options.trigger ?? 'all triggers',
    kind: 'asked',
    zone: settings.genesis.zone,
    ...span,
    madeAtMs: Date.now(),
    triggers,
    asked,
    planned: null,
  })
  if (options.csvPath !== null) {
    const channels = new Map(triggers.map(({ id, channel }) => [id, channel]))
    const rows = statisticsOf(fold, {
      by: CSV_BY,
      ...span,
      triggers: asked === null ? null : new Set(asked),
      channelOf: (trigger) => channels.get(trigger) ?? '',
    })
    await writeOutput(options.csvPath, '--csv', statisticsCsv(CSV_BY, rows))
  }
  if (options.htmlPath !== null) {
    const verdicts = new Map(triggers.map(({ id, verdict }) => [id, verdict]))
    const page = reportPage(report, (trigger) => verdicts.get(trigger) ?? null)
    await writeOutput(options.htmlPath, '--html', page)
  }
  print(report, options.isJson)
  return 0
}

function print(report: ReportDocument, isJson: boolean): void {
  if (isJson) process.stdout.write(`${JSON.stringify(report)}\n`)
  else for (const line of reportLines(report)) console.log(line)
}

/** Where the watch keeps a snapshot, it remembers more than OUT holds. */
async function foldOf(settings: Settings, clock: ZoneClock): Promise<ReportFold> {
  const warn = (message: string): void => console.error(`highwater report: ${message}`)
  const connection = await connectToNats(natsSettings(settings.nats, warn))
  try {
    const fold = (await readSnapshot(settings, clock)) ?? new ReportFold(clock)
    for (let partition = 0; partition < settings.partitions.count; partition++) {
      const { inboxPrefix } = settings.nats
      const output = await openOutputFeed(connection, inboxPrefix, partition, fold)
      await foldToEnd(output, fold)
      await output.feed.close()
    }
    return fold
  } finally {
    await connection.close()
  }
}

async function readSnapshot(settings: Settings, clock: ZoneClock): Promise<ReportFold | null> {
  const path = join(settings.watch.directory, SNAPSHOT_FILE)
  const bytes = await readFile(path).catch(() => null)
  if (bytes === null) return null
  const identity = { zone: settings.genesis.zone, partitionCount: settings.partitions.count }
  const reading = decodeFold(bytes, identity, clock)
  return reading.kind === 'fold' ? reading.fold : null
}

/** Without `--from` and `--to`: whole days, from the first that is known to the last. */
function spanOf(
  fold: ReportFold,
  fromMs: number,
  toMs: number | null,
): { readonly fromMs: number; readonly toMs: number } {
  const days = fold.counts.days()
  const [first, last] = [days[0], days.at(-1)]
  const { clock } = fold
  const knownFromMs = first === undefined ? Date.now() : clock.instantOf(first, 0)
  const knownToMs = last === undefined ? Date.now() : clock.instantOf(last + 1, 0)
  const from = fromMs === 0 ? knownFromMs : fromMs
  return { fromMs: from, toMs: Math.max(from, toMs ?? knownToMs) }
}

function instantOf(text: string | null, option: string, clock: ZoneClock): number | null {
  if (text === null) return null
  const atMs = parseLocal(text, clock)
  if (atMs !== null) return atMs
  throw new UsageError(`${option} is a local day or minute: 2026-11-01 or 2026-11-01T12:00`)
}

function checkTrigger(
  trigger: string,
  triggers: readonly { readonly id: string }[],
  fold: ReportFold,
): void {
  const known = new Set(triggers.map(({ id }) => id))
  for (const day of fold.counts.days()) {
    for (const row of fold.counts.rowsOf(day)) known.add(row.trigger)
  }
  if (known.has(trigger)) return
  throw new UsageError(`there is no trigger ${trigger}: ${[...known].slice(0, 12).join(', ')}`)
}

async function writeOutput(path: string, option: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new UsageError(`the file of ${option} cannot be written: ${code}`)
  }
}
