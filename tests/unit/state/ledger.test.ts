import { expect, it } from 'vitest'
import { CALENDAR_UNITS } from '../../../src/model/expression.ts'
import { Ledger, type LedgerRow, ROW_FREE, ROW_PENDING } from '../../../src/state/ledger.ts'
import { PagedTable } from '../../../src/state/paged-table.ts'
import { expectSame } from '../../support/expect-same.ts'
import { Random } from '../../support/workload/random.ts'

function rowOf(random: Random, id: number, slot: number): LedgerRow {
  return {
    id,
    slot,
    dueMs: random.whole(0, 2e12),
    expiresAtMs: random.whole(0, 2e12),
    firedAtMs: random.whole(0, 2e12),
    notAfterMs: random.whole(0, 2e12),
    plannedMs: random.whole(0, 2e12),
    values: Array.from({ length: 4 }, () => random.next() * 2 ** 53),
    trigger: random.whole(0, 1000),
    period: random.whole(-5, 600_000),
    once: random.pick([...CALENDAR_UNITS, 'ever']),
    generation: random.whole(0, 2 ** 31 - 1),
    priority: random.whole(0, 999),
    status: ROW_PENDING,
    attempt: random.whole(1, 10),
    incarnation: random.whole(0, 2 ** 23 - 1),
    shape: random.whole(0, 500),
    calendar: random.whole(0, 2 ** 13 - 1),
    value: random.next() * 2 ** 53 - 2 ** 52,
    layer: random.whole(0, 2 ** 16 - 1),
    channel: random.whole(1, 1000),
    class: random.whole(1, 1000),
    isCounted: random.chance(0.5),
    isIgnoringCaps: random.chance(0.5),
    isCanary: random.chance(0.5),
    experiment: random.whole(0, 1000),
    reason: random.whole(0, 255),
    detail: random.whole(0, 1000),
    winner: random.whole(0, 1000),
    tagging: random.whole(0, 2 ** 31 - 1),
  }
}

it.each([1, 2, 3])(
  'chains of rows per subscriber, newest first, in any order of freeing (seed %i)',
  (seed) => {
    const random = new Random(seed)
    const hot = new PagedTable(0, 64)
    hot.growTo(20)
    const ledger = new Ledger(hot)
    const chains = Array.from({ length: 20 }, (): { number: number; row: LedgerRow }[] => [])
    let highest = 0
    for (let id = 1; id <= 3000; id++) {
      const slot = random.whole(0, 19)
      const chain = chains[slot]!
      if (random.chance(0.5) || chain.length === 0) {
        const row = rowOf(random, id, slot)
        chain.unshift({ number: ledger.add(row), row })
        highest = Math.max(highest, chain[0]!.number)
      } else if (random.chance(0.4)) {
        const entry = random.pick(chain)
        entry.row = { ...rowOf(random, id, slot), id: entry.row.id }
        ledger.write(entry.number, entry.row)
      } else {
        const [gone] = chain.splice(random.whole(0, chain.length - 1), 1)
        ledger.free(gone!.number)
        expectSame(ledger.status(gone!.number), ROW_FREE)
      }
      expectSame(
        [...ledger.rowsOf(slot)],
        chain.map(({ number }) => number),
      )
    }
    for (const [slot, chain] of chains.entries()) {
      expectSame(
        [...ledger.rowsOf(slot)],
        chain.map(({ number }) => number),
      )
      for (const { number, row } of chain) {
        expectSame(ledger.read(number), row)
        expectSame([ledger.id(number), ledger.dueMs(number)], [row.id, row.dueMs])
      }
    }
    // Freed rows are used again before the table grows.
    const living = chains.reduce((sum, chain) => sum + chain.length, 0)
    expect(highest).toBe(ledger.table.rowCount - 1)
    const before = ledger.table.rowCount
    for (let free = before - living; free > 0; free--) ledger.add(rowOf(random, 9000 + free, 0))
    expect(ledger.table.rowCount).toBe(before)
    ledger.add(rowOf(random, 99_999, 0))
    expect(ledger.table.rowCount).toBe(before + 1)
  },
)

it('rows of a chain may be freed while it is walked', () => {
  const hot = new PagedTable(0, 64)
  hot.growTo(1)
  const ledger = new Ledger(hot)
  for (let id = 1; id <= 5; id++) ledger.add(rowOf(new Random(id), id, 0))
  const seen: number[] = []
  for (const number of ledger.rowsOf(0)) {
    seen.push(ledger.id(number))
    ledger.free(number)
    const { id, values, slot, trigger, incarnation } = ledger.read(number)
    expect([id, ...values, slot, trigger, incarnation]).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
  }
  expect(seen).toEqual([5, 4, 3, 2, 1])
  expect([...ledger.rowsOf(0)]).toEqual([])
})
