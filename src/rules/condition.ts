/**
 * CEL conditions to the closed typed tree: every name resolved, every word replaced by its code,
 * every number a double. Reports all mistakes of a condition at once, each at its place.
 */

import type { ASTNode } from '@marcbachmann/cel-js'
import type {
  ArithmeticOperator,
  CalendarUnit,
  CompareOperator,
  Expression,
} from '../model/expression.ts'
import { parseDayNumber, parseSize } from '../model/quantity.ts'
import { CONDITION_DEPTH_MAX, parseCel, type ReportAt } from './cel-text.ts'
import { type ConditionPurpose, LeafResolver } from './condition-leaves.ts'
import { describeType, type Typed } from './condition-types.ts'
import { HOURS, isNoHour, WordResolver } from './condition-words.ts'
import {
  depthOf,
  makeArithmetic,
  makeBool,
  makeBoolEqual,
  makeCompare,
  makeConditional,
  makeIn,
  makeLogical,
  makeNegate,
  makeNot,
  makeNumber,
} from './fold.ts'
import type { NameTable } from './names.ts'
import { isExactNumber } from './scalar-shapes.ts'

/** A compiled condition and what its text reads, constants included that folding removed. */
export interface CompiledCondition {
  readonly expression: Expression
  /** Whether the text reads a counter, tag, field or list at all. */
  readonly isReading: boolean
  /** Calendar units of the counter windows that the text reads. */
  readonly calendarUnits: ReadonlySet<CalendarUnit>
}

/**
 * Compiles the text of a condition to a boolean, that of a `value` or `score` to a number. Null
 * after reporting at least one problem, or when it uses names that are known to be broken.
 */
export function compileCondition(
  text: string,
  purpose: ConditionPurpose,
  names: NameTable,
  report: ReportAt,
): CompiledCondition | null {
  const root = parseCel(text, report)
  if (root === null) return null
  const compiler = new ConditionCompiler(text, purpose, names, report)
  const result = compiler.compile(root)
  if (result.type === 'broken') return null
  const wanted = purpose === 'value' || purpose === 'score' ? 'number' : 'bool'
  if (result.type !== wanted) {
    const found = describeType(result)
    const [message, hint] =
      wanted === 'number'
        ? [`a ${purpose} must be a number; this is ${found}`, 'like tags.seed ? 10 : 1']
        : [
            `a condition must be true or false; this is ${found}`,
            'compare it, like data.day >= 500 * KiB',
          ]
    report(root.start, 'condition-type', message, hint)
    return null
  }
  if (depthOf(result.node) > CONDITION_DEPTH_MAX) {
    const message = `the condition is nested deeper than ${CONDITION_DEPTH_MAX} levels`
    report(root.start, 'condition-too-large', message)
    return null
  }
  const { isReading, calendarUnits } = compiler.leaves
  return { expression: result.node, isReading, calendarUnits }
}

/** A value that a message can show. */
export type ShownValue =
  | { readonly type: 'number' | 'date'; readonly node: Expression }
  | Extract<Typed, { type: 'enum' }>

/**
 * Compiles the expression of a message's value: a number, a date or a word of an enum field. Null
 * after reporting at least one problem, or when it uses names that are known to be broken.
 */
export function compileValue(text: string, names: NameTable, report: ReportAt): ShownValue | null {
  const root = parseCel(text, report)
  if (root === null) return null
  const typed = new ConditionCompiler(text, 'message', names, report).compile(root)
  if (isShown(typed)) {
    if (depthOf(typed.node) <= CONDITION_DEPTH_MAX) return typed
    const message = `the value is nested deeper than ${CONDITION_DEPTH_MAX} levels`
    report(root.start, 'condition-too-large', message)
  } else if (typed.type !== 'broken') {
    const message = `a message shows numbers, dates and words; this is ${describeType(typed)}`
    report(root.start, 'condition-type', message, 'like {fields.plan} or {data.day | MiB}')
  }
  return null
}

function isShown(typed: Typed): typed is ShownValue {
  return typed.type === 'number' || typed.type === 'date' || typed.type === 'enum'
}

const BROKEN: Typed = { type: 'broken' }

type DictionaryTyped = Extract<Typed, { type: 'enum' | 'code' }>

function isDictionary(typed: Typed): typed is DictionaryTyped {
  return typed.type === 'enum' || typed.type === 'code'
}

class ConditionCompiler {
  readonly leaves: LeafResolver
  readonly #text: string
  readonly #words: WordResolver
  readonly #report: ReportAt

  constructor(text: string, purpose: ConditionPurpose, names: NameTable, report: ReportAt) {
    this.#text = text
    this.#words = new WordResolver(names, {
      refuse: (place, code, message, hint) => this.#refuse(place, code, message, hint),
      mismatch: (place, found, wanted) => this.#mismatch(place, found, wanted),
    })
    this.#report = report
    this.leaves = new LeafResolver(purpose, names, report)
  }

  compile(node: ASTNode): Typed {
    switch (node.op) {
      case 'value':
        return this.#literal(node, node.args)
      case 'id':
        return this.leaves.identifier(node, node.args)
      case '.':
        return this.leaves.member(node, node.args[0], node.args[1])
      case 'call':
        return this.leaves.call(node, node.args[0], node.args[1], (part) => this.compile(part))
      case '&&':
      case '||':
        return this.#logical(node.op === '&&' ? 'and' : 'or', node.args)
      case '!_':
        return this.#not(node.args)
      case '-_':
        return this.#negate(node.args)
      case '?:':
        return this.#conditional(node.args)
      case 'in':
        return this.#membership(node.args[0], node.args[1])
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return this.#arithmetic(node.op, node.args[0], node.args[1])
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#comparison(node.op, node.args[0], node.args[1])
      default:
        return this.#unsupported(node)
    }
  }

  #unsupported(node: ASTNode): Typed {
    if (node.op === 'rcall') {
      const name = node.args[0]
      const why =
        name === 'matches'
          ? 'regular expressions are not possible in conditions'
          : `"${name}" is not possible in conditions: no methods and no macros`
      return this.#refuse(node, 'unknown-function', why, 'compare values, or use a tag')
    }
    const message = 'lists stand only right of "in"; maps and indexes are not possible'
    return this.#refuse(node, 'condition-syntax', message)
  }

  #literal(node: ASTNode, value: unknown): Typed {
    if (typeof value === 'boolean') return { type: 'bool', node: makeBool(value) }
    if (typeof value === 'string') return { type: 'text', value }
    if (typeof value !== 'bigint' && typeof value !== 'number') {
      return this.#refuse(
        node,
        'condition-type',
        'only numbers, texts, true and false are possible',
      )
    }
    const number = Number(value)
    if (!isExactNumber(number)) {
      return this.#refuse(node, 'out-of-range', 'the number is too large to be exact')
    }
    return { type: 'number', node: makeNumber(number) }
  }

  #logical(kind: 'and' | 'or', sides: readonly ASTNode[]): Typed {
    const nodes = sides.map((side) => this.#bool(side, kind === 'and' ? '&&' : '||'))
    const known = nodes.filter((node) => node !== null)
    return known.length < nodes.length ? BROKEN : { type: 'bool', node: makeLogical(kind, known) }
  }

  #not(operand: ASTNode): Typed {
    const node = this.#bool(operand, '!')
    return node === null ? BROKEN : { type: 'bool', node: makeNot(node) }
  }

  #negate(operand: ASTNode): Typed {
    const typed = this.compile(operand)
    if (typed.type === 'broken') return BROKEN
    if (typed.type === 'number') return { type: 'number', node: makeNegate(typed.node) }
    return this.#mismatch(operand, typed, '"-" needs a number')
  }

  #conditional(args: readonly [ASTNode, ASTNode, ASTNode]): Typed {
    const test = this.#bool(args[0], '?')
    const consequent = this.compile(args[1])
    const alternate = this.compile(args[2])
    if (test === null || consequent.type === 'broken' || alternate.type === 'broken') return BROKEN
    const { type } = consequent
    if (type !== 'number' && type !== 'bool' && type !== 'date') {
      return this.#mismatch(args[1], consequent, '"? :" chooses between numbers or conditions')
    }
    if (alternate.type !== type) {
      const wanted = `both sides of ":" must be alike: the first is ${describeType(consequent)}`
      return this.#mismatch(args[2], alternate, wanted)
    }
    return { type, node: makeConditional(test, consequent.node, alternate.node) }
  }

  #arithmetic(operator: ArithmeticOperator, left: ASTNode, right: ASTNode): Typed {
    const a = this.compile(left)
    const b = this.compile(right)
    if (a.type === 'broken' || b.type === 'broken') return BROKEN
    const type = arithmeticType(operator, a, b)
    if (type === null || !('node' in a) || !('node' in b)) {
      const [place, culprit] = a.type === 'number' || a.type === 'date' ? [right, b] : [left, a]
      return this.#mismatch(place, culprit, `"${operator}" needs numbers`)
    }
    const node = makeArithmetic(operator, a.node, b.node)
    if (node !== null) return { type, node }
    const isZero = b.node.kind === 'number' && b.node.value === 0
    const message = isZero ? 'this divides by zero' : 'the result is too large'
    return this.#refuse(right, 'out-of-range', message)
  }

  #comparison(operator: CompareOperator, left: ASTNode, right: ASTNode): Typed {
    const a = this.compile(left)
    const b = this.compile(right)
    if (a.type === 'broken' || b.type === 'broken') return BROKEN
    const isEquality = operator === '==' || operator === '!='
    if (a.type === 'bool' && b.type === 'bool' && isEquality) {
      const equal = makeBoolEqual(a.node, b.node)
      return { type: 'bool', node: operator === '==' ? equal : makeNot(equal) }
    }
    if (isDictionary(a)) return this.#codeComparison(operator, a, left, b, right)
    if (isDictionary(b)) return this.#codeComparison(operator, b, right, a, left)
    if ((a.type === 'number' || a.type === 'date') && a.type === b.type) {
      if (isNoHour(a.node, b.node, operator)) return this.#refuse(right, 'out-of-range', HOURS)
      if (isNoHour(b.node, a.node, operator)) return this.#refuse(left, 'out-of-range', HOURS)
      return { type: 'bool', node: makeCompare(operator, a.node, b.node) }
    }
    const [place, culprit, other] =
      a.type === 'number' || a.type === 'date' ? [right, b, a] : [left, a, b]
    const wanted = `"${operator}" cannot compare this with ${describeType(other)}`
    return this.#mismatch(place, culprit, wanted)
  }

  #codeComparison(
    operator: CompareOperator,
    dictionary: DictionaryTyped,
    dictionaryPlace: ASTNode,
    value: Typed,
    valuePlace: ASTNode,
  ): Typed {
    if (operator !== '==' && operator !== '!=') {
      return this.#mismatch(dictionaryPlace, dictionary, `"${operator}" needs numbers`)
    }
    const code = this.#codeOf(dictionary, value, valuePlace)
    if (code === null) return BROKEN
    return { type: 'bool', node: makeCompare(operator, dictionary.node, makeNumber(code)) }
  }

  #membership(left: ASTNode, right: ASTNode): Typed {
    const operand = this.compile(left)
    if (right.op === 'id' && operand.type === 'code') {
      const codes = this.#words.groupCodes(operand.column, right.args, right)
      return codes === null ? BROKEN : { type: 'bool', node: makeIn(operand.node, codes) }
    }
    if (right.op !== 'list') {
      return this.#refuse(right, 'condition-syntax', '"in" needs a list, like [1, 2]')
    }
    if (right.args.length === 0) {
      return this.#refuse(right, 'condition-syntax', 'the list is empty: nothing is in it')
    }
    if (operand.type === 'broken') return BROKEN
    if (operand.type === 'bool' || operand.type === 'text' || operand.type === 'word') {
      return this.#mismatch(left, operand, '"in" needs a number, a date, a word field or a code')
    }
    const values = right.args.flatMap((item) => this.#listValues(operand, item))
    const known = values.filter((value) => value !== null)
    if (known.length < values.length) return BROKEN
    return { type: 'bool', node: makeIn(operand.node, known) }
  }

  /** The constants behind one item of an `in` list: a group has several; null after reporting. */
  #listValues(operand: Typed, item: ASTNode): readonly (number | null)[] {
    if (item.op === 'id' && operand.type === 'code') {
      const codes = this.#words.knownGroup(operand.column, item.args)
      if (codes !== undefined) return codes ?? [null]
    }
    return [this.#listValue(operand, item)]
  }

  #listValue(operand: Typed, item: ASTNode): number | null {
    const typed = this.compile(item)
    if (typed.type === 'broken') return null
    if (isDictionary(operand)) return this.#codeOf(operand, typed, item)
    if (typed.type === operand.type && 'node' in typed && typed.node.kind === 'number') {
      if (!('node' in operand) || !isNoHour(operand.node, typed.node, '==')) return typed.node.value
      this.#refuse(item, 'out-of-range', HOURS)
      return null
    }
    const message = `a constant is expected, ${describeType(operand)} like the left side`
    this.#refuse(item, 'condition-type', message)
    return null
  }

  /** The code of a word of an enum field or of a usage column, or null after reporting. */
  #codeOf(dictionary: DictionaryTyped, value: Typed, place: ASTNode): number | null {
    if (value.type === 'broken') return null
    if (dictionary.type === 'enum') return this.#words.enumCode(dictionary.field, value, place)
    return this.#words.columnCode(dictionary.column, value, place)
  }

  #bool(node: ASTNode, operator: string): Expression | null {
    const typed = this.compile(node)
    if (typed.type === 'bool') return typed.node
    if (typed.type !== 'broken') this.#mismatch(node, typed, `"${operator}" needs true or false`)
    return null
  }

  #mismatch(place: ASTNode, found: Typed, wanted: string): Typed {
    if (found.type === 'broken') return BROKEN
    if (found.type === 'word') return this.leaves.unknownName(place, found.word)
    const isSize = found.type === 'text' && parseSize(found.value) !== null
    const isDate = found.type === 'text' && parseDayNumber(found.value) !== null
    const hint = isSize
      ? `write ${found.value.replace(/^([\d.]+) ?/, '$1 * ')}`
      : isDate
        ? `write date("${found.value}")`
        : undefined
    const text = this.#text.slice(place.start, place.end).slice(0, 80)
    return this.#refuse(
      place,
      'condition-type',
      `${wanted}; ${text} is ${describeType(found)}`,
      hint,
    )
  }

  #refuse(place: ASTNode, code: string, message: string, suggestion?: string): Typed {
    this.#report(place.start, code, message, suggestion)
    return BROKEN
  }
}

/**
 * Type of a sum, product and so on; null when the sides do not fit. Dates may be moved and
 * subtracted.
 */
function arithmeticType(
  operator: ArithmeticOperator,
  a: Typed,
  b: Typed,
): 'number' | 'date' | null {
  if (a.type === 'number' && b.type === 'number') return 'number'
  if (a.type === 'date' && b.type === 'date' && operator === '-') return 'number'
  if (a.type === 'date' && b.type === 'number' && (operator === '+' || operator === '-')) {
    return 'date'
  }
  return a.type === 'number' && b.type === 'date' && operator === '+' ? 'date' : null
}
