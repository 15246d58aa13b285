/** Groups of apps, places, and the columns that are worked out, as configurations write them. */

import { describe, expect, test } from 'vitest'
import type { Expression } from '../../../src/model/expression.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { problemsOf } from './config-texts.ts'

const DICTIONARIES = `
apps: { qzone: 1, wechat: 2, tweibo: 3, news: 9 }
appGroups: { social: [qzone, wechat, tweibo], reading: [news] }
places:
  hall_1: { cells: [101, 102] }
  campus: { cells: [1000 to 1099, 2000] }
placeGroups: { halls: [hall_1] }
`

const counting = (where: string, dictionaries = DICTIONARIES) => ({
  'a.yaml': `${dictionaries}counters: { c: { count: records, where: '${where}', per: [day] } }\n`,
})

const whereOf = (where: string): Expression | null =>
  parseCatalog(counting(where)).catalog.counters[0]!.where

const identityOf = (where: string, dictionaries: string): string =>
  parseCatalog(counting(where, dictionaries)).catalog.counters[0]!.identity

const column = (name: string) => ({ kind: 'column', column: name })

describe('a where reads', () => {
  test.each([
    ['app in social', { kind: 'in', operand: column('app'), values: [1, 2, 3] }],
    ['app in [reading, wechat]', { kind: 'in', operand: column('app'), values: [2, 9] }],
    ['place in halls', { kind: 'in', operand: column('place'), values: [1] }],
    ['place in [campus, hall_1]', { kind: 'in', operand: column('place'), values: [1, 2] }],
    ['weekday in [sat, sun]', { kind: 'in', operand: column('weekday'), values: [5, 6] }],
    ['hour in [22, 23, 0, 1]', { kind: 'in', operand: column('hour'), values: [0, 1, 22, 23] }],
  ])('%s', (where, expected) => {
    expect(whereOf(where)).toEqual(expected)
  })

  test('a place by its name', () => {
    expect(whereOf('place == campus')).toMatchObject({ right: { kind: 'number', value: 2 } })
  })
})

describe('a where that is wrong says how it was meant', () => {
  test.each([
    ['app in socal', '"socal" is no group of app | did you mean "social"?'],
    ['app in qzone', '"qzone" is one word of app, no group of them | write app == qzone'],
    ['app == social', '"social" is no word of app | write app in social'],
    ['app in [socal]', '"socal" is no word of app | one of: qzone, wechat, tweibo, news'],
    ['place == hal_1', '"hal_1" is no word of place | did you mean "hall_1"?'],
    ['place == 1', 'place can only be compared with its words; 1 is a number | '],
    ['weekday == 1', 'weekday can only be compared with its words; 1 is a number | '],
    [
      'weekday == sunday',
      '"sunday" is no word of weekday | one of: mon, tue, wed, thu, fri, sat, sun',
    ],
    ['hour == 24', 'hours of the day are 0 to 23 | '],
    ['hour in [22, 25]', 'hours of the day are 0 to 23 | '],
    ['25 > hour', 'hours of the day are 0 to 23 | '],
    ['rat in social', '"social" is no group of rat | groups of rat: none'],
  ])('%s', (where, expected) => {
    expect(problemsOf(counting(where)).texts).toEqual([expected])
  })
})

describe('dictionaries that contradict themselves are refused', () => {
  test.each([
    ['apps: { a: 1 }\nappGroups: { g: [b] }', ['2:18 unknown-word']],
    ['apps: { a: 1 }\nappGroups: { g: [a, a] }', ['2:21 duplicate']],
    ['apps: { a: 1 }\nappGroups: { a: [a] }', ['2:14 duplicate']],
    ['places: { x: { cells: [7] }, y: { cells: [5 to 9] } }', ['1:43 duplicate']],
    ['places: { x: { cells: [9 to 7] } }', ['1:24 out-of-range']],
    ['places: { x: { cells: [0] } }', ['1:24 out-of-range']],
    ['places: { x: { cells: [4294967296] } }', ['1:24 out-of-range']],
    ['places: { x: { cells: [1 to 300000] } }', ['1:24 too-many']],
    ['places: { x: { cells: [] } }', ['1:23 too-few']],
    ['places: { hall-1: { cells: [1] } }', ['1:11 bad-name']],
    ['places: { x: { cells: [1] } }\nplaceGroups: { all: [x, y] }', ['2:25 unknown-word']],
  ])('%s', (text, places) => {
    expect(problemsOf({ 'a.yaml': text }).places).toEqual(places.map((each) => `a.yaml:${each}`))
  })
})

test('places may stand in several files, and a cell is in one of all of them', () => {
  const files = {
    'a.yaml': 'places: { x: { cells: [1, 2] } }',
    'b.yaml': 'places: { y: { cells: [3] } }',
  }
  const { places } = parseCatalog(files).catalog
  expect(places.names).toEqual(['x', 'y'])
  expect([0, 1, 2, 3, 4].map((cell) => places.codeOf(cell))).toEqual([0, 1, 1, 2, 0])
  const twice = { ...files, 'c.yaml': 'places: { z: { cells: [1 to 3] }, x: { cells: [9] } }' }
  expect(problemsOf(twice).places).toEqual(['c.yaml:1:24 duplicate', 'c.yaml:1:35 duplicate'])
})

test('what a counter counts at a place outlives changes of the dictionary of places', () => {
  const other =
    'places: { gate: { cells: [1] }, campus: { cells: [5] }, hall_1: { cells: [101] } }\n'
  for (const where of ['place == campus', 'place in [hall_1, campus]', '!(place != hall_1)']) {
    expect(identityOf(where, other)).toBe(identityOf(where, DICTIONARIES))
  }
  const gate = identityOf('place == gate', other)
  expect(gate).not.toBe(identityOf('place == campus', other))
})

test('more than 31 different wheres are refused at the first one too many', () => {
  const counters = Array.from(
    { length: 33 },
    (_, index) => `  c${index}: { count: records, where: 'cell == ${index}', per: [day] }\n`,
  )
  const problems = problemsOf({ 'a.yaml': `counters:\n${counters.join('')}` })
  expect(problems.places).toEqual(['a.yaml:33:3 too-many'])
  expect(problems.texts[0]).toContain('31')
})

test('two hundred thousand cells are found, and no others', () => {
  const { places } = parseCatalog({
    'a.yaml': 'places: { x: { cells: [1 to 100000] }, y: { cells: [4294867296 to 4294967295] } }',
  }).catalog
  expect(places.cellCount).toBe(200_000)
  const found = [1, 100_000, 100_001, 4_294_867_295, 4_294_867_296, 4_294_967_295]
  expect(found.map((cell) => places.codeOf(cell))).toEqual([1, 1, 0, 0, 2, 2])
})
