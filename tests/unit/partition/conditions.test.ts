import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import type { CalendarUnit } from '../../../src/model/expression.ts'
import { formatPeriod } from '../../../src/state/periods.ts'
import { ANN, at, MachineScript, recordAt } from '../../support/machine-script.ts'
import type { NaiveRecord } from '../../support/naive/input.ts'
import {
  type OracleCalendar,
  type OracleCounter,
  type OracleKeys,
  RecordOracle,
} from '../../support/record-oracle.ts'
import { Random } from '../../support/workload/random.ts'

const HOUR_MS = 3_600_000
const FIRST = 100
const NOON = '2026-11-20 12:00'

/** A trigger and what the oracle knows of it. */
interface Case {
  readonly when: string
  readonly once: CalendarUnit | 'ever'
  /**
   * Whether it is true as of a record's periods; null: not judged, since a counter no longer keeps
   * them. `slid`: the latest day or hour of any record that the sliding counter counted.
   */
  readonly isTrue: (oracle: RecordOracle, keys: OracleKeys, slid: number) => boolean | null
  readonly counts: (record: NaiveRecord) => boolean
  /** Units whose running period decides what is late for it. */
  readonly lateBy: readonly CalendarUnit[]
}

const all = (): boolean => true
const is4g = ({ rat }: NaiveRecord): boolean => rat === 6
const sum4g: OracleCounter = { name: 'lte', aggregate: 'sum', where: is4g, keep: 2 }
const sum: OracleCounter = { name: 'data', aggregate: 'sum', where: all, keep: 1 }
const records: OracleCounter = { name: 'records', aggregate: 'count', where: all, keep: 0 }
const days: OracleCounter = { name: 'days', aggregate: 'distinct-days', where: all, keep: 0 }

const COUNTERS = `
counters:
  data: { sum: bytes, per: [day, month], keep: 1 }
  lte: { sum: bytes, where: 'rat == eutran', per: [day, last 3 days], keep: 2 }
  records: { count: records, per: [lifetime] }
  days: { distinct: days, per: [week, lifetime] }
`

const CASES: Readonly<Record<string, Case>> = {
  sliding: {
    when: 'lte.last_3_days >= 1500 * kB',
    once: 'day',
    counts: is4g,
    lateBy: [],
    isTrue: (oracle, { day }, slid) =>
      slid > day ? null : oracle.slidingValue(sum4g, 'day', 3, day) >= 1_500_000,
  },
  previous: {
    when: 'lte.day > 2 * previous(lte.day) && lte.day >= 100 * kB',
    once: 'day',
    counts: is4g,
    lateBy: ['day'],
    isTrue: (oracle, { day }) => {
      if (oracle.running.day - day > 1) return null
      const today = oracle.calendarValue(sum4g, 'day', day)
      return today > 2 * oracle.calendarValue(sum4g, 'day', day - 1) && today >= 100_000
    },
  },
  month: {
    when: 'data.month >= 4 * MB || data.month > 0 && data.day == 0',
    once: 'month',
    counts: all,
    lateBy: ['day', 'month'],
    isTrue: (oracle, { day, month }) => {
      if (oracle.running.day - day > 1 || oracle.running.month - month > 1) return null
      const used = oracle.calendarValue(sum, 'month', month)
      return used >= 4_000_000 || (used > 0 && oracle.calendarValue(sum, 'day', day) === 0)
    },
  },
  lifetime: {
    when: 'records.lifetime % 7 == 3',
    once: 'hour',
    counts: all,
    lateBy: [],
    isTrue: (oracle) => oracle.lifetimeValue(records) % 7 === 3,
  },
  loyal: {
    when: 'days.lifetime % 3 == 2',
    once: 'day',
    counts: all,
    lateBy: [],
    isTrue: (oracle) => oracle.lifetimeValue(days) % 3 === 2,
  },
  ever: {
    when: 'days.lifetime >= 6 && days.week >= 2',
    once: 'ever',
    counts: all,
    lateBy: ['week'],
    isTrue: (oracle, { week }) => {
      if (oracle.running.week > week) return null
      return oracle.lifetimeValue(days) >= 6 && oracle.calendarValue(days, 'week', week) >= 2
    },
  },
}

function filesOf(late: 'fire' | 'ignore'): ConfigFiles {
  const triggers = Object.entries(CASES).map(([id, { when, once }]) => [
    `triggers/${id}.yaml`,
    `trigger: ${id}\nwhen: '${when}'\nonce: ${once}\nlate: ${late}\ndeliver: { channel: sms }\nmessage: x\n`,
  ])
  return { 'counters.yaml': `lateness: 28h\n${COUNTERS}`, ...Object.fromEntries(triggers) }
}

const PEOPLE: readonly OracleCalendar[] = [
  { zone: 'Asia/Shanghai', cycleDay: 1 },
  { zone: 'Europe/Berlin', cycleDay: 1 },
]

describe.each(['fire', 'ignore'] as const)('late: %s', (late) => {
  it.each([1, 2, 3, 4])('fires as a list of all records says (seed %i)', (seed) => {
    const random = new Random(seed)
    const start = random.pick(['2026-10-22 00:00', '2026-02-25 18:00', '2026-12-28 09:00'])
    const script = new MachineScript(start, filesOf(late))
    const people = PEOPLE.map((calendar, index) => {
      script.profile({ subscriber: FIRST + index, ...calendar })
      const latched = new Set<string>()
      return { oracle: new RecordOracle(calendar), latched, slid: Number.NEGATIVE_INFINITY }
    })
    const expected: string[] = []
    const ids = Object.keys(CASES).sort()
    for (let round = 0; round < 250; round++) {
      script.tick(script.clockMs + random.pick([0.05, 0.5, 3, 9]) * HOUR_MS)
      const batch = Array.from({ length: random.whole(1, 6) }, () => {
        const lateMs = random.pick([-0.05, 0, 0, 0, 1, 9, 27]) * HOUR_MS
        const change = { subscriber: FIRST + random.whole(0, 1), rat: random.pick([6, 6, 1]) }
        const usageBytes = random.pick([0, 1000, 100_000, 350_000, 800_000])
        return recordAt(script.clockMs - lateMs, usageBytes, change)
      })
      for (const record of batch) {
        const person = people[record.subscriber - FIRST]!
        const keys = person.oracle.add(record)
        if (is4g(record)) person.slid = Math.max(person.slid, keys.day)
        for (const id of ids) {
          const { counts, lateBy, once, isTrue } = CASES[id]!
          if (!counts(record)) continue
          const isLate = lateBy.some((unit) => person.oracle.running[unit] > keys[unit])
          if (isLate && late === 'ignore') continue
          if (isTrue(person.oracle, keys, person.slid) !== true) continue
          const period = once === 'ever' ? 'ever' : formatPeriod(once, keys[once])
          if (person.latched.has(`${id} ${period}`)) continue
          person.latched.add(`${id} ${period}`)
          expected.push(`${id}:${record.subscriber}:${period} at ${record.timeMs}`)
        }
      }
      script.batch(batch)
      const got = script.decisions.map(
        ({ trigger, subscriber, period, firedAtMs }) =>
          `${trigger}:${subscriber}:${period} at ${firedAtMs}`,
      )
      expect(got.slice(-20), `seed ${seed}, round ${round}`).toEqual(expected.slice(-20))
      expect(got).toHaveLength(expected.length)
    }
    for (const id of ids)
      expect(
        expected.some((line) => line.startsWith(id)),
        id,
      ).toBe(true)
  })
})

describe('a condition', () => {
  const trigger = (text: string, head = ''): ConfigFiles => ({
    'counters.yaml': `${head}\ntags: { vip: {} }\nfields: { fee: { type: number } }\n${COUNTERS}`,
    'triggers/t.yaml': `trigger: t\n${text}\ndeliver: { channel: sms }\nmessage: x\n`,
  })

  it('is not judged where one of its counters no longer keeps the period, even if that would not matter', () => {
    const files = trigger(
      `when: 'tags.vip || lte.last_3_days > 1 * GB'\nonce: day\nlate: fire`,
      'lateness: 120h',
    )
    const script = new MachineScript(NOON, files)
    script.usage(NOON, 1)
    script.profile({ tags: { vip: true } })
    expect(script.decisions.map(({ period }) => period)).toEqual(['2026-11-20'])
    expect(script.usage('2026-11-19 12:00', 1)).toEqual([])
    expect(script.usage(NOON, 1)).toEqual([])
  })

  it('is not judged on a window that has slid on, either', () => {
    const files: ConfigFiles = {
      'counters.yaml':
        'tags: { vip: {} }\ncounters: { lte: { sum: bytes, where: rat == eutran, per: [last 3 days] } }',
      'triggers/t.yaml':
        "trigger: t\nwhen: 'tags.vip || lte.last_3_days > 1 * GB'\nonce: day\nlate: fire\n" +
        'deliver: { channel: sms }\nmessage: x\n',
    }
    const script = new MachineScript(NOON, files)
    script.usage(NOON, 1)
    expect(script.profile({ tags: { vip: true } })).toHaveLength(1)
    expect(script.usage('2026-11-19 12:00', 1)).toEqual([])
    expect(script.counter('lte.last_3_days')).toEqual([2])
  })

  it('on a window that slides is judged until something later slid into it', () => {
    const files = trigger("when: 'lte.last_3_days >= 10'\nonce: day\nlate: fire", 'lateness: 96h')
    const script = new MachineScript(NOON, files)
    script.usage('2026-11-17 12:00', 4)
    // Days that go on without it, also late ones, do not slide it.
    script.usage(NOON, 1, { rat: 1 })
    script.usage('2026-11-19 12:00', 1, { rat: 1 })
    expect(script.usage('2026-11-18 12:00', 6)).toHaveLength(1)
    expect(script.decisions[0]!.period).toBe('2026-11-18')
  })

  it('remembers the values that made it fire, as of the record’s period', () => {
    const files = trigger(
      `when: 'lte.day >= 5 && previous(lte.day) >= 3 && lte.last_3_days >= 8'\nlate: fire`,
    )
    const script = new MachineScript(NOON, files)
    script.usage('2026-11-18 13:00', 3)
    script.usage('2026-11-19 12:00', 5)
    expect(script.decisions.map(({ values }) => values)).toEqual([
      { 'lte.day': 5, 'lte.day-1': 3, 'lte.last_3_days': 8 },
    ])
    expect(script.decisions[0]).toMatchObject({
      period: '2026-11-19',
      firedAtMs: at('2026-11-19 12:00'),
    })
  })

  it('that reads an unset field is false, and judged when the field comes', () => {
    const script = new MachineScript(
      '2026-11-20 12:00',
      trigger(`when: 'lte.day >= 5 && fields.fee < 10'`),
    )
    expect(script.usage(NOON, 5)).toEqual([])
    expect(script.profile({ fields: { fee: 12 } })).toEqual([])
    expect(script.profile({ fields: { fee: null } })).toEqual([])
    expect(script.profile({ fields: { fee: 9 } })).toHaveLength(1)
  })

  it('over tags and lists alone is judged when they change, not at usage', () => {
    const script = new MachineScript(
      '2026-11-20 12:00',
      trigger(`when: 'tags.vip && !lists.red'\nonce: day`),
    )
    expect(script.profile({ lists: { red: true }, tags: { vip: true } })).toEqual([])
    expect(script.usage(NOON, 5)).toEqual([])
    expect(script.profile({ lists: { red: false } })).toHaveLength(1)
    script.tick('2026-11-21 12:00')
    expect(script.usage('2026-11-21 12:00', 5)).toEqual([])
    expect(script.profile({ tags: { vip: true } })).toHaveLength(1)
  })

  it('is judged in log order within a batch: the first record to reach the line fires', () => {
    const script = new MachineScript(NOON, trigger(`when: 'lte.day >= 10'`))
    const steps = [4, 5, 1, 7].map((size, i) => recordAt(at('2026-11-20 11:00') + i, size))
    script.batch(steps)
    expect(script.decisions.map(({ firedAtMs, values }) => [firedAtMs, values])).toEqual([
      [at('2026-11-20 11:00') + 2, { 'lte.day': 10 }],
    ])
    expect(
      script.view(ANN).counters.find(({ counterWindow }) => counterWindow === 'day')!.value,
    ).toBe(17)
  })
})
