/** The README's declarations for the scenarios, used as an operator would use them. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROJECT_ROOT } from '../../../src/launch.mjs'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { parseCatalog } from '../../../src/rules/parse-catalog.ts'
import { MachineScript } from '../../support/machine-script.ts'
import type { NaiveRecord } from '../../support/naive/input.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const MIB = 1024 ** 2

const readme = readFileSync(join(PROJECT_ROOT, 'README.md'), 'utf8')
const start = readme.indexOf('#### How to count what each scenario needs')
const chapter = readme.slice(start, readme.indexOf('\n### ', start))
const declarations = /^```yaml\n([\s\S]*?)^```$/m.exec(chapter)![1]!

/** Conditions of the table by the first column. */
const rows = new Map(
  [...chapter.matchAll(/^\| ([^|]+) \| [^|]+ \| `([^`]+)` \|$/gm)].map(([, name, when]) => [
    name!,
    when!,
  ]),
)

const trigger = (id: string, when: string, once: string): string =>
  `trigger: ${id}\nwhen: '${when}'\nonce: ${once}\ndeliver: { channel: sms }\nmessage: x\n`

function filesFor(name: string, once = 'month'): ConfigFiles {
  const when = rows.get(name)
  if (when === undefined) throw new Error(`the table has no row ${name}`)
  const news = trigger('sport-news', rows.get('S3 interest')!, 'day')
  const own = trigger('own', when, once)
  return { 'counters.yaml': declarations, 'triggers/news.yaml': news, 'triggers/own.yaml': own }
}

/** A subscriber for whom only the trigger of one row is of interest. */
class Customer {
  readonly script: MachineScript
  constructor(name: string, once?: string, start = '2026-11-20 12:00') {
    this.script = new MachineScript(start, filesFor(name, once))
  }

  wait(ms: number): void {
    this.script.tick(this.script.clockMs + ms)
  }

  /** Whether the row's trigger fires at this record. */
  use(usageBytes: number, change: Partial<NaiveRecord> = {}): boolean {
    const before = this.script.decisions.length
    this.script.usage(this.script.clockMs, usageBytes, change)
    return this.script.decisions.slice(before).some(({ trigger: id }) => id === 'own')
  }
}

describe('the table of the README', () => {
  it('has a row for each scenario, and all of them are understood', () => {
    const scenarios = Array.from({ length: 12 }, (_, index) => `S${index + 1}`)
    const named = [...rows.keys()].join(' ')
    expect(scenarios.filter((name) => !new RegExp(`\\b${name}\\b`).test(named))).toEqual([])
    for (const name of rows.keys()) {
      expect(parseCatalog(filesFor(name)).catalog.triggers, name).toHaveLength(2)
    }
    // Nothing is declared that no row uses.
    const files: Record<string, string> = { 'counters.yaml': declarations }
    for (const [index, [name, when]] of [...rows].entries()) {
      const id = name === 'S3 interest' ? 'sport-news' : `row-${index}`
      files[`triggers/${id}.yaml`] = trigger(id, when, 'day')
    }
    const notes = parseCatalog(files).notes.filter((note) => note.includes('no trigger reads'))
    expect(notes).toEqual([])
  })
})

describe('share of the allowance', () => {
  it('is reached at 80 % within the billing cycle, zero-rated traffic left out', () => {
    const customer = new Customer('S2 step up', 'cycle')
    customer.script.profile({ cycleDay: 21, fields: { allowance: 100 * MIB } })
    expect(customer.use(79 * MIB)).toBe(false)
    expect(customer.use(50 * MIB, { app: 10 })).toBe(false)
    expect(customer.use(MIB - 1)).toBe(false)
    expect(customer.use(1)).toBe(true)
    // The cycle begins anew on the 21st, in the middle of the month.
    customer.script.tick('2026-11-21 00:00')
    expect(customer.use(79 * MIB)).toBe(false)
    expect(customer.use(MIB)).toBe(true)
  })

  it('of somebody without a known allowance is not judged', () => {
    const customer = new Customer('S7 reminder', 'cycle')
    expect(customer.use(1000 * MIB)).toBe(false)
  })
})

it('today counts against the average of thirty days', () => {
  const customer = new Customer('S7 unusual usage', 'day', '2026-10-01 12:00')
  for (let day = 0; day < 30; day++) {
    // The first days have no average to speak of.
    expect(customer.use(30), `day ${day}`).toBe(false)
    customer.wait(DAY_MS)
  }
  // 29 days of 30, and today: five times the average is (870 + x) / 6, which x exceeds beyond 174.
  expect(customer.use(174)).toBe(false)
  expect(customer.use(1)).toBe(true)
})

it('night packs count in the night, per billing cycle', () => {
  const customer = new Customer('Every scenario', 'cycle')
  expect(customer.use(60 * MIB, { app: 10 })).toBe(false)
  customer.script.tick('2026-11-20 22:59')
  expect(customer.use(1)).toBe(false)
  customer.script.tick('2026-11-20 23:00')
  expect(customer.use(1)).toBe(true)
})

it('logins and installs are counted, not bytes', () => {
  const customer = new Customer('S8 few or many logins')
  for (let login = 0; login < 15; login++) customer.use(1000, { kind: 3, app: 3 })
  expect(customer.use(1000, { kind: 3, app: 1 })).toBe(false)
  expect(customer.use(0, { kind: 4, app: 4 })).toBe(true)
})

it('different apps count once, however often they are downloaded', () => {
  const customer = new Customer('S12 reward')
  const install = (app: number): boolean => customer.use(1, { kind: 4, app })
  expect([1, 1, 2, 1, 0, 99, 2].map(install)).not.toContain(true)
  expect(customer.use(1, { kind: 0, app: 3 })).toBe(false)
  expect(install(3)).toBe(true)
  customer.script.tick('2026-12-01 00:00')
  expect([3, 2].map(install)).toEqual([false, false])
  expect(install(20)).toBe(true)
})

describe('a place', () => {
  it('is where somebody is with the first record of its cells', () => {
    const customer = new Customer('S6 is at', 'day')
    expect(customer.use(1, { cell: 100 })).toBe(false)
    expect(customer.use(1, { cell: 102 })).toBe(true)
  })

  it('is where somebody waits after twenty minutes', () => {
    const customer = new Customer('S6 waits here', 'day')
    for (let minute = 0; minute < 20; minute += 5) {
      expect(customer.use(1, { cell: 101 })).toBe(false)
      customer.wait(5 * MINUTE_MS)
    }
    expect(customer.use(1, { cell: 102 })).toBe(true)
  })

  it('is where somebody lives after fifteen nights', () => {
    const customer = new Customer('S6 lives at', 'month', '2026-11-01 23:30')
    for (let night = 1; night < 15; night++) {
      expect(customer.use(1, { cell: 1050 }), `night ${night}`).toBe(false)
      customer.wait(DAY_MS)
    }
    expect(customer.use(1, { cell: 1050 })).toBe(true)
  })
})

it('the circle of last month is what four apps had together', () => {
  const customer = new Customer('S1 high OTT circle')
  customer.use(3 * MIB, { app: 1 })
  customer.use(2 * MIB, { app: 4 })
  customer.use(9 * MIB, { app: 20 })
  customer.script.tick('2026-12-01 12:00')
  expect(customer.use(1, { app: 2 })).toBe(false)
  const other = new Customer('S1 high OTT circle')
  other.use(3 * MIB, { app: 1 })
  other.use(2 * MIB + 1, { app: 4 })
  other.script.tick('2026-12-01 12:00')
  expect(other.use(1, { app: 2 })).toBe(true)
})

it('an ignored push lowers an interest, a click raises it', () => {
  const customer = new Customer('S3 interest', 'day')
  customer.script.profile({ fields: { sport: 4 } })
  expect(customer.use(1, { app: 20 })).toBe(true)
  const score = (): number => customer.script.counter('sport.lifetime')[0]!
  expect(score()).toBeCloseTo(5, 3)
  const news = customer.script.decisions.find(({ trigger: id }) => id === 'sport-news')!
  if (news.kind !== 'delivery') throw new Error('no delivery')
  customer.script.feedback('delivered', news.id)
  expect(score()).toBeCloseTo(4.8, 3)
  customer.wait(14 * DAY_MS)
  expect(score()).toBeCloseTo(2.4, 3)
})
