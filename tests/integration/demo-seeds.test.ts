/**
 * The demo's story, told to the engine's machine and to the naive model: the same decisions, over
 * seeds, over the end of a month and of a zone's summer time, with two selections of seeds.
 */

import { expect, test } from 'vitest'
import { demoTraffic } from '../../src/commands/demo-traffic.ts'
import { demoInput, demoParameters } from '../support/demo-inputs.ts'
import { drainDecisions, startMachine } from '../support/machine-harness.ts'
import type { NaiveDecision } from '../support/naive/input.ts'
import { NaiveModel } from '../support/naive/model.ts'
import { scenarioFiles } from '../support/scenario-files.ts'

const STARTS = ['2026-10-06T00:00+08:00', '2026-03-05T00:00+08:00', '2026-11-01T00:00+08:00']
const files = scenarioFiles('data-pack')

test.each(Array.from({ length: 21 }, (_, index) => index + 1))(
  'seed %i: the machine decides as the naive model does',
  (seed) => {
    const startMs = Date.parse(STARTS[seed % STARTS.length]!)
    const parameters = demoParameters(startMs)
    const machine = startMachine(parameters, files)
    const model = new NaiveModel(parameters)
    const [decided, expected]: [NaiveDecision[], NaiveDecision[]] = [[], []]
    let sequence = 1
    const options = { seed, subscriberCount: 120, startMs, days: 40, recordsPerDay: 6 }
    for (const message of demoTraffic(options)) {
      sequence += 1
      const { subject, data } = message
      machine.apply({ sequence, timestampMs: 0, subject, data })
      decided.push(...drainDecisions(machine).map(({ generation: _, ...decision }) => decision))
      expected.push(...model.apply(demoInput(message, sequence)))
    }
    expect(decided).toEqual(expected)
    expect(expected.some(({ kind }) => kind === 'delivery')).toBe(true)
  },
)
