/**
 * Reloads of a running worker: the configuration is read again, validated whole, and sent through
 * the log of partition 0, then through the others'. One at a time.
 */

import { createHash } from 'node:crypto'
import { BrokerRefusedError, ConfigInvalidError, formatProblem } from '../errors.ts'
import { type ConfigFiles, isSameText } from '../model/catalog.ts'
import type { ControlWriter, WaitingClock } from '../model/ports.ts'
import type { ReloadOutcome } from '../model/view.ts'
import { describeChange } from '../rules/describe-change.ts'
import { parseCatalog } from '../rules/parse-catalog.ts'
import { findIncompatibility } from './config-change.ts'
import type { PartitionCore } from './core.ts'
import { describeMembers } from './journey-views.ts'
import type { PartitionWorker } from './worker.ts'

const RELOAD_TIMEOUT_MS = 30_000
const RELOAD_POLL_MS = 10
const FOLLOWED = 'partition 0 is followed here and not owned: reload at its owner'

/** How the last reload went. */
export interface ReloadStatus {
  readonly isLastSuccessful: boolean
  readonly lastSuccessAtMs: number
}

/** A configuration on its way into a log. */
export interface NextConfig {
  readonly id: string
  readonly generation: number
  readonly files: ConfigFiles
}

/** Where outcomes are told. */
export interface ReloadLog {
  info(fields: object, text: string): void
  error(fields: object, text: string): void
}

/** What reloads work with; `workers` is the supervisor's and changes under them. */
export interface ReloadParts {
  /** What the configuration says now. Throws ConfigInvalidError. */
  readonly readFiles: () => Promise<ConfigFiles>
  readonly encodeConfig: (config: NextConfig) => Uint8Array
  readonly partitionCount: number
  readonly workers: ReadonlyMap<number, PartitionWorker>
  readonly controlOf: (partition: number) => ControlWriter
  readonly clock: WaitingClock
  readonly logger: ReloadLog
}

/** Reloads of one process. */
export class Reloads {
  readonly #parts: ReloadParts
  status: ReloadStatus = { isLastSuccessful: true, lastSuccessAtMs: 0 }
  #reloading: Promise<ReloadOutcome> | null = null
  #nextReload: Promise<ReloadOutcome> | null = null

  constructor(parts: ReloadParts) {
    this.#parts = parts
  }

  /** The configuration that the worker starts with counts as the first success. */
  begin(): void {
    this.status = { isLastSuccessful: true, lastSuccessAtMs: this.#parts.clock.nowMs() }
  }

  /**
   * Reads the config directory and, if it differs from what is in force, sends it through the log.
   */
  reload(cause: string): Promise<ReloadOutcome> {
    if (this.#parts.workers.get(0)?.isStandby)
      return Promise.resolve({ kind: 'failed', error: FOLLOWED })
    if (this.#reloading === null && this.#nextReload === null) return this.#beginReload(cause)
    // The running one may have read the directory before the change that this call is about.
    this.#nextReload ??= this.#reloading!.then(() => {
      this.#nextReload = null
      return this.#beginReload(cause)
    })
    return this.#nextReload
  }

  #beginReload(cause: string): Promise<ReloadOutcome> {
    this.#reloading = this.#reload(cause).finally(() => {
      this.#reloading = null
    })
    return this.#reloading
  }

  async #reload(cause: string): Promise<ReloadOutcome> {
    const outcome = await this.#tryReload().catch((error: unknown): ReloadOutcome => {
      if (error instanceof ConfigInvalidError) {
        return { kind: 'invalid', problems: error.problems.map(formatProblem) }
      }
      return { kind: 'failed', error: error instanceof Error ? error.message : String(error) }
    })
    const isLastSuccessful = outcome.kind === 'applied' || outcome.kind === 'unchanged'
    const { lastSuccessAtMs } = this.status
    this.status = {
      isLastSuccessful,
      lastSuccessAtMs: isLastSuccessful ? this.#parts.clock.nowMs() : lastSuccessAtMs,
    }
    if (isLastSuccessful) this.#parts.logger.info({ cause, outcome }, 'config reload')
    else
      this.#parts.logger.error(
        { cause, outcome },
        'config reload failed; the old config keeps running',
      )
    return outcome
  }

  async #tryReload(): Promise<ReloadOutcome> {
    const files = await this.#parts.readFiles()
    const { catalog } = parseCatalog(files)
    const core = this.#parts.workers.get(0)?.machine?.core
    if (core === null || core === undefined) {
      const error = 'partition 0 is not live here: reload at the worker that owns it'
      return { kind: 'failed', error }
    }
    const before = core.compiled.catalog
    const inside = describeMembers(this.#cores(), catalog)
    const problem = findIncompatibility(core, catalog)
    if (problem !== null) return { kind: 'invalid', problems: [problem] }
    if (isSameText(files, core.files)) {
      await this.#copyConfig(core.generation, core.files)
      return { kind: 'unchanged', generation: core.generation }
    }
    const generation = core.generation + 1
    await this.#publishConfig(0, generation, files)
    await this.#untilGeneration(0, generation)
    if (!isSameText(core.files, files)) {
      return { kind: 'failed', error: `generation ${generation} was taken by another reload` }
    }
    await this.#copyConfig(generation, files)
    return { kind: 'applied', generation, notes: [...describeChange(before, catalog), ...inside] }
  }

  #cores(): PartitionCore[] {
    const cores = [...this.#parts.workers.values()].map(({ machine }) => machine?.core ?? null)
    return cores.filter((core) => core !== null)
  }

  /** Partition 0's log decides; the others get the same text under the same generation. */
  async #copyConfig(generation: number, files: ConfigFiles): Promise<void> {
    const { partitionCount } = this.#parts
    for (let partition = 1; partition < partitionCount; partition++) {
      // Where nobody here knows better: every log begins with generation 1.
      const known = this.#parts.workers.get(partition)?.machine?.core?.generation ?? 1
      if (known >= generation) continue
      await this.#publishConfig(partition, generation, files)
      if (this.#parts.workers.has(partition)) await this.#untilGeneration(partition, generation)
    }
  }

  async #publishConfig(partition: number, generation: number, files: ConfigFiles): Promise<void> {
    const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)
    const data = this.#parts.encodeConfig({ id: `config-${generation}-${hash}`, generation, files })
    const outcome = await this.#parts.controlOf(partition).publish(data, null)
    // An unknown fate is found out by waiting for the generation.
    if (outcome.kind === 'full') throw new BrokerRefusedError(`IN_${partition} is full`)
  }

  async #untilGeneration(partition: number, generation: number): Promise<void> {
    const deadlineMs = this.#parts.clock.nowMs() + RELOAD_TIMEOUT_MS
    for (;;) {
      const worker = this.#parts.workers.get(partition)
      if ((worker?.machine?.core?.generation ?? 0) >= generation) return
      if (worker?.halt) throw worker.halt
      if (this.#parts.clock.nowMs() > deadlineMs) {
        throw new BrokerRefusedError(`generation ${generation} did not come back out of the log`)
      }
      await this.#parts.clock.pause(RELOAD_POLL_MS)
    }
  }
}
