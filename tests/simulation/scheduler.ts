/**
 * Virtual time: one queue of tasks, ordered by time and then by age. After each task that may have
 * woken somebody all promises that are ready run to their next wait, so nothing but this queue
 * decides what happens when. Every task goes into a running hash: two runs with the same hash did
 * the same things in the same order.
 */

import { setImmediate } from 'node:timers'

/** Whose code a task continues. */
export interface TaskOwner {
  readonly id: number
  /** `paused` keeps its tasks until it is woken; `dead` never runs another. */
  readonly condition: 'running' | 'paused' | 'dead'
  /** Takes a task that came due while it was paused. */
  hold(task: Task): void
  /** Called before each of its tasks. */
  beginTask(): void
}

/** Something that happens at a virtual time. */
export interface Task {
  readonly timeMs: number
  readonly order: number
  readonly owner: TaskOwner | null
  readonly label: string
  readonly run: () => void
  /** A cancelled task is taken off the queue without a trace. */
  isCancelled: boolean
}

/** A hash that takes numbers in, 32 bits wide (murmur's mixing). */
class RunningHash {
  value = 0x9747b28c

  add(word: number): void {
    let mixed = Math.imul(word | 0, 0xcc9e2d51)
    mixed = Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
    const state = this.value ^ mixed
    this.value = (Math.imul((state << 13) | (state >>> 19), 5) + 0xe6546b64) | 0
  }
}

/** The only clock and the only queue of a simulated world. */
export class Scheduler {
  nowMs = 0
  taskCount = 0
  readonly #heap: Task[] = []
  readonly #hash = new RunningHash()
  readonly #labels = new Map<string, number>()
  readonly #trace: ((line: string) => void) | null
  #order = 0

  constructor(trace: ((line: string) => void) | null) {
    this.#trace = trace
  }

  /** Fingerprint of everything that happened so far. */
  get hash(): string {
    return (this.#hash.value >>> 0).toString(16).padStart(8, '0')
  }

  /**
   * Runs `run` after `delayMs` of virtual time. With an owner it may wake code that waits, and
   * waits itself while that owner is paused; without, it must wake nobody.
   */
  later(delayMs: number, owner: TaskOwner | null, label: string, run: () => void): Task {
    const timeMs = this.nowMs + Math.max(0, delayMs)
    const task = { timeMs, order: ++this.#order, owner, label, run, isCancelled: false }
    this.#push(task)
    return task
  }

  /** Puts something on record: into the hash and, if there is one, the trace. */
  note(label: string, ...words: readonly number[]): void {
    this.#hash.add(this.#codeOf(label))
    for (const word of words) this.#hash.add(word)
    this.#trace?.(`${this.nowMs.toFixed(2).padStart(10)}     ${label} ${words.join(' ')}`)
  }

  /** Words for whoever reads the trace; not part of the hash. */
  say(text: () => string): void {
    this.#trace?.(`${this.nowMs.toFixed(2).padStart(10)}     ${text()}`)
  }

  /** Works the queue off until `isDone`, which is asked after every task that woke somebody. */
  run(isDone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          // What ran before this call has come to rest by now: microtasks are done before timers.
          if (isDone()) {
            resolve()
            return
          }
          while (!this.#runNext()) {
            if (this.#heap.length > 0) continue
            resolve()
            return
          }
          setImmediate(step)
        } catch (error) {
          reject(error as Error)
        }
      }
      setImmediate(step)
    })
  }

  /** Runs the next task; true when somebody may have been woken. */
  #runNext(): boolean {
    const task = this.#pop()
    if (task === undefined || task.isCancelled) return false
    this.nowMs = Math.max(this.nowMs, task.timeMs)
    const { owner } = task
    if (owner !== null) {
      if (owner.condition === 'dead') return false
      if (owner.condition === 'paused') {
        owner.hold(task)
        return false
      }
      owner.beginTask()
    }
    this.taskCount += 1
    this.#hash.add(this.#codeOf(task.label))
    this.#hash.add(Math.round(this.nowMs * 1000))
    this.#hash.add(owner?.id ?? 0)
    this.#trace?.(`${this.nowMs.toFixed(2).padStart(10)} ${owner?.id ?? '-'}   ${task.label}`)
    task.run()
    return owner !== null
  }

  #codeOf(label: string): number {
    let code = this.#labels.get(label)
    if (code === undefined) {
      code = this.#labels.size + 1
      this.#labels.set(label, code)
    }
    return code
  }

  #push(task: Task): void {
    const heap = this.#heap
    let index = heap.push(task) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(task, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = task
  }

  #pop(): Task | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    let index = 0
    for (;;) {
      let child = index * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return top
  }
}

function isBefore(left: Task, right: Task): boolean {
  return left.timeMs < right.timeMs || (left.timeMs === right.timeMs && left.order < right.order)
}
