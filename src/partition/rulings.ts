/**
 * Rulings: what a person decided about a halt, written into OUT by `highwater resume` and found
 * there by every later recovery and replay, so that a halt is never for ever and a replay decides
 * the same.
 *
 *   skip-input        one input is treated as if it were not there: it moves the sequence, nothing
 *                     else (no clock, no timers, no dedupe map); its body goes to REJ
 *   ignore-timestamp  the stamps of a stretch of inputs count as at most the time of the ruling
 *   new-baseline      the partition goes on at another place of IN, of OUT, or of both
 *
 * A baseline begins a new *era*: sequences of IN before and after it are not of one line, so every
 * place in IN that a ruling names belongs to an era, counted from 0. Wire form: MessagePack,
 * README ("What comes out").
 */

import { decode, encode } from '@msgpack/msgpack'
import { PartitionHaltedError } from '../errors.ts'
import type { InputMessage } from '../model/ports.ts'
import { RULING_CHOICES, type RulingChoice } from '../model/ways-out.ts'

/** The fingerprint of an input that we did not read: it is not compared. */
export const FINGERPRINT_UNKNOWN = -1

/** Where the partition goes on, and what counts as said. */
export interface Baseline {
  /**
   * Where IN goes on; null: as before. `next` is the first input to be read. `from`: the position
   * at which the jump is made at once, before anything is read (null: none). `isForward`: IN is
   * still the same stream, so the jump is also made by whoever comes along to `next`.
   */
  readonly input: {
    readonly created: string
    readonly next: number
    readonly from: number | null
    readonly isForward: boolean
  } | null
  /**
   * Where OUT goes on: at this ruling, in this incarnation; null: as before. `era` counts such
   * baselines: it is for images that know `era` of them or fewer.
   */
  readonly output: { readonly created: string; readonly era: number } | null
  /** Whether what is replayed up to `next` must decide as OUT says; else it is not compared. */
  readonly isCompared: boolean
  /** Last decision that counts as said, and the running digest up to it. */
  readonly said: { readonly number: number; readonly digest: string }
  /** A genesis for a partition without image and without a log from its beginning; else null. */
  readonly genesis: Uint8Array | null
  /** With `output`: rulings before this one that still lie ahead, since OUT is read from here. */
  readonly carried: readonly Ruling[]
}

/** One ruling. Times are ms since the epoch by the clock of whoever ruled. */
export interface Ruling {
  readonly v: 1
  readonly kind: 'ruling'
  /** Reason or code of the halt that it is about. */
  readonly halt: string
  /** Era of `input`. */
  readonly era: number
  /** The input that it is about; the first of a stretch; the first to be read of a baseline. */
  readonly input: number
  readonly choice: RulingChoice
  /** `ignore-timestamp`: last input of the stretch. */
  readonly through?: number
  readonly baseline?: Baseline
  readonly by: string
  readonly reason: string
  readonly time: number
}

/** Encodes a ruling for OUT. */
export function encodeRuling(ruling: Ruling): Uint8Array {
  return encode(ruling)
}

/**
 * Decodes a message of OUT; null: it is no ruling. Throws PartitionHaltedError for one that this
 * engine does not understand, since a replay that overlooks it would decide otherwise.
 */
export function decodeRuling(data: Uint8Array): Ruling | null {
  const ruling = decode(data) as Ruling
  if (ruling.kind !== 'ruling') return null
  const isKnown =
    ruling.v === 1 &&
    RULING_CHOICES.includes(ruling.choice) &&
    Number.isSafeInteger(ruling.era) &&
    Number.isSafeInteger(ruling.input) &&
    (ruling.choice !== 'new-baseline' || ruling.baseline !== undefined)
  if (isKnown) return ruling
  throw new PartitionHaltedError(
    'engine-version',
    'OUT holds a ruling that this engine cannot read',
  )
}

/** The rulings that lie ahead of a partition, in the order of OUT. */
export class Rulings {
  readonly #rulings: readonly Ruling[]

  constructor(rulings: readonly Ruling[] = []) {
    this.#rulings = rulings
  }

  /** These and one more. */
  with(ruling: Ruling): Rulings {
    return new Rulings([...this.#rulings, ruling])
  }

  /** Whether there is nothing to look up; asked per input. */
  get isEmpty(): boolean {
    return this.#rulings.length === 0
  }

  /** Whether this input is to be treated as if it were not there. */
  isSkipped(era: number, sequence: number): boolean {
    if (this.isEmpty) return false
    return this.#rulings.some(
      (ruling) => ruling.choice === 'skip-input' && ruling.era === era && ruling.input === sequence,
    )
  }

  /** The stamp that counts for an input, ms; 0 for one that is skipped. */
  stampOf(era: number, message: InputMessage): number {
    const { sequence, timestampMs } = message
    if (this.isEmpty) return timestampMs
    if (this.isSkipped(era, sequence)) return 0
    const ceilings = this.#rulings
      .filter(
        ({ choice, era: ruledEra, input, through = input }) =>
          choice === 'ignore-timestamp' &&
          ruledEra === era &&
          input <= sequence &&
          sequence <= through,
      )
      .map(({ time }) => time)
    return Math.min(timestampMs, ...ceilings)
  }

  /**
   * The baseline that decides how the era goes on for a partition that stands at `sequence`; null:
   * none. Of several the last one ruled counts.
   */
  baselineFrom(era: number, sequence: number): InputBaseline | null {
    const all = this.#rulings.filter(
      (ruling): ruling is InputBaseline =>
        ruling.era === era && ruling.baseline !== undefined && ruling.baseline.input !== null,
    )
    const atOnce = all.findLast(({ baseline }) => baseline.input.from === sequence)
    if (atOnce !== undefined) return atOnce
    const ahead = ({ baseline }: InputBaseline): boolean =>
      baseline.input.isForward && sequence < baseline.input.next
    return all.findLast(ahead) ?? null
  }

  /** Baselines of OUT that lie behind one who has read all this, and knew `era` of them before. */
  outputEraAfter(era: number): number {
    const known = this.#rulings.map(({ baseline }) => (baseline?.output?.era ?? -1) + 1)
    return Math.max(era, ...known)
  }

  /** Whether a later era begins with a baseline that compares nothing of what leads to it. */
  isMutedAfter(era: number): boolean {
    return this.#rulings.some(
      ({ era: ruledEra, baseline }) =>
        ruledEra > era && baseline?.isCompared === false && baseline.input !== null,
    )
  }

  /** Those that a partition at this place still needs; for the image. */
  ahead(era: number, sequence: number): readonly Ruling[] {
    return this.#rulings.filter((ruling) => {
      if (ruling.era !== era) return ruling.era > era
      if (ruling.baseline !== undefined) return ruling.baseline.input !== null
      return (ruling.through ?? ruling.input) > sequence
    })
  }
}

/** A ruling that says where IN goes on. */
export type InputBaseline = Ruling & {
  readonly baseline: Baseline & { readonly input: NonNullable<Baseline['input']> }
}

/** Whether the jump of a baseline is due at a position of its era. */
export function isJumpDue({ baseline }: InputBaseline, sequence: number): boolean {
  const { from, next, isForward } = baseline.input
  return from === sequence || (isForward && sequence === next - 1)
}
