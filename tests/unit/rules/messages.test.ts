import { describe, expect, it, test } from 'vitest'
import { ConfigInvalidError } from '../../../src/errors.ts'
import type { MessageSpec } from '../../../src/model/message.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'

const DECLARATIONS = [
  'tags: { vip: {}, seed: { versioned: true } }',
  'fields:',
  '  plan: { type: enum, words: [gold, silver] }',
  '  lang: { type: enum, words: [zh, en, fr-CA] }',
  '  allowance: { type: number }',
  '  ends: { type: date }',
  '  flat: { type: bool }',
  'counters:',
  '  data: { sum: bytes, per: [day, month], keep: 2 }',
  '  logins: { count: records, per: [day] }',
  '  seen: { last: time, per: [lifetime] }',
  '  stay: { dwell: time, where: cell == 7, gap: 10m, per: [day] }',
  'parameters: { price: 4.5, size: 100 MiB, pause: 90m, on: true }',
]

interface Given {
  readonly message: string
  readonly language?: string | null
  readonly policy?: readonly string[]
  readonly more?: readonly string[]
}

function parse({ message, language = 'fields.lang', policy = [], more = [] }: Given) {
  const declared = language === null ? [] : [`language: ${language}`]
  return parseCatalog({
    'a.yaml': [...DECLARATIONS, ...declared, ...policy].join('\n'),
    't.yaml': [
      ...['trigger: a', 'when: data.day >= 10', 'deliver: { channel: sms }', ...more],
      `message: ${message}`,
    ].join('\n'),
  })
}

const messageOf = (given: Given): MessageSpec => parse(given).catalog.triggers[0]!.message

/** `line:column code message [suggestion]` of each problem. */
function problemsOf(given: Given): string[] {
  try {
    parse(given)
  } catch (error) {
    if (!(error instanceof ConfigInvalidError)) throw error
    return error.problems.map(({ file, line, column, code, message, suggestion }) => {
      const hint = suggestion === undefined ? '' : ` [${suggestion}]`
      return `${file === 't.yaml' ? '' : file}${line}:${column} ${code} ${message}${hint}`
    })
  }
  return []
}

describe('a text', () => {
  it('without values is one part, as it stands', () => {
    expect(messageOf({ message: 'Reply VIP' })).toEqual({
      languageField: null,
      texts: [{ language: null, source: 'Reply VIP', parts: ['Reply VIP'] }],
      textOfCode: [],
      defaultText: 0,
      isPersonal: false,
    })
  })

  it('is cut into what stands there and what is filled in', () => {
    const [text] = messageOf({ message: '"{{{fields.plan}}}: {data.day | MiB .1} a||b"' }).texts
    expect(text!.parts).toEqual([
      '{',
      expect.objectContaining({ name: 'fields.plan', fields: ['plan'] }),
      '}: ',
      {
        name: 'data.day',
        expression: { kind: 'counter', counter: 'data', counterWindow: 'day', previous: 0 },
        fields: [],
        format: {
          ...{ kind: 'number', unit: 1024 ** 2, decimals: 1, isTrimmed: false },
          ...{ max: 999_999_999_999_999, isSigned: false },
        },
      },
      ' a||b',
    ])
  })

  it('holds parameters as they are, for good', () => {
    const message =
      '"{params.price} {params.price | .2} {params.size | MiB} {params.pause | h} {params.pause | h:mm} {2 * params.price}"'
    expect(messageOf({ message }).texts[0]!.parts).toEqual(['4.5 4.50 100 1.5 1:30 9'])
  })

  test.each([
    ['fields.allowance - data.month', ['allowance']],
    ['previous(data.month, 2)', []],
    ['tags.vip || lists.white ? 10 : fields.allowance', ['allowance']],
    ['fields.ends + 30 | D.M.YYYY', ['ends']],
    ['data.day / logins.day', []],
  ])('may hold {%s}', (value, fields) => {
    const [part] = messageOf({ message: `"{${value}}"` }).texts[0]!.parts
    expect(part).toMatchObject({ fields })
  })
})

describe('what is wrong with a value is said where it stands', () => {
  test.each([
    ['"ab {fields.plam}"', '4:15 unknown-field there is no field "plam" [did you mean "plan"?]'],
    ['"ab {dat.day}"', '4:15 unknown-counter there is no counter "dat" [did you mean "data"?]'],
    [
      '"ab {data.moth}"',
      '4:20 unknown-counter-window the counter "data" has no counter window "moth" [did you mean "month"?]',
    ],
    [
      '"{sub}"',
      '4:12 forbidden-name a message does not hold the number that it goes to [leave it out: whoever sends it has the number]',
    ],
    ['"{plan}"', '4:12 unknown-name "plan" means nothing here [did you mean fields.plan?]'],
    [
      '"{tags.vip}"',
      '4:12 condition-type a message shows numbers, dates and words; this is true or false [like {fields.plan} or {data.day | MiB}]',
    ],
    [
      '"a {fields.plan | .2}"',
      '4:28 wrong-format words of fields.plan are shown as they are [leave the format out]',
    ],
    [
      '"{logins.day | MiB}"',
      '4:25 wrong-format this is a count, and cannot be shown as a size [.2 for two decimals]',
    ],
    [
      '"{stay.day | GB}"',
      '4:23 wrong-format this is a length of time, and cannot be shown as a size [lengths of time: ms, s, m, h, d, h:mm]',
    ],
    [
      '"{data.day | h:mm}"',
      '4:23 wrong-format this is bytes, and cannot be shown as a length of time [sizes: B, kB, MB, GB, KiB, MiB, GiB]',
    ],
    [
      '"{fields.ends | HH:mm}"',
      '4:26 wrong-format a date has no time of day [a pattern of YYYY, YY, MM, M, DD, D, like D.M.YYYY]',
    ],
    [
      '"{fields.ends | Day}"',
      '4:26 wrong-format "ay" is no part of a date [a pattern of YYYY, YY, MM, M, DD, D, like D.M.YYYY]',
    ],
    [
      '"{params.size | max 5}"',
      '4:12 wrong-format params.size is always 104857600, which this format cannot show [leave max out, or choose another unit]',
    ],
    [
      '"a {fields.plan"',
      '4:13 unbalanced-brace this { is never closed [write {{ for a brace itself]',
    ],
    [
      '"a {fields.{plan}"',
      '4:13 unbalanced-brace this { is never closed [write {{ for a brace itself]',
    ],
    ['"a} b"', '4:12 unbalanced-brace no { stands before this } [write }} for a brace itself]'],
    ['"{ }"', '4:11 unbalanced-brace nothing stands between { and } [like {fields.plan}]'],
  ])('%s', (message, expected) => {
    expect(problemsOf({ message })).toEqual([expected])
  })

  it('all of them at once, in several lines, too', () => {
    const message = '|\n  Hello {fields.plam},\n  you have {dat.day}.'
    expect(problemsOf({ message }).map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
      '5:10 unknown-field',
      '6:13 unknown-counter',
    ])
  })

  it('and so are unknown formats of numbers', () => {
    for (const format of ['.9', 'KB', 'max', 'max 0', 'MiB GiB', '.1 .2', 'h:mm .2', '%']) {
      expect(problemsOf({ message: `"{fields.allowance | ${format}}"` })).toEqual([
        expect.stringContaining('wrong-format'),
      ])
    }
  })
})

describe('languages', () => {
  it('have a text each, found by the code of the word', () => {
    const spec = messageOf({ message: '{ default: en, zh: "你好", en: "Hello {fields.plan}" }' })
    expect(spec.languageField).toBe('lang')
    expect(spec.texts.map(({ language }) => language)).toEqual(['zh', 'en'])
    expect([spec.textOfCode, spec.defaultText]).toEqual([[0, 1, 1], 1])
  })

  test.each([
    [
      '{ zh: a, en: b }',
      '4:10 missing-key a message in several languages needs the key "default" [default: zh, for those whose language is not known]',
    ],
    [
      '{ default: fr-CA, zh: a }',
      '4:21 unknown-language there is no text for the default language "fr-CA" [texts: zh]',
    ],
    [
      '{ default: zh, zh: a, eng: b }',
      '4:32 unknown-language "eng" is no word of fields.lang [did you mean "en"?]',
    ],
    [
      '{ default: zh, zh: a, en: }',
      '4:32 missing-value "en" has no text [a text that begins with a brace stands in quotes]',
    ],
    [
      '{fields.plan}',
      '4:11 missing-value "fields.plan" has no text [a text that begins with a brace stands in quotes]',
    ],
    [
      '{ default: zh, zh: "a {x" }',
      '4:32 unbalanced-brace this { is never closed [write {{ for a brace itself]',
    ],
    [
      '[a, b]',
      '4:10 wrong-type a text is expected, or texts by language; found a list [put it in quotes]',
    ],
  ])('%s', (message, expected) => {
    expect(problemsOf({ message })).toEqual([expected])
  })

  test.each([
    [
      null,
      '4:10 no-language a message in several languages needs the field that chooses one [declare language: fields.<name>]',
    ],
    ['fields.lag', 'a.yaml14:11 unknown-field there is no field "lag" [did you mean "lang"?]'],
    [
      'fields.allowance',
      'a.yaml14:11 wrong-type a language is a word of an enum; allowance is of type number [declare allowance: {type: enum, words: [zh, en]}]',
    ],
    [
      'lang',
      'a.yaml14:11 bad-name "lang" is not a field of the profile [an enum field, like fields.lang]',
    ],
  ])('need the enum that chooses one: %s', (language, expected) => {
    expect(problemsOf({ message: '{ default: zh, zh: a }', language })).toEqual([expected])
  })
})

it('what only a message reads is read', () => {
  const message = '{ default: zh, zh: "{fields.plan} {logins.day}", en: "{fields.ends}" }'
  const idle = parse({ message }).notes.filter((note) => note.includes('no trigger reads it'))
  expect(idle.map((note) => note.split(' ').slice(0, 2).join(' '))).toEqual([
    ...['counter seen', 'counter stay', 'tag vip', 'tag seed', 'field allowance', 'field flat'],
  ])
})

describe('segments', () => {
  const policy = ['channels: { sms: { sms: true } }']
  const segmentsOf = (message: string, maxSegments: number) =>
    problemsOf({ message, policy, more: [`maxSegments: ${maxSegments}`] })

  it('are bounded by the trigger, for a text that is always the same', () => {
    expect(segmentsOf('流'.repeat(103), 2)).toEqual([])
    expect(segmentsOf('流'.repeat(103), 1)).toEqual([
      '5:10 too-many-segments the message takes 2 SMS, and may take 1: 103 characters of UCS-2 [shorten it, or say maxSegments: 2]',
    ])
  })

  it('are those of the longest values, and the mistake says which', () => {
    const text = `"${'x'.repeat(140)} {fields.plan} {data.day | MiB .1}"`
    expect(segmentsOf(text, 1)).toEqual([
      '5:10 too-many-segments the message takes up to 2 SMS, and may take 1: 165 septets of GSM-7, with fields.plan = "silver", data.day = 999999999999999.9 [shorten it, bound numbers by max, or say maxSegments: 2]',
    ])
    expect(segmentsOf(text.replace('.1', '.1 max 9999'), 1)).toEqual([])
  })

  it('are ten unless the trigger says so, and more than one is worth a note', () => {
    expect(problemsOf({ message: '流'.repeat(671), policy })).toEqual([
      expect.stringContaining('takes 11 SMS, and may take 10 unless it says maxSegments'),
    ])
    const note = 'trigger a: the message takes 2 SMS (71 characters of UCS-2)'
    const message = '流'.repeat(71)
    expect(parse({ message, policy }).notes).toContain(note)
    expect(parse({ message, policy, more: ['maxSegments: 2'] }).notes).not.toContain(note)
  })

  it('name the language whose text is too long', () => {
    const message = `{ default: en, zh: ${'流'.repeat(71)}, en: Hello }`
    expect(segmentsOf(message, 1)).toEqual([
      expect.stringContaining('the text "zh" takes 2 SMS, and may take 1'),
    ])
  })

  it('are said of channels for SMS only', () => {
    const hint = 'declare channels: { sms: { sms: true } }, or leave maxSegments out'
    const more = ['maxSegments: 2']
    for (const declared of [[], ['channels: { sms: {} }']]) {
      expect(problemsOf({ message: 'Hello', policy: declared, more })).toEqual([
        `4:14 contradiction the channel "sms" carries no SMS, so there are no segments [${hint}]`,
      ])
    }
  })
})

test('no trigger may be called as notices are', () => {
  const problems = () =>
    parseCatalog({
      'a.yaml': DECLARATIONS.join('\n'),
      't.yaml': 'trigger: notice\nwhen: data.day >= 1\ndeliver: { channel: sms }\nmessage: x',
    })
  expect(problems).toThrow(/"notice" is what messages to the operator's own people are called/)
})
