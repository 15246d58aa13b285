import { describe, expect, test } from 'vitest'
import type { Expression } from '../../../src/model/expression.ts'
import { emitCondition, emitExpression, type ExpressionBinding } from '../../../src/rules/emit.ts'
import {
  evaluateCondition,
  evaluateExpression,
  type ExpressionReader,
} from '../../../src/rules/evaluate.ts'
import { fieldsNeeded, referencesOf } from '../../../src/rules/references.ts'

const SEED = 20_261_101

const number = (value: number): Expression => ({ kind: 'number', value })
const counter = (name: string): Expression => ({
  kind: 'counter',
  counter: name,
  counterWindow: 'day',
  previous: 0,
})
const field = (name: string): Expression => ({ kind: 'field', field: name })
const compare = (
  operator: Extract<Expression, { kind: 'compare' }>['operator'],
  left: Expression,
  right: Expression,
): Expression => ({ kind: 'compare', operator, left, right })
const divide = (left: Expression, right: Expression): Expression => ({
  kind: 'arithmetic',
  operator: '/',
  left,
  right,
})

/** Values under the names that the tests read; a field that is absent is unset. */
interface Values {
  readonly numbers: Readonly<Record<string, number>>
  readonly truths: Readonly<Record<string, boolean>>
}

const readerOf = ({ numbers, truths }: Values): ExpressionReader => ({
  counter: (name, key, previous) => numbers[`${name}.${key}.${previous}`] ?? 0,
  tag: (name) => truths[name] ?? false,
  list: (name) => truths[name] ?? false,
  field: (name) => numbers[name] ?? 0,
  has: (name) => Object.hasOwn(numbers, name),
  column: (name) => numbers[name] ?? 0,
})

const binding: ExpressionBinding = {
  counter: (name, key, previous) => `v.counter('${name}', '${key}', ${previous})`,
  tag: (name) => `v.tag('${name}')`,
  list: (name) => `v.list('${name}')`,
  field: (name) => `v.field('${name}')`,
  has: (name) => `v.has('${name}')`,
  column: (name) => `v.column('${name}')`,
}

const run = (source: string, values: Values): unknown =>
  new Function('v', `return ${source}`)(readerOf(values))

const none: Values = { numbers: {}, truths: {} }

describe('generated code and interpreter agree', () => {
  test('on random conditions over random values', () => {
    const random = randomFrom(SEED)
    let trueCount = 0
    for (let round = 0; round < 1500; round++) {
      const node = randomBool(random, 5)
      const source = emitCondition(node, binding)
      for (let i = 0; i < 3; i++) {
        const values = randomValues(random)
        const expected = evaluateCondition(node, readerOf(values))
        const context = `seed ${SEED}, round ${round}: ${source} with ${JSON.stringify(values)}`
        expect(run(source, values), context).toBe(expected)
        if (expected) trueCount++
      }
    }
    // Both outcomes must be common, or the agreement says little.
    expect(trueCount).toBeGreaterThan(450)
    expect(trueCount).toBeLessThan(4050)
  })

  test('on random numbers, infinite and NaN included', () => {
    const random = randomFrom(SEED + 1)
    for (let round = 0; round < 1000; round++) {
      const node = randomNumber(random, 4)
      const values = randomValues(random)
      const expected = evaluateExpression(node, readerOf(values))
      const actual = run(emitExpression(node, binding), values)
      // 0 and -0 are one value to every comparison.
      expect(Number(actual) + 0).toBe(Number(expected) + 0)
    }
  })
})

describe('a comparison', () => {
  const ratio = divide(counter('a'), counter('b'))

  test.each(['<', '<=', '>', '>=', '==', '!='] as const)(
    'with %s is false when a side is divided by zero',
    (operator) => {
      for (const numbers of [{ 'a.day.0': 1 }, {}, { 'a.day.0': -1 }]) {
        for (const node of [compare(operator, ratio, number(5)), compare(operator, ratio, ratio)]) {
          expect(run(emitExpression(node, binding), { numbers, truths: {} })).toBe(false)
          expect(evaluateExpression(node, readerOf({ numbers, truths: {} }))).toBe(false)
        }
      }
    },
  )

  test('of counters and numbers needs no guard', () => {
    const node = compare('>=', counter('a'), number(512_000))
    expect(emitExpression(node, binding)).toBe("((v.counter('a', 'day', 0)) >= 512000)")
  })

  test('of a division by a literal needs no guard', () => {
    const node = compare('>', divide(counter('a'), number(3)), number(1))
    expect(emitExpression(node, binding)).not.toContain('isFinite')
  })

  test('of a product that overflows is false', () => {
    const big = { numbers: { x: 1e308 }, truths: {} }
    const product: Expression = {
      kind: 'arithmetic',
      operator: '*',
      left: field('x'),
      right: field('x'),
    }
    for (const operator of ['>', '!='] as const) {
      const node = compare(operator, product, number(1))
      expect(run(emitExpression(node, binding), big)).toBe(false)
      expect(evaluateExpression(node, readerOf(big))).toBe(false)
    }
  })

  test('of nested conditionals that may be infinite gives source of bounded length', () => {
    let node: Expression = divide(counter('a'), counter('b'))
    for (let i = 0; i < 14; i++) {
      const test = compare('>', node, number(i))
      node = { kind: 'conditional', test, consequent: ratio, alternate: number(i) }
    }
    expect(emitExpression(compare('>', node, number(1)), binding).length).toBeLessThan(10_000)
  })
})

describe('a field that is not set', () => {
  const node: Expression = {
    kind: 'or',
    operands: [{ kind: 'tag', tag: 'vip' }, compare('==', field('plan'), number(0))],
  }

  test('makes the whole condition false, also beside an "or" that holds', () => {
    const values = { numbers: {}, truths: { vip: true } }
    expect(run(emitCondition(node, binding), values)).toBe(false)
    expect(evaluateCondition(node, readerOf(values))).toBe(false)
    const set = { numbers: { plan: 3 }, truths: { vip: true } }
    expect(run(emitCondition(node, binding), set)).toBe(true)
    expect(evaluateCondition(node, readerOf(set))).toBe(true)
  })

  test('may be asked for with has', () => {
    const absent: Expression = { kind: 'not', operand: { kind: 'has', field: 'plan' } }
    expect(run(emitCondition(absent, binding), none)).toBe(true)
    expect(fieldsNeeded(absent)).toEqual([])
    expect(fieldsNeeded(node)).toEqual(['plan'])
  })
})

test('only finite numbers reach the source', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(() => emitExpression(number(value), binding)).toThrow('only finite numbers')
    const listed: Expression = { kind: 'in', operand: counter('a'), values: [value] }
    expect(() => emitExpression(listed, binding)).toThrow('only finite numbers')
  }
})

test('names reach the source through the binding only', () => {
  const evil = "x'); process.exit(1); ('"
  const node: Expression = {
    kind: 'and',
    operands: [
      { kind: 'tag', tag: evil },
      { kind: 'has', field: evil },
      compare('>', field(evil), counter(evil)),
    ],
  }
  const numbered: ExpressionBinding = {
    counter: () => 'c0',
    tag: () => 't0',
    list: () => 'l0',
    field: () => 'f0',
    has: () => 'h0',
    column: () => 'u0',
  }
  expect(emitCondition(node, numbered)).toBe('((h0) && ((t0) && (h0) && ((f0) > (c0))))')
})

test('references are unique and tell windows and periods apart', () => {
  const previous: Expression = { kind: 'counter', counter: 'a', counterWindow: 'day', previous: 1 }
  const node: Expression = {
    kind: 'and',
    operands: [
      compare('>', counter('a'), previous),
      compare('<', counter('a'), field('x')),
      { kind: 'tag', tag: 't' },
      { kind: 'not', operand: { kind: 'tag', tag: 't' } },
      { kind: 'list', list: 'black' },
      { kind: 'has', field: 'y' },
    ],
  }
  expect(referencesOf(node)).toEqual({
    counters: [
      { counter: 'a', counterWindow: 'day', previous: 0 },
      { counter: 'a', counterWindow: 'day', previous: 1 },
    ],
    tags: ['t'],
    lists: ['black'],
    fields: ['x', 'y'],
  })
})

type Random = (below: number) => number

/** mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)]!
}

const NUMBERS = [0, 1, -1, 2, 0.5, 3, 512_000, 2 ** 53, 1e300, -1e300]

function randomValues(random: Random): Values {
  const numbers: Record<string, number> = {}
  for (const name of ['a', 'b']) {
    for (const key of ['day.0', 'month.0', 'month.1']) {
      numbers[`${name}.${key}`] = pick(
        random,
        NUMBERS.filter((value) => Math.abs(value) < 1e20),
      )
    }
  }
  for (const name of ['x', 'y']) if (random(8) > 0) numbers[name] = pick(random, NUMBERS)
  numbers.bytes = random(3)
  numbers.rat = random(8)
  const truths = { s: random(2) > 0, t: random(2) > 0, black: random(2) > 0, optOut: random(2) > 0 }
  return { numbers, truths }
}

function randomNumber(random: Random, depth: number): Expression {
  if (depth === 0 || random(4) === 0) {
    switch (random(4)) {
      case 0:
        return number(pick(random, NUMBERS))
      case 1:
        return field(pick(random, ['x', 'y']))
      case 2:
        return { kind: 'column', column: pick(random, ['bytes', 'rat'] as const) }
      default: {
        const name = pick(random, ['a', 'b'])
        const previous = random(2)
        return previous === 1
          ? { kind: 'counter', counter: name, counterWindow: 'month', previous }
          : counter(name)
      }
    }
  }
  if (random(6) === 0) return { kind: 'negate', operand: randomNumber(random, depth - 1) }
  if (random(6) === 0) {
    const [consequent, alternate] = [
      randomNumber(random, depth - 1),
      randomNumber(random, depth - 1),
    ]
    return { kind: 'conditional', test: randomBool(random, depth - 1), consequent, alternate }
  }
  const operator = pick(random, ['+', '-', '*', '/', '%'] as const)
  const [left, right] = [randomNumber(random, depth - 1), randomNumber(random, depth - 1)]
  return { kind: 'arithmetic', operator, left, right }
}

function randomBool(random: Random, depth: number): Expression {
  if (depth === 0) {
    switch (random(4)) {
      case 0:
        return { kind: 'bool', value: random(2) > 0 }
      case 1:
        return { kind: 'list', list: pick(random, ['black', 'optOut'] as const) }
      case 2:
        return { kind: 'has', field: pick(random, ['x', 'y']) }
      default:
        return { kind: 'tag', tag: pick(random, ['s', 't']) }
    }
  }
  switch (random(7)) {
    case 0:
      return { kind: 'not', operand: randomBool(random, depth - 1) }
    case 1:
    case 2: {
      const count = 1 + random(3)
      const operands = Array.from({ length: count }, () => randomBool(random, depth - 1))
      return { kind: random(2) > 0 ? 'and' : 'or', operands }
    }
    case 3: {
      const [consequent, alternate] = [randomBool(random, depth - 1), randomBool(random, depth - 1)]
      return { kind: 'conditional', test: randomBool(random, depth - 1), consequent, alternate }
    }
    case 4: {
      const values = Array.from({ length: random(4) }, () => pick(random, NUMBERS))
      return { kind: 'in', operand: randomNumber(random, depth - 1), values }
    }
    default: {
      const operator = pick(random, ['<', '<=', '>', '>=', '==', '!='] as const)
      return compare(operator, randomNumber(random, depth - 1), randomNumber(random, depth - 1))
    }
  }
}
