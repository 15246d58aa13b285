/**
 * Profile messages: names and words checked against the config in force, all rows before any is
 * applied; then row by row, each followed by the judging of the triggers that read what it touched.
 *
 * A deletion takes the profile away and nothing else: counters, latches and deliveries stay, and so
 * does `optOut`, which is the subscriber's own wish (erasing.ts forgets those, too).
 */

import { LIST_NAMES } from '../model/expression.ts'
import type { ProfileMessage, ProfileRow } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import type { References } from '../rules/references.ts'
import {
  META_CYCLE_MASK,
  META_CYCLE_SHIFT,
  META_LISTS_SHIFT,
  META_OWN_PERIODS_MASK,
  META_ZONE_MASK,
} from '../state/layout.ts'
import type { CompiledCatalog } from './compile.ts'
import type { PartitionCore } from './core.ts'
import type { Interests } from './interests.ts'
import type { Judge } from './judging.ts'
import { fieldNumber, ProfilePlaces } from './profile-places.ts'

/** Lists that a deletion takes a subscriber off, as bits of meta. */
const DELETED_LISTS_MASK = LIST_NAMES.reduce(
  (mask, list, bit) => (list === 'optOut' ? mask : mask | (1 << (META_LISTS_SHIFT + bit))),
  0,
)

/** Applies profile messages of one partition. */
export class Profiles {
  readonly #core: PartitionCore
  readonly #judge: Judge
  readonly #interests: Interests
  #places!: ProfilePlaces
  /** Triggers by what of a profile they read. */
  readonly #readers = { tag: new Readers(), field: new Readers(), list: new Readers() }
  #all: readonly number[] = []
  /** Triggers that a deletion touches where zone and cycle day are the default's already. */
  #readingProfiles: readonly number[] = []
  /** Marks of the triggers that a row touches: the number of the row that set them. */
  #marks = new Uint32Array(0)
  #mark = 0
  #touched: number[] = []

  constructor(core: PartitionCore, judge: Judge, interests: Interests) {
    this.#core = core
    this.#judge = judge
    this.#interests = interests
  }

  /** Learns the places, and who reads what, in the catalog now in force. */
  useCatalog(): void {
    const { compiled } = this.#core
    const triggers = compiled.conditions
    this.#places = new ProfilePlaces(compiled)
    const readers = this.#readers
    for (const each of Object.values(readers)) each.clear()
    for (const [index, { references }] of triggers.entries()) {
      for (const tag of references.tags) readers.tag.add(tag, index)
      for (const field of fieldsOf(compiled, references)) readers.field.add(field, index)
      for (const list of references.lists) readers.list.add(list, index)
    }
    this.#all = triggers.map((_, index) => index)
    this.#readingProfiles = this.#all.filter((index) => {
      const { references } = triggers[index]!
      const { tags, lists } = references
      const fields = fieldsOf(compiled, references)
      return tags.length + fields.size > 0 || lists.some((list) => list !== 'optOut')
    })
    this.#marks = new Uint32Array(triggers.length)
    this.#mark = 0
  }

  /**
   * Throws RejectError for the first row that does not fit the config; then nothing was changed.
   */
  check(message: ProfileMessage): void {
    const zones = new Set<string>()
    for (const [index, row] of message.rows.entries()) {
      this.#checkRow(row, index)
      if (typeof row.zone !== 'string' || zones.has(row.zone)) continue
      zones.add(row.zone)
      if (this.#core.canLearnZones(zones)) continue
      throw new RejectError('unknown-name', `rows[${index}].zone`, 'no such time zone')
    }
  }

  /** Applies a checked message. */
  apply(message: ProfileMessage): void {
    const core = this.#core
    for (const row of message.rows) {
      if (row.isDeletion === true) this.#delete(row.subscriber)
      else this.change(row)
    }
    core.statistics.profileRows += message.rows.length
  }

  /** Changes one subscriber's profile, and judges what reads what changed. `row` is checked. */
  change(row: ProfileRow): void {
    const core = this.#core
    const slot = core.index.findOrAdd(row.subscriber)
    core.alignTables()
    const triggers = this.#triggersTouched(row)
    const wasTrue = this.#judge.trueEdges(slot, triggers)
    this.#applyRow(slot, row)
    this.#judge.judgeNow(slot, triggers, wasTrue)
  }

  /** Triggers that read one of these tags, in catalog order. */
  readersOfTags(tags: readonly string[]): readonly number[] {
    const touched = new Set(tags.flatMap((tag) => this.#readers.tag.of(tag)))
    return [...touched].sort((a, b) => a - b)
  }

  #checkRow(row: ProfileRow, index: number): void {
    const { tags, fields } = this.#places
    for (const name in row.tags) {
      const value = row.tags[name]
      const tag = tags.get(name)
      if (tag === undefined) refuse('unknown-name', index, 'tags', `no tag ${name}`)
      if (typeof value === 'number' && !tag.isVersioned) {
        refuse('bad-type', index, 'tags', `tag ${name} has no versions`)
      }
      if (value === true && tag.isVersioned) {
        refuse('bad-type', index, 'tags', `tag ${name} needs a version`)
      }
    }
    for (const name in row.fields) {
      const value = row.fields[name]!
      const field = fields.get(name)
      if (field === undefined) refuse('unknown-name', index, 'fields', `no field ${name}`)
      if (value === null) continue
      const number = fieldNumber(field, value)
      if (typeof number !== 'number') refuse(number.reason, index, 'fields', number.detail)
    }
  }

  #applyRow(slot: number, row: ProfileRow): void {
    const { tables } = this.#core
    const places = this.#places
    for (const name in row.tags) places.setTag(tables, slot, name, row.tags[name] ?? false)
    for (const name in row.fields) {
      const value = row.fields[name] ?? null
      if (this.#interests.isStart(name)) {
        this.#interests.restart(slot, name, () => places.setField(tables, slot, name, value))
      } else {
        places.setField(tables, slot, name, value)
      }
    }
    this.#applyMeta(slot, row)
  }

  #applyMeta(slot: number, row: ProfileRow): void {
    const core = this.#core
    const before = core.meta(slot)
    let meta = before
    if (row.zone !== undefined) {
      const zone = row.zone === null ? 0 : core.zoneNumber(row.zone)
      meta = (meta & ~META_ZONE_MASK) | zone
    }
    if (row.cycleDay !== undefined) {
      const day = row.cycleDay === 1 ? 0 : row.cycleDay
      meta = (meta & ~(META_CYCLE_MASK << META_CYCLE_SHIFT)) | (day << META_CYCLE_SHIFT)
    }
    for (const [bit, list] of LIST_NAMES.entries()) {
      const isListed = row.lists[list]
      if (isListed === undefined) continue
      const mask = 1 << (META_LISTS_SHIFT + bit)
      meta = isListed ? meta | mask : meta & ~mask
    }
    if (meta !== before) core.setMeta(slot, meta)
  }

  /** Who is not known stays unknown. */
  #delete(subscriber: number): void {
    const core = this.#core
    const slot = core.index.find(subscriber)
    if (slot === -1) return
    const meta = core.meta(slot)
    const hasOwnPeriods = (meta & META_OWN_PERIODS_MASK) !== 0
    const triggers = hasOwnPeriods ? this.#all : this.#readingProfiles
    const wasTrue = this.#judge.trueEdges(slot, triggers)
    const places = this.#places
    for (const name of places.tags.keys()) places.setTag(core.tables, slot, name, false)
    for (const name of places.fields.keys()) places.setField(core.tables, slot, name, null)
    const left = meta & ~META_OWN_PERIODS_MASK & ~DELETED_LISTS_MASK
    if (left !== meta) core.setMeta(slot, left)
    this.#judge.judgeNow(slot, triggers, wasTrue)
  }

  /**
   * Triggers that read something the row names, in catalog order; valid until the next row. A new
   * zone touches them all.
   */
  #triggersTouched(row: ProfileRow): readonly number[] {
    if (row.zone !== undefined || row.cycleDay !== undefined) return this.#all
    const { tag, field, list } = this.#readers
    this.#mark = (this.#mark + 1) >>> 0
    if (this.#mark === 0) {
      this.#marks.fill(0)
      this.#mark = 1
    }
    for (const name in row.tags) this.#markAll(tag.of(name))
    for (const name in row.fields) this.#markAll(field.of(name))
    for (const name in row.lists) this.#markAll(list.of(name))
    const touched = this.#touched
    touched.length = 0
    for (let index = 0; index < this.#marks.length; index++) {
      if (this.#marks[index] === this.#mark) touched.push(index)
    }
    return touched
  }

  #markAll(triggers: readonly number[]): void {
    for (const trigger of triggers) this.#marks[trigger] = this.#mark
  }
}

/** Fields that a trigger reads: in its condition, or as the start of an interest. */
function fieldsOf(compiled: CompiledCatalog, references: References): ReadonlySet<string> {
  const fields = new Set(references.fields)
  for (const { counter, counterWindow } of references.counters) {
    const start = compiled.findCell(counter, counterWindow).interest?.spec.startField ?? null
    if (start !== null) fields.add(start)
  }
  return fields
}

/** Triggers by the name that they read. */
class Readers {
  readonly #byName = new Map<string, number[]>()

  clear(): void {
    this.#byName.clear()
  }

  add(name: string, trigger: number): void {
    const readers = this.#byName.get(name)
    if (readers === undefined) this.#byName.set(name, [trigger])
    else readers.push(trigger)
  }

  of(name: string): readonly number[] {
    return this.#byName.get(name) ?? NOBODY
  }
}

const NOBODY: readonly number[] = []

function refuse(
  reason: 'unknown-name' | 'bad-type' | 'unknown-code' | 'out-of-range',
  index: number,
  key: string,
  detail: string,
): never {
  throw new RejectError(reason, `rows[${index}].${key}`, detail)
}
