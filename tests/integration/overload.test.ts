/** `overload`, `output-full` and `input-full`, in short; `npm run faults` plays the long ones. */

import { expect, test } from 'vitest'
import { INPUT_FULL, OUTPUT_FULL } from '../faults/full-streams.ts'
import { playOverload } from '../faults/overload.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_121)
const TIMEOUT_MS = 300_000
const said = (): void => undefined

test(
  'usage twice as fast as the worker: memory is bounded, lag is seen, nothing is lost',
  async () => {
    console.log(`seed ${SEED} (HIGHWATER_SEED chooses another)`)
    const result = await playOverload({ seed: SEED, runs: 1, seconds: 4, say: said })
    expect(result).toMatchObject({ lost: 0, duplicated: 0, failures: [] })
    expect(result.deliveriesCompared).toBeGreaterThan(1_000)
  },
  TIMEOUT_MS,
)

test.each([OUTPUT_FULL, INPUT_FULL])(
  '$name: $summary',
  async (family) => {
    const result = await family.play({ seed: SEED, runs: 2, say: said })
    expect(result).toMatchObject({ runs: 2, lost: 0, duplicated: 0, failures: [] })
    expect(result.deliveriesCompared).toBeGreaterThan(1_000)
  },
  TIMEOUT_MS,
)
