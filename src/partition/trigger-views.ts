/** Triggers as configured, with what became of their candidates in all partitions of a process. */

import { actionText } from '../model/action.ts'
import { sourceOf } from '../model/message.ts'
import type { PartitionView, TriggerView } from '../model/view.ts'
import type { PartitionCore, TriggerCounts } from './core.ts'

const NONE: Readonly<TriggerCounts> = {
  candidates: 0,
  deliveries: 0,
  holdouts: 0,
  canaries: 0,
  suppressed: 0,
  shown: 0,
}

/** `core`: any one; the triggers in force are the same everywhere. Null: none is known yet. */
export function viewOfTriggers(
  core: PartitionCore | null,
  partitions: readonly PartitionView[],
): readonly TriggerView[] {
  const counts = new Map<string, TriggerCounts>()
  for (const { triggers } of partitions) {
    for (const { id, candidates, deliveries, holdouts, canaries, suppressed, shown } of triggers) {
      const sum = counts.get(id) ?? { ...NONE }
      sum.candidates += candidates
      sum.deliveries += deliveries
      sum.holdouts += holdouts
      sum.canaries += canaries
      sum.suppressed += suppressed
      sum.shown += shown
      counts.set(id, sum)
    }
  }
  return (core?.compiled.catalog.triggers ?? []).map((spec) => ({
    id: spec.id,
    file: spec.file,
    once: spec.once,
    channel: spec.channel,
    priority: spec.priority,
    message: spec.action === undefined ? sourceOf(spec.message) : actionText(spec.action),
    statistics: {
      id: spec.id,
      ...(counts.get(spec.id) ?? NONE),
    },
  }))
}
