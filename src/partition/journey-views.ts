/** What a partition shows of its journeys, and of where one subscriber stands. Changes nothing. */

import type { Catalog } from '../model/catalog.ts'
import { journeyOfKey, type JourneyView, type MembershipView } from '../model/journey.ts'
import { ROW_JOURNEY } from '../state/ledger.ts'
import { formatPeriod } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'
import { standingAt, stepNameOf } from './journey-words.ts'

/** The journeys in force, in the order of the configuration. */
export function viewOfJourneys(core: PartitionCore): JourneyView[] {
  const { members, compiled } = core
  return compiled.journeys.map(({ spec, code, image, steps }) => {
    // Members of removed steps wait for what followed them.
    const waiting = new Map<number, number>()
    for (let number = -1; number < image.steps.length; number++) {
      const standing = standingAt(image, number)
      waiting.set(standing, (waiting.get(standing) ?? 0) + members.at(code, number))
    }
    const { all, control } = core.journeyCountsOf(spec.id)
    return {
      journey: spec.id,
      file: spec.file,
      onEdit: spec.onEdit,
      members: members.of(code),
      steps: steps.map(({ spec: { name }, number }) => ({
        step: name,
        members: waiting.get(number) ?? 0,
      })),
      staying: waiting.get(-1) ?? 0,
      counts: { all: { ...all }, control: { ...control } },
    }
  })
}

/** The journeys that a subscriber is in, the newest membership first. */
export function viewOfMemberships(core: PartitionCore, slot: number): MembershipView[] {
  const views: MembershipView[] = []
  for (const number of core.ledger.rowsOf(slot)) {
    if (core.ledger.status(number) !== ROW_JOURNEY) continue
    const row = core.ledger.read(number)
    views.push({
      journey: journeyOfKey(core.layout.triggers[row.trigger]!.id),
      period: formatPeriod(row.once, row.period),
      step: stepNameOf(core, row),
      dueMs: row.dueMs,
      enteredAtMs: row.notAfterMs,
      isControl: row.experiment !== 0,
    })
  }
  return views
}

/** How many are inside the journeys that a catalog edits or removes, in these partitions. */
export function describeMembers(cores: readonly PartitionCore[], next: Catalog): string[] {
  const journeys = cores[0]?.compiled.journeys ?? []
  return journeys.flatMap(({ spec }) => {
    const after = next.journeys.find(({ id }) => id === spec.id)
    if (after?.shape === spec.shape) return []
    const inside = cores.map(({ compiled, members }) => {
      const same = compiled.journeyById(spec.id)
      return same === undefined ? 0 : members.of(same.code)
    })
    const count = inside.reduce((sum, each) => sum + each, 0)
    const people = count === 1 ? '1 subscriber is' : `${count} subscribers are`
    return [`journey ${spec.id}: ${people} inside, in the partitions of this worker`]
  })
}
