/**
 * Errands: control messages that one partition owes to the log of another (or to its own). A
 * machine only lists what it owes; the shell of the owner publishes it, one message at a time per
 * target, again after a failure and once again after every start. Whoever receives one takes a
 * repeat for what it is, so nothing has to be remembered of what was sent.
 */

import type { ControlMessage } from '../model/messages.ts'
import type { ErrandWriter, WaitingClock } from '../model/ports.ts'

/** A publish that failed is tried again after this long. */
const RETRY_MS = 1_000
/**
 * What is owed until an answer comes is said again after this long: the target's stream may have
 * been made anew since, or cut back. A grant waits for none: it is listed under a new id when its ask
 * comes again.
 */
const REPEAT_MS = 60_000
const ANSWERED: ReadonlySet<ControlMessage['kind']> = new Set(['select', 'tally', 'cut', 'ask'])

/** One control message that is owed. `message.id` tells it from every other one. */
export interface Errand {
  /** Partition whose log is to get it. */
  readonly partition: number
  readonly message: ControlMessage
}

/**
 * A part of the machine that owes messages. Read between two inputs; changes nothing. The list is
 * bounded, and depends on nothing but the partition's state; an errand stays in it until an input
 * shows that it arrived, or, where no answer comes, for as long as its repeat does no harm.
 */
export interface ErrandSource {
  errands(): readonly Errand[]
}

/** Publishes errands of one partition; of its owner only, and only once replay is over. */
export class ErrandRunner {
  readonly #source: ErrandSource
  readonly #writer: ErrandWriter
  readonly #clock: WaitingClock
  /** Targets that a message is on its way to, or that have just failed until a steady time. */
  readonly #busy = new Set<number>()
  readonly #notBeforeMs = new Map<number, number>()
  /** Stored in this life, and the steady time of that. */
  #stored = new Map<string, number>()
  /** Publishes that failed or whose fate is not known. */
  failureCount = 0

  constructor(source: ErrandSource, writer: ErrandWriter, clock: WaitingClock) {
    this.#source = source
    this.#writer = writer
    this.#clock = clock
  }

  /** Begins to publish what is owed and was not stored yet. Call often; never waits or throws. */
  run(): void {
    const owed = this.#source.errands()
    if (owed.length === 0 && this.#stored.size === 0) return
    const listed = new Set<string>()
    const steadyMs = this.#clock.steadyMs()
    for (const errand of owed) {
      const { partition, message } = errand
      const key = `${partition} ${message.id}`
      listed.add(key)
      const storedAtMs = this.#stored.get(key)
      const isQuiet = ANSWERED.has(message.kind) && steadyMs - (storedAtMs ?? 0) >= REPEAT_MS
      if ((storedAtMs !== undefined && !isQuiet) || this.#busy.has(partition)) continue
      if (steadyMs < (this.#notBeforeMs.get(partition) ?? 0)) continue
      void this.#publish(errand, key)
    }
    // What is no longer owed may be owed again one day, under the same id.
    if (this.#stored.size > listed.size) {
      this.#stored = new Map([...this.#stored].filter(([key]) => listed.has(key)))
    }
  }

  async #publish({ partition, message }: Errand, key: string): Promise<void> {
    this.#busy.add(partition)
    try {
      const outcome = await this.#writer.publish(partition, message)
      if (outcome.kind === 'stored') this.#stored.set(key, this.#clock.steadyMs())
      else this.#fail(partition)
    } catch {
      // Refused for good, by missing rights for one: tried again later, since rights can be given.
      this.#fail(partition)
    } finally {
      this.#busy.delete(partition)
    }
  }

  #fail(partition: number): void {
    this.failureCount += 1
    this.#notBeforeMs.set(partition, this.#clock.steadyMs() + RETRY_MS)
  }
}
