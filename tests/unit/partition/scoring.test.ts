/** The generated code of scores against the interpreter. */

import { expect, it } from 'vitest'
import type { Expression } from '../../../src/model/expression.ts'
import type { PartitionCore } from '../../../src/partition/core.ts'
import { generateScorer } from '../../../src/partition/scoring.ts'
import { Random } from '../../../src/probe/random.ts'
import {
  evaluateCondition,
  evaluateNumber,
  type ExpressionReader,
} from '../../../src/rules/evaluate.ts'
import { referencesOf } from '../../../src/rules/references.ts'
import { readCell } from '../../../src/state/counter-cells.ts'
import { DAY } from '../../../src/state/periods.ts'
import { at } from '../../support/machine-script.ts'
import { SelectionWorld } from '../../support/selection-world.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_110)
const NOW = '2026-12-02 12:00'

const WHERES = [
  'data.day >= 50',
  'previous(data.month) > 100 || data.month == 0',
  'fields.value * 2 > 5 && !tags.pack',
  'lists.red != tags.pack',
  'has(fields.ends) && daysUntil(fields.ends) in [0, 1, 2]',
  'daysSince(seen.lifetime) >= 2',
  '!(daysSince(seen.lifetime) < 2)',
  'fields.kind == "b" ? fields.value > 1 : data.last_3_days > 10',
  'data.day / fields.value > 3',
]
const SCORES = ['fields.value', 'data.month - 50', '1 / fields.value', 'daysSince(fields.ends) % 3']

function filesOf(where: string, score: string, minScore: number) {
  const text = `
tags: { seed: { versioned: true }, pack: {} }
fields: { value: { type: number }, kind: { type: enum, words: [a, b] }, ends: { type: date } }
counters:
  data: { sum: bytes, per: [day, month, last 3 days], keep: 1 }
  seen: { last: time, per: [lifetime] }
segments:
  seed:
    at: on demand
    where: '${where}'
    score: '${score}'
    minScore: ${minScore}
    quotas: [{ where: '${where}', top: 1 }, { where: 'tags.pack', top: 1 }]
`
  return { 'a.yaml': text }
}

/** 60 subscribers with this and that; some in another zone. */
function populate(world: SelectionWorld, random: Random): number[] {
  const people = Array.from({ length: 60 }, (_, i) => i + 1)
  const some = (share: number): number[] => people.filter(() => random.fraction() < share)
  for (const start of ['2026-11-28 10:00', '2026-11-30 23:00', '2026-12-01 09:00', NOW]) {
    world.tick(at(start))
    world.usage(some(0.5), at(start), random.below(120))
  }
  world.profiles(
    people.map((subscriber) => ({
      subscriber,
      tags: { pack: random.below(2) === 0 },
      lists: { red: random.below(2) === 0 },
      fields: {
        ...(random.below(4) > 0 && { value: random.below(5) }),
        ...(random.below(4) > 0 && { kind: random.below(2) === 0 ? 'a' : 'b' }),
        ...(random.below(4) > 0 && { ends: `2026-12-0${1 + random.below(5)}` }),
      },
      zone: random.below(5) === 0 ? 'America/New_York' : undefined,
    })),
  )
  return people
}

/** What the interpreter reads of a slot. */
function readerOf(core: PartitionCore, slot: number, keys: Int32Array, nowMs: number) {
  const reader: ExpressionReader = {
    counter: (counter, counterWindow, previous) => {
      const cell = core.compiled.findCell(counter, counterWindow)
      return readCell(core.tables, slot, cell, cell.unit === -1 ? 0 : keys[cell.unit]!, previous)
    },
    tag: (tag) => core.tagValue(slot, tag) > 0,
    list: (list) => core.isListed(slot, list),
    field: (field) => core.fieldValue(slot, field),
    has: (field) => core.hasField(slot, field),
    column: () => Number.NaN,
    daysSince: (of, value) => {
      if (of === 'date') return keys[DAY]! - value
      return value > 0 ? Math.floor((nowMs - value) / 86_400_000) : Number.NaN
    },
  }
  const isKept = (expression: Expression): boolean =>
    referencesOf(expression).counters.every(
      ({ counter, counterWindow, previous }) =>
        !Number.isNaN(reader.counter(counter, counterWindow, previous)),
    )
  return {
    condition: (expression: Expression) =>
      isKept(expression) && evaluateCondition(expression, reader),
    number: (expression: Expression) =>
      isKept(expression) ? evaluateNumber(expression, reader) : Number.NaN,
  }
}

it('gives the candidates, scores and quotas that the interpreter gives', () => {
  console.log(`scores: seed ${SEED}`)
  const random = new Random(SEED)
  const nowMs = at(NOW)
  let candidates = 0
  for (const [index, where] of WHERES.entries()) {
    const score = SCORES[index % SCORES.length]!
    const minScore = index % 2 === 0 ? 1 : -30
    const files = filesOf(where, score, minScore)
    const world = new SelectionWorld({ start: '2026-11-28 09:00', files })
    const people = populate(world, random)
    const core = world.machines[0]!.core!
    const segment = core.compiled.catalog.segments[0]!
    const scorer = generateScorer(core.compiled, core.tables, segment)
    for (const subscriber of people) {
      const slot = core.index.find(subscriber)
      const keys = Int32Array.from(core.periodKeys(slot, nowMs))
      const reader = readerOf(core, slot, keys, nowMs)
      const isMatching = reader.condition(segment.where!)
      const value = isMatching ? reader.number(segment.score!) : Number.NaN
      const expected = Number.isFinite(value) && value >= minScore ? value : Number.NaN
      const about = `${where} | ${score} | ${subscriber}`
      expect([about, scorer.score(slot, keys, nowMs)]).toEqual([about, expected])
      const bits = (isMatching ? 1 : 0) | (core.tagValue(slot, 'pack') > 0 ? 2 : 0)
      expect([about, scorer.quotas(slot, keys, nowMs)]).toEqual([about, bits])
      if (!Number.isNaN(expected)) candidates += 1
    }
  }
  expect(candidates).toBeGreaterThan(50)
})
