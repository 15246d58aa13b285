import { describe, expect, test } from 'vitest'
import { plainMessage, sourceOf } from '../../../src/model/message.ts'
import { everyDay } from '../../../src/model/policy.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, filesWith, problemsOf, triggerWith } from './config-texts.ts'

const deliver = (text: string) => ({ deliver: `{ channel: sms, ${text} }` })
const contactWindow = (text: string) => deliver(`contactWindow: { ${text} }`)

describe('a trigger', () => {
  test('that says only what it must gets the defaults', () => {
    expect(triggerWith()).toMatchObject({
      id: 'data-pack',
      firedBy: 'condition',
      file: 'triggers/t.yaml',
      once: 'day',
      oncePerTag: null,
      isLateFiring: false,
      isFiringExisting: false,
      isRetrying: false,
      priority: 100,
      channel: 'sms',
      schedule: { kind: 'now' },
      contactWindow: null,
      caps: [],
      cancelWhen: null,
      validFromMs: null,
      validToMs: null,
      onExpired: 'reschedule',
      attemptsMax: 3,
      message: plainMessage('Hello'),
    })
  })

  test('that says everything gets what it says', () => {
    const trigger = triggerWith({
      once: 'month',
      oncePerTag: 'seed',
      late: 'fire',
      reload: 'fire-existing',
      retry: 'true',
      priority: '0',
      deliver:
        '{ channel: wap-push, at: after 90m, onExpired: drop, attempts: 1, contactWindow: ' +
        "{ from: '09:00', to: '24:00', outside: drop, spread: 30m, expires: 2h } }",
      cap: '[1 per week, 3 per month, 9 ever]',
      cancelWhen: 'tags.has_pack || lists.optOut || has(fields.plan)',
      validity: '{ from: 2026-11-01T00:00:00+08:00, to: 2026-12-01T00:00:00Z }',
      description: 'For colleagues.',
    })
    expect(trigger).toMatchObject({
      once: 'month',
      oncePerTag: 'seed',
      isLateFiring: true,
      isFiringExisting: true,
      isRetrying: true,
      priority: 0,
      channel: 'wap-push',
      schedule: { kind: 'delay', delayMs: 5_400_000 },
      onExpired: 'drop',
      attemptsMax: 1,
      contactWindow: {
        openings: everyDay({ fromMinute: 540, toMinute: 1440 }),
        outside: 'drop',
        spreadMs: 1_800_000,
        expiresMs: 7_200_000,
      },
      caps: [
        { count: 1, per: 'week' },
        { count: 3, per: 'month' },
        { count: 9, per: 'ever' },
      ],
      cancelWhen: { kind: 'or' },
      validFromMs: Date.UTC(2026, 9, 31, 16),
      validToMs: Date.UTC(2026, 11, 1),
    })
    expect(sourceOf(trigger.message)).toBe('Hello')
  })

  test.each([
    ['now', { kind: 'now' }],
    ['next day 12:00', { kind: 'at', days: 1, minuteOfDay: 720 }],
    ['same day 18:30', { kind: 'at', days: 0, minuteOfDay: 1110 }],
    ['after 2h', { kind: 'delay', delayMs: 7_200_000 }],
  ])('may be delivered %s', (at, schedule) => {
    expect(triggerWith(deliver(`at: ${at}`)).schedule).toEqual(schedule)
  })

  test.each([
    'tomorrow',
    'next day 24:00',
    'next day 9:00',
    'next week 12:00',
    'after 2',
    'after 0s',
    'after 31d',
    '12',
  ])('may not be delivered %s', (at) => {
    expect(problemsOf(filesWith(deliver(`at: ${at}`))).places).toEqual([
      'triggers/t.yaml:3:30 wrong-type',
    ])
  })

  test.each([
    ['1 per month', [{ count: 1, per: 'month', lengthMs: 0 }]],
    ['2 per cycle', [{ count: 2, per: 'cycle', lengthMs: 0 }]],
    ['1 ever', [{ count: 1, per: 'ever', lengthMs: 0 }]],
    ['null', []],
  ])('may have the cap %s', (cap, caps) => {
    expect(triggerWith({ cap }).caps).toEqual(caps)
  })

  test.each([
    ['0 per month', 'out-of-range'],
    ['1001 per month', 'out-of-range'],
    ['1', 'wrong-type'],
    ['1 per fortnight', 'wrong-type'],
    ['[]', 'too-few'],
    ['[1 per month, 2 per month]', 'duplicate'],
  ])('may not have the cap %s', (cap, code) => {
    const { places } = problemsOf(filesWith({ cap }))
    expect(places.map((place) => place.split(' ')[1])).toEqual([code])
  })

  test.each([
    ["from: '09:00', to: '09:00', outside: drop", 'the contact window never opens'],
    ["from: '21:00', to: '09:00', outside: drop", "it cannot cross midnight; to may be '24:00'"],
    ["from: '09:00', to: '21:00'", 'contactWindow needs the key "outside"'],
    ["from: '9:00', to: '21:00', outside: drop", "like '09:00' or '24:00'"],
    ["from: '09:00', to: '24:01', outside: drop", "like '09:00' or '24:00'"],
    ["from: '09:00', to: '21:00', outside: later", 'one of: defer, drop'],
    ["from: '09:00', to: '10:00', outside: defer, spread: 2h", 'the spread is longer'],
    ["from: '09:00', to: '10:00', outside: defer, expires: 24", 'did you mean 24h, 24m or 24s?'],
    ["from: '09:00', to: '10:00', outside: defer, expires: 0s", 'not within 1m to 30d'],
  ])('may not have the contact window %s', (text, expected) => {
    const { texts } = problemsOf(filesWith(contactWindow(text)))
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain(expected)
  })

  test('at a moment outside its contact window is refused with drop, noted with defer', () => {
    const at = (outside: string) =>
      deliver(
        `at: next day 21:00, contactWindow: { from: '09:00', to: '21:00', outside: ${outside} }`,
      )
    expect(problemsOf(filesWith(at('drop'))).texts[0]).toContain('everything is dropped')
    expect(parseCatalog(filesWith(at('defer'))).notes[0]).toContain('every delivery is deferred')
  })

  test.each([
    ['{ from: 2026-11-01T00:00:00 }', 'an instant needs its offset from UTC'],
    ['{ from: 2026-11-01 }', 'like 2026-11-01T00:00:00+08:00'],
    ['{ from: 2026-02-30T00:00:00Z }', 'an instant is expected'],
    ['{ from: 2026-11-02T00:00:00Z, to: 2026-11-02T08:00:00+08:00 }', 'ends before it begins'],
  ])('may not be valid %s', (validity, expected) => {
    const { texts } = problemsOf(filesWith({ validity }))
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain(expected)
  })

  test.each([
    [{ trigger: 'Data_Pack' }, 'is not the id of a trigger'],
    [{ trigger: `a${'b'.repeat(63)}` }, 'at most 63 characters'],
    [{ priority: '1000' }, '1000 is not within 0 to 999'],
    [{ priority: 'high' }, 'a whole number from 0 to 999'],
    [{ late: 'yes' }, 'one of: fire, ignore'],
    [{ reload: 'fire' }, 'one of: fire-existing, ignore-existing'],
    [{ retry: 'yes' }, 'write true or false'],
    [{ once: 'year' }, 'one of: hour, day, week, month, cycle, ever'],
    [{ message: "''" }, 'the text is empty'],
    [{ message: "' '" }, 'the text is empty'],
    [{ message: '5' }, 'put it in quotes'],
    [{ message: 'x'.repeat(1001) }, 'at most 1000'],
    [{ message: '' }, 'a text is expected; found nothing'],
    [{ message: null }, 'needs the key "message"'],
    [{ deliver: null }, 'needs the key "deliver"'],
    [{ when: null, once: 'day' }, 'needs the key "when"'],
    [{ when: 'true', once: 'day' }, 'a text is expected; found the boolean true'],
    [{ deliver: '{ channel: SMS }' }, 'channels are lower-case letters'],
    [{ deliver: '{ at: now }' }, 'deliver needs the key "channel"'],
    [{ deliver: '{ channel: sms, attempts: 0 }' }, '0 is not within 1 to 10'],
    [{ deliver: 'sms' }, 'deliver must be a mapping'],
    [{ oncePerTag: 'has_pack' }, 'declare has_pack: {versioned: true}'],
    [{ oncePerTag: 'sed' }, 'there is no tag "sed"'],
    [{ cancelWhen: 'data.day > 3' }, '"cancelWhen" reads tags, fields, lists and params only'],
    [{ cancelWhen: '1 < 2' }, 'read a tag, field or list'],
    [{ onse: 'day' }, 'did you mean "once"?'],
    [{ triger: 'x' }, 'did you mean "trigger"?'],
    [{ deliver: '{ channel: sms, contactwindow: {} }' }, 'did you mean "contactWindow"?'],
  ])('with %o is refused', (parts, expected) => {
    const { texts } = problemsOf(filesWith(parts as Record<string, string | null>))
    expect(texts).toHaveLength(1)
    expect(texts[0]).toContain(expected)
  })

  test('a message of 1000 characters passes', () => {
    expect(sourceOf(triggerWith({ message: 'x'.repeat(1000) }).message)).toHaveLength(1000)
  })

  test('without its id is still known for a trigger', () => {
    expect(problemsOf(filesWith({ trigger: null })).texts).toEqual([
      'a trigger needs the key "trigger" | The id of the trigger, for good.',
    ])
  })
})

describe('once', () => {
  test.each([
    ['data.month > 3 && data.day > 2', 'day'],
    ['previous(ott.month) > 3 && data.last_7_days > 2', 'month'],
    [
      'data.month > 3 && params.with_nr || params.with_nr && data.day > 3 || data.month > 5',
      'month',
    ],
    ['data.day > 3 && params.with_nr', 'day'],
  ])('of %s is the shortest calendar period that it reads', (when, once) => {
    expect(triggerWith({ when: JSON.stringify(when) }).once).toBe(once)
  })

  test.each(['tags.seed', 'data.lifetime > 3', 'data.last_7_days > 3'])(
    'is mandatory for %s',
    (when) => {
      expect(problemsOf(filesWith({ when })).texts).toEqual([
        'the condition reads no calendar period, so "once" must say how often it fires | ' +
          'once: hour, day, week, month, cycle or ever',
      ])
      expect(triggerWith({ when, once: 'ever' }).once).toBe('ever')
    },
  )

  test.each([{ once: 'hour' }, { when: 'data.hour > 3' }])(
    'per hour needs a short lateness: %o',
    (parts) => {
      expect(problemsOf(filesWith(parts)).texts).toEqual([
        'once: hour needs a lateness of at most 30h | set lateness: 30h, or once: day',
      ])
      const files = filesWith(parts, `${DECLARATIONS}\nlateness: 30h\n`)
      expect(parseCatalog(files).catalog.triggers[0]!.once).toBe('hour')
    },
  )
})
