/** A few faults of most families, so that `npm test` sees it when one of them stops working. */

import { expect, test } from 'vitest'
import { BROKER_KILL } from '../faults/broker-kill.ts'
import { CLOCK_BACK } from '../faults/clock-step.ts'
import { CRASH_POINT } from '../faults/crash-point.ts'
import type { FaultFamily } from '../faults/family.ts'
import { LINK_BLACKHOLE, LINK_CUT } from '../faults/links.ts'
import { POLICY_KILL } from '../faults/policy-kills.ts'
import { STANDBY_PROMOTION } from '../faults/standby-promotion.ts'
import { TWO_OWNERS } from '../faults/two-owners.ts'
import { WORKER_KILL } from '../faults/worker-kill.ts'
import { ZOMBIE } from '../faults/zombie.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 2026)

/** A family, how many faults, and how many of them must halt the partition or a worker. */
const SAMPLES: readonly (readonly [FaultFamily, number, number])[] = [
  [WORKER_KILL, 2, 0],
  [CRASH_POINT, 3, 0],
  [BROKER_KILL, 2, 0],
  [ZOMBIE, 2, 2],
  [TWO_OWNERS, 2, 2],
  [STANDBY_PROMOTION, 2, 1],
  [LINK_CUT, 3, 0],
  [LINK_BLACKHOLE, 2, 0],
  [CLOCK_BACK, 4, 2],
  [POLICY_KILL, 1, 0],
]

/** Most of a family's time is waiting: a few share the machine, and no more. */
const AT_ONCE = 3
let free = AT_ONCE
const waiting: (() => void)[] = []

test.concurrent.each(SAMPLES.map(([family, runs, halts]) => ({ ...family, runs, halts })))(
  '$name: what comes out is what the model says, each once',
  async ({ name, play, runs, halts }) => {
    console.log(`${name}: seed ${SEED} (HIGHWATER_SEED chooses another)`)
    while (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    free -= 1
    const say = (text: string): void => console.log(`${name}: ${text}`)
    const result = await play({ seed: SEED, runs, say }).finally(() => {
      free += 1
      waiting.shift()?.()
    })
    expect(result.failures.join('\n')).toBe('')
    expect(result).toMatchObject({ runs, lost: 0, duplicated: 0, haltedCleanly: halts })
    // A policy makes fewer decisions, and each is more work.
    const perRun = name.startsWith('policy-') ? 300 : 700
    expect(result.deliveriesCompared).toBeGreaterThan(runs * perRun)
  },
  300_000,
)
