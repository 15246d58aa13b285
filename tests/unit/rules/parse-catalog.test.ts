import { describe, expect, test } from 'vitest'
import { NO_POLICY } from '../../../src/model/policy.ts'
import { NO_PLACES } from '../../../src/model/place-table.ts'
import { NO_REPORTING } from '../../../src/model/reporting.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import {
  catalogWith,
  DECLARATIONS,
  filesWith,
  problemsOf,
  triggerText,
  triggerWith,
} from './config-texts.ts'

const deliver = (text: string) => ({ deliver: `{ channel: sms, ${text} }` })

/** Problems of one file without triggers. */
const problemsIn = (text: string) => problemsOf({ 'a.yaml': text })

describe('declarations', () => {
  test('without any text give an empty catalog with the default bounds of time', () => {
    for (const files of [{}, { 'a.yaml': '' }, { 'a.yaml': '# nothing\n---\n' }]) {
      expect(parseCatalog(files).catalog).toEqual({
        counters: [],
        places: NO_PLACES,
        tags: [],
        fields: [],
        triggers: [],
        journeys: [],
        reporting: NO_REPORTING,
        regionField: null,
        isTellingReceipts: false,
        segments: [],
        policy: NO_POLICY,
        apps: new Map(),
        latenessMs: 172_800_000,
        earlinessMs: 300_000,
      })
    }
  })

  test('give bounds of time, apps, tags and fields', () => {
    const text = `${DECLARATIONS}\nlateness: 1d\nearliness: 30s\n`
    const { catalog } = parseCatalog({ 'a.yaml': text })
    expect(catalog.latenessMs).toBe(86_400_000)
    expect(catalog.earlinessMs).toBe(30_000)
    expect([...catalog.apps]).toEqual([
      ['qzone', 1],
      ['wechat', 2],
    ])
    expect(catalog.tags).toEqual([
      { name: 'seed', versioned: true },
      { name: 'has_pack', versioned: false },
    ])
    expect(catalog.fields.map(({ name, type, words }) => [name, type, words.length])).toEqual([
      ['plan', 'enum', 3],
      ['grade', 'enum', 2],
      ['allowance', 'number', 0],
      ['trial_ends', 'date', 0],
      ['roaming', 'bool', 0],
    ])
  })

  test.each([
    ['sum: bytes', 'sum'],
    ['count: records', 'count'],
    ['max: bytes', 'max'],
    ['last: time', 'last-time'],
    ['distinct: days', 'distinct-days'],
  ])('of a counter with %s', (text, aggregate) => {
    const { catalog } = parseCatalog({ 'a.yaml': `counters: { c: { ${text}, per: [month] } }` })
    expect(catalog.counters[0]).toMatchObject({
      name: 'c',
      aggregate,
      column: 'bytes',
      where: null,
      keep: 0,
    })
  })

  test('of counter windows', () => {
    const per = 'hour, day, week, month, cycle, lifetime, last 7 days, last 24 hours'
    const { catalog } = parseCatalog({ 'a.yaml': `counters: { c: { sum: bytes, per: [${per}] } }` })
    const windows = catalog.counters[0]!.counterWindows
    expect(windows.map(({ key }) => key)).toEqual([
      'hour',
      'day',
      'week',
      'month',
      'cycle',
      'lifetime',
      'last_7_days',
      'last_24_hours',
    ])
    expect(windows[1]).toEqual({ key: 'day', kind: 'calendar', unit: 'day', bucketCount: 1 })
    expect(windows[5]).toEqual({ key: 'lifetime', kind: 'lifetime', unit: 'day', bucketCount: 1 })
    expect(windows[6]).toEqual({ key: 'last_7_days', kind: 'sliding', unit: 'day', bucketCount: 7 })
    expect(windows[7]).toMatchObject({ kind: 'sliding', unit: 'hour', bucketCount: 24 })
  })

  test.each([
    ['sum: bytes, per: []', 'per has 0 entries'],
    ['sum: bytes', 'a counter needs the key "per"'],
    ['per: [day]', 'a counter says what it counts'],
    ['sum: bytes, count: records, per: [day]', 'make two counters of it'],
    ['sum: byte, per: [day]', 'did you mean "bytes"?'],
    ['sum: bytes, per: day', 'like [a, b]'],
    ['sum: bytes, per: [dya]', 'did you mean "day"?'],
    ['sum: bytes, per: [day, day]', '"day" is given twice'],
    ['sum: bytes, per: [last 93 days]', 'at most 92 days'],
    ['sum: bytes, per: [last 169 hours]', 'at most 168 hours'],
    ['sum: bytes, per: [last 0 days]', 'is no counter window'],
    ['sum: bytes, per: [day], keep: 13', '13 is not within 0 to 12'],
    ['sum: bytes, per: [lifetime], keep: 1', 'leave keep out, or count per day'],
    ['distinct: days, per: [day]', 'different days cannot be counted per day'],
    ['distinct: days, per: [hour]', 'different days cannot be counted per hour'],
    ['distinct: days, per: [last 32 days]', 'cannot be counted per last_32_days'],
    ['distinct: days, per: [last 24 hours]', 'cannot be counted per last_24_hours'],
    ['sum: bytes, per: [day], where: true', 'a text is expected'],
    ['sum: bytes, per: [day], wher: kind == data', 'did you mean "where"?'],
  ])('refuse the counter %s', (text, expected) => {
    const { texts } = problemsIn(`counters:\n  c: { ${text} }\n`)
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain(expected)
  })

  test('of distinct days pass in weeks, months, cycles, lifetime and up to 31 days', () => {
    const per = 'week, month, cycle, lifetime, last 31 days'
    expect(problemsIn(`counters: { c: { distinct: days, per: [${per}] } }`).texts).toEqual([])
  })

  test.each([
    ['counters: { tags: { sum: bytes, per: [day] } }', 'has a meaning of its own'],
    ['counters: { date: { sum: bytes, per: [day] } }', 'has a meaning of its own'],
    ['counters: { Data: { sum: bytes, per: [day] } }', 'names are lower-case letters'],
    ['counters: []', 'counters must be a mapping of names to values'],
    ['tags: { a }', '"a" has no value'],
    ['tags: { a: }', 'found nothing'],
    ['tags: { a: { versioned: 1 } }', 'write true or false'],
    ['fields: { a: { type: text } }', 'one of: number, enum, date, bool'],
    ['fields: { a: { type: enum } }', 'an enum field needs its words'],
    ['fields: { a: { type: enum, words: [] } }', 'words has 0 entries'],
    ['fields: { a: { type: enum, words: [x, y, x] } }', 'the word "x" is given twice'],
    ['fields: { a: { type: enum, words: [1] } }', 'put it in quotes'],
    ['fields: { a: { type: number, words: [x] } }', 'only enum fields have words'],
    ['apps: { a: 65536 }', '65536 is not within 0 to 65535'],
    ['apps: { a: 1, b: 1 }', 'the code 1 already belongs to "a"'],
    ['apps: { a: 1.5 }', 'a whole number'],
    ['parameters: { a: ten }', 'like 3, 0.8, 500 KiB, 24h, true'],
    ['parameters: { a: 1_000 }', 'like 3, 0.8'],
    ['parameters: { a: 12345678901234567890 }', 'too large to be exact'],
    ['parameters: { a: .inf }', 'too large to be exact'],
    ['parameters: { a: [1] }', 'found a list'],
    ['lateness: 48', 'did you mean 48h, 48m or 48s?'],
    ['lateness: 48 h', 'like 30s, 5m, 48h or 2d'],
    ['lateness: 8d', '8d is not within 0ms to 7d'],
    ['earliness: 2h', 'not within 0ms to 1h'],
    ['lateness:', 'found nothing'],
    ['{ lateness }', '"lateness" has no value'],
    ['latness: 48h', 'did you mean "lateness"?'],
    ['[1]', 'a configuration file must be a mapping'],
    ['just text', 'a configuration file must be a mapping'],
  ])('refuse %s', (text, expected) => {
    const { texts } = problemsIn(text)
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain(expected)
  })
})

describe('several files', () => {
  test('may share the work, and one file may hold several documents', () => {
    const { catalog } = parseCatalog({
      'b/t.yaml': `${triggerText()}---\n${triggerText({ trigger: 'second' })}`,
      'a.yaml': DECLARATIONS,
      'z.yml': 'lateness: 24h',
    })
    expect(catalog.triggers.map(({ id, file }) => [id, file])).toEqual([
      ['data-pack', 'b/t.yaml'],
      ['second', 'b/t.yaml'],
    ])
    expect(catalog.latenessMs).toBe(86_400_000)
  })

  test('may not say the same key or trigger twice', () => {
    const { texts } = problemsOf({
      'a.yaml': DECLARATIONS,
      'b.yaml': 'tags: { x: {} }',
      't.yaml': triggerText(),
      'u.yaml': triggerText(),
    })
    expect(texts).toEqual([
      '"tags" is already given in a.yaml | keep all of it in one file',
      'the trigger "data-pack" is already given in t.yaml | ',
    ])
  })

  test('give one catalog in whatever order they come', () => {
    const files = { ...filesWith(), 'z.yaml': triggerText({ trigger: 'z' }) }
    const reversed = Object.fromEntries(Object.entries(files).reverse())
    expect(parseCatalog(reversed)).toEqual(parseCatalog(files))
  })
})

describe('identities', () => {
  const counterIdentity = (text: string) =>
    parseCatalog({ 'a.yaml': `${DECLARATIONS}  c: { ${text} }\n` }).catalog.counters.at(-1)!
      .identity

  test('of a counter follow what is counted, not how it is written or how long it is kept', () => {
    const identity = counterIdentity("sum: bytes, where: 'rat in [utran, eutran]', per: [day]")
    for (const same of [
      "sum: bytes, where: 'rat  in [ eutran,utran ]', per: [day]",
      "sum: bytes, where: 'rat in [6, 1]', per: [month], keep: 3",
      "sum: bytes, where: '(rat in [utran, eutran]) || params.with_nr', per: [day]",
    ]) {
      expect(counterIdentity(same)).toBe(identity)
    }
    for (const other of [
      "max: bytes, where: 'rat in [utran, eutran]', per: [day]",
      "sum: bytes, where: 'rat in [utran]', per: [day]",
      'sum: bytes, per: [day]',
    ]) {
      expect(counterIdentity(other)).not.toBe(identity)
    }
  })

  test('of a trigger follow when, once, oncePerTag and late, not the rest', () => {
    const { identity } = triggerWith({ when: 'data.day >= 500 * KiB' })
    for (const same of [
      { when: 'data.day >= params.line' },
      { when: '"data.day>=512000"', message: 'Other', priority: '3', cap: '1 ever' },
      { once: 'day', late: 'ignore', ...deliver('at: after 2h') },
    ]) {
      expect(triggerWith(same).identity).toBe(identity)
    }
    for (const other of [
      { when: 'data.day > params.line' },
      { once: 'month' },
      { late: 'fire' },
      { oncePerTag: 'seed' },
    ]) {
      expect(triggerWith(other).identity).not.toBe(identity)
    }
  })
})

test('notes name what is declared and not used, and what may speak at night', () => {
  const { notes } = parseCatalog(filesWith())
  expect(notes).toContain('counter ott is kept, but no trigger reads it')
  expect(notes).toContain('tag seed is kept, but no trigger reads it')
  expect(notes).toContain('field plan is kept, but no trigger reads it')
  expect(notes).toContain(
    'trigger data-pack has no contact window: it may speak to customers at night',
  )
  expect(notes.join()).not.toContain('counter data ')
})

test('a condition that parameters switch off passes with a note', () => {
  const files = filesWith({ when: 'data.day > 3 && params.with_nr' })
  expect(parseCatalog(files).notes[0]).toBe(
    'trigger data-pack: with these parameters its condition is never true',
  )
})

test('the same texts are read once, others anew, and mistakes each time', () => {
  const files = filesWith({ when: 'data.day >= 1' })
  const first = parseCatalog(files)
  expect(parseCatalog({ ...files })).toBe(first)
  const other = filesWith({ when: 'data.day >= 2' })
  expect(parseCatalog(other).catalog).not.toEqual(first.catalog)
  expect(parseCatalog({ ...files, 'more.yaml': '' })).not.toBe(first)
  const wrong = { ...files, 'more.yaml': 'counter: {}' }
  expect(problemsOf(wrong).places).toHaveLength(1)
  expect(problemsOf(wrong).places).toHaveLength(1)
  expect(parseCatalog(files).catalog).toEqual(first.catalog)
})

test('the catalog is frozen', () => {
  const catalog = catalogWith({ cap: '1 per month' })
  for (const part of [
    catalog,
    catalog.counters,
    catalog.counters[0],
    catalog.counters[0]!.counterWindows,
    catalog.triggers[0],
    catalog.triggers[0]!.when,
    catalog.triggers[0]!.caps,
    catalog.fields[0]!.words,
  ]) {
    expect(Object.isFrozen(part)).toBe(true)
  }
})
