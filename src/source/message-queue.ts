/**
 * Messages that have arrived and were not yet taken, bounded in bytes and in number by who pulls.
 */

import { assert } from '../errors.ts'
import type { InputMessage } from '../model/ports.ts'

const SIZE_MAX_MIN = 2 * 1024 ** 2
const MESSAGES_MAX_MIN = 16

/** First in, first out. The queue owns the messages until they are taken. */
export class MessageQueue {
  readonly #sizeMax: number
  readonly #messagesMax: number
  #messages: InputMessage[] = []
  /** Messages before this index are taken; the array is replaced when it is used up. */
  #head = 0
  #size = 0

  constructor(sizeMax: number, messagesMax: number) {
    assert(sizeMax >= SIZE_MAX_MIN, 'the buffer must hold 2 MiB')
    assert(messagesMax >= MESSAGES_MAX_MIN, 'the buffer must hold 16 messages')
    this.#sizeMax = sizeMax
    this.#messagesMax = messagesMax
  }

  get length(): number {
    return this.#messages.length - this.#head
  }

  /** Bytes of payload. */
  get size(): number {
    return this.#size
  }

  push(message: InputMessage): void {
    this.#messages.push(message)
    this.#size += message.data.length
  }

  /** Removes and returns up to `max` messages, oldest first. */
  take(max: number): readonly InputMessage[] {
    if (this.#head === 0 && this.#messages.length <= max) {
      const all = this.#messages
      this.#messages = []
      this.#size = 0
      return all
    }
    const taken = this.#messages.slice(this.#head, this.#head + max)
    this.#head += taken.length
    for (const message of taken) this.#size -= message.data.length
    if (this.#head * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head)
      this.#head = 0
    }
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
}
