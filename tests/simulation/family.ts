/** The simulation as a family of `npm run faults`: one run is one seed with all its faults. */

import type { EpisodeOptions, EpisodeResult, FaultFamily } from '../faults/family.ts'
import { runSeed } from './run-seed.ts'
import { addReport, emptyTotals, replayCommand } from './totals.ts'

/** Episodes are told apart by this many seeds. */
const SEEDS_PER_EPISODE_MAX = 1_000
const SAY_EVERY = 25

/** Whole installations on virtual time. */
export const SIMULATION: FaultFamily = {
  name: 'simulation',
  summary: 'an installation on virtual time, faults of all kinds by seed; nothing lost or doubled',
  runs: 10_000,
  runsPerEpisode: 250,
  play,
}

async function play({ seed, runs, say }: EpisodeOptions): Promise<EpisodeResult> {
  const totals = emptyTotals()
  const first = (seed % 1_000_000) * SEEDS_PER_EPISODE_MAX
  for (let index = 0; index < runs; index++) {
    addReport(totals, await runSeed(first + index))
    if (index % SAY_EVERY === 0) say(`seed ${first + index}`)
  }
  const { counts, halts, failures, recoverySeconds } = totals
  return {
    runs,
    deliveriesCompared: counts.deliveriesCompared,
    lost: counts.lost,
    duplicated: counts.duplicated,
    haltedCleanly: Object.values(halts).reduce((sum, times) => sum + times, 0),
    recoverySeconds,
    failures: failures.map((each) => `${each.failures[0]}: ${replayCommand(each.seed)}`),
  }
}
