/**
 * A probe as it behaves on a bad day: repeats itself, overtakes itself, restarts, and sends
 * nonsense.
 */

import type { ProducerStamp } from '../../../src/model/usage.ts'
import type { NaiveInput, NaiveParameters, NaiveRecord } from '../naive/input.ts'
import type { Random } from './random.ts'

/** A usage message that has no sequence yet. */
export type UsageMessage = Omit<Extract<NaiveInput, { kind: 'usage' }>, 'sequence'>

/**
 * One probe. `send` takes batches in; messages come out by `push`, in the order in which they are
 * published.
 */
export class Probe {
  readonly #stamp: ProducerStamp
  readonly #parameters: NaiveParameters
  readonly #random: Random
  readonly #push: (message: UsageMessage) => void
  /** Published later: `rounds` more calls of `release`. */
  #held: { rounds: number; message: UsageMessage }[] = []

  constructor(
    probe: string,
    parameters: NaiveParameters,
    random: Random,
    push: (message: UsageMessage) => void,
  ) {
    this.#stamp = { probe, epoch: 1, seq: 0 }
    this.#parameters = parameters
    this.#random = random
    this.#push = push
  }

  send(records: readonly NaiveRecord[]): void {
    const random = this.#random
    this.#stamp.seq++
    const message: UsageMessage = { kind: 'usage', stamp: { ...this.#stamp }, records }
    if (random.chance(0.03)) {
      this.#push({ ...message, records: this.#spoil(records) })
      // The bad one left no trace: the corrected one comes under the same seq, or never.
      if (random.chance(0.2)) return
    }
    if (random.chance(0.06)) {
      this.#held.push({ rounds: random.whole(1, 12), message })
    } else if (random.chance(0.01)) {
      // The gap puts the held message just inside or just below the map.
      this.#stamp.seq += random.whole(1014, 1024)
      this.#held.push({ rounds: 1, message })
    } else {
      this.#push(message)
    }
    if (random.chance(0.06)) this.#held.push({ rounds: random.whole(0, 60), message })
    if (random.chance(0.004)) {
      this.#stamp.epoch += random.whole(1, 3)
      this.#stamp.seq = 0
    }
  }

  /** Publishes what was held back long enough, in a random order. */
  release(): void {
    const due = this.#held.filter((held) => held.rounds-- <= 0)
    this.#held = this.#held.filter((held) => !due.includes(held))
    while (due.length > 0) {
      const [held] = due.splice(this.#random.whole(0, due.length - 1), 1)
      if (held !== undefined) this.#push(held.message)
    }
  }

  /** The same batch with one record that must refuse it whole. */
  #spoil(records: readonly NaiveRecord[]): NaiveRecord[] {
    const random = this.#random
    const spoiled = [...records]
    const index = random.whole(0, records.length - 1)
    const record = records[index]!
    const faults: Partial<NaiveRecord>[] = [
      { usageBytes: -1 },
      { usageBytes: Number.NaN },
      { usageBytes: 0.5 },
      { timeMs: Number.NaN },
      { rat: 200 },
      { subscriber: record.subscriber + 1e15 },
    ]
    if (this.#parameters.partitionCount > 1) faults.push({ subscriber: record.subscriber + 1 })
    spoiled[index] = { ...record, ...random.pick(faults) }
    return spoiled
  }
}
