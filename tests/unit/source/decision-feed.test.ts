import { encode } from '@msgpack/msgpack'
import { describe, expect, test } from 'vitest'
import { decodeSaidMessage } from '../../../src/decode/decisions.ts'
import type { InputMessage, Source, StreamState } from '../../../src/model/ports.ts'
import type { FeedPlace, SaidDecision } from '../../../src/model/said.ts'
import { openDecisionFeed } from '../../../src/source/decision-feed.ts'

const CREATED = '2026-11-20T00:00:00Z'
const START: FeedPlace = { number: 0, sequence: 0, created: '' }

/** A stream of messages, the first of which has sequence `firstSequence`. */
class ListSource implements Source {
  readonly #messages: InputMessage[]
  readonly #state: StreamState
  reads = 0
  #next = Number.POSITIVE_INFINITY

  constructor(bodies: readonly Uint8Array[], firstSequence = 1, created = CREATED) {
    this.#messages = bodies.map((data, index) => {
      return { sequence: firstSequence + index, timestampMs: 0, subject: 'out.0', data }
    })
    const lastSequence = firstSequence + bodies.length - 1
    this.#state = { created, firstSequence, lastSequence }
  }

  async state(): Promise<StreamState> {
    return this.#state
  }

  async read(sequence: number): Promise<InputMessage | null> {
    this.reads++
    return this.#messages.find((message) => message.sequence === sequence) ?? null
  }

  async open(sequence: number): Promise<void> {
    this.#next = sequence
  }

  take(max: number): readonly InputMessage[] {
    const left = this.#messages.filter(({ sequence }) => sequence >= this.#next)
    const taken = left.slice(0, max)
    this.#next = taken.length === 0 ? this.#next : taken.at(-1)!.sequence + 1
    return taken
  }

  async wait(): Promise<void> {}
  bufferedSize(): number {
    return 0
  }
  reconnectCount(): number {
    return 0
  }
  async close(): Promise<void> {}
}

const claim = encode({ v: 1, kind: 'claim', worker: 'a', engine: '1', time: 1 })

function decisions(first: number, last: number): Uint8Array {
  const entries = Array.from({ length: last - first + 1 }, (_, i) => {
    const head = { n: first + i, in: 1, trigger: 't', sub: 7, period: 'ever', attempt: 1 }
    const rest = { gen: 1, at: 1, fired: 1, values: {}, kind: 'suppressed', reason: 'expired' }
    return { ...head, ...rest }
  })
  return encode({ v: 1, kind: 'decisions', epoch: 1, first, last, digest: '', decisions: entries })
}

function baseline(number: number): Uint8Array {
  return encode({ v: 1, kind: 'ruling', baseline: { said: { number, digest: '' } } })
}

function numbersOf(taken: readonly SaidDecision[]): number[] {
  return taken.map(({ number }) => number)
}

async function readAll(source: Source, after: FeedPlace): Promise<number[]> {
  const feed = await openDecisionFeed(source, decodeSaidMessage, after)
  const numbers: number[] = []
  for (let taken = feed.take(1); taken.length > 0; taken = feed.take(1)) {
    numbers.push(...numbersOf(taken))
  }
  return numbers
}

describe('a feed of decisions', () => {
  const bodies = [claim, decisions(1, 3), claim, claim, decisions(4, 4), decisions(5, 8), claim]

  test('gives every decision once, in order', async () => {
    expect(await readAll(new ListSource(bodies), START)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'goes on behind decision %i without a place',
    async (n) => {
      const expected = [1, 2, 3, 4, 5, 6, 7, 8].slice(n)
      expect(await readAll(new ListSource(bodies), { ...START, number: n })).toEqual(expected)
    },
  )

  test('goes on at its own place, also in the middle of a message', async () => {
    const source = new ListSource(bodies)
    const feed = await openDecisionFeed(source, decodeSaidMessage, START)
    feed.take(1)
    expect(feed.place).toEqual({ number: 3, sequence: 2, created: CREATED })
    const again = new ListSource(bodies)
    expect(await readAll(again, { number: 2, sequence: 2, created: CREATED })).toEqual([
      3, 4, 5, 6, 7, 8,
    ])
    expect(again.reads).toBe(0)
  })

  test('gives about as many as are asked for, by whole messages', async () => {
    const feed = await openDecisionFeed(new ListSource(bodies), decodeSaidMessage, START)
    expect(numbersOf(feed.take(4))).toEqual([1, 2, 3, 4])
    expect(numbersOf(feed.take(1))).toEqual([5, 6, 7, 8])
    expect(feed.take(1)).toEqual([])
  })

  test('finds its place when the stream has dropped its beginning', async () => {
    const source = new ListSource([decisions(5, 6), decisions(7, 8)], 40)
    expect(await readAll(source, { ...START, number: 6 })).toEqual([7, 8])
  })
})

describe('a feed says that decisions are missing', () => {
  test('when OUT dropped what was not read', async () => {
    const source = new ListSource([decisions(5, 8)], 40)
    await expect(readAll(source, { ...START, number: 3 })).rejects.toThrow('gap')
  })

  test('when numbers jump', async () => {
    const source = new ListSource([decisions(1, 2), decisions(4, 5)])
    await expect(readAll(source, START)).rejects.toThrow('gap')
  })

  test('when OUT ends before its place', async () => {
    const place = { number: 9, sequence: 3, created: CREATED }
    const source = new ListSource([decisions(1, 2), decisions(3, 9)])
    await expect(readAll(source, place)).rejects.toThrow('truncated')
  })

  test('when OUT is another stream than it read', async () => {
    const place = { number: 2, sequence: 1, created: '2020' }
    await expect(readAll(new ListSource([decisions(1, 9)]), place)).rejects.toThrow('recreated')
    const feed = await openDecisionFeed(new ListSource([]), decodeSaidMessage, START)
    await feed.check()
  })

  test('and goes on in another stream when a ruling joins it to the former one', async () => {
    const place = { number: 2, sequence: 1, created: '2020' }
    const source = new ListSource([claim, baseline(2), decisions(3, 4)])
    expect(await readAll(source, place)).toEqual([3, 4])
    const skipped = new ListSource([claim, baseline(5), decisions(6, 6)])
    expect(await readAll(skipped, place)).toEqual([6])
    const back = new ListSource([claim, baseline(1), decisions(2, 6)])
    await expect(readAll(back, place)).rejects.toThrow('gap')
  })
})
