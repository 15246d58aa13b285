/**
 * OUT as a chain that is read: numbers without a gap, and the digest after each message. For
 * recovery, which reads the tail past an image, and for a standby, which follows a living owner.
 */

import { decode } from '@msgpack/msgpack'
import { PartitionHaltedError } from '../errors.ts'
import type { OutputMessage } from '../model/ports.ts'
import type { OutputPlace } from './output-writer.ts'
import { decodeRuling, type Ruling } from './rulings.ts'

/** A place in OUT behind which a reader begins, and what it knows of the decisions up to there. */
export interface ChainStart {
  /** Messages up to this one need not be read again. */
  readonly outputSequence: number
  /** Last decision that the reader knows, and the running digest after it. */
  readonly decisionNumber: number
  readonly digest: string
}

/** How far OUT is, for whoever waits for it: the owner's writer and a standby's follower tell. */
export interface OutputProgress {
  /** Sequence of the last claim known. */
  readonly epoch: number
  /** Last message that is ours, or that we have compared with ours. */
  readonly place: OutputPlace
  /** Number of the last decision that OUT holds, of those that we made. */
  readonly acknowledgedNumber: number
  /** Resolves when OUT holds the decision, or when nobody looks any more. */
  acknowledged(number: number): Promise<void>
}

/** One message of decisions, without the decisions. */
export interface ChainLink {
  readonly first: number
  readonly last: number
  readonly digest: string
}

/** Checks messages of OUT one after the other. */
export class ChainReader {
  readonly #start: ChainStart
  #previousLast: number | null = null
  /** Sequence of the last claim read; 0 before the first. */
  claimSequence = 0
  /** The ruling that the last message read is; null: it is none. */
  ruling: Ruling | null = null

  constructor(start: ChainStart) {
    this.#start = start
  }

  /**
   * The next message's link; null when it holds no decisions. Throws PartitionHaltedError
   * (`output-gap`, `digest-mismatch`).
   */
  next({ sequence, data }: OutputMessage): ChainLink | null {
    const envelope = decode(data) as Partial<ChainLink> & { kind?: string }
    if (envelope.kind === 'claim') this.claimSequence = sequence
    this.ruling = envelope.kind === 'ruling' ? decodeRuling(data) : null
    // A baseline says which decision is the last one, whatever went before it.
    const { baseline } = this.ruling ?? {}
    if (baseline !== undefined) this.#previousLast = baseline.said.number
    if (envelope.kind !== 'decisions') return null
    const { decisionNumber } = this.#start
    const { first = 0, last = 0, digest = '' } = envelope
    // The first message may begin before the start: it was under way when the image was taken.
    const isNext =
      this.#previousLast === null ? first <= decisionNumber + 1 : first === this.#previousLast + 1
    if (!isNext) {
      const text = `OUT ${sequence} starts with decision ${first} after ${this.#previousLast ?? decisionNumber}`
      throw new PartitionHaltedError('output-gap', text)
    }
    // Whoever reads on past a mismatch must not take it for a gap as well.
    this.#previousLast = last
    // What OUT says of the image's last decision must be what the image says of it.
    if (decisionNumber > 0 && last === decisionNumber && digest !== this.#start.digest) {
      const text = `the image and OUT disagree on the decisions up to ${decisionNumber}`
      throw new PartitionHaltedError('digest-mismatch', text)
    }
    return { first, last, digest }
  }
}
