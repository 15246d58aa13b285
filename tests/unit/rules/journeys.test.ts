import { describe, expect, test } from 'vitest'
import type { Catalog } from '../../../src/model/catalog.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, problemsOf, triggerText } from './config-texts.ts'

interface Parts {
  readonly head?: string
  readonly steps?: string
}

const STEPS = '  - { step: hello, deliver: { channel: sms }, message: Hello }'

function journeyText({ head = '', steps = STEPS }: Parts = {}): string {
  return `journey: newcomer\nenter: data.month > 3\n${head}\nsteps:\n${steps}\n`
}

const filesOf = (parts: Parts, more: Record<string, string> = {}) => ({
  'a.yaml': DECLARATIONS,
  'j.yaml': journeyText(parts),
  ...more,
})
const catalogOf = (parts: Parts): Catalog => parseCatalog(filesOf(parts)).catalog
const codesOf = (parts: Parts, more: Record<string, string> = {}) =>
  problemsOf(filesOf(parts, more)).places.map((place) => place.split(' ')[1])
const waitOf = (text: string) =>
  catalogOf({ steps: `${STEPS}\n  - { step: later, wait: ${text} }` }).journeys[0]!.steps[1]!.wait

describe('a journey', () => {
  test('that says only what it must gets the defaults', () => {
    expect(catalogOf({}).journeys[0]).toMatchObject({
      id: 'newcomer',
      file: 'j.yaml',
      once: 'ever',
      isLateFiring: false,
      isFiringExisting: false,
      goal: null,
      exit: null,
      onEdit: 'continue',
      stayMs: 0,
      controlGroup: null,
      steps: [
        {
          name: 'hello',
          wait: { kind: 'duration', lengthMs: 0 },
          when: null,
          otherwise: { kind: 'skip' },
          trigger: 'newcomer--hello',
        },
      ],
    })
  })

  test('makes a trigger of each step that delivers, held out and in force like itself', () => {
    const head = [
      'once: month',
      'goal: tags.has_pack',
      'controlGroup: { share: 5 % }',
      'validity: { from: 2026-11-01T00:00:00+08:00 }',
    ].join('\n')
    const steps = [
      '  - { step: ask, wait: 1d, when: data.day > 3, otherwise: leave }',
      '  - step: gift',
      '    when: data.day > 4',
      '    deliver: { channel: sms, at: next day 12:00 }',
      '    class: service',
      '    cap: 1 ever',
      '    message: Hello',
    ].join('\n')
    const { journeys, triggers } = catalogOf({ head, steps })
    expect(journeys[0]).toMatchObject({
      stayMs: 7 * 86_400_000,
      steps: [{ trigger: null, otherwise: { kind: 'leave' } }, { trigger: 'newcomer--gift' }],
    })
    expect(triggers).toHaveLength(1)
    expect(triggers[0]).toMatchObject({
      id: 'newcomer--gift',
      firedBy: 'journey',
      journey: { journey: 'newcomer', step: 'gift' },
      once: 'month',
      class: 'service',
      controlGroup: { experiment: 'newcomer', share: 0.05 },
      validFromMs: Date.parse('2026-11-01T00:00:00+08:00'),
    })
  })

  test.each([
    ['0s', { kind: 'duration', lengthMs: 0 }],
    ['30d', { kind: 'duration', lengthMs: 30 * 86_400_000 }],
    ['next day 10:00', { kind: 'calendar', months: 0, days: 1, minuteOfDay: 600 }],
    ['same day 18:30', { kind: 'calendar', months: 0, days: 0, minuteOfDay: 1110 }],
    ['7 days 10:00', { kind: 'calendar', months: 0, days: 7, minuteOfDay: 600 }],
    ['2 weeks 10:00', { kind: 'calendar', months: 0, days: 14, minuteOfDay: 600 }],
    ['1 month', { kind: 'calendar', months: 1, days: 0, minuteOfDay: null }],
    ['month', { kind: 'calendar', months: 1, days: 0, minuteOfDay: null }],
    ['month 10:00', { kind: 'calendar', months: 1, days: 0, minuteOfDay: 600 }],
    ['6 months 09:00', { kind: 'calendar', months: 6, days: 0, minuteOfDay: 540 }],
  ])('a step waits %s', (text, expected) => {
    expect(waitOf(text)).toEqual(expected)
  })

  test.each([
    ['a month', 'wrong-type'],
    ['7 days', 'wrong-type'],
    ['7', 'wrong-type'],
    ['next day', 'wrong-type'],
    ['next day 25:00', 'wrong-type'],
    ['400d', 'out-of-range'],
    ['13 months', 'out-of-range'],
    ['0 days 10:00', 'out-of-range'],
  ])('but not %s', (text, code) => {
    expect(codesOf({ steps: `  - { step: a, wait: ${text} }` })).toEqual([code])
  })

  test.each([
    ['skip', { kind: 'skip' }],
    ['leave', { kind: 'leave' }],
    [
      'wait 1d up to 7d',
      { kind: 'wait', everyMs: 86_400_000, upToMs: 7 * 86_400_000, afterwards: 'skip' },
    ],
    [
      'wait 2h up to 1d then leave',
      { kind: 'wait', everyMs: 7_200_000, upToMs: 86_400_000, afterwards: 'leave' },
    ],
  ])('what follows a false condition may be: %s', (text, expected) => {
    const steps = `  - { step: a, when: tags.has_pack, otherwise: ${text} }`
    expect(catalogOf({ steps }).journeys[0]!.steps[0]!.otherwise).toEqual(expected)
  })

  test.each([
    ['{ step: a, when: tags.has_pack, otherwise: skipp }', 'wrong-type'],
    ['{ step: a, when: tags.has_pack, otherwise: wait 1m up to 7d }', 'out-of-range'],
    ['{ step: a, when: tags.has_pack, otherwise: wait 2d up to 1d }', 'out-of-range'],
    ['{ step: a, otherwise: leave }', 'not-allowed'],
    ['{ step: a, message: Hello }', 'missing-key'],
    ['{ step: a, deliver: { channel: sms } }', 'missing-key'],
    ['{ step: a, priority: 3 }', 'not-allowed'],
    ['{ step: a, when: tags.has_pak }', 'unknown-tag'],
    ['{ step: a, when: 1 > 0 }', 'condition-constant'],
    ['{ step: a--b }', 'bad-name'],
    ['{ wait: 1d }', 'missing-key'],
    ['{ step: a, goto: b }', 'unknown-key'],
  ])('the step %s is refused', (step, code) => {
    expect(codesOf({ steps: `  - ${step}` })[0]).toBe(code)
  })

  test('is refused as a whole where names clash or there are too many', () => {
    const twice = '  - { step: a, wait: 1d }\n  - { step: a, wait: 1d }'
    expect(codesOf({ steps: twice })).toEqual(['duplicate'])
    const other = { 't.yaml': triggerText({ trigger: 'newcomer--hello' }) }
    expect(codesOf({}, other)).toEqual(['duplicate'])
    expect(codesOf({}, { 'k.yaml': journeyText() })).toEqual(['duplicate'])
    const many = Array.from({ length: 51 }, (_, index) => `  - { step: s${index}, wait: 1d }`)
    expect(codesOf({ steps: many.join('\n') })).toEqual(['too-many'])
    expect(codesOf({ steps: '  []' })).toEqual(['too-few'])
    expect(codesOf({ head: 'once: year' })).toEqual(['unknown-word'])
    expect(codesOf({ head: 'goal: 2 > 1' })).toEqual(['condition-constant'])
    expect(codesOf({ head: 'stay: 400d' })).toEqual(['out-of-range'])
  })

  test('the text of a step moves nobody, its wait does', () => {
    const shape = (step: string) => catalogOf({ steps: `  - ${step}` }).journeys[0]!.shape
    const plain = '{ step: a, wait: 1d, deliver: { channel: sms }, message: Hello }'
    expect(shape(plain.replace('Hello', 'Hi'))).toBe(shape(plain))
    expect(shape(plain.replace('1d', '2d'))).not.toBe(shape(plain))
  })
})
