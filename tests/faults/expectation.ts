/**
 * What must have come of a story: worked out from the log as it was stored, by the naive model and
 * the ladder's arithmetic, which share no code with the engine.
 */

import type { RejectReason } from '../../src/model/reject.ts'
import type { CounterView } from '../../src/model/view.ts'
import { ProducerLedger } from '../support/naive/admission.ts'
import type { NaiveDecision, NaiveInput } from '../support/naive/input.ts'
import { NaiveModel } from '../support/naive/model.ts'
import { GARBAGE_SUBJECT } from './feeder.ts'
import { LADDER_PROBE, LadderModel } from './ladder.ts'
import { type LoggedMessage, readLogged } from './logged-input.ts'
import type { Story } from './story.ts'

/** Everything that a correct engine must have made of a log. */
export interface Expectation {
  /** Delivery id → the input that causes it. */
  readonly deliveries: ReadonlyMap<string, number>
  /** Decisions of the hostile workload in order, suppressions too; their own numbers. */
  readonly decisions: readonly NaiveDecision[]
  /** Whole messages that are refused. */
  readonly rejects: readonly ExpectedReject[]
  /** Counters that can be asked for, by subscriber. */
  readonly counters: ReadonlyMap<number, readonly ExpectedCounter[]>
}

/** A message that is refused whole. */
export interface ExpectedReject {
  readonly sequence: number
  readonly reason: RejectReason
}

/** A counter; `period` and `previous` where the model knows them. */
export type ExpectedCounter = Pick<CounterView, 'counter' | 'counterWindow' | 'value'> &
  Partial<CounterView>

/** Applies a stored log to the models. */
export function expectationOf(story: Story, log: Iterable<LoggedMessage>): Expectation {
  const model = new NaiveModel(story.parameters)
  const ladder = new LadderModel()
  const ledger = new ProducerLedger()
  const deliveries = new Map<string, number>()
  const decisions: NaiveDecision[] = []
  const rejects: ExpectedReject[] = []
  let realClockMs = 0
  for (const message of log) {
    realClockMs = Math.max(realClockMs, message.timestampMs)
    if (message.subject === GARBAGE_SUBJECT) {
      rejects.push({ sequence: message.sequence, reason: 'malformed' })
      continue
    }
    const input = readLogged(message)
    if (input === null) continue
    if (!isOfLadder(input)) {
      // With a real clock there are no others but the worker's own ticks.
      if (story.clock.mode === 'real') continue
      const decided = model.apply(input)
      decisions.push(...decided)
      for (const each of decided) {
        if (each.kind === 'delivery') deliveries.set(each.id, each.inputSequence)
      }
      continue
    }
    if (ledger.judge('usage', input.stamp) !== 'new') continue
    ledger.note('usage', input.stamp)
    const clockMs = story.clock.mode === 'real' ? realClockMs : model.clockMs()
    const { latenessMs, earlinessMs } = story.parameters
    for (const record of input.records) {
      const aheadMs = record.timeMs - clockMs
      if (aheadMs < -latenessMs || aheadMs > earlinessMs) continue
      const incarnation = model.incarnation(record.subscriber)
      for (const id of ladder.apply(record)) {
        deliveries.set(incarnation === 0 ? id : `${id}:${incarnation}`, input.sequence)
      }
    }
  }
  const counters = new Map<number, ExpectedCounter[]>()
  for (const subscriber of model.subscribers()) counters.set(subscriber, model.counters(subscriber))
  for (const [subscriber, value] of ladder.totals()) {
    counters.set(subscriber, [{ counter: 'steps', counterWindow: 'lifetime', value }])
  }
  return { deliveries, decisions, rejects: [...rejects, ...model.rejects], counters }
}

type UsageInput = Extract<NaiveInput, { kind: 'usage' }>

function isOfLadder(input: NaiveInput): input is UsageInput {
  return input.kind === 'usage' && input.stamp.probe === LADDER_PROBE
}
