/**
 * Due timers in order of due time, priority and timer id. Derived state: rebuilt from the ledger at
 * load. The order is total, so a rebuilt heap pops in the same order. What is discarded before it
 * is due stays in the arrays, uncounted and never at the top, until half of them is of that kind.
 */

/** Discarded entries that are never worth a pass over all of them. */
const DISCARDED_MIN = 1024

/** A binary heap over parallel arrays; ids are unique. */
export class DueHeap {
  #dueMs = new Float64Array(1024)
  #ids = new Float64Array(1024)
  #priorities = new Int32Array(1024)
  #rows = new Int32Array(1024)
  #count = 0
  readonly #discarded = new Set<number>()

  get count(): number {
    return this.#count - this.#discarded.size
  }

  /** Earliest due time, or Infinity. */
  get nextDueMs(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#dueMs[0]!
  }

  /** Ledger row and candidate id of the earliest timer. */
  get nextRow(): number {
    return this.#rows[0]!
  }

  get nextPriority(): number {
    return this.#priorities[0]!
  }

  get nextId(): number {
    return this.#ids[0]!
  }

  push(dueMs: number, priority: number, id: number, row: number): void {
    if (this.#count === this.#ids.length) this.#grow()
    let at = this.#count++
    this.#set(at, dueMs, priority, id, row)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#isBefore(at, parent)) break
      this.#swap(at, parent)
      at = parent
    }
  }

  /** Removes the earliest timer. */
  pop(): void {
    this.#popOne()
    this.#prune()
  }

  /** Removes the timer of this candidate, which must have one. */
  discard(id: number): void {
    const discarded = this.#discarded
    discarded.add(id)
    if (discarded.size > DISCARDED_MIN && discarded.size * 2 > this.#count)
      this.removeAll(discarded)
    this.#prune()
  }

  #popOne(): void {
    if (this.#count === 0) return
    const last = --this.#count
    this.#set(0, this.#dueMs[last]!, this.#priorities[last]!, this.#ids[last]!, this.#rows[last]!)
    this.#sink(0)
  }

  #prune(): void {
    while (this.#discarded.size > 0 && this.#discarded.delete(this.#ids[0]!)) this.#popOne()
  }

  /** Removes the timers of these candidates, in one pass over all timers. */
  removeAll(ids: ReadonlySet<number>): void {
    if (ids.size === 0) return
    let kept = 0
    for (let at = 0; at < this.#count; at++) {
      if (ids.has(this.#ids[at]!)) continue
      this.#set(kept, this.#dueMs[at]!, this.#priorities[at]!, this.#ids[at]!, this.#rows[at]!)
      kept += 1
    }
    this.#count = kept
    for (let at = (kept >>> 1) - 1; at >= 0; at--) this.#sink(at)
    if (ids === this.#discarded) this.#discarded.clear()
    else this.#prune()
  }

  /** Moves an entry down to where nothing below it comes before it. */
  #sink(from: number): void {
    let at = from
    for (;;) {
      const left = 2 * at + 1
      if (left >= this.#count) return
      const right = left + 1
      const child = right < this.#count && this.#isBefore(right, left) ? right : left
      if (!this.#isBefore(child, at)) return
      this.#swap(child, at)
      at = child
    }
  }

  #isBefore(a: number, b: number): boolean {
    if (this.#dueMs[a] !== this.#dueMs[b]) return this.#dueMs[a]! < this.#dueMs[b]!
    if (this.#priorities[a] !== this.#priorities[b]) {
      return this.#priorities[a]! < this.#priorities[b]!
    }
    return this.#ids[a]! < this.#ids[b]!
  }

  #set(at: number, dueMs: number, priority: number, id: number, row: number): void {
    this.#dueMs[at] = dueMs
    this.#priorities[at] = priority
    this.#ids[at] = id
    this.#rows[at] = row
  }

  #swap(a: number, b: number): void {
    const dueMs = this.#dueMs[a]!
    const priority = this.#priorities[a]!
    const id = this.#ids[a]!
    const row = this.#rows[a]!
    this.#set(a, this.#dueMs[b]!, this.#priorities[b]!, this.#ids[b]!, this.#rows[b]!)
    this.#set(b, dueMs, priority, id, row)
  }

  #grow(): void {
    const capacity = this.#ids.length * 2
    this.#dueMs = enlarged(this.#dueMs, new Float64Array(capacity))
    this.#ids = enlarged(this.#ids, new Float64Array(capacity))
    this.#priorities = enlarged(this.#priorities, new Int32Array(capacity))
    this.#rows = enlarged(this.#rows, new Int32Array(capacity))
  }
}

function enlarged<Column extends Float64Array | Int32Array>(from: Column, to: Column): Column {
  to.set(from)
  return to
}
