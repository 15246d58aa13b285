import { describe, expect, test } from 'vitest'
import { decodeRecord } from '../../../src/gateway/records.ts'
import { Random } from '../../../src/probe/random.ts'
import {
  beginLife,
  createWorld,
  deliveryOf,
  WORLD_START_MS,
  type World,
  type WorldLife,
} from '../../support/gateway-world.ts'

/** Decisions `first` to `last` as messages of ten; every fifth is no delivery of ours. */
function fill(world: World, first: number, last: number, over: (n: number) => object): void {
  for (let from = first; from <= last; from += 10) {
    const numbers = Array.from({ length: Math.min(10, last - from + 1) }, (_, i) => from + i)
    world.out.push(
      numbers.map((n) => {
        if (n % 5 === 0) return { kind: 'unknown', number: n }
        return deliveryOf(n, over(n))
      }),
    )
  }
}

function resultsOf(world: World): Map<string, string[]> {
  const results = new Map<string, string[]>()
  for (const message of world.gate.messages) {
    const record = decodeRecord(message)
    if (record.kind !== 'step') continue
    for (const { id, kind } of record.step.results) {
      results.set(id, [...(results.get(id) ?? []), kind])
    }
  }
  return results
}

/** Results in GATE, counted without reading what was read before. */
function resultCount({ gate }: World): number {
  let { read, count } = counted.get(gate) ?? { read: 0, count: 0 }
  for (; read < gate.messages.length; read++) {
    const record = decodeRecord(gate.messages[read]!)
    if (record.kind === 'step') count += record.step.results.length
  }
  counted.set(gate, { read, count })
  return count
}

const counted = new WeakMap<World['gate'], { read: number; count: number }>()

describe('a lane', () => {
  test('sends what is for its channel, once, and tells what became of it', async () => {
    const world = createWorld()
    fill(world, 1, 40, (n) => {
      if (n === 3) return { channel: 'push' }
      if (n === 4) return { purpose: 'offer' }
      if (n === 6) return { message: null, action: { kind: 'tag', tag: 'a', value: true } }
      if (n === 7) return { notAfterMs: WORLD_START_MS - 1 }
      return n === 8 ? { purpose: 'test' } : {}
    })
    const { lane, channel } = beginLife(world, false)
    channel.fateOf = ({ delivery: { number } }) => ({
      result: number === 9 ? { kind: 'failed', reason: '400' } : { kind: 'sent', receipts: [] },
      afterMs: 5,
    })
    await world.clock.run(() => world.partition.rows.length === 29, 60_000)
    const kinds = new Map(world.partition.rows.map(({ sub, kind }) => [sub - 1_000, kind]))
    expect(kinds.get(7)).toBe('expired')
    expect(kinds.get(9)).toBe('failed')
    expect(kinds.get(8)).toBe('sent')
    expect([3, 4, 6].map((n) => kinds.has(n))).toEqual([false, false, false])
    expect(new Set(world.submitted).size).toBe(world.submitted.length)
    expect(lane.view()).toMatchObject({ passedOver: 2, inFlight: 0, cursorNumber: 40 })
  })

  test('submits nothing before its intent is in GATE', async () => {
    const world = createWorld()
    fill(world, 1, 30, () => ({}))
    const { channel } = beginLife(world, false)
    channel.fateOf = ({ delivery }) => {
      const records = world.gate.messages.map((message) => decodeRecord(message))
      const isIntended = records.some(
        (record) => record.kind === 'step' && record.step.intents.includes(delivery.number),
      )
      expect(isIntended).toBe(true)
      return { result: { kind: 'sent', receipts: [] }, afterMs: 1 }
    }
    await world.clock.run(() => world.partition.rows.length === 24, 60_000)
  })

  test('waits for what is too early without passing it, and sends the rest', async () => {
    const world = createWorld()
    const dueMs = WORLD_START_MS + 60_000
    fill(world, 1, 20, (n) => (n === 2 ? { notBeforeMs: dueMs } : {}))
    const { lane } = beginLife(world, false)
    await world.clock.run(() => world.partition.rows.length === 15, 30_000)
    expect(lane.view()).toMatchObject({ cursorNumber: 1, early: 1, waiting: 1 })
    await world.clock.run(() => world.partition.rows.length === 16, 60_000)
    expect(world.clock.nowMs()).toBeGreaterThanOrEqual(dueMs)
    expect(world.submitted.at(-1)).toBe('t:1002:ever:1')
    expect(lane.view().cursorNumber).toBe(20)
  })

  test('keeps to its rate', async () => {
    const world = createWorld()
    fill(world, 1, 500, () => ({}))
    beginLife(world, false, 100)
    await world.clock.run(() => world.partition.rows.length === 400, 60_000)
    const tookMs = world.clock.nowMs() - WORLD_START_MS
    expect(tookMs).toBeGreaterThanOrEqual(3_900)
    expect(tookMs).toBeLessThan(5_000)
  })

  test('stops for good when another gateway has claimed it', async () => {
    const world = createWorld()
    fill(world, 1, 100, () => ({}))
    const old = beginLife(world, false)
    old.channel.roomMax = 3
    await world.clock.run(() => world.submitted.length > 5, 60_000)
    const successor = beginLife(world, false)
    await world.clock.run(() => old.halts.length > 0 && resultsOf(world).size === 80, 60_000)
    expect(String(old.halts[0])).toContain('GatewayFencedError')
    expect(old.lane.view()).toMatchObject({ status: 'halted', halt: 'HW_GATEWAY_FENCED' })
    expect(successor.halts).toEqual([])
    expect(new Set(world.submitted).size).toBe(world.submitted.length)
  })

  test('drains: what is under way is recorded and told, the rest is left for the next', async () => {
    const world = createWorld()
    fill(world, 1, 100, () => ({}))
    const first = beginLife(world, false)
    first.channel.roomMax = 4
    await world.clock.run(() => world.submitted.length > 10, 60_000)
    let isStopped = false
    void first.lane.stop(10_000).then(() => {
      isStopped = true
    })
    await world.clock.run(() => isStopped, 60_000)
    expect(world.partition.rows).toHaveLength(world.submitted.length)
    first.life.isDead = true
    beginLife(world, false)
    await world.clock.run(() => world.partition.rows.length === 80, 60_000)
    expect(resultsOf(world).size).toBe(80)
    expect([...resultsOf(world).values()].flat().every((kind) => kind === 'sent')).toBe(true)
  })
})

describe('receipts and replies', () => {
  test('a receipt may come before the answer that names it', async () => {
    const world = createWorld()
    world.out.push([deliveryOf(1)])
    const { channel } = beginLife(world, false)
    let isTaken: boolean | null = null
    channel.fateOf = () => {
      const event = { kind: 'receipt', receipt: 'a', state: 'delivered', timeMs: 1 } as const
      void channel.sink(event).then((answer) => {
        isTaken = answer
      })
      return { result: { kind: 'sent', receipts: ['a'] }, afterMs: 500 }
    }
    await world.clock.run(() => world.partition.rows.length === 2, 60_000)
    expect(isTaken).toBe(true)
    expect(world.partition.rows.map(({ kind }) => kind)).toEqual(['sent', 'delivered'])
  })

  test('a receipt may come in a later life, and parts count together over both', async () => {
    const world = createWorld()
    world.out.push([deliveryOf(1)])
    const first = beginLife(world, false)
    first.channel.fateOf = () => ({ result: { kind: 'sent', receipts: ['a', 'b'] }, afterMs: 1 })
    await world.clock.run(() => world.partition.rows.length === 1, 60_000)
    const receipt = { kind: 'receipt', state: 'delivered', timeMs: 1 } as const
    let taken = 0
    const take = (answer: boolean): void => {
      taken += answer ? 1 : 0
    }
    void first.channel.sink({ ...receipt, receipt: 'a' }).then(take)
    await world.clock.run(() => taken === 1, 60_000)
    first.life.isDead = true
    const second = beginLife(world, false)
    await world.clock.run(() => second.lane.view().status === 'running', 60_000)
    expect(world.partition.rows).toHaveLength(1)
    void second.channel.sink({ ...receipt, receipt: 'a' }).then(take)
    void second.channel.sink({ ...receipt, receipt: 'b' }).then(take)
    void second.channel.sink({ ...receipt, receipt: 'b', state: 'failed' }).then(take)
    await world.clock.run(() => taken === 4, 60_000)
    await world.clock.run(() => world.partition.rows.length === 2, 60_000)
    expect(world.partition.rows.at(-1)).toMatchObject({ id: 't:1001:ever:1', kind: 'delivered' })
  })

  test('a receipt that nobody expects is counted and not guessed', async () => {
    const world = createWorld()
    world.out.push([deliveryOf(1)])
    const { channel, share, lane } = beginLife(world, false)
    await world.clock.run(() => lane.view().status === 'running', 60_000)
    let answer: boolean | null = null
    const event = { kind: 'receipt', receipt: 'x', state: 'failed', timeMs: 1 } as const
    void channel.sink(event).then((taken) => {
      answer = taken
    })
    await world.clock.run(() => answer !== null, 60_000)
    expect(answer).toBe(false)
    expect(share.strayCount).toBe(1)
  })

  test('a reply that is handed over twice is told once', async () => {
    const world = createWorld()
    const { channel, lane } = beginLife(world, false)
    await world.clock.run(() => lane.view().status === 'running', 60_000)
    let taken = 0
    const reply = { kind: 'reply', subscriber: 7, text: 'VIP' } as const
    for (const timeMs of [1_000, 2_000, 60_000]) {
      await channel.sink({ ...reply, timeMs }).then(
        () => undefined,
        () => undefined,
      )
      taken += 1
    }
    await world.clock.run(() => taken === 3 && world.partition.rows.length === 2, 60_000)
    expect(world.partition.rows[0]).toMatchObject({ sub: 7, kind: 'replied', text: 'VIP' })
  })
})

describe('lives that end at any moment', () => {
  const seed = Number(process.env.HIGHWATER_SEED ?? 1)
  const seeds = Array.from({ length: 16 }, (_, i) => seed * 1_000 + i)

  test.each(seeds)('nothing is sent twice or lost, seed %i', async (each) => {
    const random = new Random(each)
    const chance = (share: number): boolean => random.fraction() < share
    const isIdempotent = chance(0.4)
    const horizonMs = chance(0.3) ? 86_400_000 : null
    const world = createWorld()
    const count = 300
    fill(world, 1, count, (n) => {
      if (chance(0.05))
        return { notAfterMs: WORLD_START_MS + Math.floor(random.fraction() * 20_000) }
      if (chance(0.05))
        return { notBeforeMs: WORLD_START_MS + Math.floor(random.fraction() * 20_000) }
      return n % 7 === 0 ? { channel: 'push' } : {}
    })
    const expected = world.out
      .flat()
      .filter((decision) => decision.kind === 'delivery' && decision.channel === 'sms')
    world.gate.fateOf = () => {
      if (!chance(0.15)) return 'stored'
      return chance(0.4) ? 'lost' : chance(0.5) ? 'stored-unseen' : 'full'
    }
    const lives: WorldLife[] = []
    const isDone = (): boolean => resultCount(world) === expected.length
    while (!isDone()) {
      const life = beginLife(world, isIdempotent, null, () => chance(0.3), horizonMs)
      lives.push(life)
      life.channel.roomMax = 20
      life.channel.fateOf = () => {
        const kind = chance(0.1) ? 'failed' : chance(0.05) ? 'unknown' : 'sent'
        const result = kind === 'failed' ? { kind, reason: 'x' } : { kind, receipts: [] }
        return { result: result as never, afterMs: Math.floor(random.fraction() * 400) }
      }
      const endMs = world.clock.nowMs() + random.fraction() * (lives.length > 8 ? 60_000 : 2_500)
      const { halts } = life
      await world.clock.run(
        () => halts.length > 0 || isDone() || world.clock.nowMs() >= endMs,
        7_200_000,
      )
      // One that was thought dead may claim once more: whoever claims last has the lane.
      for (const halt of halts) expect(String(halt)).toContain('GatewayFencedError')
      // Some die, some are only thought dead and go on for a while.
      life.life.isDead = chance(0.7)
    }
    for (const { life } of lives) life.isDead = true
    world.gate.fateOf = () => 'stored'
    const last = beginLife(world, isIdempotent, null, () => false, horizonMs)
    await world.clock.run(() => last.lane.view().status === 'running', 60_000)
    await world.clock.run(() => last.lane.view().untold === 0, 60_000)
    last.life.isDead = true
    const results = resultsOf(world)
    expect(new Set(results.keys())).toEqual(
      new Set(expected.map((each) => 'id' in each && each.id)),
    )
    const submissions = new Map<string, number>()
    for (const id of world.submitted) submissions.set(id, (submissions.get(id) ?? 0) + 1)
    const told = new Map<string, string[]>()
    for (const { id, kind } of world.partition.rows) told.set(id!, [...(told.get(id!) ?? []), kind])
    for (const [id, kinds] of results) {
      expect(kinds, id).toHaveLength(1)
      const kind = kinds[0]!
      if (!isIdempotent) expect(submissions.get(id) ?? 0, id).toBeLessThanOrEqual(1)
      if (kind === 'sent' || kind === 'failed') expect(submissions.get(id), id).toBeGreaterThan(0)
      if (kind === 'expired') expect(submissions.get(id), id).toBeUndefined()
      expect(told.get(id) ?? [], id).toEqual(kind === 'unknown' ? [] : [kind])
    }
  })
})
