/** Different apps, stays and interests against a list of all records. */

import { expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { CALENDAR_UNITS } from '../../../src/model/expression.ts'
import type { CounterView } from '../../../src/model/view.ts'
import { formatPeriod } from '../../../src/state/periods.ts'
import { expectSame } from '../../support/expect-same.ts'
import { loadMachine, ImageWriter, stateOf } from '../../support/machine-image.ts'
import { at, MachineScript, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import type { NaiveRecord } from '../../support/naive/input.ts'
import { localTime } from '../../support/naive/zone.ts'
import {
  type OracleCalendar,
  type OracleCounter,
  oracleKeys,
  RecordOracle,
} from '../../support/record-oracle.ts'
import { Random } from '../../support/workload/random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const FIRST = 100
const KEEP = 2
const HALF_LIFE_MS = 7 * DAY_MS

/** 150 apps: three chunks of bits. */
const APPS = Array.from({ length: 150 }, (_, index) => 400 - index * 2)

const FILES: ConfigFiles = {
  'counters.yaml': `
lateness: 120h
apps: { ${APPS.map((code) => `a${code}: ${code}`).join(', ')} }
appGroups: { all: [${APPS.map((code) => `a${code}`).join(', ')}] }
places: { home: { cells: [1, 2] }, work: { cells: [10 to 12] } }
counters:
  apps: { distinct: apps, among: all, per: [hour, day, week, month, cycle, lifetime], keep: ${KEEP} }
  few: { distinct: apps, among: [a400, a398, a396], where: kind == install, per: [day, lifetime] }
  home: { dwell: time, where: place == home, per: [hour, day, month, lifetime, last 5 hours, last 3 days], keep: ${KEEP} }
  night: { dwell: time, where: 'place == home && (hour >= 22 || hour < 6)', gap: 3h, per: [day, week, cycle] }
  calls: { dwell: time, where: kind == voice, gap: 10m, per: [day, last 2 days] }
  taste: { interest: records, where: 'app in all', halfLife: 7d, weight: 2.5, per: [lifetime] }
`,
}

const isHome = ({ cell }: NaiveRecord): boolean => cell === 1 || cell === 2

function counterOf(name: string, { zone }: OracleCalendar): OracleCounter {
  const base = { name, keep: 0, where: () => true }
  if (name === 'apps') return { ...base, aggregate: 'distinct-apps', apps: APPS, keep: KEEP }
  if (name === 'few') {
    const apps = [400, 398, 396]
    return { ...base, aggregate: 'distinct-apps', apps, where: ({ kind }) => kind === 4 }
  }
  const stay = { ...base, aggregate: 'dwell', gapMs: 30 * MINUTE_MS, isCellNeeded: true } as const
  if (name === 'home') return { ...stay, where: isHome, keep: KEEP }
  if (name === 'calls') {
    return { ...stay, isCellNeeded: false, gapMs: 10 * MINUTE_MS, where: ({ kind }) => kind === 1 }
  }
  const isNight = ({ timeMs }: NaiveRecord): boolean => {
    const hour = Math.floor(localTime(timeMs, zone).minuteOfDay / 60)
    return hour >= 22 || hour < 6
  }
  const where = (record: NaiveRecord): boolean => isHome(record) && isNight(record)
  return { ...stay, gapMs: 3 * HOUR_MS, where }
}

/** What the oracle says for one line of the view. */
function expected(oracle: RecordOracle, view: CounterView, clockMs: number) {
  const key = view.counterWindow
  if (view.counter === 'taste') {
    const asOfMs = Math.floor(clockMs / MINUTE_MS) * MINUTE_MS
    const isCounted = ({ app }: NaiveRecord): boolean => APPS.includes(app)
    const value = oracle.interestValue(isCounted, 2.5, HALF_LIFE_MS, asOfMs)
    return { period: 'ever', values: [Math.round(value * 1e9)] }
  }
  const counter = counterOf(view.counter, oracle.calendar)
  if (key === 'lifetime') return { period: 'ever', values: [oracle.lifetimeValue(counter)] }
  const sliding = /^last_(\d+)_(hour|day)s$/.exec(key)
  const unit = CALENDAR_UNITS.find((each) => each === (sliding?.[2] ?? key))!
  const now = oracleKeys(clockMs, oracle.calendar)[unit]
  if (sliding !== null) {
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
  { zone: 'Europe/Berlin', cycleDay: 29 },
  { zone: 'Australia/Lord_Howe', cycleDay: 15 },
]

it.each(['2026-02-27 00:00', '2026-10-24 12:00', '2026-12-30 06:00'])(
  'they say what a list of all records says, from %s',
  (start) => {
    const random = new Random(at(start) / 1000)
    const script = new MachineScript(start, FILES)
    const oracles = PEOPLE.map((calendar, subscriber) => {
      script.profile({ subscriber: FIRST + subscriber, ...calendar })
      return new RecordOracle(calendar)
    })
    const seen = new Set<string>()
    for (let round = 0; round < 70; round++) {
      script.tick(script.clockMs + random.pick([1, 5, 12, 40, 400]) * MINUTE_MS)
      const records: NaiveRecord[] = []
      for (let count = random.whole(1, 16); count > 0; count--) {
        const lateMs = random.pick([-4, 0, 0, 0, 0, 10, 90, 2000, 7000]) * MINUTE_MS
        const change = {
          subscriber: FIRST + random.whole(0, PEOPLE.length - 1),
          kind: random.pick([0, 0, 1, 4]),
          app: random.pick([400, 398, 396, 397, 50_000, 102 + 2 * random.whole(0, 149)]),
          cell: random.pick([1, 1, 2, 0, 0, 11]),
        }
        records.push(recordAt(script.clockMs - lateMs - random.whole(0, 59_000), 1, change))
      }
      script.batch(records)
      for (const record of records) oracles[record.subscriber - FIRST]!.add(record)
      if (random.chance(0.2)) script.tick(script.clockMs + random.pick([1, 30, 800]) * HOUR_MS)
      for (const [subscriber, oracle] of oracles.entries()) {
        if (oracle.running.day === Number.NEGATIVE_INFINITY || random.chance(0.5)) continue
        for (const view of script.view(FIRST + subscriber).counters) {
          const { period, value, previous } = view
          const values = [value, ...previous]
          if (value > 0) seen.add(`${view.counter}.${view.counterWindow}`)
          const isScore = view.counter === 'taste'
          expectSame(
            { period, values: isScore ? values.map((each) => Math.round(each * 1e9)) : values },
            expected(oracle, view, script.clockMs),
            () => `${start}, round ${round}, ${subscriber} ${view.counter}.${view.counterWindow}`,
          )
        }
      }
    }
    expect(script.rejects).toEqual({})
    expect(seen.size).toBe(script.view(FIRST).counters.length)
    const store = new MemoryStore()
    const writer = new ImageWriter(store)
    writer.begin(script.machine)
    while (!writer.write(100));
    writer.commit()
    const { machine } = loadMachine(store)!
    expect(stateOf(machine)).toEqual(stateOf(script.machine))
    const next = { ...script.inputs.at(-1)!, sequence: script.machine.sequence + 1 }
    script.machine.apply(next)
    machine.apply(next)
    expect(stateOf(machine)).toEqual(stateOf(script.machine))
  },
)
