/**
 * What moves interests beside usage: fields of the profile that they start from, and reports on
 * deliveries. Both count as of the partition's clock, whatever time a gateway says it is, and are
 * followed by the judging of the triggers that read the interest.
 */

import type { FeedbackKind } from '../model/messages.ts'
import { addInterest, type InterestCell, setInterest, startOf } from '../state/interests.ts'
import type { PartitionCore } from './core.ts'
import type { Judge } from './judging.ts'

/** An interest that reports on one trigger's deliveries move. */
interface Move {
  readonly cell: InterestCell
  readonly weights: Readonly<Partial<Record<FeedbackKind, number>>>
  /** Triggers that read the interest, in catalog order. */
  readonly readers: readonly number[]
}

/** Moves the interests of one partition. */
export class Interests {
  readonly #core: PartitionCore
  readonly #judge: Judge
  readonly #starts = new Map<string, InterestCell[]>()
  readonly #moves = new Map<string, Move[]>()

  constructor(core: PartitionCore, judge: Judge) {
    this.#core = core
    this.#judge = judge
  }

  /** Learns what moves what in the catalog now in force. */
  useCatalog(): void {
    const { cells, conditions } = this.#core.compiled
    this.#starts.clear()
    this.#moves.clear()
    for (const { counter, interest } of cells) {
      if (interest === null) continue
      const { startField, feedback } = interest.spec
      if (startField !== null) {
        this.#starts.set(startField, [...(this.#starts.get(startField) ?? []), interest])
      }
      const readers = [...conditions.keys()].filter((index) =>
        conditions[index]!.references.counters.some((each) => each.counter === counter.name),
      )
      for (const { trigger, weights } of feedback) {
        const move = { cell: interest, weights, readers }
        this.#moves.set(trigger, [...(this.#moves.get(trigger) ?? []), move])
      }
    }
  }

  /** Whether an interest starts from this field. */
  isStart(field: string): boolean {
    return this.#starts.has(field)
  }

  /**
   * Makes a change to a field that interests start from. A value that is new starts them anew; the
   * same one again, as nightly profiles bring it, leaves what was learnt since.
   */
  restart(slot: number, field: string, change: () => void): void {
    const { tables, clockMs } = this.#core
    const cells = this.#starts.get(field) ?? []
    const before = cells.map((cell) => this.#startValue(slot, cell))
    change()
    for (const [index, cell] of cells.entries()) {
      const after = this.#startValue(slot, cell)
      if (after !== null && after !== before[index]) setInterest(tables, slot, cell, clockMs, after)
    }
  }

  /** Whether reports on this trigger's deliveries move anything. */
  isMovedBy(trigger: string): boolean {
    return this.#moves.has(trigger)
  }

  /** A delivery of this trigger was reported, for the first time in this way. */
  report(slot: number, trigger: string, kind: FeedbackKind): void {
    const core = this.#core
    for (const { cell, weights, readers } of this.#moves.get(trigger) ?? []) {
      const weight = weights[kind] ?? 0
      if (weight === 0) continue
      const wasTrue = this.#judge.trueEdges(slot, readers)
      addInterest(core.tables, slot, cell, core.clockMs, weight)
      this.#judge.judgeNow(slot, readers, wasTrue)
    }
  }

  /** null: the field is not set. */
  #startValue(slot: number, cell: InterestCell): number | null {
    const { isSet } = cell.start!
    const { tables } = this.#core
    const word = tables[isSet.table]!.getI32(slot, isSet.offset)
    return ((word >>> isSet.bit) & 1) === 0 ? null : startOf(tables, slot, cell)
  }
}
