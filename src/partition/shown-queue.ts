/**
 * What was shown, on its way into the log of one partition: collected for a moment, published in
 * messages of many, one at a time and in order, until the log has it. Bounded: who shows more than
 * the log takes is to stop showing, since what nobody knows of would falsify every rate.
 */

import type { ControlMessage, ShownRow } from '../model/messages.ts'
import type { ErrandWriter, WaitingClock } from '../model/ports.ts'
import { SHOWN_ROWS_MAX } from '../model/wire.ts'

/** Rows are collected for this long, unless there are enough for a message before. */
const COLLECT_MS = 10
/** Rows of a message while the log keeps up: applying it is to keep no answer waiting for long. */
const MESSAGE_ROWS = 64
/** A publish that failed is made again after this long, under its id. */
const RETRY_MS = 200
/** Rows that may wait: 20 full messages. */
export const SHOWN_WAITING_MAX = 10_000

/** What the queue needs from outside. */
export interface ShownPorts {
  readonly log: ErrandWriter
  readonly clock: WaitingClock
  /** An id that was never used before. */
  readonly newId: (kind: string) => string
}

/** The rows of one partition. */
export class ShownQueue {
  /** Publishes that failed, or whose fate is not known. */
  failureCount = 0
  readonly #partition: number
  readonly #ports: ShownPorts
  #rows: ShownRow[] = []
  /** Rows of the message on its way. */
  #leavingCount = 0
  #running: Promise<void> | null = null
  #isHurried = false
  #isGivenUp = false

  constructor(partition: number, ports: ShownPorts) {
    this.#partition = partition
    this.#ports = ports
  }

  /** Rows that the log does not hold yet. */
  get waitingCount(): number {
    return this.#rows.length + this.#leavingCount
  }

  /** Whether another answer's rows would be too many. */
  get isFull(): boolean {
    return this.waitingCount >= SHOWN_WAITING_MAX
  }

  /** Takes the rows of one answer. Never waits or throws. */
  add(rows: readonly ShownRow[]): void {
    this.#rows.push(...rows)
    if (this.#rows.length > 0) this.#running ??= this.#run()
  }

  /** Publishes what is there at once; resolves when the log has it, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#ports
    this.#isHurried = true
    const deadlineMs = clock.steadyMs() + timeoutMs
    while (this.#running !== null && clock.steadyMs() < deadlineMs) await clock.pause(5)
    this.#isGivenUp = true
  }

  async #run(): Promise<void> {
    const { clock } = this.#ports
    while (this.#rows.length > 0 && !this.#isGivenUp) {
      const untilMs = clock.steadyMs() + COLLECT_MS
      while (!this.#isReady && clock.steadyMs() < untilMs) await clock.pause(5)
      await this.#publish(this.#rows.splice(0, this.#messageRows))
    }
    this.#running = null
  }

  get #isReady(): boolean {
    return this.#isHurried || this.#rows.length >= MESSAGE_ROWS
  }

  /** Few, unless many wait already. */
  get #messageRows(): number {
    return this.#rows.length > SHOWN_ROWS_MAX ? SHOWN_ROWS_MAX : MESSAGE_ROWS
  }

  async #publish(rows: readonly ShownRow[]): Promise<void> {
    const { log, clock, newId } = this.#ports
    const message: ControlMessage = { kind: 'shown', id: newId('shown'), rows }
    this.#leavingCount = rows.length
    while (!this.#isGivenUp && !(await this.#isStored(log, message))) await clock.pause(RETRY_MS)
    this.#leavingCount = 0
  }

  async #isStored(log: ErrandWriter, message: ControlMessage): Promise<boolean> {
    try {
      const outcome = await log.publish(this.#partition, message)
      if (outcome.kind === 'stored') return true
    } catch {
      // Refused for good, by missing rights for one: rights can be given.
    }
    this.failureCount += 1
    return false
  }
}
