/**
 * How decisions begin on the wire: map head and the entries that repeat from decision to decision
 * (kind, trigger, channel and message, or reason), encoded once.
 */

import type { Delivery, Holdout, Suppression } from '../model/decision.ts'
import { CLASS_DEFAULT } from '../model/policy.ts'
import { Packer } from './packer.ts'

const COMMON_KEYS = 11
/** Keys beside those of the opening: id, not_before, not_after. */
const SENT_KEYS = 3
/** kind and trigger are among the common keys. */
const OPENING_COMMON_KEYS = 2
/** Openings remembered; more come from reloads alone, and then all are made anew. */
const OPENINGS_MAX = 4_096

type Opened =
  | Pick<Delivery, 'kind' | 'trigger' | 'channel' | 'class' | 'isCanary' | 'message'>
  | Pick<Holdout, 'kind' | 'trigger' | 'channel' | 'experiment'>
  | Pick<Suppression, 'kind' | 'trigger' | 'reason' | 'winner' | 'detail'>

interface KnownDelivery {
  readonly channel: string
  readonly class: string
  readonly message: string
  readonly bytes: Uint8Array
}

/** The openings of one partition's decisions. */
export class Openings {
  /** By trigger; canaries apart. An edited trigger takes the place of what it was. */
  readonly #deliveries = new Map<string, KnownDelivery>()
  readonly #canaries = new Map<string, KnownDelivery>()
  readonly #others = new Map<string, Uint8Array>()

  of(decision: Opened): Uint8Array {
    if (decision.kind === 'delivery') return this.#ofDelivery(decision)
    const { kind, trigger } = decision
    if (kind === 'holdout') {
      const { channel, experiment } = decision
      const key = `${kind} ${trigger} ${channel} ${experiment}`
      return this.#ofOther(key, SENT_KEYS, { kind, trigger, channel, experiment })
    }
    const { reason, winner, detail } = decision
    // Written out each time: they would make too many openings.
    const extraKeys = (winner === undefined ? 0 : 1) + (detail === undefined ? 0 : 1)
    return this.#ofOther(`${reason} ${extraKeys} ${trigger}`, extraKeys, { kind, trigger, reason })
  }

  #ofDelivery(delivery: Opened & { kind: 'delivery' }): Uint8Array {
    const { kind, trigger, channel, class: messageClass, message, isCanary } = delivery
    const openings = isCanary ? this.#canaries : this.#deliveries
    const known = openings.get(trigger)
    const isSame =
      known !== undefined &&
      known.channel === channel &&
      known.class === messageClass &&
      known.message === message
    if (isSame) return known.bytes
    const entries: Record<string, string | boolean> = { kind, trigger, channel, message }
    if (messageClass !== CLASS_DEFAULT) entries.class = messageClass
    if (isCanary) entries.canary = true
    const bytes = encodeOpening(SENT_KEYS, entries)
    openings.set(trigger, { channel, class: messageClass, message, bytes })
    return bytes
  }

  #ofOther(key: string, extraKeys: number, entries: Readonly<Record<string, string>>): Uint8Array {
    let bytes = this.#others.get(key)
    if (bytes === undefined) {
      if (this.#others.size >= OPENINGS_MAX) this.#others.clear()
      bytes = encodeOpening(extraKeys, entries)
      this.#others.set(key, bytes)
    }
    return bytes
  }
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
