import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { ANN, at, BOB, MachineScript, recordAt } from '../support/machine-script.ts'
import { scenarioFiles } from '../support/scenario-files.ts'

/*
 * S1's list of edges (scenarios.md), each stated exactly. Left out, since the parts are not there:
 * the selection of seeds, and segments of a message, which are the gateway's.
 */

const FILES = scenarioFiles('data-pack')
const REALTIME_FILES = scenarioFiles('data-pack-realtime')

/** A seed since the morning of a day. */
function seeded(start: string, files: ConfigFiles = FILES): MachineScript {
  const script = new MachineScript(start, files)
  script.profile({ tags: { seed: 202611 } })
  return script
}

/** A seed that has reached the line. */
function crossed(start: string, files: ConfigFiles = FILES): MachineScript {
  const script = seeded(start, files)
  expect(script.usage(start, 512_000)).toEqual([])
  return script
}

const NOON_21ST = 'data-pack 2026-11/1 2026-11-21T04:00Z..2026-11-21T13:00Z'

/** The scenario's files with a delivery that lives long enough to see a second noon. */
function living(hours: number): ConfigFiles {
  const path = 'triggers/data-pack.yaml'
  return { ...FILES, [path]: FILES[path]!.replace(/expires: \d+h/, `expires: ${hours}h`) }
}

describe('the line', () => {
  it('511,999 bytes are too few, and the next byte is enough', () => {
    const script = seeded('2026-11-20 10:00')
    script.usage('2026-11-20 09:58', 511_999)
    expect(script.tick('2026-11-21 12:00')).toEqual([])
    const other = seeded('2026-11-20 10:00')
    other.usage('2026-11-20 09:58', 511_999)
    other.usage('2026-11-20 09:59', 1)
    expect(other.tick('2026-11-21 12:00')).toEqual([NOON_21ST])
    expect(other.decisions[0]!.values).toEqual({ 'data_4g.day': 512_000 })
    expect(other.decisions[0]!.firedAtMs).toBe(at('2026-11-20 09:59'))
  })

  it('512,000 bytes at once are enough', () => {
    expect(crossed('2026-11-20 10:00').tick('2026-11-21 12:00')).toEqual([NOON_21ST])
  })

  it('only one of the two days counts', () => {
    const script = seeded('2026-11-20 23:59')
    script.usage('2026-11-20 23:59', 511_999)
    script.tick('2026-11-21 00:00')
    script.usage('2026-11-21 00:00', 511_999)
    expect(script.tick('2026-11-23 12:00')).toEqual([])
  })

  it.each([
    ['GERAN', { rat: 2 }],
    ['WLAN', { rat: 3 }],
    ['NR, unless the parameter says so', { rat: 10 }],
    ['voice', { kind: 1 }],
    ['messages', { kind: 2 }],
  ])('%s never counts', (_, change) => {
    const script = seeded('2026-11-20 10:00')
    script.usage('2026-11-20 10:00', 5_000_000, change)
    expect(script.tick('2026-11-21 12:00')).toEqual([])
    expect(script.counter('data_4g.day')[0]).toBe(0)
  })

  it.each([
    ['UTRAN', 1],
    ['HSPA', 5],
    ['EUTRAN', 6],
  ])('%s counts', (_, rat) => {
    const script = seeded('2026-11-20 10:00')
    script.usage('2026-11-20 10:00', 512_000, { rat })
    expect(script.tick('2026-11-21 12:00')).toEqual([NOON_21ST])
  })

  it('usage at 02:00 counts: the window limits sending, not usage', () => {
    expect(crossed('2026-11-20 02:00').tick('2026-11-21 12:00')).toEqual([NOON_21ST])
  })
})

describe('the month', () => {
  it('30 November is answered on 1 December; on 12 December that is the month’s message', () => {
    const script = crossed('2026-11-30 18:00')
    expect(script.tick('2026-12-01 12:00')).toEqual([
      'data-pack 2026-11/1 2026-12-01T04:00Z..2026-12-01T13:00Z',
    ])
    script.tick('2026-12-12 18:00')
    script.profile({ tags: { seed: 202612 } })
    expect(script.usage('2026-12-12 18:00', 600_000)).toEqual(['data-pack 2026-12/1 cap-trigger'])
    expect(script.view().caps).toEqual([
      { trigger: 'data-pack', period: '2026-12', used: 1, limit: 1 },
    ])
    expect(script.tick('2026-12-31 23:59')).toEqual([])
  })

  it('sent in November, it may be sent in December again, once tagged again', () => {
    const script = crossed('2026-11-20 18:00')
    script.tick('2026-11-21 12:00')
    script.tick('2026-12-09 12:00')
    expect(script.usage('2026-12-09 12:00', 600_000)).toEqual([
      'data-pack 2026-12/1 already-this-tagging',
    ])
    script.tick('2027-01-10 12:00')
    script.profile({ tags: { seed: 202701 } })
    script.usage('2027-01-10 12:00', 600_000)
    expect(script.tick('2027-01-11 12:00')).toEqual([
      'data-pack 2027-01/1 2027-01-11T04:00Z..2027-01-11T13:00Z',
    ])
  })

  it('31 December is answered in the new year', () => {
    expect(crossed('2026-12-31 23:59').tick('2027-01-01 12:00')).toEqual([
      'data-pack 2026-12/1 2027-01-01T04:00Z..2027-01-01T13:00Z',
    ])
  })
})

describe('the tagging', () => {
  it('tagged on the 10th, that day counts whole and is answered on the 11th', () => {
    const script = new MachineScript('2026-11-10 00:30', FILES)
    script.usage('2026-11-10 00:10', 300_000)
    script.tick('2026-11-10 10:00')
    script.usage('2026-11-10 09:00', 212_000)
    script.tick('2026-11-10 18:00')
    expect(script.profile({ tags: { seed: 202611 } })).toEqual([])
    expect(script.tick('2026-11-11 12:00')).toEqual([
      'data-pack 2026-11/1 2026-11-11T04:00Z..2026-11-11T13:00Z',
    ])
    expect(script.decisions[0]!.firedAtMs).toBe(at('2026-11-10 18:00'))
  })

  it('usage of the days before the tagging does not count', () => {
    const script = new MachineScript('2026-11-09 23:59', FILES)
    script.usage('2026-11-09 23:59', 600_000)
    script.tick('2026-11-10 00:00')
    script.profile({ tags: { seed: 202611 } })
    expect(script.tick('2026-11-12 12:00')).toEqual([])
  })

  it('nothing was read on the 10th: all of it counts when it is, as if nothing had happened', () => {
    const late = new MachineScript('2026-11-09 23:00', FILES)
    late.tick('2026-11-11 09:30')
    late.profile({ tags: { seed: 202611 } })
    late.usage('2026-11-10 20:00', 512_000)
    expect(late.tick('2026-11-11 12:00')).toEqual([
      'data-pack 2026-11/1 2026-11-11T04:00Z..2026-11-11T13:00Z',
    ])
  })

  it('de-selected while pending: still sent', () => {
    const script = crossed('2026-11-20 10:00')
    script.profile({ tags: { seed: null } })
    expect(script.tick('2026-11-21 12:00')).toEqual([NOON_21ST])
  })

  it('selected again in the same month, nothing happens', () => {
    const script = crossed('2026-11-20 10:00')
    script.tick('2026-11-21 12:00')
    expect(script.profile({ tags: { seed: 202612 } })).toEqual([])
    expect(script.usage('2026-11-21 11:00', 600_000)).toEqual([])
  })
})

describe('noon', () => {
  it('a record that arrives after noon of the next day: the noon after', () => {
    const script = seeded('2026-11-20 10:00')
    script.tick('2026-11-21 12:00:01')
    expect(script.usage('2026-11-20 23:00', 512_000)).toEqual([])
    expect(script.tick('2026-11-21 23:59')).toEqual([])
    expect(script.tick('2026-11-22 12:00')).toEqual([
      'data-pack 2026-11/1 2026-11-22T04:00Z..2026-11-22T13:00Z',
    ])
  })

  it('a record that arrives at noon of the next day to the millisecond: at once', () => {
    const script = seeded('2026-11-20 10:00')
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-20 23:00', 512_000)).toEqual([NOON_21ST])
  })

  it('ordered before noon: cancelled, and the month’s message is not spent', () => {
    const script = crossed('2026-11-20 10:00')
    expect(script.view().caps).toHaveLength(1)
    script.tick('2026-11-21 11:59')
    expect(script.profile({ tags: { has_pack: true } })).toEqual([])
    expect(script.tick('2026-11-21 12:00')).toEqual(['data-pack 2026-11/1 cancelled'])
    expect(script.view().caps).toEqual([])
  })

  it('30 November, ordered and returned: December’s message is free for December', () => {
    const script = crossed('2026-11-30 10:00')
    script.profile({ tags: { has_pack: true } })
    expect(script.tick('2026-12-01 12:00')).toEqual(['data-pack 2026-11/1 cancelled'])
    script.profile({ tags: { has_pack: null, seed: 202612 } })
    expect(script.usage('2026-12-01 11:00', 512_000)).toEqual([])
    expect(script.tick('2026-12-02 12:00')).toEqual([
      'data-pack 2026-12/1 2026-12-02T04:00Z..2026-12-02T13:00Z',
    ])
  })

  it('heard of before 21:00, it still goes out', () => {
    expect(crossed('2026-11-20 10:00').tick('2026-11-21 20:59:59')).toEqual([
      'data-pack 2026-11/1 2026-11-21T12:59Z..2026-11-21T13:00Z',
    ])
  })

  it('a backlog beyond 21:00 waits for the next noon and is checked again', () => {
    const files = living(36)
    const script = crossed('2026-11-20 10:00', files)
    script.profile({ subscriber: BOB, tags: { seed: 202611 } })
    script.batch([recordAt('2026-11-20 10:00', 512_000, { subscriber: BOB })])
    expect(script.tick('2026-11-21 21:00')).toEqual([])
    script.profile({ subscriber: BOB, tags: { has_pack: true } })
    expect(script.tick('2026-11-22 11:59')).toEqual([])
    expect(script.tick('2026-11-22 12:00')).toEqual([
      'data-pack 2026-11/1 2026-11-22T04:00Z..2026-11-22T13:00Z',
      `data-pack ${BOB} 2026-11/1 cancelled`,
    ])
  })

  it('a life of exactly a day is over at the next noon', () => {
    expect(crossed('2026-11-20 10:00', living(24)).tick('2026-11-21 21:00')).toEqual([
      'data-pack 2026-11/1 expired',
    ])
  })

  it('a backlog from 30 November takes December’s message with it, if there is one left', () => {
    const script = crossed('2026-11-29 10:00', living(36))
    expect(script.view().caps[0]!.period).toBe('2026-11')
    expect(script.tick('2026-11-30 21:00')).toEqual([])
    expect(script.view().caps[0]!.period).toBe('2026-12')
    script.tick('2026-12-01 00:30')
    script.profile({ tags: { seed: 202612 } })
    expect(script.usage('2026-12-01 00:10', 512_000)).toEqual(['data-pack 2026-12/1 cap-trigger'])
    expect(script.tick('2026-12-01 12:00')).toEqual([
      'data-pack 2026-11/1 2026-12-01T04:00Z..2026-12-01T13:00Z',
    ])
  })

  it('noon is the subscriber’s own', () => {
    const script = new MachineScript('2026-11-20 10:00', FILES)
    script.profile({ zone: 'America/New_York', tags: { seed: 202611 } })
    script.usage('2026-11-20 10:00', 512_000)
    expect(script.tick('2026-11-20 12:00')).toEqual([])
    expect(script.tick(at('2026-11-20 11:59', '-05:00'))).toEqual([])
    expect(script.tick(at('2026-11-20 12:00', '-05:00'))).toEqual([
      'data-pack 2026-11/1 2026-11-20T17:00Z..2026-11-21T02:00Z',
    ])
  })
})

describe('in real time', () => {
  const open = 'data-pack-realtime 2026-11/1'

  it('at once inside the window', () => {
    const script = seeded('2026-11-20 09:00', REALTIME_FILES)
    expect(script.usage('2026-11-20 02:00', 512_000)).toEqual([
      `${open} 2026-11-20T01:00Z..2026-11-20T13:00Z`,
    ])
    const last = seeded('2026-11-20 20:59:59.999', REALTIME_FILES)
    expect(last.usage('2026-11-20 20:59', 512_000)).toEqual([
      `${open} 2026-11-20T12:59Z..2026-11-20T13:00Z`,
    ])
  })

  it('at the next opening otherwise, one minute before and exactly at the closing', () => {
    const early = crossed('2026-11-20 08:59', REALTIME_FILES)
    expect(early.tick('2026-11-20 08:59:59.999')).toEqual([])
    expect(early.tick('2026-11-20 09:00')).toEqual([`${open} 2026-11-20T01:00Z..2026-11-20T13:00Z`])
    const late = crossed('2026-11-20 21:00', REALTIME_FILES)
    expect(late.tick('2026-11-21 08:59')).toEqual([])
    expect(late.tick('2026-11-21 09:00')).toEqual([`${open} 2026-11-21T01:00Z..2026-11-21T13:00Z`])
  })

  it('tagged after the usage: at the tagging', () => {
    const script = new MachineScript('2026-11-20 10:00', REALTIME_FILES)
    script.usage('2026-11-20 10:00', 512_000, { subscriber: ANN })
    expect(script.profile({ tags: { seed: 202611 } })).toEqual([
      `${open} 2026-11-20T02:00Z..2026-11-20T13:00Z`,
    ])
  })
})
