/**
 * Logs of a town (tests/support/policy-town.ts) for the simulation: one partition that has all of a
 * channel's limit, or two, of which the simulated one grants and the other one asks (neighbour.ts).
 */

import { encodeGenesis } from '../../src/probe/encode.ts'
import { S1_PARAMETERS } from '../support/naive/input.ts'
import type { TownLimits } from '../support/policy-town.ts'
import type { Random } from '../support/workload/random.ts'
import { TOWN_CLOCK, TOWN_ZONE, townTraffic } from '../support/workload/town-traffic.ts'
import type { Meaning, SimLog, SimMessage } from './workload.ts'

/** What a seed with a policy adds to its log. */
export interface SimTown {
  readonly limits: TownLimits
  /** When the limit of `sms` grows at the earliest, ms: brokers' clocks may be an hour behind. */
  readonly grownAtMs: number
  /** Genesis of the neighbour; null: there is one partition. */
  readonly neighbourGenesis: Uint8Array | null
}

const HOUR_MS = 3_600_000

/** The log of a seed that plays a policy. */
export function makeTownLog(clock: SimLog['clock'], random: Random): SimLog {
  const partitionCount = random.pick([1, 2, 2])
  const limits = {
    sms: { perSecond: 2, perHour: 4 * partitionCount, perDay: 30 * partitionCount },
    push: { perHour: 2 * partitionCount },
  }
  const people = random.whole(12, 30)
  const steps = random.whole(25, 60)
  const demand = random.pick([
    [2, 2],
    [3, 1],
    [1, 3],
  ])
  const stepMinutesMax = random.pick([9, 45, 90])
  const choice = { partitionCount, people, steps, stepMinutesMax, demand, limits }
  const { files, startMs, messages } = townTraffic(random, choice)
  const parameters = {
    ...S1_PARAMETERS,
    ...{ partitionCount, startMs, zone: TOWN_ZONE, tickWriter: TOWN_CLOCK },
  }
  const genesisOf = (partition: number): Uint8Array =>
    encodeGenesis({
      ...{ id: 'genesis', partition, partitionCount, zone: TOWN_ZONE, generation: 1, files },
      clock: clock === 'virtual' ? { mode: clock, writer: TOWN_CLOCK, startMs } : { mode: clock },
    })
  const reload: Meaning = { kind: 'config', id: 'town-2', generation: 2 }
  const simMessages = messages.map(
    ({ partition, subject, data, wallMs, isReload }): SimMessage => ({
      ...{ partition, subject, data, wallMs },
      meaning: isReload ? reload : { kind: 'town' },
    }),
  )
  const { wallMs } = messages.findLast(({ isReload }) => isReload)!
  return {
    ...{ parameters, clock, genesis: genesisOf(0), messages: simMessages },
    town: {
      limits,
      grownAtMs: wallMs - HOUR_MS,
      neighbourGenesis: partitionCount === 1 ? null : genesisOf(1),
    },
  }
}
