import { describe, expect, it } from 'vitest'
import { adoptSaid } from '../../../src/partition/adoption.ts'
import type { ChannelView } from '../../../src/model/view.ts'
import { encodeCancel } from '../../../src/probe/encode.ts'
import { channelFiles, peopleAt } from '../../support/channel-files.ts'
import { ANN, at, MachineScript, recordAt } from '../../support/machine-script.ts'

const START = '2026-11-20 10:00'
const NEVER = Number.POSITIVE_INFINITY

describe('a channel with a rate per second', () => {
  it('lets out what it carries; the others wait for the next second', () => {
    const script = scriptOf('{ perSecond: 2 }', { t: '' })
    expect(script.batch(peopleAt(START, 5)).length).toBe(2)
    expect(script.machine.nextDueMs).toBe(at('2026-11-20 10:00:01'))
    expect(script.tick('2026-11-20 10:00').length).toBe(0)
    expect(script.tick('2026-11-20 10:00:01').length).toBe(2)
    expect(script.tick('2026-11-20 10:00:02').length).toBe(1)
    expect(whoWasSent(script)).toEqual([0, 1, 2, 3, 4])
    expect(script.machine.nextDueMs).toBe(NEVER)
  })

  it('does not save up what a second did not use', () => {
    const script = scriptOf('{ perSecond: 2 }', { t: '' })
    script.tick('2026-11-20 10:00:50')
    expect(script.batch(peopleAt('2026-11-20 10:00:50', 5)).length).toBe(2)
  })

  it('leaves other channels alone', () => {
    const push = 'deliver: { channel: push, at: now }\n'
    const script = scriptOf('{ perSecond: 1 }', { a: '', b: push })
    expect(script.batch(peopleAt(START, 3)).length).toBe(4)
  })

  it('lets the stronger go first: by layer, priority, due time, then who came first', () => {
    const script = scriptOf('{ perSecond: 1 }', {
      low: 'priority: 9\nlayer: weak\n',
      high: 'priority: 9\nlayer: strong\n',
      urgent: 'priority: 1\nlayer: weak\n',
    })
    // Whoever comes first has the first second, since nobody else is there yet.
    script.batch(peopleAt(START, 2))
    script.tick('2026-11-20 10:00:01')
    script.batch([recordAt('2026-11-20 10:00:01', 2048, { subscriber: ANN + 2 })])
    for (let second = 2; second < 12; second++) script.tick(at(START) + 1000 * second)
    const order = script.decisions.map((each) => `${each.trigger} ${each.subscriber - ANN}`)
    expect(order).toEqual([
      'high 0',
      'high 1',
      'high 2',
      'urgent 0',
      'urgent 1',
      'urgent 2',
      'low 0',
      'low 1',
      'low 2',
    ])
  })
})

describe('a channel with a limit per hour or day', () => {
  it('goes on with the next hour of the default zone, and with the next day', () => {
    const script = scriptOf('{ perHour: 2, perDay: 3 }', { t: '' })
    expect(script.batch(peopleAt(START, 5)).length).toBe(2)
    expect(script.machine.nextDueMs).toBe(at('2026-11-20 11:00'))
    expect(script.tick('2026-11-20 10:59').length).toBe(0)
    expect(script.tick('2026-11-20 11:00').length).toBe(1)
    // With the hour ends what is shown of it, whether anybody comes or not.
    expect(script.machine.nextDueMs).toBe(at('2026-11-20 12:00'))
    expect(script.tick('2026-11-20 12:00').length).toBe(0)
    expect(script.machine.nextDueMs).toBe(at('2026-11-21 00:00'))
    expect(script.tick('2026-11-20 23:59').length).toBe(0)
    expect(script.tick('2026-11-21 00:00').length).toBe(2)
  })

  it('drops at once what says so, and says why', () => {
    const script = scriptOf('{ perHour: 1, perSecond: 1 }', {
      t: 'deliver: { channel: sms, at: now, overCapacity: drop }\n',
    })
    const lines = script.batch(peopleAt(START, 3))
    expect(lines.slice(1)).toEqual([
      `t ${ANN + 1} 2026-11-20/1 capacity`,
      `t ${ANN + 2} 2026-11-20/1 capacity`,
    ])
  })

  it('drops nobody else for what it then drops itself', () => {
    const strong = 'layer: strong\ndeliver: { channel: sms, at: now, overCapacity: drop }\n'
    const weak = 'layer: weak\ndeliver: { channel: push, at: same day 18:00 }\n'
    const files = channelFiles('{ perDay: 1 }', {
      strong: `when: data.day >= 10 * KiB\n${strong}`,
      weak,
    })
    const policy = files['policy.yaml']!.replace('offersPerContact: 3', 'offersPerContact: 1')
    const script = new MachineScript(START, { ...files, 'policy.yaml': policy })
    // One takes the whole day of the channel; the other one waits for the evening on another one.
    script.batch([recordAt(START, 10_240, { subscriber: ANN })])
    expect(script.batch(peopleAt(START, 1, ANN + 1))).toEqual([])
    expect(script.batch([recordAt(START, 10_240, { subscriber: ANN + 1 })])).toEqual([
      `strong ${ANN + 1} 2026-11-20/1 capacity`,
    ])
    script.tick('2026-11-20 18:00')
    const sent = script.decisions.filter(({ kind }) => kind === 'delivery')
    expect(sent.map(({ trigger, subscriber }) => [trigger, subscriber - ANN])).toEqual([
      ['strong', 0],
      ['weak', 1],
    ])
  })

  it('drops nothing for a second that is full', () => {
    const script = scriptOf('{ perHour: 10, perSecond: 1 }', {
      t: 'deliver: { channel: sms, at: now, overCapacity: drop }\n',
    })
    expect(script.batch(peopleAt(START, 3)).length).toBe(1)
    expect(script.tick('2026-11-20 10:00:01').length).toBe(1)
  })

  it('keeps its reserved share for its class, even while others wait', () => {
    const script = scriptOf('{ perDay: 10, reserved: { service: 20 % } }', {
      bulk: '',
      news: 'class: service\naudience: tags.done\n',
    })
    const isSent = (line: string) => !line.endsWith('not-in-audience')
    expect(script.batch(peopleAt(START, 9)).filter(isSent)).toHaveLength(8)
    for (const subscriber of [ANN + 91, ANN + 92, ANN + 93]) {
      script.profile({ subscriber, tags: { done: true } })
    }
    const lines = script.batch(peopleAt(START, 3, ANN + 91))
    expect(lines.map((line) => line.slice(0, 4))).toEqual(['news', 'news'])
  })
})

describe('the alarm of a channel', () => {
  it('ends with its hour and its day, though the log is quiet', () => {
    const script = scriptOf('{ perHour: 2, perDay: 2 }', { t: '' })
    const alarms = () => {
      const [{ periods }] = script.machine.core!.capacity.view() as [ChannelView]
      return periods.map(({ period, used, alarm }) => [period, used, alarm])
    }
    script.batch(peopleAt(START, 2))
    expect(alarms()).toEqual([
      ['hour', 2, 2],
      ['day', 2, 2],
    ])
    // So a partition without any other inputs asks for a tick, twice.
    const due = []
    while (script.machine.nextDueMs < NEVER) {
      due.push(script.machine.nextDueMs)
      script.tick(script.machine.nextDueMs)
    }
    expect(due).toEqual([at('2026-11-20 11:00'), at('2026-11-21 00:00')])
    expect(alarms()).toEqual([
      ['hour', 0, 0],
      ['day', 0, 0],
    ])
  })
})

describe('a delivery that waits for room', () => {
  it('expires when its time is over, though there is no room yet', () => {
    const script = scriptOf('{ perDay: 1 }', {
      t: `deliver:
  channel: sms
  at: now
  contactWindow: { from: '09:00', to: '21:00', outside: defer, expires: 2h }
`,
    })
    script.batch(peopleAt(START, 2))
    expect(script.machine.nextDueMs).toBe(at('2026-11-20 12:00'))
    expect(script.tick('2026-11-20 11:59').length).toBe(0)
    expect(script.tick('2026-11-20 12:00')).toEqual([`t ${ANN + 1} 2026-11-20/1 expired`])
    expect(script.machine.core!.capacity.waitingCount).toBe(0)
  })

  it('goes to the next opening with its reservation when its contact window closes', () => {
    const script = scriptOf('{ perDay: 1 }', {
      t: `deliver:
  channel: sms
  at: now
  contactWindow: { from: '09:00', to: '21:00', outside: defer, expires: 48h }
cap: 1 per week
`,
    })
    script.batch(peopleAt(START, 2))
    expect(script.machine.nextDueMs).toBe(at('2026-11-20 21:00'))
    expect(script.tick('2026-11-20 21:00').length).toBe(0)
    expect(script.tick('2026-11-21 00:00').length).toBe(0)
    expect(script.machine.nextDueMs).toBe(at('2026-11-21 09:00'))
    expect(script.view(ANN + 1).caps).toMatchObject([{ used: 1 }])
    expect(script.tick('2026-11-21 09:00').length).toBe(1)
  })

  it('is checked once more before it goes', () => {
    const script = scriptOf('{ perSecond: 1 }', { t: 'cancelWhen: tags.done\n' })
    script.batch(peopleAt(START, 4))
    script.profile({ subscriber: ANN + 1, tags: { done: true } })
    script.profile({ subscriber: ANN + 2, lists: { black: true } })
    expect(script.tick('2026-11-20 10:00:01')).toEqual([
      `t ${ANN + 1} 2026-11-20/1 cancelled`,
      `t ${ANN + 2} 2026-11-20/1 list-black`,
      expect.stringContaining(`t ${ANN + 3} 2026-11-20/1 2026`),
    ])
  })

  it('leaves its line when its subscriber is erased or an operator takes it back', () => {
    const script = scriptOf('{ perSecond: 1 }', { t: '' })
    script.batch(peopleAt(START, 4))
    script.erase([ANN + 1])
    const cancel = { id: 'c', trigger: null, channel: null, subscriber: ANN + 2 }
    expect(script.apply('control.0', encodeCancel(cancel))).toEqual([
      `t ${ANN + 2} 2026-11-20/1 cancelled-by-operator`,
    ])
    expect(script.machine.core!.capacity.waitingCount).toBe(1)
    expect(script.tick('2026-11-20 10:00:01').length).toBe(1)
    expect(whoWasSent(script)).toEqual([0, 3])
    expect(script.machine.nextDueMs).toBe(NEVER)
  })

  it('goes out like the others where it is held out, and takes no room from them', () => {
    const script = scriptOf('{ perSecond: 1 }', { t: 'controlGroup: { share: 50 % }\n' })
    script.batch(peopleAt(START, 40))
    const kinds = new Map<string, number>()
    for (let second = 1; second <= 40; second++) script.tick(at(START) + 1000 * second)
    for (const { kind } of script.decisions) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    expect(script.decisions.length).toBe(40)
    const ofDay = script.machine.core!.capacity.image().channels.find((e) => e.channel === 'sms')!
    expect(ofDay.day.used).toEqual([['marketing', kinds.get('delivery')]])
    expect(kinds.get('holdout')).toBeGreaterThan(5)
    const seconds = script.decisions.filter((e) => e.kind === 'delivery').map((e) => e.decidedAtMs)
    expect(new Set(seconds).size).toBe(seconds.length)
  })

  it('is no canary: a tester gets everything at once, and it counts', () => {
    const script = scriptOf('{ perDay: 2 }', { t: '' })
    script.batch(peopleAt(START, 2))
    script.profile({ subscriber: ANN + 7, lists: { canary: true } })
    expect(script.batch([recordAt(START, 2048, { subscriber: ANN + 7 })]).length).toBe(1)
    expect(script.machine.core!.capacity.view()[0]!.periods).toMatchObject([{ used: 3, alarm: 2 }])
  })
})

describe('a decision that is taken over as said', () => {
  it('counts, and whoever waited for it waits no more', () => {
    const script = scriptOf('{ perDay: 2 }', { t: '' })
    script.batch(peopleAt(START, 4))
    const { core } = script.machine
    const waiting = script.decisions.length
    const said = { n: 3, in: 9, kind: 'delivery', trigger: 't', period: '2026-11-20' } as const
    const rest = { attempt: 1, gen: 1, at: at('2026-11-21 09:00'), fired: at(START), values: {} }
    adoptSaid(core!, [{ ...said, ...rest, sub: ANN + 2, channel: 'sms' }])
    expect([waiting, core!.capacity.waitingCount]).toEqual([2, 1])
    expect(script.tick('2026-11-21 09:00').length).toBe(1)
    expect(core!.capacity.view()[0]!.periods).toMatchObject([{ used: 2, alarm: 2 }])
    expect(whoWasSent(script)).toEqual([0, 1, 3])
  })
})

describe('a reload', () => {
  it('of a raised limit lets those who wait out with the next input', () => {
    const script = scriptOf('{ perDay: 2 }', { t: '' })
    script.batch(peopleAt(START, 5))
    script.config(channelFiles('{ perDay: 4 }', { t: '' }))
    expect(script.machine.hasDueAt(script.clockMs)).toBe(true)
    expect(script.tick(null).length).toBe(2)
    expect(script.machine.hasDueAt(script.clockMs)).toBe(false)
  })

  it('of a lowered limit holds from its position on', () => {
    const script = scriptOf('{ perDay: 4 }', { t: '' })
    script.batch(peopleAt(START, 2))
    script.config(channelFiles('{ perDay: 2 }', { t: '' }))
    expect(script.batch(peopleAt(START, 2, ANN + 50)).length).toBe(0)
  })

  it('that takes the limits away empties the line', () => {
    const script = scriptOf('{ perDay: 2 }', { t: '' })
    script.batch(peopleAt(START, 5))
    script.config(channelFiles(null, { t: '' }))
    expect(script.tick(null).length).toBe(3)
  })

  it('to overCapacity: drop drops those who wait', () => {
    const script = scriptOf('{ perDay: 2 }', { t: '' })
    script.batch(peopleAt(START, 4))
    script.config(
      channelFiles('{ perDay: 2 }', {
        t: 'deliver: { channel: sms, at: now, overCapacity: drop }\n',
      }),
    )
    expect(script.tick(null).map((line) => line.split(' ').at(-1))).toEqual([
      'capacity',
      'capacity',
    ])
  })

  it('that removes the trigger takes those who wait with it', () => {
    const script = scriptOf('{ perDay: 2 }', { t: '' })
    script.batch(peopleAt(START, 3))
    script.config(channelFiles('{ perDay: 2 }', { other: '' }))
    expect(script.tick(null)).toEqual([`t ${ANN + 2} 2026-11-20/1 trigger-removed`])
  })

  it('knows what was sent before a limit came', () => {
    const script = new MachineScript(START, channelFiles(null, { t: '' }))
    script.batch(peopleAt(START, 3))
    script.config(channelFiles('{ perDay: 4 }', { t: '' }))
    expect(script.batch(peopleAt(START, 3, ANN + 50)).length).toBe(1)
  })
})

function scriptOf(capacity: string, triggers: Readonly<Record<string, string>>): MachineScript {
  return new MachineScript(START, channelFiles(capacity, triggers))
}

function whoWasSent(script: MachineScript): number[] {
  return script.decisions
    .filter(({ kind }) => kind === 'delivery')
    .map(({ subscriber }) => subscriber - ANN)
}
