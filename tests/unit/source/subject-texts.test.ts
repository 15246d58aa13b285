import { expect, test } from 'vitest'
import { SubjectTexts } from '../../../src/source/subject-texts.ts'

const encoder = new TextEncoder()

test('gives each subject its own text, however many there are', () => {
  const texts = new SubjectTexts()
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 3_000; i++) {
      const subject = `usage.${i % 16}.probe-${i}`
      const bytes = encoder.encode(`<${subject}>`)
      expect(texts.textOf(bytes, 1, bytes.length - 1)).toBe(subject)
    }
  }
})

test('reads what is not ASCII, and keeps no hold on the bytes it was read from', () => {
  const texts = new SubjectTexts()
  const bytes = encoder.encode('usage.0.søndag')
  expect(texts.textOf(bytes, 0, bytes.length)).toBe('usage.0.søndag')
  bytes.fill(0x61)
  expect(texts.textOf(encoder.encode('usage.0.søndag'), 0, 15)).toBe('usage.0.søndag')
  expect(texts.textOf(bytes, 0, 3)).toBe('aaa')
})
