/**
 * The conditions of the update pass as generated code. A few are judged one after the other, each
 * with its latch. Many go through the blocks of condition-blocks.ts: the loop compares each value
 * with the lowest line of all, and calls the block only where something is left; there every
 * condition is a small function of its own, since V8 does not optimise functions of any length.
 *
 * Conditions are judged before any of them fires. Firing changes latches only: the condition's own,
 * and with a journey's entering those of its goal and exit, which are known not to be met then.
 */

import { emitCondition, emitExpression, type ExpressionBinding } from '../rules/emit.ts'
import type { PagedTable } from '../state/paged-table.ts'
import type { CompiledCatalog, CompiledCondition } from './compile.ts'
import {
  type ConditionBlock,
  type GatePart,
  type GateValue,
  type MaskRows,
  makeBlocks,
} from './condition-blocks.ts'
import { addressSource, KernelValues, latchOpenSource } from './kernel-values.ts'
import { rankOf } from './ruler.ts'

/** Conditions that are judged one after the other; more of them go through blocks. */
const PLAIN_CONDITIONS_MAX = 12

/** What the code of blocks reads. */
export interface JudgementTables {
  readonly blocks: readonly ConditionBlock[]
  /** Conditions of a record that fire, `found[0]` first. */
  readonly found: Int32Array
  /** Values before the record, by cell. */
  readonly was: Float64Array
  readonly rank: typeof rankOf
  /** Sorts the first `count` of `found`: conditions fire in their order. */
  order(found: Int32Array, count: number): void
}

/** Sources of the conditions of one catalog. */
export class JudgementSource {
  readonly tables: JudgementTables
  readonly #compiled: CompiledCatalog
  readonly #rows: readonly PagedTable[]
  readonly #values: KernelValues
  readonly #args: string
  readonly #before: ExpressionBinding
  readonly #after: ExpressionBinding

  /** `units`: those whose keys are at hand per record. */
  constructor(compiled: CompiledCatalog, rows: readonly PagedTable[], units: readonly number[]) {
    const { conditions, cells } = compiled
    this.#compiled = compiled
    this.#rows = rows
    this.#values = new KernelValues(compiled)
    this.#args = ['slot', 'i', 'm', 'meta', ...units.map((unit) => `k${unit}`)].join(', ')
    const isPlain = conditions.length <= PLAIN_CONDITIONS_MAX
    const name = isPlain ? (index: number) => `b${index}` : (index: number) => `was[${index}]`
    this.#before = this.#values.binding((cell) => name(cells.indexOf(cell)))
    this.#after = this.#values.binding((cell) => this.#values.runningSource(cell))
    this.tables = {
      blocks: isPlain ? [] : makeBlocks(conditions),
      found: new Int32Array(conditions.length),
      was: new Float64Array(cells.length),
      rank: rankOf,
      order: (found, count) => {
        found.subarray(0, count).sort()
      },
    }
  }

  /** What stands before the loop's function. */
  declarations(): string {
    const { blocks } = this.tables
    if (blocks.length === 0) return ''
    const { conditions } = this.#compiled
    const judges = conditions.map((condition, index) =>
      condition.whereMask === 0 ? '' : this.#judge(condition, index),
    )
    const list = conditions.map(({ whereMask }, index) => (whereMask === 0 ? '0' : `c${index}`))
    return `const { blocks, found, was, rank, order } = judging;
${this.#rows.map((_, number) => `const F${number} = t${number}.f64, W${number} = t${number}.i32;`).join('\n')}
let columns, n = 0;
${judges.filter((source) => source !== '').join('\n')}
const judges = [${list.join(', ')}];
${blocks.map((block, index) => this.#block(block, index)).join('\n')}
function fireFound(slot, i) {
  const count = n;
  n = 0;
  if (count > 1) order(found, count);
  for (let j = 0; j < count; j++) fire(found[j], slot, i);
}`
  }

  /** What stands before the loop. */
  perBatch(): string {
    return this.tables.blocks.length === 0 ? '' : 'columns = batch;'
  }

  /** What stands in the loop, after the updates. */
  perRecord(): string {
    const { blocks } = this.tables
    if (blocks.length === 0) return this.#plain()
    const keep = this.#values.edgeCells().map((cell) => `was[${cell}] = b${cell}; `)
    const lines = blocks.map(
      (block, index) => `{
      let s = ${block.summary};
      ${this.#firstTests(block).join('\n      ')}
      if (s !== 0) { ${keep.join('')}scan${index}(s, ${this.#args}); }
    }`,
    )
    return `${lines.join('\n    ')}\n    if (n !== 0) fireFound(slot, i);`
  }

  #plain(): string {
    const lines: string[] = []
    for (const [index, trigger] of this.#compiled.conditions.entries()) {
      if (trigger.whereMask === 0) continue
      const tests = [`(m & ${trigger.whereMask}) !== 0`, ...this.#values.keptTests(trigger)]
      tests.push(emitCondition(trigger.spec.when, this.#after), latchOpenSource(trigger))
      if (trigger.isEdge) tests.push(`!${emitCondition(trigger.spec.when, this.#before)}`)
      lines.push(`if (${tests.join(' && ')}) fire(${index}, slot, i);`)
    }
    return lines.join('\n    ')
  }

  /** One condition as a function; the caller has looked at its latch. */
  #judge(condition: CompiledCondition, index: number): string {
    const { when } = condition.spec
    const tests = [`(m & ${condition.whereMask}) !== 0`, ...this.#values.keptTests(condition)]
    tests.push(emitCondition(when, this.#after))
    if (condition.isEdge) tests.push(`!${emitCondition(when, this.#before)}`)
    const source = tests.join(' && ')
    return `function c${index}(${this.#args}) { ${this.#addresses(source)} return ${source}; }`
  }

  /** Where the rows are that a source reads, and its columns. */
  #addresses(source: string): string {
    const numbers = [...this.#rows.keys()].filter((number) =>
      new RegExp(`\\b[fw]${number}\\[`).test(source),
    )
    const columns = source.includes('timesMs') ? ['const { timesMs } = columns;'] : []
    return [...numbers.map((number) => addressSource(this.#rows, number)), ...columns].join(' ')
  }

  /**
   * The cheapest tests, in the loop itself: records that no condition of the block is over, and
   * values below all lines.
   */
  #firstTests({ banks, values, summary }: ConditionBlock): string[] {
    const lines: string[] = []
    for (const { parts, summaries } of banks) {
      for (const [bit, part] of parts.entries()) {
        const left = summaries[(summaries.length - 1) & ~(1 << bit)]!
        if (part.kind !== 'where' || left === summary) continue
        lines.push(`if (!${this.#partSource(part)}) s &= ${left};`)
      }
    }
    for (const { value, ruler, readers, summaries } of values) {
      if (value.kind === 'field' || summaries[0] === summary) continue
      const { apps, interest } = this.#compiled.findCell(value.counter, value.counterWindow)
      if (apps !== null || interest !== null) continue
      const source = emitExpression(value, this.#after)
      const line = emitExpression({ kind: 'number', value: ruler.lines[0]! }, this.#after)
      lines.push(`if ((s & ${readers}) !== 0 && !(${source} >= ${line})) s &= ${summaries[0]};`)
    }
    return lines
  }

  #partSource(part: GatePart): string {
    switch (part.kind) {
      case 'where':
        return `((m & ${part.whereMask}) !== 0)`
      case 'has':
        return `(${this.#after.has(part.field)})`
      case 'guard':
        return emitExpression(part.guard, this.#after)
    }
  }

  /** The block's tables and the function that looks for its conditions, `s`: words to look into. */
  #block(block: ConditionBlock, index: number): string {
    const { banks, values, stampOffset, bitCount, table, unit, edges, notEdges } = block
    const count = block.words.length
    const names: string[] = []
    const declare = (place: string, rows: MaskRows, number: string): void => {
      names.push(`const M${number} = blocks[${index}].${place}.masks;`)
      if (rows.summaries.length > 0) {
        names.push(`const S${number} = blocks[${index}].${place}.summaries;`)
      }
    }
    const body: string[] = []
    const rows: string[] = []
    for (const [position, bank] of banks.entries()) {
      const number = `${index}x${position}`
      declare(`banks[${position}]`, bank, number)
      body.push(`let r${position} = 0;`)
      for (const [bit, part] of bank.parts.entries()) {
        body.push(`if (${this.#partSource(part)}) r${position} |= ${1 << bit};`)
      }
      body.push(`s &= S${number}[r${position}]; if (s === 0) return;`)
      rows.push(`M${number}[r${position} * ${count} + w]`)
    }
    const crossed: string[] = edges === null ? [] : ['E[w]']
    if (edges !== null) body.push('let isCrossed = false;')
    for (const [position, value] of values.entries()) {
      const number = `${index}x${banks.length + position}`
      declare(`values[${position}]`, value, number)
      names.push(`const R${number} = blocks[${index}].values[${position}].ruler;`)
      const hasEdge = edges !== null && value.isRunning
      body.push(...this.#rankValue(value, position, number, hasEdge))
      rows.push(`M${number}[q${position} * ${count} + w]`)
      if (hasEdge) crossed.push(`M${number}[p${position} * ${count} + w]`)
    }
    if (edges !== null) body.push(`if (!isCrossed) { s &= ${notEdges}; if (s === 0) return; }`)
    const words = `w${table}[x${table} + D${index}[w]]`
    if (stampOffset !== -1) {
      body.push(`const d = w${table}[x${table} + ${stampOffset >>> 2}] - k${unit};`)
      body.push(`if (d >= ${bitCount}) return;`)
    }
    const open = stampOffset === -1 ? `c &= ~${words};` : `if (d >= 0) c &= ~(${words} >>> d);`
    body.push(`do {
    const w = 31 - Math.clz32(s & -s);
    s &= s - 1;
    let c = ${rows.join(' & ')};
    if (c === 0) continue;
    ${open}
    ${edges === null ? '' : `c &= ~(${crossed.join(' & ').replace('E[', `E${index}[`)});`}
    while (c !== 0) {
      const j = C${index}[w * 32 + 31 - Math.clz32(c & -c)];
      c &= c - 1;
      if (judges[j](${this.#args})) found[n++] = j;
    }
  } while (s !== 0);`)
    names.push(`const D${index} = blocks[${index}].words, C${index} = blocks[${index}].conditions;`)
    if (edges !== null) names.push(`const E${index} = blocks[${index}].edges;`)
    const source = body.join('\n  ')
    return `${names.join('\n')}
function scan${index}(s, ${this.#args}) {
  ${this.#addresses(source)}
  ${source}
}`
  }

  /** Its place among the lines drawn, `q`, and before the record, `p`. */
  #rankValue(
    { value, readers }: GateValue,
    position: number,
    number: string,
    hasEdge: boolean,
  ): string[] {
    const after = emitExpression(value, this.#after)
    const before = emitExpression(value, this.#before)
    const edge = hasEdge
      ? `p${position} = rank(R${number}, ${before}); if (p${position} !== q${position}) isCrossed = true;`
      : ''
    return [
      `let q${position} = 0${hasEdge ? `, p${position} = 0` : ''};`,
      `if ((s & ${readers}) !== 0) { q${position} = rank(R${number}, ${after}); ${edge} s &= S${number}[q${position}]; if (s === 0) return; }`,
    ]
  }
}

/** Cells whose value before the record some condition asks for, by their names in the loop. */
export function beforeSources(compiled: CompiledCatalog): string[] {
  const values = new KernelValues(compiled)
  return values
    .edgeCells()
    .map((index) => `const b${index} = ${values.runningSource(compiled.cells[index]!)};`)
}
