/** Inputs that were taken from the source and are not applied yet. */

import type { InputMessage, Source } from '../model/ports.ts'
import type { PartitionMachine } from './machine.ts'
import { checkLogClocks } from './stream-watch.ts'

/** Messages taken from the source at once. */
const TAKE_MAX = 256

/** Feeds a machine from a source. */
export class PendingInputs {
  #messages: readonly InputMessage[] = []
  /** The next one, and the end of those from there on whose stamps can be right. */
  #at = 0
  #rightEnd = 0

  /**
   * Applies what comes next, as many inputs as go together but at most `max`; returns how many.
   * 0: nothing has arrived. `nowMs`: the worker's clock. Throws PartitionHaltedError.
   */
  applyNext(source: Source, machine: PartitionMachine, nowMs: number, max: number): number {
    const { core } = machine
    if (this.#at === this.#messages.length) {
      // The bytes of what was applied are the source's again after this.
      void core?.fingerprint
      this.#messages = source.take(TAKE_MAX)
      this.#at = 0
      this.#rightEnd = 0
      if (this.#messages.length === 0) return 0
    }
    if (this.#at >= this.#rightEnd) {
      this.#rightEnd = checkLogClocks(this.#messages, this.#at, nowMs, core)
    }
    const end = Math.min(this.#at + max, this.#rightEnd)
    const count = machine.applySome(this.#messages, this.#at, end)
    this.#at += count
    return count
  }
}
