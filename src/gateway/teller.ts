/**
 * Tells the partitions what became of their deliveries: one message of feedback per step of GATE
 * and partition, in the order of the steps, with the step's sequence as its own. Whoever starts
 * again after a crash says the same with the same numbers, and the partition counts it once.
 */

import { encode } from '@msgpack/msgpack'
import { HighwaterError } from '../errors.ts'
import type { WaitingClock } from '../model/ports.ts'
import { partitionOf } from '../model/wire.ts'
import type { UntoldStep } from './gate-memory.ts'
import type { ResultKind } from './records.ts'

/** Publishes a message of feedback; resolves when it is stored. */
export type FeedbackPublisher = (
  partition: number,
  source: string,
  data: Uint8Array,
) => Promise<void>

/** Who tells. */
export interface TellerSettings {
  /** Name of the source: that of the gateway, the channel and the partition whose GATE it is. */
  readonly source: string
  readonly channel: string
  /** Grows when GATE is made anew. */
  readonly epoch: number
  readonly partitionCount: number
}

const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 5_000

/** Tells one step after the other. */
export class Teller {
  readonly #settings: TellerSettings
  readonly #publish: FeedbackPublisher
  readonly #clock: WaitingClock
  readonly #onTold: () => void
  #queue: UntoldStep[] = []
  #running: Promise<void> | null = null
  #isStopped = false
  #told: number
  /** Steps that were told. */
  toldCount = 0
  /** The last failure; null: none since the last success. */
  failure: string | null = null

  constructor(
    settings: TellerSettings,
    publish: FeedbackPublisher,
    clock: WaitingClock,
    told: number,
    onTold: () => void,
  ) {
    this.#settings = settings
    this.#publish = publish
    this.#clock = clock
    this.#told = told
    this.#onTold = onTold
  }

  /** Steps up to this sequence have been told. */
  get told(): number {
    return this.#told
  }

  /** Steps that wait. */
  get waitingCount(): number {
    return this.#queue.length
  }

  /** Adds a step, in the order of GATE; one without anything to tell moves `told` along. */
  add(step: UntoldStep): void {
    if (this.#queue.length === 0 && messagesOf(step, this.#settings).size === 0) {
      this.#told = step.sequence
      return
    }
    this.#queue.push(step)
    this.#running ??= this.#run()
  }

  /** Waits until everything is told, or for `timeoutMs`; then nothing is told any more. */
  async stop(timeoutMs: number): Promise<void> {
    const running = this.#running ?? Promise.resolve()
    if (this.#queue.length > 0) await Promise.race([running, this.#clock.pause(timeoutMs)])
    this.#isStopped = true
  }

  async #run(): Promise<void> {
    let retryMs = RETRY_MIN_MS
    while (this.#queue.length > 0 && !this.#isStopped) {
      const step = this.#queue[0]!
      try {
        for (const [partition, data] of messagesOf(step, this.#settings)) {
          await this.#publish(partition, this.#settings.source, data)
        }
        this.#queue.shift()
        this.#told = step.sequence
        this.toldCount += 1
        this.failure = null
        retryMs = RETRY_MIN_MS
        this.#onTold()
      } catch (error) {
        // Refused or not: what became of a delivery is never dropped, it waits.
        this.failure = error instanceof HighwaterError ? error.code : 'unknown error'
        await this.#clock.pause(retryMs)
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS)
      }
    }
    this.#running = null
  }
}

function isTold(kind: ResultKind): boolean {
  return kind !== 'unknown' && kind !== 'withdrawn'
}

/** The messages of a step by partition; README, "Feedback". */
function messagesOf(
  { sequence, results, events }: UntoldStep,
  { source, channel, epoch, partitionCount }: TellerSettings,
): Map<number, Uint8Array> {
  const rows = new Map<number, Record<string, unknown>[]>()
  const add = (subscriber: number, row: Record<string, unknown>): void => {
    const partition = partitionOf(subscriber, partitionCount)
    const known = rows.get(partition)
    if (known === undefined) rows.set(partition, [{ sub: subscriber, ...row }])
    else known.push({ sub: subscriber, ...row })
  }
  for (const { id, kind, timeMs } of results) {
    if (isTold(kind)) add(Number(id.split(':')[1]), { id, kind, time: timeMs })
  }
  for (const { kind, subscriber, id, timeMs, text } of events) {
    if (kind === 'replied') add(subscriber, { channel, kind, time: timeMs, text })
    else if (kind !== 'part') add(subscriber, { id, kind, time: timeMs })
  }
  const stamp = { v: 1, source, epoch, seq: sequence }
  return new Map(
    [...rows].map(([partition, part]) => [partition, encode({ ...stamp, rows: part })]),
  )
}
