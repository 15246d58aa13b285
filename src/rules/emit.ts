/**
 * Expressions to JavaScript source. The source is made of operators, finite numbers and what the
 * binding returns for the leaves: no name and no text of a configuration ever reaches it.
 */

import { assert } from '../errors.ts'
import type { CompareOperator, Expression, ListName, UsageColumn } from '../model/expression.ts'
import { walkExpression } from '../model/expression.ts'
import { fieldsNeeded } from './references.ts'

/**
 * How leaves are written as JavaScript expressions. `counter`, `field` and `column` must give a
 * finite double, `tag`, `list` and `has` a boolean. The code may be evaluated several times: no
 * side effects.
 */
export interface ExpressionBinding {
  counter(counter: string, counterWindow: string, previous: number): string
  tag(tag: string): string
  list(list: ListName): string
  field(field: string): string
  has(field: string): string
  column(column: UsageColumn): string
  /** Days from a date or a time to the start of the selection; of segments only. */
  daysSince?(of: 'date' | 'time', value: string): string
}

/**
 * A whole condition as one JavaScript expression of type boolean: false while a field that it reads
 * outside `has` is unset.
 */
export function emitCondition(node: Expression, binding: ExpressionBinding): string {
  const guards = fieldsNeeded(node).map((field) => `(${binding.has(field)})`)
  return `(${[...guards, emitExpression(node, binding)].join(' && ')})`
}

/**
 * One node as a JavaScript expression in parentheses: bool nodes give booleans, number nodes
 * doubles.
 */
export function emitExpression(node: Expression, binding: ExpressionBinding): string {
  switch (node.kind) {
    case 'number':
      return emitNumber(node.value)
    case 'bool':
      return node.value ? 'true' : 'false'
    case 'counter':
      return `(${binding.counter(node.counter, node.counterWindow, node.previous)})`
    case 'tag':
      return `(${binding.tag(node.tag)})`
    case 'list':
      return `(${binding.list(node.list)})`
    case 'field':
      return `(${binding.field(node.field)})`
    case 'has':
      return `(${binding.has(node.field)})`
    case 'column':
      return `(${binding.column(node.column)})`
    case 'not':
      return `(!${emitExpression(node.operand, binding)})`
    case 'and':
    case 'or':
      return emitLogical(node, binding)
    case 'compare':
      return emitComparison(node, binding)
    case 'arithmetic': {
      const left = emitExpression(node.left, binding)
      return `(${left} ${node.operator} ${emitExpression(node.right, binding)})`
    }
    case 'negate':
      return `(-${emitExpression(node.operand, binding)})`
    case 'days-since':
      assert(binding.daysSince !== undefined, 'only segments count days')
      return `(${binding.daysSince(node.of, emitExpression(node.operand, binding))})`
    case 'in':
      return emitMembership(node, binding)
    case 'conditional': {
      const test = emitExpression(node.test, binding)
      const consequent = emitExpression(node.consequent, binding)
      return `(${test} ? ${consequent} : ${emitExpression(node.alternate, binding)})`
    }
  }
}

const COMPARE_SOURCE: Readonly<Record<CompareOperator, string>> = {
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '==': '===',
  '!=': '!==',
}

function emitNumber(value: number): string {
  assert(Number.isFinite(value), 'only finite numbers may reach generated code')
  const text = JSON.stringify(value)
  return value < 0 ? `(${text})` : text
}

function emitLogical(
  node: Extract<Expression, { kind: 'and' | 'or' }>,
  binding: ExpressionBinding,
): string {
  if (node.operands.length === 0) return node.kind === 'and' ? 'true' : 'false'
  const operands = node.operands.map((operand) => emitExpression(operand, binding))
  return `(${operands.join(node.kind === 'and' ? ' && ' : ' || ')})`
}

/**
 * A comparison with a side that is not finite is false. Most sides are finite by construction and
 * need no guard. A guarded side is written twice, unless it holds a conditional: nested ones would
 * double the source at every level, so there the sides are bound to names first.
 */
function emitComparison(
  node: Extract<Expression, { kind: 'compare' }>,
  binding: ExpressionBinding,
): string {
  const left = emitExpression(node.left, binding)
  const right = emitExpression(node.right, binding)
  const operator = COMPARE_SOURCE[node.operator]
  const isLeftFinite = Number.isFinite(magnitudeMax(node.left))
  const isRightFinite = Number.isFinite(magnitudeMax(node.right))
  if (isLeftFinite && isRightFinite) return `(${left} ${operator} ${right})`
  if (hasConditional(node)) {
    const body = `Number.isFinite(l) && Number.isFinite(r) && l ${operator} r`
    return `(((l, r) => ${body})(${left}, ${right}))`
  }
  const guards = [
    isLeftFinite ? '' : `Number.isFinite(${left}) && `,
    isRightFinite ? '' : `Number.isFinite(${right}) && `,
  ]
  return `(${guards.join('')}${left} ${operator} ${right})`
}

/**
 * `in` over few values is a chain of comparisons; NaN equals nothing and infinities are never
 * listed.
 */
function emitMembership(
  node: Extract<Expression, { kind: 'in' }>,
  binding: ExpressionBinding,
): string {
  const operand = emitExpression(node.operand, binding)
  const values = node.values.map(emitNumber)
  if (values.length === 0) return 'false'
  if (node.operand.kind !== 'column' && node.operand.kind !== 'field') {
    return `([${values.join(', ')}].includes(${operand}))`
  }
  if (values.length > CHAIN_MAX && node.operand.kind === 'column') {
    return emitSearch(operand, runsOf(node.values))
  }
  return `(${values.map((value) => `${operand} === ${value}`).join(' || ')})`
}

/** Comparisons in a row that one membership makes before it searches. */
const CHAIN_MAX = 8

/** Values that follow one another, as first and last of each run; ascending. */
function runsOf(values: readonly number[]): (readonly [number, number])[] {
  const runs: [number, number][] = []
  for (const value of [...values].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    // Between two values of a run lies none that a column of whole numbers could have.
    if (last !== undefined && Number.isInteger(last[1]) && value === last[1] + 1) last[1] = value
    else runs.push([value, value])
  }
  return runs
}

/** A search in halves: a group of a thousand apps takes ten comparisons, not a thousand. */
function emitSearch(operand: string, runs: readonly (readonly [number, number])[]): string {
  if (runs.length > 2) {
    const middle = runs.length >>> 1
    const low = emitSearch(operand, runs.slice(0, middle))
    const high = emitSearch(operand, runs.slice(middle))
    return `(${operand} < ${emitNumber(runs[middle]![0])} ? ${low} : ${high})`
  }
  const tests = runs.map(([first, last]) =>
    first === last
      ? `${operand} === ${emitNumber(first)}`
      : `${operand} >= ${emitNumber(first)} && ${operand} <= ${emitNumber(last)}`,
  )
  return `(${tests.join(' || ')})`
}

/** Larger than any counter that usage of whole bytes up to 2^53 can reach. */
const COUNTER_MAX = 1e30

/** Upper bound of a number node's absolute value; infinite when it may not be finite. */
function magnitudeMax(node: Expression): number {
  switch (node.kind) {
    case 'number':
      return Math.abs(node.value)
    case 'counter':
    case 'column':
      return COUNTER_MAX
    case 'field':
      return Number.MAX_VALUE
    case 'days-since':
      return Number.POSITIVE_INFINITY
    case 'negate':
      return magnitudeMax(node.operand)
    case 'conditional':
      return Math.max(magnitudeMax(node.consequent), magnitudeMax(node.alternate))
    case 'arithmetic':
      return arithmeticMax(node)
    default:
      return 1
  }
}

function arithmeticMax(node: Extract<Expression, { kind: 'arithmetic' }>): number {
  const left = magnitudeMax(node.left)
  const right = magnitudeMax(node.right)
  if (node.operator === '+' || node.operator === '-') return left + right
  if (!Number.isFinite(left) || !Number.isFinite(right)) return Number.POSITIVE_INFINITY
  if (node.operator === '*') return left * right
  const isDivisorSafe = node.right.kind === 'number' && node.right.value !== 0
  if (!isDivisorSafe) return Number.POSITIVE_INFINITY
  return node.operator === '/' ? left / right : Math.min(left, right)
}

function hasConditional(node: Expression): boolean {
  let isFound = false
  walkExpression(node, (below) => {
    isFound ||= below.kind === 'conditional'
  })
  return isFound
}
