import { describe, expect, it } from 'vitest'
import {
  PRODUCER_MAP_SIZE,
  Producers,
  PRODUCERS_MAX,
  type StampVerdict,
} from '../../../src/state/producers.ts'
import { expectSame } from '../../support/expect-same.ts'
import { ProducerLedger } from '../../support/naive/admission.ts'
import { Random } from '../../support/workload/random.ts'

const SEEDS = [1, 2, 3, 4]

describe('against a ledger of every stamp ever accepted', () => {
  it.each(SEEDS)('seed %i', (seed) => {
    const random = new Random(seed)
    const base = random.pick([0, 1, 5_000_000_000, 2 ** 53 - 60_000])
    const oracle = new ProducerLedger()
    let producers = new Producers()
    const verdicts: Record<string, number> = {}
    const heads = new Map<string, { epoch: number; highest: number }>()
    for (let step = 0; step < 6_000; step++) {
      const probe = random.pick(['a', 'b'])
      const kind = random.pick(['usage', 'usage', 'usage', 'profile'])
      const head = heads.get(`${kind} ${probe}`) ?? { epoch: 1, highest: base }
      heads.set(`${kind} ${probe}`, head)
      // Mostly one ahead; then gaps at, below and beyond the map's size, repeats, and stragglers.
      const leap = random.pick([1, 1, 1, 1, 2, 40, 1000, 1023, 1024, 1025, 1055, 1056, 1057, 2200])
      const seq = random.chance(0.4)
        ? head.highest + leap
        : Math.max(0, head.highest - random.whole(0, random.pick([5, 100, 1023, 1026, 1100])))
      const epoch = Math.max(0, head.epoch + random.pick([0, 0, 0, 0, 0, 0, 0, 0, 0, -1]))
      const stamp = random.chance(0.002)
        ? { probe, epoch: head.epoch + 2, seq: base }
        : { probe, epoch, seq }
      if (stamp.seq > Number.MAX_SAFE_INTEGER) continue
      const expected = oracle.judge(kind, stamp)
      const verdict: StampVerdict = producers.judge(kind, stamp)
      expectSame(
        verdict,
        expected === 'new' ? 'fresh' : expected,
        () => `step ${step}: ${kind} ${JSON.stringify(stamp)}`,
      )
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
      if (verdict !== 'fresh' || random.chance(0.1)) continue
      producers.accept(kind, stamp)
      oracle.note(kind, stamp)
      if (stamp.epoch > head.epoch) Object.assign(head, { epoch: stamp.epoch, highest: stamp.seq })
      head.highest = Math.max(head.highest, stamp.seq)
      if (!random.chance(0.005)) continue
      const images = producers.image()
      producers = new Producers()
      producers.restore(images)
      expect(producers.image()).toEqual(images)
    }
    expect(Object.keys(verdicts).sort()).toEqual([
      'epoch-too-old',
      'fresh',
      'repeat',
      'seq-too-old',
    ])
  })
})

describe('what was passed over', () => {
  it.each(SEEDS)('is counted once it can no longer come, each number once; seed %i', (seed) => {
    const random = new Random(seed)
    const base = random.pick([0, 1, 5_000_000_000])
    let producers = new Producers()
    let counted = 0
    let wanted = 0
    for (const epoch of [1, 2, 5]) {
      const came = new Set([base])
      let highest = base
      counted += producers.accept('usage', { probe: 'p', epoch, seq: base })
      for (let step = 0; step < 3_000; step++) {
        const seq = random.chance(0.6)
          ? highest + random.pick([1, 1, 1, 2, 30, 1024, 1025, 1056, 3000])
          : highest - random.whole(0, 1100)
        const stamp = { probe: 'p', epoch, seq }
        if (seq < base || producers.judge('usage', stamp) !== 'fresh') continue
        counted += producers.accept('usage', stamp)
        came.add(seq)
        highest = Math.max(highest, seq)
        if (random.chance(0.01)) {
          const images = producers.image()
          producers = new Producers()
          producers.restore(images)
        }
      }
      wanted += highest - base + 1 - came.size
    }
    // The next epoch gives up what the map of the last one still held.
    counted += producers.accept('usage', { probe: 'p', epoch: 9, seq: base })
    expectSame(counted, wanted)
    expect(wanted).toBeGreaterThan(100_000)
  })

  it('what comes late is no gap, and what lies below the first is not ours', () => {
    const producers = new Producers()
    const accept = (seq: number) => producers.accept('usage', { probe: 'p', epoch: 1, seq })
    const order = [50, 53, 51, 52, ...Array.from({ length: 2_000 }, (_, index) => 54 + index)]
    expect(order.map(accept).every((missed) => missed === 0)).toBe(true)
  })
})

describe('the ends of the map', () => {
  const stamp = (seq: number, epoch = 1) => ({ probe: 'p', epoch, seq })

  it('1,024 below the highest may still come, 1,025 below may not', () => {
    const producers = new Producers()
    producers.accept('usage', stamp(5000))
    expect(producers.judge('usage', stamp(5000 - PRODUCER_MAP_SIZE))).toBe('fresh')
    expect(producers.judge('usage', stamp(5000 - PRODUCER_MAP_SIZE - 1))).toBe('seq-too-old')
  })

  it('every one of the map is told from its neighbours', () => {
    for (const start of [0, 31, 1055, 1056, 2 ** 32 - 500, 2 ** 40]) {
      const producers = new Producers()
      for (let seq = start; seq <= start + 3000; seq += 2) producers.accept('usage', stamp(seq))
      for (let seq = start + 3000 - PRODUCER_MAP_SIZE; seq <= start + 3000; seq++) {
        const isEven = (seq - start) % 2 === 0
        expectSame(producers.judge('usage', stamp(seq)), isEven ? 'repeat' : 'fresh')
      }
    }
  })

  it('judging changes nothing: a rejected batch leaves the map untouched', () => {
    const producers = new Producers()
    producers.accept('usage', stamp(10))
    const before = producers.image()
    for (const seq of [0, 9, 10, 11, 5000]) producers.judge('usage', stamp(seq))
    for (const epoch of [0, 1, 2]) producers.judge('usage', stamp(10, epoch))
    producers.judge('profile', stamp(10))
    expect(producers.image()).toEqual(before)
  })

  it('a higher epoch starts anew, a lower one is too old', () => {
    const producers = new Producers()
    producers.accept('usage', stamp(900, 5))
    producers.accept('usage', stamp(3, 7))
    expect(producers.judge('usage', stamp(901, 6))).toBe('epoch-too-old')
    expect(producers.judge('usage', stamp(3, 7))).toBe('repeat')
    expect(producers.judge('usage', stamp(2, 7))).toBe('fresh')
    expect(producers.judge('profile', stamp(1, 1))).toBe('fresh')
  })
})

it('there is an end to how many producers are remembered, and the known ones go on', () => {
  const producers = new Producers()
  const map = new Uint8Array(132)
  producers.restore(
    Array.from({ length: PRODUCERS_MAX }, (_, index) => [`usage/p${index}`, 1, 1, map]),
  )
  expect(producers.judge('usage', { probe: 'one-more', epoch: 1, seq: 1 })).toBe('out-of-range')
  expect(producers.judge('usage', { probe: 'p7', epoch: 1, seq: 2 })).toBe('fresh')
})

describe('who was silent for long, when there is hardly room left,', () => {
  const DAY_MS = 86_400_000
  const [MOST, SPARE] = [640, 64]
  const KEPT = MOST - SPARE
  const hear = (producers: Producers, probe: string, day: number, seq = 1): number =>
    producers.accept('usage', { probe, epoch: 1, seq }, timeOf(day))
  const timeOf = (day: number) => ({ clockMs: day * DAY_MS, silentBeforeMs: (day - 31) * DAY_MS })
  const keysOf = (producers: Producers): string[] => producers.image().map(([key]) => key)

  /** As many as are kept; the later half of them on day 2, and one of the others again on day 3. */
  function crowd(): Producers {
    const producers = new Producers(MOST, SPARE)
    for (let i = 0; i < KEPT; i++) hear(producers, `p${i}`, i < KEPT / 2 ? 1 : 2)
    hear(producers, 'p5', 3, 4)
    return producers
  }

  it('is forgotten, the longest silent first, so that there is room', () => {
    const producers = crowd()
    // On day 33 all of day 1 may go. What two of them passed over is missed for good.
    hear(producers, 'p1', 1, 3)
    hear(producers, 'p10', 1, 4)
    expect(hear(producers, 'new', 33)).toBe(3)
    const left = new Set(keysOf(producers))
    expect(left.size).toBe(KEPT - SPARE + 1)
    // By name among those who fell silent at once.
    const names = Array.from({ length: KEPT / 2 }, (_, i) => `usage/p${i}`)
    const sorted = names.filter((name) => name !== 'usage/p5').sort()
    expect(sorted.slice(0, SPARE).some((name) => left.has(name))).toBe(false)
    expect(sorted.slice(SPARE).every((name) => left.has(name))).toBe(true)
  })

  it('may come again, as one who is not known', () => {
    const producers = crowd()
    hear(producers, 'new', 33)
    const stamp = { probe: 'p0', epoch: 1, seq: 1 }
    expect(producers.judge('usage', stamp, timeOf(33))).toBe('fresh')
    expect(producers.judge('usage', { ...stamp, probe: 'p5' }, timeOf(33))).toBe('repeat')
  })

  it('stays while others are silent for less, and then strangers are refused', () => {
    const producers = crowd()
    for (let i = 0; i < SPARE; i++) hear(producers, `q${i}`, 31)
    const stranger = { probe: 'stranger', epoch: 1, seq: 1 }
    expect(keysOf(producers)).toHaveLength(MOST)
    expect(producers.judge('usage', stranger, timeOf(32))).toBe('out-of-range')
    expect(producers.judge('usage', stranger, timeOf(33))).toBe('fresh')
  })

  it('is the same after a load', () => {
    const producers = crowd()
    const loaded = new Producers(MOST, SPARE)
    loaded.restore(producers.image())
    for (const each of [producers, loaded]) hear(each, 'new', 33)
    expectSame(keysOf(loaded).join(' '), keysOf(producers).join(' '))
  })
})
