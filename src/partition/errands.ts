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
 * What is owed until an answer comes is said again after this long, and each time after twice as
 * long as before, up to a quarter of an hour: the target's stream may have been made anew since, or
 * cut back. A grant waits for none: it is listed under a new id when its ask comes again.
 */
const REPEAT_MS = 60_000
const REPEAT_MAX_MS = 900_000
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
 * shows that it arrived, or, where no answer comes, for as long as its repeat does no harm. While
 * nothing has changed it is the same list: it is asked for after every turn.
 */
export interface ErrandSource {
  errands(): readonly Errand[]
}

/** Owed by whoever owes nothing. */
export const NO_ERRANDS: readonly Errand[] = []

/** Several sources as one. */
export class JoinedErrands implements ErrandSource {
  readonly #sources: readonly ErrandSource[]
  #lists: readonly (readonly Errand[])[] = []
  #joined: readonly Errand[] = []

  /** `sources` may still grow. */
  constructor(sources: readonly ErrandSource[]) {
    this.#sources = sources
  }

  errands(): readonly Errand[] {
    const lists = this.#sources.map((source) => source.errands())
    const isKnown = lists.length === this.#lists.length
    if (!isKnown || lists.some((list, index) => list !== this.#lists[index])) {
      this.#lists = lists
      this.#joined = lists.flat()
    }
    return this.#joined
  }
}

/** What is known of an errand that a log holds: when it is to be said again, and after how long. */
interface Stored {
  readonly againMs: number
  readonly pauseMs: number
}

/** Publishes errands of one partition; of its owner only, and only once replay is over. */
export class ErrandRunner {
  readonly #source: ErrandSource
  readonly #writer: ErrandWriter
  readonly #clock: WaitingClock
  /** Targets that a message is on its way to, or that have just failed until a steady time. */
  readonly #busy = new Set<number>()
  readonly #notBeforeMs = new Map<number, number>()
  /** Stored in this life. */
  #stored = new Map<string, Stored>()
  /** The list that was gone through last, and the steady time at which it is to be again. */
  #seen: readonly Errand[] | null = null
  #wakeMs = 0
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
    const steadyMs = this.#clock.steadyMs()
    if (owed === this.#seen && steadyMs < this.#wakeMs) return
    this.#seen = owed
    this.#wakeMs = Number.POSITIVE_INFINITY
    const listed = new Set<string>()
    for (const errand of owed) {
      const { partition, message } = errand
      const key = `${partition} ${message.id}`
      listed.add(key)
      // When what is under way has ended, we look again.
      if (this.#busy.has(partition)) continue
      const dueMs = Math.max(
        this.#stored.get(key)?.againMs ?? 0,
        this.#notBeforeMs.get(partition) ?? 0,
      )
      if (dueMs > steadyMs) this.#wakeMs = Math.min(this.#wakeMs, dueMs)
      else void this.#publish(errand, key)
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
      if (outcome.kind === 'stored') this.#noteStored(key, message)
      else this.#fail(partition)
    } catch {
      // Refused for good, by missing rights for one: tried again later, since rights can be given.
      this.#fail(partition)
    } finally {
      this.#busy.delete(partition)
      this.#wakeMs = 0
    }
  }

  #noteStored(key: string, { kind }: ControlMessage): void {
    const pauseMs = Math.min(2 * (this.#stored.get(key)?.pauseMs ?? REPEAT_MS / 2), REPEAT_MAX_MS)
    const steadyMs = this.#clock.steadyMs()
    const againMs = ANSWERED.has(kind) ? steadyMs + pauseMs : Number.POSITIVE_INFINITY
    this.#stored.set(key, { againMs, pauseMs })
  }

  #fail(partition: number): void {
    this.failureCount += 1
    this.#notBeforeMs.set(partition, this.#clock.steadyMs() + RETRY_MS)
  }
}
