import { BrokerUnavailableError, UsageError } from '../errors.ts'
import { PARTITION_COUNT_MAX, PRODUCER_NAME } from '../model/wire.ts'
import { createColumns } from '../model/usage.ts'
import { Batcher, type EncodedBatch } from './batcher.ts'
import { Disorder } from './disorder.ts'
import { COLUMNAR_RECORDS_MAX } from './encode.ts'
import { Population, type PopulationOptions } from './population.ts'
import { type ProbeHooks, Publisher, systemHooks, type UsageWriter } from './publisher.ts'
import { Random } from './random.ts'
import { type SavedSequence, SavedSequenceFile } from './saved-sequence.ts'

/** What a simulated probe makes, how fast, and how it publishes it. */
export interface SimulateOptions extends PopulationOptions {
  readonly probe: string
  readonly partitionCount: number
  /** Mean rate; with the daily rhythm the rate of the hour is up to 1.75 times as much. */
  readonly recordsPerSecond: number
  /** How long, ms; null: until the signal aborts. */
  readonly durationMs: number | null
  /** Records of a batch at most; default 1,000. */
  readonly batchRecordsMax?: number
  /** Batches under way at once, at most; default 64. */
  readonly inFlightMax?: number
  /**
   * How often records are made and sent, ms; default 50. Partitions with few records get small
   * batches.
   */
  readonly tickMs?: number
  /** Shares of batches that come late or twice, 0 to 1; default 0. */
  readonly lateBatchShare?: number
  readonly duplicateBatchShare?: number
  /** Where seqs are saved; without it each start takes a higher epoch, the time of the start. */
  readonly statePath?: string | null
  /** Ends the run early: what is made is still sent. */
  readonly signal?: AbortSignal
}

/** Counts since the start. */
export interface SimulateProgress {
  readonly records: number
  readonly batches: number
  readonly storedBatches: number
  readonly retries: number
  readonly elapsedMs: number
  /** Records since the last progress, per second. */
  readonly recordsPerSecond: number
  /** Records given up because the server took them too slowly: the chosen rate was not reached. */
  readonly recordsSkipped: number
}

/** What became of a whole run. */
export interface SimulateSummary extends SimulateProgress {
  readonly probe: string
  readonly epoch: number
  readonly seed: number
  readonly lateBatches: number
  readonly duplicateBatches: number
}

/** The outside world, and where progress goes, about once a second. */
export interface SimulateHooks extends ProbeHooks {
  onProgress?(progress: SimulateProgress): void
}

const PROGRESS_MS = 1_000
/** A probe that fell behind catches up this much at most; the rest is skipped and said. */
const ARREARS_MAX_MS = 1_000
/** How long a run that was ended still tries to get its batches stored. */
const GIVE_UP_MS = 10_000
/** Batches that may overtake a late one: well below the 1,024 that a partition remembers. */
const DISORDER_DISTANCE_MAX = 100

/**
 * A probe in real time: makes usage of a simulated population at a chosen rate, event times now,
 * and publishes it until its time is over or the signal aborts; then waits until all is stored.
 * @throws UsageError for options or a state file that make no sense; what the writer refuses for
 * good
 */
export async function simulate(
  options: SimulateOptions,
  writer: UsageWriter,
  hooks: SimulateHooks = systemHooks,
): Promise<SimulateSummary> {
  checkOptions(options)
  const run = await SimulatedProbe.start(options, writer, hooks)
  await run.untilOver()
  return run.finish()
}

function checkOptions(options: SimulateOptions): void {
  const { probe, partitionCount, recordsPerSecond, subscriberCount, durationMs } = options
  if (!PRODUCER_NAME.test(probe)) {
    throw new UsageError(`a probe's name is 1 to 64 of A-Z a-z 0-9 _ -, not ${probe}`)
  }
  checkWhole('partitions', partitionCount, 1, PARTITION_COUNT_MAX)
  checkWhole('subscribers', subscriberCount, 1, 200_000_000)
  checkWhole('batch size', options.batchRecordsMax ?? 1_000, 1, COLUMNAR_RECORDS_MAX)
  checkWhole('batches in flight', options.inFlightMax ?? 64, 1, 512)
  if (!(recordsPerSecond > 0 && recordsPerSecond <= 10_000_000)) {
    throw new UsageError('the rate is above 0 and at most 10,000,000 records a second')
  }
  if (durationMs !== null && !(durationMs > 0)) throw new UsageError('the duration is above 0')
}

function checkWhole(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new UsageError(`${what}: ${value} is not a whole number of ${min} to ${max}`)
}

/** One run of the probe. */
class SimulatedProbe {
  readonly #options: SimulateOptions
  readonly #hooks: SimulateHooks
  readonly #population: Population
  readonly #batcher: Batcher
  readonly #disorder: Disorder<EncodedBatch>
  readonly #publisher: Publisher
  readonly #columns = createColumns(COLUMNAR_RECORDS_MAX)
  readonly #ready: EncodedBatch[] = []
  readonly #stateFile: SavedSequenceFile | null
  readonly #epoch: number
  readonly #startedMs: number
  /** Aborts when all is stored, and when the broker had its last chance after the run was ended. */
  readonly #isOver = new AbortController()
  readonly #givesUp = new AbortController()
  /** Event time up to which records are made. */
  #madeUntilMs: number
  /** Part of a record that was due and not made. */
  #fraction = 0
  #records = 0
  #recordsSkipped = 0
  #batches = 0
  #progressMs: number
  #progressRecords = 0

  static async start(
    options: SimulateOptions,
    writer: UsageWriter,
    hooks: SimulateHooks,
  ): Promise<SimulatedProbe> {
    const stateFile = options.statePath ? new SavedSequenceFile(options.statePath) : null
    const saved = (await stateFile?.load(options.probe, options.partitionCount)) ?? null
    return new SimulatedProbe(options, writer, hooks, stateFile, saved)
  }

  private constructor(
    options: SimulateOptions,
    writer: UsageWriter,
    hooks: SimulateHooks,
    stateFile: SavedSequenceFile | null,
    saved: SavedSequence | null,
  ) {
    this.#options = options
    this.#hooks = hooks
    this.#stateFile = stateFile
    this.#startedMs = hooks.nowMs()
    this.#madeUntilMs = this.#startedMs
    this.#progressMs = this.#startedMs
    this.#epoch = saved?.epoch ?? this.#startedMs
    this.#population = new Population(options)
    this.#batcher = new Batcher(
      {
        probe: options.probe,
        epoch: this.#epoch,
        partitionCount: options.partitionCount,
        batchRecordsMax: options.batchRecordsMax ?? 1_000,
        ...(saved === null ? {} : { nextSeqs: saved.nextSeqs }),
      },
      (batch) => this.#ready.push(...this.#disorder.push(batch)),
    )
    this.#disorder = new Disorder(
      {
        lateShare: options.lateBatchShare ?? 0,
        duplicateShare: options.duplicateBatchShare ?? 0,
        distanceMax: DISORDER_DISTANCE_MAX,
      },
      new Random(options.seed + 1),
    )
    this.#publisher = new Publisher(
      writer,
      { inFlightMax: options.inFlightMax ?? 64, signal: this.#givesUp.signal },
      hooks,
    )
    const { signal } = options
    if (signal?.aborted === true) void this.#giveUpLater()
    else signal?.addEventListener('abort', () => void this.#giveUpLater(), { once: true })
  }

  /** Whoever ends the run does not want to wait for a dead broker for ever. */
  async #giveUpLater(): Promise<void> {
    try {
      await this.#hooks.sleep(GIVE_UP_MS, this.#isOver.signal)
    } catch {
      return
    }
    this.#givesUp.abort(new BrokerUnavailableError('the run was ended with batches not stored'))
  }

  #isAborted(): boolean {
    return this.#options.signal?.aborted === true
  }

  async untilOver(): Promise<void> {
    const { durationMs, tickMs = 50, signal } = this.#options
    const endMs = durationMs === null ? Number.POSITIVE_INFINITY : this.#startedMs + durationMs
    while (!this.#isAborted()) {
      const nowMs = this.#hooks.nowMs()
      await this.#makeUntil(Math.min(nowMs, endMs))
      if (nowMs >= endMs) return
      this.#reportProgress(nowMs)
      try {
        await this.#hooks.sleep(Math.min(tickMs, endMs - nowMs), signal)
      } catch (error) {
        if (!this.#isAborted()) throw error
      }
    }
  }

  async finish(): Promise<SimulateSummary> {
    this.#ready.push(...this.#disorder.drain())
    await this.#publishReady()
    await this.#publisher.drain()
    this.#isOver.abort()
    await this.#stateFile?.settle(this.#sequence())
    const { late, duplicates } = this.#disorder.counts
    return {
      ...this.#progress(this.#startedMs, 0),
      probe: this.#options.probe,
      epoch: this.#epoch,
      seed: this.#options.seed,
      lateBatches: late,
      duplicateBatches: duplicates,
    }
  }

  /** Makes what is due up to an instant and publishes it; waits while too much is under way. */
  async #makeUntil(untilMs: number): Promise<void> {
    if (untilMs <= this.#madeUntilMs) return
    const { recordsPerSecond } = this.#options
    const firstMs = Math.max(this.#madeUntilMs, untilMs - ARREARS_MAX_MS)
    const population = this.#population
    this.#recordsSkipped += Math.round(
      population.expectedCount(this.#madeUntilMs, firstMs, recordsPerSecond),
    )
    const due = population.expectedCount(firstMs, untilMs, recordsPerSecond) + this.#fraction
    const count = Math.floor(due)
    this.#fraction = due - count
    this.#madeUntilMs = untilMs
    const room = this.#columns.subscribers.length
    for (let made = 0; made < count; ) {
      const size = Math.min(room, count - made)
      const fromMs = firstMs + ((untilMs - firstMs) * made) / count
      const toMs = firstMs + ((untilMs - firstMs) * (made + size)) / count
      population.generate(this.#columns, 0, size, Math.floor(fromMs), Math.ceil(toMs))
      this.#batcher.add(this.#columns, 0, size)
      made += size
      await this.#publishReady()
    }
    this.#records += count
    this.#batcher.flush()
    await this.#publishReady()
  }

  async #publishReady(): Promise<void> {
    if (this.#ready.length === 0) return
    await this.#stateFile?.reserve(this.#sequence())
    for (const batch of this.#ready.splice(0)) {
      await this.#publisher.publish(batch.subject, batch.data)
      this.#batches += 1
    }
  }

  #sequence(): SavedSequence {
    return {
      probe: this.#options.probe,
      epoch: this.#epoch,
      nextSeqs: this.#batcher.nextSeqs(),
    }
  }

  #reportProgress(nowMs: number): void {
    if (nowMs - this.#progressMs < PROGRESS_MS) return
    this.#hooks.onProgress?.(this.#progress(this.#progressMs, this.#progressRecords))
    this.#progressMs = nowMs
    this.#progressRecords = this.#records
  }

  #progress(sinceMs: number, sinceRecords: number): SimulateProgress {
    const nowMs = this.#hooks.nowMs()
    return {
      records: this.#records,
      batches: this.#batches,
      storedBatches: this.#publisher.storedCount,
      retries: this.#publisher.retryCount,
      elapsedMs: nowMs - this.#startedMs,
      recordsPerSecond: ((this.#records - sinceRecords) * 1_000) / Math.max(1, nowMs - sinceMs),
      recordsSkipped: this.#recordsSkipped,
    }
  }
}
