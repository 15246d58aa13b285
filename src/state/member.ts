/**
 * Rows of the ledger that say where a subscriber stands in a journey (status `ROW_JOURNEY`). The
 * fields of a delivery's row mean this here:
 *
 *   trigger      code of the journey's entering
 *   period, once of the entering
 *   firedAtMs    event time of the entering; notAfterMs: the clock then
 *   channel      number of the step + 1; 0: behind the last
 *   dueMs        when the step is due; plannedMs: when it was first due, before it asked again
 *   values       bits of the steps that were delivered, by number
 *   detail       edits of the journey that the row has followed
 *   experiment   control group, 0: none
 *   priority, layer  0: members move before deliveries that are due at the same instant
 */

import { LEDGER_VALUES_MAX, type LedgerRow } from './ledger.ts'

const BITS_PER_VALUE = 50
/** Different steps that a journey may have in its life. */
export const STEP_NUMBERS_MAX = BITS_PER_VALUE * LEDGER_VALUES_MAX

/** Number of the step that the member stands at; -1: behind the last. */
export function stepNumberOf(row: Pick<LedgerRow, 'channel'>): number {
  return row.channel - 1
}

/** Moves the member to a step; -1: behind the last. */
export function setStepNumber(row: LedgerRow, number: number): void {
  row.channel = number + 1
}

/** Whether the step was delivered in this membership, or ended in a suppression. */
export function isStepDone(row: LedgerRow, number: number): boolean {
  const bits = row.values[Math.floor(number / BITS_PER_VALUE)]!
  return Math.floor(bits / 2 ** (number % BITS_PER_VALUE)) % 2 === 1
}

/** Notes that the step is done with. */
export function markStepDone(row: LedgerRow, number: number): void {
  if (isStepDone(row, number)) return
  row.values[Math.floor(number / BITS_PER_VALUE)]! += 2 ** (number % BITS_PER_VALUE)
}

/** Members of one partition: how many stand at which step. Derived from the ledger. */
export class MemberCounts {
  /** By the journey's code, then by step number + 1. */
  readonly #counts = new Map<number, Map<number, number>>()

  add({ trigger, channel }: Pick<LedgerRow, 'trigger' | 'channel'>, change: 1 | -1): void {
    let steps = this.#counts.get(trigger)
    if (steps === undefined) this.#counts.set(trigger, (steps = new Map()))
    steps.set(channel, (steps.get(channel) ?? 0) + change)
  }

  /** Members of a journey (its code), at one step (its number, -1: behind the last). */
  at(code: number, number: number): number {
    return this.#counts.get(code)?.get(number + 1) ?? 0
  }

  /** Codes of the journeys that have members, ascending. */
  codes(): number[] {
    return [...this.#counts.keys()].filter((code) => this.of(code) > 0).sort((a, b) => a - b)
  }

  /** All members of a journey. */
  of(code: number): number {
    let sum = 0
    for (const count of this.#counts.get(code)?.values() ?? []) sum += count
    return sum
  }
}
