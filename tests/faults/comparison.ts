/**
 * OUT against the expectation: each delivery once, in its input's name, decisions numbered without
 * a gap, the hostile workload's decisions equal in every field, rejects, and counters of a sample.
 */

import { isDeepStrictEqual } from 'node:util'
import { decode } from '@msgpack/msgpack'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { CounterView, SubscriberView } from '../../src/model/view.ts'
import { type ReadDecision, readDecisions } from '../support/machine-harness.ts'
import { readRejects } from '../support/stream-contents.ts'
import { type Expectation, type ExpectedCounter, expectationOf } from './expectation.ts'
import type { LoggedMessage } from './logged-input.ts'
import type { Story } from './story.ts'

/** What a comparison found. */
export interface Comparison {
  readonly deliveriesCompared: number
  /** Deliveries of the model that OUT lacks. */
  readonly lost: number
  /** Deliveries that OUT holds again, or that the model does not know. */
  readonly duplicated: number
  /** In words; empty when all is well. */
  readonly failures: readonly string[]
}

/** What to compare beside OUT. */
export interface ComparisonChoice {
  /** Asks for a subscriber's counters; absent: they are not compared. */
  readonly inspect?: (subscriber: number) => Promise<SubscriberView | null>
  /** Subscribers whose counters are compared; default 40. */
  readonly sampleSize?: number
  /** False where the fault took away what was published, so that IN is the only truth. */
  readonly isAllStored?: boolean
}

/** Judges what streams hold when all has been worked off. */
export type Compare = (
  story: Story,
  manager: JetStreamManager,
  choice?: ComparisonChoice,
) => Promise<Comparison>

const FAILURES_MAX = 10

/** Reads IN, OUT and REJ of partition 0, and compares. The worker has settled (or stopped). */
export async function compareStory(
  story: Story,
  manager: JetStreamManager,
  choice: ComparisonChoice = {},
): Promise<Comparison> {
  const log = await readLog(manager)
  const expected = expectationOf(story, log)
  const failures: string[] = []
  if (choice.isAllStored !== false) failures.push(...findUnstored(story, log))
  const decided = await readChain(manager, failures)
  const counts = compareDeliveries(expected, decided, failures)
  if (failures.length === 0) compareDecisions(expected, decided, failures)
  if (failures.length === 0) await compareRejects(expected, manager, failures)
  if (choice.inspect !== undefined) {
    const { inspect, sampleSize = 40 } = choice
    await compareCounters(expected, inspect, sampleSize, failures)
  }
  return { ...counts, failures: firstOf(failures) }
}

/** The first failures, and how many more there are. */
export function firstOf(failures: readonly string[]): string[] {
  const more = failures.length - FAILURES_MAX
  const told = failures.slice(0, FAILURES_MAX)
  return more > 0 ? [...told, `and ${more} more`] : told
}

/** All of IN_<p>, in order. */
export async function readLog(manager: JetStreamManager, partition = 0): Promise<LoggedMessage[]> {
  const log: LoggedMessage[] = []
  const stream = readStored(manager, `IN_${partition}`)
  for await (const { sequence, timestampMs, subject, data } of stream) {
    log.push({ sequence, timestampMs, subject, data })
  }
  return log
}

/** Every message of the story was said to be stored, so it must be there, in words if not. */
export function findUnstored({ messages }: Story, log: readonly LoggedMessage[]): string[] {
  const key = (subject: string, data: Uint8Array): string =>
    `${subject} ${Buffer.from(data).toString('latin1')}`
  const stored = new Set(log.map(({ subject, data }) => key(subject, data)))
  const lost = messages.filter(({ subject, data }) => !stored.has(key(subject, data)))
  return lost.length === 0 ? [] : [`IN lacks ${lost.length} messages that were acknowledged`]
}

/** All decisions of OUT in order; a break in the numbers is a failure. */
async function readChain(manager: JetStreamManager, failures: string[]): Promise<ReadDecision[]> {
  const decided: ReadDecision[] = []
  let number = 0
  for await (const { sequence, data } of readStored(manager, 'OUT_0')) {
    const { kind, first, last } = decode(data) as { kind: string; first: number; last: number }
    if (kind !== 'decisions') continue
    const decisions = readDecisions(data)
    const isWhole = decisions.every((each, index) => each.number === first + index)
    if (first !== number + 1 || last !== first + decisions.length - 1 || !isWhole) {
      failures.push(`OUT ${sequence} holds decisions ${first} to ${last} after ${number}`)
    }
    number = last
    for (const decision of decisions) decided.push(decision)
  }
  return decided
}

function compareDeliveries(
  expected: Expectation,
  decided: readonly ReadDecision[],
  failures: string[],
) {
  const seen = new Set<string>()
  let deliveriesCompared = 0
  let duplicated = 0
  for (const decision of decided) {
    if (decision.kind !== 'delivery') continue
    deliveriesCompared += 1
    const inputSequence = expected.deliveries.get(decision.id)
    if (inputSequence === undefined || seen.has(decision.id)) {
      duplicated += 1
      const what = inputSequence === undefined ? 'is unknown to the model' : 'came twice'
      failures.push(`delivery ${withoutSubscriber(decision.id)} (${decision.number}) ${what}`)
    } else if (inputSequence !== decision.inputSequence) {
      const { number, inputSequence: found } = decision
      failures.push(`decision ${number} names input ${found}, not ${inputSequence}`)
    }
    seen.add(decision.id)
  }
  const lost = [...expected.deliveries].filter(([id]) => !seen.has(id))
  for (const [id, sequence] of lost) {
    failures.push(`delivery ${withoutSubscriber(id)} of input ${sequence} is lost`)
  }
  return { deliveriesCompared, lost: lost.length, duplicated }
}

/** The workload's decisions, suppressions included, in order; numbers are the whole chain's. */
function compareDecisions(
  expected: Expectation,
  decided: readonly ReadDecision[],
  failures: string[],
): void {
  const trigger = expected.decisions[0]?.trigger
  const found = decided.filter((each) => each.trigger === trigger)
  if (found.length !== expected.decisions.length) {
    failures.push(`${found.length} decisions of ${trigger}, not ${expected.decisions.length}`)
  }
  expected.decisions.forEach((want, index) => {
    const { generation: _, number: __, ...have } = found[index] ?? ({} as ReadDecision)
    const { number: ___, ...wanted } = want
    if (!isDeepStrictEqual(have, wanted)) {
      failures.push(`decision ${found[index]?.number} differs from the model's ${want.number}`)
    }
  })
}

async function compareRejects(
  expected: Expectation,
  manager: JetStreamManager,
  failures: string[],
): Promise<void> {
  const found = new Map<number, string>()
  for (const { in: sequence, reason } of await readRejects(manager, 0)) {
    if (!PER_RECORD_REASONS.has(reason)) found.set(sequence, reason)
  }
  for (const { sequence, reason } of expected.rejects) {
    if (found.get(sequence) !== reason) failures.push(`input ${sequence} lacks its reject`)
    found.delete(sequence)
  }
  for (const [sequence, reason] of found) failures.push(`input ${sequence} was refused: ${reason}`)
}

/** Records and rows that are refused one by one; the model counts them and tells nothing more. */
const PER_RECORD_REASONS = new Set(['too-late', 'too-early', 'unknown-delivery'])

async function compareCounters(
  expected: Expectation,
  inspect: NonNullable<ComparisonChoice['inspect']>,
  sampleSize: number,
  failures: string[],
): Promise<void> {
  const all = [...expected.counters]
  const step = Math.max(1, Math.floor(all.length / sampleSize))
  for (let index = 0; index < all.length; index += step) {
    const [subscriber, counters] = all[index]!
    const view = await inspect(subscriber)
    if (view === null) failures.push('a subscriber of the model is unknown')
    for (const have of view?.counters ?? []) {
      const want = counters.find((each) => isSameCounter(each, have))
      if (isDeepStrictEqual([have.value, ...have.previous], agedValues(want, have))) continue
      failures.push(`${have.counter}.${have.counterWindow} is ${have.value}, not ${want?.value}`)
    }
  }
}

function isSameCounter(a: ExpectedCounter, b: ExpectedCounter): boolean {
  return a.counter === b.counter && a.counterWindow === b.counterWindow
}

/**
 * The model speaks of the subscriber's own running period, the engine of the clock's if that is
 * later: then the model's values are the engine's past ones.
 */
function agedValues(want: ExpectedCounter | undefined, have: CounterView): number[] {
  const running = want === undefined ? [] : [want.value, ...(want.previous ?? [])]
  const back = want?.period === undefined ? 0 : periodsBetween(want.period, have.period)
  return [have.value, ...have.previous].map((_, index) => running[index - back] ?? 0)
}

/** Days or months from one period's text to a later one's. */
function periodsBetween(from: string, to: string): number {
  const [earlier, later] = [from, to].map((text) => {
    const [year = 0, month = 1, day] = text.split('-').map(Number)
    return day === undefined ? year * 12 + month : Date.UTC(year, month - 1, day) / 86_400_000
  })
  return later! - earlier!
}

const READS_AHEAD = 32

/** All messages of a stream, many requests at once. */
export async function* readStored(
  manager: JetStreamManager,
  stream: string,
): AsyncGenerator<LoggedMessage> {
  const { state } = await manager.streams.info(stream)
  if (state.last_seq === 0) return
  for (let first = state.first_seq; first <= state.last_seq; first += READS_AHEAD) {
    const count = Math.min(READS_AHEAD, state.last_seq - first + 1)
    const sequences = Array.from({ length: count }, (_, index) => first + index)
    const read = (seq: number) => manager.streams.getMessage(stream, { seq })
    for (const stored of await Promise.all(sequences.map(read))) {
      if (stored === null) continue
      const { seq, subject, data, timestamp } = stored
      yield { sequence: seq, timestampMs: Date.parse(timestamp), subject, data }
    }
  }
}

/** Failures are printed: no subscriber number in them. */
function withoutSubscriber(id: string): string {
  return id.replace(/:\d+:/, ':…:')
}
