import { expect, test } from 'vitest'
import type { PartitionCore } from '../../../src/partition/core.ts'
import { forgetRows } from '../../../src/partition/forgetting.ts'
import type { Reservations } from '../../../src/partition/reservations.ts'
import { ROW_REFUSED } from '../../../src/state/ledger.ts'

const ROWS = 100
const REMEMBERED_MS = 1_000
const NOT_AFTER_MS = 5_000

/** What the clean-up sees of a ledger full of refusals that nobody asks about any more. */
function ledgerOfRefusals(clockMs: number) {
  const freed: number[] = []
  const ledger = {
    table: { rowCount: ROWS },
    status: () => ROW_REFUSED,
    notAfterMs: () => NOT_AFTER_MS,
    free: (number: number) => freed.push(number),
  }
  const compiled = { policy: { rememberedMs: REMEMBERED_MS } }
  const core = { ledger, clockMs, cleanupRow: 95, compiled } as unknown as PartitionCore
  return { core, freed }
}

test.each([
  ['a control message', null, 16],
  ['a record of usage', 60, 2],
  ['a few records', 200, 5],
  ['a large batch', 30_000, 16],
])('%s looks at %s bytes’ worth of rows: %i', (_input, usageSize, count) => {
  const { core, freed } = ledgerOfRefusals(NOT_AFTER_MS + REMEMBERED_MS + 1)
  forgetRows(core, {} as Reservations, usageSize)
  const rows = Array.from({ length: count }, (_, i) => (95 + i) % ROWS)
  expect(freed).toEqual(rows)
  expect(core.cleanupRow).toBe((95 + count) % ROWS)
})

test('what may still be asked about stays', () => {
  const { core, freed } = ledgerOfRefusals(NOT_AFTER_MS + REMEMBERED_MS)
  forgetRows(core, {} as Reservations, null)
  expect(freed).toEqual([])
})
