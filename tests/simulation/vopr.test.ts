/**
 * The simulation, as far as `npm test` has time for it; `npm run vopr` runs thousands of seeds.
 */

import { expect, it } from 'vitest'
import { runSeed } from './run-seed.ts'
import { SABOTAGES } from './sabotage.ts'
import { addReport, emptyTotals, replayCommand } from './totals.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 1)
const SEEDS = 48
const SABOTAGE_SEEDS = 60

it('partitions under faults decide what an undisturbed one does, and the naive model', async () => {
  console.log(`seeds ${SEED} to ${SEED + SEEDS - 1} (HIGHWATER_SEED chooses others)`)
  const totals = emptyTotals()
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    const report = await runSeed(seed)
    expect(report.failures, replayCommand(seed)).toEqual([])
    addReport(totals, report)
  }
  // Faults did strike, or all this would prove nothing.
  const { crashes, zombies, brokerRestarts, ambiguousAcks, tornPages, towns, deliveriesCompared } =
    totals.counts
  for (const count of [crashes, zombies, brokerRestarts, ambiguousAcks, tornPages, towns]) {
    expect(count).toBeGreaterThan(0)
  }
  expect(deliveriesCompared).toBeGreaterThan(1_000)
  expect(Object.keys(totals.halts).length).toBeGreaterThan(8)
}, 120_000)

it('the same seed does the same things in the same order', async () => {
  for (const seed of [SEED, SEED + 1, SEED + 2]) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)]
    expect(second).toEqual(first)
  }
  expect((await runSeed(SEED)).hash).not.toBe((await runSeed(SEED + 1)).hash)
})

it.each(Object.keys(SABOTAGES))(
  'finds %s',
  async (name) => {
    let seed = SEED
    while (seed < SEED + SABOTAGE_SEEDS) {
      if ((await runSeed(seed, { sabotage: SABOTAGES[name]! })).failures.length > 0) return
      seed += 1
    }
    throw new Error(`not found in ${SABOTAGE_SEEDS} seeds from ${SEED} on`)
  },
  60_000,
)
