/** What conditions read of a subscriber outside the generated code. */

import { weigh } from '../decision/arbitration.ts'
import type { Expression, ListName } from '../model/expression.ts'
import { evaluateCondition, evaluateNumber, type ExpressionReader } from '../rules/evaluate.ts'
import type { CounterReference } from '../rules/references.ts'
import { readCell } from '../state/counter-cells.ts'
import { PERIOD_KEYS } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'

/** What a condition reads of one subscriber, as of given periods. */
export class SubscriberReader implements ExpressionReader {
  readonly #core: PartitionCore
  #slot = 0
  #keys: Int32Array = new Int32Array(PERIOD_KEYS)

  constructor(core: PartitionCore) {
    this.#core = core
  }

  judge(condition: Expression, slot: number, keys: Int32Array): boolean {
    this.#slot = slot
    this.#keys = keys
    return evaluateCondition(condition, this)
  }

  /** A number as it is: NaN where a field is unset or a counter keeps nothing, or infinite. */
  numberOf(expression: Expression, slot: number, keys: Int32Array): number {
    this.#slot = slot
    this.#keys = keys
    return evaluateNumber(expression, this)
  }

  /** What arbitration compares: 0 where a field is unset or the number is not finite. */
  measure(expression: Expression, slot: number, keys: Int32Array): number {
    this.#slot = slot
    this.#keys = keys
    return weigh(evaluateNumber(expression, this))
  }

  /** One counter alone; NaN where its counter window keeps nothing of these periods. */
  counterAt(
    { counter, counterWindow, previous }: CounterReference,
    slot: number,
    keys: Int32Array,
  ): number {
    this.#slot = slot
    this.#keys = keys
    return this.counter(counter, counterWindow, previous)
  }

  counter(counter: string, counterWindow: string, previous: number): number {
    const { compiled, tables } = this.#core
    const cell = compiled.findCell(counter, counterWindow)
    const key = cell.unit === -1 ? 0 : this.#keys[cell.unit]!
    return readCell(tables, this.#slot, cell, key, previous)
  }

  tag(tag: string): boolean {
    return this.#core.tagValue(this.#slot, tag) > 0
  }

  list(list: ListName): boolean {
    return this.#core.isListed(this.#slot, list)
  }

  field(field: string): number {
    return this.#core.fieldValue(this.#slot, field)
  }

  has(field: string): boolean {
    return this.#core.hasField(this.#slot, field)
  }

  column(): number {
    throw new Error('a condition over a subscriber reads no record')
  }
}
