import { expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { MachineScript } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'

function trigger(id: string, more: string): string {
  return `
trigger: ${id}
when: data.day >= 10
once: day
${more}
deliver: { channel: sms, at: next day 12:00 }
message: x
`
}

/** Two triggers that differ in value alone, in files of these names. */
function files(small: string, large: string): ConfigFiles {
  return {
    'policy.yaml': `
counters: { data: { sum: bytes, per: [day], keep: 1 } }
arbitration: { offersPerContact: 2 }
`,
    [`triggers/${small}.yaml`]: trigger('a-small', 'value: 1'),
    [`triggers/${large}.yaml`]: trigger('b-large', 'value: 2'),
  }
}

it.each([
  ['first', 'second'],
  ['second', 'first'],
])('of one instant the stronger goes out first, be its file the %s or not', (small, large) => {
  const script = new MachineScript(NOON, files(small, large))
  expect(script.usage(NOON, 10)).toEqual([])
  const lines = script.tick('2026-11-21 12:00').map((line) => line.split(' ')[0])
  expect(lines).toEqual(['b-large', 'a-small'])
})
