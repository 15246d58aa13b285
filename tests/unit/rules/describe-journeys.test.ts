import { expect, test } from 'vitest'
import type { Catalog } from '../../../src/model/catalog.ts'
import { describeChange } from '../../../src/rules/describe-change.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'

const DECLARED = 'tags: { fresh: {}, done: {} }'
const say = (step: string, message = 'x') =>
  `  - { step: ${step}, wait: 1d, deliver: { channel: sms }, message: ${message} }`

function catalogOf(steps: readonly string[] | null, head = ''): Catalog {
  if (steps === null) return parseCatalog({ 'a.yaml': DECLARED }).catalog
  const text = `journey: j\nenter: tags.fresh\n${head}\nsteps:\n${steps.join('\n')}\n`
  return parseCatalog({ 'a.yaml': DECLARED, 'j.yaml': text }).catalog
}

const change = (before: Catalog, after: Catalog) => describeChange(before, after)
const plain = catalogOf([say('a'), say('b')])

test('a journey that comes or goes is said with what becomes of those inside', () => {
  expect(change(catalogOf(null), plain)).toEqual([
    'journey j is new; those who meet its condition already do not enter until it is false in between',
  ])
  expect(change(plain, catalogOf(null))).toEqual(['journey j is removed: who is inside leaves it'])
})

test('edits of steps are said with what they mean for members', () => {
  expect(change(plain, catalogOf([say('a'), say('c')]))).toEqual([
    'trigger j--b is removed: what it has pending is not sent',
    'journey j has its steps edited (new: c; removed: b): who stands at a removed one goes on with the one that followed it',
  ])
  expect(change(plain, catalogOf([say('a'), say('b')].toReversed(), 'onEdit: leave'))).toEqual([
    'journey j has its steps edited: who is inside leaves it',
    'journey j is edited: what an edit means',
  ])
})

test('an edit of a text is an edit of its step alone', () => {
  expect(change(plain, catalogOf([say('a', 'y'), say('b')]))).toEqual([
    'trigger j--a is edited: message',
  ])
  expect(change(plain, catalogOf([say('a'), say('b')], 'goal: tags.done\nstay: 0s'))).toEqual([
    'journey j is edited: goal',
  ])
})
