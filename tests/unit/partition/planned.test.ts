import { expect, test } from 'vitest'
import { countPlanned } from '../../../src/partition/planned.ts'
import type { PlannedPartition } from '../../../src/model/planned.ts'
import { ANN, at, BOB, MachineScript, recordAt } from '../../support/machine-script.ts'

const FILES = {
  'a.yaml':
    'tags: { seed: {} }\ncounters: { data: { sum: bytes, per: [day] } }\n' +
    'channels: { sms: { sms: true }, push: {} }\n',
  'next.yaml':
    'trigger: next\nwhen: data.day >= 10\ndeliver: { channel: sms, at: next day 12:00 }\n' +
    `message: ${'a'.repeat(161)}\n`,
  'today.yaml':
    'trigger: today\nwhen: data.day >= 20\ndeliver: { channel: push, at: same day 18:00 }\n' +
    'message: Hello\n',
  'held.yaml':
    'trigger: held\nwhen: data.day >= 20\ndeliver: { channel: sms, at: same day 18:00 }\n' +
    'controlGroup: { share: 99.9 % }\nmessage: Hello\n',
}

const countAll = (script: MachineScript): { turns: number; planned: PlannedPartition } => {
  const counting = countPlanned(script.machine.core!)
  for (let turns = 1; ; turns++) {
    const step = counting.next()
    if (step.done === true) return { turns, planned: step.value }
  }
}

test('what is due before the day ends is planned, with the segments that it takes', () => {
  const script = new MachineScript('2026-11-20 10:00', FILES)
  script.usage('2026-11-20 10:00', 20)
  script.usage('2026-11-20 10:00', 10, { subscriber: BOB })
  const today = { trigger: 'today', channel: 'push', deliveries: 1, segments: 0 }
  const { planned } = countAll(script)
  expect(planned).toEqual({
    partition: 0,
    clockMs: at('2026-11-20 10:00'),
    decisionNumber: 0,
    triggers: [today],
  })
  script.tick('2026-11-20 18:00')
  expect(countAll(script).planned.triggers).toEqual([])
  script.tick('2026-11-21 00:00')
  const next = { trigger: 'next', channel: 'sms', deliveries: 2, segments: 4 }
  expect(countAll(script).planned).toMatchObject({ decisionNumber: 2, triggers: [next] })
  script.tick('2026-11-21 12:00')
  expect(countAll(script).planned).toMatchObject({ decisionNumber: 4, triggers: [] })
  expect(script.decisions.map(({ subscriber }) => subscriber)).toContain(ANN)
})

test('many are counted in slices', () => {
  const script = new MachineScript('2026-11-21 10:00', FILES)
  const subscribers = Array.from({ length: 4_500 }, (_, i) => 1_000 + i)
  script.batch(subscribers.map((subscriber) => recordOf(subscriber)))
  script.tick('2026-11-22 00:00')
  const { turns, planned } = countAll(script)
  expect(turns).toBe(3)
  expect(planned.triggers).toMatchObject([{ deliveries: 4_500, segments: 9_000 }])
})

function recordOf(subscriber: number) {
  return { ...recordAt('2026-11-21 10:00', 10), subscriber }
}
