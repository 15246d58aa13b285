/**
 * Where tags and fields lie in a subscriber's rows, by name: looked up once per generation, not by
 * search and text for each row. Bench: kernels/profiles.
 */

import { assert } from '../errors.ts'
import type { FieldSpec } from '../model/catalog.ts'
import type { RejectReason } from '../model/reject.ts'
import type { Place } from '../state/layout.ts'
import { placeKeys } from '../state/place-keys.ts'
import type { PagedTable } from '../state/paged-table.ts'
import { dayOfCivil } from '../state/periods.ts'
import type { CompiledCatalog } from './compile.ts'

/** A tag's bit or, for a versioned one, its version. */
export interface TagPlace {
  readonly isVersioned: boolean
  readonly place: Place
}

/** A field's value and the bit that says whether it has one. */
export interface FieldPlace {
  readonly spec: FieldSpec
  /** Codes of an enum's words. */
  readonly codes: ReadonlyMap<string, number>
  readonly place: Place
  readonly setPlace: Place
}

/** Why a value is none of a field's. */
export interface FieldProblem {
  readonly reason: RejectReason & ('bad-type' | 'unknown-code' | 'out-of-range')
  readonly detail: string
}

/** The places of one generation. */
export class ProfilePlaces {
  readonly tags: ReadonlyMap<string, TagPlace>
  readonly fields: ReadonlyMap<string, FieldPlace>

  constructor(compiled: CompiledCatalog) {
    const { tags, fields } = compiled.catalog
    this.tags = new Map(
      tags.map(({ name, versioned }) => {
        const key = versioned ? placeKeys.tagVersion(name) : placeKeys.tag(name)
        return [name, { isVersioned: versioned, place: compiled.place(key) }]
      }),
    )
    this.fields = new Map(
      fields.map((spec) => [
        spec.name,
        {
          spec,
          codes: new Map(spec.words.map((word, code) => [word, code])),
          place: compiled.place(placeKeys.field(spec.name, spec.type)),
          setPlace: compiled.place(placeKeys.fieldSet(spec.name, spec.type)),
        },
      ]),
    )
  }

  /** Sets a tag that was checked; false takes it away. */
  setTag(
    tables: readonly PagedTable[],
    slot: number,
    name: string,
    value: boolean | number | null,
  ): void {
    const { isVersioned, place } = this.tags.get(name)!
    if (isVersioned) {
      const version = typeof value === 'number' ? value : 0
      tables[place.table]!.setI32(slot, place.offset, version)
    } else {
      setBit(tables, slot, place, value === true)
    }
  }

  /** Sets a field to a value that was checked; null takes it away. */
  setField(
    tables: readonly PagedTable[],
    slot: number,
    name: string,
    value: number | string | boolean | null,
  ): void {
    const field = this.fields.get(name)!
    const number = value === null ? 0 : fieldNumber(field, value)
    assert(typeof number === 'number', 'a field was not checked')
    tables[field.place.table]!.setF64(slot, field.place.offset, number)
    setBit(tables, slot, field.setPlace, value !== null)
  }
}

/** A field's value as the number that rows hold, or what is wrong with it. */
export function fieldNumber(
  { spec, codes }: FieldPlace,
  value: number | string | boolean,
): number | FieldProblem {
  switch (spec.type) {
    case 'number':
      if (typeof value === 'number' && Number.isFinite(value)) return value
      break
    case 'bool':
      if (typeof value === 'boolean') return value ? 1 : 0
      break
    case 'enum': {
      if (typeof value !== 'string') break
      const code = codes.get(value)
      if (code !== undefined) return code
      return { reason: 'unknown-code', detail: `field ${spec.name} has no such word` }
    }
    case 'date': {
      const match = typeof value === 'string' ? /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) : null
      if (match === null) break
      const day = dayOfDate(Number(match[1]), Number(match[2]), Number(match[3]))
      if (day !== null) return day
      return { reason: 'out-of-range', detail: `field ${spec.name}: no such day` }
    }
  }
  return { reason: 'bad-type', detail: `field ${spec.name} is a ${spec.type}` }
}

/** Days since 1970-01-01; null for 30 February, and for years before 100, which Date misreads. */
function dayOfDate(year: number, month: number, dayOfMonth: number): number | null {
  const day = dayOfCivil(year, month, dayOfMonth)
  const date = new Date(day * 86_400_000)
  const isThere =
    date.getUTCDate() === dayOfMonth &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCFullYear() === year
  return isThere ? day : null
}

function setBit(
  tables: readonly PagedTable[],
  slot: number,
  { table, offset, bit }: Place,
  isSet: boolean,
): void {
  const rows = tables[table]!
  const word = rows.getI32(slot, offset)
  rows.setI32(slot, offset, isSet ? word | (1 << bit) : word & ~(1 << bit))
}
