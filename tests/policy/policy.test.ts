import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { FEATURES, featuresWithout } from './features.ts'
import type { RunTally } from './tally.ts'

const CASES = 40
const SEED = process.env.HIGHWATER_SEED ?? '4000'
const REASONS = [
  'cap-trigger',
  'cap-channel',
  'cap-class',
  'cap-global',
  'outranked',
  'capacity',
  'cancelled-by-operator',
]
const MAIN = join(import.meta.dirname, 'main.ts')

it(`decides random policies over random histories as the naive model does (seeds from ${SEED})`, async () => {
  // In a process of its own: the flags that make machines cheap are those of the command.
  const args = [MAIN, '--cases', String(CASES), '--seed', SEED, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const tally = JSON.parse(stdout) as RunTally & { readonly failed: readonly unknown[] }
  expect(tally.failed).toEqual([])
  expect(tally.cases).toBe(CASES)
  // That the sample is about something: every part of the policy has had its say.
  expect(tally.deliveries).toBeGreaterThan(CASES * 2)
  expect(tally.holdouts).toBeGreaterThan(CASES / 10)
  for (const reason of REASONS) expect(tally.suppressed[reason], reason).toBeGreaterThan(0)
}, 120_000)

it('knows its features by name', () => {
  expect(featuresWithout(['sliding']).size).toBe(FEATURES.length - 1)
  expect(() => featuresWithout(['slding'])).toThrow('no feature "slding"')
})
