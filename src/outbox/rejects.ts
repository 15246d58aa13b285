/**
 * What could not be understood, on its way to REJ_<p>: at least once, keyed by input sequence,
 * ordinal and part, outside the output chain. Large bodies travel in parts: a message of 1 MiB plus
 * a head would not fit the server's max_payload, and one poison message would stop the partition.
 */

import type { Reject } from '../model/reject.ts'
import { Packer } from './packer.ts'

/** Bytes of a refused message per part. */
const PART_SIZE = 512 * 1024
const TEXT_LENGTH_MAX = 256

/** One message for the reject stream. */
export interface RejectPart {
  readonly messageId: string
  readonly inputSequence: number
  readonly bytes: Uint8Array
}

/** Rejects of one partition that wait to be published, oldest first. */
export class Rejects {
  readonly #waiting: RejectPart[] = []
  readonly #packer = new Packer(4096)
  #waitingSize = 0
  #ordinalSequence = 0
  #ordinal = 0
  /** Sequences of IN count anew in each era (rulings.ts): a repeat must not be taken for one. */
  era = 0

  get waitingCount(): number {
    return this.#waiting.length
  }

  get waitingSize(): number {
    return this.#waitingSize
  }

  /** Queues a refusal. `body` is copied. */
  add(inputSequence: number, subject: string, reject: Reject, body: Uint8Array): void {
    if (inputSequence !== this.#ordinalSequence) {
      this.#ordinalSequence = inputSequence
      this.#ordinal = 0
    }
    const ordinal = this.#ordinal++
    const parts = Math.max(1, Math.ceil(body.byteLength / PART_SIZE))
    const key = `${this.era === 0 ? '' : `era${this.era}-`}${inputSequence}-${ordinal}`
    for (let part = 0; part < parts; part++) {
      const slice = body.subarray(part * PART_SIZE, (part + 1) * PART_SIZE)
      const bytes = this.#encode(inputSequence, subject, reject, ordinal, part, parts, slice)
      this.#waiting.push({ messageId: `${key}-${part}`, inputSequence, bytes })
      this.#waitingSize += bytes.byteLength
    }
  }

  /** Takes all waiting parts; the receiver publishes them and retries until acknowledged. */
  takeAll(): RejectPart[] {
    this.#waitingSize = 0
    return this.#waiting.splice(0)
  }

  #encode(
    inputSequence: number,
    subject: string,
    reject: Reject,
    ordinal: number,
    part: number,
    parts: number,
    body: Uint8Array,
  ): Uint8Array {
    const packer = this.#packer
    packer.reset()
    packer.map(10)
    packer.text('v')
    packer.number(1)
    packer.text('in')
    packer.number(inputSequence)
    packer.text('ordinal')
    packer.number(ordinal)
    packer.text('part')
    packer.number(part)
    packer.text('parts')
    packer.number(parts)
    packer.text('reason')
    packer.text(reject.reason)
    packer.text('position')
    packer.asciiOnce(toAscii(reject.position))
    packer.text('detail')
    packer.asciiOnce(toAscii(reject.detail))
    packer.text('subject')
    packer.asciiOnce(toAscii(subject))
    packer.text('body')
    packer.binary(body)
    return packer.bytes.slice(0, packer.size)
  }
}

/** Positions and details quote hostile input: printable ASCII only, cut to a bounded length. */
function toAscii(text: string): string {
  return text.slice(0, TEXT_LENGTH_MAX).replace(/[^\x20-\x7e]/g, '?')
}
