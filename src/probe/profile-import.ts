import type { WriteStream } from 'node:fs'
import { once } from 'node:events'
import { UsageError } from '../errors.ts'
import { PRODUCER_NAME } from '../model/wire.ts'
import {
  closeRefused,
  type CsvContent,
  type CsvSource,
  openContent,
  openRefused,
  readFailure,
  sourceOf,
} from './csv-content.ts'
import { guessDelimiter, splitLine } from './csv-line.ts'
import { type ProfileBatch, ProfileBatcher } from './profile-batcher.ts'
import {
  findProfileColumns,
  type ProfileColumns,
  type ProfileDeclarations,
} from './profile-columns.ts'
import {
  type CellOptions,
  IMPORT_REASONS,
  type ImportProblem,
  type ImportReason,
  ProfileRowReader,
  rowSizeMax,
} from './profile-row.ts'
import { type ProbeHooks, Publisher, systemHooks, type UsageWriter } from './publisher.ts'

/** How a CSV is read as profiles, and under which name it is published. */
export interface ImportOptions extends CellOptions {
  readonly declarations: ProfileDeclarations
  readonly partitionCount: number
  /** See `findProfileColumns`. */
  readonly map: string | null
  /** Every line is a subscriber whose profile goes. */
  readonly isDeleting: boolean
  /** One character; null: what the first line suggests. */
  readonly delimiter: string | null
  /** Name of the source: with `epoch` as it is, without followed by a hash of the content. */
  readonly source: string
  /**
   * null: source and epoch follow from the content, so that the same content changes nothing when
   * it is published again. Otherwise that is the caller's business.
   */
  readonly epoch: number | null
  /** Rows per second at most; null: as fast as they are taken. */
  readonly rowsPerSecond: number | null
  /** Refused lines after which it stops; null: goes on to the end. */
  readonly stopAfter: number | null
  readonly signal?: AbortSignal
}

/** A file or standard input to import. */
export interface ImportFileOptions extends ImportOptions {
  /** `-` is standard input. */
  readonly path: string
  /** Where refused lines go, with what is wrong and a header, to be mended and imported. */
  readonly rejectsPath: string | null
}

/** What an import does that is asked for nothing else. */
export const IMPORT_DEFAULTS = {
  map: null,
  isDeleting: false,
  empty: 'keep',
  dateFormat: 'auto',
  delimiter: null,
  rejectsPath: null,
  stopAfter: null,
  rowsPerSecond: null,
  source: 'import',
  epoch: null,
} as const

/** Counts since the start. */
export interface ImportProgress {
  readonly lines: number
  /** Rows stored, and on their way. */
  readonly rows: number
  /** Lines that say nothing, since their cells are empty. */
  readonly silent: number
  readonly rejected: number
  readonly batches: number
  readonly retries: number
  readonly elapsedMs: number
  /** Rows since the last progress, per second. */
  readonly rowsPerSecond: number
}

/** What became of a whole content. */
export interface ImportSummary extends ImportProgress {
  readonly source: string
  readonly epoch: number
  readonly reasons: Readonly<Partial<Record<ImportReason, number>>>
  readonly columns: readonly string[]
  readonly ignoredColumns: readonly string[]
  /** Whether it ended at `stopAfter`, with lines unread and full batches only published. */
  readonly isStopped: boolean
}

/** The outside world, and where progress and refused lines go. */
export interface ImportHooks extends ProbeHooks {
  /** Every few seconds. */
  onProgress?(progress: ImportProgress): void
  /** Lines count from 1. */
  onRejected?(lineNumber: number, problem: ImportProblem): void
}

/**
 * Rows of a message at most: few, since the partition applies a message in one go and usage waits
 * meanwhile. Fixed: batches that were cut otherwise would not be recognised as repeats.
 */
export const IMPORT_BATCH_ROWS_MAX = 500
const BATCH_SIZE_MAX = 900_000
const PROGRESS_MS = 2_000

/**
 * Publishes a CSV of profiles, each line typed by what the configuration declares. A file is read
 * twice, first for its identity; of standard input the first MiB is taken for it. Messages of one
 * partition follow each other, one at a time: the last line of a subscriber wins, also when an
 * import that was cut short is repeated.
 * @throws UsageError for what the person at the keyboard can mend; what the writer refuses for good
 */
export async function importProfiles(
  options: ImportFileOptions,
  writer: UsageWriter,
  hooks: ImportHooks = systemHooks,
): Promise<ImportSummary> {
  const { path, rejectsPath } = options
  const rejects = rejectsPath === null ? null : await openRefused(rejectsPath)
  try {
    return await importFrom(sourceOf(path), options, writer, hooks, rejects)
  } catch (error) {
    throw readFailure(path, error)
  } finally {
    if (rejects !== null) await closeRefused(rejects)
  }
}

/** The same from any source of bytes. `rejects` stays the caller's. */
export async function importFrom(
  source: CsvSource,
  options: ImportOptions,
  writer: UsageWriter,
  hooks: ImportHooks = systemHooks,
  rejects: WriteStream | null = null,
): Promise<ImportSummary> {
  const content = await openContent(source)
  let run: ImportRun | null = null
  let lineNumber = 0
  for await (const lines of content.lines()) {
    options.signal?.throwIfAborted()
    for (const line of lines) {
      lineNumber += 1
      if (line !== null && line.trim() === '') continue
      if (run === null) {
        run = await start(line, content, options, { writer, hooks, rejects })
        if (run.columns.hasHeader) continue
      }
      run.addLine(lineNumber, line)
      if (run.isStopped) break
    }
    await run?.publishReady()
    if (run?.isStopped === true) break
  }
  if (run === null) throw new UsageError('there is not a single line')
  return run.finish()
}

interface ImportPorts {
  readonly writer: UsageWriter
  readonly hooks: ImportHooks
  readonly rejects: WriteStream | null
}

/** Takes the first line: finds the columns, and the identity of content and settings. */
async function start(
  line: string | null,
  content: CsvContent,
  options: ImportOptions,
  ports: ImportPorts,
): Promise<ImportRun> {
  if (line === null) throw new UsageError('the first line is longer than any header')
  const delimiter = options.delimiter ?? guessDelimiter(line)
  const fields = splitLine(line, delimiter)
  if (fields === null) throw new UsageError('the first line has a quote that does not close')
  const { map, declarations, isDeleting } = options
  const columns = findProfileColumns(map, declarations, fields, isDeleting)
  const identity = await identify(content, options, delimiter, columns)
  ports.rejects?.write(rejectsHeader(delimiter, columns.hasHeader ? line : 'text'))
  return new ImportRun(options, ports, { delimiter, columns, identity })
}

/** Source and epoch of a content: whatever would change the batches must be part of it. */
async function identify(
  content: CsvContent,
  options: ImportOptions,
  delimiter: string,
  columns: ProfileColumns,
): Promise<{ source: string; epoch: number; isOwn: boolean }> {
  const { source, epoch, partitionCount, empty, dateFormat, isDeleting } = options
  if (!PRODUCER_NAME.test(source)) {
    throw new UsageError(`a source's name is 1 to 64 of A-Z a-z 0-9 _ -, not ${source}`)
  }
  if (epoch !== null) return { source, epoch, isOwn: false }
  if (source.length > 40) throw new UsageError('without an epoch, a name has at most 40 letters')
  // Which zones there are is the runtime's business.
  const hasZone = columns.columns.some(({ target }) => target.kind === 'zone')
  const settings = [
    ...['profiles v1', String(partitionCount), delimiter, empty, dateFormat, String(isDeleting)],
    JSON.stringify(columns),
    hasZone ? (process.versions.tz ?? '') : '',
  ]
  const hash = await content.hash(settings)
  return { source: `${source}-${hash.slice(0, 16)}`, epoch: 1, isOwn: true }
}

/** One content on its way. */
class ImportRun {
  readonly columns: ProfileColumns
  readonly #options: ImportOptions
  readonly #ports: ImportPorts
  readonly #identity: { readonly source: string; readonly epoch: number }
  readonly #delimiter: string
  readonly #reader: ProfileRowReader
  readonly #batcher: ProfileBatcher
  readonly #ready: ProfileBatch[] = []
  /** One for each partition, with one message under way. */
  readonly #publishers: readonly Publisher[]
  readonly #reasons = new Map<ImportReason, number>()
  readonly #startedMs: number
  #lines = 0
  #rows = 0
  #silent = 0
  #rejected = 0
  #batches = 0
  #progressMs: number
  #progressRows = 0

  constructor(
    options: ImportOptions,
    ports: ImportPorts,
    found: {
      readonly delimiter: string
      readonly columns: ProfileColumns
      readonly identity: {
        readonly source: string
        readonly epoch: number
        readonly isOwn: boolean
      }
    },
  ) {
    const { partitionCount, isDeleting, signal } = options
    const { writer, hooks } = ports
    const { columns, identity, delimiter } = found
    this.columns = columns
    this.#options = options
    this.#ports = ports
    this.#identity = identity
    this.#delimiter = delimiter
    this.#reader = new ProfileRowReader(columns, options, isDeleting)
    const fitting = Math.floor(BATCH_SIZE_MAX / rowSizeMax(columns))
    const batchRowsMax = Math.max(1, Math.min(IMPORT_BATCH_ROWS_MAX, fitting))
    this.#batcher = new ProfileBatcher({ ...identity, partitionCount, batchRowsMax }, (batch) =>
      this.#ready.push(batch),
    )
    const bounds = signal === undefined ? { inFlightMax: 1 } : { inFlightMax: 1, signal }
    this.#publishers = Array.from(
      { length: partitionCount },
      () => new Publisher(writer, bounds, hooks),
    )
    this.#startedMs = hooks.nowMs()
    this.#progressMs = this.#startedMs
  }

  /** Whether so many lines were refused that it is over. */
  get isStopped(): boolean {
    const { stopAfter } = this.#options
    return stopAfter !== null && this.#rejected >= stopAfter
  }

  /** `line`: null when it is too long to be kept. */
  addLine(lineNumber: number, line: string | null): void {
    this.#lines += 1
    const texts = line === null ? null : splitLine(line, this.#delimiter)
    const row = texts === null ? lineProblem(line) : this.#reader.read(texts)
    if (row === null) this.#silent += 1
    else if ('reason' in row) this.#reject(lineNumber, line, row)
    else this.#batcher.add(row)
  }

  /** Publishes what is full, as fast as the rate and the log allow. */
  async publishReady(): Promise<void> {
    const { rowsPerSecond, signal } = this.#options
    const { hooks, rejects } = this.#ports
    for (const { subject, partition, data, rowCount } of this.#ready.splice(0)) {
      if (rowsPerSecond !== null) {
        const dueMs = this.#startedMs + (this.#rows * 1_000) / rowsPerSecond
        const waitMs = dueMs - hooks.nowMs()
        if (waitMs > 0) await hooks.sleep(waitMs, signal)
      }
      await this.#publishers[partition]!.publish(subject, data)
      this.#batches += 1
      this.#rows += rowCount
      this.#reportProgress()
    }
    if (rejects?.writableNeedDrain === true) await once(rejects, 'drain')
    this.#reportProgress()
  }

  /**
   * Waits until all is stored. A batch that is not full is left out where the content was not read
   * to its end: under its seq, a later run will publish it whole.
   */
  async finish(): Promise<ImportSummary> {
    if (!this.isStopped) {
      this.#batcher.flush()
      await this.publishReady()
    }
    for (const publisher of this.#publishers) await publisher.drain()
    const { source, epoch } = this.#identity
    const reasons = IMPORT_REASONS.flatMap((reason) => {
      const count = this.#reasons.get(reason)
      return count === undefined ? [] : [[reason, count] as const]
    })
    return {
      ...this.#progress(this.#startedMs, 0),
      source,
      epoch,
      reasons: Object.fromEntries(reasons),
      columns: this.columns.columns.map(({ title }) => title),
      ignoredColumns: this.columns.ignored,
      isStopped: this.isStopped,
    }
  }

  #reject(lineNumber: number, line: string | null, problem: ImportProblem): void {
    this.#rejected += 1
    this.#reasons.set(problem.reason, (this.#reasons.get(problem.reason) ?? 0) + 1)
    const cells = [
      String(lineNumber),
      problem.column?.title ?? '',
      `${problem.reason}: ${problem.detail}`,
    ].map((cell) => quoted(cell, this.#delimiter))
    this.#ports.rejects?.write(`${[...cells, line ?? ''].join(this.#delimiter)}\n`)
    this.#ports.hooks.onRejected?.(lineNumber, problem)
  }

  #reportProgress(): void {
    const { hooks } = this.#ports
    const nowMs = hooks.nowMs()
    if (nowMs - this.#progressMs < PROGRESS_MS) return
    hooks.onProgress?.(this.#progress(this.#progressMs, this.#progressRows))
    this.#progressMs = nowMs
    this.#progressRows = this.#rows
  }

  #progress(sinceMs: number, sinceRows: number): ImportProgress {
    const nowMs = this.#ports.hooks.nowMs()
    return {
      lines: this.#lines,
      rows: this.#rows,
      silent: this.#silent,
      rejected: this.#rejected,
      batches: this.#batches,
      retries: this.#publishers.reduce((sum, { retryCount }) => sum + retryCount, 0),
      elapsedMs: nowMs - this.#startedMs,
      rowsPerSecond: ((this.#rows - sinceRows) * 1_000) / Math.max(1, nowMs - sinceMs),
    }
  }
}

function lineProblem(line: string | null): ImportProblem {
  return line === null
    ? { column: null, reason: 'line-too-long', detail: 'it is not kept' }
    : { column: null, reason: 'bad-quotes', detail: 'a quote does not close, or text follows one' }
}

function rejectsHeader(delimiter: string, header: string): string {
  return `${['reject_line', 'reject_column', 'reject_reason', header].join(delimiter)}\n`
}

function quoted(text: string, delimiter: string): string {
  return text.includes('"') || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text
}
