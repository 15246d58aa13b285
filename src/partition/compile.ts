/**
 * A catalog resolved against the layout: what the kernel, the general path and the views index
 * into. Made once per generation; nothing is looked up by name per record.
 */

import { assert } from '../errors.ts'
import type { Catalog, TriggerSpec } from '../model/catalog.ts'
import { type Expression, type UsageColumn, walkExpression } from '../model/expression.ts'
import { journeyKey } from '../model/journey.ts'
import { type References, referencesOf } from '../rules/references.ts'
import {
  type CounterCell,
  groupByStamp,
  resolveCounterCells,
  type StampGroup,
} from '../state/counter-places.ts'
import { extendLayout, type LayoutImage, type Place } from '../state/layout.ts'
import { placeKeys } from '../state/place-keys.ts'
import { LEDGER_VALUES_MAX } from '../state/ledger.ts'
import { DAY, HOUR, unitIndex } from '../state/periods.ts'
import { type CompiledJourney, compileJourneys, type Watched } from './compile-journeys.ts'
import { CompiledPolicy, type TriggerPolicy } from './compile-policy.ts'

/** Where a trigger's latch lives. `stampOffset` and `unit` are -1 for `once: ever`. */
export interface LatchPlace {
  readonly place: Place
  readonly stampOffset: number
  readonly unit: number
}

/** A trigger with everything it reads and writes resolved. */
export interface CompiledTrigger {
  readonly spec: TriggerSpec
  /** Code in the layout: stable over generations. */
  readonly code: number
  /** Came in by a reload: fires only where the condition was false just before. */
  readonly isEdge: boolean
  readonly references: References
  /** Bits of the `where`s of the counters that it reads. */
  readonly whereMask: number
  /** Units of the counters that it reads. */
  readonly units: readonly number[]
  readonly latch: LatchPlace
  /** Cell of the tag version that it last fired for; null without `oncePerTag`. */
  readonly taggingPlace: Place | null
  /** Counter values that a candidate remembers, and their names' position in the layout. */
  readonly valueCells: readonly { readonly cell: CounterCell; readonly previous: number }[]
  readonly shape: number
  readonly policy: TriggerPolicy
}

/** Something that a journey watches for: that somebody enters, meets the goal, or is to go. */
export interface CompiledWatch {
  readonly spec: Pick<TriggerSpec, 'when' | 'once' | 'isLateFiring'>
  readonly isEdge: boolean
  readonly references: References
  readonly whereMask: number
  /** Of goal and exit: closed when it was true, opened by entering. */
  readonly latch: LatchPlace
  /** `code`: of the journey. */
  readonly watch: { readonly code: number; readonly what: 'enter' | 'goal' | 'exit' }
}

/** What is judged with each input that touches it. */
export type CompiledCondition = CompiledTrigger | CompiledWatch

/** The latest record that a counter of stays remembers; see stays.ts. */
export interface StayCell {
  readonly counterIndex: number
  /** Bit of its `where` in masks. */
  readonly where: number
  readonly place: Place
  readonly gapMs: number
  /** Records without a cell leave it as it is. */
  readonly isCellNeeded: boolean
}

/** One generation, ready to run. */
export class CompiledCatalog {
  readonly catalog: Catalog
  readonly layout: LayoutImage
  readonly cells: readonly CounterCell[]
  readonly stampGroups: readonly StampGroup[]
  /** Distinct `where`s, and by counter index which one it has. */
  readonly wheres: readonly (Expression | null)[]
  readonly whereOf: readonly number[]
  readonly triggers: readonly CompiledTrigger[]
  /** What is judged with each input that touches it: triggers' first, in catalog order. */
  readonly conditions: readonly CompiledCondition[]
  readonly journeys: readonly CompiledJourney[]
  readonly policy: CompiledPolicy
  /** Units whose period keys are needed per record. */
  readonly units: ReadonlySet<number>
  /** The stays to be kept, one per counter of that kind, in their order. */
  readonly stays: readonly StayCell[]
  /** Usage columns that `where`s read. */
  readonly columns: ReadonlySet<UsageColumn>
  readonly #cellsByName = new Map<string, Map<string, CounterCell>>()
  readonly #triggersByCode = new Map<number, CompiledTrigger>()
  readonly #journeysByCode = new Map<number, CompiledJourney>()
  readonly #triggersById = new Map<string, CompiledTrigger>()

  /**
   * Extends `layout` in place for the catalog. `isGenesis`: no trigger is new to anybody. Throws
   * RangeError.
   */
  constructor(catalog: Catalog, layout: LayoutImage, isGenesis: boolean) {
    extendLayout(layout, catalog)
    this.catalog = catalog
    this.layout = layout
    this.cells = resolveCounterCells(catalog, layout)
    this.stampGroups = groupByStamp(this.cells)
    for (const cell of this.cells) {
      const { counter, counterWindow } = cell
      const windows = this.#cellsByName.get(counter.name) ?? new Map<string, CounterCell>()
      this.#cellsByName.set(counter.name, windows.set(counterWindow.key, cell))
    }
    const { wheres, whereOf } = distinctWheres(catalog)
    this.wheres = wheres
    this.whereOf = whereOf
    retireTriggers(layout, catalog)
    this.policy = new CompiledPolicy(catalog, layout)
    this.triggers = catalog.triggers.map((spec) => this.#compileTrigger(spec, isGenesis))
    for (const trigger of this.triggers) {
      this.#triggersByCode.set(trigger.code, trigger)
      this.#triggersById.set(trigger.spec.id, trigger)
    }
    this.journeys = compileJourneys({
      ...{ catalog, layout },
      register: (spec) => registerTrigger(layout, spec, isGenesis),
      watch: (spec, watched) => this.#compileWatch(spec, watched),
      triggerById: (id) => this.triggerById(id),
    })
    for (const journey of this.journeys) this.#journeysByCode.set(journey.code, journey)
    const own = this.triggers.filter(({ spec }) => spec.firedBy === 'condition')
    const watches = this.journeys.flatMap(({ enter, goal, exit }) => [enter, goal, exit])
    this.conditions = [...own, ...watches.filter((watch) => watch !== null)]
    const units = new Set(this.stampGroups.map(({ unit }) => unit))
    for (const { latch } of this.conditions) if (latch.unit !== -1) units.add(latch.unit)
    if (catalog.counters.some(({ aggregate }) => aggregate === 'distinct-days')) units.add(DAY)
    this.columns = columnsOf(wheres)
    if (this.columns.has('hour')) units.add(HOUR)
    if (this.columns.has('weekday')) units.add(DAY)
    this.units = units
    this.stays = this.#resolveStays()
  }

  findCell(counter: string, counterWindow: string): CounterCell {
    const cell = this.#cellsByName.get(counter)?.get(counterWindow)
    assert(cell !== undefined, 'a condition reads a counter that the catalog does not have')
    return cell
  }

  /** The trigger with this code, if it has been configured ever since it got it. */
  triggerByCode(code: number): CompiledTrigger | undefined {
    return this.#triggersByCode.get(code)
  }

  triggerById(id: string): CompiledTrigger | undefined {
    return this.#triggersById.get(id)
  }

  /** The journey with this code, if it has been configured ever since it got it. */
  journeyByCode(code: number): CompiledJourney | undefined {
    return this.#journeysByCode.get(code)
  }

  journeyById(id: string): CompiledJourney | undefined {
    return this.journeys.find(({ spec }) => spec.id === id)
  }

  #resolveStays(): StayCell[] {
    const stays: StayCell[] = []
    for (const [counterIndex, counter] of this.catalog.counters.entries()) {
      if (counter.aggregate !== 'dwell') continue
      const where = this.whereOf[counterIndex]!
      const { gapMs, isCellNeeded } = counter
      const place = this.place(placeKeys.stay(counter))
      stays.push({ counterIndex, where, place, gapMs, isCellNeeded })
    }
    return stays
  }

  place(key: string): Place {
    const place = this.layout.places[key]
    assert(place !== undefined, 'no place in the layout')
    return place
  }

  /** Boolean source of a tag in generated code. */
  tagSource(tag: string): string {
    const spec = this.catalog.tags.find(({ name }) => name === tag)
    assert(spec !== undefined)
    if (!spec.versioned) return bitSource(this.place(placeKeys.tag(tag)))
    const { table, offset } = this.place(placeKeys.tagVersion(tag))
    return `w${table}[x${table} + ${offset >>> 2}] > 0`
  }

  fieldSource(field: string): string {
    const { table, offset } = this.place(placeKeys.field(field, this.fieldType(field)))
    return `f${table}[o${table} + ${offset >>> 3}]`
  }

  hasSource(field: string): string {
    return bitSource(this.place(placeKeys.fieldSet(field, this.fieldType(field))))
  }

  fieldType(field: string): string {
    const spec = this.catalog.fields.find(({ name }) => name === field)
    assert(spec !== undefined)
    return spec.type
  }

  #compileTrigger(spec: TriggerSpec, isGenesis: boolean): CompiledTrigger {
    const { layout } = this
    const references = referencesOf(spec.when)
    const units = new Set<number>()
    const valueCells: { cell: CounterCell; previous: number }[] = []
    for (const { counter, counterWindow, previous } of references.counters) {
      const cell = this.findCell(counter, counterWindow)
      if (cell.unit !== -1) units.add(cell.unit)
      if (valueCells.length < LEDGER_VALUES_MAX) valueCells.push({ cell, previous })
    }
    const { journey } = spec
    const names = valueCells.map(({ cell, previous }) => valueName(cell, previous))
    const { code, isEdge } = registerTrigger(layout, spec, isGenesis)
    return {
      spec,
      code,
      isEdge,
      references,
      whereMask: this.#whereMask(references),
      units: [...units],
      // A step has no latch of its own: who may enter, gets it once.
      latch: this.#latch(journey === undefined ? spec.id : journeyKey(journey.journey), spec.once),
      taggingPlace:
        spec.oncePerTag === null ? null : this.place(placeKeys.tagging(spec.id, spec.oncePerTag)),
      valueCells,
      shape: registerShape(layout, names),
      policy: this.policy.resolve(spec),
    }
  }

  #compileWatch(
    spec: CompiledWatch['spec'] & { readonly id: string },
    { isEdge, ...watch }: Watched,
  ): CompiledWatch {
    const references = referencesOf(spec.when)
    const latch = this.#latch(spec.id, spec.once)
    return { spec, isEdge, references, whereMask: this.#whereMask(references), latch, watch }
  }

  #whereMask({ counters }: References): number {
    let mask = 0
    for (const { counter, counterWindow } of counters) {
      mask |= 1 << this.whereOf[this.findCell(counter, counterWindow).counterIndex]!
    }
    return mask
  }

  #latch(id: string, once: TriggerSpec['once']): LatchPlace {
    const place = this.place(placeKeys.latch(id, once))
    if (once === 'ever') return { place, stampOffset: -1, unit: -1 }
    const stampOffset = this.place(placeKeys.latchStamp(place.table, once)).offset
    return { place, stampOffset, unit: unitIndex(once) }
  }
}

function valueName({ counter, counterWindow }: CounterCell, previous: number): string {
  const name = `${counter.name}.${counterWindow.key}`
  return previous === 0 ? name : `${name}-${previous}`
}

function bitSource({ table, offset, bit }: Place): string {
  return `(w${table}[x${table} + ${offset >>> 2}] & ${1 << bit}) !== 0`
}

function distinctWheres(catalog: Catalog): {
  wheres: (Expression | null)[]
  whereOf: number[]
} {
  const wheres: (Expression | null)[] = []
  const positions = new Map<string, number>()
  const whereOf = catalog.counters.map(({ where }) => {
    const text = JSON.stringify(where)
    let position = positions.get(text)
    if (position === undefined) {
      position = wheres.length
      positions.set(text, position)
      wheres.push(where)
    }
    return position
  })
  return { wheres, whereOf }
}

function columnsOf(wheres: readonly (Expression | null)[]): ReadonlySet<UsageColumn> {
  const columns = new Set<UsageColumn>()
  for (const where of wheres) {
    if (where === null) continue
    walkExpression(where, (node) => {
      if (node.kind === 'column') columns.add(node.column)
    })
  }
  return columns
}

/** What a removed trigger has pending is not sent, even if a trigger of its name comes back. */
function retireTriggers({ triggers }: LayoutImage, catalog: Catalog): void {
  const ids = new Set(catalog.triggers.map(({ id }) => id))
  for (const { id } of catalog.journeys) ids.add(journeyKey(id))
  for (const [code, trigger] of triggers.entries()) {
    if (!ids.has(trigger.id)) triggers[code] = { ...trigger, isRetired: true }
  }
}

/**
 * The trigger's code, and whether it fires on the edge only: a trigger that a reload adds or whose
 * line it moves does not fire for those already above, unless its file says so.
 */
function registerTrigger(
  layout: LayoutImage,
  spec: Pick<TriggerSpec, 'id' | 'identity' | 'isFiringExisting'>,
  isGenesis: boolean,
): { code: number; isEdge: boolean } {
  const { triggers } = layout
  const isEdge = !isGenesis && !spec.isFiringExisting
  const entry = { id: spec.id, identity: spec.identity, isEdge, isRetired: false }
  const code = triggers.findIndex(({ id, isRetired }) => id === spec.id && !isRetired)
  if (code === -1) return { code: triggers.push(entry) - 1, isEdge }
  const isMoved = triggers[code]!.identity !== spec.identity
  if (isMoved || spec.isFiringExisting) triggers[code] = entry
  return { code, isEdge: triggers[code]!.isEdge }
}

/** Position of a list of value names in the layout; a list that is new gets the next one. */
export function registerShape(layout: LayoutImage, names: string[]): number {
  const text = JSON.stringify(names)
  const known = layout.valueShapes.findIndex((each) => JSON.stringify(each) === text)
  return known !== -1 ? known : layout.valueShapes.push(names) - 1
}
