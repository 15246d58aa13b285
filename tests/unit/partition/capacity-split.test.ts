import { describe, expect, it } from 'vitest'
import { GENERAL_PURSE, poolSize } from '../../../src/decision/capacity.ts'
import { PeriodBudget } from '../../../src/decision/period-budget.ts'
import type { CapacitySpec } from '../../../src/model/policy.ts'
import { type AskMessage, Granting } from '../../../src/partition/granting.ts'
import { Random } from '../../support/workload/random.ts'

const SEED = Number(process.env.HIGHWATER_SEED ?? 20_261_122)
const DAY = '2026-11-20'
const RUNNING = { hour: `${DAY}T13`, day: DAY }
const CHANNEL = 'sms'
const CLASSES = ['marketing', 'service', 'legal']
const RESERVES: readonly CapacitySpec['reserved'][] = [
  [],
  [{ class: 'service', share: 0.05 }],
  [
    { class: 'service', share: 0.2 },
    { class: 'legal', share: 0.1 },
  ],
]

interface Answer {
  readonly to: number
  readonly purse: string
  readonly total: number
  readonly asked: number
  readonly left: number
}

/** One day of one channel in several partitions whose messages are late, doubled and reordered. */
class Day {
  readonly random: Random
  readonly count: number
  readonly budgets: PeriodBudget[]
  granting: Granting
  /** Limits in force one after the other, and by partition the one that it has got to. */
  readonly limits: CapacitySpec[] = []
  readonly reached: number[]
  readonly asks: AskMessage[] = []
  readonly answers: Answer[] = []
  used = 0

  constructor(seed: number) {
    this.random = new Random(seed)
    this.count = this.random.pick([2, 3, 4, 7, 16])
    this.granting = new Granting(this.count)
    this.budgets = Array.from({ length: this.count }, (_, partition) => {
      const budget = new PeriodBudget({ partition, partitionCount: this.count })
      budget.roll(DAY)
      return budget
    })
    this.reached = this.budgets.map(() => -1)
    this.change()
    while (this.reached.includes(-1)) this.follow(this.reached.indexOf(-1))
  }

  get limit(): number {
    return this.limits[this.reached[0]!]!.perDay!
  }

  /** The highest limit of the day so far. */
  get peak(): number {
    return Math.max(...this.limits.map(({ perDay }) => perDay!))
  }

  change(): void {
    const perDay = this.random.pick([1, 5, 40, 100, 1000, 20_000].map((n) => n + this.noise(n)))
    const reserved = this.random.pick(RESERVES)
    this.limits.push({ perSecond: null, perHour: null, perDay, alarmAt: 0.8, reserved })
  }

  noise(below: number): number {
    return this.random.whole(0, below)
  }

  /** A partition gets the next configuration: partition 0 before all others. */
  follow(partition: number): void {
    const next = this.reached[partition]! + 1
    if (next >= this.limits.length) return
    if (partition > 0 && next > this.reached[0]!) return
    this.reached[partition] = next
    const { perDay, reserved } = this.limits[next]!
    this.budgets[partition]!.setLimit(perDay, reserved)
  }

  /** Some deliveries of a class come due in a partition. */
  demand(partition: number, className: string, count: number): void {
    const budget = this.budgets[partition]!
    for (let i = 0; i < count; i++) {
      const waiting = budget.hasRoom(className) ? 0 : count - i
      const ask = budget.ask(className, waiting)
      if (ask !== null) this.sendAsk(partition, ask)
      if (!budget.hasRoom(className)) continue
      budget.spend(className)
      this.used += 1
    }
  }

  sendAsk(partition: number, { purse, total }: { purse: string; total: number }): void {
    const kind = 'ask' as const
    const common = { kind, id: '', partition, channel: CHANNEL, period: DAY, total }
    const ask = { ...common, class: purse === GENERAL_PURSE ? null : purse }
    if (partition === 0) this.decide(ask)
    else this.asks.push(ask)
  }

  decide(ask: AskMessage): void {
    const before = totalOf(this.granting)
    const spec = this.limits[this.reached[0]!]!
    const answer = this.granting.decide(ask, spec, RUNNING)!
    const granted = totalOf(this.granting)
    const pool = poolSize(this.limit, this.count)
    if (granted > before && granted > pool) throw new Error(`${granted} granted of ${pool}`)
    if (ask.partition === 0) this.budgets[0]!.take(answer)
    else this.answers.push({ to: ask.partition, ...answer })
  }

  /** Delivers one message, any one; it may stay under way to come again. */
  deliver(isKept: boolean): void {
    const { asks, answers, random } = this
    const at = random.whole(0, asks.length + answers.length)
    const from = at < asks.length ? asks : answers
    const index = at < asks.length ? at : at - asks.length
    const message = from[index]
    if (message === undefined) return
    if (!isKept) from.splice(index, 1)
    if ('kind' in message) this.decide(message)
    else this.budgets[message.to]!.take(message)
  }

  /** The owner of a partition starts again: state from its image, what it owes said once more. */
  restart(partition: number): void {
    const copy = new PeriodBudget({ partition, partitionCount: this.count })
    copy.restore(JSON.parse(JSON.stringify(this.budgets[partition]!.image())))
    this.budgets[partition] = copy
    for (const ask of copy.openAsks()) this.sendAsk(partition, ask)
    if (partition !== 0) return
    const granting = new Granting(this.count)
    granting.restore(JSON.parse(JSON.stringify(this.granting.image())))
    this.granting = granting
    for (const { partition: to, message } of granting.errands()) {
      if (message.kind !== 'grant') continue
      const { class: className, total, asked, left } = message
      this.answers.push({ to, purse: className ?? GENERAL_PURSE, total, asked, left })
    }
  }

  check(): void {
    let used = 0
    let held = 0
    for (const budget of this.budgets) {
      used += budget.used
      held += budget.held
    }
    if (this.used !== used) throw new Error(`${used} counted, ${this.used} sent`)
    if (used > this.peak) throw new Error(`${used} sent of ${this.peak}`)
    if (this.reached.some((at) => at !== this.reached[0])) return
    if (held > this.limit) throw new Error(`${held} held of ${this.limit}`)
  }

  step(isChanging: boolean): void {
    const { random, count } = this
    const partition = random.whole(0, count - 1)
    const chance = random.next()
    if (chance < 0.45) this.demand(partition, random.pick(CLASSES), random.whole(1, 60))
    else if (chance < 0.85) this.deliver(random.chance(0.2))
    else if (chance < 0.88) this.restart(partition)
    else if (chance < 0.9 && random.chance(0.5)) this.lose()
    else if (isChanging && chance < 0.92) this.change()
    else this.follow(partition)
    this.check()
  }

  /** A message is lost; its sender says it again only when it starts anew. */
  lose(): void {
    this.asks.shift()
    this.answers.pop()
  }
}

describe('the capacity of several partitions', () => {
  it('is never exceeded in all, whatever happens to messages, owners and limits', () => {
    for (let seed = SEED; seed < SEED + 100; seed++) {
      const day = new Day(seed)
      try {
        for (let i = 0; i < 300; i++) day.step(true)
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
  })

  it('is used up to the last one where there is demand everywhere', () => {
    for (let seed = SEED; seed < SEED + 30; seed++) {
      const day = new Day(seed)
      for (let i = 0; i < 100; i++) day.step(false)
      for (let round = 0; round < 20_000 && day.used < day.limit; round++) {
        for (let partition = 0; partition < day.count; partition++) {
          for (const className of CLASSES) day.demand(partition, className, 50)
          if (round % 10 === 0) day.restart(partition)
        }
        while (day.asks.length + day.answers.length > 0) day.deliver(false)
      }
      expect(`seed ${seed}: ${day.used} of ${day.limit}`).toBe(
        `seed ${seed}: ${day.limit} of ${day.limit}`,
      )
    }
  })

  it('goes to those who need it: one partition alone gets all but the bases of the others', () => {
    const limit = { perSecond: null, perHour: null, perDay: 1000, alarmAt: 0.8, reserved: [] }
    const granting = new Granting(4)
    const budget = new PeriodBudget({ partition: 3, partitionCount: 4 })
    budget.roll(DAY)
    budget.setLimit(1000, [])
    let asks = 0
    for (let i = 0; i < 2000; i++) {
      const ask = budget.ask('marketing', budget.hasRoom('marketing') ? 0 : 2000 - i)
      if (ask !== null) {
        asks += 1
        const common = { kind: 'ask', id: '', partition: 3, channel: CHANNEL } as const
        const message = { ...common, period: DAY, class: null, total: ask.total }
        budget.take(granting.decide(message, limit, RUNNING)!)
      }
      if (budget.hasRoom('marketing')) budget.spend('marketing')
    }
    expect(budget.used).toBe(1000 - 3 * 62)
    expect(budget.isOver('marketing')).toBe(true)
    expect(asks).toBeLessThan(90)
  })
})

describe('the authority', () => {
  const limit = { perSecond: null, perHour: null, perDay: 1000, alarmAt: 0.8, reserved: [] }
  const ask = (change: Partial<AskMessage>): AskMessage => ({
    kind: 'ask',
    id: 'a',
    partition: 1,
    channel: CHANNEL,
    period: DAY,
    class: null,
    total: 47,
    ...change,
  })

  it('gives a repeated ask the answer that it had', () => {
    const granting = new Granting(4)
    const first = granting.decide(ask({}), limit, RUNNING)
    expect(granting.decide(ask({}), limit, RUNNING)).toEqual(first)
    expect(granting.decide(ask({ total: 12 }), limit, RUNNING)).toEqual(first)
    expect(totalOf(granting)).toBe(47)
  })

  it('owes every partition its last answer, until the period after is past', () => {
    const granting = new Granting(4)
    granting.decide(ask({}), limit, RUNNING)
    granting.decide(ask({ total: 94 }), limit, RUNNING)
    expect(granting.errands().map(({ partition, message }) => [partition, message.id])).toEqual([
      [1, 'grant:sms:2026-11-20::1:94'],
    ])
    granting.forget({ hour: '2026-11-21T00', day: '2026-11-21' })
    expect(granting.errands()).toHaveLength(1)
    granting.forget({ hour: '2026-11-22T00', day: '2026-11-22' })
    expect(granting.errands()).toHaveLength(0)
    const later = { hour: '2026-11-22T00', day: '2026-11-22' }
    expect(granting.decide(ask({ total: 200 }), limit, later)).toBeNull()
  })

  it('owes an answer once more to whoever asks again, as after the loss of a stream', () => {
    const granting = new Granting(4)
    const ids = () => granting.errands().map(({ message }) => message.id)
    granting.decide(ask({}), limit, RUNNING)
    const said = ids()
    granting.decide(ask({ partition: 2 }), limit, RUNNING)
    expect(ids()).toEqual([...said, 'grant:sms:2026-11-20::2:47'])
    granting.decide(ask({}), limit, RUNNING)
    expect(ids()).toEqual(['grant:sms:2026-11-20::1:47:1', 'grant:sms:2026-11-20::2:47'])
    const loaded = new Granting(4)
    loaded.restore(granting.image())
    expect(loaded.errands()).toEqual(granting.errands())
  })

  it('neither answers nor remembers asks for shares that are not reserved', () => {
    const granting = new Granting(4)
    const reserved = [{ class: 'service', share: 0.05 }]
    for (const name of ['service', 'a', 'b', 'c']) {
      granting.decide(ask({ class: name }), { ...limit, reserved }, RUNNING)
    }
    expect(granting.image().map(({ purse }) => purse)).toEqual(['service'])
    // What was given while it was reserved is still known.
    expect(granting.decide(ask({ class: 'service' }), limit, RUNNING)).not.toBeNull()
  })

  it('refuses an ask of a partition or for a time that cannot be', () => {
    const granting = new Granting(4)
    expect(() => granting.decide(ask({ partition: 4 }), limit, RUNNING)).toThrow('out-of-range')
    expect(() => granting.decide(ask({ period: '2027-11-20' }), limit, RUNNING)).toThrow(
      'out-of-range',
    )
  })
})

function totalOf(granting: Granting): number {
  return granting.image().reduce((sum, { total }) => sum + total, 0)
}
