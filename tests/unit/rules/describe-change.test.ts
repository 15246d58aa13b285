import { describe, expect, test } from 'vitest'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { describeChange } from '../../../src/rules/describe-change.ts'
import { DECLARATIONS, triggerText } from './config-texts.ts'

const base = { 'a.yaml': DECLARATIONS, 't.yaml': triggerText() }

/** What a reload from the base to the base with edited texts says. */
function changeOf(edit: (text: string) => string, trigger = triggerText()): string[] {
  const next = { 'a.yaml': edit(DECLARATIONS), 't.yaml': trigger }
  return describeChange(parseCatalog(base).catalog, parseCatalog(next).catalog)
}

const same = (text: string): string => text

test('nothing is said of what means the same', () => {
  expect(changeOf(same)).toEqual([])
  const when = "'data.day>=500*KiB'"
  expect(
    changeOf((text) => text.replace("'kind == data'", "'(kind)==data'"), triggerText({ when })),
  ).toEqual([])
})

describe('counters', () => {
  test('that count something else start anew', () => {
    expect(changeOf((text) => text.replace('kind == data', 'kind == voice'))).toEqual([
      'counter data counts something else now, so it is a new counter: ' +
        'per hour wait-for-period (the running hour counts from now on only), ' +
        'per day wait-for-period (the running day counts from now on only), ' +
        'per month wait-for-period (the running month counts from now on only), ' +
        'last_7_days start-empty, lifetime start-empty',
      '1 counter unchanged: values kept',
    ])
  })

  test('that are new start empty, those removed lose their values', () => {
    const renamed = (text: string) => text.replace('  ott: {', '  ott2: {')
    expect(changeOf(renamed)).toEqual([
      'counter ott2 is new: per month wait-for-period (the running month counts from now on only)',
      'counter ott is removed, and its values with it',
      '1 counter unchanged: values kept',
    ])
  })

  test('that get or lose counter windows keep the values of the others', () => {
    const edit = (text: string) =>
      text
        .replace('per: [month], keep: 2', 'per: [month, last 3 days], keep: 3')
        .replace(', lifetime]', ']')
    expect(changeOf(edit)).toEqual([
      'counter data keeps its values; no longer kept: lifetime',
      'counter ott keeps its values; new: last_3_days start-empty; ' +
        '3 past periods kept instead of 2, which fill up as periods end',
    ])
  })
})

test('tags and fields that come, go or change are named', () => {
  const edit = (text: string) =>
    text.replace('has_pack: {}', 'had_pack: {}').replace('words: [a, b]', 'words: [b, a]')
  expect(changeOf(edit)).toEqual([
    'tag had_pack is new: nobody has it yet',
    'tag has_pack is removed, and its values with it',
    'field grade is declared differently now',
  ])
})

describe('triggers', () => {
  test('that fire on something else say what happens to those above the line', () => {
    expect(changeOf(same, triggerText({ when: 'data.day >= 3' }))).toEqual([
      'trigger data-pack fires on something else now; those who are already above the line do not fire until the next period',
    ])
    expect(changeOf(same, triggerText({ late: 'fire', reload: 'fire-existing' }))).toEqual([
      'trigger data-pack fires on something else now; it also fires for those who are already above the line',
    ])
  })

  test('whose delivery is edited keep their line', () => {
    const edited = triggerText({
      message: 'Other',
      cap: '1 ever',
      deliver: '{ channel: wap, at: after 1h }',
    })
    expect(changeOf(same, edited)).toEqual([
      'trigger data-pack is edited: message, channel, moment of delivery, cap',
    ])
  })

  test('that come and go are named', () => {
    expect(changeOf(same, triggerText({ trigger: 'other' }))).toEqual([
      'trigger other is new; those who are already above the line do not fire until the next period',
      'trigger data-pack is removed: what it has pending is not sent',
    ])
  })
})

test('bounds of time that change are named', () => {
  expect(changeOf((text) => `${text}\nlateness: 1d\nearliness: 1m\n`)).toEqual([
    'the lateness is changed',
    'the earliness is changed',
  ])
})

test('a parameter counts where it is used', () => {
  expect(changeOf((text) => text.replace('share: 0.8', 'share: 0.9'))).toEqual([])
  expect(changeOf((text) => text.replace('line: 500 KiB', 'line: 600 KiB'))).toEqual([
    'trigger data-pack fires on something else now; those who are already above the line do not fire until the next period',
  ])
})
