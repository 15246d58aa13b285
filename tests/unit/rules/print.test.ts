import { describe, expect, it } from 'vitest'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { clausesOf, printExpression } from '../../../src/rules/print.ts'

const DECLARATIONS = `
tags: { vip: {}, seed: { versioned: true } }
fields:
  plan: { type: enum, words: [data-10, gotone-88] }
  age: { type: number }
  joined: { type: date }
  roaming: { type: bool }
counters: { data: { sum: bytes, per: [day, month, last 7 days], keep: 2 } }
`

function parse(when: string) {
  const trigger = `trigger: t\nwhen: '${when}'\nonce: day\ndeliver: { channel: sms }\nmessage: x\n`
  return parseCatalog({ 'a.yaml': DECLARATIONS, 't.yaml': trigger }).catalog
}

const TEXTS = [
  'data.day >= 512000',
  'data.day >= 10 && tags.vip && !lists.black',
  'data.day > 1 || tags.seed && fields.age > 3',
  '(data.day > 1 || tags.seed) && fields.age > 3',
  'previous(data.month) > previous(data.month, 2) * 2',
  'data.day - (fields.age - 1) > 5 * (data.month + 2)',
  'data.day / (data.month / 2) > -fields.age',
  'data.day - fields.age - 1 > data.last_7_days % 7',
  'fields.plan == "gotone-88" && data.day > 1',
  'fields.plan in ["data-10", "gotone-88"] && data.day > 1',
  'fields.joined >= date("2026-11-30") && data.day > 1',
  'has(fields.age) && !(data.day > 1 && tags.vip)',
  '(fields.roaming ? data.day : data.month) > 3',
  'fields.age in [1, 2, 3] && data.day > 0',
  'fields.roaming == false && tags.vip',
]

describe('a printed condition', () => {
  it.each(TEXTS)('is the same when it is read again: %s', (text) => {
    const catalog = parse(text)
    const { when } = catalog.triggers[0]!
    const printed = printExpression(when, catalog)
    expect(parse(printed).triggers[0]!.when, printed).toEqual(when)
  })

  it('reads as a person would write it', () => {
    const text = TEXTS[1]!
    const catalog = parse(text)
    expect(printExpression(catalog.triggers[0]!.when, catalog)).toBe(text)
  })

  it('falls into the parts that must all hold', () => {
    const catalog = parse(
      'data.day > 1 && (tags.vip && fields.age > 2) && (lists.red || tags.seed)',
    )
    const clauses = clausesOf(catalog.triggers[0]!.when)
    expect(clauses.map((clause) => printExpression(clause, catalog))).toEqual([
      'data.day > 1',
      'tags.vip',
      'fields.age > 2',
      'lists.red || tags.seed',
    ])
  })
})
