import { describe, expect, it } from 'vitest'
import type { ConfigFiles } from '../../../src/model/catalog.ts'
import { SUPPRESSION_REASONS } from '../../../src/model/decision.ts'
import { inspectSubscriber } from '../../../src/partition/inspect.ts'
import { tablesOf } from '../../../src/partition/image.ts'
import { INCARNATION_GROUPS } from '../../../src/partition/incarnations.ts'
import { loadMachine, ImageWriter, stateOf } from '../../support/machine-image.ts'
import { ANN, BOB, MachineScript, recordAt } from '../../support/machine-script.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { RICH_FILES, RICHER_FILES } from '../../support/rich-files.ts'

/** Fires once a month at 10 bytes and speaks at noon of the next day; or at once. */
function files(at = 'next day 12:00', more = ''): ConfigFiles {
  return {
    'a.yaml': 'tags: { vip: {} }\ncounters: { data: { sum: bytes, per: [month] } }\n',
    'triggers/t.yaml': [
      'trigger: t',
      "when: 'data.month >= 10'",
      more,
      'deliver:',
      '  channel: sms',
      `  at: ${at}`,
      "  contactWindow: { from: '09:00', to: '21:00', outside: defer, expires: 72h }",
      'message: x',
    ].join('\n'),
  }
}

const MORNING = '2026-11-20 10:00'

function erasedCount(script: MachineScript): number {
  const { suppressed } = script.machine.core!.statistics
  return suppressed[SUPPRESSION_REASONS.indexOf('erased')]!
}

describe('an erasure', () => {
  it('of one whose delivery waits for noon: nothing is sent, and it is counted, not written', () => {
    const script = new MachineScript(MORNING, files())
    script.usage(MORNING, 10)
    script.batch([recordAt(MORNING, 10, { subscriber: BOB })])
    expect(script.machine.core!.heap.count).toBe(2)
    expect(script.erase()).toEqual([])
    expect(inspectSubscriber(script.machine.core!, ANN)).toBeNull()
    expect(script.machine.core!.heap.count).toBe(1)
    expect(erasedCount(script)).toBe(1)
    expect(script.machine.core!.countsOf('t')).toEqual({
      candidates: 2,
      deliveries: 0,
      holdouts: 0,
      canaries: 0,
      suppressed: 1,
      shown: 0,
    })
    expect(script.tick('2026-11-21 12:00')).toHaveLength(1)
    script.tick('2026-11-25 12:00')
    expect(script.decisions.map(({ subscriber }) => subscriber)).toEqual([BOB])
  })

  it('comes after what was due by then: that goes out', () => {
    const script = new MachineScript(MORNING, files())
    script.usage(MORNING, 10)
    script.tick('2026-11-21 12:00')
    expect(script.erase()).toEqual([])
    expect(script.lines).toHaveLength(1)
    expect(erasedCount(script)).toBe(0)
  })

  it('leaves no byte of the subscriber in any row of any table', () => {
    const script = new MachineScript('2026-11-10 10:00', RICH_FILES)
    const other = new MachineScript('2026-11-10 10:00', RICH_FILES)
    const live = (subscriber: number, each: MachineScript): void => {
      const fields = { fee: 4711, plan: 'large' }
      each.profile({ subscriber, tags: { seed: 5 }, fields, zone: 'Europe/Berlin', cycleDay: 9 })
      for (let hour = 0; hour < 20; hour++) {
        const timeMs = each.clockMs - hour * 3_600_000
        each.batch([recordAt(timeMs, 600_000 + subscriber, { subscriber, app: 1 })])
      }
      each.profile({ subscriber, lists: { red: true } })
    }
    live(ANN, script)
    script.config(RICHER_FILES)
    other.config(RICHER_FILES)
    live(ANN, script)
    const { core } = script.machine
    expect(core!.ledger.table.rowCount).toBeGreaterThan(2)
    expect(core!.tables.length).toBeGreaterThan(2)
    script.erase()
    const first = new Float64Array(Uint8Array.from(core!.tables[0]!.pageBytes(0)).buffer)
    expect(first[0]).toBe(-1)
    for (const table of tablesOf(core!)) {
      const words = [...new Int32Array(Uint8Array.from(table.pageBytes(0)).buffer)]
      // The mark of a row that is free, and links from one free row of the ledger to the next.
      const marks = table.id === 0 ? words.slice(2) : words
      const kept = new Set(marks.filter((word) => word !== 0))
      expect(kept.size, `table ${table.id}`).toBeLessThan(table.id === 255 ? table.rowCount : 1)
      expect(Math.max(0, ...kept)).toBeLessThanOrEqual(table.rowCount)
    }
    expect(core!.subscriberCount).toBe(0)
  })

  it('lets the number come back as somebody new: counters, tags, zone, latches from zero', () => {
    const script = new MachineScript(MORNING, files('now', 'cap: 1 ever'))
    script.profile({ tags: { vip: true }, zone: 'Europe/Berlin', lists: { optOut: true } })
    expect(script.usage(MORNING, 10)).toEqual(['t 2026-11/1 opted-out'])
    script.erase()
    expect(() => script.view()).toThrow()
    expect(script.usage(MORNING, 9)).toEqual([])
    expect(script.counter('data.month')).toEqual([9])
    expect(script.view()).toMatchObject({ tags: {}, lists: [], zone: 'Asia/Shanghai', caps: [] })
    expect(script.usage(MORNING, 1)).toHaveLength(1)
    expect(script.usage(MORNING, 1)).toEqual([])
  })

  it('never lets a delivery id repeat, also for others of the same group of numbers', () => {
    const script = new MachineScript(MORNING, files('now'))
    const mate = ANN + INCARNATION_GROUPS
    const ids = (): string[] => script.decisions.map((each) => ('id' in each ? each.id : ''))
    for (let life = 1; life <= 3; life++) {
      script.usage(MORNING, 10)
      script.erase()
    }
    script.batch([BOB, mate].map((subscriber) => recordAt(MORNING, 10, { subscriber })))
    expect(ids()).toEqual([
      `t:${ANN}:2026-11:1`,
      `t:${ANN}:2026-11:1:1`,
      `t:${ANN}:2026-11:1:2`,
      `t:${BOB}:2026-11:1`,
      `t:${mate}:2026-11:1:3`,
    ])
  })

  it('keeps the incarnation of a delivery through its attempts, whoever is erased meanwhile', () => {
    const script = new MachineScript(MORNING, files('now'))
    const mate = ANN + INCARNATION_GROUPS
    script.erase([mate])
    script.batch([recordAt(MORNING, 1, { subscriber: mate })])
    script.erase([mate])
    script.usage(MORNING, 10)
    script.batch([recordAt(MORNING, 1, { subscriber: mate })])
    script.erase([mate])
    expect(script.feedback('expired', `t:${ANN}:2026-11:1:1`)).toHaveLength(1)
    expect(script.decisions.at(-1)).toMatchObject({ id: `t:${ANN}:2026-11:2:1`, attempt: 2 })
    expect(script.feedback('sent', `t:${ANN}:2026-11:2`)).toEqual([])
    expect(script.rejects).toEqual({ 'unknown-delivery': 1 })
  })

  it('makes feedback about what was sent before an unknown delivery', () => {
    const script = new MachineScript(MORNING, files('now'))
    script.usage(MORNING, 10)
    script.erase()
    expect(script.feedback('expired', `t:${ANN}:2026-11:1`)).toEqual([])
    script.usage(MORNING, 10)
    expect(script.feedback('expired', `t:${ANN}:2026-11:1`)).toEqual([])
    expect(script.rejects).toEqual({ 'unknown-delivery': 2 })
    expect(script.feedback('expired', `t:${ANN}:2026-11:1:1`)).toHaveLength(1)
  })

  it('counts once by its id; another id erases what came since', () => {
    const script = new MachineScript(MORNING, files())
    script.usage(MORNING, 5)
    script.erase([ANN], 'request-1')
    script.usage(MORNING, 6)
    script.erase([ANN], 'request-1')
    expect(script.counter('data.month')).toEqual([6])
    script.erase([ANN], 'request-2')
    expect(inspectSubscriber(script.machine.core!, ANN)).toBeNull()
    expect(script.machine.core!.statistics.subscribersErased).toBe(2)
  })

  it('of many: each once, those nobody knows passed over; one of another partition refuses all', () => {
    const script = new MachineScript(MORNING, files())
    script.batch([ANN, BOB, 7].map((subscriber) => recordAt(MORNING, 5, { subscriber })))
    script.erase([ANN, 99, ANN, BOB])
    expect(script.machine.core!.subscriberCount).toBe(1)
    expect(script.machine.core!.statistics.subscribersErased).toBe(2)
    expect(script.rejects).toEqual({})
  })

  it('gives rows to those who come next, last given up, first used', () => {
    const script = new MachineScript(MORNING, files())
    script.batch([1, 2, 3, 4].map((subscriber) => recordAt(MORNING, 5, { subscriber })))
    script.erase([2, 4])
    script.batch([5, 6, 7].map((subscriber) => recordAt(MORNING, 5, { subscriber })))
    const { core } = script.machine
    const rows = Array.from({ length: 5 }, (_, slot) => core!.subscriberOf(slot))
    expect(rows).toEqual([1, 6, 3, 5, 7])
    expect(core!.subscriberCount).toBe(5)
  })
})

it('an image with erased rows loads as what was saved, and goes on alike', () => {
  const script = new MachineScript(MORNING, files())
  for (let subscriber = 1; subscriber <= 30; subscriber++) {
    script.batch([recordAt(MORNING, 10, { subscriber })])
  }
  script.erase([3, 5, 9, 11])
  script.batch([recordAt(MORNING, 10, { subscriber: 5 })])
  const store = new MemoryStore()
  const writer = new ImageWriter(store)
  writer.begin(script.machine)
  while (!writer.write(9));
  writer.commit()
  const { machine } = loadMachine(store)!
  expect(stateOf(machine)).toEqual(stateOf(script.machine))
  const from = script.inputs.length
  for (const subscriber of [3, 9, 40, 41]) {
    script.batch([recordAt(MORNING, 10, { subscriber })])
  }
  script.erase([9, 5])
  script.tick('2026-11-22 12:00')
  for (const input of script.inputs.slice(from)) machine.apply(input)
  expect(machine.outbox.digest.text()).toBe(script.machine.outbox.digest.text())
  expect(stateOf(machine)).toEqual(stateOf(script.machine))
})
