import { expect, test } from 'vitest'
import { parseSubject } from '../../../src/decode/subject.ts'

test.each([
  ['usage.0.probe-1', { kind: 'usage', partition: 0, producer: 'probe-1' }],
  ['profile.63.CRM_2', { kind: 'profile', partition: 63, producer: 'CRM_2' }],
  ['feedback.4095.g', { kind: 'feedback', partition: 4095, producer: 'g' }],
  ['control.7', { kind: 'control', partition: 7 }],
])('%s is understood', (subject, expected) => {
  expect(parseSubject(subject)).toEqual(expected)
  expect(parseSubject(subject)).toEqual(expected)
})

test.each([
  '',
  'usage',
  'usage.1',
  'usage.1.',
  'usage.1.a.b',
  'usage.01.a',
  'usage.-1.a',
  'usage.4096.a',
  'usage.1e1.a',
  'usage.1.a b',
  `usage.1.${'a'.repeat(65)}`,
  'control',
  'control.1.a',
  'control.x',
  'out.1',
  'toString.1.a',
])('%j is not', (subject) => {
  expect(parseSubject(subject)).toBe(null)
})

test('more subjects than are remembered are still understood', () => {
  for (let i = 0; i < 10_000; i++) {
    expect(parseSubject(`usage.1.probe-${i}`)).toEqual({
      kind: 'usage',
      partition: 1,
      producer: `probe-${i}`,
    })
  }
})
