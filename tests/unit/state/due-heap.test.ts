import { expect, it } from 'vitest'
import { DueHeap } from '../../../src/state/due-heap.ts'
import { expectSame } from '../../support/expect-same.ts'
import { Random } from '../../support/workload/random.ts'

interface Timer {
  readonly dueMs: number
  readonly priority: number
  readonly id: number
  readonly row: number
}

const SEEDS = [1, 2, 3]

function inOrder(left: Timer, right: Timer): number {
  return left.dueMs - right.dueMs || left.priority - right.priority || left.id - right.id
}

function popAll(heap: DueHeap): Timer[] {
  const popped: Timer[] = []
  while (heap.count > 0) {
    popped.push({ dueMs: heap.nextDueMs, priority: -1, id: heap.nextId, row: heap.nextRow })
    heap.pop()
  }
  return popped
}

it.each(SEEDS)('pops by due time, priority and id, however it was filled (seed %i)', (seed) => {
  const random = new Random(seed)
  const heap = new DueHeap()
  let waiting: Timer[] = []
  for (let id = 1; id <= 6000; id++) {
    const dueMs = random.whole(0, 40) * 1000
    const timer = { dueMs, priority: random.whole(0, 3), id, row: random.whole(0, 1e6) }
    heap.push(timer.dueMs, timer.priority, timer.id, timer.row)
    waiting.push(timer)
    if (!random.chance(0.02)) continue
    waiting.sort(inOrder)
    for (let count = random.whole(0, 90); count > 0 && waiting.length > 0; count--) {
      const expected = waiting.shift()!
      expectSame(heap.nextDueMs, expected.dueMs)
      expectSame(heap.nextId, expected.id)
      expectSame(heap.nextRow, expected.row)
      heap.pop()
    }
    expect(heap.count).toBe(waiting.length)
  }
  waiting = waiting.sort(inOrder)
  expect(popAll(heap).map(({ id }) => id)).toEqual(waiting.map(({ id }) => id))
  expect(heap.nextDueMs).toBe(Number.POSITIVE_INFINITY)
})

it.each(SEEDS)('a heap rebuilt in another order pops in the same order (seed %i)', (seed) => {
  const random = new Random(seed)
  const timers = Array.from({ length: 3000 }, (_, id) => ({
    dueMs: random.whole(0, 10),
    priority: random.whole(0, 2),
    id,
    row: id,
  }))
  const [first, second] = [new DueHeap(), new DueHeap()]
  for (const { dueMs, priority, id, row } of timers) first.push(dueMs, priority, id, row)
  for (const { dueMs, priority, id, row } of [...timers].reverse())
    second.push(dueMs, priority, id, row)
  expect(popAll(second)).toEqual(popAll(first))
})

it.each(SEEDS)('what is removed never pops, the rest in its order (seed %i)', (seed) => {
  const random = new Random(seed)
  const [heap, without] = [new DueHeap(), new DueHeap()]
  const removed = new Set<number>()
  for (let id = 0; id < 3000; id++) {
    const timer = [random.whole(0, 200), random.whole(0, 2), id, id] as const
    heap.push(...timer)
    if (random.chance(0.3)) removed.add(id)
    else without.push(...timer)
  }
  heap.removeAll(new Set([...removed, 99_999]))
  expect(heap.count).toBe(without.count)
  for (let id = 3000; id < 3100; id++) {
    const dueMs = random.whole(0, 200)
    for (const each of [heap, without]) each.push(dueMs, 0, id, id)
  }
  expect(popAll(heap)).toEqual(popAll(without))
})

it('an empty heap has nothing due, and popping it changes nothing', () => {
  const heap = new DueHeap()
  heap.pop()
  expect([heap.count, heap.nextDueMs]).toEqual([0, Number.POSITIVE_INFINITY])
  heap.push(5, 0, 1, 0)
  expect([heap.count, heap.nextDueMs]).toEqual([1, 5])
  heap.removeAll(new Set([1]))
  expect([heap.count, heap.nextDueMs]).toEqual([0, Number.POSITIVE_INFINITY])
})

it.each(SEEDS)('what is discarded is as if it had never been there (seed %i)', (seed) => {
  const random = new Random(seed)
  const heap = new DueHeap()
  let waiting: Timer[] = []
  for (let id = 1; id <= 9000; id++) {
    const timer = { dueMs: random.whole(0, 40) * 1000, priority: random.whole(0, 3), id, row: id }
    heap.push(timer.dueMs, timer.priority, timer.id, timer.row)
    waiting.push(timer)
    // More and more of them, so that the passes over all of them happen too.
    if (random.chance(id / 9000)) {
      const at = random.whole(0, waiting.length - 1)
      const [gone] = waiting.splice(at, 1)
      heap.discard(gone!.id)
    }
    expectSame(heap.count, waiting.length)
    if (!random.chance(0.01) || waiting.length === 0) continue
    waiting.sort(inOrder)
    expectSame(heap.nextId, waiting.shift()!.id)
    heap.pop()
  }
  waiting = waiting.sort(inOrder)
  expect(popAll(heap).map(({ id }) => id)).toEqual(waiting.map(({ id }) => id))
})
