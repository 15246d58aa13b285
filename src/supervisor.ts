/**
 * Owns the partitions of one process: connects, makes the streams, opens the stores, starts a
 * worker per partition, reloads the configuration through the log, drains. With main, the only
 * place where adapters meet ports.
 */

import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type LoadedConfig, loadConfigDirectory } from './config/load.ts'
import { assignedPartitions, type Settings } from './config/settings.ts'
import { HighwaterError, StandbyOutdatedError } from './errors.ts'
import type { StoreSnapshot } from './model/backup.ts'
import type { Explanation } from './model/explanation.ts'
import { maskDigits } from './model/masking.ts'
import type { ControlWriter, WaitingClock } from './model/ports.ts'
import type { PlannedPartition } from './model/planned.ts'
import type { PromoteStandbys } from './model/promotion.ts'
import type {
  PartitionView,
  ReloadOutcome,
  SubscriberView,
  TriggerView,
  WorkerView,
} from './model/view.ts'
import { MESSAGE_SIZE_MAX, partitionOf } from './model/wire.ts'
import { checkGenesis } from './partition/check-genesis.ts'
import { parseForGenesis } from './partition/config-change.ts'
import type { PartitionCore } from './partition/core.ts'
import { explain } from './partition/explaining.ts'
import type { EngineIdentity } from './partition/image.ts'
import { inspectSubscriber } from './partition/inspect.ts'
import { viewOfAbsent } from './partition/partition-view.ts'
import { countPlanned } from './partition/planned.ts'
import { promoteStandbys } from './partition/promotion.ts'
import { type ReloadStatus, Reloads } from './partition/reloads.ts'
import type { StandbySettings } from './partition/standby.ts'
import { SYSTEM_CLOCK } from './partition/system-clock.ts'
import { viewOfTriggers } from './partition/trigger-views.ts'
import { PartitionWorker } from './partition/worker.ts'
import { encodeConfig, encodeGenesis, encodeTick } from './probe/encode.ts'
import { createErrandWriter } from './probe/encode-errand.ts'
import { brokerLink } from './sink/broker-link.ts'
import type { BrokerConnection } from './sink/connection.ts'
import { openControlWriters } from './sink/control-writer.ts'
import { openOutputStream } from './sink/output-stream.ts'
import { openRejectStream } from './sink/reject-stream.ts'
import { inputStreamName } from './sink/stream-names.ts'
import { ensureStreams } from './sink/streams.ts'
import { createJetStreamSource } from './source/jetstream-source.ts'
import { type LmdbStore, openStore } from './store/lmdb-store.ts'
import { partitionDirectory } from './store/partition-directory.ts'

const START_RETRY_MS = 1_000
/** Room for the head of a message of OUT and for the headers of NATS, bytes. */
const MESSAGE_HEAD_SIZE = 4_096

/** What a supervisor is made of. `configDirectory` is read again at each reload. */
export interface SupervisorOptions {
  readonly configDirectory: string
  readonly config: LoadedConfig
  readonly connection: BrokerConnection
  readonly engine: EngineIdentity
  readonly logger: Logger
  readonly clock?: WaitingClock
}

/** The running partitions of one process. */
export class Supervisor implements WorkerView {
  readonly version: string
  readonly #options: SupervisorOptions
  readonly #settings: Settings
  readonly #logger: Logger
  readonly #clock: WaitingClock
  readonly #workers = new Map<number, PartitionWorker>()
  readonly #stores = new Map<number, LmdbStore>()
  readonly #controlOf: (partition: number) => ControlWriter
  /** Partitions that could not even start, and why. */
  readonly #halts = new Map<number, HighwaterError>()
  readonly #reloads: Reloads
  #planned: Promise<readonly PlannedPartition[]> | null = null
  #starting: Promise<void> | null = null
  #isStopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#settings = options.config.settings
    this.#logger = options.logger
    this.#clock = options.clock ?? SYSTEM_CLOCK
    this.version = options.engine.version
    this.#controlOf = openControlWriters(options.connection)
    this.#reloads = new Reloads({
      readFiles: async () => (await loadConfigDirectory(options.configDirectory)).files,
      encodeConfig,
      partitionCount: this.#settings.partitions.count,
      workers: this.#workers,
      controlOf: this.#controlOf,
      clock: this.#clock,
      logger: this.#logger,
    })
  }

  /**
   * Opens and starts all partitions, owned and followed. What may pass is tried again; a store
   * that another process holds is thrown. A partition that may not start is halted, and the others
   * go on.
   */
  start(): Promise<void> {
    this.#starting = this.#startAll()
    return this.#starting
  }

  async #startAll(): Promise<void> {
    parseForGenesis(this.#options.config.files)
    this.#reloads.begin()
    for (const { partition, isFollowed } of assignedPartitions(this.#settings.partitions)) {
      try {
        if (!this.#isStopping) {
          await this.#startPartition(partition, isFollowed ? 'standby' : 'owner')
        }
      } catch (error) {
        if (!(error instanceof HighwaterError)) throw error
        // The broker it waited for is not there, and nobody waits for it any more.
        if (error.retryable && this.#isStopping) continue
        if (error.retryable) throw error
        this.#halts.set(partition, error)
        const { code, message } = error
        this.#logger.fatal({ partition, code, error: message }, 'partition cannot start')
      }
    }
  }

  /** Resolves when every partition has recovered; rejects when one halts before. */
  async untilLive(): Promise<void> {
    for (const halt of this.#halts.values()) throw halt
    await Promise.all([...this.#workers.values()].map((worker) => worker.untilLive()))
  }

  /**
   * Drains all partitions: everything out, a last checkpoint, stores closed. While they are being
   * started, the one whose turn it is comes to its end first and those behind it are not begun.
   */
  async stop(): Promise<void> {
    this.#isStopping = true
    // Why a start failed its own caller is told.
    await this.#starting?.catch(() => undefined)
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()))
  }

  /** A partition's store at this moment, to be released; null: not here. Throws StoreError. */
  snapshot = (partition: number): StoreSnapshot | null =>
    this.#stores.get(partition)?.snapshot() ?? null

  worker(partition: number): PartitionWorker | undefined {
    return this.#workers.get(partition)
  }

  partitions = (): readonly PartitionView[] => {
    const nowMs = this.#clock.nowMs()
    const halted = [...this.#halts].map(([partition, halt]) => viewOfAbsent(partition, halt, nowMs))
    const running = [...this.#workers.values()].map((worker) => worker.view())
    // Those whose turn to be started has not come: nobody is ready before it has.
    const ahead = assignedPartitions(this.#settings.partitions)
      .filter(({ partition }) => !this.#workers.has(partition) && !this.#halts.has(partition))
      .map(({ partition }) => viewOfAbsent(partition, null, nowMs))
    return [...running, ...halted, ...ahead]
  }

  subscriber = (subscriber: number): SubscriberView | null =>
    this.#askAbout(subscriber, (core) => inspectSubscriber(core, subscriber))

  explain = (subscriber: number, trigger: string): Explanation | null =>
    this.#askAbout(subscriber, (core) => explain(core, subscriber, trigger))

  triggers = (): readonly TriggerView[] => {
    const first = [...this.#workers.values()][0]?.machine?.core ?? null
    return viewOfTriggers(first, this.partitions())
  }

  /** Whoever asks while it is being counted gets the same answer. */
  planned = (): Promise<readonly PlannedPartition[]> => {
    this.#planned ??= this.#countPlanned().finally(() => {
      this.#planned = null
    })
    return this.#planned
  }

  async #countPlanned(): Promise<readonly PlannedPartition[]> {
    const counted: PlannedPartition[] = []
    for (const worker of this.#workers.values()) {
      const core = worker.machine?.core ?? null
      if (core === null || worker.view().status !== 'live') continue
      const counting = countPlanned(core)
      let step = counting.next()
      while (step.done !== true) {
        await this.#clock.turn()
        step = counting.next()
      }
      counted.push(step.value)
    }
    return counted
  }

  /** Makes one standby an owner, or with null all of them. */
  promote: PromoteStandbys = (partition) => promoteStandbys(this.#workers, partition)

  /** Whether somebody else owns partition 0, whose log decides about configurations. */
  get isFollowing(): boolean {
    return this.#workers.get(0)?.isStandby ?? false
  }

  reloadStatus = (): ReloadStatus => this.#reloads.status

  /** See `Reloads`. */
  reload = (cause: string): Promise<ReloadOutcome> => this.#reloads.reload(cause)

  #askAbout<Answer>(
    subscriber: number,
    question: (core: PartitionCore) => Answer | null,
  ): Answer | null {
    const partition = partitionOf(subscriber, this.#settings.partitions.count)
    const core = this.#workers.get(partition)?.machine?.core ?? null
    return core === null ? null : question(core)
  }

  async #startPartition(partition: number, role: 'owner' | 'standby'): Promise<void> {
    const { connection, engine } = this.#options
    const settings = this.#settings
    const directory = partitionDirectory(settings.store.directory, partition)
    await mkdir(directory, { recursive: true })
    const store = await openStore(directory)
    try {
      const isNew = store.readManifest().size === 0
      const created = await this.#ensureStreams(partition, isNew)
      for (const warning of created.warnings) this.#logger.warn(warning, 'stream warning')
      const link = brokerLink(connection)
      const stream = inputStreamName(partition)
      const { inboxPrefix } = settings.nats
      const source = await createJetStreamSource(connection, link, { stream, inboxPrefix })
      checkGenesis(partition, settings.partitions.count, await source.read(1))
      const worker = new PartitionWorker(
        {
          source,
          output: await openOutputStream(connection, partition),
          rejects: openRejectStream(connection, partition),
          control: this.#controlOf(partition),
          errands: createErrandWriter(this.#controlOf),
          store,
          clock: this.#clock,
        },
        {
          partition,
          worker: `${hostname()}-${process.pid}`,
          engine,
          checkpoint: {
            everyMs: settings.checkpoint.everyMs,
            bandwidth: settings.checkpoint.bandwidthBytesPerSecond,
          },
          outbox: {
            latencyMs: settings.outbox.latencyMs,
            batchDecisionsMax: settings.outbox.batchDecisionsMax,
            batchSizeMax: Math.min(settings.outbox.batchSizeMax, this.#outputSizeMax()),
          },
          pendingDecisionsMax: settings.outbox.pendingDecisionsMax,
          drainTimeoutMs: settings.shutdown.timeoutMs,
          standby: role === 'standby' ? this.#standbySettings(partition) : undefined,
          encodeTick: (id) => encodeTick({ id }),
          onSelection: (notice) => this.#logger.info({ partition, ...notice }, 'selection'),
        },
      )
      this.#workers.set(partition, worker)
      this.#stores.set(partition, store)
      void worker.start().then(() => this.#noteEnd(partition, worker))
    } catch (error) {
      await store.close()
      throw error
    }
  }

  #standbySettings(partition: number): StandbySettings {
    this.#logger.info({ partition }, 'following as a standby')
    return {
      ...this.#settings.standby,
      onPromoted: (promotion) => {
        const text = 'standby promoted: this worker owns the partition now'
        this.#logger.warn({ partition, ...promotion }, text)
      },
    }
  }

  /** What one message of OUT may hold: a larger one would be refused for good, and halt us. */
  #outputSizeMax(): number {
    const payloadMax = this.#options.connection.info?.max_payload ?? MESSAGE_SIZE_MAX
    return Math.min(payloadMax, MESSAGE_SIZE_MAX) - MESSAGE_HEAD_SIZE
  }

  /**
   * Makes the streams, with genesis where the partition is new; waits for a broker that is not
   * there yet.
   */
  async #ensureStreams(partition: number, isNew: boolean) {
    const { connection, config } = this.#options
    const limits = { ...this.#settings.streams, messageMaxSize: MESSAGE_SIZE_MAX }
    const genesis = isNew ? genesisOf(config, partition) : null
    for (;;) {
      try {
        return await ensureStreams(connection, partition, limits, genesis)
      } catch (error) {
        const isPassing = error instanceof HighwaterError && error.retryable
        if (!isPassing || this.#isStopping) throw error
        this.#logger.warn({ partition, error: error.message }, 'waiting for the broker')
        await pause(START_RETRY_MS)
      }
    }
  }

  #noteEnd(partition: number, worker: PartitionWorker): void {
    if (!(worker.halt instanceof StandbyOutdatedError) || this.#isStopping) {
      this.#logEnd(partition, worker)
      return
    }
    this.#logger.info({ partition, cause: worker.halt.message }, 'standby is loaded again')
    const again = this.#startPartition(partition, 'standby').catch((error: unknown) => {
      this.#logger.fatal({ partition, error: String(error) }, 'standby cannot be loaded again')
    })
    this.#starting = Promise.all([this.#starting, again]).then(() => undefined)
  }

  #logEnd(partition: number, worker: PartitionWorker): void {
    const { halt } = worker
    if (halt === null) {
      const { outboxDecisions } = worker.view()
      const text = 'partition stopped before OUT took everything: the next start sends the rest'
      if (outboxDecisions === 0) this.#logger.info({ partition }, 'partition stopped')
      else this.#logger.warn({ partition, outboxDecisions }, text)
      return
    }
    const cause = halt.cause instanceof Error ? (halt.cause.stack ?? halt.cause.message) : undefined
    // What an unexpected error quotes may be anything.
    this.#logger.fatal(
      { partition, code: halt.code, error: halt.message, cause: cause && maskDigits(cause) },
      'partition halted: it takes no more input until somebody has looked',
    )
  }
}

/** The first message of a partition's log under a configuration. */
export function genesisOf({ settings, files }: LoadedConfig, partition: number): Uint8Array {
  const { zone, clock } = settings.genesis
  const partitionCount = settings.partitions.count
  const id = `genesis-${partition}`
  return encodeGenesis({ id, partitionCount, partition, zone, clock, generation: 1, files })
}
