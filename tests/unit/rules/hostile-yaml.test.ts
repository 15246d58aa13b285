import { describe, expect, test } from 'vitest'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, problemsOf, triggerText } from './config-texts.ts'

const codesOf = (text: string): string[] => [
  ...new Set(problemsOf({ 'a.yaml': text }).places.map((place) => place.split(' ')[1]!)),
]

const bomb = Array.from({ length: 12 }, (_, i) => {
  const item = i === 0 ? 'x' : `*a${i - 1}`
  return `a${i}: &a${i} [${Array.from({ length: 10 }, () => item).join(', ')}]`
}).join('\n')

describe('is refused', () => {
  test.each([
    ['an alias bomb', bomb, ['yaml-alias']],
    ['an anchor', 'tags: &x { a: {} }', ['yaml-alias']],
    ['a merge key', 'tags: { <<: { a: {} } }', ['bad-name']],
    ['a tag of a type', 'lateness: !!js/function 3', ['yaml-unsupported']],
    ['brackets without end', `tags: ${'['.repeat(50_000)}`, ['yaml-depth']],
    ['braces without end', '{a: '.repeat(20_000), ['yaml-depth']],
    ['dashes without end', '- '.repeat(50_000), ['yaml-depth']],
    ['keys within keys', '? '.repeat(50_000), ['yaml-depth']],
    ['a collection as a key', '? [a]\n: 1', ['wrong-type']],
    ['a key given twice', 'lateness: 1h\nlateness: 2h', ['duplicate-key']],
    ['a tab as indent', 'tags:\n\ta: {}', ['yaml-syntax']],
    ['an unclosed quote', "lateness: '48h", ['yaml-syntax']],
    ['a version of old', '%YAML 1.1\n---\nlateness: yes', ['wrong-type']],
    ['a top-level prototype', '__proto__: { lateness: 48h }', ['bad-name']],
    ['a tag named __proto__', 'tags: { __proto__: { versioned: true } }', ['bad-name']],
    ['a tag named constructor', 'tags: { constructor: {} }', ['bad-name']],
    [
      'a counter named prototype',
      'counters: { prototype: { sum: bytes, per: [day] } }',
      ['bad-name'],
    ],
    ['a key of numbers', 'tags: { 1: {} }', ['bad-name']],
    ['null bytes in a name', 'tags: { "a\\0": {} }', ['bad-name']],
  ])('%s', (_, text, codes) => {
    expect(codesOf(text)).toEqual(codes)
  })

  test('a file that is too large', () => {
    expect(codesOf(`# ${'x'.repeat(256 * 1024)}`)).toEqual(['too-large'])
  })

  test('files that are too large together', () => {
    const text = `# ${'x'.repeat(200_000)}`
    const files = Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`${i}.yaml`, text]))
    expect(problemsOf(files).places).toEqual(['.:1:1 too-large'])
  })

  test('sizes are bytes, not characters', () => {
    expect(codesOf(`# ${'金'.repeat(100_000)}`)).toEqual(['too-large'])
  })

  test('too many files', () => {
    const files = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`${i}.yaml`, '']))
    expect(problemsOf(files).places).toEqual(['.:1:1 too-large'])
  })

  test('too many of anything', () => {
    const tags = Array.from({ length: 129 }, (_, i) => `t${i}: {}`).join(', ')
    expect(codesOf(`tags: { ${tags} }`)).toEqual(['too-many'])
    const triggers = Array.from({ length: 1001 }, (_, i) => triggerText({ trigger: `t${i}` }))
    const files = { 'a.yaml': DECLARATIONS, 't.yaml': triggers.join('---\n') }
    expect(problemsOf(files).texts).toEqual(['1001 triggers; at most 1000 | '])
  })
})

test('names of JavaScript objects are no names of ours', () => {
  const when = JSON.stringify('tags.toString || fields.valueOf == 1 || params.hasOwnProperty > 1')
  const { places } = problemsOf({ 'c.yaml': DECLARATIONS, 't.yaml': triggerText({ when }) })
  expect(places.map((place) => place.split(' ')[1])).toEqual([
    'unknown-tag',
    'unknown-field',
    'unknown-parameter',
  ])
})

test('a file named __proto__ is a file like others', () => {
  const files = JSON.parse('{"__proto__": "lateness: 1h"}') as Record<string, string>
  expect(parseCatalog(files).catalog.latenessMs).toBe(3_600_000)
})

test('a flood of mistakes is cut off', () => {
  const text = Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join('\n')
  expect(problemsOf({ 'a.yaml': text }).places).toHaveLength(200)
})

test('a dictionary of 12,000 apps is read', () => {
  const apps = Array.from({ length: 12_000 }, (_, i) => ` a${i}: ${i}`).join('\n')
  const { catalog } = parseCatalog({ 'a.yaml': `apps:\n${apps}\n` })
  expect(catalog.apps.size).toBe(12_000)
})
