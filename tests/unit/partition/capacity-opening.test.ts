/** Very many deliveries that are due at one moment, on a channel that carries few at a time. */

import { describe, expect, it } from 'vitest'
import { TIMERS_PER_INPUT_MAX } from '../../../src/partition/deciding.ts'
import { encodeTick, encodeUsageColumns } from '../../../src/probe/encode.ts'
import { channelFiles, peopleAt } from '../../support/channel-files.ts'
import { columnsOf, drainDecisions, type ReadDecision } from '../../support/machine-harness.ts'
import { ImageWriter, loadMachine, stateOf } from '../../support/machine-image.ts'
import { ANN, at, MachineScript, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import type { PartitionMachine } from '../../../src/partition/machine.ts'
import { S1_PARAMETERS } from '../../support/naive/input.ts'

const NOON = at('2026-11-21 12:00')
const PER_BATCH = 10_000
/** Larger on demand: HIGHWATER_OPENING=200000 is 5,000 a second. */
const PEOPLE = Number(process.env.HIGHWATER_OPENING ?? 20_000)
const SECONDS = 40
/** Subscribers from here on use so much that they fire `urgent`, too. */
const HEAVY = ANN + 500_000

/** `bulk` is due at noon for so many; `urgent` comes at once for who uses much. */
function openingOf(peopleCount: number, capacity: string, priority = 1): PartitionMachine {
  const files = channelFiles(capacity, {
    bulk: 'deliver: { channel: sms, at: next day 12:00 }\npriority: 5\n',
    urgent: `when: data.day >= 1 * MiB\npriority: ${priority}\n`,
  })
  const { machine } = new MachineScript('2026-11-20 10:00', files)
  for (let from = 0; from < peopleCount; from += PER_BATCH) {
    const count = Math.min(PER_BATCH, peopleCount - from)
    apply(machine, 'usage.0.p1', batchOf(peopleAt('2026-11-20 10:00', count, ANN + from), from + 1))
  }
  return machine
}

function batchOf(records: Parameters<typeof columnsOf>[0], seq: number): Uint8Array {
  const stamp = { probe: 'p1', epoch: 1, seq }
  return encodeUsageColumns(stamp, columnsOf(records), 0, records.length)
}

function apply(machine: PartitionMachine, subject: string, data: Uint8Array): ReadDecision[] {
  machine.apply({ sequence: machine.sequence + 1, timestampMs: 0, subject, data })
  return drainDecisions(machine)
}

function tick(machine: PartitionMachine, timeMs: number): ReadDecision[] {
  const writer = S1_PARAMETERS.tickWriter
  return apply(machine, 'control.0', encodeTick({ id: `t${machine.sequence}`, writer, timeMs }))
}

/** Ticks until nothing can leave any more at this time. */
function settle(machine: PartitionMachine, timeMs: number): ReadDecision[] {
  const decisions = tick(machine, timeMs)
  while (machine.hasDueAt(timeMs)) decisions.push(...tick(machine, timeMs))
  return decisions
}

describe('an opening', () => {
  it(`of ${PEOPLE} goes out by rank, so many a second, who is stronger before who waits`, () => {
    const machine = openingOf(PEOPLE, `{ perSecond: ${PEOPLE / SECONDS} }`)
    const before = machine.sequence
    const counts: number[] = []
    const bulk: number[] = []
    const urgentAt: number[] = []
    for (let second = 0; second <= SECONDS; second++) {
      const decisions = settle(machine, NOON + 1000 * second)
      if (second === 20) {
        const records = Array.from({ length: 50 }, (_, i) =>
          recordAt(machine.core!.clockMs, 2 ** 21, { subscriber: HEAVY + i }),
        )
        decisions.push(...apply(machine, 'usage.0.p1', batchOf(records, 1_000_000)))
      }
      counts.push(decisions.length)
      for (const [i, { trigger, subscriber }] of decisions.entries()) {
        if (trigger === 'bulk') bulk.push(subscriber - ANN)
        else urgentAt.push(second * PEOPLE + i)
      }
    }
    expect(counts).toEqual([...Array.from({ length: SECONDS }, () => PEOPLE / SECONDS), 50])
    expect(urgentAt).toEqual(Array.from({ length: 50 }, (_, i) => 21 * PEOPLE + i))
    expect(bulk.every((number, i) => number === i)).toBe(true)
    // Slices of the first second put everybody in line; from then on one input a second does.
    expect(machine.sequence - before).toBeLessThanOrEqual(
      SECONDS + 1 + PEOPLE / TIMERS_PER_INPUT_MAX + 2,
    )
  })

  it('is not overtaken by the weaker who comes while the stronger are still on their way out', () => {
    // Room for more than two inputs let out: there is some when the newcomer asks.
    const machine = openingOf(45_000, '{ perSecond: 21000 }', 9)
    expect(settle(machine, NOON)).toHaveLength(21_000)
    expect(tick(machine, NOON + 1000)).toHaveLength(TIMERS_PER_INPUT_MAX)
    const newcomer = recordAt(NOON + 1000, 2 ** 21, { subscriber: HEAVY })
    const beside = apply(machine, 'usage.0.p1', batchOf([newcomer], 1_000_000))
    expect(beside).toHaveLength(TIMERS_PER_INPUT_MAX)
    expect(new Set(beside.map(({ trigger }) => trigger))).toEqual(new Set(['bulk']))
    const rest = settle(machine, NOON + 2000).map(({ trigger }) => trigger)
    expect(rest.indexOf('urgent')).toBe(rest.length - 1)
  })

  it('goes on from an image in its middle as if it had never stopped', () => {
    const machine = openingOf(12_000, '{ perSecond: 500, perHour: 7000 }')
    tick(machine, NOON)
    for (let second = 0; second < 5; second++) settle(machine, NOON + 1000 * second)
    tick(machine, NOON + 5000)
    const store = new MemoryStore()
    const writer = new ImageWriter(store)
    writer.begin(machine)
    writer.write(Number.POSITIVE_INFINITY)
    writer.commit()
    const other = loadMachine(store)!.machine
    expect(other.core!.capacity.waitingCount).toBe(machine.core!.capacity.waitingCount)
    expect(other.nextDueMs).toBe(machine.nextDueMs)
    for (let second = 5; second < 20; second++) {
      expect(settle(other, NOON + 1000 * second)).toEqual(settle(machine, NOON + 1000 * second))
    }
    expect(machine.nextDueMs).toBe(at('2026-11-21 13:00'))
    expect(settle(other, NOON + 3_600_000)).toEqual(settle(machine, NOON + 3_600_000))
    expect(stateOf(other)).toEqual(stateOf(machine))
  })
})
