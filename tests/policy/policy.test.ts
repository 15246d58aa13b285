import { expect, it } from 'vitest'
import { FEATURES, featuresWithout } from './features.ts'
import { runCase } from './run-case.ts'
import { addTally, emptyTally } from './tally.ts'

const CASES = 150
const SEED = Number(process.env.HIGHWATER_SEED ?? 4_000)

it(`decides random policies over random histories as the naive model does (seeds from ${SEED})`, () => {
  const tally = emptyTally()
  for (let seed = SEED; seed < SEED + CASES; seed++) {
    try {
      addTally(tally, runCase(seed, featuresWithout([])))
    } catch (error) {
      throw new Error(`npm run policy -- --case ${seed}`, { cause: error })
    }
  }
  // That the sample is about something: every part of the policy has had its say.
  expect(tally.deliveries).toBeGreaterThan(CASES)
  expect(tally.holdouts).toBeGreaterThan(CASES / 10)
  for (const reason of ['cap-trigger', 'cap-channel', 'cap-class', 'cap-global', 'outranked']) {
    expect(tally.suppressed[reason], reason).toBeGreaterThan(5)
  }
}, 60_000)

it('knows its features by name', () => {
  expect(featuresWithout(['sliding']).size).toBe(FEATURES.length - 1)
  expect(() => featuresWithout(['slding'])).toThrow('no feature "slding"')
})
