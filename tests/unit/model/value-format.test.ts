import { describe, expect, it, test } from 'vitest'
import {
  formatValue,
  parseNumberFormat,
  parsePattern,
  type ValueFormat,
  widestTexts,
} from '../../../src/model/value-format.ts'
import { Random } from '../../support/workload/random.ts'

const ANY = { isSigned: true, measures: null } as const

function numberFormat(text: string | null, traits: Parameters<typeof parseNumberFormat>[1] = ANY) {
  const format = parseNumberFormat(text, traits)
  if ('message' in format) throw new Error(format.message)
  return format
}

function pattern(kind: 'date' | 'time', text: string | null): ValueFormat {
  const format = parsePattern(kind, text)
  if ('message' in format) throw new Error(format.message)
  return format
}

const MIB = 1024 ** 2
const HOUR_MS = 3_600_000

describe('a number', () => {
  test.each([
    [null, 0, '0'],
    [null, -0.001, '0'],
    [null, 1 / 3, '0.33'],
    [null, 0.1 + 0.2, '0.3'],
    [null, 1200, '1200'],
    [null, 10.5, '10.5'],
    [null, -2.5, '-2.5'],
    [null, 999_999_999_999_999, '999999999999999'],
    [null, 1e15, null],
    [null, 999_999_999_999_999.9, null],
    [null, Number.NaN, null],
    [null, Number.POSITIVE_INFINITY, null],
    ['.0', 2.5, '3'],
    ['.0', -0.4, '0'],
    ['.2', 5, '5.00'],
    ['.2', -0.004, '0.00'],
    ['.3', 1.0005, '1.000'],
    ['MiB', 1.5 * MIB, '1.5'],
    ['MiB .0', 1.4 * MIB, '1'],
    ['MB .1 max 99', 99_949_999, '99.9'],
    ['MB .0 max 99', 99_500_000, null],
    ['max 99', 99.99, '99.99'],
    ['max 99', 99.999, null],
    ['max 99', 100, null],
    ['h .1', 1.55 * HOUR_MS, '1.6'],
    ['d', 36 * HOUR_MS, '1.5'],
    ['h:mm', 65 * 60_000 + 59_999, '1:05'],
    ['h:mm', 9_999 * HOUR_MS, '9999:00'],
    ['h:mm', 10_000 * HOUR_MS, null],
    ['h:mm', -1, null],
  ])('%s of %d is %s', (format, value, text) => {
    expect(formatValue(numberFormat(format), value, 0)).toBe(text)
  })

  it('that cannot be below zero is missing there', () => {
    const format = numberFormat(null, { isSigned: false, measures: 'bytes' })
    expect(formatValue(format, -1, 0)).toBe(null)
  })
})

describe('a date or a time', () => {
  const day = Date.UTC(2026, 11, 1) / 86_400_000
  const noonMs = Date.UTC(2026, 10, 20, 4, 5)
  test.each([
    [null, '2026-12-01'],
    ['D.M.YY', '1.12.26'],
    ['DD/MM/YYYY', '01/12/2026'],
    ['YYYY年M月D日', '2026年12月1日'],
  ])('the date %s', (format, text) => {
    expect(formatValue(pattern('date', format), day, 0)).toBe(text)
  })

  test.each([
    [null, 8, '2026-11-20 12:05'],
    ['H:mm', -5, '23:05'],
    ['M-D HH', 0, '11-20 04'],
  ])('the time %s at UTC%+d', (format, hours, text) => {
    expect(formatValue(pattern('time', format), noonMs, hours * HOUR_MS)).toBe(text)
  })

  it('that never was, or lies beyond all calendars, is missing', () => {
    expect(formatValue(pattern('time', null), 0, 8 * HOUR_MS)).toBe(null)
    for (const value of [-1e6, 1e7, 1e12, Number.NaN]) {
      expect(formatValue(pattern('date', null), value, 0)).toBe(null)
    }
  })
})

it('a word is shown as it is; a code that has none is missing', () => {
  const format: ValueFormat = { kind: 'word', words: ['gold', '金卡'] }
  expect([0, 1, 2, -1, 0.5].map((code) => formatValue(format, code, 0))).toEqual([
    ...['gold', '金卡', null, null, null],
  ])
})

const SEED = Number(process.env.HIGHWATER_SEED ?? 7)

test(`nothing is longer than the widest text, seed ${SEED}`, () => {
  const random = new Random(SEED)
  for (let round = 0; round < 5000; round++) {
    const words = [random.pick(['', 'MiB', 'kB', 'h']), random.pick(['', '.0', '.3', '.6'])]
    words.push(random.pick(['', 'max 9', 'max 1000', 'max 54321']))
    const isSigned = random.chance(0.5)
    const formats = [
      numberFormat(words.join(' ').trim() || null, { isSigned, measures: null }),
      numberFormat('h:mm'),
      pattern('date', random.pick(['D.M.', 'YYYY-MM-DD'])),
      pattern('time', random.pick(['H:mm', 'D.M. HH:mm'])),
    ]
    const value = (random.chance(0.5) ? -1 : 1) * 10 ** random.whole(-3, 17) * random.whole(1, 99)
    for (const format of formats) {
      const text = formatValue(format, value, 0)
      if (text === null) continue
      const widest = Math.max(...widestTexts(format).map(({ length }) => length))
      expect([text, text.length <= widest]).toEqual([text, true])
    }
  }
})
