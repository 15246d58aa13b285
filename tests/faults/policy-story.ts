/**
 * The story of the policy families: a town (tests/support/policy-town.ts) whose two partitions
 * share their channels' limits and select together, so that asks, grants and counts travel between
 * their logs all the time. What must come of it is told by machines that nothing disturbs.
 */

import type { TownLimits } from '../support/policy-town.ts'
import { S1_PARAMETERS } from '../support/naive/input.ts'
import { Random } from '../support/workload/random.ts'
import { TOWN_CLOCK, TOWN_ZONE, townTraffic } from '../support/workload/town-traffic.ts'
import { policyComparison } from './policy-comparison.ts'
import type { Story } from './story.ts'

/** Partitions of the town. */
export const TOWN_PARTITIONS = 2
/** Subscribers of each. */
const PEOPLE = 80
/** Less than is wanted: somebody waits at nearly every moment. */
const LIMITS: TownLimits = {
  sms: { perSecond: 8, perHour: 20, perDay: 160 },
  push: { perHour: 8 },
}

/** A story of so many moves of the clock, about 25 decisions each. */
export function tellPolicyStory(seed: number, steps: number): Story {
  const random = new Random(seed)
  const choice = {
    ...{ partitionCount: TOWN_PARTITIONS, people: PEOPLE, steps, limits: LIMITS },
    // Partition 0 has the least, so that the other one asks it for what it does not need.
    ...{ stepMinutesMax: 90, demand: [2, 3] },
  }
  const { files, startMs, messages } = townTraffic(random, choice)
  const reload = messages.findLast(({ isReload }) => isReload)!
  return {
    seed,
    files,
    clock: { mode: 'virtual', writer: TOWN_CLOCK, startMs },
    parameters: {
      ...S1_PARAMETERS,
      partitionCount: TOWN_PARTITIONS,
      zone: TOWN_ZONE,
      startMs,
      tickWriter: TOWN_CLOCK,
    },
    messages,
    compare: policyComparison(LIMITS, reload.wallMs),
  }
}
