import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { ANN, BOB, MachineScript, recordAt } from '../../support/machine-script.ts'

const NOON = '2026-11-20 12:00'

/** A configuration from its parts. */
function files(counters: string, triggers: readonly string[] = [], head = ''): ConfigFiles {
  const entries = triggers.map((text, index) => [`triggers/t${index}.yaml`, text])
  const tags = 'tags: { vip: {}, seed: { versioned: true } }'
  const text = `${tags}\n${head}\ncounters:\n${counters}\n`
  return { 'counters.yaml': text, ...Object.fromEntries(entries) }
}

const DATA = '  data: { sum: bytes, per: [day, month] }'
const trigger = (when: string, more = '', id = 't'): string =>
  `trigger: ${id}\nwhen: '${when}'\n${more}\ndeliver: { channel: sms }\nmessage: x\n`

describe('counters over a reload', () => {
  it('that did not change keep their values, in both directions', () => {
    const script = new MachineScript(NOON, files(DATA))
    script.usage(NOON, 5)
    script.config(files(`${DATA}\n  voice: { sum: bytes, where: 'kind == voice', per: [day] }`))
    script.usage(NOON, 7)
    script.usage(NOON, 11, { kind: 1 })
    expect(script.counter('data.day')).toEqual([23])
    expect(script.counter('voice.day')).toEqual([11])
    script.config(
      files(`  other: { max: bytes, per: [day] }\n${DATA}`, [trigger('data.day >= 30')]),
    )
    expect(script.counter('data.month')).toEqual([23])
    expect(script.usage(NOON, 7)).toHaveLength(1)
  })

  it('that are new start empty, for old and new subscribers, beside rows that stay where they are', () => {
    const windows = 'per: [hour, day, week, month, cycle, lifetime, last 168 hours, last 92 days]'
    const script = new MachineScript(NOON, files(DATA))
    script.usage(NOON, 5)
    const more = ['a', 'b', 'c'].map((name) => `  ${name}: { sum: bytes, ${windows}, keep: 3 }`)
    script.config(files([DATA, ...more].join('\n')))
    script.usage(NOON, 7, { subscriber: BOB })
    script.usage(NOON, 1)
    expect(script.counter('data.day')).toEqual([6])
    for (const name of ['a.hour', 'b.month', 'c.cycle']) {
      expect(script.counter(name)).toEqual([1, 0, 0, 0])
      expect(script.counter(name, BOB)).toEqual([7, 0, 0, 0])
    }
    expect(script.counter('c.last_92_days')).toEqual([1])
    expect(script.machine.core!.tables.length).toBeGreaterThan(1)
  })

  it('that count something else start empty, the same text again does not bring the old values back', () => {
    const counting = (where: string) =>
      files(`  data: { sum: bytes, where: '${where}', per: [day] }`)
    const script = new MachineScript(NOON, counting('kind == data'))
    script.usage(NOON, 5)
    script.config(counting('kind == data && rat != wlan'))
    expect(script.counter('data.day')).toEqual([0])
    script.usage(NOON, 3)
    script.config(counting('kind == data'))
    expect(script.counter('data.day')).toEqual([0])
    script.usage(NOON, 1)
    expect(script.counter('data.day')).toEqual([1])
  })

  it('that were away for a while come back empty: nobody counted meanwhile', () => {
    const both = `${DATA}\n  calls: { count: records, per: [day, last 3 days], keep: 1 }`
    const script = new MachineScript(NOON, files(both))
    script.usage(NOON, 5)
    script.config(files(DATA))
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 5)
    script.config(files(both, [trigger('calls.day >= 1', 'reload: fire-existing')]))
    expect(script.counter('calls.day')).toEqual([0, 0])
    expect(script.counter('calls.last_3_days')).toEqual([0])
    expect(script.usage('2026-11-21 12:00', 5)).toHaveLength(1)
    expect(script.counter('calls.day')).toEqual([1, 0])
    expect(script.counter('data.day')).toEqual([10])
  })

  it('that remember more periods keep what they have; the new ones fill up as periods end', () => {
    const keeping = (keep: number) =>
      files(`  data: { sum: bytes, per: [day, month], keep: ${keep} }`)
    const script = new MachineScript(NOON, keeping(1))
    script.usage('2026-11-19 12:00', 3)
    script.usage(NOON, 5)
    script.config(keeping(3))
    expect(script.counter('data.day')).toEqual([5, 3, 0, 0])
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 7)
    script.usage('2026-11-19 12:00', 10)
    expect(script.counter('data.day')).toEqual([7, 5, 13, 0])
    expect(script.counter('data.month')).toEqual([25, 0, 0, 0])
  })

  it('that remember fewer, and then more again, do not remember what was forgotten', () => {
    const keeping = (keep: number) => files(`  data: { sum: bytes, per: [day], keep: ${keep} }`)
    const script = new MachineScript(NOON, keeping(2))
    script.usage('2026-11-18 13:00', 3)
    script.usage('2026-11-19 12:00', 4)
    script.usage(NOON, 5)
    script.config(keeping(0))
    expect(script.counter('data.day')).toEqual([5])
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 6)
    script.config(keeping(2))
    expect(script.counter('data.day')).toEqual([6, 0, 0])
    script.tick('2026-11-22 12:00')
    script.usage('2026-11-22 12:00', 7)
    expect(script.counter('data.day')).toEqual([7, 6, 0])
  })

  it('that slide, in the room that a row has left, slide as before', () => {
    const sliding = (name: string, days: number) =>
      `  ${name}: { sum: bytes, per: [last ${days} days] }`
    const script = new MachineScript(NOON, files(`${DATA}\n${sliding('a', 5)}`))
    script.usage(NOON, 1)
    script.config(files(`${DATA}\n${sliding('a', 5)}\n${sliding('b', 2)}`))
    script.tick('2026-11-21 12:00')
    script.usage('2026-11-21 12:00', 10)
    script.usage(NOON, 100)
    expect(script.counter('a.last_5_days')).toEqual([111])
    expect(script.counter('b.last_2_days')).toEqual([110])
    script.tick('2026-11-22 12:00')
    expect(script.counter('b.last_2_days')).toEqual([10])
    expect(script.counter('a.last_5_days')).toEqual([111])
  })
})

describe('profile over a reload', () => {
  const fields = (words: string, type = 'enum'): string =>
    `fields: { plan: { type: ${type}${words === '' ? '' : `, words: [${words}]`} } }`

  it('words may be added at the end; any other change is refused and nothing changes', () => {
    const script = new MachineScript(NOON, files(DATA, [], fields('small, large')))
    script.profile({ fields: { plan: 'large' } })
    script.config(files(DATA, [], fields('small, large, huge')))
    expect(script.view().fields).toEqual({ plan: 'large' })
    script.config(files(DATA, [], fields('large, small, huge')))
    script.config(files(DATA, [], fields('small')))
    expect(script.rejects).toEqual({ 'config-invalid': 2 })
    expect(script.machine.core!.generation).toBe(2)
    script.profile({ fields: { plan: 'huge' } })
    expect(script.view().fields).toEqual({ plan: 'huge' })
  })

  it('a field that was away, or of another type, is unset', () => {
    const script = new MachineScript(NOON, files(DATA, [], fields('small, large')))
    script.profile({ fields: { plan: 'large' } })
    script.config(files(DATA))
    expect(script.view().fields).toEqual({})
    script.config(files(DATA, [], fields('large, small')))
    expect(script.view().fields).toEqual({})
    script.profile({ fields: { plan: 'small' } })
    script.config(files(DATA, [], fields('', 'number')))
    expect(script.view().fields).toEqual({})
    script.config(files(DATA, [], fields('small, large')))
    expect(script.view().fields).toEqual({})
    expect(script.rejects).toEqual({})
  })

  it('a tag that was away is nobody’s', () => {
    const tagged = { 'a.yaml': `tags: { vip: {}, gone: {} }\ncounters:\n${DATA}\n` }
    const script = new MachineScript(NOON, tagged)
    script.profile({ tags: { vip: true, gone: true } })
    script.config({ 'a.yaml': `tags: { vip: {} }\ncounters:\n${DATA}\n` })
    script.profile({ tags: { gone: false } })
    expect(script.rejects).toEqual({ 'unknown-name': 1 })
    script.config(tagged)
    expect(script.view().tags).toEqual({ vip: true })
  })
})

describe('triggers over a reload', () => {
  const at10 = (more = '', when = 'data.day >= 10') => files(DATA, [trigger(when, more)])

  it('that are new do not fire for those who are already above the line, until the next period', () => {
    const script = new MachineScript(NOON, files(DATA))
    script.usage(NOON, 10)
    script.usage(NOON, 9, { subscriber: BOB })
    script.config(at10())
    expect(script.usage(NOON, 10)).toEqual([])
    expect(script.usage(NOON, 1, { subscriber: BOB })).toHaveLength(1)
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 10)).toHaveLength(1)
  })

  it('that are new do fire for them when told so, at their next usage', () => {
    const script = new MachineScript(NOON, files(DATA))
    script.usage(NOON, 10)
    expect(script.config(at10('reload: fire-existing'))).toEqual([])
    expect(script.usage(NOON, 0)).toHaveLength(1)
  })

  it('told so by an edit of nothing else, they do from then on', () => {
    const script = new MachineScript(NOON, files(DATA))
    script.usage(NOON, 10)
    script.config(at10())
    expect(script.usage(NOON, 1)).toEqual([])
    script.config(at10('reload: fire-existing'))
    expect(script.usage(NOON, 0)).toHaveLength(1)
  })

  it('whose line moves down do not fire for those between the lines', () => {
    const script = new MachineScript(NOON, at10())
    script.usage(NOON, 7)
    script.config(at10('', 'data.day >= 5'))
    expect(script.usage(NOON, 1)).toEqual([])
    expect(script.usage(NOON, 100)).toEqual([])
    expect(script.usage(NOON, 5, { subscriber: BOB })).toHaveLength(1)
  })

  it('whose line moves up fire for those who reach it, once in the period still', () => {
    const script = new MachineScript(NOON, at10())
    script.usage(NOON, 7)
    script.usage(NOON, 10, { subscriber: BOB })
    script.config(at10('', 'data.day >= 12'))
    expect(script.usage(NOON, 3)).toEqual([])
    expect(script.usage(NOON, 2)).toHaveLength(1)
    expect(script.usage(NOON, 5, { subscriber: BOB })).toEqual([])
  })

  it('whose line moves with a parameter, too', () => {
    const lined = (line: number): ConfigFiles => ({
      ...files(DATA, [trigger('data.day >= params.line')]),
      'parameters.yaml': `parameters: { line: ${line} }`,
    })
    const script = new MachineScript(NOON, lined(10))
    script.usage(NOON, 7)
    script.config(lined(5))
    expect(script.usage(NOON, 1)).toEqual([])
  })

  it('whose text, cap or window is edited only go on firing for everybody', () => {
    const script = new MachineScript(NOON, at10())
    script.profile({ tags: { vip: true } })
    script.config(at10('cap: 5 per day\npriority: 3'))
    script.usage(NOON, 5)
    expect(script.usage(NOON, 5)).toHaveLength(1)
    expect(script.decisions[0]!.generation).toBe(2)
  })

  it('on the edge: a tag that comes after the usage is an edge', () => {
    const script = new MachineScript(NOON, files(DATA))
    script.usage(NOON, 10)
    script.profile({ subscriber: BOB, tags: { vip: true } })
    script.usage(NOON, 10, { subscriber: BOB })
    script.config(at10('', 'data.day >= 10 && tags.vip'))
    expect(script.profile({ tags: { vip: true } })).toHaveLength(1)
    expect(script.profile({ subscriber: BOB, tags: { vip: true } })).toEqual([])
    expect(script.profile({ subscriber: BOB, tags: { vip: null } })).toEqual([])
    expect(script.profile({ subscriber: BOB, tags: { vip: true } })).toHaveLength(1)
  })

  it('on the edge: a late record is an edge of its own period only', () => {
    const keeping = '  data: { sum: bytes, per: [day], keep: 1 }'
    const script = new MachineScript(NOON, files(keeping))
    script.usage('2026-11-19 12:00', 9)
    script.usage('2026-11-19 12:00', 12, { subscriber: BOB })
    script.batch([recordAt(NOON, 1), recordAt(NOON, 1, { subscriber: BOB })])
    script.config(files(keeping, [trigger('data.day >= 10', 'late: fire')]))
    expect(script.usage('2026-11-19 12:00', 1)).toHaveLength(1)
    expect(script.decisions[0]!.period).toBe('2026-11-19')
    expect(script.usage('2026-11-19 12:00', 1, { subscriber: BOB })).toEqual([])
  })

  it('that were away come back as new ones, and remember for whom they fired', () => {
    const script = new MachineScript(NOON, at10())
    script.usage(NOON, 10)
    script.config(files(DATA))
    script.usage(NOON, 10, { subscriber: BOB })
    script.config(at10())
    expect(script.usage(NOON, 1, { subscriber: BOB })).toEqual([])
    expect(script.usage(NOON, 1)).toEqual([])
    expect(script.usage(NOON, 10, { subscriber: 7 })).toHaveLength(1)
  })

  it('from genesis on, whatever its generation, are new to nobody', () => {
    const script = new MachineScript(NOON, at10())
    script.usage(NOON, 9)
    script.usage(NOON, 1)
    expect(script.lines).toHaveLength(1)
  })
})

describe('what is pending over a reload', () => {
  const nextDay = (once: string, message = 'x', cap = ''): string =>
    `trigger: t\nwhen: 'data.day >= 10'\nonce: ${once}\n${cap}\nmessage: ${message}\n` +
    `deliver: { channel: sms, at: 'next day 12:00', contactWindow: { from: '09:00', to: '21:00', outside: defer, expires: 36h } }\n`
  const sent = (period: string) => `t ${period}/1 2026-11-21T04:00Z..2026-11-21T13:00Z`

  it('goes out as the config in force then says', () => {
    const script = new MachineScript(NOON, files(DATA, [nextDay('day')]))
    script.usage(NOON, 10)
    script.config(files(DATA, [nextDay('day', 'new text')]))
    expect(script.tick('2026-11-21 12:00')).toEqual([sent('2026-11-20')])
    expect(script.decisions[0]!.generation).toBe(2)
  })

  it('keeps the period that it fired for, when the trigger counts in others', () => {
    const script = new MachineScript(NOON, files(DATA, [nextDay('day')]))
    script.usage(NOON, 10)
    script.config(files(DATA, [nextDay('month')]))
    expect(script.view().deliveries.map(({ period }) => period)).toEqual(['2026-11-20'])
    expect(script.tick('2026-11-21 12:00')).toEqual([sent('2026-11-20')])
    script.feedback('sent', `t:${ANN}:2026-11-20:1`)
    expect(script.view().deliveries.map(({ status }) => status)).toEqual(['resolved'])
    expect(script.rejects).toEqual({})
  })

  it('is not sent when the trigger is gone, under its own period', () => {
    const script = new MachineScript(NOON, files(DATA, [nextDay('day')]))
    script.usage(NOON, 10)
    script.config(files(DATA))
    expect(script.tick('2026-11-21 12:00')).toEqual(['t 2026-11-20/1 trigger-removed'])
  })

  it('is not sent either when a trigger of that name has come back', () => {
    const script = new MachineScript(NOON, files(DATA, [nextDay('day')]))
    script.usage(NOON, 10)
    script.config(files(DATA))
    script.config(files(DATA, [nextDay('day')]))
    expect(script.tick('2026-11-21 12:00')).toEqual(['t 2026-11-20/1 trigger-removed'])
  })

  it('what a trigger sent counts against its cap, even if it was away meanwhile', () => {
    const capped = files(DATA, [nextDay('day', 'x', 'cap: 1 per month')])
    const script = new MachineScript(NOON, capped)
    script.usage(NOON, 10)
    script.tick('2026-11-21 12:00')
    script.config(files(DATA))
    script.config(capped)
    script.tick('2026-11-22 12:00')
    expect(script.usage('2026-11-22 12:00', 10)).toEqual(['t 2026-11-22/1 cap-trigger'])
    expect(script.view().caps).toEqual([{ trigger: 't', period: '2026-11', used: 1, limit: 1 }])
  })

  it('a report on a delivery whose trigger is gone is understood', () => {
    const script = new MachineScript(NOON, files(DATA, [nextDay('day')]))
    script.usage(NOON, 10)
    script.tick('2026-11-21 12:00')
    script.config(files(DATA))
    expect(script.feedback('expired', `t:${ANN}:2026-11-20:1`)).toEqual([
      't 2026-11-20/1 trigger-removed',
    ])
    expect(script.rejects).toEqual({})
  })
})
