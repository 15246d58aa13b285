/**
 * What must hold for a condition to be true, as far as it can be told without judging it: bounds on
 * single counters and fields, and parts that no usage record changes. The update pass sets whole
 * groups of conditions aside by them (partition/condition-blocks.ts), and the layout puts latches
 * of conditions side by side that are set aside together.
 */

import type { CompareOperator, Expression } from './expression.ts'
import { walkExpression } from './expression.ts'

/** A counter or a field: never NaN, never infinite. */
export type BoundedValue = Extract<Expression, { kind: 'counter' | 'field' }>

/** The condition can only be true while `from <= value < to`; one of them may be infinite. */
export interface Bound {
  readonly value: BoundedValue
  readonly from: number
  readonly to: number
}

/** Necessary parts of a condition. */
export interface NecessaryParts {
  /** One per value at most, by `valueKey`. */
  readonly bounds: ReadonlyMap<string, Bound>
  /** Parts over tags, lists and fields. */
  readonly guards: readonly Expression[]
  /** Whether these are all: then the condition is true if they hold. */
  readonly isWhole: boolean
}

/** Tells bounded values apart. */
export function valueKey(value: BoundedValue): string {
  if (value.kind === 'field') return JSON.stringify([value.field])
  return JSON.stringify([value.counter, value.counterWindow, value.previous])
}

/** The least double above a finite one. */
export function nextDouble(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  DOUBLE[0] = value
  BITS[0] = BITS[0]! + (value > 0 ? 1n : -1n)
  return DOUBLE[0]
}

const DOUBLE = new Float64Array(1)
const BITS = new BigInt64Array(DOUBLE.buffer)

const NOTHING: NecessaryParts = { bounds: new Map(), guards: [], isWhole: false }

/** Finds the necessary parts of a condition. Of what it cannot take apart it says nothing. */
export function necessaryParts(condition: Expression): NecessaryParts {
  const bound = boundOf(condition)
  if (bound !== null) {
    return { bounds: new Map([[valueKey(bound.value), bound]]), guards: [], isWhole: true }
  }
  if (condition.kind === 'and') return allOf(condition.operands.map(necessaryParts))
  if (!readsCounter(condition)) return { bounds: new Map(), guards: [condition], isWhole: true }
  if (condition.kind === 'or') return anyOf(condition.operands.map(necessaryParts))
  return NOTHING
}

function allOf(sides: readonly NecessaryParts[]): NecessaryParts {
  const bounds = new Map<string, Bound>()
  for (const side of sides) {
    for (const [key, { value, from, to }] of side.bounds) {
      const known = bounds.get(key) ?? { from, to }
      const both = { value, from: Math.max(from, known.from), to: Math.min(to, known.to) }
      bounds.set(key, both)
    }
  }
  const guards = sides.flatMap((side) => side.guards)
  return { bounds, guards, isWhole: sides.every(({ isWhole }) => isWhole) }
}

/** What each side bounds is bounded by all of them together. */
function anyOf(sides: readonly NecessaryParts[]): NecessaryParts {
  const bounds = new Map<string, Bound>()
  for (const [key, { value }] of sides[0]!.bounds) {
    const each = sides.flatMap((side) => side.bounds.get(key) ?? [])
    if (each.length < sides.length) continue
    const from = Math.min(...each.map((bound) => bound.from))
    const to = Math.max(...each.map((bound) => bound.to))
    if (Number.isFinite(from) || Number.isFinite(to)) bounds.set(key, { value, from, to })
  }
  return { bounds, guards: [], isWhole: false }
}

/** A comparison of a value with a number, as the bound that it is. */
function boundOf(node: Expression): Bound | null {
  if (node.kind !== 'compare') return null
  const { left, right, operator } = node
  if (isBoundedValue(left) && right.kind === 'number') return makeBound(left, operator, right.value)
  if (isBoundedValue(right) && left.kind === 'number') {
    return makeBound(right, MIRRORED[operator], left.value)
  }
  return null
}

const MIRRORED: Readonly<Record<CompareOperator, CompareOperator>> = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  '==': '==',
  '!=': '!=',
}

function makeBound(value: BoundedValue, operator: CompareOperator, line: number): Bound | null {
  switch (operator) {
    case '>=':
      return { value, from: line, to: Number.POSITIVE_INFINITY }
    case '>':
      return line < Number.MAX_VALUE
        ? { value, from: nextDouble(line), to: Number.POSITIVE_INFINITY }
        : null
    case '<':
      return { value, from: Number.NEGATIVE_INFINITY, to: line }
    case '<=':
      return line < Number.MAX_VALUE
        ? { value, from: Number.NEGATIVE_INFINITY, to: nextDouble(line) }
        : null
    case '==':
      return { value, from: line, to: nextDouble(line) }
    case '!=':
      return null
  }
}

function isBoundedValue(node: Expression): node is BoundedValue {
  return node.kind === 'counter' || node.kind === 'field'
}

function readsCounter(condition: Expression): boolean {
  let isFound = false
  walkExpression(condition, (node) => {
    isFound ||= node.kind === 'counter'
  })
  return isFound
}
