/**
 * Messages as they go out: what a trigger says to one subscriber as of the partition's clock, and
 * how many SMS that takes.
 */

import { type MessageReader, renderMessage } from '../decision/message.ts'
import { assert } from '../errors.ts'
import type { Expression } from '../model/expression.ts'
import type { MessageSpec, MessageText } from '../model/message.ts'
import { smsLength } from '../model/sms.ts'
import { PERIOD_KEYS } from '../state/periods.ts'
import type { PartitionCore } from './core.ts'
import { SubscriberReader } from './subscriber-reader.ts'

/** What a delivery says. */
export interface ComposedMessage {
  readonly message: string
  readonly isPersonal: boolean
  readonly lang?: string
  readonly segments?: number
}

/** A composed message, or the value that it lacks. */
export type Composition =
  | { readonly kind: 'whole'; readonly composed: ComposedMessage }
  | { readonly kind: 'incomplete'; readonly missing: string }

/** Composes messages of one partition. */
export class Composer {
  readonly #core: PartitionCore
  readonly #reader: SlotReader
  /** What is always the same; goes with the generation that says it. */
  readonly #constants = new WeakMap<MessageText, Composition>()

  constructor(core: PartitionCore) {
    this.#core = core
    this.#reader = new SlotReader(core)
  }

  /** What a message says to a subscriber now, on a channel. */
  compose(spec: MessageSpec, channel: string, slot: number): Composition {
    const { texts, languageField, isPersonal } = spec
    if (languageField === null && !isPersonal) return this.#constant(texts[0]!, channel)
    this.#reader.turnTo(slot)
    const rendering = renderMessage(spec, this.#reader)
    if (rendering.kind === 'incomplete') return rendering
    const { text, language } = rendering
    return { kind: 'whole', composed: this.#composed(text, channel, language, isPersonal) }
  }

  /** What a message says whose text is known already. */
  composeText(text: string, channel: string): ComposedMessage {
    return this.#composed(text, channel, null, true)
  }

  #constant(only: MessageText, channel: string): Composition {
    const known = this.#constants.get(only)
    const isSms = this.#isSms(channel)
    // The channel may have become one for SMS while the trigger's text stayed.
    if (known?.kind === 'whole' && (known.composed.segments !== undefined) === isSms) return known
    const text = (only.parts[0] as string | undefined) ?? ''
    const fresh: Composition = {
      kind: 'whole',
      composed: this.#composed(text, channel, null, false),
    }
    this.#constants.set(only, fresh)
    return fresh
  }

  #composed(
    message: string,
    channel: string,
    language: string | null,
    isPersonal: boolean,
  ): ComposedMessage {
    return {
      message,
      isPersonal,
      ...(language === null ? {} : { lang: language }),
      ...(this.#isSms(channel) ? { segments: smsLength(message).segments } : {}),
    }
  }

  #isSms(channel: string): boolean {
    return this.#core.compiled.policy.smsChannels.has(channel)
  }
}

/** What a message reads of one subscriber, in the periods of the partition's clock. */
export class SlotReader implements MessageReader {
  readonly #core: PartitionCore
  readonly #reader: SubscriberReader
  readonly #keys = new Int32Array(PERIOD_KEYS)
  #slot = -1

  constructor(core: PartitionCore) {
    this.#core = core
    this.#reader = new SubscriberReader(core)
  }

  /** Reads of this subscriber from now on, as of now. */
  turnTo(slot: number): void {
    this.#slot = slot
    this.#keys.set(this.#core.periodKeys(slot, this.#core.clockMs))
  }

  has(field: string): boolean {
    return this.#core.hasField(this.#slot, field)
  }

  field(field: string): number {
    return this.#core.fieldValue(this.#slot, field)
  }

  measure(expression: Expression): number {
    assert(this.#slot !== -1)
    return this.#reader.numberOf(expression, this.#slot, this.#keys)
  }

  offsetAt(instantMs: number): number {
    return Number.isFinite(instantMs) ? this.#core.clockOf(this.#slot).offsetAt(instantMs) : 0
  }
}
