import { expect, test } from 'vitest'
import { SubjectTexts } from '../../../src/source/subject-texts.ts'

const encoder = new TextEncoder()
const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

test('gives each subject its own text, however many there are', () => {
  const texts = new SubjectTexts()
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 3_000; i++) {
      const subject = `usage.${i % 16}.probe-${i}`
      const bytes = encoder.encode(`<${subject}>`)
      expect(texts.textOf(viewOf(bytes), 1, bytes.length - 1)).toBe(subject)
    }
  }
})

test('reads what is not ASCII, and keeps no hold on the bytes it was read from', () => {
  const texts = new SubjectTexts()
  const bytes = encoder.encode('usage.0.søndag')
  expect(texts.textOf(viewOf(bytes), 0, bytes.length)).toBe('usage.0.søndag')
  bytes.fill(0x61)
  expect(texts.textOf(viewOf(encoder.encode('usage.0.søndag')), 0, 15)).toBe('usage.0.søndag')
  expect(texts.textOf(viewOf(bytes), 0, 3)).toBe('aaa')
})

test('tells subjects apart that differ in one letter anywhere, or in their length', () => {
  const texts = new SubjectTexts()
  const subject = 'usage.0.probe-11'
  const others = Array.from(subject, (_, i) => `${subject.slice(0, i)}x${subject.slice(i + 1)}`)
  const prefixes = Array.from(subject, (_, i) => subject.slice(0, i + 1))
  for (let round = 0; round < 2; round++) {
    for (const each of [subject, ...others, ...prefixes]) {
      const bytes = encoder.encode(`....${each}`)
      expect(texts.textOf(viewOf(bytes.subarray(4)), 0, each.length)).toBe(each)
    }
  }
})
