/** The dictionaries that `where`s read: places with their cells, and groups of words. */

import type { Node } from 'yaml'
import { type PlaceSpec, PlaceTable } from '../model/place-table.ts'
import { suggestWord } from '../model/spelling.ts'
import { CATALOG_BOUNDS } from './catalog-grammar.ts'
import { CELLS_MAX, type PlaceReading } from './counter-shapes.ts'
import type { Located } from './shape.ts'
import type { YamlSource } from './yaml-source.ts'

type Dictionary<T> = ReadonlyMap<string, { readonly key: Node; readonly value: T | undefined }>

/** A dictionary as it stands in one file. */
export interface DictionaryReading<T> {
  readonly source: YamlSource
  readonly value: Dictionary<T>
}

/** The table of places, and their codes by name for conditions. */
export interface Places {
  readonly table: PlaceTable
  readonly codes: ReadonlyMap<string, number>
}

/** Places of all files together, in the order of the files. A cell belongs to one place only. */
export function buildPlaces(readings: readonly DictionaryReading<PlaceReading>[]): Places {
  const owners = new Map<number, string>()
  const specs: PlaceSpec[] = []
  const codes = new Map<string, number>()
  for (const { source, value } of readings) {
    for (const [name, { key, value: reading }] of value) {
      if (codes.has(name)) source.report(key, 'duplicate', `the place "${name}" is given twice`)
      if (codes.size === CATALOG_BOUNDS.places) {
        const message = `more than ${CATALOG_BOUNDS.places} places in all files`
        source.report(key, 'too-many', message)
        return { table: new PlaceTable(specs), codes }
      }
      specs.push({ name, cells: readCells(name, reading, owners, source) })
      if (!codes.has(name)) codes.set(name, specs.length)
    }
  }
  return { table: new PlaceTable(specs), codes }
}

function readCells(
  name: string,
  reading: PlaceReading | undefined,
  owners: Map<number, string>,
  source: YamlSource,
): readonly number[] {
  const cells: number[] = []
  for (const { value, node } of reading?.values.cells ?? []) {
    if (owners.size + value.to - value.from + 1 > CELLS_MAX) {
      source.report(node, 'too-many', `more than ${CELLS_MAX} cells in all places together`)
      return cells
    }
    for (let cell = value.from; cell <= value.to; cell++) {
      const owner = owners.get(cell)
      if (owner !== undefined) {
        const where = owner === name ? 'is given twice' : `already belongs to "${owner}"`
        source.report(node, 'duplicate', `the cell ${cell} ${where}`, 'a cell has one place')
        break
      }
      owners.set(cell, name)
      cells.push(cell)
    }
  }
  return cells
}

/**
 * Groups of words of one dictionary, by name; null: broken, and reported. `what` is the column,
 * `isComplete` false when words may be missing.
 */
export function buildGroups(
  reading: DictionaryReading<readonly Located<string>[]> | undefined,
  what: 'app' | 'place',
  codes: ReadonlyMap<string, number>,
  isComplete: boolean,
): ReadonlyMap<string, readonly number[] | null> {
  const groups = new Map<string, readonly number[] | null>()
  if (reading === undefined) return groups
  const { source } = reading
  for (const [name, { key, value }] of reading.value) {
    if (codes.has(name)) {
      const message = `"${name}" is already a word of ${what}, so it cannot be a group of them`
      source.report(key, 'duplicate', message)
    }
    groups.set(name, value === undefined ? null : codesOf(value, what, codes, isComplete, source))
  }
  return groups
}

/** Codes of words in their order, or null after reporting. */
export function codesOf(
  words: readonly Located<string>[],
  what: 'app' | 'place',
  codes: ReadonlyMap<string, number>,
  isComplete: boolean,
  source: YamlSource,
): readonly number[] | null {
  const found = new Set<number>()
  let isBroken = false
  for (const { value, node } of words) {
    const code = codes.get(value)
    if (code === undefined) {
      isBroken = true
      if (!isComplete) continue
      const declared = [...codes.keys()].slice(0, 12).join(', ') || 'none'
      const hint = suggestWord(value, codes.keys()) ?? `declared in ${what}s: ${declared}`
      source.report(node, 'unknown-word', `"${value}" is no word of ${what}`, hint)
    } else if (found.has(code)) {
      source.report(node, 'duplicate', `the word "${value}" is given twice`)
    } else {
      found.add(code)
    }
  }
  return isBroken ? null : Object.freeze([...found])
}
