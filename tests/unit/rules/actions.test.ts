import { describe, expect, test } from 'vitest'
import {
  catalogWith,
  DECLARATIONS,
  filesWith,
  problemsOf,
  triggerText,
  triggerWith,
} from './config-texts.ts'

const TAGS = `${DECLARATIONS}segments: { active: { where: 'data.day > 0', keepPrevious: false } }\n`

/** Problems of one trigger with this action instead of its message. */
function problemsOfAction(action: string, more: Readonly<Record<string, string | null>> = {}) {
  const { places, texts } = problemsOf(filesWith({ message: null, action, ...more }))
  return { codes: places.map((place) => place.split(' ')[1]!), texts }
}

describe('an action', () => {
  test('stands in the place of a message', () => {
    const trigger = triggerWith({
      message: null,
      action: '{ credit: { amount: 2.5, unit: yuan } }',
    })
    expect(trigger).toMatchObject({
      action: { kind: 'credit', amount: 2.5, unit: 'yuan' },
      isIgnoringCaps: false,
      isCounted: true,
    })
  })

  test('on a tag takes nobody the place, unless it says so', () => {
    const set = { message: null, action: '{ tag: { set: has_pack } }' }
    expect(triggerWith(set)).toMatchObject({
      action: { kind: 'tag', tag: 'has_pack', value: true },
      isIgnoringCaps: true,
      isCounted: false,
    })
    const asked = { ...set, ignoresCaps: 'false', countsTowardCaps: 'true' }
    expect(triggerWith(asked)).toMatchObject({ isIgnoringCaps: false, isCounted: true })
    expect(triggerWith({ message: null, action: '{ tag: { clear: has_pack } }' })).toMatchObject({
      action: { kind: 'tag', tag: 'has_pack', value: false },
    })
  })

  test.each([
    ['{ credit: { amount: 2, unit: yuan } }', { message: 'Hello' }, 'contradiction'],
    ['{}', {}, 'contradiction'],
    ['{ credit: { amount: 2, unit: yuan }, tag: { set: has_pack } }', {}, 'contradiction'],
    ['{ tag: { set: has_pack, clear: has_pack } }', {}, 'contradiction'],
    ['{ tag: {} }', {}, 'contradiction'],
    ['{ credit: { amount: 0, unit: yuan } }', {}, 'out-of-range'],
    ['{ credit: { amount: 1000001, unit: yuan } }', {}, 'out-of-range'],
    ['{ credit: { amount: 0.00001, unit: yuan } }', {}, 'out-of-range'],
    ['{ credit: { amount: 2 } }', {}, 'missing-key'],
    ['{ credit: { amount: 2, unit: two words } }', {}, 'bad-name'],
    ['{ tag: { set: seed } }', {}, 'versioned'],
    ['{ tag: { set: has_pak } }', {}, 'unknown-tag'],
    ['{ tag: { give: has_pack } }', {}, 'unknown-key'],
  ])('%s with %j is refused', (action, more, code) => {
    expect(problemsOfAction(action, more).codes).toContain(code)
  })

  test('names the tag that was probably meant', () => {
    expect(problemsOfAction('{ tag: { set: has_pak } }').texts).toEqual([
      'there is no tag "has_pak" | did you mean "has_pack"?',
    ])
  })

  test('or a message must be there', () => {
    const { places, texts } = problemsOf(filesWith({ message: null }))
    expect(places).toEqual(['triggers/t.yaml:1:1 missing-key'])
    expect(texts[0]).toContain('"message" or the key "action"')
  })

  test('cannot set the tag of a segment', () => {
    const files = {
      'a.yaml': TAGS.replace(
        ', keepPrevious: false',
        ", schedule: 'monthly on 10 at 02:00', top: 20 %, score: data.day",
      ),
      't.yaml': triggerText({ message: null, action: '{ tag: { set: active } }' }),
    }
    expect(problemsOf(files).places.join()).toContain('versioned')
  })
})

describe('actions that set each other off', () => {
  const set = (id: string, when: string, action: string) =>
    triggerText({ trigger: id, when, once: 'day', message: null, action })
  const declared = 'tags: { a: {}, b: {}, c: {} }\ncounters: { data: { sum: bytes, per: [day] } }\n'
  const problems = (...triggers: string[]) =>
    problemsOf({
      'a.yaml': declared,
      ...Object.fromEntries(triggers.map((text, index) => [`t${index}.yaml`, text])),
    })

  test('are refused where the circle closes', () => {
    const { places, texts } = problems(
      set('one', 'tags.a', '{ tag: { set: b } }'),
      set('two', 'tags.b && data.day > 3', '{ tag: { clear: c } }'),
      set('three', '"!tags.c"', '{ tag: { set: a } }'),
    )
    expect(places).toEqual(['t2.yaml:5:9 circular'])
    expect(texts[0]).toContain('trigger one → trigger two → trigger three → trigger one')
  })

  test('are fine where the tag stops what set it', () => {
    const reward = set('reward', 'data.day > 3 && !tags.a', '{ tag: { set: a } }')
    expect(problems(reward).places).toEqual([])
    const own = set('own', 'data.day > 3 || tags.a', '{ tag: { set: a } }')
    expect(problems(own).places).toEqual(['t0.yaml:5:9 circular'])
  })

  test('are found through journeys, too', () => {
    const journey = [
      'journey: walk',
      'enter: tags.a',
      'steps:',
      '  - step: first',
      '    wait: 1d',
      '    deliver: { channel: internal }',
      '    action: { tag: { set: b } }',
      '',
    ].join('\n')
    const { texts } = problems(journey, set('two', 'tags.b', '{ tag: { set: a } }'))
    expect(texts[0]).toContain('trigger two → journey walk → trigger two')
  })

  test('a declared catalog keeps the action as it is written', () => {
    const parts = { message: null, action: '{ credit: { amount: 2, unit: yuan } }' }
    expect(Object.isFrozen(catalogWith(parts).triggers[0]!.action)).toBe(true)
  })
})
