import { describe, expect, test } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { explain } from '../../../src/partition/explaining.ts'
import { describeMembers, viewOfJourneys } from '../../../src/partition/journey-views.ts'
import { findLedgerDamage, findTimerDamage } from '../../../src/partition/verify-ledger.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { ANN, at, BOB, MachineScript } from '../../support/machine-script.ts'

const START = '2026-11-20 12:00'
const say = (step: string, wait: string) =>
  `  - { step: ${step}, wait: ${wait}, deliver: { channel: sms }, message: x }`

function files(steps: readonly string[]): ConfigFiles {
  return {
    'a.yaml': 'tags: { fresh: {}, done: {} }',
    'j.yaml': `journey: j\nenter: tags.fresh\ngoal: tags.done\nsteps:\n${steps.join('\n')}\n`,
  }
}
const STEPS = [say('a', '0s'), say('b', '2d'), say('c', '1d')]

function walk(): MachineScript {
  const script = new MachineScript(START, files(STEPS))
  for (const subscriber of [ANN, BOB]) script.profile({ subscriber, tags: { fresh: true } })
  return script
}

/** The journey's check of each step. */
function standing(script: MachineScript, step: string) {
  const found = explain(script.machine.core!, ANN, `j--${step}`)!
  return found.checks.find((check) => check.step === 'journey')
}

describe('a journey shows', () => {
  test('how many wait for each step, also where a reload took theirs away', () => {
    const script = walk()
    script.profile({ subscriber: BOB, tags: { done: true } })
    const [view] = viewOfJourneys(script.machine.core!)
    expect(view).toMatchObject({
      members: 1,
      steps: [
        { step: 'a', members: 0 },
        { step: 'b', members: 1 },
        { step: 'c', members: 0 },
      ],
      staying: 0,
      counts: { all: { entered: 2, goal: 1, exit: 0, completed: 0, left: 0 } },
    })
    script.config(files([STEPS[0]!, STEPS[2]!]))
    expect(viewOfJourneys(script.machine.core!)[0]!.steps).toEqual([
      { step: 'a', members: 0 },
      { step: 'c', members: 1 },
    ])
    expect(script.view().journeys).toEqual([
      {
        ...{ journey: 'j', period: 'ever', step: 'c', isControl: false },
        ...{ dueMs: at('2026-11-22 12:00'), enteredAtMs: at(START) },
      },
    ])
  })

  test('to whoever asks why, where the customer stands', () => {
    const script = walk()
    expect(standing(script, 'a')).toMatchObject({
      verdict: 'stops',
      text: 'has it behind: waits for step b',
    })
    expect(standing(script, 'b')).toEqual({
      ...{ step: 'journey', verdict: 'waits', text: 'waits for this step' },
      values: { inside: true, step: 'b', due: '2026-11-22T04:00:00.000Z', entered: 'ever' },
    })
    expect(standing(script, 'c')).toMatchObject({ verdict: 'waits', text: 'waits for step b' })
    script.profile({ tags: { done: true } })
    expect(standing(script, 'c')).toMatchObject({ verdict: 'waits', values: { inside: false } })
    const answer = explain(script.machine.core!, ANN, 'j--a')!
    expect(answer).toMatchObject({ answer: 'yes', decision: { status: 'sent' } })
  })

  test('how many a reload moves', () => {
    const { core } = walk().machine
    const next = (steps: readonly string[]) => parseCatalog(files(steps)).catalog
    expect(describeMembers([core!], next(STEPS.slice(1)))).toEqual([
      'journey j: 2 subscribers are inside, in the partitions of this worker',
    ])
    expect(describeMembers([core!], next(STEPS))).toEqual([])
  })

  test('a ledger without damage', () => {
    const { core } = walk().machine
    expect(findLedgerDamage(core!)).toEqual([])
    expect(findTimerDamage(core!)).toEqual([])
    expect(core!.heap.count).toBe(0)
  })
})
