import { describe, expect, test } from 'vitest'
import type { SaidDecision } from '../../../src/model/said.ts'
import { Random } from '../../../src/probe/random.ts'
import { COUNTS, REGION_OTHER } from '../../../src/report/day-counts.ts'
import { ReportFold } from '../../../src/report/fold.ts'
import { decodeFold, encodeFold } from '../../../src/report/snapshot.ts'
import { ZoneClock } from '../../../src/state/zone.ts'
import { naiveCounts, naiveDistinct } from '../../support/naive/statistics.ts'
import {
  randomDecisions,
  saidDelivery,
  saidHoldout,
  saidOutcome,
} from '../../support/said-decisions.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_122)
const OFFSET_MS = 8 * 3_600_000
const START_MS = Date.parse('2026-11-20T22:10:00+08:00')
const DAY_MS = 86_400_000
const clock = new ZoneClock('Asia/Shanghai')
const IDENTITY = { zone: 'Asia/Shanghai', partitionCount: 4 }

/** Everything that a fold counted, as the naive model words it. */
const countsOf = (fold: ReportFold): Map<string, number> => {
  const found = new Map<string, number>()
  for (const day of fold.counts.days()) {
    for (const { trigger, channel, region, hour, counts, reasons } of fold.counts.rowsOf(day)) {
      const key = `${day} ${trigger} ${channel} ${region} ${hour}`
      for (const [at, name] of COUNTS.entries()) {
        if (counts[at] !== 0) found.set(`${key} ${name}`, counts[at]!)
      }
      for (const [reason, count] of reasons ?? []) found.set(`${key} suppressed:${reason}`, count)
    }
  }
  return found
}

const sorted = (counts: Map<string, number>) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1))

const life = (seed: number): SaidDecision[][] => {
  const random = new Random(seed)
  return [0, 1, 2, 3].map((partition) => randomDecisions(random, partition, START_MS, 400))
}

/** Folds in random pieces: partitions interleaved, pieces repeated, the process killed at times. */
const foldInPieces = (partitions: readonly SaidDecision[][], random: Random): ReportFold => {
  let fold = new ReportFold(clock)
  let saved = encodeFold(fold, IDENTITY)
  const next = partitions.map(() => 0)
  for (;;) {
    const open = [...next.keys()].filter((p) => next[p]! < partitions[p]!.length)
    if (open.length === 0) return fold
    const partition = open[random.below(open.length)]!
    const from = Math.max(0, next[partition]! - random.below(15))
    const to = Math.min(partitions[partition]!.length, next[partition]! + random.below(60))
    for (const decision of partitions[partition]!.slice(from, to)) fold.apply(partition, decision)
    next[partition] = Math.max(next[partition]!, to)
    if (random.below(5) === 0) saved = encodeFold(fold, IDENTITY)
    if (random.below(7) !== 0) continue
    const reading = decodeFold(saved, IDENTITY, clock)
    if (reading.kind !== 'fold') throw new Error(reading.why)
    fold = reading.fold
    for (const p of next.keys()) next[p] = fold.positionOf(p).number
  }
}

describe('the fold', () => {
  test.each([0, 1, 2, 3])('counts what a naive model counts, however it is cut (%i)', (turn) => {
    const seed = SEED + turn
    console.log(`seed ${seed} (HIGHWATER_SEED chooses another)`)
    const partitions = life(seed)
    const fold = foldInPieces(partitions, new Random(seed + 1000))
    expect(sorted(countsOf(fold))).toEqual(sorted(naiveCounts(partitions, OFFSET_MS)))
    const random = new Random(seed + 2000)
    for (const trigger of ['data-pack', 'others', 'news', 'nobody']) {
      for (const arm of ['treated', 'control'] as const) {
        const fromMs = START_MS + random.below(2 * DAY_MS)
        const span = [fromMs, fromMs + random.below(3 * DAY_MS)] as const
        const withinMs = (1 + random.below(300)) * 60_000
        const isControl = arm === 'control'
        const naive = naiveDistinct(partitions, trigger, isControl, span, withinMs, OFFSET_MS)
        const counted = fold.cohorts.count(trigger, arm, ...span, withinMs)
        const { repliers: _r, clickers: _c, byReply: _b, ...compared } = counted
        const expected = Object.keys(compared).map((kind) => [kind, naive[kind] ?? 0])
        expect(Object.entries(compared)).toEqual(expected)
      }
    }
  })

  test('keeps tests, notices, confirmations and canaries out of everything else', () => {
    const fold = new ReportFold(clock)
    const parts = [{ purpose: 'test' }, { purpose: 'notice' }, { purpose: 'confirm' }]
    for (const [index, part] of [...parts, { isCanary: true }].entries()) {
      const head = { subscriber: 8 + index, decidedAtMs: START_MS }
      fold.apply(0, saidDelivery({ number: 2 * index + 1, ...head, ...part, segments: 1 }))
      fold.apply(0, saidOutcome({ number: 2 * index + 2, ...head, ...part, what: 'ordered' }))
    }
    const names = [...countsOf(fold)].map(([key, count]) => `${key.split(' ')[5]} ${count}`)
    const apart = ['canaries 1', 'confirmations 1', 'notices 1', 'segments 4', 'tests 1']
    expect(names.sort()).toEqual(apart)
    expect(fold.cohorts.count('data-pack', 'treated', 0, Number.MAX_VALUE, null).members).toBe(0)
  })

  test('an order before its delivery was reported as sent makes one target and one order', () => {
    const fold = new ReportFold(clock)
    const head = { subscriber: 8, decidedAtMs: START_MS }
    fold.apply(0, saidDelivery({ number: 1, ...head }))
    fold.apply(0, saidOutcome({ number: 2, ...head, what: 'ordered', by: 'reply' }))
    fold.apply(0, saidOutcome({ number: 3, ...head, what: 'sent' }))
    fold.apply(0, saidOutcome({ number: 4, ...head, what: 'failed', isFirst: true }))
    const counts = fold.cohorts.count('data-pack', 'treated', 0, Number.MAX_VALUE, null)
    expect(counts).toMatchObject({ members: 1, targets: 1, failed: 1, orderers: 1, byReply: 1 })
    const handed = sorted(countsOf(fold)).filter(([key]) => key.endsWith('handedOver'))
    expect(handed.map(([, count]) => count)).toEqual([1])
  })

  test('says what is not reported yet, and takes an expired attempt for reported', () => {
    const fold = new ReportFold(clock)
    const day = clock.dayAt(START_MS)
    const at = { decidedAtMs: START_MS }
    for (const subscriber of [8, 12, 16]) {
      fold.apply(0, saidDelivery({ number: subscriber / 4 - 1, subscriber, ...at }))
    }
    expect(fold.cohorts.unreported('data-pack', day)).toBe(3)
    fold.apply(0, saidOutcome({ number: 4, subscriber: 8, ...at, what: 'sent' }))
    fold.apply(0, saidOutcome({ number: 5, subscriber: 12, ...at, what: 'expired' }))
    expect(fold.cohorts.unreported('data-pack', day)).toBe(1)
    fold.apply(0, saidDelivery({ number: 6, subscriber: 12, ...at, attempt: 2 }))
    expect(fold.cohorts.unreported('data-pack', day)).toBe(2)
  })

  test('says how many decisions it never saw', () => {
    const fold = new ReportFold(clock)
    fold.setPosition(1, { ...fold.positionOf(1), number: 10, missing: 10 })
    fold.apply(1, saidHoldout({ number: 14, subscriber: 9, decidedAtMs: START_MS }))
    expect(fold.positionOf(1)).toMatchObject({ number: 14, missing: 13, atMs: START_MS })
  })
})

describe('its bounds', () => {
  const bounds = { rowsMax: 30, countDays: 5, cohortDays: 2 }
  const busyDay = (fold: ReportFold, day: number) => {
    for (let hour = 0; hour < 24; hour++) {
      const decidedAtMs = START_MS + day * DAY_MS + hour * 3_600_000
      const number = fold.positionOf(0).number + 1
      const region = hour % 2 === 0 ? 'north' : 'south'
      fold.apply(0, saidDelivery({ number, subscriber: number * 4, decidedAtMs, region }))
    }
  }

  test('make old days lose their hours before anything is lost', () => {
    const fold = new ReportFold(clock, bounds)
    for (const day of [0, 1, 2]) busyDay(fold, day)
    expect(fold.counts.rowCount).toBeLessThanOrEqual(bounds.rowsMax)
    const total = [...countsOf(fold)].reduce((sum, [, count]) => sum + count, 0)
    expect(total).toBe(72)
    const [first] = fold.counts.days()
    expect([...fold.counts.rowsOf(first!)].map(({ hour }) => hour)).toEqual([-1, -1])
  })

  test('make new regions one, when the running day alone is too much', () => {
    const fold = new ReportFold(clock, bounds)
    const decidedAtMs = START_MS
    for (let number = 1; number <= 100; number++) {
      const region = `region-${number}`
      fold.apply(0, saidDelivery({ number, subscriber: 4 * number, decidedAtMs, region }))
    }
    expect(fold.counts.rowCount).toBe(bounds.rowsMax + 1)
    const rows = [...fold.counts.rowsOf(clock.dayAt(START_MS))]
    const other = rows.find(({ region }) => region === REGION_OTHER)!
    expect(other.counts[0]).toBe(70)
  })

  test('forget days as others begin, and what comes about them then is passed over', () => {
    const fold = new ReportFold(clock, bounds)
    fold.apply(0, saidDelivery({ number: 1, subscriber: 8, decidedAtMs: START_MS }))
    for (const day of [1, 2, 3, 4, 5, 6]) busyDay(fold, day)
    expect(fold.counts.days()).toHaveLength(5)
    const { members } = fold.cohorts.count('data-pack', 'treated', 0, Number.MAX_VALUE, null)
    expect(members).toBeLessThanOrEqual(48)
    const before = sorted(countsOf(fold))
    const number = fold.positionOf(0).number + 1
    fold.apply(
      0,
      saidOutcome({
        number,
        subscriber: 8,
        decidedAtMs: START_MS,
        timeMs: START_MS,
        what: 'ordered',
      }),
    )
    expect(sorted(countsOf(fold))).toEqual(before)
  })
})

describe('a snapshot', () => {
  const partitions = life(SEED)
  const fold = new ReportFold(clock)
  for (const [partition, decisions] of partitions.entries()) {
    for (const decision of decisions) fold.apply(partition, decision)
    fold.setPlace(partition, { number: 0, sequence: 7, created: 'x' })
  }
  const bytes = encodeFold(fold, IDENTITY)

  test('gives the same bytes again', () => {
    const reading = decodeFold(bytes, IDENTITY, clock)
    expect(reading.kind).toBe('fold')
    if (reading.kind !== 'fold') return
    expect(Buffer.from(encodeFold(reading.fold, IDENTITY)).equals(bytes)).toBe(true)
    expect(reading.fold.positionOf(2)).toMatchObject({ number: 400, sequence: 7, created: 'x' })
  })

  test('that is torn anywhere is refused', () => {
    const random = new Random(SEED)
    for (let turn = 0; turn < 40; turn++) {
      const cut = bytes.slice(0, random.below(bytes.length))
      const flipped = bytes.slice()
      flipped[random.below(bytes.length)]! ^= 1 << random.below(8)
      expect(decodeFold(cut, IDENTITY, clock).kind).toBe('refused')
      expect(decodeFold(flipped, IDENTITY, clock).kind).toBe('refused')
    }
  })

  test('of another installation or version is refused', () => {
    const refusal = (identity: typeof IDENTITY, data = bytes) => decodeFold(data, identity, clock)
    const foreign = { kind: 'refused', why: 'other-installation' }
    expect(refusal({ ...IDENTITY, zone: 'Europe/Berlin' })).toEqual(foreign)
    expect(refusal({ ...IDENTITY, partitionCount: 5 })).toEqual(foreign)
    const later = bytes.slice()
    later[11]!++
    expect(refusal(IDENTITY, later)).toEqual({ kind: 'refused', why: 'other-version' })
  })
})
