/** Columns of a `where` that are worked out: local time, place; and groups of apps. */

import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { ANN, at, BOB, MachineScript, recordAt } from '../../support/machine-script.ts'
import type { NaiveRecord } from '../../support/naive/input.ts'
import { localTime } from '../../support/naive/zone.ts'
import { Random } from '../../support/workload/random.ts'

const HOUR_MS = 3_600_000
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

const files = (counters: string): ConfigFiles => ({
  'a.yaml': `
lateness: 168h
apps: { qzone: 1, wechat: 2, video: 3, portal: 4 }
appGroups: { social: [qzone, wechat], zero_rated: [portal] }
places:
  hall_1: { cells: [101, 102] }
  campus: { cells: [1000 to 1099] }
placeGroups: { known: [hall_1, campus] }
counters:
${counters}`,
})

describe('the hour and the weekday of a record', () => {
  it.each(['Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe'])(
    'are those of the subscriber, whoever it is, with a default zone of %s',
    (zone) => {
      const hours = Array.from({ length: 24 }, (_, hour) => `hour == ${hour}`)
      const wheres = [...hours, ...WEEKDAYS.map((word) => `weekday == ${word}`)]
      const counters = wheres.map(
        (where, index) => `  c${index}: { count: records, where: '${where}', per: [lifetime] }\n`,
      )
      // Walks over both changes of summer time in one go: 2026-10-25 and 2026-04-05 lie in it.
      for (const start of ['2026-10-24 00:00', '2026-04-04 00:00']) {
        const script = new MachineScript(start, files(counters.join('')), zone)
        const people = [
          { subscriber: ANN, zone },
          { subscriber: BOB, zone: 'Europe/Berlin' },
          { subscriber: 7, zone: 'Australia/Lord_Howe' },
        ]
        for (const { subscriber, zone: own } of people) {
          if (own !== zone) script.profile({ subscriber, zone: own })
        }
        const expected = people.map(() => wheres.map(() => 0))
        for (let step = 0; step < 60; step++) {
          script.tick(script.clockMs + HOUR_MS)
          const records = people.map(({ subscriber }, index) => {
            const timeMs = script.clockMs - ((step * 7) % 50) * HOUR_MS + index * 60_000
            const { dayNumber, minuteOfDay } = localTime(timeMs, people[index]!.zone)
            expected[index]![Math.floor(minuteOfDay / 60)]! += 1
            expected[index]![24 + ((dayNumber + 3) % 7)]! += 1
            return recordAt(timeMs, 1, { subscriber })
          })
          script.batch(records)
        }
        for (const [index, { subscriber }] of people.entries()) {
          const got = script.view(subscriber).counters.map(({ value }) => value)
          expect(got, `${start} ${people[index]!.zone}`).toEqual(expected[index])
        }
      }
    },
  )

  it('make time slots: night packs and office hours', () => {
    const script = new MachineScript(
      '2026-11-20 12:00',
      files(`
  night: { sum: bytes, where: 'kind == data && (hour >= 23 || hour < 7)', per: [month] }
  office: { sum: bytes, where: 'hour >= 9 && hour < 18 && weekday in [mon, tue, wed, thu, fri]', per: [month] }
  odd: { sum: bytes, where: 'hour in [22, 23, 0, 1]', per: [month] }
`),
    )
    // A Friday and the Saturday before it.
    script.usage('2026-11-20 06:59', 1)
    script.usage('2026-11-20 07:00', 10)
    script.usage('2026-11-20 09:00', 100)
    script.usage('2026-11-19 23:00', 1000)
    script.usage('2026-11-14 17:59', 10_000)
    script.usage('2026-11-20 01:59', 100_000)
    expect(script.counter('night.month')).toEqual([101_001])
    expect(script.counter('office.month')).toEqual([100])
    expect(script.counter('odd.month')).toEqual([101_000])
  })

  it('follow the subscriber to another zone', () => {
    const script = new MachineScript(
      '2026-11-20 12:00',
      files("  noon: { count: records, where: 'hour == 12', per: [lifetime] }\n"),
    )
    script.usage('2026-11-20 12:00', 1)
    script.profile({ zone: 'Europe/Berlin' })
    script.usage('2026-11-20 12:00', 1)
    script.usage('2026-11-19 19:00', 1)
    expect(script.counter('noon.lifetime')).toEqual([2])
  })
})

it('groups of apps tell zero-rated traffic from the rest', () => {
  const script = new MachineScript(
    '2026-11-20 12:00',
    files(`
  charged: { sum: bytes, where: '!(app in zero_rated)', per: [month] }
  free: { sum: bytes, where: 'app in zero_rated', per: [month] }
  ott: { sum: bytes, where: 'app in social', per: [month] }
`),
  )
  for (const [app, usageBytes] of [
    [0, 1],
    [1, 10],
    [2, 100],
    [3, 1000],
    [4, 10_000],
  ] as const) {
    script.usage('2026-11-20 12:00', usageBytes, { app })
  }
  expect(script.counter('charged.month')).toEqual([1111])
  expect(script.counter('free.month')).toEqual([10_000])
  expect(script.counter('ott.month')).toEqual([110])
})

describe('the place of a record', () => {
  const counters = `
  hall: { count: records, where: 'place == hall_1', per: [lifetime] }
  known: { count: records, where: 'place in known', per: [lifetime] }
  elsewhere: { count: records, where: '!(place in [hall_1, campus])', per: [lifetime] }
`

  it('is that of its cell', () => {
    const script = new MachineScript('2026-11-20 12:00', files(counters))
    for (const cell of [0, 100, 101, 102, 103, 999, 1000, 1099, 1100]) {
      script.usage('2026-11-20 12:00', 1, { cell })
    }
    const values = script.view().counters.map(({ value }) => value)
    expect(values).toEqual([2, 4, 5])
  })

  it('keeps what was counted when its cells change, and goes by the new ones', () => {
    const script = new MachineScript('2026-11-20 12:00', files(counters))
    script.usage('2026-11-20 12:00', 1, { cell: 101 })
    const moved = files(counters)['a.yaml']!.replace('[101, 102]', '[7]')
    const before = 'places:\n  gate: { cells: [101] }\n'
    script.config({ 'a.yaml': moved.replace('places:\n', before) })
    expect(script.rejects).toEqual({})
    script.usage('2026-11-20 12:00', 1, { cell: 101 })
    script.usage('2026-11-20 12:00', 1, { cell: 7 })
    expect(script.counter('hall.lifetime')).toEqual([2])
  })
})

it('long lists of codes match what is in them and nothing else', () => {
  const random = new Random(20)
  const codes = new Set(Array.from({ length: 60 }, () => random.whole(0, 120)))
  const where = `app in [${[...codes].join(', ')}]`
  const script = new MachineScript(
    '2026-11-20 12:00',
    files(`  c: { count: records, where: '${where}', per: [lifetime] }\n`),
  )
  const records: NaiveRecord[] = []
  for (let app = 0; app <= 121; app++) records.push(recordAt(at('2026-11-20 12:00'), 1, { app }))
  script.batch(records)
  expect(script.counter('c.lifetime')).toEqual([codes.size])
})
