/** S1's month, small, on real parts: everything as the naive model has it. */

import { expect, test } from 'vitest'
import type { Screen } from '../../src/commands/screen.ts'
import { playMonth } from '../month/month.ts'

const silent: Screen = { say: () => undefined, progress: () => undefined, settle: () => undefined }
const seed = Number(process.env.HIGHWATER_SEED ?? 20_261_110)

test(`a month is selected, sent, answered and judged as the naive model does, seed ${seed}`, async () => {
  const options = { subscriberCount: 600, days: null, seed, maximumSegments: 40 }
  const { differences, seeds, warnedDays, report } = await playMonth(options, silent)
  expect(differences).toEqual([])
  expect(seeds.taken).toBe(Math.floor(seeds.candidates * 0.2))
  expect(warnedDays.length).toBeGreaterThan(0)
  for (const { counts } of report.triggers) expect(counts.delivered).toBeGreaterThan(10)
}, 120_000)
