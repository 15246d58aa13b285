/** One cut of each family of power loss; the full runs are `npm run faults -- power-loss …`. */

import { expect, test } from 'vitest'
import { POWER_LOSS, POWER_LOSS_UNSYNCED } from '../faults/power-loss.ts'
import { findDiskObstacle } from '../support/block-device.ts'
import { findNewerNatsServer } from '../support/newer-nats-server.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_121)
const TIMEOUT_MS = 180_000
const disk = await findDiskObstacle()
const server = disk ?? (await findNewerNatsServer('look')).obstacle
if (server !== null) console.log(`not all of power loss is tried: ${server}`)

test.skipIf(server !== null)(
  'a broker that syncs loses nothing that it acknowledged, and no checkpoint is lost',
  async () => {
    console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
    const result = await POWER_LOSS.play({ seed: SEED, runs: 1, say: () => undefined })
    expect(result).toMatchObject({ runs: 1, lost: 0, duplicated: 0, failures: [] })
    expect(result.deliveriesCompared).toBeGreaterThan(1_000)
  },
  TIMEOUT_MS,
)

test.skipIf(disk !== null)(
  'a broker that does not sync loses input, and the partition halts or goes on from what is left',
  async () => {
    console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
    const said: string[] = []
    const say = (text: string): number => said.push(text)
    const result = await POWER_LOSS_UNSYNCED.play({ seed: SEED, runs: 1, say })
    expect(result).toMatchObject({ runs: 1, lost: 0, duplicated: 0, failures: [] })
    // Or it was no power cut.
    const lost = said.find((text) => text.includes('not in IN'))
    expect(Number.parseInt(lost ?? '0', 10)).toBeGreaterThan(0)
  },
  TIMEOUT_MS,
)
