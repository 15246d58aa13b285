/**
 * Writes images beside the running partition: begins between two inputs, hands out pages under a
 * bandwidth budget, waits until OUT and REJ have acknowledged everything up to the image's
 * position, and commits the manifest last.
 */

import { PartitionHaltedError } from '../errors.ts'
import type { PageAddress, PageStore, WaitingClock } from '../model/ports.ts'
import { ImageSweep, PageBuffers, type SlotMaps, type SweptPage } from '../state/image-sweep.ts'
import type { PartitionCore } from './core.ts'
import {
  type EngineIdentity,
  type ManifestHead,
  manifestEntries,
  snapshotCore,
  tablesOf,
} from './image.ts'
import type { OutputProgress } from './output-chain.ts'
import { PageWriter } from './page-writer.ts'
import type { RejectWriter } from './reject-writer.ts'

/**
 * A turn of the sweep ends after this time, or this many bytes: between two turns inputs are
 * applied, and they wait for the turn. Where inputs pile up, it is as long as theirs once the sweep
 * is so late: a checkpoint that takes long keeps many rows, which costs more than it spares.
 */
const TURN_MS = 0.5
const LATE_TURN_MS = 2
const LATE_MS = 100
const TURN_SIZE = 1024 * 1024

/** Least time from one compaction to the next, ms: each copies the whole image. */
const COMPACTION_EVERY_MS = 10 * 60_000

/** What a checkpoint needs to know of the streams. */
export interface StreamIncarnations {
  readonly inputCreated: string
  readonly outputCreated: string
}

/** Settings of checkpoints. */
export interface CheckpointSettings {
  readonly everyMs: number
  /** Bytes per second that pages may take. */
  readonly bandwidth: number
}

/** Checkpoints of one partition, one at a time. */
export class Checkpointer {
  readonly #store: PageStore
  readonly #clock: WaitingClock
  readonly #engine: EngineIdentity
  readonly #settings: CheckpointSettings
  readonly #buffers = new PageBuffers()
  #slotMaps: SlotMaps
  #generation: number
  #running: Promise<void> | null = null
  #isUnpaced = false
  /** Erasures up to this input have left nothing in the store's file. */
  #cleanSequence: number
  #compactionNotBeforeMs = 0
  /** Era (rulings.ts) and input sequence of the last committed image. */
  #era: number
  sequence: number
  committedAtMs: number | null = null
  durationMs = 0
  count = 0
  /** Times that the store's file could not be rid of what was erased; tried again. */
  compactionFailures = 0

  constructor(
    store: PageStore,
    clock: WaitingClock,
    engine: EngineIdentity,
    settings: CheckpointSettings,
    { head, slotMaps }: { readonly head: ManifestHead | null; readonly slotMaps: SlotMaps },
  ) {
    this.#store = store
    this.#clock = clock
    this.#engine = engine
    this.#settings = settings
    this.#slotMaps = slotMaps
    this.#generation = head?.generation ?? 0
    this.#era = head?.era ?? 0
    this.sequence = head?.sequence ?? 0
    this.#cleanSequence = head?.cleanSequence ?? 0
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Whether to begin one now; a baseline does not wait until it is time. */
  isDue(core: PartitionCore, isTime: boolean): boolean {
    if (this.isRunning || !(isTime || this.isBaselineUnwritten(core))) return false
    return this.isOwed(core)
  }

  /** Whether a baseline lies behind that no image knows: until then OUT must keep its ruling. */
  isBaselineUnwritten({ era }: { readonly era: number }): boolean {
    return era !== this.#era
  }

  /** Whether an image of this state would say anything that the last one does not. */
  isOwed(core: PartitionCore): boolean {
    return (
      core.sequence !== this.sequence ||
      this.isBaselineUnwritten(core) ||
      this.isCompactionDue(core)
    )
  }

  /** Whether the store's file may still hold bytes of subscribers that were erased. */
  hasResidue({ erasureSequence }: { readonly erasureSequence: number }): boolean {
    return erasureSequence > this.#cleanSequence
  }

  /** Whether the next checkpoint will rid the store's file of them. */
  isCompactionDue(core: { readonly erasureSequence: number }): boolean {
    const isTime = this.#clock.steadyMs() >= this.#compactionNotBeforeMs
    return isTime && this.hasResidue(core) && this.#store.compact !== undefined
  }

  /**
   * Begins a checkpoint at the core's position; call between two inputs. If one is running, its
   * promise is returned. Rejects with PartitionHaltedError('store-commit').
   */
  begin(
    core: PartitionCore,
    streams: StreamIncarnations,
    progress: OutputProgress,
    rejects: RejectWriter,
  ): Promise<void> {
    if (this.#running !== null) return this.#running
    const startedAtMs = this.#clock.steadyMs()
    const generation = this.#generation + 1
    const snapshot = snapshotCore(core, generation)
    const { place, epoch } = progress
    // Sequences count anew: what was erased before may be anywhere in the file.
    if (this.isBaselineUnwritten(core)) this.#cleanSequence = 0
    const sweep = new ImageSweep(tablesOf(core), this.#slotMaps, generation, this.#buffers)
    const position = {
      ...streams,
      outputSequence: place.sequence,
      outputFingerprint: place.fingerprint,
      epoch,
      cleanSequence: this.#cleanSequence,
    }
    const run = async (): Promise<void> => {
      try {
        await this.#sweepPages(sweep)
        await progress.acknowledged(snapshot.decisionNumber)
        await rejects.drained()
        if (progress.acknowledgedNumber < snapshot.decisionNumber || rejects.isStopped) {
          sweep.abandon()
          return
        }
        const end = { outputEndSequence: progress.place.sequence }
        const entries = manifestEntries(snapshot, sweep, { ...position, ...end }, this.#engine)
        await this.#store.commitManifest(entries)
        this.#slotMaps = sweep.slotMaps()
        this.#generation = generation
        this.sequence = snapshot.sequence
        this.#era = snapshot.era ?? 0
        this.committedAtMs = this.#clock.nowMs()
        this.durationMs = this.#clock.steadyMs() - startedAtMs
        this.count += 1
        if (this.isCompactionDue(snapshot)) {
          const clean = { ...position, ...end, cleanSequence: snapshot.sequence }
          const cleanEntries = manifestEntries(snapshot, sweep, clean, this.#engine)
          if (await this.#compact(cleanEntries)) this.#cleanSequence = snapshot.sequence
        }
      } catch (error) {
        sweep.abandon()
        throw new PartitionHaltedError('store-commit', 'the image could not be written', {
          cause: error,
        })
      }
    }
    this.#running = run().finally(() => {
      this.#running = null
    })
    return this.#running
  }

  /**
   * Lets the running and all later checkpoints go as fast as the store takes them; for draining.
   */
  hurry(): void {
    this.#isUnpaced = true
    this.#compactionNotBeforeMs = 0
  }

  /**
   * Writes the committed image into a fresh file: the old one holds versions of pages that nothing
   * refers to, in slots and in pages that LMDB freed and did not overwrite. Where it cannot be
   * done (no room on the disk) the old file serves on, and it is tried again later.
   */
  async #compact(entries: ReadonlyMap<string, Uint8Array>): Promise<boolean> {
    const startedAtMs = this.#clock.steadyMs()
    this.#compactionNotBeforeMs = startedAtMs + COMPACTION_EVERY_MS
    const pace = (copiedSize: number): Promise<void> => this.#pace(startedAtMs, copiedSize)
    try {
      await this.#store.compact?.(committedPages(this.#slotMaps), entries, pace)
      if (this.#isUnpaced) this.#compactionNotBeforeMs = 0
      return true
    } catch {
      this.compactionFailures += 1
      return false
    }
  }

  async #sweepPages(sweep: ImageSweep): Promise<void> {
    const startedAtMs = this.#clock.steadyMs()
    const writer = new PageWriter(this.#store, sweep)
    let writtenSize = 0
    for (;;) {
      const turnedAtMs = this.#clock.steadyMs()
      const isLate = turnedAtMs - this.#dueAtMs(startedAtMs, writtenSize) > LATE_MS
      const endsAtMs = turnedAtMs + (isLate ? LATE_TURN_MS : TURN_MS)
      let turnSize = 0
      let page: SweptPage | null = null
      do {
        page = sweep.next()
        if (page === null) break
        writer.add(page)
        turnSize += page.bytes.byteLength
      } while (turnSize < TURN_SIZE && this.#clock.steadyMs() < endsAtMs)
      if (page === null) break
      writtenSize += turnSize
      await writer.endTurn()
      await this.#pace(startedAtMs, writtenSize)
    }
    await writer.finish()
  }

  /** When the budget allows what comes after so many bytes. */
  #dueAtMs(startedAtMs: number, writtenSize: number): number {
    return startedAtMs + (writtenSize / this.#settings.bandwidth) * 1000
  }

  /** Gives the loop a turn, or waits until the budget allows the next. */
  async #pace(startedAtMs: number, writtenSize: number): Promise<void> {
    const dueAtMs = this.#dueAtMs(startedAtMs, writtenSize)
    const waitMs = this.#isUnpaced ? 0 : dueAtMs - this.#clock.steadyMs()
    if (waitMs > 1) await this.#clock.pause(waitMs)
    else await this.#clock.turn()
  }
}

function* committedPages(slotMaps: SlotMaps): Generator<PageAddress> {
  for (const [table, slots] of slotMaps) {
    for (const [page, slot] of slots.entries()) yield { table, page, slot: slot === 1 ? 1 : 0 }
  }
}
