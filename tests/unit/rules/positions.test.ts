import { describe, expect, test } from 'vitest'
import { DECLARATIONS, filesWith, problemsOf, triggerText } from './config-texts.ts'

/** Places of the problems of a trigger whose `when` is written as given. */
const placesOfWhen = (when: string): string[] =>
  problemsOf({ 'c.yaml': DECLARATIONS, 't.yaml': triggerText({ when, once: 'day' }) }).places

describe('a mistake in a condition is pointed at in the file, with the condition', () => {
  test.each([
    ['plain', 'data.day > 3 && tags.sed', ['t.yaml:2:23 unknown-tag']],
    [
      'plain over lines',
      'data.day > 3\n  && tags.sed\n  && tags.x',
      ['t.yaml:3:6 unknown-tag', 't.yaml:4:6 unknown-tag'],
    ],
    ['in single quotes', "'tags.seed && tags.sed'", ['t.yaml:2:21 unknown-tag']],
    [
      'in single quotes with quotes',
      "'fields.plan == ''golt'' && tags.sed'",
      ['t.yaml:2:23 unknown-word', 't.yaml:2:35 unknown-tag'],
    ],
    [
      'in double quotes',
      '"fields.plan == \\"golt\\" && tags.sed"',
      ['t.yaml:2:23 unknown-word', 't.yaml:2:35 unknown-tag'],
    ],
    [
      'in double quotes with escapes',
      '"tags.\\x73eed\\n&&\\ttags.\\u0073ed"',
      ['t.yaml:2:26 unknown-tag'],
    ],
    ['as a literal block', '|\n  tags.seed\n    && tags.sed\n', ['t.yaml:4:8 unknown-tag']],
    ['as a folded block', '>-\n  tags.seed\n  && tags.sed\n', ['t.yaml:4:6 unknown-tag']],
    [
      'as a block after a comment',
      '| # why\n\n  tags.seed &&\n  tags.sed\n',
      ['t.yaml:5:3 unknown-tag'],
    ],
    [
      'with windows line ends',
      '>-\r\n  tags.seed\r\n  && tags.sed\r\n',
      ['t.yaml:4:6 unknown-tag'],
    ],
    ['at its end', "'data.day >'", ['t.yaml:2:18 condition-syntax']],
    [
      'behind letters beyond ASCII',
      '\'fields.plan == "金" && tags.sed\'',
      ['t.yaml:2:23 unknown-word', 't.yaml:2:30 unknown-tag'],
    ],
  ])('%s', (_, when, places) => {
    expect(placesOfWhen(when)).toEqual(places)
  })
})

test('mistakes of all files come at once, sorted by file, line and column', () => {
  const { places } = problemsOf({
    'z.yaml': 'lateness: 48',
    'b.yaml': triggerText({ when: 'tags.sed || data.dya > 3', cap: '0 per month' }),
    'a.yaml': `${DECLARATIONS}  c: { sum: byte, per: [dya] }\nfoo: 1\n`,
  })
  expect(places).toEqual([
    'a.yaml:14:13 unknown-word',
    'a.yaml:14:25 unknown-word',
    'a.yaml:15:1 unknown-key',
    'b.yaml:2:7 unknown-tag',
    'b.yaml:2:24 unknown-counter-window',
    'b.yaml:5:6 out-of-range',
    'z.yaml:1:11 unit-missing',
  ])
})

test('a second document of a file has the lines of the file', () => {
  const text = `${triggerText()}---\n${triggerText({ trigger: 'b', late: 'no' })}`
  expect(problemsOf({ 'c.yaml': DECLARATIONS, 't.yaml': text }).places).toEqual([
    't.yaml:10:7 unknown-word',
  ])
})

describe('one mistake is reported once', () => {
  test('where a counter is broken, not where it is read', () => {
    const files = filesWith(
      { when: 'bad.day > 3' },
      `${DECLARATIONS}  bad: { sum: byte, per: [day] }\n`,
    )
    expect(problemsOf(files).texts).toEqual(['"byte" is not possible here | did you mean "bytes"?'])
  })

  test('where a tag, field or parameter is broken, not where it is read', () => {
    const declarations = DECLARATIONS.replace('has_pack: {}', 'has_pack: { version: 1 }')
      .replace('type: date', 'type: dat')
      .replace('share: 0.8', 'share: some')
    const when = '"fields.trial_ends > 3 && data.day > params.share"'
    const { places } = problemsOf(filesWith({ when, cancelWhen: 'tags.has_pack' }, declarations))
    expect(places.every((place) => place.startsWith('counters.yaml'))).toBe(true)
    expect(places).toHaveLength(3)
  })

  test('where a file is no YAML, not where its names are read', () => {
    const files = filesWith(
      { when: 'data.day > 3 && tags.seed', oncePerTag: 'seed' },
      `${DECLARATIONS}\n  - [`,
    )
    const { places } = problemsOf(files)
    expect(places.length).toBeGreaterThan(0)
    expect(places.every((place) => place.endsWith(' yaml-syntax'))).toBe(true)
  })
})
