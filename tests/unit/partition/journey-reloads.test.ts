import { describe, expect, test } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { MOVED_PER_INPUT_MAX } from '../../../src/partition/journey-edits.ts'
import { encodeProfile } from '../../../src/probe/encode.ts'
import { drainDecisions } from '../../support/machine-harness.ts'
import { ImageWriter, loadMachine, stateOf } from '../../support/machine-image.ts'
import { ANN, BOB, MachineScript } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const START = '2026-11-20 12:00'
const say = (step: string, more = '') =>
  `{ step: ${step}, ${more} deliver: { channel: sms }, message: x }`

function files(steps: readonly string[], head = ''): ConfigFiles {
  const journey = [
    'journey: j',
    'enter: tags.fresh',
    head,
    'steps:',
    ...steps.map((step) => `  - ${step}`),
  ]
  return {
    'a.yaml':
      'tags: { fresh: {}, done: {} }\ncounters: { data: { sum: bytes, per: [day, month] } }',
    'j.yaml': journey.join('\n'),
  }
}

const enter = (script: MachineScript, subscriber = ANN) =>
  script.profile({ subscriber, tags: { fresh: true } })
/** What was said, without the instants. */
const said = (lines: readonly string[]) => lines.map((line) => line.replace(/ \d{4}-.*$/, ''))

describe('a reload', () => {
  const before = [say('a'), say('b', 'wait: 2d,'), say('c', 'wait: 1d,')]

  test('leaves members where they stand, with the time they wait for', () => {
    const script = new MachineScript(START, files(before))
    enter(script)
    const longer = [say('a'), say('new', 'wait: 1h,'), say('b', 'wait: 9d,'), say('c', 'wait: 2d,')]
    expect(script.config(files(longer))).toEqual([])
    expect(said(script.tick('2026-11-22 12:00'))).toEqual(['j--b ever/1'])
    expect(script.tick('2026-11-23 12:00')).toEqual([])
    expect(said(script.tick('2026-11-24 12:00'))).toEqual(['j--c ever/1', 'j ever completed'])
  })

  test('takes those of a removed step to the one that followed it, over several reloads', () => {
    const script = new MachineScript(START, files(before))
    enter(script)
    script.config(files([say('a'), say('c', 'wait: 1d,')]))
    script.config(files([say('a'), say('d', 'wait: 1d,')]))
    // Nothing that followed is left: they are behind the last.
    expect(script.tick('2026-11-22 12:00')).toEqual(['j ever completed'])
    enter(script, BOB)
    script.config(files([say('e'), say('a')]))
    expect(said(script.tick('2026-11-23 12:00'))).toEqual([`j ${BOB} ever completed`])
  })

  test('brings them to the step that followed', () => {
    const script = new MachineScript(START, files(before))
    enter(script)
    script.config(files([say('z'), say('a'), say('c', 'wait: 1d,')]))
    expect(said(script.tick('2026-11-22 12:00'))).toEqual(['j--c ever/1', 'j ever completed'])
  })

  test('lets them begin again where it says so, without what they had', () => {
    const script = new MachineScript(START, files(before, 'onEdit: restart'))
    enter(script)
    script.tick('2026-11-21 12:00')
    const edited = [say('a'), say('n', 'wait: 1h,'), say('b', 'wait: 1h,')]
    expect(script.config(files(edited, 'onEdit: restart'))).toEqual([])
    expect(said(script.tick('2026-11-21 13:00'))).toEqual(['j--n ever/1'])
    expect(said(script.tick('2026-11-21 14:00'))).toEqual(['j--b ever/1', 'j ever completed'])
  })

  test('lets them leave where it says so, and only where steps moved', () => {
    const script = new MachineScript(START, files(before, 'onEdit: leave'))
    enter(script)
    const worded = before.map((step) => step.replace('message: x', 'message: y'))
    expect(script.config(files(worded, 'onEdit: leave\ngoal: tags.done'))).toEqual([])
    expect(script.config(files(before.slice(0, 2), 'onEdit: leave'))).toEqual([
      'j ever left at b: edited',
    ])
    expect(script.machine.hasDueAt(script.clockMs)).toBe(false)
  })

  test('ends those of a removed journey, and of one that came back under its name', () => {
    const script = new MachineScript(START, files(before))
    enter(script)
    const { 'a.yaml': declared } = files([])
    const line = 'trigger: t\nwhen: tags.fresh\nonce: day\ndeliver: { channel: sms }\nmessage: x\n'
    expect(script.config({ 'a.yaml': declared!, 't.yaml': line })).toEqual([
      'j ever left at b: removed',
    ])
    script.config(files(before))
    expect(script.tick('2026-11-30 12:00')).toEqual([])
    expect(enter(script)).toEqual([])
  })

  test('drops what a removed step has pending', () => {
    const night =
      "deliver: { channel: sms, contactWindow: { from: '09:00', to: '11:00', outside: defer, expires: 2d } }, message: x }"
    const script = new MachineScript(START, files([`{ step: a, ${night}`, say('b', 'wait: 9d,')]))
    enter(script)
    script.config(files([say('b', 'wait: 9d,')]))
    expect(script.tick('2026-11-21 09:00')).toEqual(['j--a ever/1 trigger-removed'])
  })

  test('does not let in who was there before, unless it is asked to', () => {
    const later = files(before)['j.yaml']!
    const declared = { 'a.yaml': files([])['a.yaml']! }
    const trigger = {
      't.yaml': 'trigger: t\nwhen: tags.done\nonce: day\ndeliver: { channel: sms }\nmessage: x\n',
    }
    const script = new MachineScript(START, { ...declared, ...trigger })
    enter(script)
    script.config({ ...declared, 'j.yaml': later })
    expect(enter(script)).toEqual([])
    expect(script.profile({ tags: { fresh: false } })).toEqual([])
    expect(said(enter(script))).toEqual(['j ever entered', 'j--a ever/1'])
    const asked = new MachineScript(START, { ...declared, ...trigger })
    enter(asked)
    asked.config({ ...declared, 'j.yaml': `${later}\nreload: fire-existing\n` })
    expect(said(enter(asked))).toEqual(['j ever entered', 'j--a ever/1'])
  })

  test('judges a goal that it brings for who is inside', () => {
    const script = new MachineScript(START, files(before))
    enter(script)
    script.config(files(before, 'goal: data.month >= 10'))
    expect(script.usage(START, 10)).toEqual(['j ever goal at b'])
  })

  test('moves very many in slices, and goes on with them from an image', () => {
    const script = new MachineScript(START, files([say('a', 'wait: 9d,')]))
    const none = { fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
    const people = Array.from({ length: MOVED_PER_INPUT_MAX + 5 }, (_, index) => index + 1)
    const rows = people.map((subscriber) => ({ subscriber, tags: { fresh: true }, ...none }))
    for (let first = 0; first < rows.length; first += 5_000) {
      const stamp = { probe: 'crm', epoch: 1, seq: 1 + first }
      script.apply(
        'profile.0.crm',
        encodeProfile({ stamp, rows: rows.slice(first, first + 5_000) }),
      )
    }
    const { 'a.yaml': declared } = files([])
    expect(script.config({ 'a.yaml': declared! })).toHaveLength(MOVED_PER_INPUT_MAX)
    expect(script.machine.hasDueAt(script.clockMs)).toBe(true)
    const store = new MemoryStore()
    const writer = new ImageWriter(store)
    writer.begin(script.machine)
    writer.write(Number.POSITIVE_INFINITY)
    writer.commit()
    const { machine } = loadMachine(store)!
    expect(script.tick(null)).toHaveLength(5)
    machine.apply(script.inputs.at(-1)!)
    expect(drainDecisions(machine)).toEqual(script.decisions.slice(-5))
    expect(stateOf(machine)).toEqual(stateOf(script.machine))
    expect(machine.hasDueAt(script.clockMs)).toBe(false)
  })

  test('refuses a journey with more different steps than rows can tell apart', () => {
    const script = new MachineScript(START, files(before))
    for (let round = 0; round < 5; round++) {
      const steps = Array.from(
        { length: 50 },
        (_, index) => `{ step: s${round}-${index}, wait: 1d }`,
      )
      script.config(files(steps))
    }
    expect(script.rejects).toEqual({ 'config-invalid': 2 })
    const state = stateOf(script.machine)
    expect(JSON.stringify(state)).not.toContain('s3-0')
  })
})
