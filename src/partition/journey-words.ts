/** What happens to subscribers in journeys, in decisions and in counts. */

import { type JourneyEvent, journeyOfKey, type LeaveCause } from '../model/journey.ts'
import type { JourneyImage } from '../state/layout.ts'
import type { LedgerRow } from '../state/ledger.ts'
import { stepNumberOf } from '../state/member.ts'
import { formatPeriod } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'
import { regionOf } from './region.ts'

/** Says what happened to the subscriber of a member's row. Canaries are in no count. */
export function tellJourney(
  core: PartitionCore,
  row: LedgerRow,
  what: JourneyEvent,
  why?: LeaveCause,
): void {
  const { layout, statistics } = core
  const journey = journeyOfKey(layout.triggers[row.trigger]!.id)
  const step = what === 'entered' ? null : stepNameOf(core, row)
  const isControl = row.experiment !== 0
  core.outbox.add({
    kind: 'journey',
    inputSequence: core.inputSequence,
    trigger: journey,
    subscriber: core.subscriberOf(row.slot),
    period: formatPeriod(row.once, row.period),
    attempt: row.attempt,
    generation: core.generation,
    decidedAtMs: core.clockMs,
    firedAtMs: row.firedAtMs,
    values: {},
    what,
    isControl,
    isCanary: row.isCanary,
    ...(step === null ? {} : { step }),
    ...(why === undefined ? {} : { why }),
    ...regionOf(core, row.slot),
  })
  statistics.decisions += 1
  if (row.isCanary) return
  const counts = core.journeyCountsOf(journey)
  counts.all[what] += 1
  if (isControl) counts.control[what] += 1
}

/** Name of the step that a member stands at; null: behind the last. */
export function stepNameOf({ layout }: PartitionCore, row: LedgerRow): string | null {
  const image = layout.journeys[row.trigger]
  return image?.steps[standingAt(image, stepNumberOf(row))]?.name ?? null
}

/** The step in force of who stands at this one: it, or what followed it; -1: behind the last. */
export function standingAt({ steps }: JourneyImage, number: number): number {
  let standing = number
  while (standing !== -1 && steps[standing]!.isRemoved) standing = steps[standing]!.next
  return standing
}
