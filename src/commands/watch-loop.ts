/**
 * The watch, driven: folds OUT up to each look, looks, keeps what is to be said, says it. In this
 * order, so that a kill in between says nothing twice and loses nothing.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { HighwaterError } from '../errors.ts'
import type { ReportFold } from '../report/fold.ts'
import type { PlannedToday, WatchMachine } from '../report/watch-machine.ts'
import type { Workers } from './planned-poll.ts'
import type { TimedOutput } from './timed-output.ts'
import type { WatchFiles } from './watch-files.ts'
import type { WatchVoice } from './watch-voice.ts'

/** A decision may be on its way into OUT for that long: so much later looks are taken, ms. */
export const GRACE_MS = 2_000
const IDLE_MS = 500
const RETRY_MS = 2_000
const CHECK_EVERY_MS = 30_000
const PLAN_AGE_MAX_MS = 1_000
const PLAN_WAIT_MAX_MS = 3_000
const APART: ReadonlySet<string> = new Set(['test', 'notice', 'confirm'])

/** What the loop is made of. */
export interface WatchLoopParts {
  readonly fold: ReportFold
  readonly machine: WatchMachine
  readonly outputs: readonly TimedOutput[]
  readonly files: WatchFiles
  readonly voice: WatchVoice
  readonly workers: Workers
  readonly logger: Logger
  /** Whether time is that of a virtual clock, which only workers and decisions know. */
  readonly isVirtual: boolean
  readonly snapshotEveryMs: number
}

type Planned = Awaited<ReturnType<Workers['planned']>>

/** Runs until stopped. */
export class WatchLoop {
  readonly #parts: WatchLoopParts
  #plan: { readonly atMs: number; readonly planned: Planned } | null = null
  #savedAtMs = Date.now()
  #checkedAtMs = Date.now()
  #decisionsSinceSave = 0
  #isCaughtUp = false
  #failure: string | null = null
  #lookCount = 0

  constructor(parts: WatchLoopParts) {
    this.#parts = parts
  }

  /** Whether all of OUT was folded at least once, and nothing stands in the way. */
  get isReady(): boolean {
    return this.#isCaughtUp && this.#failure === null
  }

  /** Why it does not go on; null: it does. */
  get failure(): string | null {
    return this.#failure
  }

  get lookCount(): number {
    return this.#lookCount
  }

  /**
   * Until the signal; then a last snapshot. Waits for a broker that is away.
   * @throws {FeedBrokenError} OUT is not what was read before
   */
  async run(signal: AbortSignal): Promise<void> {
    const { machine, voice, files, fold, logger } = this.#parts
    await files.writeState(machine.state)
    while (!signal.aborted) {
      try {
        await this.#sayUnsaid(voice)
        const isBusy = await this.#step()
        this.#failure = null
        if (!isBusy) await this.#idle()
        await this.#save(false)
      } catch (error) {
        if (!(error instanceof HighwaterError) || !error.retryable) throw error
        this.#failure = error.code
        logger.warn({ code: error.code, error: error.message }, 'watch waits')
        await pause(RETRY_MS)
      }
    }
    await this.#save(true)
    logger.info({ decisions: [...fold.positions.values()].map(({ number }) => number) }, 'stopped')
  }

  /** Folds, and looks if it is time; false: there was nothing to do. */
  async #step(): Promise<boolean> {
    const { outputs, machine, isVirtual } = this.#parts
    const lookMs = machine.nextLookMs()
    let count = 0
    for (const output of outputs) count += output.foldBefore(lookMs)
    this.#decisionsSinceSave += count
    const isPast = outputs.every((output) => output.isPast(lookMs))
    const isTime = isVirtual || Date.now() >= lookMs + GRACE_MS
    if (!this.#isCaughtUp || (isTime && !isPast)) {
      await this.#learn()
      for (const output of outputs) this.#decisionsSinceSave += output.foldBefore(lookMs)
    }
    if (!outputs.every((output) => output.isPast(lookMs))) return count > 0
    const planned = machine.isPlanAsked ? await this.#plannedAt(lookMs) : null
    for (const output of outputs) this.#decisionsSinceSave += output.foldBefore(lookMs)
    machine.look(lookMs, planned)
    this.#lookCount++
    // What it decided to say is on disk before it is said.
    if (machine.state.unsaid.length > 0) await this.#parts.files.writeState(machine.state)
    return true
  }

  async #learn(): Promise<void> {
    const { outputs, isVirtual, workers } = this.#parts
    const nowMs = Date.now() - GRACE_MS
    if (isVirtual) {
      const clocks = await workers.clocks()
      for (const output of outputs) {
        const clock = clocks.get(output.partition)
        if (clock !== undefined) output.learnClock(clock.clockMs, clock.decisionNumber)
      }
    }
    const ends = outputs.map((output) => output.learnEnd(isVirtual ? NEVER_MS : nowMs))
    await Promise.all(ends)
    this.#isCaughtUp ||= outputs.every((output) => output.isAtEnd)
  }

  /**
   * What was planned at a look, as far as it can still be known: what workers plan now for the
   * same day, and what they have made deliveries of since. null: some partition does not say.
   */
  async #plannedAt(lookMs: number): Promise<PlannedToday | null> {
    const { outputs, fold } = this.#parts
    const { clock } = fold
    const day = clock.dayAt(lookMs)
    const planned = await this.#currentPlan()
    const sums = new Map<string, { deliveries: number; segments: number; channel: string }>()
    const add = (trigger: string, channel: string, deliveries: number, segments: number) => {
      const sum = sums.get(trigger) ?? { deliveries: 0, segments: 0, channel }
      sums.set(trigger, sum)
      sum.deliveries += deliveries
      sum.segments += segments
    }
    for (const output of outputs) {
      const plan = planned.get(output.partition)
      if (plan === undefined || clock.dayAt(plan.clockMs) !== day) return null
      if (!(await this.#readUpTo(output, plan.decisionNumber, lookMs))) return null
      for (const { trigger, channel, deliveries, segments } of plan.triggers) {
        add(trigger, channel, deliveries, segments)
      }
      for (const delivery of output.unfoldedDeliveries()) {
        if (APART.has(delivery.purpose ?? '') || clock.dayAt(delivery.decidedAtMs) !== day) continue
        add(delivery.trigger, delivery.channel, 1, delivery.segments ?? 0)
      }
    }
    return sums
  }

  async #currentPlan(): Promise<Planned> {
    const nowMs = Date.now()
    if (this.#plan === null || nowMs - this.#plan.atMs > PLAN_AGE_MAX_MS) {
      this.#plan = { atMs: nowMs, planned: await this.#parts.workers.planned() }
    }
    return this.#plan.planned
  }

  async #readUpTo(output: TimedOutput, number: number, lookMs: number): Promise<boolean> {
    const untilMs = Date.now() + PLAN_WAIT_MAX_MS
    while (output.readNumber < number && Date.now() < untilMs) {
      await output.wait(100)
      this.#decisionsSinceSave += output.foldBefore(lookMs)
      // The queue holds later ones already: those before them were read.
      if (output.isPast(lookMs) && output.readNumber < number) await pause(20)
    }
    return output.readNumber >= number
  }

  async #sayUnsaid(voice: WatchVoice): Promise<void> {
    const { machine, files } = this.#parts
    if (machine.state.unsaid.length === 0) return
    const said = await voice.say(machine.state.unsaid)
    machine.markSaid(said)
    if (said.size > 0) await files.writeState(machine.state)
  }

  async #idle(): Promise<void> {
    const { outputs } = this.#parts
    await Promise.race(outputs.map((output) => output.wait(IDLE_MS)))
    if (Date.now() - this.#checkedAtMs < CHECK_EVERY_MS) return
    this.#checkedAtMs = Date.now()
    for (const output of outputs) await output.check()
  }

  async #save(isLast: boolean): Promise<void> {
    const { files, fold, machine, snapshotEveryMs } = this.#parts
    const isDue = Date.now() - this.#savedAtMs >= snapshotEveryMs
    if (!isLast && !isDue) return
    this.#savedAtMs = Date.now()
    await files.writeState(machine.state)
    if (this.#decisionsSinceSave === 0 && !isLast) return
    this.#decisionsSinceSave = 0
    await files.writeFold(fold)
  }
}

const NEVER_MS = Number.NEGATIVE_INFINITY
