/**
 * An oracle beside OUT. Every message is judged the moment it is stored: whose it is, whether its
 * decisions follow the last one, and whether they are what the oracle expects. The oracle reads IN
 * itself, ticks of workers and repeats of producers included.
 */

import { isDeepStrictEqual } from 'node:util'
import { decode } from '@msgpack/msgpack'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { excessOf } from '../support/town-watch.ts'
import type { WireDecision } from '../support/undisturbed.ts'
import type { StoredMessage } from './broker.ts'
import { MachineOracle } from './machine-oracle.ts'
import { NaiveOracle } from './naive-oracle.ts'
import { type Oracle, ROW_REASONS, type SaidDecision } from './oracle.ts'
import type { SimTown } from './town-log.ts'
import type { Meaning, SimLog } from './workload.ts'

/** Keeps the oracle beside the streams; `failures` is what it found. */
export class Judge {
  readonly failures: string[] = []
  /** Claims in OUT, oldest first. */
  readonly claims: { readonly sequence: number; readonly worker: string }[] = []
  lastNumber = 0
  /** Input of the last decision in OUT. */
  lastDecidedInput = 0
  deliveriesCompared = 0
  duplicated = 0
  /** Highest stamp in IN, ms. */
  stampMaxMs = 0
  readonly #oracle: Oracle
  readonly #town: SimTown | null
  readonly #inputs: StoredMessage[] = []
  readonly #meanings = new Map<number, Meaning>()
  readonly #deliveries = new Set<string>()
  /** Engine of the last claim, and of each message of decisions. */
  #engine = ''
  readonly #makers: { last: number; engine: string }[] = []
  /** Inputs that the oracle has applied. */
  #applied = 0

  constructor(log: SimLog) {
    this.#town = log.town
    this.#oracle = log.town === null ? new NaiveOracle(log) : new MachineOracle()
  }

  /** A message of IN, in order; the first is genesis. Not called for what tampering brought. */
  onInput(message: StoredMessage): void {
    this.#inputs.push(message)
    this.stampMaxMs = Math.max(this.stampMaxMs, message.timestampMs)
  }

  /** What the message at `sequence` means; without a word it is a worker's tick. */
  noteMeaning(sequence: number, meaning: Meaning): void {
    this.#meanings.set(sequence, meaning)
  }

  /** The oracle's, if it has one. */
  get machine(): PartitionMachine | null {
    return this.#oracle.machine
  }

  get inputCount(): number {
    return this.#inputs.length
  }

  /** Ticks that workers asked for. */
  get tickCount(): number {
    const own = this.#inputs.filter(({ sequence }) => sequence > 1 && !this.#meanings.has(sequence))
    return own.filter(({ data }) => (decode(data) as { kind: string }).kind === 'tick').length
  }

  onOutput({ sequence, data }: StoredMessage): void {
    const envelope = decode(data) as Record<string, unknown>
    if (envelope.kind === 'claim') {
      this.claims.push({ sequence, worker: String(envelope.worker) })
      this.#engine = String(envelope.engine)
      return
    }
    if (envelope.kind !== 'decisions') return
    const { epoch, first } = envelope
    if (this.isOutclaimed(Number(epoch))) {
      this.fail(`OUT ${sequence} bears epoch ${epoch}, another has claimed since`)
    }
    if (first !== this.lastNumber + 1) {
      this.fail(`OUT ${sequence} starts with decision ${first} after ${this.lastNumber}`)
    }
    this.#makers.push({ last: Number(envelope.last), engine: this.#engine })
    const wire = envelope.decisions as { n: number; in: number }[]
    for (const [index, decision] of this.#oracle.read(data).entries()) {
      this.#compare(decision, wire[index]!)
    }
    this.#hear()
  }

  /**
   * Whether somebody else has claimed after the claim at `epoch`. Late copies of a claim that its
   * owner had no answer for are his own.
   */
  isOutclaimed(epoch: number): boolean {
    const owner = this.claims.find(({ sequence }) => sequence === epoch)?.worker
    return this.claims.some(({ sequence, worker }) => sequence > epoch && worker !== owner)
  }

  /** Versions of the engines that made the decisions after `number`, first come first. */
  makersAfter(number: number): string[] {
    const later = this.#makers.filter(({ last }) => last > number)
    return [...new Set(later.map(({ engine }) => engine))]
  }

  /** All that must be true once the last owner has drained. */
  checkEnd(machine: PartitionMachine, rejects: readonly (StoredMessage | null)[]): void {
    this.#applyUpTo(this.#inputs.length)
    const missing = this.lost
    const { length } = this.#oracle.decisions
    if (this.lastNumber !== length) {
      const text = `OUT ends with decision ${this.lastNumber}, the oracle with ${length}`
      this.fail(`${text}; ${missing} deliveries are missing`)
    }
    this.#checkRejects(rejects)
    this.checkState(machine)
  }

  /** Of a town: no channel carried more than it can, with the neighbour's deliveries or without. */
  checkSums(beside: readonly WireDecision[]): void {
    if (this.#town === null) return
    const { limits, grownAtMs } = this.#town
    const own = this.#oracle.decisions as readonly WireDecision[]
    for (const excess of excessOf([...own, ...beside], limits, grownAtMs)) this.fail(excess)
  }

  /** Deliveries of the oracle, as far as it has gone, that OUT lacks. */
  get lost(): number {
    return this.#oracle.decisions.filter(
      ({ kind, id }) => kind === 'delivery' && !this.#deliveries.has(id!),
    ).length
  }

  /** Whether a machine that has applied all of IN knows what the oracle knows. */
  checkState(machine: PartitionMachine): void {
    this.#applyUpTo(this.#inputs.length)
    if (machine.core === null || machine.sequence !== this.#inputs.length) {
      this.fail(`the machine stands at ${machine.sequence}, IN at ${this.#inputs.length}`)
      return
    }
    this.#oracle.checkState(machine)
    this.#hear()
  }

  fail(text: string): void {
    this.failures.push(text)
  }

  #compare(decision: SaidDecision, { n: number, in: input }: { n: number; in: number }): void {
    const { decisions } = this.#oracle
    while (decisions.length < number && this.#applied < this.#inputs.length) {
      this.#applyUpTo(this.#applied + 1)
    }
    const expected = decisions[number - 1]
    if (!isDeepStrictEqual(decision, expected)) {
      this.fail(`decided ${JSON.stringify(decision)}, expected ${JSON.stringify(expected)}`)
    }
    this.lastNumber = number
    this.lastDecidedInput = input
    if (this.#oracle.isCounted(decision)) this.deliveriesCompared += 1
    if (decision.kind !== 'delivery') return
    if (this.#deliveries.has(decision.id!)) {
      this.duplicated += 1
      this.fail(`delivery ${number} was there before`)
    }
    this.#deliveries.add(decision.id!)
    if (expected === undefined) this.duplicated += 1
  }

  #applyUpTo(count: number): void {
    for (; this.#applied < count; this.#applied++) {
      const message = this.#inputs[this.#applied]!
      this.#oracle.apply(message, this.#meanings.get(message.sequence))
    }
  }

  /** What the oracle found besides. */
  #hear(): void {
    for (const failure of this.#oracle.failures.splice(0)) this.fail(failure)
  }

  #checkRejects(stored: readonly (StoredMessage | null)[]): void {
    const found = new Map<string, string>()
    for (const message of stored) {
      if (message === null) continue
      const reject = decode(message.data) as { in: number; ordinal: number; reason: string }
      if (ROW_REASONS.has(reject.reason)) continue
      found.set(`${reject.in}-${reject.ordinal}`, `${reject.in} ${reject.reason}`)
    }
    const wanted = this.#oracle.rejects().sort()
    const got = [...found.values()].sort()
    if (!isDeepStrictEqual(got, wanted)) {
      const lacking = wanted.filter((each) => !got.includes(each))
      const extra = got.filter((each) => !wanted.includes(each))
      this.fail(`REJ lacks [${lacking.join(', ')}] and has [${extra.join(', ')}] too many`)
    }
  }
}
