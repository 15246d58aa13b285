import { expect, it } from 'vitest'
import type { Ruling } from '../../../src/partition/rulings.ts'
import { SelectionWorld } from '../../support/selection-world.ts'

const FILES = {
  'a.yaml': `
tags: { seed: { versioned: true } }
fields: { value: { type: number } }
segments:
  seed: { at: on demand, score: fields.value, take: top 20 % }
`,
}
const PEOPLE = Array.from({ length: 3_000 }, (_, i) => i + 1)
const RULED_AT_MS = Date.UTC(2026, 10, 12)

function worldOf(partitionCount: number): SelectionWorld {
  const world = new SelectionWorld({ partitionCount, files: FILES })
  world.profiles(PEOPLE.map((subscriber) => ({ subscriber, fields: { value: subscriber } })))
  return world
}

/** Where the partition stands, IN goes on as if it were the next input. */
function baselineAt(sequence: number, time = RULED_AT_MS): Ruling {
  return {
    ...{ v: 1, kind: 'ruling', era: 0, by: 'somebody', reason: 'a test', time },
    ...{ halt: 'input-gap', choice: 'new-baseline', input: sequence + 1 },
    baseline: {
      input: { created: 'in', next: sequence + 1, from: sequence, isForward: false },
      ...{ output: null, isCompared: true, genesis: null, carried: [] },
      said: { number: 0, digest: '0'.repeat(16) },
    },
  }
}

/** The image of the partition is of now; then all is lost that it does until `rebase`. */
function rebase(world: SelectionWorld, partition: number, until: () => void): void {
  world.reload(partition)
  const { sequence } = world.machines[partition]!
  until()
  world.goBack(partition, baselineAt(sequence))
}

const taken = (world: SelectionWorld, version: number): number =>
  world.members(PEOPLE, 'seed', version).length

it('after a new baseline of partition 0 the others follow its selections', () => {
  const world = worldOf(3)
  rebase(world, 0, () => {
    for (const version of [1, 2, 3]) {
      world.select('seed', version)
      world.settle()
    }
  })
  expect(taken(world, 3)).toBeGreaterThan(0)
  world.select('seed', 4)
  world.settle()
  expect(taken(world, 4)).toBe(600)
  expect(world.members(PEOPLE, 'seed', 4)[0]).toBe(2_401)
})

it('what partition 0 led at a new baseline begins again under its version', () => {
  const world = worldOf(3)
  world.select('seed', 7)
  world.step()
  expect(world.machines[0]!.core!.selections.lead).not.toBeNull()
  rebase(world, 0, () => {
    world.settle()
    world.select('seed', 8)
    world.settle()
  })
  world.settle()
  const { lead, queue, records } = world.machines[0]!.core!.selections
  expect([lead, queue, records.seed!.version]).toEqual([null, [], 7])
  expect(taken(world, 7)).toBe(600)
})

it('a partition that forgot its order at a new baseline hears it with the cut', () => {
  const world = worldOf(2)
  rebase(world, 1, () => {
    world.select('seed', 1)
    while ((world.machines[0]!.core!.selections.lead?.round ?? 1) < 2) world.step()
  })
  expect(world.machines[1]!.core!.selections.run).toBeNull()
  // Said again after a minute, since no answer comes.
  world.settle()
  for (let minute = 0; minute < 3; minute++) {
    world.forgetSaid()
    world.settle()
  }
  expect(world.machines[0]!.core!.selections.lead).toBeNull()
  expect(taken(world, 1)).toBe(600)
})
