/**
 * The dictionary of places: cell → place. A hash table in flat memory, since it is asked once per
 * usage record and may hold a whole country's cells.
 */

/** Code of a cell that belongs to no place. */
export const NO_PLACE = 0

/** One place and its cells. The code is what records are compared with: position + 1. */
export interface PlaceSpec {
  readonly name: string
  readonly cells: readonly number[]
}

/** Immutable once made. */
export class PlaceTable {
  /** Names in the order of their codes, the first of code 1. */
  readonly names: readonly string[]
  readonly cellCount: number
  /** Open addressing; cell 0 (no cell) marks an empty entry. */
  readonly #cells: Uint32Array
  readonly #codes: Uint16Array
  readonly #mask: number

  /** Cells are 1 to 2^32 - 1 and in one place only; later places do not take a cell again. */
  constructor(places: readonly PlaceSpec[]) {
    this.names = Object.freeze(places.map(({ name }) => name))
    const cellCount = places.reduce((sum, { cells }) => sum + cells.length, 0)
    let capacity = 16
    while (capacity < cellCount * 2) capacity *= 2
    this.#cells = new Uint32Array(capacity)
    this.#codes = new Uint16Array(capacity)
    this.#mask = capacity - 1
    let added = 0
    for (const [position, { cells }] of places.entries()) {
      for (const cell of cells) if (this.#add(cell, position + 1)) added += 1
    }
    this.cellCount = added
  }

  /** Code of the place that a cell belongs to; NO_PLACE: none. */
  codeOf(cell: number): number {
    let at = hashOf(cell) & this.#mask
    for (;;) {
      const found = this.#cells[at]!
      if (found === cell) return this.#codes[at]!
      if (found === 0) return NO_PLACE
      at = (at + 1) & this.#mask
    }
  }

  #add(cell: number, code: number): boolean {
    if (cell === 0 || this.codeOf(cell) !== NO_PLACE) return false
    let at = hashOf(cell) & this.#mask
    while (this.#cells[at] !== 0) at = (at + 1) & this.#mask
    this.#cells[at] = cell
    this.#codes[at] = code
    return true
  }
}

/** No place at all. */
export const NO_PLACES = new PlaceTable([])

/** Neighbours in number are neighbours in place: the bits are mixed, so that they spread. */
function hashOf(cell: number): number {
  let hash = Math.imul(cell ^ (cell >>> 16), 0x45d9_f3b)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d)
  return hash ^ (hash >>> 16)
}
