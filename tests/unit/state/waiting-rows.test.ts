import { describe, expect, it } from 'vitest'
import { WaitingRows } from '../../../src/state/waiting-rows.ts'
import { Random } from '../../support/workload/random.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 7)

interface Waiting {
  readonly row: number
  readonly line: number
  readonly rank: number
  readonly dueMs: number
  readonly id: number
  readonly deadlineMs: number
}

describe('waiting rows', () => {
  it(`leave in order and by deadline as a sorted list would have it (seed ${SEED})`, () => {
    const random = new Random(SEED)
    const rows = new WaitingRows()
    let model: Waiting[] = []
    const problems: string[] = []
    for (let step = 0; step < 4000; step++) {
      if (random.chance(0.55)) {
        const waiting = {
          row: step,
          line: random.whole(0, 3),
          rank: random.whole(0, 5),
          dueMs: random.whole(0, 5),
          id: 10_000 - step,
          deadlineMs: random.whole(0, 20),
        }
        model.push(waiting)
        rows.add(waiting.row, waiting.line, waiting)
      } else if (model.length > 0) {
        const { row } = random.pick(model)
        model = model.filter((waiting) => waiting.row !== row)
        rows.remove(row)
      }
      model.sort(byRank)
      for (let line = 0; line < 4; line++) {
        const first = model.find((waiting) => waiting.line === line)?.row ?? -1
        if (rows.head(line) !== first) problems.push(`step ${step}: head of ${line}`)
      }
      const due = model.toSorted((a, b) => a.deadlineMs - b.deadlineMs || byRank(a, b))[0]
      if (rows.nextDeadlineRow !== (due?.row ?? -1)) problems.push(`step ${step}: deadline`)
    }
    expect(problems).toEqual([])
    expect(rows.count).toBe(model.length)
    expect(rows.rows().sort()).toEqual(model.map(({ row }) => row).sort())
  })

  it('compares the heads of lines, and a head with somebody who is not in line', () => {
    const rows = new WaitingRows()
    rows.add(1, 0, { rank: 5, dueMs: 10, id: 1, deadlineMs: 100 })
    rows.add(2, 1, { rank: 5, dueMs: 9, id: 2, deadlineMs: 100 })
    expect(rows.isHeadFirst(1, 0)).toBe(true)
    expect(rows.isHeadFirst(0, 1)).toBe(false)
    expect(rows.isHeadBefore(0, { rank: 5, dueMs: 10, id: 2 })).toBe(true)
    expect(rows.isHeadBefore(0, { rank: 5, dueMs: 10, id: 0 })).toBe(false)
    expect(rows.isHeadBefore(0, { rank: 4, dueMs: 20, id: 9 })).toBe(false)
    expect(rows.isHeadBefore(7, { rank: 9, dueMs: 20, id: 9 })).toBe(false)
  })

  it('does not mind taking out who does not wait', () => {
    const rows = new WaitingRows()
    rows.add(1, 0, { rank: 5, dueMs: 10, id: 1, deadlineMs: 100 })
    rows.remove(2)
    rows.remove(1)
    rows.remove(1)
    expect(rows.count).toBe(0)
    expect(rows.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY)
  })
})

function byRank(a: Waiting, b: Waiting): number {
  return a.rank - b.rank || a.dueMs - b.dueMs || a.id - b.id
}
