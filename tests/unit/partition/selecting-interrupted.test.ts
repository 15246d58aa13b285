import { beforeAll, describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { Random } from '../../../src/probe/random.ts'
import { at } from '../../support/machine-script.ts'
import { stateOf } from '../../support/machine-image.ts'
import { naiveTop, SelectionWorld } from '../../support/selection-world.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_110)
const START = '2026-11-10 12:00'
const VERSION = 20_261_110

beforeAll(() => console.log(`interrupted selections: seed ${SEED}`))

const DECLARED = `
tags: { seed: { versioned: true } }
fields: { value: { type: number } }
counters: { data: { sum: bytes, per: [day] } }
`

const TRIGGER = `trigger: offer
when: data.day >= 100 && tags.seed
once: day
oncePerTag: seed
deliver: { channel: sms }
message: Hello
`

/** The declarations, the segment `seed` on demand, and a trigger that reads its tag. */
function filesWith(segment: string, trigger = TRIGGER): ConfigFiles {
  return {
    'a.yaml': `${DECLARED}segments:\n  seed: { at: on demand, ${segment} }\n`,
    'triggers/offer.yaml': trigger,
  }
}

const TOP = 'score: fields.value, take: top 20 %'

/** Numbers 1 to `count`, with a score of a few values each. */
function scoresOf(count: number, random: Random): { subscriber: number; score: number }[] {
  return Array.from({ length: count }, (_, i) => ({
    subscriber: i + 1,
    score: 1 + random.below(9),
  }))
}

function worldWith(
  people: readonly { subscriber: number; score: number }[],
  files: ConfigFiles,
  partitionCount = 2,
): SelectionWorld {
  const world = new SelectionWorld({ partitionCount, start: START, files })
  const fieldsOf = (score: number) => ({ fields: { value: score } })
  world.profiles(people.map(({ subscriber, score }) => ({ subscriber, ...fieldsOf(score) })))
  return world
}

const numbersOf = (people: readonly { subscriber: number }[]): number[] =>
  people.map(({ subscriber }) => subscriber)

/**
 * Whether some partition has not ended the selection. After it, tallies are owed again by loads.
 */
const isRunning = (world: SelectionWorld): boolean =>
  world.machines[0]!.core!.selections.lead !== null

describe('a tag that a selection gives', () => {
  it('fires what the usage of the day was enough for, and so does later usage', () => {
    const people = scoresOf(4, new Random(SEED))
    const world = worldWith(people, filesWith('take: all'), 1)
    world.usage([1, 2], at(START), 100)
    expect(world.decisions).toHaveLength(0)
    world.select('seed', VERSION)
    world.settle()
    expect(world.decisions.map(({ subscriber }) => subscriber)).toEqual([1, 2])
    world.usage([3], at(START), 100)
    expect(world.decisions.map(({ subscriber }) => subscriber)).toEqual([1, 2, 3])
  })

  it('fires no edge that was true before', () => {
    const people = scoresOf(2, new Random(SEED))
    const trigger = TRIGGER.replace('data.day >= 100 && tags.seed', 'data.day >= 100 || tags.seed')
    const world = worldWith(people, filesWith('take: all'), 1)
    world.usage([1], at(START), 100)
    // The trigger comes by a reload, so it fires for those only who were below its line.
    world.config(filesWith('take: all', trigger))
    world.select('seed', VERSION)
    world.settle()
    expect(world.decisions.map(({ subscriber }) => subscriber)).toEqual([2])
  })

  it('is taken from those who are no longer selected, and whoever had it is remembered', () => {
    const world = worldWith(
      [
        { subscriber: 1, score: 5 },
        { subscriber: 2, score: 4 },
        { subscriber: 3, score: 3 },
      ],
      filesWith('score: fields.value, take: top 2, keepPrevious: true'),
      1,
    )
    world.select('seed', 1)
    world.settle()
    world.profiles([{ subscriber: 1, fields: { value: 1 } }])
    world.select('seed', 2)
    world.settle()
    expect([1, 2, 3].map((each) => world.view(each)!.tags)).toEqual([
      { 'seed.previous': 1 },
      { seed: 2, 'seed.previous': 1 },
      { seed: 2 },
    ])
    world.select('seed', 3)
    world.settle()
    expect([1, 2, 3].map((each) => world.view(each)!.tags)).toEqual([
      {},
      { seed: 3, 'seed.previous': 2 },
      { seed: 3, 'seed.previous': 2 },
    ])
  })

  it('lets triggers ask who was a member before', () => {
    const trigger = TRIGGER.replace('&& tags.seed', '&& !tags.seed && wasIn.seed').replace(
      'oncePerTag: seed\n',
      '',
    )
    const segment = 'score: fields.value, take: top 1, keepPrevious: true'
    const world = worldWith(
      [
        { subscriber: 1, score: 5 },
        { subscriber: 2, score: 4 },
      ],
      filesWith(segment, trigger),
      1,
    )
    world.usage([1, 2], at(START), 100)
    world.select('seed', 1)
    world.settle()
    expect(world.decisions).toHaveLength(0)
    world.profiles([{ subscriber: 1, fields: { value: 1 } }])
    world.select('seed', 2)
    world.settle()
    expect(world.decisions.map(({ subscriber }) => subscriber)).toEqual([1])
  })
})

describe('while a selection runs', () => {
  it('usage, new subscribers and erasures go on, and nothing is counted twice', () => {
    const random = new Random(SEED)
    const people = scoresOf(9_000, random)
    const world = worldWith(people, filesWith(TOP))
    world.select('seed', VERSION)
    let next = 20_001
    const gone = new Set<number>()
    world.settle(() => {
      if (gone.size >= 30) return
      world.usage([1 + random.below(9_000), next], at(START), 10)
      next += 1
      const erased = 1 + random.below(9_000)
      gone.add(erased)
      world.erase(erased)
    })
    const { total } = world.machines[0]!.core!.selections.records.seed!
    const expected = naiveTop(people, 1_800, 'seed', VERSION)
    const members = world.members(numbersOf(people), 'seed', VERSION)
    expect(total!.candidates).toBeGreaterThan(8_960)
    expect(members.every((member) => !gone.has(member))).toBe(true)
    const isExpected = new Set(expected)
    // Erasures before the cut let others move up; nobody else gets in.
    expect(members.filter((member) => !isExpected.has(member)).length).toBeLessThanOrEqual(30)
    expect(members.length).toBeLessThanOrEqual(1_800)
    expect(members.length).toBeGreaterThanOrEqual(1_770)
    expect(world.members([20_001, 20_002], 'seed', VERSION)).toEqual([])
  })

  it('a load at any moment changes nothing', () => {
    const random = new Random(SEED)
    const people = scoresOf(2_000, random)
    const segment = `score: fields.value, keepPrevious: true, quotas: [{ where: 'fields.value > 7', top: 300 }, { top: 700 }]`
    const run = (isLoading: boolean): SelectionWorld => {
      const world = worldWith(people, filesWith(segment))
      world.usage(numbersOf(people).slice(0, 300), at(START), 100)
      for (const version of [1, 2]) {
        world.select('seed', version)
        let step = 0
        world.settle(() => {
          step += 1
          if (step % 8 !== 1) return
          if (!isLoading || !isRunning(world)) return
          world.reload(0)
          world.reload(1)
        })
      }
      return world
    }
    const plain = run(false)
    const loaded = run(true)
    const said = (world: SelectionWorld) =>
      world.decisions.map(({ subscriber, kind, inputSequence }) => [
        subscriber,
        kind,
        inputSequence,
      ])
    expect(plain.decisions.length).toBeGreaterThan(0)
    // Errands come again after a load, so positions differ; what they bring about does not.
    expect(said(loaded).map(([subscriber]) => subscriber)).toEqual(
      said(plain).map(([subscriber]) => subscriber),
    )
    for (const version of [1, 2]) {
      expect(loaded.members(numbersOf(people), 'seed', version)).toEqual(
        plain.members(numbersOf(people), 'seed', version),
      )
    }
  })

  it('a load leaves exactly the state that was saved, in every phase', () => {
    // All but a few in partition 0, so that its passes take more than one input.
    const people = scoresOf(9_000, new Random(SEED)).map(({ subscriber, score }) => ({
      subscriber: subscriber > 100 ? 2 * subscriber : subscriber,
      score,
    }))
    const segment = `score: fields.value, quotas: [{ where: 'fields.value > 7', top: 300 }, { top: 700 }]`
    const world = worldWith(people, filesWith(segment))
    const phases = new Set<string>()
    world.select('seed', VERSION)
    let step = 0
    world.settle(() => {
      step += 1
      if (!isRunning(world) || step % 2 === 0) return
      for (const partition of [0, 1]) {
        const before = stateOf(world.machines[partition]!)
        phases.add(world.machines[partition]!.core!.selections.run?.phase ?? 'none')
        world.reload(partition)
        expect(stateOf(world.machines[partition]!)).toEqual(before)
      }
    })
    // So few rows are counted within the input that brings the cut.
    expect([...phases].sort()).toEqual(['applying', 'done', 'scoring', 'waiting'])
  })
})

describe('a reload while a selection runs', () => {
  it('that edits the segment lets it begin again under the same version', () => {
    const people = scoresOf(9_000, new Random(SEED))
    const world = worldWith(people, filesWith(TOP))
    world.select('seed', VERSION)
    for (let step = 0; step < 3; step++) world.step()
    world.config(filesWith('score: fields.value, take: top 100'))
    world.settle()
    expect(world.members(numbersOf(people), 'seed', VERSION)).toEqual(
      naiveTop(people, 100, 'seed', VERSION),
    )
    const records = world.machines.map(({ core }) => core!.selections.records.seed!)
    expect(records.map(({ abortedCount }) => abortedCount)).toEqual([1, 1])
    expect(records.map(({ selectedCount }) => selectedCount)).toEqual([1, 1])
  })

  it('that reaches the others late lets them wait for it', () => {
    const people = scoresOf(2_000, new Random(SEED))
    const world = worldWith(people, filesWith(TOP))
    const edited = filesWith('score: fields.value, take: top 100')
    world.config(edited, [0])
    world.select('seed', VERSION)
    world.settle()
    expect(world.machines[1]!.core!.selections.held).not.toBeNull()
    world.reload(1)
    world.config(edited, [1])
    world.settle()
    expect(world.members(numbersOf(people), 'seed', VERSION)).toEqual(
      naiveTop(people, 100, 'seed', VERSION),
    )
  })

  it('that removes the segment ends it, and the tags stay as they are', () => {
    const people = scoresOf(9_000, new Random(SEED))
    const world = worldWith(people, filesWith(TOP))
    world.select('seed', 1)
    world.settle()
    const before = world.members(numbersOf(people), 'seed', 1)
    world.select('seed', 2)
    for (let step = 0; step < 2; step++) world.step()
    world.config({ 'a.yaml': DECLARED, 'triggers/offer.yaml': TRIGGER })
    world.settle()
    expect(world.members(numbersOf(people), 'seed', 1)).toEqual(before)
    expect(world.machines.map(({ core }) => core!.selections.run)).toEqual([null, null])
    expect(world.machines[0]!.core!.selections.lead).toBeNull()
    world.config(filesWith(TOP))
    world.select('seed', 3)
    world.settle()
    expect(world.members(numbersOf(people), 'seed', 3)).toHaveLength(1_800)
  })

  it('that edits something else does not disturb it', () => {
    const people = scoresOf(9_000, new Random(SEED))
    const world = worldWith(people, filesWith(TOP))
    world.select('seed', VERSION)
    for (let step = 0; step < 3; step++) world.step()
    world.config(filesWith(TOP, TRIGGER.replace('Hello', 'Good day')))
    world.settle()
    expect(world.members(numbersOf(people), 'seed', VERSION)).toEqual(
      naiveTop(people, 1_800, 'seed', VERSION),
    )
    expect(world.machines[0]!.core!.selections.records.seed!.abortedCount).toBe(0)
  })
})

it('messages that come twice, late or from nowhere change nothing', () => {
  const random = new Random(SEED)
  const people = scoresOf(3_000, random)
  const world = worldWith(people, filesWith(TOP), 3)
  world.select('seed', VERSION)
  const old: ReturnType<SelectionWorld['owed']> = []
  world.settle(() => {
    if (old.length > 200) return
    const owed = world.owed()
    old.push(...owed)
    const again = old[random.below(Math.max(1, old.length))]
    if (again !== undefined) world.carry(again)
  })
  expect(world.members(numbersOf(people), 'seed', VERSION)).toEqual(
    naiveTop(people, 600, 'seed', VERSION),
  )
})

it('every message said again after each other one changes nothing', () => {
  const random = new Random(SEED)
  const people = scoresOf(300, random)
  const world = worldWith(people, filesWith(TOP), 3)
  world.isCarrying = false
  world.select('seed', VERSION)
  const said: ReturnType<SelectionWorld['owed']> = []
  for (;;) {
    const isBusy = world.step()
    // Also while an answer to the latest is ready and has not left.
    for (const again of said.slice(0, -1)) world.carry(again)
    const owed = world.owed()
    if (!isBusy && owed.length === 0) break
    for (const errand of owed) {
      said.push(errand)
      for (const again of said) world.carry(again)
    }
  }
  expect(said.length).toBeGreaterThan(20)
  const phases = world.machines.map(({ core }) => core!.selections.run?.phase)
  expect(phases).toEqual(['done', 'done', 'done'])
  expect(world.members(numbersOf(people), 'seed', VERSION)).toEqual(
    naiveTop(people, 60, 'seed', VERSION),
  )
})
