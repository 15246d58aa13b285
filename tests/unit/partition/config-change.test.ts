import { expect, test } from 'vitest'
import { ConfigInvalidError } from '../../../src/errors.ts'
import { parseForGenesis } from '../../../src/partition/config-change.ts'

const counting = (count: number) => {
  const windows = 'hour, day, week, month, cycle, last 92 days, last 168 hours, lifetime'
  const lines = Array.from(
    { length: count },
    (_, index) => `  c${index}: { count: records, per: [${windows}] }\n`,
  )
  return { 'a.yaml': `counters:\n${lines.join('')}` }
}

test('a configuration whose rows would be too long is refused before anything begins with it', () => {
  expect(parseForGenesis(counting(5)).catalog.counters).toHaveLength(5)
  try {
    parseForGenesis(counting(10))
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigInvalidError)
    expect((error as Error).message).toContain('16384 bytes')
    expect((error as Error).message).toContain('fewer counters')
  }
})
