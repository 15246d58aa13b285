/**
 * Makers of expression nodes that fold constants as they go, so that a parameter costs nothing at
 * run time and a rewording that means the same gives the same tree.
 */

import type { ArithmeticOperator, CompareOperator, Expression } from '../model/expression.ts'
import { calculate, compareNumbers } from './evaluate.ts'

/** A number literal; the value must be finite. */
export function makeNumber(value: number): Expression {
  // -0 and 0 compare equal everywhere; one of them keeps identities stable.
  return Object.freeze({ kind: 'number', value: value === 0 ? 0 : value })
}

/** A boolean literal. */
export function makeBool(value: boolean): Expression {
  return Object.freeze({ kind: 'bool', value })
}

/**
 * Negation; of a literal, folded; of a negation, undone. A comparison is not inverted: NaN would
 * change it.
 */
export function makeNot(operand: Expression): Expression {
  if (operand.kind === 'bool') return makeBool(!operand.value)
  if (operand.kind === 'not') return operand.operand
  return Object.freeze({ kind: 'not', operand })
}

/** A flat conjunction or disjunction without literals in it. */
export function makeLogical(kind: 'and' | 'or', sides: readonly Expression[]): Expression {
  const deciding = kind === 'or'
  const operands: Expression[] = []
  for (const side of sides) {
    for (const operand of side.kind === kind ? side.operands : [side]) {
      if (operand.kind !== 'bool') operands.push(operand)
      else if (operand.value === deciding) return makeBool(deciding)
    }
  }
  if (operands.length === 0) return makeBool(!deciding)
  return operands.length === 1
    ? operands[0]!
    : Object.freeze({ kind, operands: Object.freeze(operands) })
}

/** A comparison of numbers. */
export function makeCompare(
  operator: CompareOperator,
  left: Expression,
  right: Expression,
): Expression {
  if (left.kind === 'number' && right.kind === 'number') {
    return makeBool(compareNumbers(operator, left.value, right.value))
  }
  return Object.freeze({ kind: 'compare', operator, left, right })
}

/** Whether two booleans are equal, without evaluating a comparison of booleans. */
export function makeBoolEqual(left: Expression, right: Expression): Expression {
  if (left.kind === 'bool') return left.value ? right : makeNot(right)
  if (right.kind === 'bool') return right.value ? left : makeNot(left)
  return makeConditional(left, right, makeNot(right))
}

/**
 * Arithmetic; null when the result of literals is not finite, or a division by a literal zero is
 * certain.
 */
export function makeArithmetic(
  operator: ArithmeticOperator,
  left: Expression,
  right: Expression,
): Expression | null {
  const isDivision = operator === '/' || operator === '%'
  if (isDivision && right.kind === 'number' && right.value === 0) return null
  if (left.kind === 'number' && right.kind === 'number') {
    const value = calculate(operator, left.value, right.value)
    return Number.isFinite(value) ? makeNumber(value) : null
  }
  return Object.freeze({ kind: 'arithmetic', operator, left, right })
}

/** The negative of a number. */
export function makeNegate(operand: Expression): Expression {
  if (operand.kind === 'number') return makeNumber(-operand.value)
  if (operand.kind === 'negate') return operand.operand
  return Object.freeze({ kind: 'negate', operand })
}

/** Membership; values are sorted and unique, so that their order in the text does not matter. */
export function makeIn(operand: Expression, values: readonly number[]): Expression {
  const sorted = [...new Set(values)].sort((a, b) => a - b)
  if (operand.kind === 'number') return makeBool(sorted.includes(operand.value))
  return Object.freeze({ kind: 'in', operand, values: Object.freeze(sorted) })
}

/** A choice between two nodes of the same type. */
export function makeConditional(
  test: Expression,
  consequent: Expression,
  alternate: Expression,
): Expression {
  if (test.kind === 'bool') return test.value ? consequent : alternate
  return Object.freeze({ kind: 'conditional', test, consequent, alternate })
}

/** Levels of an expression, 1 for a leaf. */
export function depthOf(node: Expression): number {
  switch (node.kind) {
    case 'not':
    case 'negate':
    case 'days-since':
    case 'in':
      return 1 + depthOf(node.operand)
    case 'and':
    case 'or':
      return 1 + Math.max(...node.operands.map(depthOf))
    case 'compare':
    case 'arithmetic':
      return 1 + Math.max(depthOf(node.left), depthOf(node.right))
    case 'conditional':
      return 1 + Math.max(depthOf(node.test), depthOf(node.consequent), depthOf(node.alternate))
    default:
      return 1
  }
}
