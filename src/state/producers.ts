/**
 * Which messages of which producer were applied: the highest sequence number and a map of the 1,024
 * below it, per producer and kind of subject. A producer may repeat itself and may overtake itself;
 * what lies below the map cannot be told from a repeat and is refused, never silently dropped.
 *
 * There is room for so many. When it is nearly used up, whoever has been silent for long is
 * forgotten, the longest silent first: their names may have been used once only, like a file's.
 */

import type { RejectReason } from '../model/reject.ts'
import type { ProducerStamp } from '../model/usage.ts'

/** Sequence numbers below the highest that may still arrive. */
export const PRODUCER_MAP_SIZE = 1024
/** Bits of the map: the highest, the 1,024 below it, rounded up to whole words. */
const MAP_BITS = PRODUCER_MAP_SIZE + 32
const MAP_WORDS = MAP_BITS / 32
/** Producers that one partition remembers. */
export const PRODUCERS_MAX = 65_536
/** Nearly used up: with fewer places than this left, and as many are forgotten at a time. */
export const PRODUCERS_SPARE = 1_024

/** When a stamp is judged, ms on the partition's clock. */
export interface HearingTime {
  readonly clockMs: number
  /** Who was last heard before this may be forgotten. */
  readonly silentBeforeMs: number
}

/** Without a clock nobody is ever silent for long. */
const TIMELESS: HearingTime = { clockMs: 0, silentBeforeMs: Number.NEGATIVE_INFINITY }

interface ProducerState {
  epoch: number
  highest: number
  /** The lowest of this epoch that was applied: what lies below it was never ours to miss. */
  lowest: number
  /** When something of it was applied last, ms on the partition's clock. */
  heardMs: number
  /** Bit n mod MAP_BITS is set when n was applied, for n in [highest - 1024, highest]. */
  readonly applied: Uint32Array
}

/**
 * A producer's state as the checkpoint keeps it: key, epoch, highest, map, lowest, last heard.
 */
export type ProducerImage = [
  key: string,
  epoch: number,
  highest: number,
  applied: Uint8Array,
  lowest?: number,
  heardMs?: number,
]

/** Verdict on a stamp. */
export type StampVerdict = 'fresh' | 'repeat' | RejectReason

/**
 * The producers of one partition. `judge` changes nothing; `accept` follows only a `fresh` verdict.
 */
export class Producers {
  /** In the order in which they first appeared. */
  readonly #states = new Map<string, ProducerState>()
  /** The same by kind and name: putting the key together would cost more than the look-up. */
  readonly #byKind = new Map<string, Map<string, ProducerState>>()
  readonly #most: number
  readonly #spare: number
  /** Nobody was heard last before this; worked out when somebody was looked for. */
  #silentFromMs = Number.NEGATIVE_INFINITY

  /** Remembers `most` at most, and begins to forget with fewer places than `spare` left. */
  constructor(most: number = PRODUCERS_MAX, spare: number = PRODUCERS_SPARE) {
    this.#most = most
    this.#spare = spare
  }

  judge(kind: string, stamp: ProducerStamp, time = TIMELESS): StampVerdict {
    const state = this.#byKind.get(kind)?.get(stamp.probe)
    if (state === undefined) return this.#hasRoom(time) ? 'fresh' : 'out-of-range'
    if (stamp.epoch < state.epoch) return 'epoch-too-old'
    if (stamp.epoch > state.epoch || stamp.seq > state.highest) return 'fresh'
    if (stamp.seq < state.highest - PRODUCER_MAP_SIZE) return 'seq-too-old'
    return isSet(state.applied, stamp.seq) ? 'repeat' : 'fresh'
  }

  /**
   * Notes a stamp as applied. Returns how many numbers of this producer were missed for good with
   * it: passed over, and now too old to be accepted, or of a producer that is forgotten.
   */
  accept(kind: string, { probe, epoch, seq }: ProducerStamp, time = TIMELESS): number {
    let state = this.#byKind.get(kind)?.get(probe)
    let missed = 0
    if (state === undefined) {
      missed = this.#forgetSilent(time)
      const applied = new Uint32Array(MAP_WORDS)
      state = { epoch, highest: seq, lowest: seq, heardMs: time.clockMs, applied }
      this.#enter(`${kind}/${probe}`, state)
    } else if (epoch > state.epoch) {
      missed = countMissed(state, state.highest)
      Object.assign(state, { epoch, highest: seq, lowest: seq })
      state.applied.fill(0)
    } else if (seq > state.highest) {
      // Numbers up to here leave the map, or were never in it.
      const left = seq - PRODUCER_MAP_SIZE - 1
      missed = countMissed(state, Math.min(left, state.highest)) + Math.max(0, left - state.highest)
      if (seq - state.highest > PRODUCER_MAP_SIZE) {
        state.applied.fill(0)
      } else {
        for (let passed = state.highest + 1; passed < seq; passed++) clear(state.applied, passed)
      }
      state.highest = seq
    }
    state.lowest = Math.min(state.lowest, seq)
    state.heardMs = time.clockMs
    set(state.applied, seq)
    return missed
  }

  /** In the order in which producers first appeared. */
  image(): ProducerImage[] {
    return [...this.#states].map(([key, { epoch, highest, applied, lowest, heardMs }]) => [
      key,
      epoch,
      highest,
      new Uint8Array(applied.slice().buffer),
      lowest,
      heardMs,
    ])
  }

  restore(images: readonly ProducerImage[]): void {
    for (const [key, epoch, highest, bytes, lowest = highest, heardMs = 0] of images) {
      const applied = new Uint32Array(MAP_WORDS)
      new Uint8Array(applied.buffer).set(bytes)
      this.#enter(key, { epoch, highest, applied, lowest, heardMs })
    }
    this.#silentFromMs = Number.NEGATIVE_INFINITY
  }

  #enter(key: string, state: ProducerState): void {
    const { kind, probe } = partsOf(key)
    let states = this.#byKind.get(kind)
    if (states === undefined) {
      states = new Map()
      this.#byKind.set(kind, states)
    }
    states.set(probe, state)
    this.#states.set(key, state)
  }

  #hasRoom(time: HearingTime): boolean {
    return this.#states.size < this.#most || this.#findSilent(time).length > 0
  }

  /** Makes room for more; returns how many numbers of theirs nobody can send any more. */
  #forgetSilent(time: HearingTime): number {
    if (this.#states.size < this.#most - this.#spare) return 0
    let missed = 0
    for (const [key, state] of this.#findSilent(time).slice(0, this.#spare)) {
      missed += countMissed(state, state.highest)
      this.#states.delete(key)
      const { kind, probe } = partsOf(key)
      this.#byKind.get(kind)!.delete(probe)
    }
    return missed
  }

  /** Who may be forgotten, the longest silent first. */
  #findSilent({ silentBeforeMs }: HearingTime): [string, ProducerState][] {
    // All are looked at, so not for every stranger of a flood.
    if (this.#silentFromMs >= silentBeforeMs) return []
    const silent: [string, ProducerState][] = []
    let fromMs = Number.POSITIVE_INFINITY
    for (const entry of this.#states) {
      if (entry[1].heardMs < silentBeforeMs) silent.push(entry)
      fromMs = Math.min(fromMs, entry[1].heardMs)
    }
    this.#silentFromMs = fromMs
    return silent.sort(([a, { heardMs: left }], [b, { heardMs: right }]) =>
      left === right ? (a < b ? -1 : 1) : left - right,
    )
  }
}

/** Kind and name in a key; names hold no slash, and neither do kinds. */
function partsOf(key: string): { kind: string; probe: string } {
  const at = key.indexOf('/')
  return { kind: key.slice(0, at), probe: key.slice(at + 1) }
}

/** Numbers of the map up to `last`, from the lowest ever applied on, that were not applied. */
function countMissed({ highest, lowest, applied }: ProducerState, last: number): number {
  let missed = 0
  for (let seq = Math.max(lowest, highest - PRODUCER_MAP_SIZE); seq <= last; seq++) {
    if (!isSet(applied, seq)) missed += 1
  }
  return missed
}

/** Sequence numbers may exceed 2^32: the remainder is taken in doubles. */
function bitOf(seq: number): number {
  return seq % MAP_BITS
}

function isSet(applied: Uint32Array, seq: number): boolean {
  const bit = bitOf(seq)
  return ((applied[bit >>> 5]! >>> (bit & 31)) & 1) === 1
}

function set(applied: Uint32Array, seq: number): void {
  const bit = bitOf(seq)
  applied[bit >>> 5]! |= 1 << (bit & 31)
}

function clear(applied: Uint32Array, seq: number): void {
  const bit = bitOf(seq)
  applied[bit >>> 5]! &= ~(1 << (bit & 31))
}
