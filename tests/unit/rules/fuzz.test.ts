import { expect, test } from 'vitest'
import { ConfigInvalidError } from '../../../src/errors.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { DECLARATIONS, triggerText } from './config-texts.ts'

const SEED = 7_140_926

const TEXT =
  `${DECLARATIONS}---\n` +
  triggerText({
    when: '"data.day >= 500 * KiB && tags.seed && fields.plan in [\\"gold\\"] || has(fields.plan)"',
    deliver:
      "{ channel: sms, at: next day 12:00, contactWindow: { from: '09:00', to: '21:00', outside: defer } }",
    cap: '[1 per month, 1 ever]',
    cancelWhen: '|\n  tags.has_pack\n  && previous(ott.month) > 1',
    validity: '{ from: 2026-11-01T00:00:00+08:00 }',
  })

/** What a slip of the hand, or malice, puts into a text. */
const SNIPPETS = [
  ...'{}[]:,-?|>&*!%@`"\'#\n\t\\.~<=+/() ',
  '  ',
  '\n---\n',
  '__proto__',
  '<<: *a',
  'null',
  '!!str ',
  '金',
  '\u0000',
  '\ufeff',
  '1e999',
  'in [',
  'matches(',
]

test('whatever is done to a text, it is read or refused with places inside it', () => {
  let state = SEED
  const random = (below: number): number => {
    // The high bits of a linear congruential generator; seeded, so that a failure can be repeated.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  let refusedCount = 0
  for (let round = 0; round < 600; round++) {
    let text = TEXT
    for (let edits = 1 + random(3); edits > 0; edits--) {
      const start = random(text.length)
      const end = start + (random(2) === 0 ? 0 : random(12))
      text = text.slice(0, start) + SNIPPETS[random(SNIPPETS.length)] + text.slice(end)
    }
    try {
      parseCatalog({ 'a.yaml': text })
    } catch (error) {
      if (!(error instanceof ConfigInvalidError)) {
        throw new Error(`seed ${SEED}, round ${round}: ${JSON.stringify(text)}`, { cause: error })
      }
      refusedCount++
      const lines = text.split('\n')
      expect(error.problems.length).toBeGreaterThan(0)
      for (const { line, column } of error.problems) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lines.length)
        expect(column).toBeGreaterThanOrEqual(1)
        expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1)
      }
    }
  }
  expect(refusedCount).toBeGreaterThan(300)
})
