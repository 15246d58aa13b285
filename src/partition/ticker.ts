/**
 * Keeps a quiet partition's clock going: while timers are due and nothing else arrives, the owner
 * asks for a tick, one outstanding. A tick carries no time: in real mode its stamp is JetStream's,
 * in virtual mode it only fires the next slice of what is due already.
 */

import type { ControlWriter, WaitingClock } from '../model/ports.ts'
import type { PartitionMachine } from './machine.ts'

/** An answer that does not come is asked for again after this long. */
const OUTSTANDING_MAX_MS = 10_000
/**
 * A tick that came back and brought too little time is followed by the next after what is missing,
 * but at most this: a worker whose clock is ahead of the broker's would ask without end.
 */
const MISSING_MAX_MS = 1_000

/** Whether timers are due that a tick would fire. */
export function isTickDue(machine: PartitionMachine, nowMs: number): boolean {
  const { core } = machine
  if (core === null) return false
  return machine.hasDueAt(core.genesis.clock.mode === 'real' ? nowMs : core.clockMs)
}

/** Publishes ticks for one partition. */
export class Ticker {
  readonly #machine: PartitionMachine
  readonly #control: ControlWriter
  readonly #clock: WaitingClock
  readonly #encodeTick: (id: string) => Uint8Array
  #outstandingSinceMs: number | null = null
  /** What the last tick was to make due, and the steady time before which no other is asked for. */
  #wantedMs = 0
  #notBeforeMs = 0
  #awaitedSequence = 0
  #count = 0
  /** Ticks that IN refused or whose fate is not known. */
  failureCount = 0

  constructor(
    machine: PartitionMachine,
    control: ControlWriter,
    clock: WaitingClock,
    encodeTick: (id: string) => Uint8Array,
  ) {
    this.#machine = machine
    this.#control = control
    this.#clock = clock
    this.#encodeTick = encodeTick
  }

  /** Call when the log is quiet. */
  tickIfDue(): void {
    const nowMs = this.#clock.nowMs()
    if (!isTickDue(this.#machine, nowMs) || this.#isOutstanding()) return
    this.#outstandingSinceMs = this.#clock.steadyMs()
    this.#wantedMs = this.#machine.nextDueMs
    this.#awaitedSequence = Number.POSITIVE_INFINITY
    this.#count += 1
    void this.#publish(`tick-${nowMs}-${this.#count}`)
  }

  #isOutstanding(): boolean {
    const steadyMs = this.#clock.steadyMs()
    if (this.#outstandingSinceMs === null) return steadyMs < this.#notBeforeMs
    if (this.#machine.sequence >= this.#awaitedSequence) {
      this.#outstandingSinceMs = null
      const missingMs = this.#wantedMs - this.#machine.core!.clockMs
      this.#notBeforeMs = steadyMs + Math.min(missingMs, MISSING_MAX_MS)
      return missingMs > 0
    }
    return steadyMs - this.#outstandingSinceMs < OUTSTANDING_MAX_MS
  }

  async #publish(id: string): Promise<void> {
    try {
      const outcome = await this.#control.publish(this.#encodeTick(id), null)
      if (outcome.kind === 'stored') this.#awaitedSequence = outcome.sequence
      else this.failureCount += 1
    } catch {
      // Refused for good, by missing rights for one: asked again later, since rights can be given.
      this.failureCount += 1
    }
  }
}
