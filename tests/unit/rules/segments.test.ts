import { describe, expect, test } from 'vitest'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { describeChange } from '../../../src/rules/describe-change.ts'
import { problemsOf } from './config-texts.ts'

const DECLARED = `
tags: { seed: { versioned: true }, plain: {}, quiet: { versioned: true } }
fields:
  plan: { type: enum, words: [gold, silver] }
  age: { type: number }
  trial_ends: { type: date }
counters:
  data: { sum: bytes, per: [month], keep: 1 }
  seen: { last: time, per: [lifetime] }
`

/** The declarations and one segment, its keys one on a line from line 13 on. */
function withSegment(keys: Readonly<Record<string, string>>, name = 'seed'): string {
  const lines = Object.entries(keys).map(([key, value]) => `    ${key}: ${value}\n`)
  return `${DECLARED}segments:\n  ${name}:\n${lines.join('')}`
}

const GOOD = { at: 'monthly on 10 06:00', score: 'fields.age', take: 'top 20 %' }

function segmentOf(keys: Readonly<Record<string, string>>) {
  return parseCatalog({ 'a.yaml': withSegment(keys) }).catalog.segments[0]!
}

function problemsIn(keys: Readonly<Record<string, string>>, name?: string) {
  const { places, texts } = problemsOf({ 'a.yaml': withSegment(keys, name) })
  return { places, text: texts.join('\n') }
}

describe('a segment', () => {
  test('is read whole', () => {
    const segment = segmentOf({
      at: 'weekly on mon 05:30',
      where: `'fields.plan in ["gold"] && !tags.plain'`,
      score: "'previous(data.month) * 2 + fields.age'",
      minScore: '-1.5',
      quotas: "[{ where: 'fields.age >= 50', top: 50000 }, { top: 100000 }]",
      keepPrevious: 'true',
    })
    expect(segment.name).toBe('seed')
    expect(segment.schedule).toEqual({ kind: 'weekly', weekday: 0, minuteOfDay: 330 })
    expect(segment.minScore).toBe(-1.5)
    expect(segment.quotas.map(({ where, take }) => [where?.kind, take])).toEqual([
      ['compare', { kind: 'count', count: 50_000 }],
      [undefined, { kind: 'count', count: 100_000 }],
    ])
    expect(segment.keepsPrevious).toBe(true)
  })

  test.each([
    ['daily 05:00', { kind: 'daily', minuteOfDay: 300 }],
    ['weekly on sun 23:59', { kind: 'weekly', weekday: 6, minuteOfDay: 1439 }],
    ['monthly on 31 00:00', { kind: 'monthly', dayOfMonth: 31, minuteOfDay: 0 }],
    ['yearly on 02-29 06:00', { kind: 'yearly', month: 2, dayOfMonth: 29, minuteOfDay: 360 }],
    ['on demand', { kind: 'on-demand' }],
  ])('is selected %s', (at, schedule) => {
    expect(segmentOf({ ...GOOD, at }).schedule).toEqual(schedule)
  })

  test.each([
    ['all', { kind: 'all' }],
    ['top 1', { kind: 'count', count: 1 }],
    ['top 500000', { kind: 'count', count: 500_000 }],
    ['top 20 %', { kind: 'share', parts: 20_000 }],
    ['top 12.5%', { kind: 'share', parts: 12_500 }],
    ['top 100 %', { kind: 'share', parts: 100_000 }],
  ])('takes %s', (take, expected) => {
    expect(segmentOf({ ...GOOD, take }).quotas).toEqual([{ where: null, take: expected }])
  })

  test('needs no score when all are taken', () => {
    expect(segmentOf({ at: 'on demand', take: 'all' }).score).toBeNull()
  })

  test('counts days since times of counters, and since and until dates', () => {
    const { where } = segmentOf({
      ...GOOD,
      where:
        "'daysSince(seen.lifetime) >= 7 && daysUntil(fields.trial_ends) in [1, 7] && daysSince(fields.trial_ends) < 3'",
    })
    const text = JSON.stringify(where)
    expect(text.match(/days-since/g)).toHaveLength(3)
    expect(text).toContain('"of":"time"')
    expect(text).toContain('"negate"')
  })

  test('that keeps who was a member before can be asked for them, by triggers too', () => {
    const trigger =
      'trigger: t\nwhen: data.month >= 1 && tags.seed && !wasIn.seed\ndeliver: { channel: sms }\nmessage: Hi\n'
    const text = withSegment({ ...GOOD, keepPrevious: 'true' })
    const { catalog } = parseCatalog({ 'a.yaml': text, 'triggers/t.yaml': trigger })
    expect(catalog.tags.at(-1)).toEqual({ name: 'seed.previous', versioned: true })
    expect(JSON.stringify(catalog.triggers[0]!.when)).toContain('"tag":"seed.previous"')
  })

  test('has another identity when something else is selected, and not for other times', () => {
    const { identity } = segmentOf(GOOD)
    expect(segmentOf({ ...GOOD, at: 'on demand' }).identity).toBe(identity)
    expect(segmentOf({ ...GOOD, score: "'fields.age + 0'" }).identity).not.toBe(identity)
    expect(segmentOf({ ...GOOD, take: 'top 21 %' }).identity).not.toBe(identity)
    expect(segmentOf({ ...GOOD, where: 'tags.plain' }).identity).not.toBe(identity)
  })
})

describe('what is wrong with a segment is said at its place', () => {
  const cases: readonly [string, Record<string, string>, string, string][] = [
    ['day 32', { at: 'monthly on 32 06:00' }, '12:9 out-of-range', 'last day'],
    ['30 February', { at: 'yearly on 02-30 06:00' }, '12:9 out-of-range', 'month and day'],
    ['a weekday', { at: 'weekly on mno 06:00' }, '12:9 out-of-range', 'did you mean "mon"?'],
    ['a schedule', { at: 'mnthly on 3 06:00' }, '12:9 unknown-word', 'did you mean "monthly"?'],
    ['a schedule without a time', { at: 'daily' }, '12:9 unknown-word', 'daily 05:00'],
    ['an hour of 25', { at: 'daily 25:00' }, '12:9 unknown-word', 'daily 05:00'],
    ['0 %', { take: 'top 0 %' }, '14:11 out-of-range', 'leave the segment out'],
    ['101 %', { take: 'top 101 %' }, '14:11 out-of-range', 'write all'],
    ['top 0', { take: 'top 0' }, '14:11 out-of-range', 'top 500000'],
    ['a bare number', { take: '500' }, '14:11 wrong-type', 'top 20 %, top 500000 or all'],
    ['a text as score', { score: 'tags.plain' }, '13:12 condition-type', 'must be a number'],
    ['an unknown field', { score: 'fields.agee' }, '13:12 unknown-field', 'did you mean "age"?'],
    ['a number as where', { where: 'fields.age' }, '15:12 condition-type', 'true or false'],
    ['an unknown key', { score2: 'a' }, '15:5 unknown-key', 'did you mean "score"?'],
    [
      'take and quotas',
      { quotas: '[{ top: 5 }]' },
      '14:11 not-allowed',
      'make the last quota for everybody',
    ],
    [
      'days of a sum',
      { where: "'daysSince(data.month) > 1'" },
      '15:13 condition-type',
      'daysSince(seen.lifetime)',
    ],
    [
      'days of two things',
      { where: "'daysSince(seen.lifetime, 1) > 1'" },
      '15:13 condition-syntax',
      'one date or time',
    ],
    ['a segment that keeps nobody', { where: 'wasIn.seed' }, '15:12 not-kept', 'keepPrevious'],
    ['an unknown segment', { where: 'wasIn.sed' }, '15:12 unknown-segment', 'did you mean "seed"?'],
  ]
  test.each(cases)('%s', (_, change, place, hint) => {
    const { places, text } = problemsIn({ ...GOOD, ...change })
    expect(places).toEqual([`a.yaml:${place}`])
    expect(text).toContain(hint)
  })

  test('a top without a score', () => {
    const { places, text } = problemsIn({ at: 'on demand', take: 'top 5' })
    expect(places).toEqual(['a.yaml:13:11 missing-key'])
    expect(text).toContain('a score must say who comes first')
  })

  test('a least score without a score', () => {
    const { places } = problemsIn({ at: 'on demand', minScore: '1', take: 'all' })
    expect(places).toEqual(['a.yaml:13:15 not-allowed'])
  })

  test('neither take nor quotas', () => {
    const { places } = problemsIn({ at: 'on demand', score: 'fields.age' })
    expect(places).toEqual(['a.yaml:12:5 missing-key'])
  })

  test('a tag that is not declared, or has no versions', () => {
    const unknown = problemsIn(GOOD, 'sed')
    expect(unknown.places).toEqual(['a.yaml:11:3 unknown-tag'])
    expect(unknown.text).toContain('did you mean "seed"?')
    const plain = problemsIn(GOOD, 'plain')
    expect(plain.places).toEqual(['a.yaml:11:3 not-versioned'])
    expect(plain.text).toContain('plain: { versioned: true }')
  })

  test('two segments for one tag', () => {
    const text = `${withSegment(GOOD)}  seed:\n    at: on demand\n    take: all\n`
    expect(problemsOf({ 'a.yaml': text }).places).toEqual(['a.yaml:15:3 duplicate-key'])
  })

  test('days in a trigger, where nothing happens as they pass', () => {
    const trigger =
      'trigger: t\nwhen: daysSince(seen.lifetime) > 7\nonce: day\ndeliver: { channel: sms }\nmessage: Hi\n'
    const files = { 'a.yaml': withSegment(GOOD), 'triggers/t.yaml': trigger }
    const { places, texts } = problemsOf(files)
    expect(places).toEqual(['triggers/t.yaml:2:7 unknown-function'])
    expect(texts.join()).toContain('select such subscribers daily into a tag')
  })
})

test('a reload says what becomes of segments', () => {
  const catalogOf = (text: string) => parseCatalog({ 'a.yaml': text }).catalog
  const before = catalogOf(withSegment(GOOD))
  expect(describeChange(catalogOf(DECLARED), before)).toEqual([
    'segment seed is new: selected when its schedule comes next',
  ])
  expect(describeChange(before, catalogOf(DECLARED))).toEqual([
    'segment seed is removed: its tag stays as it was selected last',
  ])
  expect(describeChange(before, catalogOf(withSegment({ ...GOOD, take: 'all' })))).toEqual([
    'segment seed selects others now: a selection under way begins again',
  ])
  expect(describeChange(before, catalogOf(withSegment({ ...GOOD, at: 'on demand' })))).toEqual([
    'segment seed is selected at other times now',
  ])
})
