/** Counts what a partition has planned for the running day, in slices beside its work. */

import type { PlannedPartition, PlannedTrigger } from '../model/planned.ts'
import { isPending } from '../state/ledger.ts'
import { ZoneClock } from '../state/zone.ts'
import { Composer } from './composing.ts'
import type { PartitionCore } from './core.ts'

/** Rows of the ledger that one slice looks at, and messages that it puts together at most. */
const SLICE_ROWS = 50_000
const SLICE_MESSAGES = 2_000

/**
 * Looks at every row of the ledger; yields after each slice, so that inputs are taken in between.
 * What is decided meanwhile may be counted or not.
 */
export function* countPlanned(core: PartitionCore): Generator<void, PlannedPartition> {
  const { ledger, compiled, genesis } = core
  const clock = new ZoneClock(genesis.zone)
  const endMs = clock.instantOf(clock.dayAt(core.clockMs) + 1, 0)
  const composer = new Composer(core)
  const counts = new Map<number, { deliveries: number; segments: number }>()
  let rowsLeft = SLICE_ROWS
  let messagesLeft = SLICE_MESSAGES
  for (let number = 0; number < ledger.table.rowCount; number++) {
    if (--rowsLeft <= 0 || messagesLeft <= 0) {
      rowsLeft = SLICE_ROWS
      messagesLeft = SLICE_MESSAGES
      yield
    }
    if (!isPending(ledger.status(number)) || ledger.dueMs(number) >= endMs) continue
    const row = ledger.read(number)
    const spec = compiled.triggerByCode(row.trigger)?.spec
    if (spec === undefined || row.experiment !== 0) continue
    const count = counts.get(row.trigger) ?? { deliveries: 0, segments: 0 }
    counts.set(row.trigger, count)
    count.deliveries++
    messagesLeft--
    if (spec.message === null) continue
    const composition = composer.compose(spec.message, spec.channel, row.slot)
    if (composition.kind === 'whole') count.segments += composition.composed.segments ?? 0
  }
  const triggers = [...counts].flatMap(([code, count]): PlannedTrigger[] => {
    const spec = compiled.triggerByCode(code)?.spec
    return spec === undefined ? [] : [{ trigger: spec.id, channel: spec.channel, ...count }]
  })
  const { partition } = genesis
  const { clockMs, outbox } = core
  return { partition, clockMs, decisionNumber: outbox.decisionNumber, triggers }
}
