import { describe, expect, it, test } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import type { SelectionSchedule } from '../../../src/model/segment.ts'
import { lastDue, nextDue, versionOfDay } from '../../../src/state/selection-schedule.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { at } from '../../support/machine-script.ts'
import { SelectionWorld } from '../../support/selection-world.ts'

/** The next instants of a schedule after one, as UTC with the version of their day. */
function dueAfter(schedule: SelectionSchedule, zone: string, fromText: string, count: number) {
  const clock = new ZoneClock(zone)
  const found: string[] = []
  for (let fromMs = Date.parse(fromText); found.length < count; ) {
    const due = nextDue(schedule, clock, fromMs)!
    found.push(`${new Date(due.instantMs).toISOString().slice(0, 16)}Z ${versionOfDay(due.day)}`)
    fromMs = due.instantMs
  }
  return found
}

describe('a schedule comes', () => {
  test('monthly on the 31st, which is the last day of shorter months', () => {
    const schedule = { kind: 'monthly', dayOfMonth: 31, minuteOfDay: 360 } as const
    expect(dueAfter(schedule, 'Asia/Shanghai', '2026-12-31T00:00Z', 4)).toEqual([
      '2027-01-30T22:00Z 20270131',
      '2027-02-27T22:00Z 20270228',
      '2027-03-30T22:00Z 20270331',
      '2027-04-29T22:00Z 20270430',
    ])
  })

  test('yearly on 29 February, which is the 28th in other years', () => {
    const schedule = { kind: 'yearly', month: 2, dayOfMonth: 29, minuteOfDay: 0 } as const
    expect(dueAfter(schedule, 'UTC', '2027-01-01T00:00Z', 3)).toEqual([
      '2027-02-28T00:00Z 20270228',
      '2028-02-29T00:00Z 20280229',
      '2029-02-28T00:00Z 20290228',
    ])
  })

  test('weekly on its day, at the instant itself only once', () => {
    const schedule = { kind: 'weekly', weekday: 0, minuteOfDay: 300 } as const
    expect(dueAfter(schedule, 'UTC', '2026-11-09T04:59Z', 2)).toEqual([
      '2026-11-09T05:00Z 20261109',
      '2026-11-16T05:00Z 20261116',
    ])
    expect(dueAfter(schedule, 'UTC', '2026-11-09T05:00Z', 1)).toEqual([
      '2026-11-16T05:00Z 20261116',
    ])
  })

  test('daily, once on the days of 23 and of 25 hours', () => {
    const schedule = { kind: 'daily', minuteOfDay: 150 } as const
    // Berlin skips 02:30 on 28 March 2027 and has it twice on 25 October 2026.
    expect(dueAfter(schedule, 'Europe/Berlin', '2026-10-24T12:00Z', 2)).toEqual([
      '2026-10-25T00:30Z 20261025',
      '2026-10-26T01:30Z 20261026',
    ])
    expect(dueAfter(schedule, 'Europe/Berlin', '2027-03-27T12:00Z', 2)).toEqual([
      '2027-03-28T01:00Z 20270328',
      '2027-03-29T00:30Z 20270329',
    ])
  })

  test('and what was missed is counted, the last one named', () => {
    const schedule = { kind: 'daily', minuteOfDay: 0 } as const
    const [fromMs, toMs] = [Date.parse('2026-11-01T12:00Z'), Date.parse('2026-11-05T00:00Z')]
    const due = lastDue(schedule, new ZoneClock('UTC'), fromMs, toMs)!
    expect([versionOfDay(due.day), due.count]).toEqual([20_261_105, 4])
    expect(lastDue(schedule, new ZoneClock('UTC'), toMs, toMs)).toBeNull()
  })
})

function filesAt(schedule: string): ConfigFiles {
  return {
    'a.yaml': `tags: { seed: { versioned: true } }\nsegments:\n  seed: { at: ${schedule}, take: all }\n`,
  }
}

function worldAt(schedule: string, start = '2026-11-09 12:00'): SelectionWorld {
  const world = new SelectionWorld({ partitionCount: 2, start, files: filesAt(schedule) })
  world.profiles([{ subscriber: 1 }, { subscriber: 2 }])
  return world
}

function recordIn(world: SelectionWorld) {
  return world.machines[0]!.core!.selections.records.seed!
}

describe('a scheduled selection', () => {
  it('begins when the log has come to its time, under the version of its day', () => {
    const world = worldAt('monthly on 10 06:00')
    world.tick(at('2026-11-10 05:59'))
    world.settle()
    expect(world.view(1)!.tags).toEqual({})
    world.tick(at('2026-11-10 06:00'))
    world.settle()
    expect([world.view(1)!.tags, world.view(2)!.tags]).toEqual([
      { seed: 20_261_110 },
      { seed: 20_261_110 },
    ])
    world.tick(at('2026-11-10 07:00'))
    world.settle()
    expect(recordIn(world).selectedCount).toBe(1)
  })

  it('wants a tick when its time comes, and none while its message is on its way', () => {
    const world = worldAt('monthly on 10 06:00')
    const machine = world.machines[0]!
    expect(machine.hasDueAt(at('2026-11-10 05:59'))).toBe(false)
    expect(machine.hasDueAt(at('2026-11-10 06:00'))).toBe(true)
    world.tick(at('2026-11-10 06:00'))
    expect(machine.hasDueAt(at('2026-11-10 06:00'))).toBe(false)
    expect(world.owed().map(({ errand }) => errand.partition)).toEqual([0])
  })

  it('is looked for again only when something has come of messages or of time', () => {
    const world = worldAt('monthly on 10 06:00')
    const core = world.machines[0]!.core!
    const quiet = core.errands()
    world.usage([2], at('2026-11-09 13:00'))
    world.tick(at('2026-11-10 05:59'))
    expect(core.errands()).toBe(quiet)
    world.tick(at('2026-11-10 06:00'))
    const due = core.errands()
    expect(due).toHaveLength(1)
    world.usage([2], at('2026-11-10 06:00'))
    expect(core.errands()).toBe(due)
    world.carry(world.owed()[0]!)
    expect(core.errands().map(({ partition }) => partition)).toEqual([1])
  })

  it('wants ticks while work is left, of an owner whose clock is behind the log’s, too', () => {
    const world = new SelectionWorld({ files: filesAt('on demand') })
    world.select('seed', 20_261_109)
    const machine = world.machines[0]!
    expect(machine.core!.selections.run!.phase).toBe('applying')
    expect(machine.hasDueAt(machine.core!.clockMs - 60_000)).toBe(true)
    world.settle()
    expect(machine.hasDueAt(machine.core!.clockMs - 60_000)).toBe(false)
  })

  it('of a partition that was down is made up for once, and how late it is is known', () => {
    const world = worldAt('daily 06:00')
    world.tick(at('2026-11-13 12:00'))
    world.settle()
    expect(world.view(1)!.tags).toEqual({ seed: 20_261_113 })
    expect(recordIn(world)).toMatchObject({ selectedCount: 1, missedCount: 3 })
    expect(recordIn(world).last!.lateMs).toBe(6 * 3_600_000)
  })

  it('is made once however often its message comes', () => {
    const world = worldAt('daily 06:00')
    world.tick(at('2026-11-10 06:00'))
    const [owed] = world.owed()
    world.carry(owed!)
    world.settle()
    world.carry(owed!)
    world.carry({ ...owed!, errand: rename(owed!.errand) })
    world.settle()
    expect(recordIn(world)).toMatchObject({ selectedCount: 1, version: 20_261_110 })
    expect(world.machines[0]!.core!.statistics.rejects.every((count) => count === 0)).toBe(true)
  })

  it('that was due before anybody declared it is not made', () => {
    const world = new SelectionWorld({ start: '2026-11-09 12:00', files: filesAt('on demand') })
    world.profiles([{ subscriber: 1 }])
    world.tick(at('2026-11-12 12:00'))
    world.config(filesAt('monthly on 10 06:00'))
    world.settle()
    expect(world.view(1)!.tags).toEqual({})
    world.tick(at('2026-12-10 06:00'))
    world.settle()
    expect(world.view(1)!.tags).toEqual({ seed: 20_261_210 })
  })

  it('goes on above a version that a person has used already', () => {
    const world = worldAt('daily 06:00')
    world.select('seed', 20_261_110)
    world.settle()
    world.tick(at('2026-11-10 06:00'))
    world.settle()
    expect(world.view(1)!.tags).toEqual({ seed: 20_261_111 })
  })
})

describe('a selection that a person asks for', () => {
  const rejectsOf = (world: SelectionWorld): number =>
    world.machines[0]!.core!.statistics.rejects.reduce((sum, count) => sum + count, 0)

  it('is refused under a version that is not above the last one', () => {
    const world = worldAt('on demand')
    world.select('seed', 7)
    world.settle()
    world.select('seed', 7)
    world.select('seed', 6)
    world.settle()
    expect(rejectsOf(world)).toBe(2)
    expect(recordIn(world).selectedCount).toBe(1)
  })

  it('is refused for a segment that there is not', () => {
    const world = worldAt('on demand')
    world.select('sead', 7)
    expect(rejectsOf(world)).toBe(1)
  })

  it('waits for the one that runs', () => {
    const world = worldAt('on demand')
    world.select('seed', 7)
    world.select('seed', 8)
    world.select('seed', 9)
    world.settle()
    expect(recordIn(world)).toMatchObject({ selectedCount: 2, version: 9 })
    expect(world.view(1)!.tags).toEqual({ seed: 9 })
  })
})

function rename<E extends { message: { id: string } }>(errand: E): E {
  return { ...errand, message: { ...errand.message, id: 'another' } }
}
