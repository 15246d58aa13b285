import type { WriteStream } from 'node:fs'
import { once } from 'node:events'
import { UsageError } from '../errors.ts'
import { PARTITION_COUNT_MAX, PRODUCER_NAME } from '../model/wire.ts'
import { createColumns } from '../model/usage.ts'
import { Batcher, type EncodedBatch } from './batcher.ts'
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
import type { ByteStream } from './csv-lines.ts'
import { type CsvMapping, findColumns } from './csv-map.ts'
import { CSV_REFUSALS, CsvRecordReader, type CsvRefusal } from './csv-record.ts'
import { createTimeParser } from './csv-time.ts'
import { type ProbeHooks, Publisher, systemHooks, type UsageWriter } from './publisher.ts'

/** How CSV is read and under which name it is published. */
export interface CsvOptions {
  readonly partitionCount: number
  /** IANA zone of times without offset; null: such lines are refused. */
  readonly zone: string | null
  /** See `createTimeParser`; default `auto`. */
  readonly timeFormat?: string
  /** One character; default: what the first line suggests. */
  readonly delimiter?: string | null
  /** Names of apps and their codes, for a column of names. */
  readonly appWords?: ReadonlyMap<string, number>
  /**
   * Name that the batches bear: with `epoch` as it is, without followed by a hash of the content.
   */
  readonly probe?: string
  /**
   * Without it, probe and epoch follow from the content, so that the same content changes nothing
   * when it is published again, and other content never collides. With it, that is the caller's
   * business.
   */
  readonly epoch?: number | null
  readonly inFlightMax?: number
  readonly signal?: AbortSignal
}

/** A file or standard input to publish. */
export interface CsvFileOptions extends CsvOptions {
  /** `-` is standard input. Compressed or not shows from the first bytes. */
  readonly path: string
  /** Where refused lines go, each with its number and reason; null: nowhere. */
  readonly refusedPath?: string | null
}

/** Counts since the start; rates are per second of the probe's clock. */
export interface CsvProgress {
  readonly lines: number
  readonly records: number
  readonly refused: number
  readonly batches: number
  readonly retries: number
  readonly elapsedMs: number
  /** Lines since the last progress, per second. */
  readonly linesPerSecond: number
}

/** Lines refused for one reason, and the first few line numbers, from 1. No content. */
export interface CsvRefusalCount {
  readonly reason: CsvRefusal
  readonly count: number
  readonly firstLines: readonly number[]
}

/** What became of a whole content. */
export interface CsvSummary extends CsvProgress {
  readonly probe: string
  readonly epoch: number
  readonly refusals: readonly CsvRefusalCount[]
}

/** The outside world, and where progress and refused lines go. */
export interface CsvHooks extends ProbeHooks {
  /** About once a second. */
  onProgress?(progress: CsvProgress): void
  /** Called for each refused line; `line` is null when it was too long to keep. */
  onRefused?(lineNumber: number, reason: CsvRefusal, line: string | null): void
}

/**
 * Records of a batch. Fixed: batches that were cut otherwise would not be recognised as repeats.
 * Large, since a partition remembers 1,024 batches: ten million records of each partition.
 */
const BATCH_RECORDS_MAX = 10_000
const IN_FLIGHT_DEFAULT = 16
const PROGRESS_MS = 1_000
const FIRST_LINES_MAX = 5

/**
 * Publishes a CSV file or standard input. A file is read twice, first for its identity; of standard
 * input the first MiB is taken for it.
 * @throws UsageError for what the person at the keyboard can mend; what the writer refuses for good
 */
export async function publishCsvFile(
  mapping: CsvMapping,
  options: CsvFileOptions,
  writer: UsageWriter,
  hooks: CsvHooks = systemHooks,
): Promise<CsvSummary> {
  const { path, refusedPath } = options
  const refused = refusedPath ? await openRefused(refusedPath) : null
  refused?.write('line,reason,text\n')
  try {
    return await publish(mapping, options, writer, hooks, sourceOf(path), refused)
  } catch (error) {
    throw readFailure(path, error)
  } finally {
    if (refused !== null) await closeRefused(refused)
  }
}

/**
 * Publishes CSV from a stream of bytes, plain or gzip, identified by its first MiB.
 * @throws as `publishCsvFile`
 */
export async function publishCsv(
  stream: ByteStream,
  mapping: CsvMapping,
  options: CsvOptions,
  writer: UsageWriter,
  hooks: CsvHooks = systemHooks,
): Promise<CsvSummary> {
  return publish(mapping, options, writer, hooks, { stream, identity: null }, null)
}

async function publish(
  mapping: CsvMapping,
  options: CsvOptions,
  writer: UsageWriter,
  hooks: CsvHooks,
  source: CsvSource,
  refused: WriteStream | null,
): Promise<CsvSummary> {
  const content = await openContent(source)
  const identity = await identify(mapping, options, content)
  const run = new CsvRun(mapping, options, identity, writer, hooks, refused)
  for await (const lines of content.lines()) {
    options.signal?.throwIfAborted()
    await run.addLines(lines)
  }
  return run.finish()
}

/** Probe and epoch of a content: whatever would change the batches must be part of it. */
async function identify(
  mapping: CsvMapping,
  options: CsvOptions,
  content: CsvContent,
): Promise<{ probe: string; epoch: number }> {
  const { probe = 'csv', epoch = null, partitionCount } = options
  if (!PRODUCER_NAME.test(probe)) {
    throw new UsageError(`a probe's name is 1 to 64 of A-Z a-z 0-9 _ -, not ${probe}`)
  }
  if (epoch !== null) return { probe, epoch }
  if (probe.length > 47) throw new UsageError('without an epoch, a name has at most 47 letters')
  const settings = [
    ...['v1', String(partitionCount), options.zone ?? ''],
    ...[options.timeFormat ?? 'auto', options.delimiter ?? ''],
    ...[...mapping].map(([field, columns]) => `${field}=${JSON.stringify(columns)}`).sort(),
    ...[...(options.appWords ?? [])].map(([word, code]) => `app ${word}=${code}`).sort(),
  ]
  const hash = await content.hash(settings)
  return { probe: `${probe}-${hash.slice(0, 16)}`, epoch: 1 }
}

/** One content on its way. */
class CsvRun {
  readonly #mapping: CsvMapping
  readonly #options: CsvOptions
  readonly #identity: { readonly probe: string; readonly epoch: number }
  readonly #hooks: CsvHooks
  readonly #refused: WriteStream | null
  readonly #publisher: Publisher
  readonly #batcher: Batcher
  readonly #ready: EncodedBatch[] = []
  readonly #columns = createColumns(1)
  readonly #refusals = new Map<CsvRefusal, { count: number; firstLines: number[] }>()
  readonly #startedMs: number
  #reader: CsvRecordReader | null = null
  #delimiter = ','
  #lineNumber = 0
  #lines = 0
  #records = 0
  #refusedCount = 0
  #batches = 0
  #progressMs: number
  #progressLines = 0

  constructor(
    mapping: CsvMapping,
    options: CsvOptions,
    identity: { readonly probe: string; readonly epoch: number },
    writer: UsageWriter,
    hooks: CsvHooks,
    refused: WriteStream | null,
  ) {
    const { partitionCount, inFlightMax = IN_FLIGHT_DEFAULT, signal } = options
    if (!(Number.isInteger(partitionCount) && partitionCount >= 1)) {
      throw new UsageError('the number of partitions is whole and at least 1')
    }
    if (partitionCount > PARTITION_COUNT_MAX) {
      throw new UsageError(`at most ${PARTITION_COUNT_MAX} partitions`)
    }
    this.#mapping = mapping
    this.#options = options
    this.#identity = identity
    this.#hooks = hooks
    this.#refused = refused
    this.#startedMs = hooks.nowMs()
    this.#progressMs = this.#startedMs
    this.#publisher = new Publisher(
      writer,
      signal === undefined ? { inFlightMax } : { inFlightMax, signal },
      hooks,
    )
    this.#batcher = new Batcher(
      { ...identity, partitionCount, batchRecordsMax: BATCH_RECORDS_MAX },
      (batch) => this.#ready.push(batch),
    )
  }

  async addLines(lines: readonly (string | null)[]): Promise<void> {
    for (const line of lines) {
      this.#lineNumber += 1
      if (line !== null && line.trim() === '') continue
      const reader = this.#reader ?? this.#start(line)
      if (reader !== null) this.#addLine(reader, line)
    }
    await this.#publishReady()
    if (this.#refused?.writableNeedDrain === true) await once(this.#refused, 'drain')
    this.#reportProgress()
  }

  async finish(): Promise<CsvSummary> {
    if (this.#lineNumber === 0) throw new UsageError('there is not a single line')
    this.#batcher.flush()
    await this.#publishReady()
    await this.#publisher.drain()
    const refusals = CSV_REFUSALS.flatMap((reason) => {
      const refusal = this.#refusals.get(reason)
      return refusal === undefined ? [] : [{ reason, ...refusal }]
    })
    return { ...this.#progress(this.#startedMs, 0), ...this.#identity, refusals }
  }

  /** Takes the first line; returns the reader if that line is data. */
  #start(line: string | null): CsvRecordReader | null {
    if (line === null) throw new UsageError('the first line is longer than any header')
    this.#delimiter = this.#options.delimiter ?? guessDelimiter(line)
    const fields = splitLine(line, this.#delimiter)
    if (fields === null) throw new UsageError('the first line has a quote that does not close')
    const { zone, timeFormat = 'auto', appWords } = this.#options
    const { positions, hasHeader } = findColumns(this.#mapping, fields)
    this.#reader = new CsvRecordReader(positions, createTimeParser(timeFormat, zone), appWords)
    return hasHeader ? null : this.#reader
  }

  #addLine(reader: CsvRecordReader, line: string | null): void {
    this.#lines += 1
    const fields = line === null ? null : splitLine(line, this.#delimiter)
    if (fields === null) {
      this.#refuse(line === null ? 'line-too-long' : 'bad-quotes', line)
      return
    }
    const refusal = reader.read(fields, this.#columns, 0)
    if (refusal !== null) {
      this.#refuse(refusal, line)
      return
    }
    this.#batcher.add(this.#columns, 0, 1)
    this.#records += 1
  }

  #refuse(reason: CsvRefusal, line: string | null): void {
    this.#refusedCount += 1
    let refusal = this.#refusals.get(reason)
    if (refusal === undefined) this.#refusals.set(reason, (refusal = { count: 0, firstLines: [] }))
    refusal.count += 1
    if (refusal.firstLines.length < FIRST_LINES_MAX) refusal.firstLines.push(this.#lineNumber)
    this.#refused?.write(`${this.#lineNumber},${reason},${line ?? ''}\n`)
    this.#hooks.onRefused?.(this.#lineNumber, reason, line)
  }

  async #publishReady(): Promise<void> {
    for (const batch of this.#ready.splice(0)) {
      await this.#publisher.publish(batch.subject, batch.data)
      this.#batches += 1
    }
  }

  #reportProgress(): void {
    const nowMs = this.#hooks.nowMs()
    if (nowMs - this.#progressMs < PROGRESS_MS) return
    this.#hooks.onProgress?.(this.#progress(this.#progressMs, this.#progressLines))
    this.#progressMs = nowMs
    this.#progressLines = this.#lines
  }

  #progress(sinceMs: number, sinceLines: number): CsvProgress {
    const nowMs = this.#hooks.nowMs()
    return {
      lines: this.#lines,
      records: this.#records,
      refused: this.#refusedCount,
      batches: this.#batches,
      retries: this.#publisher.retryCount,
      elapsedMs: nowMs - this.#startedMs,
      linesPerSecond: ((this.#lines - sinceLines) * 1_000) / Math.max(1, nowMs - sinceMs),
    }
  }
}
