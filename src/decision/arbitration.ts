/**
 * Who wins when several triggers want the same subscriber in the same contact: layer, then
 * priority, then value, then the trigger's name, then age. The order is total, so the outcome does
 * not depend on which of them fired first within an input.
 */

/** What a candidate, or a delivery that waits or was sent, brings into the comparison. */
export interface Contender {
  /** Position in the policy's layers: smaller is stronger. */
  readonly layer: number
  /** Smaller is stronger. */
  readonly priority: number
  /** What the contact is worth: larger is stronger. Not finite counts as 0. */
  readonly value: number
  /** The trigger's id: by code units, smaller is stronger. */
  readonly trigger: string
  /** Number of the candidate: unique, the older one is stronger. */
  readonly id: number
}

/** Below 0 when `left` is the stronger one; 0 only for the same candidate. */
export function compareRank(left: Contender, right: Contender): number {
  if (left.layer !== right.layer) return left.layer - right.layer
  if (left.priority !== right.priority) return left.priority - right.priority
  const worth = weigh(right.value) - weigh(left.value)
  if (worth !== 0) return worth < 0 ? -1 : 1
  if (left.trigger !== right.trigger) return left.trigger < right.trigger ? -1 : 1
  return left.id - right.id
}

/** A value as it is compared and kept. */
export function weigh(value: number): number {
  return Number.isFinite(value) ? value : 0
}
