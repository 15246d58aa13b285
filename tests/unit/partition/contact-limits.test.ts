import { expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { MachineScript } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'

function trigger(id: string, priority: number, line: number, at: string): string {
  return `
trigger: ${id}
when: data.day >= ${line}
once: day
priority: ${priority}
deliver: { channel: sms, at: ${at} }
message: x
`
}

/** `first` is sent, `waiting` would be at six, and then comes `strongest`. */
function files(offersPerContact: number): ConfigFiles {
  return {
    'policy.yaml': `
counters: { data: { sum: bytes, per: [day], keep: 1 } }
arbitration: { offersPerContact: ${offersPerContact}, contact: day }
`,
    'triggers/first.yaml': trigger('first', 50, 10, 'now'),
    'triggers/waiting.yaml': trigger('waiting', 100, 10, 'same day 18:00'),
    'triggers/strongest.yaml': trigger('strongest', 1, 20, 'now'),
  }
}

it('what was sent already fills a contact that a reload has made smaller', () => {
  const script = new MachineScript(NOON, files(2))
  expect(script.usage(NOON, 10)).toEqual([
    'first 2026-11-20/1 2026-11-20T04:00Z..2026-11-21T04:00Z',
  ])
  script.config(files(1))
  expect(script.usage(NOON, 10)).toEqual(['strongest 2026-11-20/1 outranked'])
  expect(script.tick('2026-11-20 18:00')).toEqual(['waiting 2026-11-20/1 outranked'])
})

it('while it is as large as it was, the strongest takes the place of what waits', () => {
  const script = new MachineScript(NOON, files(2))
  script.usage(NOON, 10)
  expect(script.usage(NOON, 10)).toEqual([
    'waiting 2026-11-20/1 outranked',
    'strongest 2026-11-20/1 2026-11-20T04:00Z..2026-11-21T04:00Z',
  ])
})
