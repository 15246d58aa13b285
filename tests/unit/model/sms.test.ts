import { describe, expect, it } from 'vitest'
import { septetsOf, smsLength } from '../../../src/model/sms.ts'
import { Random } from '../../support/workload/random.ts'

describe('a text as SMS', () => {
  it.each([
    ['', 'GSM-7', 0, 1],
    ['a'.repeat(160), 'GSM-7', 160, 1],
    ['a'.repeat(161), 'GSM-7', 161, 2],
    ['a'.repeat(306), 'GSM-7', 306, 2],
    ['a'.repeat(307), 'GSM-7', 307, 3],
    // The euro sign takes two septets: an escape and itself.
    ['€'.repeat(80), 'GSM-7', 160, 1],
    [`${'€'.repeat(80)}a`, 'GSM-7', 161, 2],
    // Not torn: 153 is odd, so 76 of them go into a part.
    ['€'.repeat(152), 'GSM-7', 304, 2],
    ['€'.repeat(153), 'GSM-7', 306, 3],
    [`${'a'.repeat(152)}€${'a'.repeat(151)}`, 'GSM-7', 305, 2],
    [`${'a'.repeat(152)}€${'a'.repeat(152)}`, 'GSM-7', 306, 3],
    ['流'.repeat(70), 'UCS-2', 70, 1],
    ['流'.repeat(71), 'UCS-2', 71, 2],
    ['流'.repeat(103), 'UCS-2', 103, 2],
    ['流'.repeat(134), 'UCS-2', 134, 2],
    ['流'.repeat(135), 'UCS-2', 135, 3],
    // One foreign character makes all of them UCS-2.
    [`${'a'.repeat(70)}ç`, 'UCS-2', 71, 2],
    ['😀'.repeat(35), 'UCS-2', 70, 1],
    ['😀'.repeat(36), 'UCS-2', 72, 2],
    // 67 is odd: a pair that does not fit begins the next part.
    ['😀'.repeat(66), 'UCS-2', 132, 2],
    ['😀'.repeat(67), 'UCS-2', 134, 3],
  ] as const)('%#: %.10s', (text, encoding, units, segments) => {
    expect(smsLength(text)).toEqual({ encoding, units, segments })
  })

  it('knows the alphabet of 3GPP TS 23.038', () => {
    expect(septetsOf('ÅåÆæßÉØøÄÖÑÜäöñüàèéùìòÇ£¥¡¿§¤ΔΦΓΛΩΠΨΣΘΞ\n\r@$_')).toBe(44)
    expect(septetsOf('^{}\\[~]|€\f')).toBe(20)
    // The apostrophe of typesetters, a tabulator, a small cedilla and a backtick are not in it.
    for (const text of ['’', '\t', 'ç', '`', 'á', '\u001b']) expect(septetsOf(text)).toBe(null)
  })
})

/** Segments as a phone joins them: characters are put into parts one by one. */
function naiveSegments(text: string): number {
  const characters = [...text]
  const sizes = characters.map((character) => septetsOf(character))
  const isGsm = !sizes.includes(null)
  const lengths = characters.map((character, i) => (isGsm ? sizes[i]! : character.length))
  const total = lengths.reduce((sum, length) => sum + length, 0)
  if (total <= (isGsm ? 160 : 70)) return 1
  const parts: number[] = [0]
  for (const length of lengths) {
    if (parts.at(-1)! + length > (isGsm ? 153 : 67)) parts.push(0)
    parts[parts.length - 1]! += length
  }
  return parts.length
}

const SEED = Number(process.env.HIGHWATER_SEED ?? 5)

it(`segments are those of a naive count, seed ${SEED}`, () => {
  const random = new Random(SEED)
  const alphabets = ['ab 1', 'ab€[', '流a', '😀a流', 'ç', 'aé€\n']
  for (let round = 0; round < 2000; round++) {
    const letters = [...random.pick(alphabets)]
    const count = random.pick([0, 1, 35, 69, 70, 71, 134, 152, 153, 160, 161, 306, 307, 900])
    const length = Math.max(0, count + random.whole(-2, 2))
    const text = Array.from({ length }, () => random.pick(letters)).join('')
    expect([round, smsLength(text).segments]).toEqual([round, naiveSegments(text)])
  }
})
