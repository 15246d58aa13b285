/**
 * Conditions: texts grown from a grammar of what CEL could say, most of it allowed, some of it not.
 * A condition is refused with a place, or the code generated for it answers as the interpreter.
 */

import { ConfigInvalidError } from '../../src/errors.ts'
import type { Expression } from '../../src/model/expression.ts'
import { emitCondition, type ExpressionBinding } from '../../src/rules/emit.ts'
import { evaluateCondition, type ExpressionReader } from '../../src/rules/evaluate.ts'
import { CONDITION_LENGTH_MAX } from '../../src/rules/cel-text.ts'
import { parseCatalog } from '../../src/rules/parse-catalog.ts'
import { Random } from '../support/workload/random.ts'
import { filesWith } from '../unit/rules/config-texts.ts'
import { type FuzzTarget, FuzzTally, hold } from './target.ts'

/** Every word that generated code may hold, and signs that it never needs. */
const WORDS = new Set(['v', 'l', 'r', 'true', 'false', 'Number', 'isFinite', 'includes'])
const FORBIDDEN_SIGNS = /['"`\\;{}@#$_]/

const NUMBERS = [
  ...[
    'data.day',
    'data.month',
    'data.last_7_days',
    'previous(ott.month)',
    'previous(ott.month, 2)',
  ],
  ...[
    'params.line',
    'params.share',
    '500 * KiB',
    '0',
    '1',
    '-1',
    '1.5',
    '1e308',
    '9007199254740993',
  ],
  ...['fields.allowance', '0.1', '2 * GiB', '18446744073709551616', '0x10', '1u'],
]
const TRUTHS = [
  ...['tags.seed', 'tags.has_pack', 'lists.optOut', 'fields.roaming', 'has(fields.plan)', 'true'],
  ...['fields.plan == "gold"', 'fields.plan in ["gold", "silver"]', 'params.on', 'params.with_nr'],
]
const STRANGE = [
  ...['tags.toString', 'fields.__proto__', 'data.constructor', 'params["line"]', 'data', 'null'],
  ...['matches("a", "b")', '"x".matches("(a+)+$")', '[1,2].map(x, x)', 'dyn(1)', 'type(1)', 'b"x"'],
  ...['size("x") > 1', '{"a": 1}.a', '[1][0]', '"a" + "b"', 'timestamp("x")', '\u0000', '/* x */'],
]

/** Conditions of triggers through `parseCatalog`, the emitter and the interpreter. */
export const conditionTarget: FuzzTarget = {
  name: 'conditions',
  rule: 'a condition is refused with a place, or generated code and interpreter agree on it',
  cases: 100_000,
  run({ seed, cases, say }) {
    const random = new Random(seed)
    const tally = new FuzzTally()
    for (let i = 0; i < cases; i++) {
      if (i % 1_000 === 0) say(i)
      const text = makeText(random)
      tally.attempt(
        () => {
          const files = filesWith({ when: JSON.stringify(text), once: 'day' })
          checkAgreement(parseCatalog(files).catalog.triggers[0]!.when, random)
        },
        (error) => {
          if (!(error instanceof ConfigInvalidError)) return null
          hold(error.problems.length > 0, 'a refusal names a problem')
          return error.problems[0]!.code
        },
        () => text,
      )
    }
    return tally
  },
}

function makeText(random: Random): string {
  if (random.chance(0.01)) return `${'!('.repeat(random.whole(1, 600))}true`
  if (random.chance(0.01)) return `${'tags.seed && '.repeat(random.whole(1, 400))}tags.seed`
  const text = truth(random, random.whole(0, 5))
  if (!random.chance(0.1)) return text.slice(0, CONDITION_LENGTH_MAX + 10)
  const at = random.whole(0, text.length)
  return (
    text.slice(0, at) +
    random.pick(['(', ')', '"', '?', '\\', '..', '&', ' in ', '99']) +
    text.slice(at)
  )
}

function truth(random: Random, depth: number): string {
  if (random.chance(0.02)) return random.pick(STRANGE)
  if (depth === 0) return random.pick(TRUTHS)
  const inner = (): string => truth(random, depth - 1)
  const value = (): string => number(random, depth - 1)
  switch (random.whole(0, 7)) {
    case 0:
      return `(${inner()} && ${inner()})`
    case 1:
      return `(${inner()} || ${inner()})`
    case 2:
      return `!(${inner()})`
    case 3:
      return `(${inner()} ? ${inner()} : ${inner()})`
    case 4:
      return `${value()} in [${value()}, 3]`
    default:
      return `(${value()} ${random.pick(['<', '<=', '>', '>=', '==', '!='])} ${value()})`
  }
}

function number(random: Random, depth: number): string {
  if (random.chance(0.02)) return random.pick(STRANGE)
  if (depth <= 0 || random.chance(0.4)) return random.pick(NUMBERS)
  const inner = (): string => number(random, depth - 1)
  if (random.chance(0.1)) return `-(${inner()})`
  if (random.chance(0.1)) return `(${truth(random, depth - 1)} ? ${inner()} : ${inner()})`
  return `(${inner()} ${random.pick(['+', '-', '*', '/', '%'])} ${inner()})`
}

/** A counter stays below 1e30 by the bounds of usage; a field may be any finite double. */
const COUNTER_VALUES = [0, 1, 0.5, 511_999, 512_000, 512_001, 1e15, 2 ** 53, 1e29, 3]
const FIELD_VALUES = [...COUNTER_VALUES, -1, -1e15, 1e308, -1e308, 5e-324]

/** Leaves are numbered as they come: the generated code sees an array and nothing else. */
function checkAgreement(node: Expression, random: Random): void {
  const places = new Map<string, number>()
  const place = (name: string): string => {
    if (!places.has(name)) places.set(name, places.size)
    return `v[${places.get(name)!}]`
  }
  const binding: ExpressionBinding = {
    counter: (name, key, previous) => place(`counter ${name} ${key} ${previous}`),
    tag: (name) => place(`tag ${name}`),
    list: (name) => place(`list ${name}`),
    field: (name) => place(`field ${name}`),
    has: (name) => place(`has ${name}`),
    column: (name) => place(`column ${name}`),
  }
  const source = emitCondition(node, binding)
  hold(isOwnCode(source), `generated code holds nothing of the text: ${source}`)
  const run = new Function('v', `return ${source}`) as (values: readonly unknown[]) => unknown
  for (let round = 0; round < 3; round++) {
    const values: (number | boolean)[] = []
    for (const [name, index] of places) {
      const isTruth = /^(tag|list|has) /.test(name)
      const numbers = name.startsWith('field ') ? FIELD_VALUES : COUNTER_VALUES
      values[index] = isTruth ? random.chance(0.5) : random.pick(numbers)
    }
    const at = (name: string): number | boolean => values[places.get(name)!]!
    const reader: ExpressionReader = {
      counter: (name, key, previous) => Number(at(`counter ${name} ${key} ${previous}`)),
      tag: (name) => at(`tag ${name}`) === true,
      list: (name) => at(`list ${name}`) === true,
      field: (name) => Number(at(`field ${name}`)),
      has: (name) => at(`has ${name}`) === true,
      column: (name) => Number(at(`column ${name}`)),
    }
    hold(run(values) === evaluateCondition(node, reader), `${source} with ${values.join()}`)
  }
}

function isOwnCode(source: string): boolean {
  if (FORBIDDEN_SIGNS.test(source)) return false
  const words = source.replace(/\d[\d.]*(?:e[+-]?\d+)?/g, '').match(/[^\W\d]\w*/g) ?? []
  return words.every((word) => WORDS.has(word))
}
