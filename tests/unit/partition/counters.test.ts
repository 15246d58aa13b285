import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { CALENDAR_UNITS } from '../../../src/model/expression.ts'
import type { CounterView } from '../../../src/model/view.ts'
import { formatPeriod } from '../../../src/state/periods.ts'
import { expectSame } from '../../support/expect-same.ts'
import { at, MachineScript, recordAt } from '../../support/machine-script.ts'
import type { NaiveRecord } from '../../support/naive/input.ts'
import {
  type OracleCounter,
  oracleKeys,
  type OracleCalendar,
  RecordOracle,
} from '../../support/record-oracle.ts'
import { Random } from '../../support/workload/random.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const FIRST = 100
const CALENDAR = 'hour, day, week, month, cycle'
const SLIDING = 'last 1 hours, last 7 hours, last 48 hours'
const SLIDING_DAYS = 'last 1 days, last 3 days, last 31 days'

/** Every aggregate over every window; two files since a counter has at most eight windows. */
function filesKeeping(keep: number): ConfigFiles {
  const counters = ['sum: bytes', 'count: records', 'max: bytes', 'last: time'].flatMap((kind) => {
    const name = kind.split(':')[0]!
    const where = `where: 'kind == data && rat != wlan'`
    return [
      `  ${name}_calendar: { ${kind}, ${where}, keep: ${keep}, per: [${CALENDAR}, lifetime] }`,
      `  ${name}_sliding: { ${kind}, ${where}, per: [${SLIDING}, ${SLIDING_DAYS}] }`,
      `  ${name}_every: { ${kind}, per: [day, month, last 2 days] }`,
    ]
  })
  counters.push(
    `  days_calendar: { distinct: days, where: 'kind == data && rat != wlan', keep: ${keep}, per: [week, month, cycle, lifetime] }`,
    `  days_sliding: { distinct: days, where: 'kind == data && rat != wlan', per: [${SLIDING_DAYS}] }`,
  )
  return { 'counters.yaml': ['lateness: 120h', 'counters:', ...counters, ''].join('\n') }
}

const AGGREGATES: Readonly<Record<string, OracleCounter['aggregate']>> = {
  sum: 'sum',
  count: 'count',
  max: 'max',
  last: 'last-time',
  days: 'distinct-days',
}

function counterOf(view: CounterView, keep: number): OracleCounter {
  const [kind = '', group] = view.counter.split('_')
  const isEvery = group === 'every'
  return {
    name: view.counter,
    aggregate: AGGREGATES[kind]!,
    where: isEvery ? () => true : ({ kind: usage, rat }) => usage === 0 && rat !== 3,
    keep: group === 'calendar' ? keep : 0,
  }
}

/** What the oracle says for one line of the view; it must be as of the clock or later. */
function expected(oracle: RecordOracle, view: CounterView, clockMs: number, keep: number) {
  const counter = counterOf(view, keep)
  const key = view.counterWindow
  if (key === 'lifetime') return { period: 'ever', values: [oracle.lifetimeValue(counter)] }
  const sliding = /^last_(\d+)_(hour|day)s$/.exec(key)
  const unit = CALENDAR_UNITS.find((each) => each === (sliding?.[2] ?? key))!
  const now = oracleKeys(clockMs, oracle.calendar)[unit]
  if (sliding !== null) {
    // A window that slides may stand at the clock, or at a record that is ahead of it.
    const as = [now, oracle.running[unit]].find((each) => formatPeriod(unit, each) === view.period)!
    const value = oracle.slidingValue(counter, unit as 'hour' | 'day', Number(sliding[1]), as)
    return { period: formatPeriod(unit, as), values: [value] }
  }
  const period = Math.max(now, oracle.running[unit])
  const values = Array.from({ length: 1 + counter.keep }, (_, back) =>
    oracle.calendarValue(counter, unit, period - back),
  )
  return { period: formatPeriod(unit, period), values }
}

const PEOPLE: readonly OracleCalendar[] = [
  { zone: 'Asia/Shanghai', cycleDay: 1 },
  { zone: 'Asia/Shanghai', cycleDay: 31 },
  { zone: 'Europe/Berlin', cycleDay: 29 },
  { zone: 'America/St_Johns', cycleDay: 30 },
  { zone: 'Australia/Lord_Howe', cycleDay: 15 },
]

/**
 * Starts that walk over ends of months, a short February, both changes of summer time, a new year.
 */
const STARTS = ['2026-02-25 00:00', '2026-10-20 12:00', '2026-12-24 06:00', '2028-02-20 00:00']

describe.each([0, 1, 3])('keeping %i past periods', (keep) => {
  it.each(STARTS)('every counter says what a list of all records says, from %s', (start) => {
    const random = new Random(at(start) / 1000 + keep)
    const script = new MachineScript(start, filesKeeping(keep))
    const oracles = PEOPLE.map((calendar, subscriber) => {
      script.profile({ subscriber: FIRST + subscriber, ...calendar })
      return new RecordOracle(calendar)
    })
    for (let round = 0; round < 60; round++) {
      script.tick(script.clockMs + random.pick([0.1, 1, 5, 20, 60]) * HOUR_MS)
      const records: NaiveRecord[] = []
      for (let count = random.whole(1, 12); count > 0; count--) {
        const lateMs = random.pick([-4 / 60, 0, 0, 1, 6, 30, 50, 119]) * HOUR_MS
        const kind = random.pick([0, 0, 0, 1])
        const change = { subscriber: FIRST + random.whole(0, 4), kind, rat: random.pick([6, 6, 3]) }
        const timeMs = script.clockMs - lateMs - random.whole(0, 59_000)
        records.push(recordAt(timeMs, random.whole(0, 1_000_000), change))
      }
      script.batch(records)
      for (const record of records) oracles[record.subscriber - FIRST]!.add(record)
      if (random.chance(0.3)) script.tick(script.clockMs + random.pick([1, 30, 800]) * HOUR_MS)
      for (const [subscriber, oracle] of oracles.entries()) {
        if (oracle.running.day === Number.NEGATIVE_INFINITY || random.chance(0.6)) continue
        for (const view of script.view(FIRST + subscriber).counters) {
          const { period, value, previous } = view
          expectSame(
            { period, values: [value, ...previous] },
            expected(oracle, view, script.clockMs, keep),
            () => `${start}, round ${round}, ${subscriber} ${view.counter}.${view.counterWindow}`,
          )
        }
      }
    }
    const { recordsTooLate, recordsTooEarly, recordsLateForWindow } =
      script.machine.core!.statistics
    expect([recordsTooLate, recordsTooEarly]).toEqual([0, 0])
    expect(recordsLateForWindow).toBeGreaterThan(0)
  })
})

describe('a record whose own period is no longer kept', () => {
  const counting = (per: string, keep = ''): ConfigFiles => ({
    'counters.yaml': `counters: { data: { sum: bytes, where: 'rat == eutran', per: [${per}]${keep} } }`,
  })

  it.each([
    ['day', 25],
    ['hour', 2],
    ['last 24 hours', 25],
    ['last 1 days', 25],
  ])('per %s, is counted once as late for it', (per, hours) => {
    const script = new MachineScript('2026-11-20 12:00', counting(per))
    const late = (): number => script.machine.core!.statistics.recordsLateForWindow
    script.usage('2026-11-20 12:00', 1)
    expect(late()).toBe(0)
    script.usage(at('2026-11-20 12:00') - hours * HOUR_MS, 1)
    expect(late()).toBe(1)
    // Not what no counter counts.
    script.usage(at('2026-11-20 12:00') - hours * HOUR_MS, 1, { rat: 3 })
    expect(late()).toBe(1)
    expect(script.machine.core!.statistics.records).toBe(3)
  })

  it('still counts in longer windows', () => {
    const script = new MachineScript('2026-11-20 12:00', counting('day, month, lifetime'))
    script.usage('2026-11-20 12:00', 5)
    script.usage('2026-11-19 12:00', 3)
    expect(script.counter('data.day')).toEqual([5])
    expect(script.counter('data.month')).toEqual([8])
    expect(script.counter('data.lifetime')).toEqual([8])
  })

  it('is refused at 48 hours and a millisecond, and 5 minutes and a millisecond ahead', () => {
    const script = new MachineScript('2026-11-20 12:00', counting('lifetime'))
    const now = script.clockMs
    script.batch(
      [-2 * DAY_MS, -2 * DAY_MS - 1, 300_000, 300_001].map((step) => recordAt(now + step, 1)),
    )
    const { recordsTooLate, recordsTooEarly, records } = script.machine.core!.statistics
    expect([recordsTooLate, recordsTooEarly, records]).toEqual([1, 1, 2])
    expect(script.counter('data.lifetime')).toEqual([2])
  })
})

it('sums of the largest usage stay exact up to 2^53', () => {
  const files = { 'counters.yaml': 'counters: { data: { sum: bytes, per: [day, last 2 days] } }' }
  const script = new MachineScript('2026-11-20 12:00', files)
  script.usage('2026-11-20 12:00', 2 ** 53 - 2)
  script.usage('2026-11-20 12:00', 1)
  expect(script.counter('data.day')).toEqual([2 ** 53 - 1])
  expect(script.counter('data.last_2_days')).toEqual([2 ** 53 - 1])
})
