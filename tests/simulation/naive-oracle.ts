/**
 * What the naive model expects: it reads what messages mean, not their bytes, and shares no code
 * with the engine.
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
import type { Oracle, SaidDecision } from './oracle.ts'
import { type Meaning, type SimLog, textOfGeneration, WIDE_PREFIX } from './workload.ts'

/** The naive model as an oracle. */
export class NaiveOracle implements Oracle {
  readonly machine = null
  readonly decisions: NaiveDecision[] = []
  readonly failures: string[] = []
  readonly #log: SimLog
  readonly #model: NaiveModel
  readonly #rejects: { sequence: number; reason: string }[] = []
  readonly #configIds = new Set<string>()
  #generation = 1

  constructor(log: SimLog) {
    this.#log = log
    this.#model = new NaiveModel(log.parameters)
  }

  isCounted({ kind }: SaidDecision): boolean {
    return kind === 'delivery'
  }

  read(data: Uint8Array): SaidDecision[] {
    const wire = (decode(data) as { decisions: { message?: string }[] }).decisions
    return readDecisions(data).map(({ generation, ...decision }, index) => {
      const text = wire[index]!.message
      if (decision.kind === 'delivery' && text !== textOfGeneration(generation)) {
        const what = `decision ${decision.number} of generation ${generation}`
        this.failures.push(`${what} says "${text}"`)
      }
      return decision
    })
  }

  apply({ sequence, timestampMs }: StoredMessage, meant: Meaning | undefined): void {
    // A town has an oracle of its own.
    const meaning = meant?.kind === 'town' ? undefined : meant
    const { parameters, clock } = this.#log
    if (sequence === 1) return
    const writer = parameters.tickWriter
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
    for (const decision of this.#model.apply(input)) this.decisions.push(decision)
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

  rejects(): string[] {
    const all = [...this.#model.rejects, ...this.#rejects]
    return all.map(({ sequence, reason }) => `${sequence} ${reason}`)
  }

  checkState(machine: PartitionMachine): void {
    const model = this.#model
    const core = machine.core!
    if (core.clockMs !== model.clockMs()) this.#fail('the clocks differ')
    // A row that was erased finds nobody, or somebody else.
    const rowCount = core.tables[0]?.rowCount ?? 0
    const known = Array.from({ length: rowCount }, (_, slot) => core.subscriberOf(slot)).filter(
      (subscriber, slot) => core.index.find(subscriber) === slot,
    )
    if (!isDeepStrictEqual(known.toSorted(byNumber), model.subscribers().toSorted(byNumber))) {
      this.#fail('the subscribers differ')
    }
    let pending = 0
    for (const subscriber of known) {
      const view = inspectSubscriber(core, subscriber)!
      pending += view.deliveries.filter(({ status }) => status === 'pending').length
      const counters = model.counters(subscriber)
      for (const counter of view.counters) this.#compareCounter(counter, counters)
    }
    if (pending !== model.pendingCount()) {
      this.#fail(`${pending} deliveries are pending, the model has ${model.pendingCount()}`)
    }
  }

  #fail(text: string): void {
    this.failures.push(text)
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
      if (view.value !== ott) this.#fail(`${counter}.${counterWindow} is ${view.value}, not ${ott}`)
      return
    }
    const running = expected === undefined ? [] : [expected.value, ...expected.previous]
    const back = expected === undefined ? 0 : periodsBetween(expected.period, view.period)
    const values = [view.value, ...view.previous]
    const aged = values.map((_, index) => running[index - back] ?? 0)
    if (isDeepStrictEqual(values, aged)) return
    this.#fail(
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
