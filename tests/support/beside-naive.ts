/**
 * The machine beside the naive model: the same inputs into both, and everything that both know
 * compared.
 */

import { decode } from '@msgpack/msgpack'
import { expect } from 'vitest'
import type { ConfigFiles } from '../../src/model/catalog.ts'
import { SUPPRESSION_REASONS } from '../../src/model/decision.ts'
import { REJECT_REASONS, type RejectReason } from '../../src/model/reject.ts'
import type { CounterView } from '../../src/model/view.ts'
import { inspectSubscriber } from '../../src/partition/inspect.ts'
import type { PartitionMachine } from '../../src/partition/machine.ts'
import { Rulings } from '../../src/partition/rulings.ts'
import { NO_SUBSCRIBER } from '../../src/state/subscriber-index.ts'
import { expectSame } from './expect-same.ts'
import { drainDecisions, encodeInput, startMachine } from './machine-harness.ts'
import type { NaiveDecision, NaiveInput } from './naive/input.ts'
import { NaiveModel, type NaiveReject } from './naive/model.ts'
import type { Workload } from './workload/generate.ts'

/** What `runBesideNaive` saw; both sides agree on all of it. */
export interface Agreement {
  readonly decisions: readonly NaiveDecision[]
  readonly rejects: readonly NaiveReject[]
  readonly machine: PartitionMachine
  readonly model: NaiveModel
}

/** Inputs that a person ruled to be skipped: by the machine as ruled, by the model as told. */
export interface RuledOut {
  readonly rulings: Rulings
  readonly sequences: ReadonlySet<number>
}

/** Runs a workload through both, and expects the same decisions, counters, counts and rejects. */
export function runBesideNaive(
  { inputs, parameters }: Workload,
  files: ConfigFiles,
  label: string,
  ruled: RuledOut = { rulings: new Rulings(), sequences: new Set() },
): Agreement {
  const model = new NaiveModel(parameters)
  const machine = startMachine(parameters, files)
  machine.follow(ruled.rulings, [])
  const decisions: NaiveDecision[] = []
  for (const input of inputs) {
    const isSkipped = ruled.sequences.has(input.sequence)
    const expected = isSkipped ? model.skip(input) : model.apply(input)
    machine.apply(encodeInput(input, parameters.partition))
    const decided = drainDecisions(machine).map(({ generation: _, ...decision }) => decision)
    expectSame(decided, expected, () => `${label}, ${describe(input)}`)
    decisions.push(...decided)
  }
  const rejects = readRejects(machine)
  expect(rejects, `${label}: rejects`).toEqual(model.rejects)
  expectSameCounts(machine, model, label)
  expectSameSubscribers(machine, model, label)
  return { decisions, rejects, machine, model }
}

/** Whole messages refused by the machine so far; takes its reject parts. */
export function readRejects(machine: PartitionMachine): NaiveReject[] {
  const ignored = ['too-late', 'too-early', 'unknown-delivery']
  return machine.rejects.takeAll().flatMap(({ bytes }) => {
    const part = decode(bytes) as { in: number; reason: RejectReason; part: number }
    if (part.part > 0 || ignored.includes(part.reason)) return []
    return [{ sequence: part.in, reason: part.reason }]
  })
}

function expectSameCounts(machine: PartitionMachine, model: NaiveModel, label: string): void {
  const { statistics } = machine.core!
  const { feedbackIgnored, ...expected } = model.statistics
  const { records, recordsTooLate, recordsTooEarly, recordsLateForWindow } = statistics
  const { duplicateBatches, candidates, timersFired, subscribersErased, rejects } = statistics
  const counts = {
    ...{ records, recordsTooLate, recordsTooEarly, recordsLateForWindow },
    ...{ duplicateBatches, candidates, timersFired, subscribersErased },
  }
  expect(counts, `${label}: counts`).toEqual(expected)
  const cancelled = statistics.suppressed[SUPPRESSION_REASONS.indexOf('erased')]
  expect(cancelled, `${label}: cancelled by erasures`).toBe(model.cancelledByErasure())
  expect(rejects[REJECT_REASONS.indexOf('unknown-delivery')], label).toBe(feedbackIgnored)
  expect(machine.core!.clockMs, `${label}: clock`).toBe(model.clockMs())
}

function expectSameSubscribers(machine: PartitionMachine, model: NaiveModel, label: string): void {
  const core = machine.core!
  const known = Array.from({ length: core.tables[0]!.rowCount }, (_, slot) =>
    core.subscriberOf(slot),
  ).filter((subscriber) => subscriber !== NO_SUBSCRIBER)
  expect(known.length, `${label}: subscribers`).toBe(core.subscriberCount)
  expect(known.toSorted(byNumber), `${label}: subscribers`).toEqual(
    model.subscribers().toSorted(byNumber),
  )
  let pending = 0
  for (const subscriber of known) {
    const view = inspectSubscriber(core, subscriber)!
    pending += view.deliveries.filter(({ status }) => status === 'pending').length
    const counters = model.counters(subscriber)
    for (const counter of view.counters) expectSameCounter(counter, counters, label)
  }
  expect(pending, `${label}: pending`).toBe(model.pendingCount())
}

/**
 * The model speaks of the subscriber's own running period, the machine of the clock's if that is
 * later: then the model's values are the machine's past ones.
 */
function expectSameCounter(view: CounterView, counters: readonly CounterView[], label: string) {
  const { counter, counterWindow } = view
  const expected = counters.find(
    (each) => each.counter === counter && each.counterWindow === counterWindow,
  )
  const running = expected === undefined ? [] : [expected.value, ...expected.previous]
  const back = expected === undefined ? 0 : periodsBetween(expected.period, view.period)
  const values = [view.value, ...view.previous]
  const aged = values.map((_, index) => running[index - back] ?? 0)
  expectSame(values, aged, () => `${label}: ${counter}.${counterWindow}`)
}

/** Days or months from one period's text to a later one's. */
function periodsBetween(from: string, to: string): number {
  const [earlier, later] = [from, to].map((text) => {
    const [year = 0, month = 1, day] = text.split('-').map(Number)
    return day === undefined ? year * 12 + month : Date.UTC(year, month - 1, day) / 86_400_000
  })
  return later! - earlier!
}

const byNumber = (a: number, b: number): number => a - b

function describe(input: NaiveInput): string {
  return `input ${input.sequence} ${JSON.stringify(input).slice(0, 400)}`
}
