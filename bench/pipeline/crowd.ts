/**
 * A partition that already knows its subscribers, made from memory: far quicker than through a
 * broker, so that benches can begin with 100 million of them.
 */

import { assert } from '../../src/errors.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { placeKeys } from '../../src/state/place-keys.ts'
import { SEED_EVERY, SUBSCRIBER_FIRST, type Traffic } from './traffic.ts'

const FILL_BATCH_RECORDS = 5_000

/**
 * Gives each of `subscribers` a row with one record of usage, and one in `SEED_EVERY` the tag of a
 * seed. The machine has its genesis or an image, and no subscriber. Its decisions stay as they are.
 */
export function fillMachine(
  machine: PartitionMachine,
  traffic: Traffic,
  subscribers: number,
  timestampMs: number,
): void {
  const core = machine.core!
  assert(core.subscriberCount === 0, 'rows are counted from zero')
  const { decisionNumber } = machine.outbox
  // Rows at once and an index of the right size: adding them one by one takes twice as long.
  const hot = core.tables[0]!
  hot.growTo(subscribers)
  for (let slot = 0; slot < subscribers; slot++) hot.setF64(slot, 0, SUBSCRIBER_FIRST + slot)
  core.alignTables()
  core.index.rebuild()
  for (let first = 0; first < subscribers; first += FILL_BATCH_RECORDS) {
    const count = Math.min(FILL_BATCH_RECORDS, subscribers - first)
    const data = traffic.ascending(first, count, timestampMs, 'fill', 1)
    const sequence = machine.sequence + 1
    machine.apply({ sequence, timestampMs, subject: 'usage.0.fill', data })
  }
  // Nobody is a seed so far, so no trigger has fired; as messages the tags would take minutes.
  assert(machine.outbox.decisionNumber === decisionNumber, 'a fill makes no decision')
  const tag = placeKeys.tag('seed')
  for (let slot = 0; slot < subscribers; slot += SEED_EVERY) core.setBit(slot, tag, true)
}
