/** What a partition decides: the numbered entries of the output chain. */

/**
 * Why a candidate did not become a delivery: a bounded list, each counted and answerable. `erased`
 * is counted and never written: a decision would name the subscriber again.
 */
export const SUPPRESSION_REASONS = [
  'list-black',
  'opted-out',
  'not-valid-yet',
  'no-longer-valid',
  'already-this-tagging',
  'cap-trigger',
  'outside-contact-window',
  'zone-unknown',
  'cancelled',
  'expired',
  'attempts-exhausted',
  'trigger-removed',
  'erased',
] as const

export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number]

/** Common to all decisions. Times are ms since the epoch on the partition's clock. */
export interface DecisionHead {
  /** 1, 2, 3 … for ever within a partition. */
  readonly number: number
  /** Sequence of the input that caused it. */
  readonly inputSequence: number
  readonly trigger: string
  readonly subscriber: number
  /** `2026-11`, `2026-11-20`, `2026-W47`, `2026-11-20T13`, `2026-11c` (billing cycle) or `ever`. */
  readonly period: string
  readonly attempt: number
  /** Config generation in force when it was decided. */
  readonly generation: number
  readonly decidedAtMs: number
  /** Event time of the record (or clock at the profile change) that made it fire. */
  readonly firedAtMs: number
  /** Counter values that made it fire, by `counter.counterWindow`. */
  readonly values: Readonly<Record<string, number>>
}

/**
 * A message to one subscriber: whoever sends it keeps to `notBeforeMs` and `notAfterMs` of real
 * time.
 */
export interface Delivery extends DecisionHead {
  readonly kind: 'delivery'
  /** See `deliveryIdOf`. */
  readonly id: string
  readonly channel: string
  readonly message: string
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/**
 * A delivery's id: `<trigger>:<subscriber>:<period>:<attempt>`, and `:<incarnation>` where that is
 * not 0: a number that comes back after an erasure must not repeat an id.
 */
export function deliveryIdOf(
  trigger: string,
  subscriber: number,
  period: string,
  attempt: number,
  incarnation: number,
): string {
  const id = `${trigger}:${subscriber}:${period}:${attempt}`
  return incarnation === 0 ? id : `${id}:${incarnation}`
}

/** The incarnation in a delivery's id. */
export function incarnationOf(deliveryId: string): number {
  return Number(deliveryId.split(':')[4] ?? 0)
}

/** A candidate that did not become a delivery, and why. */
export interface Suppression extends DecisionHead {
  readonly kind: 'suppressed'
  readonly reason: SuppressionReason
}

/** One numbered entry of the output chain. */
export type Decision = Delivery | Suppression

/** The envelope of one message of `out.<p>`, decoded. */
export type OutputEnvelope =
  | {
      readonly kind: 'claim'
      readonly worker: string
      readonly engine: string
      readonly claimedAtMs: number
    }
  | {
      readonly kind: 'decisions'
      /** OUT sequence of the owner's claim. */
      readonly epoch: number
      readonly first: number
      readonly last: number
      /** Running digest of all decisions up to `last`: 16 hex digits. */
      readonly digest: string
      readonly decisions: readonly Decision[]
    }
