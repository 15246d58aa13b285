import { expect, it } from 'vitest'
import { ANN, at, Script } from './script.ts'

const record = { subscriber: ANN, usageBytes: 1, rat: 6, app: 0, cell: 0, kind: 0 }
const one = { ...record, timeMs: at('2026-11-20 12:00') }

function start(): Script {
  return new Script('2026-11-20 12:00')
}

function total(script: Script): number {
  return script.model.counters(ANN)[0]?.value ?? 0
}

it('a repeated batch changes nothing, an overtaken one counts', () => {
  const script = start()
  for (const seq of [7, 5, 7, 6, 5]) script.batch([one], seq)
  expect(total(script)).toBe(3)
  expect(script.model.statistics.duplicateBatches).toBe(2)
})

it('the 1,024 below the highest are remembered, what lies below is refused', () => {
  const script = start()
  script.batch([one], 2_000)
  script.batch([one], 976)
  script.batch([one], 976)
  script.batch([one], 975)
  expect(total(script)).toBe(2)
  expect(script.model.rejects.map((reject) => reject.reason)).toEqual(['seq-too-old'])
})

it('a higher epoch starts afresh, a lower one is refused', () => {
  const script = start()
  script.batch([one], 9, 1)
  script.batch([one], 1, 2)
  script.batch([one], 10, 1)
  script.batch([one], 1, 2)
  expect(total(script)).toBe(2)
  expect(script.model.rejects.map((reject) => reject.reason)).toEqual(['epoch-too-old'])
  expect(script.model.statistics.duplicateBatches).toBe(1)
})

it('seq counts per kind of subject', () => {
  const script = start()
  const stamp = { probe: 'p1', epoch: 3, seq: 1 }
  const row = { subscriber: ANN, fields: {}, lists: {}, zone: undefined, cycleDay: undefined }
  script.apply({ kind: 'profile', stamp, rows: [{ ...row, tags: { seed: 5 } }] })
  script.batch([{ ...one, usageBytes: 600_000 }], 1, 1)
  expect(script.model.pendingCount()).toBe(1)
})

it('one bad record refuses its batch whole, and the stamp stays free', () => {
  const script = start()
  const bad = [
    { usageBytes: -1 },
    { usageBytes: Number.NaN },
    { usageBytes: 0.5 },
    { timeMs: Number.NaN },
    { rat: 200 },
    { kind: 200 },
    { subscriber: 1_000_000_000_000_000 },
  ]
  for (const change of bad) script.batch([one, { ...one, ...change }], 1, 5)
  expect(script.model.rejects.map((reject) => reject.reason)).toEqual([
    'negative',
    'not-a-number',
    'not-whole',
    'not-a-number',
    'unknown-code',
    'unknown-code',
    'out-of-range',
  ])
  expect(script.model.subscribers()).toEqual([])
  script.batch([one], 1, 1)
  expect(total(script)).toBe(1)
})

it('a subscriber of another partition refuses the batch', () => {
  const script = new Script('2026-11-20 12:00', { partitionCount: 4, partition: ANN % 4 })
  script.batch([one, { ...one, subscriber: ANN + 1 }])
  script.batch([one, { ...one, subscriber: ANN + 4 }])
  expect(script.model.rejects.map((reject) => reject.reason)).toEqual(['wrong-partition'])
  expect(script.model.subscribers()).toEqual([ANN, ANN + 4])
})

it('a profile row with an unknown tag refuses its message', () => {
  const script = start()
  script.profile({ tags: { seed: 5, sead: true } })
  script.profile({ tags: { seed: 0 } })
  script.profile({ zone: 'Mars/Olympus' })
  expect(script.model.rejects.map((reject) => reject.reason)).toEqual([
    'unknown-name',
    'out-of-range',
    'unknown-name',
  ])
  expect(script.model.subscribers()).toEqual([])
})
