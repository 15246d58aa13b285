/** Rows that go over into a table's second segment, where the update pass is another. */

import { expect, test } from 'vitest'
import { PartitionMachine } from '../../../src/partition/machine.ts'
import { encodeGenesis, encodeUsageRows } from '../../../src/probe/encode.ts'
import { drainDecisions } from '../../support/machine-harness.ts'
import { RICH_FILES } from '../../support/rich-files.ts'

const START_MS = Date.parse('2026-11-20T09:30:00+08:00')
const SUBSCRIBERS = 40
const ROUNDS = 6

/** All decisions; `inTwo`: half of the subscribers get their rows behind the first segment. */
function decisionsOf(inTwo: boolean): unknown[] {
  const machine = new PartitionMachine(0)
  let sequence = 0
  const apply = (subject: string, data: Uint8Array): void => {
    sequence += 1
    machine.apply({ sequence, timestampMs: START_MS + sequence, subject, data })
  }
  const clock = { mode: 'real' } as const
  const partition = { partition: 0, partitionCount: 1, zone: 'Asia/Shanghai' }
  const head = { id: 'genesis', ...partition, clock, generation: 1 }
  apply('control.0', encodeGenesis({ ...head, files: RICH_FILES }))
  const usage = (round: number, first: number, count: number): void => {
    const rows = Array.from({ length: count }, (_, i) => {
      const subscriber = 1_000 + first + i
      return [subscriber, 40_000 * (1 + ((subscriber + round) % 5)), START_MS + round] as const
    })
    apply('usage.0.probe', encodeUsageRows({ probe: 'probe', epoch: 1, seq: sequence }, rows))
  }
  usage(0, 0, SUBSCRIBERS / 2)
  const { tables } = machine.core!
  if (inTwo) tables[0]!.growTo((1 << tables[0]!.segmentShift) - SUBSCRIBERS / 4)
  for (let round = 1; round <= ROUNDS; round++) usage(round, 0, SUBSCRIBERS)
  expect(tables[0]!.f64).toHaveLength(inTwo ? 2 : 1)
  return drainDecisions(machine)
}

test('the same is decided about rows in two segments as about rows in one', () => {
  const inOne = decisionsOf(false)
  expect(inOne.length).toBeGreaterThan(SUBSCRIBERS)
  expect(decisionsOf(true)).toEqual(inOne)
})
