/** A message that was taken from the queue; see MessageQueue. */

import type { InputMessage } from '../model/ports.ts'

const NOTHING = new Uint8Array(0)

/**
 * One of the queue's few, filled anew by each `take`; the view of its data is made when asked for.
 */
export class QueuedMessage implements InputMessage {
  sequence = 0
  timestampMs = 0
  subject = ''
  #bytes = NOTHING
  #start = 0
  #end = 0
  #data: Uint8Array | null = null

  get data(): Uint8Array {
    this.#data ??= new Uint8Array(
      this.#bytes.buffer,
      this.#bytes.byteOffset + this.#start,
      this.#end - this.#start,
    )
    return this.#data
  }

  /** Its data are `bytes` from `start` to `end`. */
  fill(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#data = null
  }
}
