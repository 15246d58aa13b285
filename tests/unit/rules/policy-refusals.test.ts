import { describe, expect, test } from 'vitest'
import { DECLARATIONS, problemsOf, triggerText } from './config-texts.ts'

/** Problems of a policy as `line:column code: message | suggestion`. */
const refusals = (policy: string, ...triggers: Readonly<Record<string, string | null>>[]) => {
  const { places, texts } = problemsOf({
    'a.yaml': DECLARATIONS,
    'p.yaml': policy,
    ...Object.fromEntries(triggers.map((parts, i) => [`t${i}.yaml`, triggerText(parts)])),
  })
  return places.map((place, i) => `${place}: ${texts[i]}`)
}

/** Expects exactly one problem, at the place, with both the code and the words in it. */
const expectOne = (found: readonly string[], place: string, words: string) => {
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(new RegExp(`^${place.replaceAll('.', '\\.')}: `))
  expect(found[0]).toContain(words)
}

const channel = (text: string) => `channels:\n  sms: { ${text} }\n`
const capacity = (text: string) => channel(`capacity: { ${text} }`)
const messageClass = (text: string) => `classes:\n  promo: { ${text} }\n`

describe('a channel', () => {
  test.each([
    ["contactWindow: { from: '09:00', to: '09:00' }", '2:46 out-of-range', 'never opens'],
    ["contactWindow: { from: '21:00', to: '09:00' }", '2:46 out-of-range', 'runs backwards'],
    ["contactWindow: { from: '09:00' }", '2:25 missing-key', 'needs the key "to"'],
    ["contactWindow: { from: 9, to: '21:00' }", '2:33 wrong-type', "like '09:00'"],
    [
      "contactWindow: { from: '09:00', to: '21:00', on: [mon, tues] }",
      '2:65 unknown-word',
      'did you mean "tue"?',
    ],
    [
      "contactWindow: { from: '09:00', to: '21:00', on: [mon, mon] }",
      '2:65 duplicate',
      '"mon" is given twice',
    ],
    ["contactWindow: { from: '09:00', to: '21:00', on: [] }", '2:59 too-few', 'on has 0 entries'],
    [
      "contactWindow: { from: '09:00', to: '21:00', holidays: shut }",
      '2:65 unknown-word',
      'one of: like-other-days, open, closed',
    ],
    [
      "contactWindow: { from: '09:00', to: '21:00', holidays: { from: '12:00', to: '10:00' } }",
      '2:86 out-of-range',
      'the opening on holidays runs backwards',
    ],
    [
      "contactWindow: { from: '09:00', to: '21:00', holidays: { from: '12:00', to: '12:30' }, spread: 1h }",
      '2:105 out-of-range',
      'the spread is longer than the contact window is open',
    ],
    [
      "contactWindow: { from: '09:00', to: '21:00', expires: 24 }",
      '2:64 unit-missing',
      'did you mean 24h, 24m or 24s?',
    ],
    ['contactWindw: {}', '2:10 unknown-key', 'did you mean "contactWindow"?'],
    ['cap: 0 per day', '2:15 out-of-range', 'leave the key out for no limit'],
    ['cap: 3', '2:15 wrong-type', 'like 1 per month'],
    ['cap: 3 per 93 days', '2:15 out-of-range', 'per 1 to 92 days, not 93'],
    ['cap: 3 per 0 hours', '2:15 out-of-range', 'per 1 to 168 hours, not 0'],
    ['cap: [1 per day, 2 per day]', '2:27 duplicate', 'two caps per day'],
    ['cap: [9 per 2 days, 8 per 48 hours]', '2:30 duplicate', 'two caps per 2 days'],
    [
      'cap: [5 per day, 3 per month]',
      '2:16 contradiction',
      '"5 per day" can never be reached: "3 per month" is stricter | leave it out',
    ],
    ['cap: [3 per month, 2 ever]', '2:16 contradiction', '"2 ever" is stricter'],
    ['cap: [3 per 7 days, 2 per 30 days]', '2:16 contradiction', '"2 per 30 days" is stricter'],
    ['cap: [4 per day, 3 per 26 hours]', '2:16 contradiction', '"3 per 26 hours" is stricter'],
    ['capacity: {}', '2:20 missing-key', 'the capacity limits nothing'],
    ['capacity: 500', '2:20 wrong-type', 'capacity must be a mapping'],
  ])('may not have %s', (text, place, words) => {
    expectOne(refusals(channel(text)), `p.yaml:${place}`, words)
  })

  test.each([
    'cap: [5 per week, 3 per month]',
    'cap: [4 per day, 3 per 24 hours]',
    'cap: [2 per 30 days, 1 per month]',
    'cap: [1 per day, 1 per month]',
    'cap: [9 per month, 3 per cycle]',
  ])('may have the %s: none covers the other', (text) => {
    expect(refusals(channel(text))).toEqual([])
  })

  test('is named in lower case with hyphens', () => {
    expectOne(refusals('channels: { SMS: {} }'), 'p.yaml:1:13 bad-name', 'like sms')
    expect(refusals('channels: { wap-push: {} }')).toEqual([])
  })
})

describe('a capacity', () => {
  test.each([
    ['perSecond: 0', '2:33 out-of-range', '0 is not within 1 to 1000000000'],
    ['perSecond: 1.5', '2:33 wrong-type', 'a whole number'],
    [
      'perSecond: 10, perHour: 36001',
      '2:46 contradiction',
      '36001 per hour can never be reached: 10 per second make 36000 at most | ' +
        'at most perHour: 36000, or at least perSecond: 11',
    ],
    ['perSecond: 10, perDay: 900001', '2:45 contradiction', '900001 per day can never be reached'],
    [
      'perSecond: 500, perHour: 499',
      '2:33 contradiction',
      '500 per second can never be reached: only 499 pass per hour | at most perSecond: 499',
    ],
    [
      'perHour: 100, perDay: 99',
      '2:31 contradiction',
      '100 per hour can never be reached: only 99 pass per day',
    ],
    [
      'perHour: 100, perDay: 2501',
      '2:44 contradiction',
      '2501 per day can never be reached: 100 per hour make 2500 at most',
    ],
    ['perDay: 100, alarmAt: 0 %', '2:44 out-of-range', 'a share above 0 % and below 100 %'],
    ['perDay: 100, alarmAt: 100 %', '2:44 out-of-range', 'there is an alarm in any case'],
    ['perDay: 100, alarmAt: 101 %', '2:44 out-of-range', 'more than 100 %'],
    ['perDay: 100, alarmAt: 80', '2:44 unit-missing', 'did you mean 80 %?'],
    ['perDay: 100, alarmAt: 0.8', '2:44 unit-missing', 'did you mean 80 %?'],
    ['perDay: 100, alarmAt: many', '2:44 wrong-type', 'like 5 % or 0.5 %'],
    ['perSecond: 9, alarmAt: 80 %', '2:45 not-allowed', 'give perHour or perDay'],
    ['perSecond: 9, reserved: { service: 5 % }', '2:46 not-allowed', 'give perHour or perDay'],
    [
      'perDay: 100, reserved: { servise: 5 % }',
      '2:47 unknown-class',
      'there is no class "servise" | did you mean "service"?',
    ],
    ['perDay: 100, reserved: { service: 0 % }', '2:56 out-of-range', 'leave the class out'],
    ['perDay: 100, reserved: { service: 5 }', '2:56 unit-missing', 'did you mean 5 %?'],
    [
      'perDay: 100, reserved: { service: 90 %, legal: 10 % }',
      '2:45 contradiction',
      '100 % are reserved, so nothing is left for the other classes',
    ],
  ])('of %s is refused', (text, place, words) => {
    expectOne(refusals(capacity(text)), `p.yaml:${place}`, words)
  })

  test.each([
    'perSecond: 10, perHour: 36000, perDay: 36000',
    'perHour: 100, perDay: 2500',
    'perSecond: 500, perHour: 500',
    'perDay: 100, reserved: { service: 90 %, legal: 9.9 % }',
  ])('of %s is just possible', (text) => {
    expect(refusals(capacity(text))).toEqual([])
  })
})

describe('a class', () => {
  test.each([
    ['cap: 0 per day', '2:17 out-of-range', 'a cap is 1 to 1000, not 0'],
    ['sensitiveCap: [2 per day, 1 per month]', '2:27 contradiction', '"1 per month" is stricter'],
    [
      'ignoresCaps: true, cap: 1 per day',
      '2:36 contradiction',
      'say ignoresCaps: false, or leave cap out',
    ],
    [
      'sensitiveCap: 1 per day, refusedBy: [sensitive, optOut]',
      '2:26 contradiction',
      'leave sensitiveCap out, or sensitive out of refusedBy',
    ],
    ['refusedBy: [white]', '2:24 unknown-word', 'one of: black, red, sensitive, optOut'],
    ['refusedBy: [red, red]', '2:29 duplicate', '"red" is given twice'],
    ['refusedBy: red', '2:23 wrong-type', 'must be a list'],
    ['ignoresCaps: yes', '2:25 wrong-type', 'write true or false'],
    ['caps: 1 per day', '2:12 unknown-key', 'did you mean "cap"?'],
    [
      "contactWindow: { from: '10:00', to: '09:00' }",
      '2:48 out-of-range',
      'the contact window runs backwards',
    ],
  ])('may not say %s', (text, place, words) => {
    expectOne(refusals(messageClass(text)), `p.yaml:${place}`, words)
  })

  test('that ignores caps without being asked may not have any either', () => {
    const text = 'classes: { service: { sensitiveCap: 1 per day } }'
    expectOne(refusals(text), 'p.yaml:1:37 contradiction', 'the class service ignores caps')
  })
})

describe('what stands over all', () => {
  test.each([
    ['caps: 0 per day', '1:7 out-of-range', 'a cap is 1 to 1000, not 0'],
    ['caps: [7 per week, 5 ever]', '1:8 contradiction', '"5 ever" is stricter'],
    ['cap: 1 per day', '1:1 unknown-key', 'did you mean "caps"?'],
    ['holidays: [2026-02-30]', '1:12 wrong-type', 'an existing day is expected'],
    ['holidays: [20261001]', '1:12 wrong-type', 'like 2026-10-01'],
    ['holidays: 2026-10-01', '1:11 wrong-type', 'holidays must be a list'],
    [
      'holidays: [2026-10-02 to 2026-10-01]',
      '1:12 out-of-range',
      'did you mean 2026-10-01 to 2026-10-02?',
    ],
    ['holidays: [2026-01-01 to 2027-01-02]', '1:12 out-of-range', '367 holidays in a row'],
    ['holidays: [2026-10-01, 2026-10-01]', '1:24 duplicate', 'this day is already a holiday'],
    [
      'holidays: [2026-10-01, 2026-09-30 to 2026-10-01]',
      '1:24 duplicate',
      'a day of this range is already a holiday',
    ],
    [
      'holidays: [2026-01-01 to 2026-12-31, 2027-01-01 to 2027-12-31, 2028-01-01 to 2028-09-27]',
      '1:64 too-many',
      'with these there are more than 1000 holidays',
    ],
    ['controlGroup: { share: 0 % }', '1:24 out-of-range', 'leave controlGroup out'],
    ['controlGroup: { share: 100 % }', '1:24 out-of-range', 'below 100 %'],
    ['controlGroup: { share: 5 }', '1:24 unit-missing', 'did you mean 5 %?'],
    ['controlGroup: { experiment: g }', '1:15 missing-key', 'needs the key "share"'],
    [
      'controlGroup: { share: 5 %, experiment: My Group }',
      '1:41 bad-name',
      'is not the name of an experiment',
    ],
    ['arbitration: { offersPerContact: 0 }', '1:34 out-of-range', '0 is not within 1 to 3'],
    ['arbitration: { offersPerContact: 4 }', '1:34 out-of-range', '4 is not within 1 to 3'],
    ['arbitration: { contact: week }', '1:25 unknown-word', 'one of: hour, day'],
    ['arbitration: { layers: [] }', '1:24 too-few', 'layers has 0 entries'],
    ['arbitration: { layers: [a, b, a] }', '1:31 duplicate', 'the layer "a" is given twice'],
    ['arbitration: { layers: [1] }', '1:25 wrong-type', 'the name of a layer is expected'],
    ['explain: { remember: 7 }', '1:22 unit-missing', 'did you mean 7h, 7m or 7s?'],
    ['explain: { remember: 93d }', '1:22 out-of-range', 'is not within'],
    ['arbitraton: {}', '1:1 unknown-key', 'did you mean "arbitration"?'],
  ])('may not be %s', (text, place, words) => {
    expectOne(refusals(text), `p.yaml:${place}`, words)
  })

  test('stands in one file only', () => {
    const { places } = problemsOf({ 'a.yaml': 'caps: 1 per day', 'b.yaml': 'caps: 1 per day' })
    expect(places).toEqual(['b.yaml:1:7 duplicate-key'])
  })
})

describe('a trigger', () => {
  const layers = 'arbitration: { layers: [model, default] }'
  const sms = 'channels: { sms: {}, wap: {} }'
  test.each([
    ['', { class: 'servise' }, '5:8 unknown-class', 'did you mean "service"?'],
    ['', { class: 'vip' }, '5:8 unknown-class', 'classes are: marketing, service, legal'],
    ['', { class: 'VIP' }, '5:8 bad-name', 'is not the name of a class'],
    [layers, { layer: 'modle' }, '5:8 unknown-layer', 'did you mean "model"?'],
    [layers, { layer: 'x' }, '5:8 unknown-layer', 'layers are: model, default'],
    [layers, { layer: '1' }, '5:8 wrong-type', 'the name of a layer is expected'],
    [
      '',
      { layer: 'model' },
      '5:8 not-allowed',
      'layers are those of the arbitration, but there is none | ' +
        'declare arbitration: { layers: [model, …] }, or leave layer out',
    ],
    [sms, { deliver: '{ channel: smss }' }, '3:21 unknown-channel', 'did you mean "sms"?'],
    [sms, { deliver: '{ channel: ivr }' }, '3:21 unknown-channel', 'channels: sms, wap'],
    ['', { deliver: '{ channel: sms, overCapacity: wait }' }, '3:40 unknown-word', 'defer, drop'],
    ['', { value: 'tags.seed' }, '5:8 condition-type', 'a value must be a number'],
    ['', { value: 'fields.plan' }, '5:8 condition-type', 'this is a word of fields.plan'],
    ['', { value: 'true' }, '5:8 wrong-type', 'a text is expected'],
    ['', { value: 'data.dya' }, '5:13 unknown-counter-window', 'did you mean "day"?'],
    ['', { value: 'bytes' }, '5:8 unknown-name', 'counters, tags, fields, lists and params'],
    ['', { value: 'data.day / 0' }, '5:19 out-of-range', 'this divides by zero'],
    ['', { audience: 'tags.sed' }, '5:11 unknown-tag', 'did you mean "seed"?'],
    ['', { audience: 'data.day > 3' }, '5:11 not-readable', 'tags, fields, lists and params only'],
    ['', { audience: 'params.line' }, '5:11 condition-type', 'must be true or false'],
    ['', { audience: 'params.on' }, '5:11 condition-constant', 'read a tag, field or list'],
    ['', { controlGroup: '{ share: 0 % }' }, '5:24 out-of-range', 'leave controlGroup out'],
    ['', { controlGroup: '{ share: 0.1 }' }, '5:24 unit-missing', 'did you mean 10 %?'],
    ['', { cap: '[5 per day, 3 per month]' }, '5:7 contradiction', '"3 per month" is stricter'],
    ['', { ignoreCaps: 'true' }, '5:1 unknown-key', 'did you mean "ignoresCaps"?'],
  ] as const)('under "%s" may not say %o', (policy, parts, place, words) => {
    expectOne(refusals(policy, parts), `t0.yaml:${place}`, words)
  })

  test('may use any channel while none is declared', () => {
    expect(refusals('caps: 1 per day', { deliver: '{ channel: whatever }' })).toEqual([])
  })

  test('may not give an experiment another share', () => {
    const group = (share: string) => ({ controlGroup: `{ share: ${share}, experiment: g }` })
    const message = 'the experiment "g" already has the share 5 %'
    const found = refusals('', group('5 %'), { ...group('6 %'), trigger: 'other' })
    expectOne(found, 't1.yaml:5:24 conflict', message)
    const global = 'controlGroup: { share: 5 %, experiment: g }'
    expectOne(refusals(global, group('6 %')), 't0.yaml:5:24 conflict', message)
  })

  test('says what happens outside its window where nobody says it for it', () => {
    const window = "{ channel: sms, contactWindow: { from: '09:00', to: '21:00' } }"
    const place = 't0.yaml:3:41 missing-key'
    expectOne(refusals('', { deliver: window }), place, 'contactWindow needs the key "outside"')
    const inherited = channel("contactWindow: { from: '09:00', to: '21:00' }")
    expect(refusals(inherited, { deliver: window })).toEqual([])
  })

  test('is not blamed for what is broken elsewhere', () => {
    const uses = { class: 'promo', layer: 'a', deliver: '{ channel: sms }' }
    expectOne(
      refusals('classes: 3\narbitration: { layers: [a] }', uses),
      'p.yaml:1:10 wrong-type',
      'classes must be a mapping',
    )
    expectOne(
      refusals(`${messageClass('cap: 0 per day')}arbitration: { layers: [a] }`, uses),
      'p.yaml:2:17 out-of-range',
      'a cap is 1 to 1000',
    )
    expectOne(
      refusals('classes: { promo: {} }\narbitration: 3', uses),
      'p.yaml:2:14 wrong-type',
      'arbitration must be a mapping',
    )
    expectOne(
      refusals(`${channel('cap: 0 per day')}classes: { promo: {} }`, {
        class: 'promo',
      }),
      'p.yaml:2:15 out-of-range',
      'a cap is 1 to 1000',
    )
  })
})
