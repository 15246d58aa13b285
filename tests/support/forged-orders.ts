/** What a log would believe if it stood there: partitions say it to each other. */

import type { ControlMessage } from '../../src/model/messages.ts'

const COMMON = { id: 'forged', channel: 'sms', period: '2026-11-20', class: null } as const

/** One of each kind. */
export const FORGED_ORDERS: readonly ControlMessage[] = [
  { kind: 'select', id: 'forged', segment: 's', version: 1, atMs: null, order: null },
  {
    kind: 'tally',
    id: 'forged',
    run: 1,
    round: 0,
    partition: 1,
    tally: { kind: 'taken', candidates: 0, taken: 0 },
  },
  {
    kind: 'cut',
    id: 'forged',
    run: 1,
    round: 1,
    cut: { thresholds: new Uint32Array(0), next: null },
  },
  { kind: 'ask', ...COMMON, partition: 1, total: 9 },
  { kind: 'grant', ...COMMON, total: 9, asked: 9, left: 0 },
]
