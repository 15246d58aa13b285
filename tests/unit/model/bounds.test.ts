import { describe, expect, it } from 'vitest'
import { necessaryParts, nextDouble, valueKey } from '../../../src/model/bounds.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'

const COUNTERS = `
tags: { seed: {}, has_pack: {} }
fields: { fee: { type: number } }
counters: { a: { sum: bytes, per: [day, month], keep: 1 } }
`

/** What is said of a condition: intervals by value, how many guards, whether that is all. */
function partsOf(when: string): string {
  const { triggers } = parseCatalog({
    'counters.yaml': COUNTERS,
    'triggers/t.yaml': `trigger: t\nwhen: '${when}'\nonce: day\ndeliver: { channel: sms }\nmessage: x\n`,
  }).catalog
  const { bounds, guards, isWhole } = necessaryParts(triggers[0]!.when)
  const intervals = [...bounds.values()].map(
    (bound) => `${valueKey(bound.value).replaceAll('"', '')} ${bound.from} to ${bound.to}`,
  )
  return [...intervals, `${guards.length} guards`, ...(isWhole ? ['whole'] : [])].join(', ')
}

describe('necessary parts of a condition', () => {
  it.each([
    ['a.day >= 5', '[a,day,0] 5 to Infinity, 0 guards, whole'],
    ['5 <= a.day && a.day < 9', '[a,day,0] 5 to 9, 0 guards, whole'],
    ['a.day == 0', '[a,day,0] 0 to 5e-324, 0 guards, whole'],
    ['a.day >= 5 && tags.seed && !tags.has_pack', '[a,day,0] 5 to Infinity, 2 guards, whole'],
    [
      'previous(a.day) < 3 && a.day >= 5 && fields.fee >= 2',
      '[a,day,1] -Infinity to 3, [a,day,0] 5 to Infinity, [fee] 2 to Infinity, 0 guards, whole',
    ],
    ['a.day >= 5 || a.day >= 3 && tags.seed', '[a,day,0] 3 to Infinity, 0 guards'],
    ['a.day >= 5 || a.month >= 3', '0 guards'],
    ['a.day >= 5 || a.day < 9', '0 guards'],
    ['!(a.day >= 5) && tags.seed', '1 guards'],
    ['a.day != 5 && tags.seed', '1 guards'],
    ['a.day > 2 * previous(a.day) && a.day >= 7', '[a,day,0] 7 to Infinity, 0 guards'],
    ['a.month >= 3 && (tags.seed || lists.red)', '[a,month,0] 3 to Infinity, 1 guards, whole'],
  ])('%s', (when, expected) => {
    expect(partsOf(when)).toBe(expected)
  })

  it('end at the next double where a line itself does not count', () => {
    for (const value of [0, -0, 1, -1, 1e300, 5e-324, -5e-324, 1 / 3]) {
      expect(nextDouble(value)).toBeGreaterThan(value)
      expect(value + (nextDouble(value) - value) / 2).toBeOneOf([value, nextDouble(value), 0])
    }
    expect(partsOf('a.day > 4')).toBe(`[a,day,0] ${nextDouble(4)} to Infinity, 0 guards, whole`)
  })
})
