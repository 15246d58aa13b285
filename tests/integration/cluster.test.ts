/** One fault of the family `leader-kill`; the full run is `npm run faults -- leader-kill`. */

import { expect, test } from 'vitest'
import { LEADER_KILL } from '../faults/leader-kill.ts'
import { findNewerNatsServer } from '../support/newer-nats-server.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_121)
const { obstacle } = await findNewerNatsServer('look')
if (obstacle !== null) console.log(`no cluster is tried: ${obstacle}`)

test.skipIf(obstacle !== null)(
  'three servers lose the leader of a stream: nothing is lost, nothing is said twice',
  async () => {
    console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
    const result = await LEADER_KILL.play({ seed: SEED, runs: 1, say: () => undefined })
    expect(result).toMatchObject({ runs: 1, lost: 0, duplicated: 0, failures: [] })
    expect(result.deliveriesCompared).toBeGreaterThan(1_000)
  },
  180_000,
)
