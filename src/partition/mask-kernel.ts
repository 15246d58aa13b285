/**
 * The pass before the update: which `where`s each record of a batch matches, as generated code. The
 * columns that are worked out (hour and weekday in the subscriber's zone, place) cost nothing where
 * no `where` reads them.
 */

import { assert } from '../errors.ts'
import type { Expression } from '../model/expression.ts'
import type { UsageBatch } from '../model/usage.ts'
import { CATALOG_BOUNDS } from '../rules/catalog-grammar.ts'
import { emitExpression, type ExpressionBinding } from '../rules/emit.ts'
import { META_OFFSET, META_ZONE_MASK } from '../state/layout.ts'
import type { PagedTable } from '../state/paged-table.ts'
import { DAY, HOUR } from '../state/periods.ts'

/** Fills masks[i] with a bit per distinct `where` that record i matches. */
export type MaskKernel = (
  count: number,
  slots: Int32Array,
  batch: UsageBatch,
  masks: Int32Array,
  periods: readonly Int32Array[],
) => void

/** What the generated code reads beside the batch. */
export interface MaskSources {
  /** The hot rows, for the zones of subscribers. */
  readonly subscribers: PagedTable
  /** Writes the subscriber's own period keys to `ownKeys`. */
  ownPeriods(meta: number, timeMs: number): void
  readonly ownKeys: Int32Array
  /** Code of the place that a cell belongs to. */
  placeOf(cell: number): number
}

const COLUMN_NAMES: Readonly<Record<string, string>> = {
  bytes: 'usageBytes',
  time: 'timesMs',
  rat: 'rats',
  app: 'apps',
  cell: 'cells',
  kind: 'kinds',
}

/** Generates the mask pass. `null` matches every record. */
export function generateMaskKernel(
  wheres: readonly (Expression | null)[],
  sources: MaskSources,
): MaskKernel {
  assert(wheres.length <= CATALOG_BOUNDS.wheres)
  const columns = new Set<string>()
  const worked = new Set<string>()
  const terms = wheres.map((where, bit) => {
    if (where === null) return `${1 << bit}`
    const source = emitExpression(where, {
      ...noLeaves,
      column: (column) => {
        const name = COLUMN_NAMES[column]
        if (name === undefined) worked.add(column)
        else columns.add(name)
        return name === undefined ? column : `${name}[i]`
      },
    })
    return `(${source} ? ${1 << bit} : 0)`
  })
  const isLocal = worked.has('hour') || worked.has('weekday')
  if (isLocal) columns.add('timesMs')
  if (worked.has('place')) columns.add('cells')
  const declared = [...columns].map((name) => `const ${name} = batch.${name};`)
  const source = `'use strict';
const { subscribers, ownPeriods, ownKeys, placeOf } = sources;
return function mask(count, slots, batch, masks, periods) {
  ${declared.join('\n  ')}
  ${isLocal ? `const K${HOUR} = periods[${HOUR}], K${DAY} = periods[${DAY}], W0 = subscribers.i32;` : ''}
  for (let i = 0; i < count; i++) {
    ${isLocal ? localSource(worked, sources.subscribers) : ''}
    ${worked.has('place') ? 'const place = placeOf(cells[i]);' : ''}
    masks[i] = ${terms.length === 0 ? '0' : terms.join(' | ')};
  }
};`
  return new Function('sources', source)(sources) as MaskKernel
}

/** Hour and weekday in the subscriber's zone: from the batch's columns, unless it has its own. */
function localSource(worked: ReadonlySet<string>, subscribers: PagedTable): string {
  const { segmentShift, strideSize } = subscribers
  const rowMask = (1 << segmentShift) - 1
  const hour = `k${HOUR}`
  const day = `k${DAY}`
  const meta = `W0[slot >>> ${segmentShift}][(slot & ${rowMask}) * ${strideSize >>> 2} + ${META_OFFSET >>> 2}]`
  const lines = [
    `const slot = slots[i], meta = ${meta};`,
    `let ${hour} = K${HOUR}[i], ${day} = K${DAY}[i];`,
    `if ((meta & ${META_ZONE_MASK}) !== 0) {`,
    `  ownPeriods(meta, timesMs[i]); ${hour} = ownKeys[${HOUR}]; ${day} = ownKeys[${DAY}];`,
    '}',
  ]
  if (worked.has('hour')) lines.push(`const hour = ${hour} % 24;`)
  // Day 0 was a Thursday.
  if (worked.has('weekday')) lines.push(`const weekday = (${day} + 3) % 7;`)
  return lines.join('\n    ')
}

const noLeaves: ExpressionBinding = {
  counter: unexpectedLeaf,
  tag: unexpectedLeaf,
  list: unexpectedLeaf,
  field: unexpectedLeaf,
  has: unexpectedLeaf,
  column: unexpectedLeaf,
}

function unexpectedLeaf(): never {
  throw new Error('this leaf has no place in a where')
}
