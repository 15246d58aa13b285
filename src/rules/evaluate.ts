/**
 * The interpreter of expressions: for paths that run rarely (late records, profile changes, cancel
 * conditions) and as the oracle of the generated code in emit.ts. Both have the same semantics.
 */

import type {
  ArithmeticOperator,
  CompareOperator,
  Expression,
  ListName,
  UsageColumn,
} from '../model/expression.ts'
import { fieldsNeeded } from './references.ts'

/**
 * Where an expression's values come from. Numbers are finite. `field` of an unset field is never
 * asked by `evaluateCondition`; `evaluateExpression` leaves it to the reader what to answer.
 */
export interface ExpressionReader {
  counter(counter: string, counterWindow: string, previous: number): number
  tag(tag: string): boolean
  list(list: ListName): boolean
  field(field: string): number
  has(field: string): boolean
  column(column: UsageColumn): number
  /** Days from a date or a time to the start of the selection; of segments only. */
  daysSince?(of: 'date' | 'time', value: number): number
}

/**
 * A whole condition: false while a field that it reads outside `has` is unset, else the node's
 * value.
 */
export function evaluateCondition(node: Expression, reader: ExpressionReader): boolean {
  for (const field of fieldsNeeded(node)) if (!reader.has(field)) return false
  return evaluateBoolean(node, reader)
}

/**
 * A numeric expression: NaN while a field that it reads outside `has` is unset. What it divides by
 * zero is not finite; whoever ranks by it counts that as 0.
 */
export function evaluateNumber(node: Expression, reader: ExpressionReader): number {
  for (const field of fieldsNeeded(node)) if (!reader.has(field)) return Number.NaN
  return numberOf(node, reader)
}

/** Value of a node: a boolean, or a double that may be infinite or NaN only outside comparisons. */
export function evaluateExpression(node: Expression, reader: ExpressionReader): number | boolean {
  switch (node.kind) {
    case 'number':
    case 'bool':
      return node.value
    case 'counter':
      return reader.counter(node.counter, node.counterWindow, node.previous)
    case 'tag':
      return reader.tag(node.tag)
    case 'list':
      return reader.list(node.list)
    case 'field':
      return reader.field(node.field)
    case 'has':
      return reader.has(node.field)
    case 'column':
      return reader.column(node.column)
    case 'not':
      return !evaluateBoolean(node.operand, reader)
    case 'and':
      return node.operands.every((operand) => evaluateBoolean(operand, reader))
    case 'or':
      return node.operands.some((operand) => evaluateBoolean(operand, reader))
    case 'compare':
      return compareNumbers(
        node.operator,
        numberOf(node.left, reader),
        numberOf(node.right, reader),
      )
    case 'arithmetic':
      return calculate(node.operator, numberOf(node.left, reader), numberOf(node.right, reader))
    case 'negate':
      return -numberOf(node.operand, reader)
    case 'days-since':
      return reader.daysSince?.(node.of, numberOf(node.operand, reader)) ?? Number.NaN
    case 'in':
      return node.values.includes(numberOf(node.operand, reader))
    case 'conditional':
      return evaluateBoolean(node.test, reader)
        ? evaluateExpression(node.consequent, reader)
        : evaluateExpression(node.alternate, reader)
  }
}

/** A comparison of two doubles: false when a side is not finite. */
export function compareNumbers(operator: CompareOperator, left: number, right: number): boolean {
  if (!Number.isFinite(left) || !Number.isFinite(right)) return false
  switch (operator) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '==':
      return left === right
    case '!=':
      return left !== right
  }
}

/** Arithmetic of doubles, as JavaScript does it; division by zero is infinite or NaN. */
export function calculate(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
  }
}

function evaluateBoolean(node: Expression, reader: ExpressionReader): boolean {
  return evaluateExpression(node, reader) === true
}

function numberOf(node: Expression, reader: ExpressionReader): number {
  return Number(evaluateExpression(node, reader))
}
