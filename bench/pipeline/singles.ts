/** Usage as single records, a message each, in either form: for the bench of messages. */

import { encodeUsageColumns, encodeUsageRows } from '../../src/probe/encode.ts'
import { Random } from '../../src/probe/random.ts'
import { SIZE_STEPS, SUBSCRIBER_FIRST, sizeTable } from './traffic.ts'

/** How a message holds its records. */
export type MessageForm = 'columns' | 'rows'

/** Probes that take turns, each with its own numbers. */
const PROBES = 8

/** One record of a random subscriber per message, in either form. */
export class Singles {
  readonly #random: Random
  readonly #subscribers: number
  readonly #form: MessageForm
  readonly #epoch: number
  readonly #probes: readonly (readonly [probe: string, subject: string])[]
  readonly #sizes = sizeTable()
  readonly #columns = {
    subscribers: new Float64Array(1),
    usageBytes: new Float64Array(1),
    timesMs: new Float64Array(1),
    rats: new Uint8Array(1),
    apps: new Uint16Array(1),
  }
  #count = 0

  constructor(seed: number, subscribers: number, form: MessageForm, epoch = 1) {
    this.#random = new Random(seed)
    this.#subscribers = subscribers
    this.#form = form
    this.#epoch = epoch
    this.#probes = Array.from({ length: PROBES }, (_, i) => [
      `${form}-${i}`,
      `usage.0.${form}-${i}`,
    ])
  }

  /** The next message of the next probe. */
  next(timeMs: number): { subject: string; data: Uint8Array } {
    const random = this.#random
    const [probe, subject] = this.#probes[this.#count % PROBES]!
    const stamp = { probe, epoch: this.#epoch, seq: 1 + Math.floor(this.#count / PROBES) }
    this.#count += 1
    const bits = random.next()
    const subscriber = SUBSCRIBER_FIRST + Math.floor(random.fraction() * this.#subscribers)
    const size = this.#sizes[bits & (SIZE_STEPS - 1)]!
    const eventMs = timeMs - (bits >>> 20)
    const rat = (bits & 0x7000) === 0 ? 3 : 6
    const app = (bits >>> 15) & 31
    if (this.#form === 'rows') {
      return { subject, data: encodeUsageRows(stamp, [[subscriber, size, eventMs, rat, app]]) }
    }
    const columns = this.#columns
    columns.subscribers[0] = subscriber
    columns.usageBytes[0] = size
    columns.timesMs[0] = eventMs
    columns.rats[0] = rat
    columns.apps[0] = app
    return { subject, data: encodeUsageColumns(stamp, columns, 0, 1) }
  }
}
