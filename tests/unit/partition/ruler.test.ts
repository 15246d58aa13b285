import { expect, it } from 'vitest'
import { makeRuler, rankOf } from '../../../src/partition/ruler.ts'
import { Random } from '../../support/workload/random.ts'

const ENDS = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]

it.each([1, 2, 3, 4])('counts the lines at or below a value (seed %i)', (seed) => {
  const random = new Random(seed)
  for (let round = 0; round < 60; round++) {
    const scale = random.pick([1, 1e-9, 1e6, 1e300])
    const draw = (): number =>
      random.pick([
        random.next() * scale,
        Math.round(random.next() * 50),
        random.pick([0, -0, Number.MIN_VALUE, Number.MAX_VALUE, 1024]),
        round % 3 === 0 ? -random.next() * scale : 7,
      ])
    const lines = Array.from({ length: random.whole(1, 60) }, draw)
    const ruler = makeRuler([...lines, ...ENDS])
    const distinct = new Set(lines.map((line) => line + 0))
    const values = [...Array.from({ length: 40 }, draw), ...lines, ...ENDS]
    for (const value of values) {
      const below = [...distinct].filter((line) => line <= value).length
      expect(rankOf(ruler, value), `${value} among ${lines}`).toBe(below)
    }
    expect(rankOf(ruler, Number.NaN)).toBe(0)
  }
})
