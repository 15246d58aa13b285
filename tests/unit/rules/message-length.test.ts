import { describe, expect, it } from 'vitest'
import { renderMessage } from '../../../src/decision/message.ts'
import type { MessageText, Placeholder } from '../../../src/model/message.ts'
import { smsLength } from '../../../src/model/sms.ts'
import type { ValueFormat } from '../../../src/model/value-format.ts'
import { worstCaseOf } from '../../../src/rules/message-length.ts'
import { Random } from '../../support/workload/random.ts'

const place = (name: string, format: ValueFormat): Placeholder => ({
  name,
  expression: { kind: 'field', field: name },
  fields: [name],
  format,
})
const words = (...each: string[]): ValueFormat => ({ kind: 'word', words: each })
const number = (max: number): ValueFormat => ({
  ...{ kind: 'number', unit: 1, decimals: 0, isTrimmed: false, max, isSigned: false },
})
const textOf = (...parts: MessageText['parts']): MessageText => ({
  ...{ language: null, source: '', parts },
})

describe('the worst case', () => {
  it('has the longest word and the largest number', () => {
    const text = textOf(
      'a'.repeat(150),
      place('plan', words('x', 'gold')),
      place('n', number(9999)),
    )
    expect(worstCaseOf(text)).toEqual({
      segments: 1,
      encoding: 'GSM-7',
      units: 158,
      values: ['plan = "gold"', 'n = 9999'],
    })
  })

  it('is that of the one word that turns the text into UCS-2', () => {
    const text = textOf('a'.repeat(75), place('plan', words('金', 'platinum')))
    expect(worstCaseOf(text)).toEqual({
      segments: 2,
      encoding: 'UCS-2',
      units: 76,
      values: ['plan = "金"'],
    })
  })

  it('has one foreign word, and else the longest ones', () => {
    const mixed = words('gold', '金')
    const text = textOf('a'.repeat(63), place('one', mixed), place('two', mixed))
    expect(worstCaseOf(text)).toMatchObject({ segments: 1, encoding: 'GSM-7', units: 71 })
    const longer = textOf('a'.repeat(66), place('one', mixed), place('two', mixed))
    expect(worstCaseOf(longer)).toMatchObject({
      ...{ segments: 2, encoding: 'UCS-2', units: 71, values: ['one = "金"', 'two = "gold"'] },
    })
  })
})

const SEED = Number(process.env.HIGHWATER_SEED ?? 3)

it(`nothing that is rendered takes more, seed ${SEED}`, () => {
  const random = new Random(SEED)
  let reachedCount = 0
  for (let round = 0; round < 1500; round++) {
    const letters = [...random.pick(['ab', 'a€', '€', '流', 'a流', '😀', 'a😀'])]
    const write = (length: number): string =>
      Array.from({ length }, () => random.pick(letters)).join('')
    const parts: (string | Placeholder)[] = []
    const lists: string[][] = []
    for (let i = 0; i < random.whole(1, 3); i++) {
      parts.push(write(random.pick([0, 10, 60, 66, 70, 76, 100, 150, 160])))
      const list = Array.from({ length: random.whole(1, 4) }, () => {
        return random.chance(0.7) ? 'x'.repeat(random.whole(1, 9)) : write(random.whole(1, 12))
      })
      parts.push(place(`f${lists.length}`, words(...list)))
      lists.push(list)
    }
    const text = textOf(...parts)
    const worst = worstCaseOf(text)
    const spec = {
      languageField: null,
      texts: [text],
      textOfCode: [],
      defaultText: 0,
      isPersonal: true,
    }
    for (let draw = 0; draw < 10; draw++) {
      const codes = lists.map((list) => random.whole(0, list.length - 1))
      const rendering = renderMessage(spec, {
        has: () => true,
        field: () => 0,
        measure: (node) => (node.kind === 'field' ? codes[Number(node.field.slice(1))]! : 0),
        offsetAt: () => 0,
      })
      if (rendering.kind !== 'whole') throw new Error('a value is missing')
      const { segments } = smsLength(rendering.text)
      if (segments > worst.segments) throw new Error(`round ${round}: ${rendering.text}`)
      if (segments === worst.segments) reachedCount += 1
    }
  }
  // The bound is not merely large.
  expect(reachedCount).toBeGreaterThan(10_000)
})
