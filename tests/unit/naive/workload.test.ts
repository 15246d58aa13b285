import { describe, expect, it } from 'vitest'
import {
  type NaiveDecision,
  type NaiveParameters,
  S1_PARAMETERS,
} from '../../support/naive/input.ts'
import { NaiveModel } from '../../support/naive/model.ts'
import { localTime } from '../../support/naive/zone.ts'
import { generateWorkload, type Workload, WORKLOAD_SPANS } from '../../support/workload/generate.ts'

const SEEDS = [0, 1, 2, 3, 4, 5]

function run(workload: Workload): { model: NaiveModel; decisions: NaiveDecision[] } {
  const model = new NaiveModel(workload.parameters)
  return { model, decisions: workload.inputs.flatMap((input) => model.apply(input)) }
}

type LocatedDelivery = Extract<NaiveDecision, { kind: 'delivery' }> & { readonly zone: string }

/** All deliveries, each with its subscriber's zone: nobody moves here, but erasures take it. */
function locatedDeliveries(workload: Workload): LocatedDelivery[] {
  const { inputs, parameters } = workload
  const model = new NaiveModel(parameters)
  const zones = new Map<number, string>()
  return inputs.flatMap((input) => {
    const decisions = model.apply(input)
    const located = decisions.flatMap((decision) => {
      const zone = zones.get(decision.subscriber) ?? parameters.zone
      return decision.kind === 'delivery' ? [{ ...decision, zone }] : []
    })
    if (input.kind === 'profile') {
      for (const row of input.rows) if (row.zone) zones.set(row.subscriber, row.zone)
    }
    if (input.kind === 'erase') for (const subscriber of input.subscribers) zones.delete(subscriber)
    return located
  })
}

function count(items: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1
  return counts
}

describe('generateWorkload', () => {
  it('the same seed gives the same log, another seed another one', () => {
    const make = (seed: number) => generateWorkload({ seed, subscribers: 10, days: 12 }).inputs
    expect(make(7)).toEqual(make(7))
    expect(make(8)).not.toEqual(make(7))
  })

  it('numbers its inputs without a gap from the first sequence on', () => {
    const { inputs } = generateWorkload({ seed: 3, subscribers: 5, days: 5, firstSequence: 9 })
    expect(inputs.map((input) => input.sequence)).toEqual(inputs.map((_, index) => index + 9))
  })

  it('keeps to its partition, apart from spoiled records', () => {
    const parameters = { partitionCount: 4, partition: 3 }
    const workloads = SEEDS.map((seed) => generateWorkload({ seed, parameters }))
    const subscribers = workloads.flatMap((workload) => workload.subscribers)
    expect(subscribers.every((subscriber) => subscriber % 4 === 3)).toBe(true)
    const rejects = workloads.flatMap((workload) => run(workload).model.rejects)
    expect(rejects.map((reject) => reject.reason)).toContain('wrong-partition')
  })

  it('overtaken batches come back at the very ends of the map', () => {
    const below = new Set<number>()
    for (const seed of SEEDS) {
      const highest = new Map<string, number>()
      for (const input of generateWorkload({ seed }).inputs) {
        if (input.kind !== 'usage') continue
        const { probe, epoch, seq } = input.stamp
        const known = highest.get(`${probe} ${epoch}`) ?? seq
        below.add(known - seq)
        highest.set(`${probe} ${epoch}`, Math.max(known, seq))
      }
    }
    for (const distance of [1, 1023, 1024, 1025]) expect(below).toContain(distance)
  })

  it('the spans and seeds together reach every case that they were made for', () => {
    const runs = SEEDS.map((seed) => run(generateWorkload({ seed })))
    const total = (name: keyof NaiveModel['statistics']) =>
      runs.reduce((sum, { model }) => sum + model.statistics[name], 0)
    expect(total('records')).toBeGreaterThan(10_000)
    expect(total('recordsTooLate')).toBeGreaterThan(20)
    expect(total('recordsTooEarly')).toBeGreaterThan(20)
    expect(total('duplicateBatches')).toBeGreaterThan(100)
    expect(total('subscribersErased')).toBeGreaterThan(30)
    const cancelled = runs.reduce((sum, { model }) => sum + model.cancelledByErasure(), 0)
    expect(cancelled).toBeGreaterThan(10)
    const ids = runs.map(({ decisions }) => decisions.flatMap((one) => ('id' in one ? one.id : [])))
    expect(ids.flat().filter((id) => id.split(':').length === 5).length).toBeGreaterThan(10)
    for (const each of ids) expect(new Set(each).size).toBe(each.length)
    const rejects = runs.flatMap(({ model }) => model.rejects.map((reject) => reject.reason))
    for (const reason of ['negative', 'not-a-number', 'not-whole', 'unknown-code', 'unknown-name'])
      expect(rejects).toContain(reason)
    expect(rejects).toContain('seq-too-old')
    expect(rejects).toContain('epoch-too-old')
    const outcomes = count(
      runs.flatMap(({ decisions }) =>
        decisions.map((one) => (one.kind === 'suppressed' ? one.reason : `attempt ${one.attempt}`)),
      ),
    )
    const reached = ['attempt 1', 'attempt 2', 'attempt 3', 'attempts-exhausted', 'cancelled']
    reached.push('already-this-tagging', 'cap-trigger', 'expired', 'list-black', 'opted-out')
    for (const outcome of reached) expect(outcomes, outcome).toHaveProperty([outcome])
    expect(WORKLOAD_SPANS).toHaveLength(3)
  })
})

describe('the workloads tell S1 from what is almost S1', () => {
  const window = S1_PARAMETERS.contactWindow
  const mistakes: Record<string, Partial<NaiveParameters>> = {
    'one byte less': { thresholdBytes: 511_999 },
    'one byte more': { thresholdBytes: 512_001 },
    'NR counted': { rats: [1, 5, 6, 10] },
    'HSPA forgotten': { rats: [1, 6] },
    'yesterday not kept': { keep: 0 },
    'the day before yesterday kept': { keep: 2 },
    'a millisecond less of lateness': { latenessMs: S1_PARAMETERS.latenessMs - 1 },
    'a millisecond more of lateness': { latenessMs: S1_PARAMETERS.latenessMs + 1 },
    'a millisecond less of earliness': { earlinessMs: S1_PARAMETERS.earlinessMs - 1 },
    'a millisecond more of earliness': { earlinessMs: S1_PARAMETERS.earlinessMs + 1 },
    'late records silent': { isLateFiring: false },
    'no zone of their own': { zone: 'Asia/Tokyo' },
    'two per month': { capPerMonth: 2 },
    'two attempts': { attemptsMax: 2 },
    'no second attempt': { onExpired: 'drop' },
    'a day to live': { contactWindow: { ...window, expiresMs: 24 * 3_600_000 } },
    'dropped at night': { contactWindow: { ...window, outside: 'drop' } },
    'a longer evening': { contactWindow: { ...window, toMinute: window.toMinute + 1 } },
    'two timers per input': { timersPerInputMax: 2 },
  }
  const workloads = SEEDS.map((seed) => generateWorkload({ seed }))
  const answers = (mistake: Partial<NaiveParameters>) =>
    workloads.map((workload) => {
      const parameters = { ...workload.parameters, ...mistake }
      const { model, decisions } = run({ ...workload, parameters })
      const counters = workload.subscribers.flatMap((subscriber) => model.counters(subscriber))
      return [decisions, counters.map((counter) => counter.value)]
    })
  const right = answers({})

  for (const [name, mistake] of Object.entries(mistakes)) {
    it(`${name}: some answer differs`, () => expect(answers(mistake)).not.toEqual(right))
  }
})

describe('what the model promises on any workload', () => {
  const variants = {
    'next day 12:00': {},
    now: { schedule: { kind: 'now' } },
    'three timers per input': { timersPerInputMax: 3 },
  } as const

  for (const [name, parameters] of Object.entries(variants)) {
    it(`${name}: no delivery outside 9 to 21, no two unexpired ones of a month`, () => {
      for (const seed of SEEDS.slice(0, 3)) {
        const workload = generateWorkload({ seed, parameters })
        const expired = new Set<string>()
        for (const input of workload.inputs) {
          if (input.kind !== 'feedback') continue
          for (const row of input.rows) if (row.kind === 'expired') expired.add(row.deliveryId)
        }
        const kept = new Set<string>()
        for (const decision of locatedDeliveries(workload)) {
          const { zone } = decision
          const local = localTime(decision.notBeforeMs, zone)
          const minutes = [local, localTime(decision.notAfterMs, zone)].map((l) => l.minuteOfDay)
          expect(Math.min(...minutes)).toBeGreaterThanOrEqual(9 * 60)
          expect(Math.max(...minutes)).toBeLessThanOrEqual(21 * 60)
          expect(decision.notAfterMs).toBeGreaterThan(decision.notBeforeMs)
          if (expired.has(decision.id)) continue
          // Who was erased is a new customer when the number comes back.
          const incarnation = decision.id.split(':')[4] ?? '0'
          const key = `${decision.subscriber} ${local.monthNumber} ${incarnation}`
          expect(kept, key).not.toContain(key)
          kept.add(key)
        }
        expect(kept.size).toBeGreaterThan(10)
      }
    })
  }
})
