/** Counters of different apps, stays and interests: what is refused, and what a reload says. */

import { describe, expect, test } from 'vitest'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { describeChange } from '../../../src/rules/describe-change.ts'
import { problemsOf } from './config-texts.ts'

const HEAD = `apps: { a: 1, b: 2, c: 3 }
appGroups: { g: [a, b] }
fields: { score: { type: number }, plan: { type: enum, words: [x] } }
`

const counter = (text: string, head = HEAD) => ({
  'a.yaml': `${head}counters:\n  n: { ${text} }\n`,
})

describe('refused with the way it was meant', () => {
  test.each([
    [
      'distinct: apps, per: [day]',
      'which apps are told apart? | among: [qzone, wechat], or the name of a group; 256 at most',
    ],
    ['distinct: apps, among: gg, per: [day]', 'there is no group of apps "gg" | did you mean "g"?'],
    ['distinct: apps, among: [a, d], per: [day]', '"d" is no word of app | did you mean "a"?'],
    [
      'distinct: apps, among: g, per: [last 3 days]',
      'different apps cannot be counted per last_3_days | possible: hour, day, week, month, cycle, lifetime',
    ],
    ['distinct: days, among: g, per: [month]', '"among" belongs to distinct: apps only | '],
    ['distinct: app, per: [month]', '"app" is not possible here | did you mean "apps"?'],
    ['sum: bytes, gap: 5m, per: [day]', '"gap" belongs to dwell: time only | '],
    ['dwell: time, gap: 25h, per: [day]', '25h is not within 1s to 24h | '],
    ['interest: records, per: [lifetime]', 'an interest fades: how fast? | halfLife: 14d'],
    [
      'interest: records, halfLife: 1d, per: [day]',
      'an interest has no periods: it fades by its half-life, not per day | per: [lifetime]',
    ],
    [
      'interest: records, halfLife: 1d, per: [lifetime], start: score',
      '"score" is not a field of the profile | like fields.interest',
    ],
    [
      'interest: records, halfLife: 1d, per: [lifetime], start: fields.scor',
      'there is no field "scor" | did you mean "score"?',
    ],
    [
      'interest: records, halfLife: 1d, per: [lifetime], start: fields.plan',
      'an interest starts from a number; plan is of type enum | ',
    ],
    [
      'interest: records, halfLife: 1d, per: [lifetime], feedback: [{ trigger: t, sent: 1 }]',
      'there is no trigger "t" | ',
    ],
    [
      'interest: records, halfLife: 1d, per: [lifetime], weight: 1e9',
      '1000000000 is not within -1000000 to 1000000 | ',
    ],
    [
      'dwell: time, count: records, per: [day]',
      'a counter counts one thing: count or dwell | make two counters of it',
    ],
  ])('%s', (text, expected) => {
    expect(problemsOf(counter(text)).texts).toEqual([expected])
  })
})

describe('a reload says', () => {
  const change = (before: string, after: string): string[] =>
    describeChange(parseCatalog(counter(before)).catalog, parseCatalog(counter(after)).catalog)

  test('that added apps are told apart from now on', () => {
    const sentences = change(
      'distinct: apps, among: [a], per: [day]',
      'distinct: apps, among: [a, b, c], per: [day]',
    )
    expect(sentences).toEqual(['counter n keeps its values; 2 apps more told apart'])
  })

  test('that apps in another order make a new counter', () => {
    const [sentence] = change(
      'distinct: apps, among: [a, b], per: [day]',
      'distinct: apps, among: [b, a], per: [day]',
    )
    expect(sentence).toContain('so it is a new counter')
  })

  test('that an interest is tuned', () => {
    const sentences = change(
      'interest: records, halfLife: 1d, per: [lifetime]',
      'interest: records, halfLife: 2d, per: [lifetime]',
    )
    expect(sentences).toEqual([
      'counter n keeps its values; it moves and fades differently from now on',
    ])
  })

  test('that another gap makes a new stay', () => {
    const [sentence] = change('dwell: time, gap: 5m, per: [day]', 'dwell: time, per: [day]')
    expect(sentence).toContain('so it is a new counter')
  })
})
