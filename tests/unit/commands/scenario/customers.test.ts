import { expect, test } from 'vitest'
import { Customers } from '../../../../src/commands/scenario/customers.ts'
import { parsePeople } from '../../../../src/commands/scenario/people-plan.ts'
import type { SaidDelivery } from '../../../../src/model/said.ts'

const NOON_MS = Date.parse('2026-11-21T12:00:00+08:00')
const HOUR_MS = 3_600_000
const PLAN = parsePeople(
  "groups: { all: { share: 1 } }\nreactions: { default: { received: '100 %' } }\n",
)

function deliveryTo(subscriber: number): SaidDelivery {
  return {
    kind: 'delivery',
    number: subscriber,
    inputSequence: 1,
    trigger: 'data-pack',
    subscriber,
    period: '2026-11',
    attempt: 1,
    generation: 1,
    decidedAtMs: NOON_MS,
    firedAtMs: NOON_MS,
    values: {},
    id: `data-pack:${subscriber}:2026-11:1`,
    channel: 'sms',
    class: 'marketing',
    isCanary: false,
    message: 'Reply VIP',
    action: null,
    notBeforeMs: NOON_MS,
    notAfterMs: NOON_MS + HOUR_MS,
    segments: 1,
    lang: null,
    region: null,
    purpose: null,
  }
}

test('the reports of a noon of a large population all come, in the order of time', () => {
  const customers = new Customers(PLAN, 1)
  const count = 200_000
  for (let n = 1; n <= count; n++) customers.meet(deliveryTo(n), NOON_MS)
  const rows = customers.take(NOON_MS + HOUR_MS)
  expect(rows.filter(({ kind }) => kind === 'sent').length).toBe(count)
  expect(rows.every(({ timeMs }, i) => i === 0 || rows[i - 1]!.timeMs <= timeMs)).toBe(true)
  expect(customers.take(NOON_MS + 2 * HOUR_MS)).toEqual([])
})
