/**
 * How decisions begin on the wire: map head and the entries that repeat from decision to decision
 * (kind, trigger, channel and message, or reason), encoded once.
 */

import type {
  Delivery,
  Holdout,
  JourneyDecision,
  Outcome,
  Shown,
  Suppression,
} from '../model/decision.ts'
import { CLASS_DEFAULT } from '../model/policy.ts'
import { Packer } from './packer.ts'

const COMMON_KEYS = 11
/** Keys beside those of the opening: id, not_before, not_after. */
const SENT_KEYS = 3
/** Keys beside those of the opening: id, time. */
const OUTCOME_KEYS = 2
/** Keys beside those of the opening: place. */
const SHOWN_KEYS = 1
/** kind and trigger are among the common keys. */
const OPENING_COMMON_KEYS = 2
/** Openings remembered; more come from reloads alone, and then all are made anew. */
const OPENINGS_MAX = 4_096

type Opened =
  | (Pick<
      Delivery,
      | 'kind'
      | 'trigger'
      | 'channel'
      | 'class'
      | 'isCanary'
      | 'message'
      | 'action'
      | 'segments'
      | 'lang'
      | 'purpose'
      | 'region'
    > & { readonly isPersonal?: boolean })
  | Pick<Holdout, 'kind' | 'trigger' | 'channel' | 'experiment' | 'region'>
  | Pick<Suppression, 'kind' | 'trigger' | 'reason' | 'winner' | 'detail'>
  | Pick<Shown, 'kind' | 'trigger' | 'channel' | 'isCanary' | 'region'>
  | OpenedOutcome
  | OpenedJourney

type OpenedJourney = Pick<
  JourneyDecision,
  'kind' | 'trigger' | 'what' | 'step' | 'why' | 'isControl' | 'isCanary' | 'region'
>

type OpenedOutcome = Pick<
  Outcome,
  | 'kind'
  | 'trigger'
  | 'channel'
  | 'what'
  | 'by'
  | 'word'
  | 'isFirst'
  | 'isControl'
  | 'isCanary'
  | 'purpose'
  | 'region'
>

interface KnownDelivery {
  readonly channel: string
  readonly class: string
  /** Null: every one says something else. */
  readonly message: string | null
  readonly bytes: Uint8Array
}

/** The openings of one partition's decisions. */
export class Openings {
  /**
   * By trigger, purpose, language and keys to follow; canaries apart. An edited trigger takes the
   * place of what it was.
   */
  readonly #deliveries = new Map<string, KnownDelivery>()
  readonly #canaries = new Map<string, KnownDelivery>()
  readonly #others = new Map<string, Uint8Array>()

  of(decision: Opened): Uint8Array {
    if (decision.kind === 'delivery') return this.#ofDelivery(decision)
    const { kind, trigger } = decision
    if (kind === 'holdout') {
      const { channel, experiment } = decision
      const extraKeys = SENT_KEYS + regionKeys(decision)
      const key = `${kind} ${extraKeys} ${trigger} ${channel} ${experiment}`
      return this.#ofOther(key, extraKeys, { kind, trigger, channel, experiment })
    }
    if (kind === 'outcome') return this.#ofOutcome(decision)
    if (kind === 'journey') return this.#ofJourney(decision)
    if (kind === 'shown') {
      const { channel, isCanary } = decision
      const extraKeys = SHOWN_KEYS + regionKeys(decision)
      const key = `${kind} ${extraKeys} ${isCanary} ${trigger} ${channel}`
      const canary = isCanary ? { canary: true } : {}
      return this.#ofOther(key, extraKeys, { kind, trigger, channel, ...canary })
    }
    const { reason, winner, detail } = decision
    // Written out each time: they would make too many openings.
    const extraKeys = (winner === undefined ? 0 : 1) + (detail === undefined ? 0 : 1)
    return this.#ofOther(`${reason} ${extraKeys} ${trigger}`, extraKeys, { kind, trigger, reason })
  }

  #ofDelivery(delivery: Opened & { kind: 'delivery' }): Uint8Array {
    const { kind, trigger, channel, class: messageClass, isCanary, purpose, lang } = delivery
    const { isPersonal = false, action } = delivery
    // Written out each time: there is one per subscriber.
    const message = isPersonal || action !== undefined ? null : delivery.message
    const openings = isCanary ? this.#canaries : this.#deliveries
    const segmentKeys = delivery.segments === undefined ? 0 : 1
    const extraKeys =
      SENT_KEYS + regionKeys(delivery) + segmentKeys + (isPersonal || action !== undefined ? 1 : 0)
    const isPlain = purpose === undefined && lang === undefined && extraKeys === SENT_KEYS
    const name = isPlain ? trigger : `${trigger} ${extraKeys} ${purpose} ${lang} ${isPersonal}`
    const known = openings.get(name)
    const isSame =
      known !== undefined &&
      known.channel === channel &&
      known.class === messageClass &&
      known.message === message
    if (isSame) return known.bytes
    const entries: Record<string, string | boolean> = { kind, trigger, channel }
    if (message !== null) entries.message = message
    if (messageClass !== CLASS_DEFAULT) entries.class = messageClass
    if (isCanary) entries.canary = true
    if (lang !== undefined) entries.lang = lang
    if (purpose !== undefined) entries.purpose = purpose
    const bytes = encodeOpening(extraKeys, entries)
    openings.set(name, { channel, class: messageClass, message, bytes })
    return bytes
  }

  #ofOutcome(outcome: OpenedOutcome): Uint8Array {
    const { kind, trigger, channel, what, by, isFirst, isControl, isCanary, purpose } = outcome
    const extraKeys = OUTCOME_KEYS + regionKeys(outcome) + (outcome.word === undefined ? 0 : 1)
    const entries: Record<string, string | boolean> = { kind, trigger, channel, what, by }
    if (isFirst) entries.first = true
    if (isControl) entries.arm = 'control'
    if (isCanary) entries.canary = true
    if (purpose !== undefined) entries.purpose = purpose
    const key = `${Object.entries(entries).join(' ')} ${extraKeys}`
    return this.#ofOther(key, extraKeys, entries)
  }

  #ofJourney(decision: OpenedJourney): Uint8Array {
    const { kind, trigger, what, step, why, isControl, isCanary } = decision
    const extraKeys = regionKeys(decision)
    const entries: Record<string, string | boolean> = { kind, trigger, what }
    if (step !== undefined) entries.step = step
    if (why !== undefined) entries.why = why
    if (isControl) entries.arm = 'control'
    if (isCanary) entries.canary = true
    return this.#ofOther(`${Object.entries(entries).join(' ')} ${extraKeys}`, extraKeys, entries)
  }

  #ofOther(
    key: string,
    extraKeys: number,
    entries: Readonly<Record<string, string | boolean>>,
  ): Uint8Array {
    let bytes = this.#others.get(key)
    if (bytes === undefined) {
      if (this.#others.size >= OPENINGS_MAX) this.#others.clear()
      bytes = encodeOpening(extraKeys, entries)
      this.#others.set(key, bytes)
    }
    return bytes
  }
}

/** The region is written out each time, after the opening. */
function regionKeys({ region }: { readonly region?: string }): number {
  return region === undefined ? 0 : 1
}

function encodeOpening(
  extraKeys: number,
  entries: Readonly<Record<string, string | boolean>>,
): Uint8Array {
  const packer = new Packer(256)
  const names = Object.keys(entries)
  packer.map(COMMON_KEYS - OPENING_COMMON_KEYS + names.length + extraKeys)
  for (const name of names) {
    const value = entries[name]!
    packer.text(name)
    if (typeof value === 'string') packer.text(value)
    else packer.bool(value)
  }
  return packer.bytes.slice(0, packer.size)
}
