/** What a partition shows of its segments, and what the worker's log says of them once. */

import type { SegmentView, SelectionNotice } from '../model/selection.ts'
import { nextDue } from '../state/selection-schedule.ts'
import type { PartitionCore } from './core.ts'

/** The segments in force, in the order of their declaration. */
export function viewOfSegments(core: PartitionCore): SegmentView[] {
  const { selections, genesis } = core
  const { run, lead, held } = selections
  return core.compiled.catalog.segments.map(({ name, schedule }) => {
    const record = selections.records[name]
    const isRunning = run?.segment === name && (run.phase !== 'done' || lead?.run === run.run)
    const isLed = lead?.segment === name
    const isHeld = held?.segment === name
    const passed = run === null || run.slotCount === 0 ? 1 : run.cursor / run.slotCount
    const next =
      genesis.partition === 0 ? nextDue(schedule, core.defaultClock(), core.clockMs) : null
    return {
      segment: name,
      phase: isHeld ? 'held' : isRunning ? run.phase : 'idle',
      progress: isRunning ? passed : 0,
      version: isHeld ? held.version : (record?.version ?? 0),
      nextDueMs: next?.instantMs ?? null,
      selectedCount: record?.selectedCount ?? 0,
      abortedCount: record?.abortedCount ?? 0,
      missedCount: record?.missedCount ?? 0,
      last: record?.last ?? null,
      total: record?.total ?? null,
      awaited: isLed ? partitionsBut(genesis.partitionCount, lead.heard) : [],
    }
  })
}

function partitionsBut(count: number, heard: readonly number[]): number[] {
  const known = new Set(heard)
  return Array.from({ length: count }, (_, partition) => partition).filter((p) => !known.has(p))
}

/** Notices selections that ended or were broken off since it last looked. */
export class SelectionWatch {
  readonly #counts = new Map<string, { selected: number; aborted: number }>()
  #isFirst = true

  /** What is new; nothing when asked for the first time, since a load is no news. */
  look(core: PartitionCore): SelectionNotice[] {
    const notices: SelectionNotice[] = []
    for (const [segment, record] of Object.entries(core.selections.records)) {
      const { selectedCount, abortedCount, version, last } = record
      const known = this.#counts.get(segment) ?? { selected: 0, aborted: 0 }
      if (selectedCount === known.selected && abortedCount === known.aborted) continue
      this.#counts.set(segment, { selected: selectedCount, aborted: abortedCount })
      if (this.#isFirst) continue
      if (abortedCount > known.aborted) notices.push({ kind: 'aborted', segment, version })
      if (selectedCount > known.selected && last !== null) {
        notices.push({ kind: 'selected', segment, ...last })
      }
    }
    this.#isFirst = false
    return notices
  }
}
