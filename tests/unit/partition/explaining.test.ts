import { describe, expect, it } from 'vitest'
import type { Explanation } from '../../../src/model/explanation.ts'
import { explain } from '../../../src/partition/explaining.ts'
import { ANN, BOB, MachineScript } from '../../support/machine-script.ts'
import { policyFiles, type PolicyTrigger } from '../../support/policy-files.ts'

const NOON = '2026-11-20 12:00'
const NIGHT = '2026-11-20 23:00'
const DAYTIME = "contactWindow: { from: '09:00', to: '21:00', outside: defer }"

function startWith(
  trigger: PolicyTrigger,
  policy: readonly string[] = [],
  start = NOON,
): MachineScript {
  return new MachineScript(start, policyFiles({ a: trigger }, policy))
}

function ask(script: MachineScript, trigger = 'a', subscriber = ANN): Explanation {
  const explanation = explain(script.machine.core!, subscriber, trigger)
  if (explanation === null) throw new Error('nothing is known')
  return explanation
}

/** `step verdict` of every check that does not pass. */
function obstacles({ checks }: Explanation): string[] {
  return checks
    .filter(({ verdict }) => verdict !== 'passes')
    .map(({ step, verdict }) => `${step} ${verdict}`)
}

const valuesOf = ({ checks }: Explanation, step: string) =>
  checks.filter((check) => check.step === step).map(({ text, values }) => [text, values])

describe('why yes', () => {
  it('names what made it fire, and every check that it passed', () => {
    const script = startWith({})
    script.usage(NOON, 17)
    const told = ask(script)
    expect(told).toMatchObject({
      answer: 'yes',
      summary: 'sent at 2026-11-20T04:00:00.000Z, for 2026-11-20',
      decision: { status: 'sent', values: { 'data.day': 17 }, reason: null },
    })
    expect(told.decision!.passed).toContain('capacity')
    expect(obstacles(told)).toEqual(['latch stops'])
  })

  it('names the experiment that holds the subscriber out', () => {
    const script = startWith({ more: ['controlGroup: { experiment: x, share: 99.9 % }'] })
    script.usage(NOON, 17)
    const told = ask(script)
    expect(told).toMatchObject({ answer: 'yes', decision: { status: 'held-out', experiment: 'x' } })
    const [[, seen]] = valuesOf(told, 'control-group') as [[string, { heldOut: boolean }]]
    expect(seen.heldOut).toBe(true)
  })

  it('says a share as it was written', () => {
    const script = startWith({ more: ['controlGroup: { experiment: x, share: 57 % }'] })
    script.profile({ tags: { vip: true } })
    const [[text]] = valuesOf(ask(script), 'control-group') as [[string]]
    expect(text).toBe('57 % are held out of x')
  })
})

it('names who was in a segment before as conditions do', () => {
  const policy = ['segments: { seed: { at: on demand, keepPrevious: true, take: all } }']
  const script = startWith({ when: 'tags.seed && !wasIn.seed' }, policy)
  script.profile({ tags: { vip: true } })
  expect(valuesOf(ask(script), 'condition')).toEqual([
    ['tags.seed', { 'tags.seed': 0 }],
    ['!wasIn.seed', { 'wasIn.seed': 0 }],
  ])
})

describe('why not', () => {
  it('a cap says which one, and how much of it is used', () => {
    const day = { when: 'data.day >= 10', once: 'day' }
    const late = { when: 'data.day >= 20', once: 'day' }
    const policy = ['channels: { sms: { cap: 1 per day } }']
    const script = new MachineScript(NOON, policyFiles({ b: day, a: late }, policy))
    script.usage(NOON, 17)
    script.tick('2026-11-20 13:00')
    script.usage('2026-11-20 13:00', 17)
    const told = ask(script)
    expect(told).toMatchObject({
      answer: 'no',
      decision: { status: 'refused', reason: 'cap-channel', detail: 'channel sms: 1 per day' },
    })
    expect(told.decision!.passed.at(-1)).toBe('schedule')
    expect(valuesOf(told, 'caps')).toEqual([['channel sms: 1 per day', { used: 1, limit: 1 }]])
  })

  it('a value that divides by zero shows as what it is compared as', () => {
    const policy = ['arbitration: { offersPerContact: 1 }']
    const script = startWith({ more: ['value: data.hour / data.month'] }, policy)
    script.profile({ tags: { vip: true } })
    const [[, seen]] = valuesOf(ask(script), 'arbitration') as [[string, { value: number }]]
    expect(seen.value).toBe(0)
  })

  it('who was outranked learns by whom', () => {
    const policy = ['arbitration: { layers: [model, default], offersPerContact: 1, contact: day }']
    const triggers = { a: {}, b: { more: ['layer: model'] } }
    const script = new MachineScript(NOON, policyFiles(triggers, policy))
    script.usage(NOON, 17)
    const told = ask(script)
    expect(told).toMatchObject({ answer: 'no', decision: { reason: 'outranked', winner: 'b' } })
    expect(told.summary).toContain('b won')
    expect(valuesOf(told, 'arbitration')).toEqual([
      ['the strongest 1 of one day', { layer: 'default', priority: 100, value: 0, rivals: 'b' }],
    ])
    expect(ask(script, 'b').answer).toBe('yes')
  })

  it.each([
    ['a list', { lists: { black: true } }, 'list-black', 'lists'],
    ['the own wish', { lists: { optOut: true } }, 'opted-out', 'lists'],
    ['the audience', { tags: { gone: true } }, 'not-in-audience', 'audience'],
  ] as const)('%s', (_, profile, reason, step) => {
    const script = startWith({ more: ["audience: '!tags.gone'"] })
    script.profile(profile)
    script.usage(NOON, 17)
    const told = ask(script)
    expect(told).toMatchObject({ answer: 'no', decision: { status: 'refused', reason } })
    expect(obstacles(told)).toEqual(['latch stops', `${step} stops`])
  })
})

describe('why not yet', () => {
  it('each part of the condition is told with what it reads', () => {
    const script = startWith({ when: 'data.day >= 10 && tags.vip && fields.worth > 5' })
    script.usage(NOON, 17)
    const told = ask(script)
    expect(told).toMatchObject({
      answer: 'not-yet',
      decision: null,
      summary: 'condition: tags.vip',
    })
    expect(valuesOf(told, 'condition')).toEqual([
      ['data.day >= 10', { 'data.day': 17 }],
      ['tags.vip', { 'tags.vip': false }],
      ['fields.worth > 5', { 'fields.worth': null }],
    ])
    expect(obstacles(told)).toEqual(['condition waits', 'condition waits'])
  })

  it('what waits for its contact window says until when', () => {
    const script = startWith({ deliver: [DAYTIME] }, [], NIGHT)
    script.usage(NIGHT, 17)
    const told = ask(script)
    expect(told).toMatchObject({
      answer: 'not-yet',
      summary: 'decided, and due at 2026-11-21T01:00:00.000Z',
      decision: { status: 'pending', passed: expect.arrayContaining(['arbitration']) },
    })
    expect(valuesOf(told, 'schedule')[0]![1]).toMatchObject({
      zone: 'Asia/Shanghai',
      open: false,
      due: '2026-11-21T01:00:00.000Z',
    })
  })

  it('what waits for its channel says how full that is', () => {
    const policy = ['channels: { sms: { capacity: { perDay: 1 } } }']
    const script = startWith({}, policy)
    script.usage(NOON, 17, { subscriber: BOB })
    script.usage(NOON, 17)
    const told = ask(script)
    expect(told).toMatchObject({ answer: 'not-yet', decision: { status: 'waiting' } })
    expect(told.decision!.passed.at(-1)).toBe('message')
    expect(valuesOf(told, 'capacity')).toEqual([
      ['room on channel sms', { waiting: 1, 'day used': 1, 'day granted here': 1, 'day limit': 1 }],
    ])
    expect(obstacles(told)).toEqual(['latch stops', 'capacity waits'])
  })

  it('nothing stands against it', () => {
    const script = startWith({ when: 'data.day >= 10' })
    script.usage(NOON, 9)
    expect(obstacles(ask(script))).toEqual(['condition waits'])
    script.usage('2026-11-20 12:01', 0, { subscriber: BOB })
    expect(ask(script, 'a', BOB).summary).toBe('condition: data.day >= 10')
  })
})

it('changes nothing: the same inputs give the same decisions, asked or not', () => {
  const triggers = Object.fromEntries(
    [1, 2, 3, 4].map((step) => [`t${step}`, { when: `data.day >= ${step * 20}`, once: 'day' }]),
  )
  const policy = [
    'channels: { sms: { cap: [2 per day, 3 per 5 days] } }',
    'arbitration: { layers: [one], offersPerContact: 1, contact: hour }',
  ]
  const run = (isAsked: boolean): string[] => {
    const script = new MachineScript(NOON, policyFiles(triggers, policy))
    for (let hour = 13; hour < 24; hour++) {
      script.tick(`2026-11-20 ${hour}:00`)
      script.usage(`2026-11-20 ${hour}:00`, 17)
      if (isAsked) for (const id of Object.keys(triggers)) ask(script, id)
    }
    return script.lines
  }
  expect(run(true)).toEqual(run(false))
  expect(run(true)).toHaveLength(4)
})

it('knows nothing of whom it never saw, nor of triggers that are not there', () => {
  const script = startWith({})
  expect(explain(script.machine.core!, ANN, 'a')).toBeNull()
  script.usage(NOON, 1)
  expect(explain(script.machine.core!, ANN, 'b')).toBeNull()
})
