/** What a seed chooses for all of its run. */

import type { Random } from '../support/workload/random.ts'
import type { Weather } from './broker.ts'
import type { LifeSettings } from './life.ts'

/** Settings of all workers of a run. */
export function chooseSettings(random: Random): LifeSettings {
  return {
    checkpoint: {
      everyMs: random.pick([200, 500, 1_000, 3_000]),
      bandwidth: random.pick([4e5, 1e6, 3e6, 1e9]),
    },
    outbox: {
      batchDecisionsMax: random.pick([1, 3, 10, 100]),
      batchSizeMax: random.pick([400, 100_000]),
      latencyMs: random.pick([0, 0, 3]),
    },
    pendingDecisionsMax: random.pick([3, 50, 1_000]),
    lookMs: random.pick([0, 0.2, 1, 2.5]),
  }
}

/** A network in which now and then something is lost or late, all the time. */
export function chooseClimate(random: Random): Weather {
  return {
    latencyMs: random.pick([1, 5, 40]),
    requestLost: random.pick([0, 0.05]),
    answerLost: random.pick([0.05, 0.2]),
    requestLate: random.pick([0, 0.1]),
    lateMs: 2_500,
  }
}
