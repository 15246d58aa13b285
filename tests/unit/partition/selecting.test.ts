import { beforeAll, describe, expect, it, test } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { encodeErrand } from '../../../src/probe/encode-errand.ts'
import { Random } from '../../../src/probe/random.ts'
import { at } from '../../support/machine-script.ts'
import { type NaiveCandidate, naiveTop, SelectionWorld } from '../../support/selection-world.ts'

const DECLARED = `
lateness: 1d
tags: { seed: { versioned: true }, has_pack: {} }
fields: { value: { type: number }, group: { type: enum, words: [a, b, c] }, ends: { type: date } }
counters:
  data: { sum: bytes, per: [day, month], keep: 1 }
  seen: { last: time, per: [lifetime] }
`

/** The declarations and the segment `seed`, which is selected on demand unless said. */
function filesWith(segment: string, more: ConfigFiles = {}): ConfigFiles {
  const at = segment.includes('at:') ? '' : 'at: on demand, '
  return { 'a.yaml': `${DECLARED}segments:\n  seed: { ${at}${segment} }\n`, ...more }
}

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_110)
const VERSION = 20_261_110

beforeAll(() => console.log(`selections: seed ${SEED}`))

interface Person extends NaiveCandidate {
  readonly group: string
  readonly hasPack: boolean
}

/** People with scores of a few values, so that most stand in a tie. */
function peopleOf(count: number, random: Random, scoreOf: () => number): Person[] {
  const numbers = new Set<number>()
  while (numbers.size < count) numbers.add(13_800_000_000 + random.below(100_000_000))
  return [...numbers].map((subscriber) => ({
    subscriber,
    score: scoreOf(),
    group: ['a', 'b', 'c'][random.below(3)]!,
    hasPack: random.below(4) === 0,
  }))
}

function enter(world: SelectionWorld, people: readonly Person[]): void {
  world.profiles(
    people.map(({ subscriber, score, group, hasPack }) => ({
      subscriber,
      fields: { value: score, group },
      tags: { has_pack: hasPack },
    })),
  )
}

/** Who was selected, by the machines themselves. */
function selected(world: SelectionWorld, people: readonly Person[], version = VERSION): number[] {
  const numbers = people.map(({ subscriber }) => subscriber).sort((a, b) => a - b)
  return world.members(numbers, 'seed', version)
}

describe('a selection takes who a sort would take', () => {
  const scores: Readonly<Record<string, (random: Random) => number>> = {
    'many ties': (random) => random.below(5),
    'all tied': () => 7,
    'nearly all different': (random) => random.fraction() * 1e6,
    'huge and tiny': (random) => 2 ** (random.below(2_000) - 1_000),
    'in one digit': (random) => 1 + random.below(1_000) * 2 ** -40,
  }
  for (const partitionCount of [1, 2, 3, 5]) {
    it.each(Object.entries(scores))(`over ${partitionCount} partitions, %s`, (_, scoreOf) => {
      const random = new Random(SEED + partitionCount)
      const people = peopleOf(300, random, () => scoreOf(random))
      const world = new SelectionWorld({
        partitionCount,
        files: filesWith(`where: '!tags.has_pack', score: fields.value, take: top 20 %`),
      })
      enter(world, people)
      world.select('seed', VERSION)
      world.settle()
      const candidates = people.filter(({ hasPack, score }) => !hasPack && score > 0)
      const count = Math.floor(candidates.length / 5)
      expect(selected(world, people)).toEqual(naiveTop(candidates, count, 'seed', VERSION))
      const { total } = world.machines[0]!.core!.selections.records.seed!
      expect(total).toMatchObject({ candidates: candidates.length, taken: count })
    })
  }

  it('with negative scores and zero, where the least score says so', () => {
    const random = new Random(SEED)
    const people = peopleOf(300, random, () => random.below(21) - 10)
    const world = new SelectionWorld({
      partitionCount: 2,
      files: filesWith(`score: fields.value, minScore: -5, take: top 100`),
    })
    enter(world, people)
    world.select('seed', VERSION)
    world.settle()
    const candidates = people.filter(({ score }) => score >= -5)
    expect(selected(world, people)).toEqual(naiveTop(candidates, 100, 'seed', VERSION))
  })

  it.each([1, 3])('with quotas in order, over %i partitions', (partitionCount) => {
    const random = new Random(SEED)
    const people = peopleOf(600, random, () => 1 + random.below(6))
    const quotas = `[{ where: 'fields.group == "a"', top: 40 }, { where: 'fields.group != "c"', top: 90 }, { top: 30 }]`
    const world = new SelectionWorld({
      partitionCount,
      files: filesWith(`score: fields.value, quotas: ${quotas}`),
    })
    enter(world, people)
    world.select('seed', VERSION)
    world.settle()
    const taken = new Set<number>()
    const fill = (matches: (person: Person) => boolean, count: number): void => {
      const left = people.filter((person) => matches(person) && !taken.has(person.subscriber))
      for (const each of naiveTop(left, count, 'seed', VERSION)) taken.add(each)
    }
    fill(({ group }) => group === 'a', 40)
    fill(({ group }) => group !== 'c', 90)
    fill(() => true, 30)
    expect(taken.size).toBe(160)
    expect(selected(world, people)).toEqual([...taken].sort((a, b) => a - b))
  })

  it('with quotas that nobody or fewer match than they take', () => {
    const random = new Random(SEED)
    const people = peopleOf(50, random, () => 1 + random.below(3))
    const quotas = `[{ where: 'fields.value > 100', top: 10 }, { where: 'fields.group == "b"', top: 1000 }]`
    const world = new SelectionWorld({ files: filesWith(`score: fields.value, quotas: ${quotas}`) })
    enter(world, people)
    world.select('seed', VERSION)
    world.settle()
    const expected = people.filter(({ group }) => group === 'b').map(({ subscriber }) => subscriber)
    expect(selected(world, people)).toEqual(expected.sort((a, b) => a - b))
  })
})

describe('how many are taken', () => {
  const cases: readonly [string, number, number][] = [
    ['top 20 %', 1, 1],
    ['top 20 %', 9, 1],
    ['top 20 %', 10, 2],
    ['top 0.1 %', 3, 1],
    ['top 100 %', 7, 7],
    ['top 3', 7, 3],
    ['top 30', 7, 7],
    ['all', 7, 7],
    ['top 20 %', 0, 0],
    ['all', 0, 0],
  ]
  test.each(cases)('%s of %i are %i', (take, count, taken) => {
    const people = peopleOf(count, new Random(SEED), () => 3)
    const world = new SelectionWorld({
      partitionCount: 2,
      files: filesWith(`score: fields.value, take: ${take}`),
    })
    enter(world, people)
    world.select('seed', VERSION)
    world.settle()
    expect(selected(world, people)).toHaveLength(taken)
  })

  it('never is whoever has score 0, less, or none', () => {
    const world = new SelectionWorld({ files: filesWith('score: fields.value, take: all') })
    world.profiles([
      { subscriber: 1, fields: { value: 0 } },
      { subscriber: 2, fields: { value: -1 } },
      { subscriber: 3, fields: {} },
      { subscriber: 4, fields: { value: 0.5 } },
    ])
    world.select('seed', VERSION)
    world.settle()
    expect(world.members([1, 2, 3, 4], 'seed', VERSION)).toEqual([4])
  })

  it('never is whoever has a score that is not finite', () => {
    const files = filesWith(`score: '1 / fields.value', minScore: -10, take: all`)
    const world = new SelectionWorld({ files })
    world.profiles([
      { subscriber: 1, fields: { value: 0 } },
      { subscriber: 2, fields: { value: 2 } },
    ])
    world.select('seed', VERSION)
    world.settle()
    expect(world.members([1, 2], 'seed', VERSION)).toEqual([2])
  })
})

describe('ties', () => {
  it('are broken by another lot each time', () => {
    const people = peopleOf(200, new Random(SEED), () => 1)
    const world = new SelectionWorld({ files: filesWith('score: fields.value, take: top 50 %') })
    enter(world, people)
    world.select('seed', VERSION)
    world.settle()
    const first = selected(world, people)
    world.select('seed', VERSION + 1)
    world.settle()
    const second = selected(world, people, VERSION + 1)
    expect(first).toHaveLength(100)
    expect(second).toHaveLength(100)
    const both = second.filter((subscriber) => first.includes(subscriber))
    // Of 100 out of 200, 50 on average; 4 standard deviations of the hypergeometric lot.
    expect(both.length).toBeGreaterThan(35)
    expect(both.length).toBeLessThan(65)
  })
})

describe('what is read is as of the start', () => {
  it('counters of the month before, days since usage, and days until a date', () => {
    const where = `'previous(data.month) >= 100 && daysSince(seen.lifetime) >= 7 && daysUntil(fields.ends) == 3'`
    const world = new SelectionWorld({
      start: '2026-11-30 12:00',
      files: filesWith(`where: ${where}, take: all`),
    })
    const people = [1, 2, 3, 4, 5]
    world.profiles(people.map((subscriber) => ({ subscriber, fields: { ends: '2026-12-11' } })))
    world.profiles([{ subscriber: 4, fields: { ends: '2026-12-12' } }])
    world.usage([1, 2, 4], at('2026-11-30 12:00'), 100)
    world.usage([3], at('2026-11-30 12:00'), 99)
    world.tick(at('2026-12-02 00:30'))
    world.usage([2], at('2026-12-02 00:00'), 1)
    world.tick(at('2026-12-08 12:00'))
    world.select('seed', 20_261_208)
    world.settle()
    expect(world.members(people, 'seed', 20_261_208)).toEqual([1])
  })

  it('a subscriber who was never seen is not silent for days', () => {
    const files = filesWith(`where: 'daysSince(seen.lifetime) >= 0', take: all`)
    const world = new SelectionWorld({ files })
    world.profiles([{ subscriber: 1 }])
    world.usage([2], at('2026-11-09 11:59'))
    world.select('seed', VERSION)
    world.settle()
    expect(world.members([1, 2], 'seed', VERSION)).toEqual([2])
  })

  it("days are those of the subscriber's zone", () => {
    // 23:30 in Shanghai is 10:30 of the same day in New York; at 12:30 of the next day in
    // Shanghai it is 23:30 there.
    const files = filesWith(`where: 'daysSince(fields.ends) == 1', take: all`)
    const world = new SelectionWorld({ start: '2026-11-10 12:30', files })
    const ends = '2026-11-09'
    world.profiles([
      { subscriber: 1, fields: { ends } },
      { subscriber: 2, fields: { ends }, zone: 'America/New_York' },
    ])
    world.select('seed', VERSION)
    world.settle()
    expect(world.members([1, 2], 'seed', VERSION)).toEqual([1])
  })
})

it('a cut in the log of partition 0, which makes the cuts, changes nothing', () => {
  const world = new SelectionWorld({ partitionCount: 2, files: filesWith('take: all') })
  world.profiles([{ subscriber: 1 }, { subscriber: 2 }])
  world.select('seed', VERSION)
  const cut = { thresholds: new Uint32Array(0), next: null }
  world.control(0, encodeErrand({ kind: 'cut', id: 'x', run: 1, round: 1, cut }))
  world.settle()
  expect(world.members([1, 2], 'seed', VERSION)).toEqual([1, 2])
  expect(world.machines[0]!.core!.selections.lead).toBeNull()
})
