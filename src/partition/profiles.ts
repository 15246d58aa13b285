/**
 * Profile messages: names and words checked against the config in force, all rows before any is
 * applied; then row by row, each followed by the judging of the triggers that read what it touched.
 */

import type { FieldSpec } from '../model/catalog.ts'
import { LIST_NAMES } from '../model/expression.ts'
import type { ProfileMessage, ProfileRow } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import {
  META_CYCLE_MASK,
  META_CYCLE_SHIFT,
  META_LISTS_SHIFT,
  META_ZONE_MASK,
  placeKeys,
} from '../state/layout.ts'
import { dayOfCivil } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'
import type { Judge } from './judging.ts'

/** Applies profile messages of one partition. */
export class Profiles {
  readonly #core: PartitionCore
  readonly #judge: Judge
  /** Triggers by what of a profile they read: `tag/…`, `field/…`, `list/…`; and all of them. */
  readonly #readers = new Map<string, number[]>()
  #all: number[] = []

  constructor(core: PartitionCore, judge: Judge) {
    this.#core = core
    this.#judge = judge
  }

  /** Learns who reads what in the catalog now in force. */
  useCatalog(): void {
    this.#readers.clear()
    const { triggers } = this.#core.compiled
    this.#all = triggers.map((_, index) => index)
    for (const [index, { references }] of triggers.entries()) {
      for (const tag of references.tags) this.#addReader(`tag/${tag}`, index)
      for (const field of references.fields) this.#addReader(`field/${field}`, index)
      for (const list of references.lists) this.#addReader(`list/${list}`, index)
    }
  }

  /**
   * Throws RejectError for the first row that does not fit the config; then nothing was changed.
   */
  check(message: ProfileMessage): void {
    const zones = new Set<string>()
    for (const [index, row] of message.rows.entries()) {
      this.#checkRow(row, `rows[${index}]`)
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
      const slot = core.index.findOrAdd(row.subscriber)
      core.alignTables()
      const triggers = this.#triggersTouched(row)
      const wasTrue = this.#judge.trueEdges(slot, triggers)
      this.#applyRow(slot, row)
      this.#judge.judgeNow(slot, triggers, wasTrue)
    }
    core.statistics.profileRows += message.rows.length
  }

  #addReader(key: string, trigger: number): void {
    const readers = this.#readers.get(key)
    if (readers === undefined) this.#readers.set(key, [trigger])
    else readers.push(trigger)
  }

  #checkRow(row: ProfileRow, position: string): void {
    const core = this.#core
    const { tags, fields } = core.compiled.catalog
    for (const [name, value] of Object.entries(row.tags)) {
      const at = `${position}.tags`
      const spec = tags.find((each) => each.name === name)
      if (spec === undefined) throw new RejectError('unknown-name', at, `no tag ${name}`)
      if (typeof value === 'number' && !spec.versioned) {
        throw new RejectError('bad-type', at, `tag ${name} has no versions`)
      }
      if (value === true && spec.versioned) {
        throw new RejectError('bad-type', at, `tag ${name} needs a version`)
      }
    }
    for (const [name, value] of Object.entries(row.fields)) {
      const at = `${position}.fields`
      const spec = fields.find((each) => each.name === name)
      if (spec === undefined) throw new RejectError('unknown-name', at, `no field ${name}`)
      if (value !== null) fieldNumber(spec, value, at)
    }
  }

  #applyRow(slot: number, row: ProfileRow): void {
    const core = this.#core
    const { compiled } = core
    for (const [name, value] of Object.entries(row.tags)) {
      const spec = compiled.catalog.tags.find((each) => each.name === name)!
      if (spec.versioned) {
        const { table, offset } = compiled.place(placeKeys.tagVersion(name))
        core.tables[table]!.setI32(slot, offset, typeof value === 'number' ? value : 0)
      } else {
        core.setBit(slot, placeKeys.tag(name), value === true)
      }
    }
    for (const [name, value] of Object.entries(row.fields)) {
      const spec = compiled.catalog.fields.find((each) => each.name === name)!
      const { table, offset } = compiled.place(placeKeys.field(name, spec.type))
      const number = value === null ? 0 : fieldNumber(spec, value, name)
      core.tables[table]!.setF64(slot, offset, number)
      core.setBit(slot, placeKeys.fieldSet(name, spec.type), value !== null)
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

  /** Triggers that read something the row names, in catalog order. A new zone touches them all. */
  #triggersTouched(row: ProfileRow): readonly number[] {
    if (row.zone !== undefined || row.cycleDay !== undefined) return this.#all
    const touched = new Set<number>()
    const add = (key: string): void => {
      for (const trigger of this.#readers.get(key) ?? []) touched.add(trigger)
    }
    for (const name in row.tags) add(`tag/${name}`)
    for (const name in row.fields) add(`field/${name}`)
    for (const name in row.lists) add(`list/${name}`)
    return [...touched].sort((a, b) => a - b)
  }
}

/** A field's value as the number that rows hold. Throws RejectError. */
function fieldNumber(spec: FieldSpec, value: number | string | boolean, position: string): number {
  switch (spec.type) {
    case 'number':
      if (typeof value === 'number' && Number.isFinite(value)) return value
      break
    case 'bool':
      if (typeof value === 'boolean') return value ? 1 : 0
      break
    case 'enum': {
      if (typeof value !== 'string') break
      const code = spec.words.indexOf(value)
      if (code !== -1) return code
      throw new RejectError('unknown-code', position, `field ${spec.name} has no such word`)
    }
    case 'date': {
      const match = typeof value === 'string' ? /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) : null
      if (match === null) break
      const day = dayOfCivil(Number(match[1]), Number(match[2]), Number(match[3]))
      if (new Date(day * 86_400_000).toISOString().startsWith(match[0])) return day
      throw new RejectError('out-of-range', position, `field ${spec.name}: no such day`)
    }
  }
  throw new RejectError('bad-type', position, `field ${spec.name} is a ${spec.type}`)
}
