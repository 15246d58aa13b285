import { describe, expect, test } from 'vitest'
import type { Expression } from '../../../src/model/expression.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, problemsOf, problemsOfWhen, triggerWith } from './config-texts.ts'

const whenOf = (text: string): Expression =>
  triggerWith({ when: JSON.stringify(text), once: 'day' }).when

const number = (value: number): Expression => ({ kind: 'number', value })
const counter = (name: string, counterWindow: string, previous = 0): Expression => ({
  kind: 'counter',
  counter: name,
  counterWindow,
  previous,
})
const field = (name: string): Expression => ({ kind: 'field', field: name })
const tag = (name: string): Expression => ({ kind: 'tag', tag: name })
const day = counter('data', 'day')

/** The `where` of a counter c, compiled. */
function whereOf(text: string, nr = 'false'): Expression | null {
  const declarations = DECLARATIONS.replace('with_nr: false', `with_nr: ${nr}`)
  const files = { 'a.yaml': `${declarations}  c: {count: records, where: '${text}', per: [day]}\n` }
  return parseCatalog(files).catalog.counters.find(({ name }) => name === 'c')!.where
}

function whereProblems(text: string): string[] {
  const files = { 'a.yaml': `${DECLARATIONS}  c: {count: records, where: '${text}', per: [day]}\n` }
  return problemsOf(files).texts
}

describe('a condition becomes a tree of doubles', () => {
  test.each<[string, Expression]>([
    ['data.day >= 500 * KiB', compare('>=', day, number(512_000))],
    ['data.day >= params.line', compare('>=', day, number(512_000))],
    ['data.day > 1.5 * MB', compare('>', day, number(1_500_000))],
    ['data.day > 2 * GiB + 1 * GB + 1 * kB + MiB', compare('>', day, number(3_148_533_224))],
    ['data.last_7_days < 3', compare('<', counter('data', 'last_7_days'), number(3))],
    ['data.lifetime != 0', compare('!=', counter('data', 'lifetime'), number(0))],
    ['previous(ott.month) > 5', compare('>', counter('ott', 'month', 1), number(5))],
    ['previous(ott.month, 2) > 5', compare('>', counter('ott', 'month', 2), number(5))],
    ['data.day > params.wait', compare('>', day, number(7_200_000))],
    ['fields.plan == "silver"', compare('==', field('plan'), number(1))],
    ['"bronze" != fields.plan', compare('!=', field('plan'), number(2))],
    ['fields.plan in ["silver", "gold"]', { kind: 'in', operand: field('plan'), values: [0, 1] }],
    ['fields.roaming', compare('!=', field('roaming'), number(0))],
    ['has(fields.plan)', { kind: 'has', field: 'plan' }],
    ['lists.optOut', { kind: 'list', list: 'optOut' }],
    ['tags.seed == false', { kind: 'not', operand: tag('seed') }],
    ['tags.seed != false', tag('seed')],
    ['!!tags.seed', tag('seed')],
    ['params.on && tags.seed', tag('seed')],
    ['params.with_nr || tags.seed', tag('seed')],
    ['params.on ? tags.seed : tags.has_pack', tag('seed')],
    ['1 < 2 && tags.seed', tag('seed')],
    ['2 in [1, 2] && tags.seed', tag('seed')],
    ['-data.day < -3', compare('<', { kind: 'negate', operand: day }, number(-3))],
    ['--data.day > 3', compare('>', day, number(3))],
    ['data.day in [3, 1, 3]', { kind: 'in', operand: day, values: [1, 3] }],
  ])('%s', (text, expected) => {
    expect(whenOf(text)).toEqual(expected)
  })

  test('arithmetic mixes whole and broken numbers', () => {
    const share: Expression = {
      kind: 'arithmetic',
      operator: '*',
      left: field('allowance'),
      right: number(0.8),
    }
    expect(whenOf('data.month >= fields.allowance * params.share')).toEqual(
      compare('>=', counter('data', 'month'), share),
    )
    expect(whenOf('data.day * 2 > 0.5 + 1')).toEqual(
      compare('>', { kind: 'arithmetic', operator: '*', left: day, right: number(2) }, number(1.5)),
    )
  })

  test('dates are day numbers that can be moved and subtracted', () => {
    const lastDay = number(Date.UTC(2026, 10, 30) / 86_400_000)
    expect(whenOf('fields.trial_ends == date("2026-11-30")')).toEqual(
      compare('==', field('trial_ends'), lastDay),
    )
    expect(whenOf('fields.trial_ends < date("2026-11-29") + 1')).toEqual(
      compare('<', field('trial_ends'), lastDay),
    )
    expect(whenOf('fields.trial_ends - date("2026-11-30") > 3')).toEqual(
      compare(
        '>',
        { kind: 'arithmetic', operator: '-', left: field('trial_ends'), right: lastDay },
        number(3),
      ),
    )
    expect(whenOf('fields.trial_ends in [date("2026-11-30")]')).toMatchObject({
      values: [lastDay.kind === 'number' ? lastDay.value : null],
    })
  })

  test('chains of && and || are flat, literals gone', () => {
    expect(whenOf('tags.seed && (tags.has_pack && true) && !lists.red')).toEqual({
      kind: 'and',
      operands: [
        tag('seed'),
        tag('has_pack'),
        { kind: 'not', operand: { kind: 'list', list: 'red' } },
      ],
    })
  })

  test('booleans can be compared with each other', () => {
    expect(whenOf('tags.seed == tags.has_pack')).toEqual({
      kind: 'conditional',
      test: tag('seed'),
      consequent: tag('has_pack'),
      alternate: { kind: 'not', operand: tag('has_pack') },
    })
  })

  test('a comparison is not turned round by "not": a side may not be finite', () => {
    expect(whenOf('!(data.day > 3)')).toEqual({
      kind: 'not',
      operand: compare('>', day, number(3)),
    })
  })
})

const WHERE_ONLY =
  '"where" reads the columns bytes, time, rat, app, cell, kind, hour, weekday, place and params only | '

describe('where', () => {
  test('reads columns, with bare words of their dictionaries', () => {
    expect(whereOf('kind == data && rat in [utran, eutran] && bytes > 1 * kB')).toEqual({
      kind: 'and',
      operands: [
        compare('==', { kind: 'column', column: 'kind' }, number(0)),
        { kind: 'in', operand: { kind: 'column', column: 'rat' }, values: [1, 6] },
        compare('>', { kind: 'column', column: 'bytes' }, number(1000)),
      ],
    })
    expect(whereOf('wechat == app')).toEqual(
      compare('==', { kind: 'column', column: 'app' }, number(2)),
    )
    expect(whereOf('cell in [17, 4] || time < 5')).toMatchObject({ kind: 'or' })
    expect(whereOf('rat != 6 && app in [1, 7]')).toMatchObject({ kind: 'and' })
  })

  test('a switched-off part disappears, a switched-on one stays', () => {
    const text = 'rat in [eutran] || params.with_nr && rat == nr'
    expect(whereOf(text)).toMatchObject({ kind: 'in' })
    expect(whereOf(text, 'true')).toMatchObject({ kind: 'or' })
    expect(whereOf('true || rat == nr')).toBeNull()
  })

  test.each([
    ['rat in [utrann]', '"utrann" is no word of rat | did you mean "utran"?'],
    ['app == wechatt', '"wechatt" is no word of app | did you mean "wechat"?'],
    ['kind == "data"', 'words of kind stand without quotes | write data'],
    ['kind < data', '"<" needs numbers; kind is a code of kind | '],
    ['kind == 256', 'codes of kind are 0 to 255 | '],
    ['rat == app', 'rat can only be compared with its words; app is a code of app | '],
    ['byte > 3', '"byte" means nothing here | did you mean "bytes"?'],
    [
      'rat',
      'a condition must be true or false; this is a code of rat | compare it, like data.day >= 500 * KiB',
    ],
    ['data.day > 3', WHERE_ONLY],
    ['tags.seed', WHERE_ONLY],
    ['has(fields.plan)', WHERE_ONLY],
    ['lists.red', WHERE_ONLY],
  ])('%s is refused', (text, expected) => {
    expect(whereProblems(text)).toEqual([expected])
  })
})

describe('a mistake is refused with the way it was meant', () => {
  test.each([
    ['dta.day > 3', 'unknown-counter', 'did you mean "data"?'],
    ['data.dya > 3', 'unknown-counter-window', 'did you mean "day"?'],
    ['data > 3', 'unknown-name', 'did you mean data.hour or data.day or'],
    ['seed', 'unknown-name', 'did you mean tags.seed?'],
    ['plan == "gold"', 'unknown-name', 'did you mean fields.plan?'],
    ['data.day > line', 'unknown-name', 'did you mean params.line?'],
    ['data.day > 5 * Kib', 'unknown-name', 'did you mean "KiB"?'],
    ['data.day > 5 * B', 'unknown-name', ''],
    ['tags.sed', 'unknown-tag', 'did you mean "seed"?'],
    ['fields.plann == "gold"', 'unknown-field', 'did you mean "plan"?'],
    ['has(fields.plann)', 'unknown-field', 'did you mean "plan"?'],
    ['data.day > params.lin', 'unknown-parameter', 'did you mean "line"?'],
    ['lists.blak', 'unknown-list', 'did you mean "black"?'],
    ['fields.plan == "golt"', 'unknown-word', 'did you mean "gold"?'],
    ['fields.plan in ["golt"]', 'unknown-word', 'did you mean "gold"?'],
    ['fields.plan > "gold"', 'condition-type', ''],
    ['fields.plan == 3', 'condition-type', 'one of its words in quotes, like "gold"'],
    ['fields.plan == fields.grade', 'condition-type', 'one of its words in quotes'],
    ['data.day > "500 KiB"', 'condition-type', 'write 500 * KiB'],
    ['fields.trial_ends > "2026-11-30"', 'condition-type', 'write date("2026-11-30")'],
    ['fields.trial_ends > 3', 'condition-type', 'cannot compare this with a date'],
    ['fields.trial_ends * 2 > 3', 'condition-type', '"*" needs numbers'],
    ['fields.trial_ends + fields.trial_ends > 3', 'condition-type', '"+" needs numbers'],
    ['date("2026-02-30") > fields.trial_ends', 'condition-syntax', 'like date("2026-11-30")'],
    ['date(3) > fields.trial_ends', 'condition-syntax', 'like date("2026-11-30")'],
    ['tags.seed > 3', 'condition-type', 'tags.seed is true or false'],
    ['tags.seed + 1 > 3', 'condition-type', '"+" needs numbers'],
    ['tags.seed == 1', 'condition-type', 'cannot compare'],
    ['-tags.seed', 'condition-type', '"-" needs a number'],
    ['!data.day', 'condition-type', '"!" needs true or false'],
    ['data.day && tags.seed', 'condition-type', '"&&" needs true or false'],
    ['data.day', 'condition-type', 'compare it, like data.day >= 500 * KiB'],
    ['tags.seed ? 1 : tags.seed', 'condition-type', 'both sides of ":" must be alike'],
    ['(tags.seed ? "a" : "b") == "a"', 'condition-type', 'chooses between numbers or conditions'],
    ['tags.seed in [true]', 'condition-type', '"in" needs a number'],
    ['data.day in []', 'condition-syntax', 'nothing is in it'],
    ['data.day in data', 'condition-syntax', '"in" needs a list'],
    ['data.day in [data.hour]', 'condition-type', 'a constant is expected'],
    ['previous(data.day) > 3', 'not-kept', 'give it keep: 1'],
    ['previous(ott.month, 3) > 3', 'not-kept', 'keeps 2 past periods, not 3'],
    ['previous(data.last_7_days) > 3', 'not-kept', 'is no calendar period'],
    ['previous(ott.month, 0) > 3', 'condition-syntax', 'like previous(ott.month, 2)'],
    ['previous(ott) > 3', 'condition-syntax', 'like previous(ott.month, 2)'],
    ['previous() > 3', 'condition-syntax', 'like previous(ott.month, 2)'],
    ['has(tags.seed)', 'condition-syntax', 'like has(fields.plan)'],
    ['has()', 'condition-syntax', 'like has(fields.plan)'],
    ['previus(ott.month) > 3', 'unknown-function', 'did you mean "previous"?'],
    ['size("a") > 3', 'unknown-function', 'they have: previous, has, date'],
    ['"a".matches("(a+)+b")', 'unknown-function', 'regular expressions are not possible'],
    ['[1].exists(x, x > 0)', 'unknown-function', 'no methods and no macros'],
    ['data.day > 1 / 0', 'out-of-range', 'divides by zero'],
    ['data.day % (2 - 2) > 1', 'out-of-range', 'divides by zero'],
    ['data.day > 99999999999999999999', 'out-of-range', 'too large to be exact'],
    ['data.day > 9007199254740993', 'out-of-range', 'too large to be exact'],
    ['data.day > 5u', 'condition-type', 'only numbers, texts, true and false'],
    ['data.day > null', 'condition-type', 'only numbers, texts, true and false'],
    ['{"a": 1}', 'condition-syntax', 'maps and indexes are not possible'],
    ['tags["seed"]', 'condition-syntax', 'maps and indexes are not possible'],
    ['data.day.x > 3', 'condition-syntax', 'names have two parts'],
    ['data.day > 500 KiB', 'condition-syntax', 'write 500 * KiB'],
    ['tags.seed and tags.has_pack', 'condition-syntax', 'write && for "and"'],
    ['tags.seed or tags.has_pack', 'condition-syntax', 'write || for "or"'],
    ['tags.seed & tags.has_pack', 'condition-syntax', 'write && for "and"'],
    ['tags.seed | tags.has_pack', 'condition-syntax', 'write || for "or"'],
    ['not tags.seed', 'condition-syntax', 'write ! for "not"'],
    ['data.day = 3', 'condition-syntax', 'write == for equal'],
    ['data.day <> 3', 'condition-syntax', 'write == for equal, != for unequal'],
    ['data.day >', 'condition-syntax', 'the end'],
    ['tags.constructor', 'unknown-tag', ''],
    ['constructor.day > 3', 'unknown-counter', ''],
    ['true', 'condition-constant', 'read a counter, tag, field or list'],
    ['params.on && 1 < 2', 'condition-constant', 'reads nothing of the subscriber'],
    ['tags.seed || params.on', 'condition-constant', 'always true'],
  ])('%s', (text, code, hint) => {
    const { codes, texts } = problemsOfWhen(text)
    expect(codes).toEqual([code])
    expect(texts[0]).toContain(hint)
  })

  test('all mistakes of one condition come at once', () => {
    const { codes } = problemsOfWhen('dta.day > 3 && tags.sed && fields.plan == "golt" && foo(1)')
    expect(codes).toEqual(['unknown-counter', 'unknown-tag', 'unknown-word', 'unknown-function'])
  })
})

describe('a condition is bounded', () => {
  test.each([
    ['parts', Array.from({ length: 60 }, (_, i) => `data.day > ${i}`).join(' && ')],
    ['brackets', `${'('.repeat(100)}data.day > 3${')'.repeat(100)}`],
    [
      'levels',
      `${Array.from({ length: 40 }, (_, i) => `(data.day + ${i}`).join(' * ')}${')'.repeat(40)} > 3`,
    ],
    ['sums', `${Array.from({ length: 50 }, () => 'data.day').join(' + ')} > 3`],
  ])('in %s', (_, text) => {
    expect(problemsOfWhen(text).codes).toEqual(['condition-too-large'])
  })

  test('in text', () => {
    const { codes, texts } = problemsOfWhen(`data.day > 3${' '.repeat(4000)}`)
    expect(codes).toEqual(['out-of-range'])
    expect(texts).toEqual(['the text has 4012 characters; at most 4000 | '])
  })

  test('and a long but flat one passes', () => {
    const text = Array.from({ length: 33 }, (_, i) => `data.day > ${i}`).join(' && ')
    expect(whenOf(text)).toMatchObject({ kind: 'and' })
  })
})

function compare(
  operator: Extract<Expression, { kind: 'compare' }>['operator'],
  left: Expression,
  right: Expression,
): Expression {
  return { kind: 'compare', operator, left, right }
}
