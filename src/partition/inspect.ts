/** What a partition tells of one subscriber: read between two inputs, changes nothing. */

import type { FieldSpec } from '../model/catalog.ts'
import { LIST_NAMES } from '../model/expression.ts'
import type { CounterView, DeliveryView, SubscriberView } from '../model/view.ts'
import { readCell } from '../state/counter-cells.ts'
import { META_ZONE_MASK } from '../state/layout.ts'
import { isLive, ROW_JOURNEY, ROW_REFUSED } from '../state/ledger.ts'
import { formatPeriod, unitIndex } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'
import { viewOfMemberships } from './journey-views.ts'
import { STATUS_WORDS } from './row-words.ts'

/** Everything known of a subscriber as of the partition's clock; null: never seen. */
export function inspectSubscriber(core: PartitionCore, subscriber: number): SubscriberView | null {
  const slot = core.index.find(subscriber)
  if (slot === -1) return null
  const tags: Record<string, boolean | number> = {}
  for (const { name, versioned } of core.compiled.catalog.tags) {
    const value = core.tagValue(slot, name)
    if (value > 0) tags[name] = versioned ? value : true
  }
  return {
    subscriber,
    partition: core.genesis.partition,
    zone: core.layout.zones[core.meta(slot) & META_ZONE_MASK]!,
    cycleDay: core.cycleDayOf(slot),
    tags,
    fields: readFields(core, slot),
    lists: LIST_NAMES.filter((list) => core.isListed(slot, list)),
    counters: readCounters(core, slot),
    deliveries: readDeliveries(core, slot),
    journeys: viewOfMemberships(core, slot),
    caps: readCaps(core, slot),
  }
}

function readFields(core: PartitionCore, slot: number): SubscriberView['fields'] {
  const fields: Record<string, number | string | boolean> = {}
  for (const spec of core.compiled.catalog.fields) {
    const value = fieldText(core, slot, spec)
    if (value !== null) fields[spec.name] = value
  }
  return fields
}

/** A field as conditions and profile messages write it; null: not set. */
export function fieldText(
  core: PartitionCore,
  slot: number,
  { name, type, words }: FieldSpec,
): number | string | boolean | null {
  if (!core.hasField(slot, name)) return null
  const value = core.fieldValue(slot, name)
  switch (type) {
    case 'bool':
      return value !== 0
    case 'enum':
      return words[value] ?? value
    case 'date':
      return formatPeriod('day', value)
    case 'number':
      return value
  }
}

/** Counters as of the later of the clock's period and the subscriber's own. */
function readCounters(core: PartitionCore, slot: number): CounterView[] {
  const keys = Int32Array.from(core.periodKeys(slot, core.clockMs))
  return core.compiled.cells.map((cell) => {
    const table = core.tables[cell.table]!
    const { counter, counterWindow } = cell
    let key = 0
    if (cell.stampOffset !== -1) {
      key = Math.max(keys[cell.unit]!, table.getI32(slot, cell.stampOffset))
    } else if (cell.unit !== -1) {
      key = keys[cell.unit]!
    }
    const previous = cell.previousPlaces.map((_, back) =>
      readCell(core.tables, slot, cell, key, back + 1),
    )
    return {
      counter: counter.name,
      counterWindow: counterWindow.key,
      period: counterWindow.kind === 'lifetime' ? 'ever' : formatPeriod(counterWindow.unit, key),
      value: readCell(core.tables, slot, cell, key, 0),
      previous,
    }
  })
}

function readDeliveries(core: PartitionCore, slot: number): DeliveryView[] {
  return [...core.ledger.rowsOf(slot)].flatMap((number) => {
    const row = core.ledger.read(number)
    if (row.status === ROW_REFUSED || row.status === ROW_JOURNEY) return []
    return {
      trigger: core.layout.triggers[row.trigger]!.id,
      period: formatPeriod(row.once, row.period),
      attempt: row.attempt,
      status: STATUS_WORDS[row.status]!,
      dueMs: row.dueMs,
      expiresMs: row.expiresAtMs,
      firedAtMs: row.firedAtMs,
    }
  })
}

/** Reservations by trigger and calendar period of the cap. */
function readCaps(core: PartitionCore, slot: number): SubscriberView['caps'] {
  const caps = new Map<string, { trigger: string; period: string; used: number; limit: number }>()
  for (const number of core.ledger.rowsOf(slot)) {
    const row = core.ledger.read(number)
    const spec = core.compiled.triggerById(core.layout.triggers[row.trigger]!.id)?.spec
    if (spec === undefined || !isLive(row.status) || row.isCanary) continue
    for (const { count, per } of spec.caps) {
      if (per === 'sliding') continue
      const key = per === 'ever' ? 0 : core.periodKeysOf(row.calendar, row.dueMs)[unitIndex(per)]!
      const period = formatPeriod(per, key)
      const entry = caps.get(`${spec.id}/${per}/${period}`)
      if (entry !== undefined) entry.used += 1
      else {
        caps.set(`${spec.id}/${per}/${period}`, {
          trigger: spec.id,
          period,
          used: 1,
          limit: count,
        })
      }
    }
  }
  return [...caps.values()]
}
