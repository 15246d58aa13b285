import { expect, test } from 'vitest'
import { FAMILIES } from '../../faults/families.ts'
import type { EpisodeResult } from '../../faults/family.ts'
import { isRed, jsonLines, markdownTable, quantile, sumUp, withTable } from '../../faults/table.ts'

const CLEAN: EpisodeResult = {
  runs: 2,
  deliveriesCompared: 1_500,
  lost: 0,
  duplicated: 0,
  haltedCleanly: 1,
  recoverySeconds: [1, 3],
  failures: [],
}

test('episodes of a fault add up', () => {
  const row = sumUp('zombie', 4, [CLEAN, { ...CLEAN, recoverySeconds: [2] }], null)
  expect(row).toMatchObject({ runs: 4, deliveriesCompared: 3_000, haltedCleanly: 2, failures: 0 })
  expect(row.recoverySeconds).toEqual([1, 3, 2])
  expect(isRed(row)).toBe(false)
})

test.each([{ lost: 1 }, { duplicated: 1 }, { failures: ['a halt'] }])(
  'a fault with %o is red',
  (change) => {
    expect(isRed(sumUp('zombie', 4, [CLEAN, { ...CLEAN, ...change }], null))).toBe(true)
  },
)

test('one object per fault, with these keys and no others', () => {
  const [line] = jsonLines([sumUp('zombie', 2, [CLEAN], null)])
  expect(JSON.parse(line!)).toEqual({
    fault: 'zombie',
    runs: 2,
    deliveries_compared: 1_500,
    lost: 0,
    duplicated: 0,
    halted_cleanly: 1,
    recovery_seconds_p99: 3,
    failures: 0,
  })
})

test('the table ends with sums, says what is unfinished, and names what was not played', () => {
  const table = markdownTable([
    sumUp('zombie', 4, [CLEAN], null),
    sumUp('link-cut', 2, [{ ...CLEAN, failures: ['stuck'] }], null),
    sumUp('disk-full', 50, [], 'it needs root'),
  ])
  const lines = table.split('\n')
  expect(lines[2]).toMatch(/^\| zombie +\| 2 of 4 \| +1,500 \|/)
  expect(lines[3]).toMatch(/^\| link-cut \(1 failures\) \| +2 \|/)
  expect(lines[4]).toMatch(/^\| all \(1 failures\) +\| 4 of 6 \| +3,000 \|/)
  expect(lines.at(-1)).toBe('Not played here: disk-full: it needs root')
})

test('a quantile is one of the values, or nothing', () => {
  expect(quantile([], 0.5)).toBe(null)
  expect(quantile([5, 1, 3], 0.5)).toBe(3)
  expect(quantile([5, 1, 3], 0.99)).toBe(5)
  expect(quantile([0.12345], 0.99)).toBe(0.123)
})

test('the table takes the place of the old one, and needs its marks', () => {
  const mark = '<!-- faults-table -->'
  const text = `before\n${mark}\nold\n${mark}\nafter`
  expect(withTable(text, 'new')).toBe(`before\n${mark}\n\nnew\n\n${mark}\nafter`)
  expect(() => withTable('before\nafter', 'new')).toThrow('twice')
})

test('families have names of their own, and an episode has at most all of their runs', () => {
  const names = FAMILIES.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { name, runs, runsPerEpisode } of FAMILIES) {
    expect(name).toMatch(/^[a-z][a-z-]*$/)
    expect(runsPerEpisode).toBeLessThanOrEqual(runs)
  }
})
