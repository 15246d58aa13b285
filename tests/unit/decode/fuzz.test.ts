import { expect, test } from 'vitest'
import { decodeControl } from '../../../src/decode/control.ts'
import { decodeFeedback, decodeProfile } from '../../../src/decode/messages.ts'
import { UsageDecoder } from '../../../src/decode/usage.ts'
import { RejectError } from '../../../src/model/reject.ts'
import { columnarMap, message, mutate, rowMap, seededNumbers } from './wire-cases.ts'

const SEED = 4_711

/** Runs `decode` on damaged messages; returns how many passed and which reasons were given. */
function damage(
  originals: readonly Uint8Array[],
  caseCount: number,
  decode: (data: Uint8Array) => void,
): { accepted: number; reasons: Set<string> } {
  const next = seededNumbers(SEED)
  const reasons = new Set<string>()
  let accepted = 0
  for (let i = 0; i < caseCount; i++) {
    const original = originals[next() % originals.length]!
    const data = next() % 50 === 0 ? randomBytes(next) : mutate(original, next)
    try {
      decode(data)
      accepted += 1
    } catch (error) {
      if (!(error instanceof RejectError)) throw error
      reasons.add(error.reject.reason)
    }
  }
  return { accepted, reasons }
}

function randomBytes(next: () => number): Uint8Array {
  return Uint8Array.from({ length: next() % 64 }, () => next())
}

test(`200,000 damaged usage batches are refused or sound (seed ${SEED})`, () => {
  const decoder = new UsageDecoder()
  const originals = [0, 1, 2, 5].flatMap((count) => [
    message(columnarMap(count)),
    message(rowMap(count)),
  ])
  const { accepted, reasons } = damage(originals, 200_000, (data) => {
    decoder.decode(data, 'probe-1', 1, 4)
    const broken = findBroken(decoder)
    if (broken !== null)
      throw new Error(`accepted with ${broken}: ${Buffer.from(data).toString('hex')}`)
  })
  expect(accepted).toBeGreaterThan(1_000)
  for (const reason of [
    'malformed',
    'truncated',
    'bad-type',
    'bad-length',
    'unknown-name',
    'wrong-partition',
  ]) {
    expect(reasons).toContain(reason)
  }
})

function findBroken(decoder: UsageDecoder): string | null {
  const { count, subscribers, usageBytes, timesMs, rats, kinds } = decoder.batch
  const { probe, epoch, seq } = decoder.stamp
  if (probe !== 'probe-1' || !isWholeWithin(epoch, 2 ** 53 - 1) || !isWholeWithin(seq, 2 ** 53 - 1))
    return 'stamp'
  for (let i = 0; i < count; i++) {
    if (!isWholeWithin(subscribers[i]!, 999_999_999_999_999)) return 'subscriber'
    if (BigInt(subscribers[i]!) % 4n !== 1n) return 'partition'
    if (!isWholeWithin(usageBytes[i]!, 2 ** 53 - 1)) return 'bytes'
    if (!isWholeWithin(timesMs[i]!, 8.64e15)) return 'time'
    if (rats[i]! > 10 || kinds[i]! > 5) return 'code'
  }
  return null
}

function isWholeWithin(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max && !Object.is(value, -0)
}

test(`damaged profile, feedback and control messages are refused or sound (seed ${SEED})`, () => {
  const head = { v: 1, source: 'crm', epoch: 3, seq: 4 }
  const profile = message(head, {
    rows: [
      {
        sub: 1,
        tags: { seed: true, pack: 4 },
        fields: { plan: 'gold', age: 30.5 },
        lists: { black: true },
      },
      { sub: 5, zone: 'Asia/Shanghai', cycle_day: 7 },
    ],
  })
  const feedback = message(head, {
    rows: [{ sub: 5, id: 'pack:5:2026-11:1', kind: 'sent', time: 5 }],
  })
  const control = [
    message({ v: 1, kind: 'tick', id: 't1', writer: 'demo', time: 77 }),
    message({
      v: 1,
      kind: 'config',
      id: 'c',
      generation: 4,
      files: { 'a.yaml': 'x: 1', 'b/c.yaml': '' },
    }),
    message({
      ...{
        v: 1,
        kind: 'genesis',
        id: 'g',
        partitions: 4,
        partition: 1,
        zone: 'UTC',
        generation: 1,
      },
      ...{ clock: { mode: 'virtual', writer: 'demo', start: 9 }, files: {} },
    }),
  ]
  const profiles = damage([profile], 40_000, (data) => {
    const decoded = decodeProfile(data, 'crm', 1, 4)
    for (const row of decoded.rows) {
      expect(row.subscriber % 4).toBe(1)
      for (const tag of Object.values(row.tags)) expect(tag === 0 || tag === undefined).toBe(false)
    }
  })
  const feedbacks = damage([feedback], 20_000, (data) => {
    for (const row of decodeFeedback(data, 'crm', 1, 4).rows) expect(row.subscriber % 4).toBe(1)
  })
  const controls = damage(control, 40_000, (data) => {
    expect(decodeControl(data).id.length).toBeGreaterThan(0)
  })
  for (const { accepted, reasons } of [profiles, feedbacks, controls]) {
    expect(accepted).toBeGreaterThan(100)
    expect(reasons).toContain('truncated')
    expect(reasons).toContain('unknown-name')
  }
})
