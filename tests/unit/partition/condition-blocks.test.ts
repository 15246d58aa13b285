/** Many conditions, judged in blocks, against a plain loop over all of them. */

import { expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import type { UsageBatch } from '../../../src/model/usage.ts'
import type { CompiledCondition, CompiledTrigger } from '../../../src/partition/compile.ts'
import { makeBlocks } from '../../../src/partition/condition-blocks.ts'
import type { PartitionCore } from '../../../src/partition/core.ts'
import type { Decider } from '../../../src/partition/deciding.ts'
import { Judge } from '../../../src/partition/judging.ts'
import { Latches } from '../../../src/partition/latches.ts'
import { placeKeys } from '../../../src/state/place-keys.ts'
import { columnsOf } from '../../support/machine-harness.ts'
import { MachineScript, recordAt } from '../../support/machine-script.ts'
import type { NaiveRecord } from '../../support/naive/input.ts'
import { Random } from '../../support/workload/random.ts'

const HOUR_MS = 3_600_000
const START = '2026-11-28 03:00'
const FIRST = 100
const PEOPLE = 6
const LINE_MAX = 900
const TAGS = ['t0', 't1', 't2', 't3'] as const
const COUNTERS = `
lateness: 28h
tags: { ${TAGS.map((tag) => `${tag}: {}`).join(', ')} }
fields: { fee: { type: number } }
counters:
  a: { sum: bytes, where: 'app == 1', per: [day, month], keep: 1 }
  b: { sum: bytes, where: 'app != 1', per: [month, lifetime] }
  c: { count: records, per: [hour, lifetime] }
  d: { distinct: days, per: [week] }
  s: { sum: bytes, where: 'app in [1, 2]', per: [last 3 days] }
`
/** Counters by what of them is read, and which apps they count. */
const VALUES: readonly (readonly [string, number])[] = [
  ['a.day', 1],
  ['a.month', 1],
  ['previous(a.day)', 1],
  ['b.month', 1],
  ['b.lifetime', 1],
  ['c.hour', 0.01],
  ['c.lifetime', 0.1],
  ['d.week', 0.005],
  ['s.last_3_days', 1],
]
const COUNTS: Readonly<Record<string, (app: number) => boolean>> = {
  a: (app) => app === 1,
  b: (app) => app !== 1,
  c: () => true,
  d: () => true,
  s: (app) => app <= 2,
}

function bound(random: Random): string {
  const [value, scale] = random.pick(VALUES)
  const line = Math.ceil(random.whole(1, LINE_MAX) * scale)
  return `${value} ${random.pick(['>=', '>=', '>=', '>', '<', '<=', '=='])} ${line}`
}

function guard(random: Random): string {
  const tag = `tags.${random.pick(TAGS)}`
  return random.pick([tag, tag, `!${tag}`, `(${tag} || lists.red)`, 'fields.fee >= 5', 'true'])
}

function condition(random: Random): string {
  const line = random.whole(1, LINE_MAX)
  const few = random.pick(['a.day', 'a.month', 'b.month', 's.last_3_days'])
  return random.pick([
    `${few} >= ${line} && ${guard(random)}`,
    `${few} >= ${line} && ${guard(random)} && ${guard(random)}`,
    `${bound(random)} && ${guard(random)}`,
    `${bound(random)} && ${bound(random)}`,
    `(${few} >= ${line} || ${few} >= ${random.whole(1, LINE_MAX)}) && ${guard(random)}`,
    `${bound(random)} || ${bound(random)} && ${guard(random)}`,
    `!(${bound(random)}) && ${few} > ${line}`,
    `a.month + b.month > ${line} && ${guard(random)}`,
    'c.lifetime % 7 == 3',
  ])
}

/** Triggers `t0` and on; an index that was drawn before may get another condition. */
function filesOf(random: Random, count: number): ConfigFiles {
  const triggers = Array.from(
    { length: count },
    (_, index) => `
trigger: t${index}
when: '${condition(random)}'
once: ${['month', 'month', 'day', 'ever', 'hour'][index % 5]}
late: ${index % 3 === 0 ? 'fire' : 'ignore'}
deliver: { channel: sms }
message: x
`,
  )
  return { 'counters.yaml': COUNTERS, 'triggers/all.yaml': triggers.join('---') }
}

function batchOf(records: readonly NaiveRecord[]): UsageBatch {
  return { count: records.length, ...columnsOf(records) }
}

/** A judge over the machine's state whose conditions fire into a list. */
function judgeOf(core: PartitionCore, fire: Decider['fire']): Judge {
  const judge = new Judge(core, { latches: new Latches(core), fire } as Decider)
  judge.useCatalog()
  return judge
}

/** Judges all conditions one after the other, by the interpreter, with a memory of its own. */
class PlainLoop {
  readonly fired: string[] = []
  readonly #core: PartitionCore
  readonly #judge: Judge
  readonly #closed = new Set<string>()

  constructor(core: PartitionCore) {
    this.#core = core
    this.#judge = judgeOf(core, () => {})
  }

  useCatalog(): void {
    this.#judge.useCatalog()
  }

  take(record: NaiveRecord): void {
    const core = this.#core
    const slot = core.index.findOrAdd(record.subscriber)
    core.alignTables()
    const keys = Int32Array.from(core.periodKeys(slot, record.timeMs))
    const touched = (core.compiled.conditions as readonly CompiledTrigger[]).filter((trigger) => {
      const { counters } = trigger.references
      if (!counters.some(({ counter }) => COUNTS[counter]!(record.app))) return false
      return trigger.spec.isLateFiring || !this.#isLate(trigger, slot, keys)
    })
    const before = touched.filter(
      (trigger) => trigger.isEdge && this.#judge.isMet(trigger, slot, keys),
    )
    this.#judge.applyUsage(batchOf([record]))
    for (const trigger of touched) {
      const { id, once } = trigger.spec
      const period = trigger.latch.unit === -1 ? 0 : keys[trigger.latch.unit]!
      const latch = `${id} ${once} ${slot} ${period}`
      if (before.includes(trigger) || this.#closed.has(latch)) continue
      if (!this.#judge.isMet(trigger, slot, keys)) continue
      this.#closed.add(latch)
      this.fired.push(`${id} ${slot} ${period}`)
    }
  }

  #isLate({ references }: CompiledTrigger, slot: number, keys: Int32Array): boolean {
    return references.counters.some(({ counter, counterWindow }) => {
      const cell = this.#core.compiled.findCell(counter, counterWindow)
      if (cell.counterWindow.kind === 'lifetime') return false
      return this.#core.tables[cell.table]!.getI32(slot, cell.stampOffset) > keys[cell.unit]!
    })
  }
}

/** What nobody's record changes, the same for both. */
function changeProfile(random: Random, cores: readonly PartitionCore[]): void {
  const slot = random.whole(0, PEOPLE - 1)
  const [tag, isSet] = [random.pick(TAGS), random.chance(0.6)]
  const fee = random.whole(1, 9)
  for (const core of cores) {
    core.setBit(slot, placeKeys.tag(tag), isSet)
    core.setBit(slot, placeKeys.fieldSet('fee', 'number'), fee > 2)
    const { table, offset } = core.compiled.place(placeKeys.field('fee', 'number'))
    core.tables[table]!.setF64(slot, offset, fee)
  }
}

function recordsAround(random: Random, nowMs: number): NaiveRecord[] {
  return Array.from({ length: random.whole(1, 12) }, () => {
    const lateMs = random.pick([0, 0, 0, 0, 0, 0, 1, 3, 24, 27]) * HOUR_MS
    return recordAt(nowMs - lateMs, random.pick([0, 3, 10, 40, 150]), {
      subscriber: FIRST + random.whole(0, PEOPLE - 1),
      app: random.whole(1, 3),
    })
  })
}

it.each([
  [1, 40],
  [2, 250],
])(
  'many conditions fire as a loop over all of them has it (seed %i, %i triggers)',
  (seed, count) => {
    const random = new Random(seed)
    const files = filesOf(random, count >>> 1)
    const blocked = new MachineScript(START, files)
    const plain = new MachineScript(START, files)
    const cores = [blocked.machine.core!, plain.machine.core!]
    const fired: string[] = []
    const latches = new Latches(cores[0]!)
    const judge = judgeOf(cores[0]!, (trigger: CompiledCondition, slot, _timeMs, keys) => {
      const period = trigger.latch.unit === -1 ? 0 : keys[trigger.latch.unit]!
      latches.set(trigger, slot, period, true)
      fired.push(`${(trigger as CompiledTrigger).spec.id} ${slot} ${period}`)
    })
    const loop = new PlainLoop(cores[1]!)
    const everybody = Array.from({ length: PEOPLE }, (_, index) =>
      recordAt(START, 0, { subscriber: FIRST + index, app: 1 }),
    )
    let nowMs = blocked.clockMs
    let firedCount = 0
    for (let round = 0; round < 60; round++) {
      if (round === 30) {
        // From here on some fire on the edge only.
        const more = filesOf(random, count)
        for (const script of [blocked, plain]) script.config(more)
        judge.useCatalog()
        loop.useCatalog()
        expect(cores[0]!.compiled.conditions.some(({ isEdge }) => isEdge)).toBe(true)
        expect(makeBlocks(cores[0]!.compiled.conditions).some(({ edges }) => edges !== null)).toBe(
          true,
        )
      }
      nowMs += random.pick([0.1, 1, 5]) * HOUR_MS
      const records = round === 0 ? everybody : recordsAround(random, nowMs)
      if (round > 0) changeProfile(random, cores)
      judge.applyUsage(batchOf(records))
      for (const record of records) loop.take(record)
      expect(fired).toEqual(loop.fired)
      firedCount += fired.length
      fired.length = 0
      loop.fired.length = 0
    }
    expect(firedCount).toBeGreaterThan(count * 2)
  },
)
