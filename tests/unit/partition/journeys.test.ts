import { describe, expect, test } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { partitionOf } from '../../../src/model/wire.ts'
import { encodeCancel } from '../../../src/probe/encode.ts'
import { ANN, BOB, MachineScript } from '../../support/machine-script.ts'

const START = '2026-11-20 12:00'

interface Parts {
  readonly head?: string
  readonly steps?: readonly string[]
  readonly declared?: string
  readonly enter?: string
}

const say = (step: string, more = '') =>
  `{ step: ${step}, ${more} deliver: { channel: sms }, message: x }`

/** A journey `j` into which the tag `new` lets. */
function files(parts: Parts = {}): ConfigFiles {
  const { head = '', steps = [say('hello')], declared = '', enter = 'tags.fresh' } = parts
  return {
    'a.yaml': [
      'tags: { fresh: {}, done: {}, out: {}, other: {} }',
      'counters: { data: { sum: bytes, per: [day, month, last 2 days] } }',
      declared,
    ].join('\n'),
    'j.yaml': [
      'journey: j',
      `enter: ${enter}`,
      head,
      'steps:',
      ...steps.map((step) => `  - ${step}`),
    ].join('\n'),
  }
}

const enter = (script: MachineScript, subscriber = ANN) =>
  script.profile({ subscriber, tags: { fresh: true } })
/** How many members `j` has; at one step: by its number, -1 behind the last. */
const members = (script: MachineScript, number?: number) => {
  const core = script.machine.core!
  const { code } = core.compiled.journeyById('j')!
  return number === undefined ? core.members.of(code) : core.members.at(code, number)
}
/** A line of a delivery at an instant of Shanghai's clock, valid for a day. */
const at = (line: string, minute: string) => {
  const fromMs = Date.parse(`${minute.replace(' ', 'T')}:00+08:00`)
  const text = (ms: number) => `${new Date(ms).toISOString().slice(0, 16)}Z`
  return `${line} ${text(fromMs)}..${text(fromMs + 86_400_000)}`
}

describe('a journey', () => {
  test('welcomes with the input that lets in, and goes on by its waits', () => {
    const steps = [
      say('hello'),
      say('day', 'wait: next day 10:00,'),
      say('month', 'wait: 1 month,'),
    ]
    const script = new MachineScript(START, files({ steps }))
    expect(enter(script)).toEqual(['j ever entered', at('j--hello ever/1', START)])
    expect(script.tick('2026-11-21 09:59:59.999')).toEqual([])
    expect(script.tick('2026-11-21 10:00')).toEqual([at('j--day ever/1', '2026-11-21 10:00')])
    expect(script.tick('2026-12-21 09:59')).toEqual([])
    expect(script.tick('2026-12-21 10:00')).toEqual([
      at('j--month ever/1', '2026-12-21 10:00'),
      'j ever completed',
    ])
    expect(members(script)).toBe(0)
    expect(enter(script)).toEqual([])
  })

  test('counts waits from when the step before was due, whenever the log says so', () => {
    const steps = [say('one', 'wait: 1d,'), say('two', 'wait: 1d,'), say('three', 'wait: 1d,')]
    const script = new MachineScript(START, files({ steps }))
    enter(script)
    expect(script.tick('2026-11-22 20:00')).toEqual([
      at('j--one ever/1', '2026-11-22 20:00'),
      at('j--two ever/1', '2026-11-22 20:00'),
    ])
    expect(script.tick('2026-11-23 12:00')).toEqual([
      at('j--three ever/1', '2026-11-23 12:00'),
      'j ever completed',
    ])
  })

  test('lets in once per period, and never twice at a time', () => {
    const steps = [say('hello'), say('later', 'wait: 40d,')]
    const script = new MachineScript(START, files({ head: 'once: month', steps }))
    expect(enter(script)).toEqual(['j 2026-11 entered', at('j--hello 2026-11/1', START)])
    script.tick('2026-12-02 12:00')
    expect(enter(script)).toEqual([])
    script.tick('2026-12-30 11:59')
    expect(members(script)).toBe(1)
    script.tick('2026-12-30 12:00')
    expect(script.lines.at(-1)).toBe('j 2026-11 completed')
    // December's chance was spent on somebody who was inside.
    expect(enter(script)).toEqual([])
    script.tick('2027-01-02 12:00')
    expect(enter(script)[0]).toBe('j 2027-01 entered')
  })

  test('keeps who is there already out', () => {
    const script = new MachineScript(START, files({ head: 'goal: tags.done\nexit: tags.out' }))
    script.profile({ tags: { done: true } })
    expect(enter(script)).toEqual([])
    script.profile({ subscriber: BOB, tags: { out: true } })
    expect(enter(script, BOB)).toEqual([])
  })

  test('is not entered outside its validity, and spends nothing then', () => {
    const head = 'validity: { from: 2026-11-21T00:00:00+08:00, to: 2026-11-22T00:00:00+08:00 }'
    const script = new MachineScript(START, files({ head, enter: 'data.month >= 10' }))
    expect(script.usage(START, 10)).toEqual([])
    script.tick('2026-11-21 00:00')
    expect(script.usage('2026-11-21 00:00', 1)[0]).toBe('j ever entered')
    script.tick('2026-11-22 00:00')
    const late = { subscriber: BOB }
    expect(script.usage('2026-11-22 00:00', 10, late)).toEqual([])
  })
})

describe('a goal', () => {
  const steps = [say('hello'), say('later', 'wait: 3d,')]

  test('ends the journey with the input that meets it', () => {
    const script = new MachineScript(START, files({ head: 'goal: data.month >= 10', steps }))
    enter(script)
    expect(script.usage(START, 9)).toEqual([])
    expect(script.usage(START, 1)).toEqual(['j ever goal at later'])
    expect(script.usage(START, 1)).toEqual([])
    expect(script.tick('2026-11-30 12:00')).toEqual([])
  })

  test('met by tag or list ends it likewise, an exit too', () => {
    const head = 'goal: tags.done\nexit: lists.black'
    const script = new MachineScript(START, files({ head, steps }))
    enter(script)
    expect(script.profile({ tags: { done: true } })).toEqual(['j ever goal at later'])
    enter(script, BOB)
    expect(script.profile({ subscriber: BOB, lists: { black: true } })).toEqual([
      `j ${BOB} ever exit at later`,
    ])
    expect(script.machine.core!.journeyCountsOf('j').all).toEqual({
      ...{ entered: 2, goal: 1, exit: 1, completed: 0, left: 0 },
    })
  })

  test('is waited for after the last step', () => {
    const head = 'goal: tags.done\nstay: 2d'
    const script = new MachineScript(START, files({ head }))
    enter(script)
    enter(script, BOB)
    script.tick(START)
    expect(members(script, -1)).toBe(2)
    script.tick('2026-11-22 11:59')
    expect(script.profile({ tags: { done: true } })).toEqual(['j ever goal'])
    expect(script.tick('2026-11-22 12:00')).toEqual([`j ${BOB} ever completed`])
  })

  test('that only time makes true is asked for when a step is due', () => {
    const head = 'goal: data.last_2_days < 10'
    const script = new MachineScript(START, files({ head, steps }))
    script.usage(START, 10)
    enter(script)
    expect(script.tick('2026-11-23 11:59')).toEqual([])
    expect(script.tick('2026-11-23 12:00')).toEqual(['j ever goal at later'])
  })

  test('takes back what the steps have pending, and nothing else', () => {
    const night =
      "deliver: { channel: sms, contactWindow: { from: '09:00', to: '11:00', outside: defer, expires: 2d } }, message: x }"
    const script = new MachineScript(START, {
      ...files({ head: 'goal: tags.done', steps: [`{ step: hello, ${night}`] }),
      't.yaml': `{ trigger: t, when: tags.fresh, once: day, ${night}`,
    })
    expect(enter(script)).toEqual(['j ever entered'])
    expect(script.profile({ tags: { done: true } })).toEqual([
      'j ever goal',
      'j--hello ever/1 journey-left',
    ])
    expect(script.tick('2026-11-21 09:00')).toEqual([
      't 2026-11-20/1 2026-11-21T01:00Z..2026-11-21T03:00Z',
    ])
  })

  test('is asked for again before a deferred delivery goes out', () => {
    const window = "contactWindow: { from: '09:00', to: '11:00', outside: defer, expires: 5d }"
    const step = `{ step: hello, deliver: { channel: sms, at: after 3d, ${window} }, message: x }`
    const head = 'goal: data.last_2_days < 10\nstay: 30d'
    const script = new MachineScript(START, files({ head, steps: [step] }))
    script.usage(START, 10)
    enter(script)
    expect(script.tick('2026-11-24 09:00')).toEqual(['j--hello ever/1 journey-left'])
  })
})

describe('a step', () => {
  test('with a false condition is passed over, or ends the journey', () => {
    const steps = [say('a', 'when: tags.other,'), say('b', 'when: tags.done, otherwise: leave,')]
    const script = new MachineScript(START, files({ steps: [...steps, say('c')] }))
    expect(enter(script)).toEqual(['j ever entered'])
    expect(script.tick(START)).toEqual(['j ever left at b: condition'])
    script.profile({ subscriber: BOB, tags: { other: true, done: true } })
    enter(script, BOB)
    script.tick(START)
    expect(script.lines.filter((line) => line.includes('j--')).length).toBe(3)
  })

  test('asks again for as long as it says', () => {
    const steps = [
      say('a', 'wait: 1d, when: tags.other, otherwise: wait 12h up to 24h,'),
      say('b', 'wait: 1h,'),
    ]
    const script = new MachineScript(START, files({ steps }))
    enter(script)
    enter(script, BOB)
    expect(script.tick('2026-11-21 12:00')).toEqual([])
    script.profile({ tags: { other: true } })
    expect(script.tick('2026-11-22 00:00')).toEqual([at('j--a ever/1', '2026-11-22 00:00')])
    expect(script.tick('2026-11-22 12:59')).toEqual([
      at('j--b ever/1', '2026-11-22 12:59'),
      'j ever completed',
    ])
    expect(script.tick('2026-11-22 13:00')).toEqual([
      at(`j--b ${BOB} ever/1`, '2026-11-22 13:00'),
      `j ${BOB} ever completed`,
    ])
  })

  test('may only wait', () => {
    const script = new MachineScript(START, files({ steps: ['{ step: rest, wait: 2d }'] }))
    expect(enter(script)).toEqual(['j ever entered'])
    expect(script.tick('2026-11-22 11:59')).toEqual([])
    expect(script.tick('2026-11-22 12:00')).toEqual(['j ever completed'])
  })

  test('goes the way of all deliveries: lists, caps, control group', () => {
    const steps = [say('a'), say('b', 'wait: 1h,'), say('c', 'wait: 1h, class: service,')]
    const declared = 'caps: [1 per day]'
    const script = new MachineScript(START, files({ steps, declared }))
    enter(script)
    expect(script.tick('2026-11-20 13:00')).toEqual(['j--b ever/1 cap-global'])
    expect(script.tick('2026-11-20 14:00')[0]).toBe(at('j--c ever/1', '2026-11-20 14:00'))
  })

  test('of who is held out ends as a holdout, and the journey says so', () => {
    const script = new MachineScript(
      START,
      files({ head: 'goal: tags.done\ncontrolGroup: { share: 99.9 % }' }),
    )
    expect(enter(script)).toEqual(['j ever entered, control', 'j--hello ever/1 held out: j'])
    expect(script.profile({ tags: { done: true } })).toEqual(['j ever goal, control'])
    expect(script.machine.core!.journeyCountsOf('j').control).toMatchObject({ entered: 1, goal: 1 })
  })

  test('of a canary counts in no rate', () => {
    const script = new MachineScript(START, files({ head: 'controlGroup: { share: 99.9 % }' }))
    script.profile({ lists: { canary: true } })
    expect(enter(script)[0]).toBe('j ever entered')
    expect(script.machine.core!.journeyCountsOf('j').all.entered).toBe(0)
  })
})

describe('what is forgotten, or taken back', () => {
  const steps = [say('hello'), say('later', 'wait: 3d,')]

  test('an erased subscriber walks no further', () => {
    const script = new MachineScript(START, files({ steps }))
    enter(script)
    enter(script, BOB)
    script.erase()
    expect(members(script)).toBe(1)
    expect(script.tick('2026-11-23 12:00')).toEqual([
      at(`j--later ${BOB} ever/1`, '2026-11-23 12:00'),
      `j ${BOB} ever completed`,
    ])
    expect(enter(script)).toEqual(['j ever entered', expect.stringMatching(/^j--hello ever\/1 /)])
  })

  test('an operator takes back one step, and the member goes on', () => {
    const window = "contactWindow: { from: '09:00', to: '11:00', outside: defer, expires: 2d }"
    const first = `{ step: hello, deliver: { channel: sms, ${window} }, message: x }`
    const script = new MachineScript(START, files({ steps: [first, say('later', 'wait: 3d,')] }))
    enter(script)
    const meant = { trigger: 'j--hello', channel: null, subscriber: ANN }
    expect(partitionOf(ANN, 1)).toBe(0)
    expect(script.apply('control.0', encodeCancel({ id: 'x', ...meant }))).toEqual([
      'j--hello ever/1 cancelled-by-operator',
    ])
    expect(script.tick('2026-11-23 12:00')[0]).toBe(at('j--later ever/1', '2026-11-23 12:00'))
  })
})
