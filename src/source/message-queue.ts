/**
 * Messages that have arrived and were not yet taken, bounded in bytes and in number by who pulls. A
 * ring of columns: a message gets an object when it is taken, one of those of the take before, so
 * that what waits costs the garbage collector nothing and what is taken hardly anything.
 */

import { assert } from '../errors.ts'
import type { InputMessage } from '../model/ports.ts'
import { QueuedMessage } from './queued-message.ts'

const SIZE_MAX_MIN = 2 * 1024 ** 2
const MESSAGES_MAX_MIN = 16
/** A power of two; the ring doubles when it is full. */
const CAPACITY_MIN = 64
const NOTHING = new Uint8Array(0)

/** First in, first out. The queue owns the messages until they are taken. */
export class MessageQueue {
  readonly #sizeMax: number
  readonly #messagesMax: number
  #capacity = CAPACITY_MIN
  #sequences = new Float64Array(CAPACITY_MIN)
  #timestampsMs = new Float64Array(CAPACITY_MIN)
  #starts = new Int32Array(CAPACITY_MIN)
  #ends = new Int32Array(CAPACITY_MIN)
  #subjects: string[] = new Array<string>(CAPACITY_MIN).fill('')
  /** Bytes in which a message lies; those of a place that is free are let go. */
  #buffers: Uint8Array[] = new Array<Uint8Array>(CAPACITY_MIN).fill(NOTHING)
  /** Those of former takes, and how many of them the last one gave. */
  readonly #pool: QueuedMessage[] = []
  #taken = 0
  /** Place of the oldest message. */
  #head = 0
  #length = 0
  #size = 0

  constructor(sizeMax: number, messagesMax: number) {
    assert(sizeMax >= SIZE_MAX_MIN, 'the buffer must hold 2 MiB')
    assert(messagesMax >= MESSAGES_MAX_MIN, 'the buffer must hold 16 messages')
    this.#sizeMax = sizeMax
    this.#messagesMax = messagesMax
  }

  get length(): number {
    return this.#length
  }

  /** Bytes of payload. */
  get size(): number {
    return this.#size
  }

  /** A message whose data are `bytes` from `start` to `end`, which nobody writes to any more. */
  push(
    sequence: number,
    timestampMs: number,
    subject: string,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.#length === this.#capacity) this.#grow()
    const place = (this.#head + this.#length) & (this.#capacity - 1)
    this.#sequences[place] = sequence
    this.#timestampsMs[place] = timestampMs
    this.#subjects[place] = subject
    this.#buffers[place] = bytes
    this.#starts[place] = start
    this.#ends[place] = end
    this.#length += 1
    this.#size += end - start
  }

  /** Removes and returns up to `max` messages, oldest first; they hold until the next `take`. */
  take(max: number): readonly InputMessage[] {
    const count = Math.min(max, this.#length)
    while (this.#pool.length < count) this.#pool.push(new QueuedMessage())
    const taken = this.#pool.slice(0, count)
    for (let i = count; i < this.#taken; i++) this.#pool[i]!.fill(NOTHING, 0, 0)
    this.#taken = count
    for (let i = 0; i < count; i++) {
      const place = (this.#head + i) & (this.#capacity - 1)
      const message = taken[i]!
      const start = this.#starts[place]!
      const end = this.#ends[place]!
      message.sequence = this.#sequences[place]!
      message.timestampMs = this.#timestampsMs[place]!
      message.subject = this.#subjects[place]!
      message.fill(this.#buffers[place]! as Uint8Array<ArrayBuffer>, start, end)
      this.#buffers[place] = NOTHING
      this.#size -= end - start
    }
    this.#head = (this.#head + count) & (this.#capacity - 1)
    this.#length -= count
    return taken
  }

  /** Whether at least half of both bounds is free. */
  hasRoom(): boolean {
    return this.#size * 2 <= this.#sizeMax && this.length * 2 <= this.#messagesMax
  }

  /** Bytes that may still be asked for. */
  roomSize(): number {
    return this.#sizeMax - this.#size
  }

  roomMessages(): number {
    return this.#messagesMax - this.length
  }

  /** Twice the room, with the oldest message in the first place. */
  #grow(): void {
    const capacity = this.#capacity * 2
    this.#sequences = unrolled(this.#sequences, new Float64Array(capacity), this.#head)
    this.#timestampsMs = unrolled(this.#timestampsMs, new Float64Array(capacity), this.#head)
    this.#starts = unrolled(this.#starts, new Int32Array(capacity), this.#head)
    this.#ends = unrolled(this.#ends, new Int32Array(capacity), this.#head)
    this.#subjects = extended(this.#subjects, this.#head, '')
    this.#buffers = extended(this.#buffers, this.#head, NOTHING)
    this.#head = 0
    this.#capacity = capacity
  }
}

function unrolled<Column extends Float64Array | Int32Array>(
  ring: Column,
  column: Column,
  head: number,
): Column {
  column.set(ring.subarray(head))
  column.set(ring.subarray(0, head), ring.length - head)
  return column
}

function extended<Value>(ring: readonly Value[], head: number, filler: Value): Value[] {
  const free = new Array<Value>(ring.length).fill(filler)
  return [...ring.slice(head), ...ring.slice(0, head), ...free]
}
