/**
 * Deliveries that no candidate became: a person tries a trigger's text out, or Highwater tells one
 * of the operator's people something. They pass no latch, cap or window, are in no rate, and leave
 * nothing in the ledger; they count in what their channel carries.
 */

import type { TriggerSpec } from '../model/catalog.ts'
import { NOTICE_TRIGGER, noticeIdOf, testIdOf } from '../model/decision.ts'
import type { ControlMessage } from '../model/messages.ts'
import { RejectError } from '../model/reject.ts'
import { partitionOf } from '../model/wire.ts'
import { Composer } from './composing.ts'
import type { PartitionCore } from './core.ts'
import { regionOf } from './region.ts'

/** How long after it was asked for such a delivery may still go out. */
export const DIRECT_LIFETIME_MS = 24 * 3_600_000

type TestMessage = Extract<ControlMessage, { kind: 'test' }>
type NoticeMessage = Extract<ControlMessage, { kind: 'notice' }>

/** Makes test sends and notices of one partition. */
export class DirectSends {
  readonly #core: PartitionCore
  readonly #composer: Composer

  constructor(core: PartitionCore) {
    this.#core = core
    this.#composer = new Composer(core)
  }

  /**
   * Sends what a trigger says to a tester, whatever the trigger's validity. Throws RejectError
   * where there is no such trigger, the subscriber is no tester, or the message lacks a value of
   * it.
   */
  test({ id, trigger: triggerId, subscriber }: TestMessage): void {
    const core = this.#core
    this.#checkPartition(subscriber)
    const trigger = core.compiled.triggerById(triggerId)
    if (trigger === undefined) {
      throw new RejectError('unknown-name', 'trigger', 'there is no such trigger in force')
    }
    const slot = core.index.find(subscriber)
    if (slot === -1 || !core.isListed(slot, 'canary')) {
      throw new RejectError('not-a-canary', 'sub', 'test sends go to the list canary only')
    }
    const { channel, class: className } = trigger.spec
    const content = this.#contentOf(trigger.spec, slot)
    core.capacity.count(channel, className)
    core.outbox.add({
      kind: 'delivery',
      ...this.#head(triggerId, subscriber),
      id: testIdOf(triggerId, subscriber, id),
      channel,
      class: className,
      isCanary: true,
      purpose: 'test',
      ...content,
      ...regionOf(core, slot),
    })
    core.statistics.testSends += 1
  }

  /** Sends a text to a number that need not be a subscriber's. Throws RejectError. */
  notice({ id, subscriber, channel, message, class: className }: NoticeMessage): void {
    const core = this.#core
    this.#checkPartition(subscriber)
    const { channels, classes } = core.compiled.catalog.policy
    // Without declarations a channel is whatever a gateway takes it for, as for triggers.
    if (channels.length > 0 && !channels.some(({ name }) => name === channel)) {
      throw new RejectError('unknown-name', 'channel', 'there is no such channel')
    }
    if (!classes.some(({ name }) => name === className)) {
      throw new RejectError('unknown-name', 'class', 'there is no such class')
    }
    core.capacity.count(channel, className)
    core.outbox.add({
      kind: 'delivery',
      ...this.#head(NOTICE_TRIGGER, subscriber),
      id: noticeIdOf(subscriber, id),
      channel,
      class: className,
      isCanary: false,
      purpose: 'notice',
      ...this.#composer.composeText(message, channel),
    })
    core.statistics.notices += 1
  }

  /** What a trigger says or gives. Throws RejectError where that is nothing to be tried out. */
  #contentOf({ message, channel, action }: TriggerSpec, slot: number) {
    if (action?.kind === 'credit') return { message: '', action }
    if (action !== undefined) {
      throw new RejectError('unknown-name', 'trigger', 'this trigger sends nothing: it sets a tag')
    }
    const composition = this.#composer.compose(message, channel, slot)
    if (composition.kind === 'whole') return composition.composed
    const detail = `the message lacks ${composition.missing}`
    throw new RejectError('message-incomplete', 'trigger', detail)
  }

  #checkPartition(subscriber: number): void {
    const { partition, partitionCount } = this.#core.genesis
    if (partitionOf(subscriber, partitionCount) === partition) return
    throw new RejectError('wrong-partition', 'sub', 'this number belongs to another partition')
  }

  #head(trigger: string, subscriber: number) {
    const core = this.#core
    const { clockMs } = core
    core.statistics.decisions += 1
    return {
      inputSequence: core.inputSequence,
      trigger,
      subscriber,
      period: 'ever',
      attempt: 1,
      generation: core.generation,
      decidedAtMs: clockMs,
      firedAtMs: clockMs,
      values: {},
      notBeforeMs: clockMs,
      notAfterMs: clockMs + DIRECT_LIFETIME_MS,
    }
  }
}
