/** Expressions back to text, as a person would write them; for explanations. */

import type { FieldSpec } from '../model/catalog.ts'
import type { Expression } from '../model/expression.ts'
import { tagInConditions } from '../model/segment.ts'

/** Words by which codes are known. */
export interface PrintWords {
  readonly fields: readonly FieldSpec[]
}

/** How tightly a node binds: what is inside something tighter stands in parentheses. */
const BINDING = { conditional: 0, or: 1, and: 2, compare: 3, sum: 4, product: 5, unary: 6, leaf: 7 }

/** The expression's text: codes of enum fields as their words, dates as dates. */
export function printExpression(node: Expression, words: PrintWords): string {
  return print(node, words, 0)
}

/** The parts that must all hold: the operands of an `and`, or the condition itself. */
export function clausesOf(node: Expression): readonly Expression[] {
  return node.kind === 'and' ? node.operands.flatMap((operand) => clausesOf(operand)) : [node]
}

function print(node: Expression, words: PrintWords, outer: number): string {
  const { text, binding } = parts(node, words)
  return binding < outer ? `(${text})` : text
}

function parts(node: Expression, words: PrintWords): { text: string; binding: number } {
  const inner = (child: Expression, binding: number): string => print(child, words, binding)
  const leaf = (text: string) => ({ text, binding: BINDING.leaf })
  switch (node.kind) {
    case 'number':
      return leaf(String(node.value))
    case 'bool':
      return leaf(String(node.value))
    case 'counter':
      return leaf(printCounter(node))
    case 'tag':
      return leaf(tagInConditions(node.tag))
    case 'list':
      return leaf(`lists.${node.list}`)
    case 'field':
      return leaf(`fields.${node.field}`)
    case 'has':
      return leaf(`has(fields.${node.field})`)
    case 'column':
      return leaf(node.column)
    case 'days-since':
      return leaf(`daysSince(${inner(node.operand, 0)})`)
    case 'not':
      return { text: `!${inner(node.operand, BINDING.unary)}`, binding: BINDING.unary }
    case 'negate':
      return { text: `-${inner(node.operand, BINDING.unary)}`, binding: BINDING.unary }
    case 'and':
    case 'or': {
      const binding = BINDING[node.kind]
      const sign = node.kind === 'and' ? ' && ' : ' || '
      return { text: node.operands.map((each) => inner(each, binding + 1)).join(sign), binding }
    }
    case 'compare': {
      // A field that is true or false reads as itself; it is kept, and compared, as 0 or 1.
      if (isFlag(node.left, words)) return leaf(print(node.left, words, 0))
      const [left, right] = sides(node.left, node.right, words)
      return { text: `${left} ${node.operator} ${right}`, binding: BINDING.compare }
    }
    case 'arithmetic': {
      const binding = '+-'.includes(node.operator) ? BINDING.sum : BINDING.product
      const text = `${inner(node.left, binding)} ${node.operator} ${inner(node.right, binding + 1)}`
      return { text, binding }
    }
    case 'in': {
      const values = node.values.map((value) => wordOf(node.operand, value, words))
      const text = `${inner(node.operand, BINDING.sum)} in [${values.join(', ')}]`
      return { text, binding: BINDING.compare }
    }
    case 'conditional': {
      const [test, yes, no] = [node.test, node.consequent, node.alternate]
      const text = `${inner(test, 1)} ? ${inner(yes, 1)} : ${inner(no, 0)}`
      return { text, binding: BINDING.conditional }
    }
  }
}

/** `data.day`, `previous(ott.month)`, `previous(ott.month, 2)`. */
export function printCounter(node: Expression & { kind: 'counter' }): string {
  const name = `${node.counter}.${node.counterWindow}`
  if (node.previous === 0) return name
  return node.previous === 1 ? `previous(${name})` : `previous(${name}, ${node.previous})`
}

/** Both sides of a comparison; a number beside a field reads as the field's word or date. */
function sides(left: Expression, right: Expression, words: PrintWords): [string, string] {
  const one = (side: Expression, other: Expression): string =>
    side.kind === 'number' ? wordOf(other, side.value, words) : print(side, words, BINDING.sum)
  return [one(left, right), one(right, left)]
}

function isFlag(node: Expression, { fields }: PrintWords): boolean {
  if (node.kind !== 'field') return false
  return fields.some(({ name, type }) => name === node.field && type === 'bool')
}

function wordOf(beside: Expression, value: number, { fields }: PrintWords): string {
  const spec =
    beside.kind === 'field' ? fields.find(({ name }) => name === beside.field) : undefined
  if (spec?.type === 'enum') return JSON.stringify(spec.words[value] ?? value)
  if (spec?.type === 'date') {
    return `date("${new Date(value * 86_400_000).toISOString().slice(0, 10)}")`
  }
  return String(value)
}
