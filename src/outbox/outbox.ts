/**
 * The outbox: decisions numbered, encoded and digested in the order they are made, waiting to leave
 * in messages of many. Nothing of an input leaves before the whole input is applied (`seal`). On
 * replay what OUT already holds is numbered and digested again, compared, and not kept.
 *
 * Wire form of a decision (MessagePack map): n, in, kind, trigger, sub, period, attempt, gen, at,
 * fired, values, then id, channel, message, not_before, not_after and, where they say something,
 * class, canary, segments, lang, purpose and region (delivery); id, channel, experiment,
 * not_before, not_after and region (holdout); reason, and where there is one winner or detail
 * (suppressed); id, channel, what, time, by and, where they say something, word, first, arm,
 * canary, purpose and region (outcome); or channel, place and, where they say something, canary
 * and region (shown).
 */

import { assert, PartitionHaltedError } from '../errors.ts'
import type { ActionSpec } from '../model/action.ts'
import type {
  Delivery,
  Holdout,
  JourneyDecision,
  Outcome,
  Shown,
  Suppression,
} from '../model/decision.ts'
import { Digest, formatDigest, parseDigest } from './digest.ts'
import { Openings } from './openings.ts'
import { encodeText, Packer } from './packer.ts'

/** What a message of OUT may hold at most. */
export interface OutboxLimits {
  readonly batchDecisionsMax: number
  readonly batchSizeMax: number
}

/** A message ready to be published; `bytes` is the receiver's. */
export interface OutputBatch {
  readonly first: number
  readonly last: number
  readonly bytes: Uint8Array
}

/**
 * A decision before it gets its number. `isPersonal`: hardly anybody else gets the same message, so
 * its bytes are not kept for the next one.
 */
export type NewDecision =
  | (Omit<Delivery, 'number'> & { readonly isPersonal?: boolean })
  | Omit<Holdout, 'number'>
  | Omit<Suppression, 'number'>
  | Omit<Outcome, 'number'>
  | Omit<JourneyDecision, 'number'>
  | Omit<Shown, 'number'>

/** Decisions of one partition. `decisionNumber` is the last one made. */
export class Outbox {
  readonly digest = new Digest()
  decisionNumber = 0
  readonly #packer = new Packer()
  readonly #head = new Packer(256)
  readonly #openings = new Openings()
  /** End of each waiting decision in the packer, and the digest after it. */
  readonly #ends: number[] = []
  readonly #lows: number[] = []
  readonly #highs: number[] = []
  /** Entries before this position have left in the batch in flight or before. */
  #taken = 0
  /** Decisions that OUT already holds: numbers up to `#replayTo`, digests by number. */
  #replayTo = 0
  #expectedDigests: ReadonlyMap<number, string> = new Map()
  #sealedCount = 0
  #isMuted = false

  /** Decisions waiting to leave, sealed or not. */
  get waitingCount(): number {
    return this.#ends.length - this.#taken
  }

  get waitingSize(): number {
    return this.#packer.size
  }

  /** Number of the first decision that waits. */
  get nextNumber(): number {
    return this.decisionNumber - this.waitingCount + 1
  }

  /** Starts from an image. */
  restore(decisionNumber: number, low: number, high: number): void {
    this.decisionNumber = decisionNumber
    this.digest.low = low
    this.digest.high = high
  }

  /**
   * OUT holds decisions up to `last`, further than we made; digests by number of the last decision
   * of each message there. What waits is part of it: the digest of the message that ends later
   * judges that too.
   */
  expectReplay(last: number, digests: ReadonlyMap<number, string>): void {
    assert(last >= this.decisionNumber && this.#sealedCount === this.#ends.length)
    this.#taken = this.#ends.length
    this.#compact()
    this.#replayTo = last
    this.#expectedDigests = digests
  }

  /**
   * Forgets the decisions up to `last`, which the owner has put into OUT; what we made ourselves
   * must be the same. `last` is made and not beyond. Throws
   * PartitionHaltedError('digest-mismatch').
   */
  release(last: number, digest: string): void {
    // A baseline took it over as said: there is nothing of ours to compare it with.
    if (last < this.nextNumber) return
    const index = this.#taken + (last - this.nextNumber)
    assert(index >= this.#taken && index < this.#sealedCount, 'what waits is released in order')
    if (formatDigest(this.#lows[index]!, this.#highs[index]!) !== digest) {
      const text = `the owner decided otherwise than we do, at or before decision ${last}`
      throw new PartitionHaltedError('digest-mismatch', text)
    }
    this.#taken = index + 1
    this.#compact()
  }

  /** Whether decisions that OUT holds have not been made again yet. */
  get isReplaying(): boolean {
    return this.#isMuted || this.decisionNumber < this.#replayTo
  }

  get isMuted(): boolean {
    return this.#isMuted
  }

  /** From now on decisions are neither numbered nor kept, until `rebase`: OUT's count instead. */
  mute(): void {
    assert(this.waitingCount === 0)
    this.#isMuted = true
  }

  /** Decisions up to `number` count as said, whoever made them; the next one follows it. */
  rebase(number: number, digest: string): void {
    assert(this.waitingCount === 0)
    const { low, high } = parseDigest(digest)
    this.restore(number, low, high)
    this.#isMuted = false
  }

  /**
   * Numbers, encodes and digests one decision. Throws PartitionHaltedError('digest-mismatch') on
   * replay.
   */
  add(decision: NewDecision): void {
    if (this.#isMuted) return
    const number = ++this.decisionNumber
    const packer = this.#packer
    const start = packer.size
    writeDecision(packer, this.#openings, number, decision)
    this.digest.add(packer.bytes, start, packer.size)
    if (number <= this.#replayTo) {
      packer.size = start
      const expected = this.#expectedDigests.get(number)
      if (expected !== undefined && expected !== this.digest.text()) {
        throw new PartitionHaltedError(
          'digest-mismatch',
          `replay decides otherwise than OUT holds, at or before decision ${number}`,
        )
      }
      return
    }
    this.#ends.push(packer.size)
    this.#lows.push(this.digest.low)
    this.#highs.push(this.digest.high)
  }

  /** The input is applied whole: its decisions may leave. */
  seal(): void {
    this.#sealedCount = this.#ends.length
  }

  /** The next message for the owner with this epoch; null when nothing sealed waits. */
  take(epoch: number, limits: OutboxLimits): OutputBatch | null {
    this.#compact()
    const from = this.#taken
    const to = Math.min(this.#sealedCount, from + limits.batchDecisionsMax)
    if (from >= to) return null
    const start = from === 0 ? 0 : this.#ends[from - 1]!
    let count = 1
    while (from + count < to && this.#ends[from + count]! - start <= limits.batchSizeMax) count += 1
    const end = this.#ends[from + count - 1]!
    const first = this.nextNumber
    const last = first + count - 1
    const head = this.#head
    head.reset()
    head.map(7)
    head.text('v')
    head.number(1)
    head.text('kind')
    head.text('decisions')
    head.text('epoch')
    head.number(epoch)
    head.text('first')
    head.number(first)
    head.text('last')
    head.number(last)
    head.text('digest')
    head.asciiOnce(formatDigest(this.#lows[from + count - 1]!, this.#highs[from + count - 1]!))
    head.text('decisions')
    head.array(count)
    const bytes = new Uint8Array(head.size + end - start)
    bytes.set(head.bytes.subarray(0, head.size))
    bytes.set(this.#packer.bytes.subarray(start, end), head.size)
    this.#taken = from + count
    return { first, last, bytes }
  }

  /** Drops what has left; cheap because batches are large and few are in flight. */
  #compact(): void {
    if (this.#taken === 0 || this.#taken * 2 < this.#ends.length) return
    const cut = this.#ends[this.#taken - 1]!
    this.#packer.discard(cut)
    this.#ends.splice(0, this.#taken)
    this.#lows.splice(0, this.#taken)
    this.#highs.splice(0, this.#taken)
    for (let i = 0; i < this.#ends.length; i++) this.#ends[i]! -= cut
    this.#sealedCount -= this.#taken
    this.#taken = 0
  }
}

function writeDecision(
  packer: Packer,
  openings: Openings,
  number: number,
  decision: NewDecision,
): void {
  packer.raw(openings.of(decision))
  packer.raw(KEYS.n)
  packer.number(number)
  packer.raw(KEYS.in)
  packer.number(decision.inputSequence)
  packer.raw(KEYS.sub)
  packer.number(decision.subscriber)
  packer.raw(KEYS.period)
  packer.text(decision.period)
  packer.raw(KEYS.attempt)
  packer.number(decision.attempt)
  packer.raw(KEYS.gen)
  packer.number(decision.generation)
  packer.raw(KEYS.at)
  packer.number(decision.decidedAtMs)
  packer.raw(KEYS.fired)
  packer.number(decision.firedAtMs)
  packer.raw(KEYS.values)
  const { values } = decision
  let count = 0
  for (const _ in values) count += 1
  packer.map(count)
  for (const name in values) {
    packer.text(name)
    packer.number(values[name]!)
  }
  if (decision.kind === 'suppressed') {
    if (decision.winner !== undefined) {
      packer.raw(KEYS.winner)
      packer.text(decision.winner)
    }
    if (decision.detail !== undefined) {
      packer.raw(KEYS.detail)
      packer.text(decision.detail)
    }
    return
  }
  if (decision.kind === 'journey') {
    writeRegion(packer, decision)
    return
  }
  if (decision.kind === 'shown') {
    packer.raw(KEYS.place)
    packer.number(decision.place)
    writeRegion(packer, decision)
    return
  }
  packer.raw(KEYS.id)
  packer.asciiOnce(decision.id)
  if (decision.kind === 'outcome') {
    packer.raw(KEYS.time)
    packer.number(decision.timeMs)
    if (decision.word !== undefined) {
      packer.raw(KEYS.word)
      packer.text(decision.word)
    }
  } else {
    packer.raw(KEYS.not_before)
    packer.number(decision.notBeforeMs)
    packer.raw(KEYS.not_after)
    packer.number(decision.notAfterMs)
    if (decision.kind === 'delivery') writeMessage(packer, decision)
  }
  writeRegion(packer, decision)
}

function writeMessage(
  packer: Packer,
  { message, action, segments, isPersonal }: NewDecision & { readonly kind: 'delivery' },
): void {
  if (action !== undefined) writeAction(packer, action)
  else if (isPersonal === true) {
    packer.raw(KEYS.message)
    packer.textOnce(message)
  }
  if (segments === undefined) return
  packer.raw(KEYS.segments)
  packer.number(segments)
}

function writeAction(packer: Packer, action: ActionSpec): void {
  packer.raw(KEYS.action)
  packer.map(3)
  packer.raw(KEYS.kind)
  packer.text(action.kind)
  if (action.kind === 'credit') {
    packer.raw(KEYS.amount)
    packer.number(action.amount)
    packer.raw(KEYS.unit)
    packer.text(action.unit)
  } else {
    packer.raw(KEYS.tag)
    packer.text(action.tag)
    packer.raw(KEYS.value)
    packer.bool(action.value)
  }
}

function writeRegion(packer: Packer, { region }: { readonly region?: string }): void {
  if (region === undefined) return
  packer.raw(KEYS.region)
  packer.text(region)
}

const KEYS = {
  n: encodeText('n'),
  in: encodeText('in'),
  sub: encodeText('sub'),
  period: encodeText('period'),
  attempt: encodeText('attempt'),
  gen: encodeText('gen'),
  at: encodeText('at'),
  fired: encodeText('fired'),
  values: encodeText('values'),
  id: encodeText('id'),
  not_before: encodeText('not_before'),
  not_after: encodeText('not_after'),
  winner: encodeText('winner'),
  detail: encodeText('detail'),
  time: encodeText('time'),
  word: encodeText('word'),
  region: encodeText('region'),
  message: encodeText('message'),
  segments: encodeText('segments'),
  action: encodeText('action'),
  kind: encodeText('kind'),
  amount: encodeText('amount'),
  unit: encodeText('unit'),
  tag: encodeText('tag'),
  value: encodeText('value'),
  place: encodeText('place'),
} as const
