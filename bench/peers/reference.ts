/** The rule in plain memory, one record after the other: what every engine's answer must equal. */

import {
  DAY_BYTES_MIN,
  dayOf,
  type InputBlock,
  type InputLog,
  KIND_COUNTED,
  MONTH_BYTES_MIN,
  monthOf,
  periodOf,
  RAT_COUNTED,
  SUBSCRIBER_FIRST,
  seedSubscribers,
} from './input.ts'

/** Every time that the rule fired, in log order. */
export class Firings {
  readonly keys: string[] = []
  /** Index of the record that made it fire, by firing; ascending. */
  readonly records: number[] = []

  /** What the first `records` records of the log make fire: `subscriber period`. */
  upTo(records: number): ReadonlySet<string> {
    let count = this.keys.length
    while (count > 0 && this.records[count - 1]! >= records) count--
    return new Set(this.keys.slice(0, count))
  }
}

/** Adds up per day and month, and fires. */
export class Reference {
  readonly firings = new Firings()
  readonly #days: Int32Array
  readonly #months: Int32Array
  readonly #firedMonths: Int32Array
  readonly #dayBytes: Float64Array
  readonly #monthBytes: Float64Array
  readonly #isSeed: Uint8Array

  constructor(subscribers: number) {
    this.#days = new Int32Array(subscribers)
    this.#months = new Int32Array(subscribers)
    this.#firedMonths = new Int32Array(subscribers)
    this.#dayBytes = new Float64Array(subscribers)
    this.#monthBytes = new Float64Array(subscribers)
    this.#isSeed = new Uint8Array(subscribers)
    for (const subscriber of seedSubscribers(subscribers)) {
      this.#isSeed[subscriber - SUBSCRIBER_FIRST] = 1
    }
  }

  apply(block: InputBlock): void {
    let day = -1
    let month = -1
    for (let i = 0; i < block.count; i++) {
      if (block.rats[i] !== RAT_COUNTED || block.kinds[i] !== KIND_COUNTED) continue
      const recordDay = dayOf(block.timesMs[i]!)
      if (recordDay !== day) {
        day = recordDay
        month = monthOf(day)
      }
      if (!this.#add(block.subscribers[i]! - SUBSCRIBER_FIRST, block.usageBytes[i]!, day, month)) {
        continue
      }
      this.firings.keys.push(`${block.subscribers[i]} ${periodOf(month)}`)
      this.firings.records.push(block.first + i)
    }
  }

  /** Whether it fires. */
  #add(slot: number, usageBytes: number, day: number, month: number): boolean {
    if (this.#days[slot] !== day) {
      this.#days[slot] = day
      this.#dayBytes[slot] = 0
    }
    if (this.#months[slot] !== month) {
      this.#months[slot] = month
      this.#monthBytes[slot] = 0
    }
    this.#dayBytes[slot]! += usageBytes
    this.#monthBytes[slot]! += usageBytes
    if (this.#dayBytes[slot]! < DAY_BYTES_MIN || this.#monthBytes[slot]! < MONTH_BYTES_MIN)
      return false
    if (this.#isSeed[slot] === 0 || this.#firedMonths[slot] === month) return false
    this.#firedMonths[slot] = month
    return true
  }
}

/** Runs a whole log through the reference. */
export function expectedFirings(log: InputLog): Firings {
  const reference = new Reference(log.shape.subscribers)
  for (let block = log.next(); block !== null; block = log.next()) reference.apply(block)
  return reference.firings
}

/** What of `found` is not expected and the other way round, in a sentence; null when equal. */
export function difference(
  expected: ReadonlySet<string>,
  found: ReadonlySet<string>,
): string | null {
  const missing = [...expected].filter((key) => !found.has(key))
  const excess = [...found].filter((key) => !expected.has(key))
  if (missing.length === 0 && excess.length === 0) return null
  const some = (keys: string[]) => (keys.length === 0 ? '' : ` (${keys.slice(0, 3).join('; ')})`)
  return (
    `${missing.length} of ${expected.size} firings are missing${some(missing)}, ` +
    `${excess.length} are not expected${some(excess)}`
  )
}
