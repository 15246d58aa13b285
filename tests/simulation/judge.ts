/**
 * The naive model beside OUT. Every message is judged the moment it is stored: whose it is, whether
 * its decisions follow the last one, and whether they are what the model decides. What the model
 * reads is IN itself, ticks of workers and repeats of producers included.
 */

import { isDeepStrictEqual } from 'node:util'
import { decode } from '@msgpack/msgpack'
import type { CounterView } from '../../src/model/view.ts'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { readDecisions } from '../support/machine-harness.ts'
import type { NaiveDecision, NaiveInput } from '../support/naive/input.ts'
import { NaiveModel } from '../support/naive/model.ts'
import type { StoredMessage } from './broker.ts'
import { type Meaning, type SimLog, textOfGeneration, WIDE_PREFIX } from './workload.ts'

/** Reasons that refuse rows of a message, not the message: the model counts them elsewhere. */
const ROW_REASONS = new Set(['too-late', 'too-early', 'unknown-delivery'])

/** Keeps the model beside the streams; `failures` is what it found. */
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
  readonly #log: SimLog
  readonly #model: NaiveModel
  readonly #inputs: StoredMessage[] = []
  readonly #meanings = new Map<number, Meaning>()
  readonly #expected: NaiveDecision[] = []
  readonly #rejects: { sequence: number; reason: string }[] = []
  readonly #deliveries = new Set<string>()
  readonly #configIds = new Set<string>()
  /** Engine of the last claim, and of each message of decisions. */
  #engine = ''
  readonly #makers: { last: number; engine: string }[] = []
  #generation = 1
  /** Inputs that the model has applied. */
  #applied = 1

  constructor(log: SimLog) {
    this.#log = log
    this.#model = new NaiveModel(log.parameters)
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

  get inputCount(): number {
    return this.#inputs.length
  }

  /** Ticks that workers asked for. */
  get tickCount(): number {
    return this.#inputs.length - 1 - this.#meanings.size
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
    const texts = (envelope.decisions as { message?: string }[]).map(({ message }) => message)
    for (const [index, decision] of readDecisions(data).entries()) {
      const { generation, ...rest } = decision
      this.#compare(rest)
      const text = texts[index]
      if (decision.kind === 'delivery' && text !== textOfGeneration(generation)) {
        this.fail(`decision ${rest.number} of generation ${generation} says "${text}"`)
      }
    }
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
    if (this.lastNumber !== this.#expected.length) {
      const text = `OUT ends with decision ${this.lastNumber}, the model with ${this.#expected.length}`
      this.fail(`${text}; ${missing} deliveries are missing`)
    }
    this.#checkRejects(rejects)
    this.checkState(machine)
  }

  /** Deliveries of the model, as far as it has gone, that OUT lacks. */
  get lost(): number {
    return this.#expected.filter(
      (each) => each.kind === 'delivery' && !this.#deliveries.has(each.id),
    ).length
  }

  /** Whether a machine that has applied all of IN knows what the model knows. */
  checkState(machine: PartitionMachine): void {
    this.#applyUpTo(this.#inputs.length)
    const model = this.#model
    const core = machine.core
    if (core === null || machine.sequence !== this.#inputs.length) {
      this.fail(`the machine stands at ${machine.sequence}, IN at ${this.#inputs.length}`)
      return
    }
    if (core.clockMs !== model.clockMs()) this.fail('the clocks differ')
    // A row that was erased finds nobody, or somebody else.
    const rowCount = core.tables[0]?.rowCount ?? 0
    const known = Array.from({ length: rowCount }, (_, slot) => core.subscriberOf(slot)).filter(
      (subscriber, slot) => core.index.find(subscriber) === slot,
    )
    if (!isDeepStrictEqual(known.toSorted(byNumber), model.subscribers().toSorted(byNumber))) {
      this.fail('the subscribers differ')
    }
    let pending = 0
    for (const subscriber of known) {
      const view = inspectSubscriber(core, subscriber)!
      pending += view.deliveries.filter(({ status }) => status === 'pending').length
      const counters = model.counters(subscriber)
      for (const counter of view.counters) this.#compareCounter(counter, counters)
    }
    if (pending !== model.pendingCount()) {
      this.fail(`${pending} deliveries are pending, the model has ${model.pendingCount()}`)
    }
  }

  fail(text: string): void {
    this.failures.push(text)
  }

  #compare(decision: NaiveDecision): void {
    const { number } = decision
    while (this.#expected.length < number && this.#applied < this.#inputs.length) {
      this.#applyUpTo(this.#applied + 1)
    }
    const expected = this.#expected[number - 1]
    if (!isDeepStrictEqual(decision, expected)) {
      this.fail(`decided ${JSON.stringify(decision)}, expected ${JSON.stringify(expected)}`)
    }
    this.lastNumber = number
    this.lastDecidedInput = decision.inputSequence
    if (decision.kind !== 'delivery') return
    this.deliveriesCompared += 1
    if (this.#deliveries.has(decision.id)) {
      this.duplicated += 1
      this.fail(`delivery ${number} was there before`)
    }
    this.#deliveries.add(decision.id)
    if (expected === undefined) this.duplicated += 1
  }

  #applyUpTo(count: number): void {
    for (; this.#applied < count; this.#applied++) this.#apply(this.#inputs[this.#applied]!)
  }

  #apply({ sequence, timestampMs }: StoredMessage): void {
    const { parameters, clock } = this.#log
    const writer = parameters.tickWriter
    const meaning = this.#meanings.get(sequence)
    if (clock === 'real') {
      // The partition follows the broker's stamps, whatever the message is; ticks carry no time.
      const id = `stamp-${sequence}`
      this.#applyNaive({ sequence, kind: 'tick', id, writer, timeMs: timestampMs })
      if (meaning !== undefined && meaning.kind !== 'tick' && meaning.kind !== 'config') {
        this.#applyNaive({ ...meaning, sequence })
      }
    } else if (meaning === undefined || meaning.kind === 'config') {
      const id = `quiet-${sequence}`
      this.#applyNaive({ sequence, kind: 'tick', id, writer: null, timeMs: null })
    } else {
      this.#applyNaive({ ...meaning, sequence })
    }
    if (meaning?.kind === 'config') this.#applyConfig(sequence, meaning)
  }

  #applyNaive(input: NaiveInput): void {
    for (const decision of this.#model.apply(input)) this.#expected.push(decision)
  }

  #applyConfig(sequence: number, config: Extract<Meaning, { kind: 'config' }>): void {
    if (this.#configIds.has(config.id)) return
    if (config.generation !== this.#generation + 1) {
      this.#rejects.push({ sequence, reason: 'stale-generation' })
      return
    }
    this.#generation = config.generation
    this.#configIds.add(config.id)
  }

  #checkRejects(stored: readonly (StoredMessage | null)[]): void {
    const found = new Map<string, string>()
    for (const message of stored) {
      if (message === null) continue
      const reject = decode(message.data) as { in: number; ordinal: number; reason: string }
      if (ROW_REASONS.has(reject.reason)) continue
      found.set(`${reject.in}-${reject.ordinal}`, `${reject.in} ${reject.reason}`)
    }
    const expected = [...this.#model.rejects, ...this.#rejects]
    const wanted = expected.map(({ sequence, reason }) => `${sequence} ${reason}`).sort()
    const got = [...found.values()].sort()
    if (!isDeepStrictEqual(got, wanted)) {
      const lacking = wanted.filter((each) => !got.includes(each))
      const extra = got.filter((each) => !wanted.includes(each))
      this.fail(`REJ lacks [${lacking.join(', ')}] and has [${extra.join(', ')}] too many`)
    }
  }

  /**
   * The model speaks of the subscriber's own running period, the machine of the clock's if that is
   * later: then the model's values are the machine's past ones.
   */
  #compareCounter(view: CounterView, counters: readonly CounterView[]): void {
    const { counter, counterWindow } = view
    const expected = counters.find(
      (each) => each.counter === counter && each.counterWindow === counterWindow,
    )
    if (counter.startsWith(WIDE_PREFIX)) {
      // All usage of a log with wide rows is OTT of one month and some days.
      const ott = counters.find((each) => each.counter === 'ott')?.value ?? 0
      if (view.value !== ott) this.fail(`${counter}.${counterWindow} is ${view.value}, not ${ott}`)
      return
    }
    const running = expected === undefined ? [] : [expected.value, ...expected.previous]
    const back = expected === undefined ? 0 : periodsBetween(expected.period, view.period)
    const values = [view.value, ...view.previous]
    const aged = values.map((_, index) => running[index - back] ?? 0)
    if (isDeepStrictEqual(values, aged)) return
    this.fail(
      `${counter}.${counterWindow} is [${values.join(', ')}], expected [${aged.join(', ')}]`,
    )
  }
}

const byNumber = (left: number, right: number): number => left - right

/** Days or months from one period's text to a later one's. */
function periodsBetween(from: string, to: string): number {
  const [earlier, later] = [from, to].map((text) => {
    const [year = 0, month = 1, day] = text.split('-').map(Number)
    return day === undefined ? year * 12 + month : Date.UTC(year, month - 1, day) / 86_400_000
  })
  return later! - earlier!
}
