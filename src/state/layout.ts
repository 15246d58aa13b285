/**
 * Where everything about a subscriber lives: a config compiles to places in fixed-width rows. The
 * layout is part of the image and only ever grows: a reload puts new items into spare room or into
 * a new parallel table, so old values stay where they are and no row is rewritten.
 *
 * Table 0, the hot row (one 64-byte line for the common config):
 *   0 f64 subscriber | 8 i32 meta | 12 i32 ledger head | 16 … stamps, flags, latches, counters
 * meta: bits 0-7 zone, 8-12 cycle day (0: 1st), 16-21 lists.
 * Further tables hold sliding windows and, if the hot row is full, past periods and profile fields.
 */

import type { Catalog, CounterSpec, CounterWindowSpec, TriggerSpec } from '../model/catalog.ts'
import { isPrefix } from '../model/catalog.ts'
import { journeyKey } from '../model/journey.ts'
import { chunkCount } from './app-sets.ts'
import { latchBitCount, orderLatches } from './latch-order.ts'
import { codeOfName } from './name-codes.ts'
import { placeKeys } from './place-keys.ts'
import { selectionItems } from './selection-key.ts'
import { ROW_SIZE_MAX, type TableImage, takeRoom } from './table-room.ts'

/** Byte offsets of the fixed head of table 0. */
export const META_OFFSET = 8
export const LEDGER_HEAD_OFFSET = 12
const HEAD_SIZE = 16
const HOT_ROW_SIZE = 64
/** Every reload with new counters may make a table; page images give 255 to the ledger. */
const TABLES_MAX = 128

/** Fields of a row's meta word: zone number, cycle day, lists. */
export const META_ZONE_MASK = 0xff
export const META_CYCLE_SHIFT = 8
export const META_CYCLE_MASK = 0x1f
export const META_LISTS_SHIFT = 16
/** Zone or cycle day differ from the default: periods cannot come from the batch's columns. */
export const META_OWN_PERIODS_MASK = META_ZONE_MASK | (META_CYCLE_MASK << META_CYCLE_SHIFT)

/** A place in a row: byte offset; for bits, the position and width within the word. */
export interface Place {
  readonly table: number
  readonly offset: number
  readonly bit: number
  readonly bitCount: number
}

/** What rows of members refer to: the steps that a journey has and had, by their numbers. */
export interface JourneyImage {
  /** `next`: number of the step that followed when this one was removed; -1: none. */
  steps: { name: string; next: number; isRemoved: boolean }[]
  /** Numbers of the steps in force, in their order. */
  order: number[]
  /** The shape in force, and how many edits of it members were to follow. */
  shape: string
  edits: number
}

/** The layout as the checkpoint keeps it: plain data, extended by each generation. */
export interface LayoutImage {
  tables: TableImage[]
  /** Codes that each counter of different apps tells apart, by counter and identity. */
  appSets: Record<string, number[]>
  places: Record<string, Place>
  /** Words that hold bits: how many are used, by group. Those of flags may hold latches, too. */
  bitWords: { table: number; offset: number; group: string; used: number }[]
  /** Trigger codes for rows: position in this list. */
  triggers: { id: string; identity: string; isEdge: boolean; isRetired: boolean }[]
  /** Journeys by the code of their entering, retired ones too; see compile-journeys.ts. */
  journeys: Record<number, JourneyImage>
  /** Zone names by the number in meta; 0 is the default zone. */
  zones: string[]
  /** Lists of value names (`counter.counterWindow`) that ledger rows refer to. */
  valueShapes: string[][]
  /** Channels, classes, experiments and texts of caps that ledger rows refer to; see `nameCode`. */
  names: string[]
}

/** Code of a name in ledger rows, from 1: 0 is none. A name that is new gets the next one. */
export function nameCode(image: LayoutImage, name: string): number {
  return codeOfName(image.names, name)
}

/** The name of a code; '' for 0. */
export function nameOf(image: LayoutImage, code: number): string {
  return image.names[code - 1] ?? ''
}

/** A layout with nothing in it but the head of the hot row. */
export function emptyLayout(zone: string): LayoutImage {
  return {
    tables: [],
    places: {},
    appSets: {},
    bitWords: [],
    triggers: [],
    journeys: {},
    zones: [zone],
    valueShapes: [],
    names: [],
  }
}

/** Keys of places that hold values; stamps and latches outlive what they were made for. */
const VALUE_KEY = /^(?:counter|previous\d+|ring|chunk\d+|stay|tag|version|field|set)\//

/**
 * Extends `image` in place by everything the catalog needs and does not have yet. Deterministic:
 * the same sequence of catalogs gives the same places. Throws RangeError when a row would get too
 * long or a latch would need more memory of the past than it has.
 */
export function extendLayout(image: LayoutImage, catalog: Catalog): void {
  new LayoutExtension(image, catalog).run()
}

function chunkKeys(counter: CounterSpec, counterWindow: CounterWindowSpec): string[] {
  const keys: string[] = []
  const backMax = counterWindow.kind === 'calendar' ? counter.keep : 0
  for (let chunk = 1; chunk < chunkCount(counter.apps.length); chunk++) {
    for (let back = 0; back <= backMax; back++) {
      keys.push(placeKeys.chunk(counter, counterWindow, back, chunk))
    }
  }
  return keys
}

class LayoutExtension {
  readonly #image: LayoutImage
  readonly #catalog: Catalog
  /** Tables made by this extension, still growing; undefined until needed. */
  #openHot = -1
  #openWide = -1
  #wideLatches: ReadonlySet<string> = new Set()

  constructor(image: LayoutImage, catalog: Catalog) {
    this.#image = image
    this.#catalog = catalog
  }

  run(): void {
    const { tables } = this.#image
    if (tables.length === 0) {
      tables.push({ strideSize: ROW_SIZE_MAX, cursor: HEAD_SIZE, hole: -1 })
      this.#openHot = 0
    }
    this.#forgetRemoved()
    this.#placeTags()
    this.#placeLatches()
    const sliding: [CounterSpec, CounterWindowSpec][] = []
    for (const counter of this.#catalog.counters) {
      for (const counterWindow of counter.counterWindows) {
        if (counterWindow.kind === 'sliding') sliding.push([counter, counterWindow])
        else this.#placeCounter(counter, counterWindow, false)
      }
      // Changes with every record of the subscriber, as the hot row does.
      if (counter.aggregate === 'dwell') this.#placeCells(placeKeys.stay(counter), 8, false)
    }
    this.#placePrevious()
    this.#placeChunks()
    for (const [counter, counterWindow] of sliding) this.#placeCounter(counter, counterWindow, true)
    this.#placeFields()
    this.#placeSelection()
    for (const table of tables) {
      if (table.strideSize !== ROW_SIZE_MAX) continue
      table.strideSize = Math.ceil(table.cursor / 8) * 8
      if (table === tables[0]) table.strideSize = Math.max(HOT_ROW_SIZE, table.strideSize)
    }
  }

  /**
   * Values of what the catalog no longer has are gone: nothing keeps them up to date meanwhile, so
   * they would be wrong if it came back. Their room stays unused.
   */
  #forgetRemoved(): void {
    const { counters, tags, fields } = this.#catalog
    const kept = new Set<string>()
    const before = this.#image.appSets
    this.#image.appSets = {}
    for (const counter of counters) {
      if (counter.aggregate === 'distinct-apps') {
        const name = `${counter.name}/${counter.identity}`
        this.#image.appSets[name] = [...counter.apps]
        // Bits mean something else now: a new counter.
        if (!isPrefix(before[name] ?? [], counter.apps)) continue
      }
      kept.add(placeKeys.stay(counter))
      for (const counterWindow of counter.counterWindows) {
        kept.add(placeKeys.counter(counter, counterWindow))
        kept.add(placeKeys.ring(counter, counterWindow))
        for (let back = 1; back <= counter.keep; back++) {
          kept.add(placeKeys.previous(counter, counterWindow, back))
        }
        for (const key of chunkKeys(counter, counterWindow)) kept.add(key)
      }
    }
    for (const { name, versioned } of tags) {
      kept.add(versioned ? placeKeys.tagVersion(name) : placeKeys.tag(name))
    }
    for (const { name, type } of fields) {
      kept.add(placeKeys.field(name, type))
      kept.add(placeKeys.fieldSet(name, type))
    }
    const { places } = this.#image
    for (const key of Object.keys(places)) {
      if (VALUE_KEY.test(key) && !kept.has(key)) delete places[key]
    }
  }

  #placeTags(): void {
    for (const tag of this.#catalog.tags) {
      if (tag.versioned) this.#placeCells(placeKeys.tagVersion(tag.name), 4, false)
      else this.#placeBits(placeKeys.tag(tag.name), 'flags', 1)
    }
  }

  #placeFields(): void {
    for (const field of this.#catalog.fields) {
      this.#placeBits(placeKeys.fieldSet(field.name, field.type), 'flags', 1)
      this.#placeCells(placeKeys.field(field.name, field.type), 8, this.#isHotFull(8))
    }
  }

  /** In a table of their own: selections go over all rows, and into every page of it. */
  #placeSelection(): void {
    const items = selectionItems(this.#catalog.segments)
    const missing = items.filter(([key]) => this.#image.places[key] === undefined)
    const table = missing.length === 0 ? -1 : this.#addTable()
    for (const [key, size] of missing) this.#placeInTable(key, table, size)
  }

  #addTable(): number {
    const { tables } = this.#image
    if (tables.length >= TABLES_MAX) throw new RangeError(`more than ${TABLES_MAX} tables`)
    return tables.push({ strideSize: ROW_SIZE_MAX, cursor: 0, hole: -1 }) - 1
  }

  #placeLatches(): void {
    const { triggers, journeys, latenessMs, earlinessMs } = this.#catalog
    const own = triggers.filter(({ journey }) => journey === undefined)
    const isPlaced = ({ id, once }: TriggerSpec): boolean =>
      this.#image.places[placeKeys.latch(id, once)] !== undefined
    for (const trigger of own.filter(isPlaced)) this.#placeLatch(trigger)
    const bitCountOf = (once: string): number => latchBitCount(once, latenessMs, earlinessMs)
    const ordered = orderLatches(
      own.filter((trigger) => !isPlaced(trigger)),
      bitCountOf,
    )
    this.#wideLatches = ordered.wide
    for (const trigger of ordered.triggers) this.#placeLatch(trigger)
    for (const { id, once, goal, exit } of journeys) {
      const key = journeyKey(id)
      this.#placeLatch({ id: key, once, oncePerTag: null })
      // Whether it was met since the subscriber entered, so that it is not judged for ever.
      if (goal !== null) this.#placeBits(placeKeys.latch(`${key}/goal`, 'ever'), 'latch/ever', 1)
      if (exit !== null) this.#placeBits(placeKeys.latch(`${key}/exit`, 'ever'), 'latch/ever', 1)
    }
  }

  #placeLatch(trigger: Pick<TriggerSpec, 'id' | 'once' | 'oncePerTag'>): void {
    const { latenessMs, earlinessMs } = this.#catalog
    const key = placeKeys.latch(trigger.id, trigger.once)
    const bitCount = latchBitCount(trigger.once, latenessMs, earlinessMs)
    if (bitCount > 32) throw new RangeError(`latch of ${trigger.id} needs ${bitCount} bits`)
    const place = this.#image.places[key]
    if (place !== undefined && place.bitCount < bitCount) {
      throw new RangeError(`lateness is longer than the latch of ${trigger.id} remembers`)
    }
    this.#placeBits(key, `latch/${trigger.once}`, bitCount)
    const table = this.#image.places[key]!.table
    if (trigger.once !== 'ever') {
      this.#placeInTable(placeKeys.latchStamp(table, trigger.once), table, 4)
    }
    if (trigger.oncePerTag !== null) {
      this.#placeCells(placeKeys.tagging(trigger.id, trigger.oncePerTag), 4, false)
    }
  }

  #placeCounter(counter: CounterSpec, counterWindow: CounterWindowSpec, isWide: boolean): void {
    const key = placeKeys.counter(counter, counterWindow)
    const { places } = this.#image
    if (places[key] !== undefined) return
    const ringSize = counterWindow.kind === 'sliding' ? 8 * counterWindow.bucketCount : 0
    const isLifetimeDistinct =
      counter.aggregate === 'distinct-days' && counterWindow.kind === 'lifetime'
    // An interest has the instant as of which its score stands.
    const hasSecond = isLifetimeDistinct || counter.aggregate === 'interest'
    const size = 8 + ringSize + (hasSecond ? 8 : 0)
    const needsStamp = counterWindow.kind !== 'lifetime' || isLifetimeDistinct
    const table = this.#tableWithRoom(size, needsStamp ? counterWindow.unit : null, isWide)
    if (needsStamp) this.#placeInTable(placeKeys.stamp(table, counterWindow.unit), table, 4)
    const first = this.#take(table, size)
    let offset = first
    const put = (name: string, cells: number): void => {
      places[name] = { table, offset, bit: 0, bitCount: 0 }
      offset += 8 * cells
    }
    put(key, 1)
    if (ringSize > 0) put(placeKeys.ring(counter, counterWindow), counterWindow.bucketCount)
    if (hasSecond) put(placeKeys.ring(counter, counterWindow), 1)
  }

  /**
   * Past periods are touched when a row rolls and where a condition reads them, so they are the
   * first to leave a full hot row. A counter that now remembers more keeps what it has; the new
   * ones fill up from zero.
   */
  #placePrevious(): void {
    for (const counter of this.#catalog.counters) {
      for (const counterWindow of counter.counterWindows) {
        if (counterWindow.kind !== 'calendar') continue
        for (let back = 1; back <= counter.keep; back++) {
          const key = placeKeys.previous(counter, counterWindow, back)
          this.#placeCells(key, 8, this.#isHotFull(8))
        }
      }
    }
  }

  /** Further chunks of sets of apps, running and past. */
  #placeChunks(): void {
    for (const counter of this.#catalog.counters) {
      for (const counterWindow of counter.counterWindows) {
        for (const key of chunkKeys(counter, counterWindow)) {
          this.#placeCells(key, 8, this.#isHotFull(8))
        }
      }
    }
  }

  /** Whether the first hot row, still growing, would outgrow its cache line. */
  #isHotFull(size: number): boolean {
    return this.#openHot === 0 && this.#image.tables[0]!.cursor + size > HOT_ROW_SIZE
  }

  #placeBits(key: string, group: string, bitCount: number): void {
    const { places, bitWords } = this.#image
    if (places[key] !== undefined) return
    let word =
      bitWords.find((each) => each.group === group && each.used + bitCount <= 32) ??
      this.#flagsWithRoom(group, bitCount)
    if (word === undefined) {
      // A latch word needs its stamp beside it: 8 bytes where the stamp may be new.
      const isLatch = group.startsWith('latch/')
      const table = this.#tableWithRoom(isLatch ? 8 : 4, null, isLatch && this.#isWide(group))
      word = { table, offset: this.#take(table, 4), group, used: 0 }
      bitWords.push(word)
    }
    places[key] = { table: word.table, offset: word.offset, bit: word.used, bitCount }
    word.used += bitCount
  }

  /**
   * A word of flags in the hot row that has room for a latch: a few latches need no word of their
   * own there. Only while the row still grows, since their stamp must come to lie beside them.
   */
  #flagsWithRoom(group: string, bitCount: number): LayoutImage['bitWords'][number] | undefined {
    if (!group.startsWith('latch/') || this.#isWide(group) || this.#openHot !== 0) return undefined
    return this.#image.bitWords.find(
      (each) => each.group === 'flags' && each.table === 0 && each.used + bitCount <= 32,
    )
  }

  #isWide(group: string): boolean {
    return this.#wideLatches.has(group.slice('latch/'.length))
  }

  #placeCells(key: string, size: number, isWide: boolean): void {
    if (this.#image.places[key] !== undefined) return
    this.#placeInTable(key, this.#tableWithRoom(size, null, isWide), size)
  }

  #placeInTable(key: string, table: number, size: number): void {
    if (this.#image.places[key] !== undefined) return
    this.#image.places[key] = { table, offset: this.#take(table, size), bit: 0, bitCount: 0 }
  }

  /** A table with `size` bytes left, plus 4 for the unit's stamp where it is missing there. */
  #tableWithRoom(size: number, stampUnit: string | null, isWide: boolean): number {
    const { tables, places } = this.#image
    for (let table = 0; table < tables.length; table++) {
      const { strideSize, cursor } = tables[table]!
      if (strideSize === ROW_SIZE_MAX) continue
      const hasStamp = stampUnit === null || places[placeKeys.stamp(table, stampUnit)] !== undefined
      if (cursor + size + (hasStamp ? 0 : 8) + 8 <= strideSize) return table
    }
    if (!isWide && this.#openHot !== -1) return this.#openHot
    if (this.#openWide === -1) this.#openWide = this.#addTable()
    return this.#openWide
  }

  #take(table: number, size: number): number {
    return takeRoom(this.#image.tables[table]!, size)
  }
}
