/**
 * Which trigger ids may become label values. Every label value costs the monitoring system a series
 * per metric and partition for weeks, so their number has a limit, and what is left out is counted.
 */

import type { PartitionView } from '../model/view.ts'

/** Trigger ids exported as label values at most, unless configured otherwise. */
export const TRIGGER_LABELS_MAX = 200

/**
 * Hands out at most `labelsMax` places. Who has one keeps it for as long as the trigger exists, so
 * that no series comes and goes because of others; a removed trigger's place goes to the next one
 * waiting.
 */
export class TriggerLabels {
  readonly #labelsMax: number
  readonly #admitted = new Set<string>()
  #droppedCount = 0

  constructor(labelsMax: number = TRIGGER_LABELS_MAX) {
    this.#labelsMax = labelsMax
  }

  /** Trigger ids without a place at the last `update`. */
  get droppedCount(): number {
    return this.#droppedCount
  }

  /** Whether the trigger may be exported, as of the last `update`. */
  has(id: string): boolean {
    return this.#admitted.has(id)
  }

  /** Takes note of the triggers that exist now, in the order in which the partitions list them. */
  update(partitions: readonly PartitionView[]): void {
    const existing = new Set<string>()
    for (const { triggers } of partitions) for (const { id } of triggers) existing.add(id)
    for (const id of this.#admitted) if (!existing.has(id)) this.#admitted.delete(id)
    for (const id of existing) {
      if (this.#admitted.size >= this.#labelsMax) break
      this.#admitted.add(id)
    }
    this.#droppedCount = existing.size - this.#admitted.size
  }
}
