import { describe, expect, test } from 'vitest'
import { NO_REPORTING } from '../../../src/model/reporting.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, problemsOf, triggerText } from './config-texts.ts'

const TRIGGERS = {
  't1.yaml': triggerText({ trigger: 'seeds' }),
  't2.yaml': triggerText({ trigger: 'others' }),
}

const catalogOf = (reporting: string, triggers: Readonly<Record<string, string>> = TRIGGERS) =>
  parseCatalog({ 'a.yaml': DECLARATIONS, 'r.yaml': reporting, ...triggers }).catalog

const refusals = (reporting: string, triggers: Readonly<Record<string, string>> = TRIGGERS) => {
  const files = { 'a.yaml': DECLARATIONS, 'r.yaml': reporting, ...triggers }
  const { places, texts } = problemsIn(files)
  return places.map((place, i) => `${place}: ${texts[i]}`)
}

/** None where the configuration is fine. */
const problemsIn = (files: Readonly<Record<string, string>>): ReturnType<typeof problemsOf> => {
  try {
    parseCatalog(files)
    return { places: [], texts: [] }
  } catch {
    return problemsOf(files)
  }
}

const expectOne = (found: readonly string[], place: string, words: string) => {
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(`${place}: `)
  expect(found[0]).toContain(words)
}

const seedsWith = (verdict: string) => ({
  ...TRIGGERS,
  't1.yaml': triggerText({ trigger: 'seeds', verdict }),
})

describe('a verdict', () => {
  test('keeps its shares exactly, and counts direct orders unless it says otherwise', () => {
    const text = '{ response: 5 %, order: 0.29 %, within: 7d, against: others }'
    const [, seeds] = catalogOf('', seedsWith(text)).triggers.toReversed()
    expect(seeds?.verdict).toEqual({
      responseAbove: 0.05,
      orderAbove: 0.0029,
      withinMs: 7 * 86_400_000,
      orders: 'direct',
      against: 'others',
    })
  })

  test('that is left out is none', () => {
    expect(catalogOf('').triggers[0]).not.toHaveProperty('verdict')
  })

  test.each([
    ['{}', '5:10 missing-key', 'asks for nothing'],
    ['{ within: 7d }', '5:10 missing-key', 'asks for nothing'],
    ['{ response: 5 }', '5:22 unit-missing', 'did you mean 5 %?'],
    ['{ response: 0.05 }', '5:22 unit-missing', 'did you mean 5 %?'],
    ['{ response: five %}', '5:22 wrong-type', 'like 5 %'],
    ['{ response: 101 % }', '5:22 out-of-range', 'more than 100 %'],
    ['{ order: 100 % }', '5:19 out-of-range', 'no order rate is above 100 %'],
    ['{ response: 5 %, within: 60d }', '5:35 out-of-range', '1h to 45d'],
    ['{ response: 5 %, window: 7d }', '5:27 unknown-key', '"window"'],
    ['{ response: 5 %, orders: relpy }', '5:35 unknown-word', 'did you mean "reply"?'],
    ['{ order: 2 %, against: other }', '5:33 unknown-trigger', 'did you mean "others"?'],
    ['{ order: 2 %, against: seeds }', '5:33 out-of-range', 'with itself'],
  ])('%s is refused with its place', (verdict, place, words) => {
    expectOne(refusals('', seedsWith(verdict)), `t1.yaml:${place}`, words)
  })

  test('circles of comparisons are reported once', () => {
    const against = (trigger: string, other: string) =>
      triggerText({ trigger, verdict: `{ against: ${other} }` })
    const triggers = { 'b.yaml': against('x', 'y'), 'c.yaml': against('y', 'z') }
    const found = refusals('', { ...triggers, 'd.yaml': against('z', 'x') })
    expectOne(found, 'b.yaml:5:21 circular', 'x against y against z against x')
    // Comparing two with the same third is none.
    const star = { 'b.yaml': against('x', 'z'), 'c.yaml': against('y', 'z') }
    expect(() => catalogOf('', { ...star, 'd.yaml': triggerText({ trigger: 'z' }) })).not.toThrow()
  })
})

describe('reports', () => {
  test('have the defaults of their kind', () => {
    const text =
      'reports:\n  packs: { kind: sendout, triggers: [seeds], to: [manager], channel: sms }\n'
    expect(catalogOf(text).reporting.reports).toEqual([
      {
        name: 'packs',
        kind: 'sendout',
        triggers: ['seeds'],
        about: 'everything',
        atMinute: 480,
        earliestMinute: 720,
        latestMinute: 1260,
        weekday: 0,
        daysOfMonth: [5, 15],
        message: { to: ['manager'], channel: 'sms', class: 'service', text: null },
      },
    ])
  })

  test('that nobody asked for are none', () => {
    expect(catalogOf('').reporting).toBe(NO_REPORTING)
  })

  test.each([
    ['{ triggers: [seeds] }', 'missing-key', 'needs the key "kind"'],
    ['{ kind: yearly }', 'unknown-word', 'sendout, daily, weekly, monthly'],
    ['{ kind: daily, triggers: [seed] }', 'unknown-trigger', 'did you mean "seeds"?'],
    ['{ kind: daily, days: [5] }', 'not-allowed', '"days" is for monthly reports'],
    ["{ kind: sendout, at: '08:00' }", 'not-allowed', '"at" is for daily, weekly, monthly'],
    ["{ kind: sendout, earliest: '22:00' }", 'out-of-range', 'before the earliest'],
    ["{ kind: sendout, latest: '24:00' }", 'out-of-range', 'the next day'],
    ['{ kind: monthly, days: [29] }', 'out-of-range', '1 to 28'],
    ['{ kind: daily, to: [manager] }', 'missing-key', 'need their channel'],
    ['{ kind: daily, channel: sms }', 'missing-key', 'nobody to tell'],
    ["{ kind: daily, text: '{orderd}' }", 'unknown-word', 'did you mean "ordered"?'],
    ["{ kind: daily, text: 'half {open' }", 'unknown-word', 'there is no {open}'],
  ])('%s is refused', (report, code, words) => {
    const found = refusals(`reports:\n  packs: ${report}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(code)
    expect(found[0]).toContain(words)
  })
})

describe('the watch', () => {
  const measure = (text: string) => `watch:\n  measures:\n    it: { ${text} }\n`

  test('reads bounds as shares, and an alarm says what to do', () => {
    const text = [
      'watch:',
      '  every: 30m',
      '  to: [administrator]',
      '  channel: sms',
      '  dailyMaximum: { of: sms, segments: 600000, to: [administrator], channel: sms }',
      '  measures:',
      '    complaints:',
      '      of: complaint',
      '      least: 1000',
      '      warning: { when: "above 2.5 per 100,000", learn: which text, mend: it, by: marketing }',
      '      alarm: { when: above 10 per 100000 }',
      '    volume: { of: deliveries, trigger: seeds, lastWeek: true, alarm: { when: below 40 % } }',
    ].join('\n')
    const watch = catalogOf(text).reporting.watch!
    expect(watch.everyMs).toBe(1_800_000)
    expect(watch.dailyMaximum).toMatchObject({ channel: 'sms', segments: 600_000 })
    const [complaints, volume] = watch.measures
    expect(complaints?.levels.warning).toEqual({
      bound: { direction: 'above', value: 2.5e-5, text: '2.5 per 100,000' },
      learn: 'which text',
      mend: 'it',
      by: 'marketing',
    })
    expect(complaints?.levels.alarm.bound?.value).toBe(1e-4)
    expect(volume).toMatchObject({ trigger: 'seeds', isComparedWithLastWeek: true, over: 'day' })
  })

  test.each([
    ['of: response', 'missing-key', 'without levels'],
    ['of: respnse, alarm: { when: below 1 % }', 'unknown-word', 'did you mean "response"?'],
    ['of: response, alarm: { when: 1 % }', 'wrong-type', 'a bound is expected'],
    ['of: response, alarm: { learn: it }', 'missing-key', '"when"'],
    ['of: capacity, alarm: { when: above 90 % }', 'missing-key', 'daily maximum'],
    [
      'of: response, warning: { when: below 1 % }, alarm: { when: below 2 % }',
      'conflict',
      'beyond the warning',
    ],
    [
      'of: response, warning: { when: below 2 % }, alarm: { when: above 3 % }',
      'conflict',
      'on the same side',
    ],
    [
      'of: response, good: { when: above 1 % }, warning: { when: below 2 % }',
      'conflict',
      'good and warning overlap',
    ],
  ])('%s is refused', (text, code, words) => {
    const found = refusals(measure(text))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(code)
    expect(found[0]).toContain(words)
  })

  test('a comma that cut a bound short is told', () => {
    const found = refusals(measure('of: complaint, alarm: { when: above 10 per 100,000 }'))
    expect(found[0]).toContain('write per 100000')
  })

  test('its looks divide the day', () => {
    expectOne(refusals('watch: { every: 7m }'), 'r.yaml:1:17 out-of-range', 'would wander')
  })
})

test('what will have no targets is noted', () => {
  const notesOf = (reporting: string, triggers: Readonly<Record<string, string>>) =>
    parseCatalog({ 'a.yaml': DECLARATIONS, 'r.yaml': reporting, ...triggers }).notes.filter(
      (note) => note.includes('receipts'),
    )
  const reporting = [
    'reports: { day: { kind: daily, triggers: [seeds, others] } }',
    'watch: { measures: { m: { of: order, trigger: others, alarm: { when: below 1 % } } } }',
  ].join('\n')
  const told = 'whose receipts are not told: give it a verdict, or write outcomes: all'
  expect(notesOf(reporting, seedsWith('{ order: 2 %, against: others }'))).toEqual([
    `trigger seeds is compared with others, ${told}`,
    `report day has no targets of others, ${told}`,
    `measure m has nothing to take of others, ${told}`,
  ])
  expect(notesOf(`outcomes: all\n${reporting}`, TRIGGERS)).toEqual([])
})

test('messages go over channels and in classes that there are, and segments are of SMS', () => {
  const channels = 'channels: { sms: { sms: true }, push: {} }\n'
  const report = (text: string) => refusals(`${channels}reports: { day: { kind: daily, ${text} } }`)
  expect(report('to: [manager], channel: sms, class: service')).toEqual([])
  expect(report('to: [manager], channel: smss')[0]).toContain('did you mean "sms"?')
  expect(report('to: [manager], channel: sms, class: servce')[0]).toContain('"service"?')
  const maximum = (of: string) =>
    refusals(`${channels}watch: { dailyMaximum: { of: ${of}, segments: 10 } }`)
  expect(maximum('sms')).toEqual([])
  expect(maximum('mail')[0]).toContain('unknown-channel')
  expect(maximum('push')[0]).toContain('is none of SMS')
})
