/**
 * The naive model of the policy layer: one partition on a virtual clock, written from the contract
 * (design.md sections 5 and 6, README) with plain objects, arrays and sorting. It shares no code
 * with the engine but the hash of control groups, which is a draw and nothing else.
 */

import type { FeedbackRow, ProfileRow } from '../../src/model/messages.ts'
import type { NaiveRecord } from '../support/naive/input.ts'
import { periodText } from './calendar.ts'
import {
  EARLINESS_MS,
  LATENESS_MS,
  type PlainInput,
  type PlainList,
  type PlainPolicy,
  type PlainTrigger,
  type PolicyDecision,
  TICK_WRITER,
} from './plain.ts'
import { type Draws, PolicyBook } from './policy-book.ts'
import type { ModelCandidate } from './rows.ts'
import {
  countRecord,
  counterValue,
  createSubscriber,
  isConditionTrue,
  isPast,
  type ModelSubscriber,
  worthOf,
} from './subscriber.ts'

/** Where a partition begins. */
export interface ModelStart {
  readonly policy: PlainPolicy
  readonly zone: string
  readonly startMs: number
}

/** One partition. Feed it inputs in log order; all that it decides comes back from `apply`. */
export class PolicyModel {
  readonly #zone: string
  readonly #book: PolicyBook
  readonly #subscribers = new Map<number, ModelSubscriber>()
  #policy: PlainPolicy
  #triggers: readonly PlainTrigger[] = []
  #candidates: ModelCandidate[] = []
  #nowMs: number
  /** Candidates so far; each ends in a delivery, a holdout or a suppression, or waits. */
  candidateCount = 0

  constructor({ policy, zone, startMs }: ModelStart, draws: Draws) {
    this.#zone = zone
    this.#nowMs = startMs
    this.#policy = policy
    this.#book = new PolicyBook({ policy, zone, startMs }, draws)
    this.#usePolicy(policy)
  }

  /** Applies one input and returns its decisions in order. Mutates the model only. */
  apply(input: PlainInput): PolicyDecision[] {
    this.#candidates = []
    if (input.kind === 'tick' && input.timeMs !== null && input.writer === TICK_WRITER) {
      this.#nowMs = Math.max(this.#nowMs, input.timeMs)
    }
    this.#book.begin(input.sequence, this.#nowMs)
    this.#book.fireDue()
    if (input.kind === 'config') this.#usePolicy(input.policy)
    if (input.kind === 'usage') for (const record of input.records) this.#applyRecord(record)
    if (input.kind === 'profile') for (const row of input.rows) this.#applyRow(row)
    if (input.kind === 'feedback') for (const row of input.rows) this.#applyFeedback(row)
    if (input.kind === 'erase') for (const number of input.subscribers) this.#erase(number)
    if (input.kind === 'cancel') this.#book.cancel(input)
    this.#book.settle(this.#candidates)
    return this.#book.takeDecisions()
  }

  /** Deliveries decided and not yet sent. */
  pendingCount(): number {
    return this.#book.pendingCount()
  }

  /** The partition's clock, ms. */
  clockMs(): number {
    return this.#nowMs
  }

  #usePolicy(policy: PlainPolicy): void {
    this.#policy = policy
    this.#triggers = [...policy.triggers].sort((left, right) => (left.path < right.path ? -1 : 1))
    this.#book.usePolicy(policy)
  }

  #applyRecord(record: NaiveRecord): void {
    const { timeMs } = record
    if (timeMs < this.#nowMs - LATENESS_MS || timeMs > this.#nowMs + EARLINESS_MS) return
    const subscriber = this.#subscriberOf(record.subscriber)
    const counter = record.kind === 0 ? 'data' : record.kind === 1 ? 'calls' : null
    countRecord(subscriber, counter, counter === 'data' ? record.usageBytes : 1, timeMs)
    for (const trigger of this.#triggers) {
      const { condition, isLateFiring } = trigger
      if (condition.counter !== counter) continue
      if (isPast(subscriber, condition.per, timeMs) && !isLateFiring) continue
      this.#judge(trigger, subscriber, timeMs)
    }
  }

  #applyRow(row: ProfileRow): void {
    const subscriber = this.#subscriberOf(row.subscriber)
    for (const [tag, value] of Object.entries(row.tags)) {
      if (tag === 'seed') subscriber.seedVersion = typeof value === 'number' ? value : null
      else if (value === true) subscriber.tags.add(tag)
      else subscriber.tags.delete(tag)
    }
    const { fee } = row.fields
    if (fee !== undefined) subscriber.fee = typeof fee === 'number' ? fee : null
    for (const [list, isOn] of Object.entries(row.lists)) {
      if (isOn) subscriber.lists.add(list as PlainList)
      else subscriber.lists.delete(list as PlainList)
    }
    if (row.zone !== undefined) subscriber.zone = row.zone ?? this.#zone
    if (row.cycleDay !== undefined) subscriber.cycleDay = row.cycleDay
    for (const trigger of this.#triggers) {
      const { tag, without } = trigger.condition
      const isTouched =
        row.zone !== undefined ||
        row.cycleDay !== undefined ||
        (tag !== null && tag in row.tags) ||
        (without !== null && without in row.tags)
      if (isTouched) this.#judge(trigger, subscriber, this.#nowMs)
    }
  }

  #applyFeedback(row: FeedbackRow): void {
    this.#book.feed(row)
  }

  #erase(number: number): void {
    if (!this.#subscribers.delete(number)) return
    this.#book.forget(number)
  }

  /** The condition with the counters as of an instant, and the latch of that period. */
  #judge(trigger: PlainTrigger, subscriber: ModelSubscriber, instantMs: number): void {
    const { condition } = trigger
    const period = periodText(trigger.once, instantMs, subscriber)
    const latch = `${trigger.id} ${period}`
    if (subscriber.latches.has(latch)) return
    if (!isConditionTrue(subscriber, condition, instantMs)) return
    subscriber.latches.add(latch)
    const tagging = trigger.oncePerTag ? `${trigger.id} #${subscriber.seedVersion}` : null
    const isTaggingUsed = tagging !== null && subscriber.latches.has(tagging)
    if (tagging !== null) subscriber.latches.add(tagging)
    this.candidateCount++
    const layers = this.#policy.arbitration?.layers ?? []
    const layer = trigger.layer === null ? layers.length - 1 : layers.indexOf(trigger.layer)
    this.#candidates.push({
      number: this.candidateCount,
      trigger: trigger.id,
      subscriber,
      period,
      latch,
      tagging,
      isTaggingUsed,
      incarnation: this.#book.incarnation(subscriber.subscriber),
      firedAtMs: instantMs,
      values: {
        [`${condition.counter}.${condition.per}`]: counterValue(
          subscriber,
          condition.counter,
          condition.per,
          instantMs,
        )!,
      },
      layer: Math.max(layer, 0),
      priority: trigger.priority ?? 100,
      value: worthOf(subscriber, trigger.value, instantMs),
    })
  }

  #subscriberOf(number: number): ModelSubscriber {
    let subscriber = this.#subscribers.get(number)
    if (subscriber === undefined) {
      subscriber = createSubscriber(number, this.#zone)
      this.#subscribers.set(number, subscriber)
    }
    return subscriber
  }
}
