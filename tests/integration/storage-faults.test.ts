/** A little of each family that damages what is on disk; `npm run faults` plays all of it. */

import { expect, test } from 'vitest'
import type { FaultFamily } from '../faults/family.ts'
import { findMountObstacle } from '../faults/small-disk.ts'
import { BIT_FLIP } from '../faults/storage-bit-flip.ts'
import { DISK_FULL_NATS, DISK_FULL_STORE } from '../faults/storage-disk-full.ts'
import { STORE_LOST } from '../faults/storage-lost.ts'
import { STREAM_TAMPERED } from '../faults/storage-streams.ts'
import { WRONG_PARTITION_COUNT } from '../faults/wrong-partition-count.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20261121)

/** These take the right to mount; tests/integration/store/full-disk.test.ts does without. */
const DISKS: [FaultFamily, number, number][] = [
  [DISK_FULL_STORE, 1, 1],
  [DISK_FULL_NATS, 1, 0],
]
const hasSmallDisks = (await findMountObstacle('ext4')) === null

test.each<[FaultFamily, number, number]>([
  [BIT_FLIP, 12, 4],
  [STREAM_TAMPERED, 3, 2],
  [STORE_LOST, 2, 1],
  [WRONG_PARTITION_COUNT, 4, 4],
  ...(hasSmallDisks ? DISKS : []),
])(
  '$name: no wrong decision, and every halt that must be',
  async (family, runs, halts) => {
    console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
    const result = await family.play({ seed: SEED, runs, say: () => undefined })
    expect(result).toMatchObject({ runs, lost: 0, duplicated: 0, failures: [] })
    expect(result.haltedCleanly).toBeGreaterThanOrEqual(halts)
    expect(result.deliveriesCompared).toBeGreaterThan(500)
  },
  120_000,
)
