/** Where counters live: a catalog's counters and their windows, resolved against the layout. */

import { assert } from '../errors.ts'
import type { Catalog, CounterSpec, CounterWindowSpec } from '../model/catalog.ts'
import { type AppSet, appBits, chunkCount } from './app-sets.ts'
import type { InterestCell } from './interests.ts'
import type { LayoutImage, Place } from './layout.ts'
import { placeKeys } from './place-keys.ts'
import { MINUTE, unitIndex } from './periods.ts'

/** One counter in one counter window. Offsets are bytes within a row of `table`. */
export interface CounterCell {
  readonly counter: CounterSpec
  readonly counterWindow: CounterWindowSpec
  /** Position of the counter in the catalog. */
  readonly counterIndex: number
  readonly table: number
  /**
   * Position of the unit in period columns; -1 for lifetime windows that need no period, MINUTE for
   * interests, which are read as of one.
   */
  readonly unit: number
  readonly stampOffset: number
  readonly valueOffset: number
  /**
   * Past periods kept, nearest first. Not always in the same table: `keep` may have grown since.
   */
  readonly previousPlaces: readonly Place[]
  /** First bucket of a ring, or the recent-days bits of a lifetime distinct-days; -1: none. */
  readonly ringOffset: number
  readonly apps: AppSet | null
  readonly interest: InterestCell | null
}

/** Resolves the catalog's counters against a layout that was extended for it. */
export function resolveCounterCells(catalog: Catalog, layout: LayoutImage): CounterCell[] {
  const cells: CounterCell[] = []
  const placeOf = (key: string): Place => {
    const place = layout.places[key]
    assert(place !== undefined, 'the layout was not extended for this catalog')
    return place
  }
  for (const [counterIndex, counter] of catalog.counters.entries()) {
    for (const counterWindow of counter.counterWindows) {
      const value = placeOf(placeKeys.counter(counter, counterWindow))
      const hasRing =
        counterWindow.kind === 'sliding' ||
        (counterWindow.kind === 'lifetime' && counter.aggregate === 'distinct-days')
      const hasUnit = counterWindow.kind !== 'lifetime' || hasRing
      const interest = resolveInterest(counter, counterWindow, placeOf)
      const previousPlaces: Place[] = []
      if (counterWindow.kind === 'calendar') {
        for (let back = 1; back <= counter.keep; back++) {
          previousPlaces.push(placeOf(placeKeys.previous(counter, counterWindow, back)))
        }
      }
      cells.push({
        counter,
        counterWindow,
        counterIndex,
        table: value.table,
        unit: interest !== null ? MINUTE : hasUnit ? unitIndex(counterWindow.unit) : -1,
        stampOffset: hasUnit
          ? placeOf(placeKeys.stamp(value.table, counterWindow.unit)).offset
          : -1,
        valueOffset: value.offset,
        previousPlaces,
        ringOffset: hasRing ? placeOf(placeKeys.ring(counter, counterWindow)).offset : -1,
        apps: resolveApps(counter, counterWindow, [value, ...previousPlaces], placeOf),
        interest,
      })
    }
  }
  return cells
}

function resolveApps(
  counter: CounterSpec,
  counterWindow: CounterWindowSpec,
  firsts: readonly Place[],
  placeOf: (key: string) => Place,
): AppSet | null {
  if (counter.aggregate !== 'distinct-apps') return null
  const places = firsts.map((first, back) => {
    const chunks = [first]
    for (let chunk = 1; chunk < chunkCount(counter.apps.length); chunk++) {
      chunks.push(placeOf(placeKeys.chunk(counter, counterWindow, back, chunk)))
    }
    return chunks
  })
  return { bitOf: appBits(counter.apps), places }
}

function resolveInterest(
  counter: CounterSpec,
  counterWindow: CounterWindowSpec,
  placeOf: (key: string) => Place,
): InterestCell | null {
  const { interest } = counter
  if (interest === null) return null
  const { startField } = interest
  return {
    spec: interest,
    score: placeOf(placeKeys.counter(counter, counterWindow)),
    time: placeOf(placeKeys.ring(counter, counterWindow)),
    start:
      startField === null
        ? null
        : {
            value: placeOf(placeKeys.field(startField, 'number')),
            isSet: placeOf(placeKeys.fieldSet(startField, 'number')),
          },
  }
}

/** Cells of one (table, unit), which share a stamp and roll together. */
export interface StampGroup {
  readonly table: number
  readonly unit: number
  readonly stampOffset: number
  readonly cells: readonly CounterCell[]
  /**
   * With a calendar window it rolls with every record, so that "late" means the same for all; one
   * of windows that slide only moves when a record touches it.
   */
  readonly isCalendar: boolean
}

/** Groups cells by table and unit, in order of table and unit. */
export function groupByStamp(cells: readonly CounterCell[]): StampGroup[] {
  const groups = new Map<number, CounterCell[]>()
  for (const cell of cells) {
    if (cell.stampOffset === -1) continue
    const key = cell.table * 8 + cell.unit
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [cell])
    else known.push(cell)
  }
  const sorted = [...groups].sort((a, b) => a[0] - b[0])
  return sorted.map(([, members]) => {
    const { table, unit, stampOffset } = members[0]!
    const isCalendar = members.some(({ counterWindow }) => counterWindow.kind === 'calendar')
    return { table, unit, stampOffset, cells: members, isCalendar }
  })
}
